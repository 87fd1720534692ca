/**
 * Text, bytes and uuid on a real server.
 *
 * @module
 */

import { encodeHex } from "@std/encoding/hex";
import { assertEquals, assertRejects } from "@std/assert";
import { sql } from "../../mod.ts";
import { DatatypeMismatch } from "../../errors/mod.ts";
import {
  StrBinaryDumper,
  StrDumper,
  StrDumperName,
  StrDumperUnknown,
  StrDumperVarchar,
  Uuid,
} from "../../types/mod.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  everyWay,
  KINDS,
  open,
} from "../support/values.ts";

const CHARACTERS: readonly string[] = Array.from(
  { length: 255 },
  (_, index) => String.fromCharCode(index + 1),
);

const TEXTS: readonly string[] = [
  "",
  " ",
  "  two  ",
  "hello",
  "it's",
  "''",
  "\\",
  "\\'; drop table users; --",
  "\\\\x41\\n\\u0041",
  '"quoted"',
  "{}",
  "{a,b}",
  "NULL",
  "null",
  "%s %% $1",
  "line\r\nline\ttab\v\f\b",
  "\u0001\u007f\u0080\u009f",
  "\ufeff byte order mark",
  "\ufeff",
  "\ufffd\ufffe\uffff",
  "\u2028\u2029",
  "e\u0301 \u00e9",
  "☃ € ß ﷽",
  "\u{1f600}\u{10ffff}\u{10000}",
  "日本語 한국어 العربية",
  "x".repeat(100_000),
  "€".repeat(50_000),
];

Deno.test("ST-01 every character from 1 to 255 comes back, as a parameter and as a literal, without a warning", async () => {
  await using conn = await open();
  const notices: string[] = [];
  conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary ?? ""));
  for (const setting of ["on", "off"]) {
    await conn.execute(`set standard_conforming_strings to ${setting}`);
    notices.length = 0; // newer servers warn of the setting itself
    for (const [index, character] of CHARACTERS.entries()) {
      const code = index + 1;
      for (const kind of KINDS) {
        assertEquals(
          await conn.execute(
            `select %${kind}::text, %${kind}::text = chr(%s), %${kind}::text[]`,
            [character, character, code, [character, `a${character}b`]],
          ).fetchOne(),
          [character, true, [character, `a${character}b`]],
          `${code} %${kind}`,
        );
      }
      assertEquals(
        await conn.execute(
          sql`select ${sql.literal(character)}, ${
            sql.literal(`a${character}b`)
          }, ${sql.literal([character])}::text[], ${
            sql.literal(character)
          } = chr(${sql.literal(code)})`,
        ).fetchOne(),
        [character, `a${character}b`, [character], true],
        `${code} as a literal`,
      );
    }
    const all = CHARACTERS.join("");
    const literal = sql`select ${sql.literal(all)}, ${
      sql.literal(CHARACTERS)
    }::text[]`;
    assertEquals(await conn.execute(literal).fetchOne(), [all, [
      ...CHARACTERS,
    ]]);
    assertEquals(notices, [], setting);
  }
  // That warnings would have been seen.
  await conn.execute("select 'a\\\\b'");
  assertEquals(notices.length > 0, true);
});

Deno.test("F3 literals are safe whatever standard_conforming_strings is", async () => {
  await using conn = await open();
  const hostile = [
    "\\'; select 1; --",
    "\\",
    "'\\''",
    "\\\\'",
    "$$",
    "\\u0027",
    "E'\\x27'",
  ];
  for (const setting of ["on", "off"]) {
    await conn.execute(`set standard_conforming_strings to ${setting}`);
    for (const text of hostile) {
      const query = sql`select ${sql.literal(text)}, ${
        sql.literal([text])
      }::text[], ${sql.literal({ text })}, ${
        sql.literal(new TextEncoder().encode(text))
      }`;
      assertExact(await conn.execute(query).fetchOne(), [
        text,
        [text],
        { text },
        new TextEncoder().encode(text),
      ]);
    }
  }
});

Deno.test("text, varchar, name, bpchar: strings come back by every way", async () => {
  await using conn = await open();
  for (const text of TEXTS) {
    await assertTrips(conn, text, "text");
    await assertTrips(conn, text, "varchar");
    // Without a length nothing is padded, and the server compares spaces only.
    await assertTrips(conn, text, "bpchar");
    if (new TextEncoder().encode(text).length < 64) {
      await assertTrips(conn, text, "name");
    }
  }
  await assertLoads(conn, "%s::char(5)", "ab   ", ["ab"]);
  await assertLoads(conn, "%s::varchar(2)", "ab", ["abc"]);
  await assertLoads(conn, "array[%s::char(3), null]", ["é  ", null], ["é"]);
  await assertLoads(conn, "repeat('€', 30)::name", "€".repeat(21));
  await assertLoads(conn, "repeat('x', 100)::name", "x".repeat(63));
});

Deno.test('"char": ASCII as it is, what is beyond as the server writes it, zero as nothing', async () => {
  await using conn = await open();
  for (const text of ["a", " ", "'", "\\", "", "~", "\u0001"]) {
    await assertLoads(conn, `%s::"char"`, text, [text]);
    await assertLoads(conn, `array[%s::"char", null]`, [text, null], [text]);
  }
  for (let code = 1; code < 128; code++) {
    await assertLoads(conn, `${code}::"char"`, String.fromCharCode(code));
  }
  await assertLoads(conn, `0::"char"`, "");
  // Older servers write the bare byte, which is no UTF-8.
  if (conn.info.serverVersion < 160000) return;
  for (const code of [-128, -1, -61]) {
    await assertLoads(
      conn,
      `(${code})::"char"`,
      `\\${(code + 256).toString(8)}`,
    );
  }
});

Deno.test("ST-07 arrays of 256 characters come back by each dumper of strings", async () => {
  await using conn = await open();
  const characters = [...CHARACTERS, "\u0100"];
  assertEquals(characters.length, 256);
  const dumpers = [
    [StrDumper, "text"],
    [StrDumperVarchar, "character varying"],
    [StrDumperName, "name"],
    [StrBinaryDumper, "text"],
    [StrDumperUnknown, null],
  ] as const;
  for (const [dumper, type] of dumpers) {
    const cursor = conn.cursor();
    cursor.adapters.registerDumper("string", dumper);
    for (const binary of [undefined, true, false, undefined]) {
      const options = binary === undefined ? {} : { binary };
      const query = type === null ? "select %s::text[]" : "select %s";
      await cursor.execute(query, [characters], options);
      assertEquals(await cursor.fetchOne(), [characters]);
      if (type === null) continue;
      await cursor.execute("select pg_typeof(%s)::text", [characters]);
      assertEquals(await cursor.fetchOne(), [`${type}[]`]);
    }
  }
  for (const type of ["text", "varchar", "bpchar", "name"]) {
    await assertTrips(conn, characters, `${type}[]`, { arrays: false });
  }
});

Deno.test("ST-09 a string goes into an enum", async () => {
  await using conn = await open();
  await conn.execute(
    "create type pg_temp.mood as enum ('sad', 'ok', 'très bien')",
  );
  await conn.execute("create temp table moods (mood pg_temp.mood)");
  for (const mood of ["sad", "ok", "très bien"]) {
    for (const kind of ["s", "t"] as const) {
      await conn.execute(`insert into moods values (%${kind})`, [mood]);
      assertEquals(
        await conn.execute(
          `select mood from moods where mood = %${kind} limit 1`,
          [mood],
        ).fetchOne(),
        [mood],
      );
      const loaded = await everyWay(conn, `select %${kind}::pg_temp.mood`, [
        mood,
      ]);
      // Nobody but the server knows this type, so its binary form is left as it is.
      assertEquals(loaded.get("binary"), new TextEncoder().encode(mood));
      loaded.delete("binary");
      for (const [way, value] of loaded) assertEquals(value, mood, way);
      await assertLoads(conn, `(%${kind}::pg_temp.mood[])::text[]`, [mood], [
        [mood],
      ]);
    }
    const error = await assertRejects(
      () => conn.execute("insert into moods values (%b)", [mood]),
      DatatypeMismatch,
    );
    assertEquals(error.connectionUsable, true);
    await conn.execute(sql`insert into moods values (${sql.literal(mood)})`);
  }
  // A type that the registry does not know arrives as text, time after time.
  for (let run = 0; run < 8; run++) {
    assertEquals(
      await conn.execute("select 'sad'::pg_temp.mood").fetchOne(),
      ["sad"],
    );
  }
});

Deno.test("ST-11 bytea: empty, NULL, every byte, both forms of input and output", async () => {
  await using conn = await open();
  const every = Uint8Array.from({ length: 256 }, (_, index) => index);
  const large = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7);
  const values = [
    new Uint8Array(),
    Uint8Array.of(0),
    Uint8Array.of(0, 0, 0),
    new TextEncoder().encode("\\x41 \\\\ '\"{},"),
    every,
    large,
  ];
  for (const output of ["hex", "escape"]) {
    await conn.execute(`set bytea_output to ${output}`);
    for (const value of values) {
      await assertTrips(conn, value, "bytea");
      for (const kind of KINDS) {
        await assertLoads(conn, `%${kind}`, value, [value]);
        await assertLoads(conn, `pg_typeof(%${kind})::text`, "bytea", [value]);
      }
      await assertLoads(conn, `%s::bytea`, value, [
        `\\x${encodeHex(value).toUpperCase()}`,
      ]);
    }
    await assertTrips(conn, null, "bytea");
    await assertTrips(conn, values, "bytea[]", { arrays: false });
  }
  for (
    const other of [every.buffer, new DataView(every.buffer, 3, 5)] as unknown[]
  ) {
    const bytes = other instanceof DataView ? every.slice(3, 8) : every;
    await assertTrips(conn, other, "bytea", { expected: bytes });
  }
  await assertTrips(conn, every.subarray(10, 20), "bytea", {
    expected: every.slice(10, 20),
  });
});

Deno.test("uuid: canonical strings, whatever the server was given", async () => {
  await using conn = await open();
  const canonical = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  const spellings = [
    canonical,
    canonical.toUpperCase(),
    `{${canonical}}`,
    canonical.replaceAll("-", ""),
    "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
  ];
  for (const text of spellings) {
    await assertTrips(conn, text, "uuid", { expected: canonical });
    await assertTrips(conn, new Uuid(text), "uuid", { expected: canonical });
    for (const kind of KINDS) {
      await assertLoads(conn, `%${kind}`, canonical, [new Uuid(text)]);
      await assertLoads(conn, `pg_typeof(%${kind})::text`, "uuid[]", [
        [new Uuid(text), null],
      ]);
    }
  }
  for (
    const text of [
      "00000000-0000-0000-0000-000000000000",
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ]
  ) {
    await assertTrips(conn, text, "uuid");
  }
});
