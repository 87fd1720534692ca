/**
 * Text, encodings, bytes and uuid on a real server.
 *
 * @module
 */

import { encodeHex } from "@std/encoding/hex";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { DataError, NotSupportedError, sql } from "../../mod.ts";
import {
  CharacterNotInRepertoire,
  DatatypeMismatch,
  UntranslatableCharacter,
} from "../../errors/mod.ts";
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
  type TupleConnection,
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
  for (const code of [-128, -1, -61]) {
    await assertLoads(
      conn,
      `(${code})::"char"`,
      `\\${(code + 256).toString(8)}`,
    );
  }
});

Deno.test("ST-03 F5 F7 a lone surrogate or a NUL never reaches the wire", async () => {
  await using conn = await open();
  for (const text of ["\uddf8", "a\ud83d", "\ud83da", "a\0b", "\0"]) {
    const parameters: [string, unknown][] = [
      ...KINDS.map((kind) =>
        [`select %${kind}::text`, text] as [string, unknown]
      ),
      ...KINDS.map((kind) =>
        [`select %${kind}::text[]`, ["fine", text]] as [string, unknown]
      ),
      ...KINDS.map((kind) =>
        [`select %${kind}::text[]`, [["fine"], [text]]] as [string, unknown]
      ),
    ];
    for (const [query, value] of parameters) {
      const error = await assertRejects(
        () => conn.execute(query, [value]),
        DataError,
      );
      assertEquals(error.reachedServer, false, query);
      assertEquals(error.connectionUsable, true);
      assert(!error.message.includes(text));
    }
    for (
      const query of [
        `select '${text}'`,
        sql`select ${sql.literal(text)}`,
        sql`select ${sql.literal([text])}`,
        sql`select 1 as ${sql.raw(`"${text}"`)}`,
      ]
    ) {
      const error = await assertRejects(() => conn.execute(query), DataError);
      assert(error.reachedServer !== true);
      assert(error.connectionUsable !== false);
    }
    await assertRejects(() => conn.execute(`select '${text}'`, []), DataError);
    // Names are refused as well.
    await assertRejects(async () => {
      await conn.execute(sql`select 1 as ${sql.id(text)}`);
    });
    assertEquals(await conn.execute("select 1").fetchOne(), [1]);
  }
});

Deno.test("ST-05 F16 latin9 and latin1 sessions", async () => {
  await using conn = await open();
  await conn.execute("set client_encoding to latin9");
  for (const kind of KINDS) {
    await assertLoads(conn, `%${kind}::text`, "€ é œ", ["€ é œ"]);
    await assertLoads(conn, `ascii(%${kind}::text)`, 8364, ["€"]);
    await assertLoads(conn, `%${kind}::text[]`, ["€", null], [["€", null]]);
  }
  await assertLoads(conn, "chr(8364)", "€");
  await assertLoads(conn, "'€'", "€");
  await assertLoads(conn, "ascii('€')", 8364);
  await assertLoads(conn, `'{"€": "œ"}'::json`, { "€": "œ" });
  const jsonb = await everyWay(conn, "select %s", [{ "€": "œ" }]);
  for (const value of jsonb.values()) assertEquals(value, { "€": "œ" });
  assertEquals(
    await conn.execute(sql`select ascii(${sql.literal("€")})`).fetchOne(),
    [8364],
  );

  await conn.execute("set client_encoding to latin1");
  await assertLoads(conn, "%s::text", "é ÿ \u0080 \u009f", [
    "é ÿ \u0080 \u009f",
  ]);
  for (const kind of KINDS) {
    for (const value of ["€", ["€"], "日本"]) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}`, [value]),
        DataError,
      );
      assertEquals(error.reachedServer, false);
      assertEquals(error.connectionUsable, true);
    }
  }
  const query = await assertRejects(
    () => conn.execute("select '€'"),
    DataError,
  );
  assertEquals(query.reachedServer, false);
  for (const binary of [true, false]) {
    const error = await assertRejects(
      () => conn.execute("select chr(8364)", undefined, { binary }),
      UntranslatableCharacter,
    );
    assertInstanceOf(error, DataError);
    assertEquals(error.connectionUsable, true);
  }
  assertEquals(await conn.execute("select 'é'").fetchOne(), ["é"]);
});

Deno.test("F16 set client_encoding: text is in the new encoding from then on", async () => {
  await using conn = await open();
  const samples: [string, string][] = [
    ["LATIN1", "é ÿ ¤"],
    ["LATIN2", "ł ő š"],
    ["LATIN5", "ğ ş İ"],
    ["LATIN9", "€ œ Ž"],
    ["LATIN10", "ș ț €"],
    ["WIN1250", "ł ő €"],
    ["WIN1251", "Привет №"],
    ["WIN1252", "€ ™ œ"],
    ["WIN1253", "Ελλάδα"],
    ["WIN866", "Привет"],
    ["KOI8R", "Привет"],
    ["KOI8U", "Їжак"],
    ["ISO_8859_5", "Привет"],
    ["SJIS", "日本語 カタカナ"],
    ["EUC_JP", "日本語 カタカナ"],
    ["EUC_KR", "한국어"],
    ["UHC", "한국어 뷁"],
    ["EUC_CN", "中文"],
    ["GBK", "中文 繁體"],
    ["GB18030", "中文 \u{1f600} €"],
    ["BIG5", "繁體中文"],
  ];
  for (const [encoding, text] of samples) {
    await conn.execute(`set client_encoding to ${encoding}`);
    for (const kind of KINDS) {
      await assertLoads(conn, `%${kind}::text`, text, [text]);
      await assertLoads(conn, `%${kind}::text[]`, [text], [[text]]);
    }
    await assertLoads(conn, `'${text}'`, text);
    // The code points as the server has them.
    const codes = [...text].map((character) => character.codePointAt(0));
    assertEquals(
      await conn.execute(
        "select array_agg(ascii(c)) from regexp_split_to_table(%s, '') c",
        [text],
      ).fetchOne(),
      [codes],
      encoding,
    );
    // The name of a column and the text of an error too.
    const cursor = await conn.execute(sql`select 1 as ${sql.id(text)}`);
    assertEquals(cursor.description?.[0]?.name, text, encoding);
    const error = await assertRejects(() =>
      conn.execute(sql`select ${sql.id(text)}`)
    );
    assert((error as Error).message.includes(text), encoding);
  }
  await conn.execute("reset client_encoding");
  await assertLoads(conn, "'\u{1f600}'", "\u{1f600}");
});

Deno.test("F16 set client_encoding: it takes effect for the statement after it, and ends with a rollback", async () => {
  await using conn = await open();
  await conn.execute("select 1; set client_encoding to latin1");
  await assertLoads(conn, "chr(233)", "é");
  await conn.execute("select set_config('client_encoding', 'latin9', false)");
  await assertLoads(conn, "chr(8364)", "€");
  await conn.execute("reset client_encoding; select 1");
  await assertLoads(conn, "chr(9731)", "☃");

  await conn.execute("begin");
  await conn.execute("set client_encoding to latin1");
  assertEquals(await conn.execute("select 'é', %s", ["é"]).fetchOne(), [
    "é",
    "é",
  ]);
  await conn.execute("rollback");
  assertEquals(await conn.execute("select '€', %s", ["€"]).fetchOne(), [
    "€",
    "€",
  ]);
});

Deno.test("F16 an encoding that nobody here can read is refused, never guessed", async () => {
  const conn = await open();
  try {
    await conn.execute("set client_encoding to euc_tw");
    const error = await assertRejects(
      () => conn.execute("select %s::text", ["中文"]),
      NotSupportedError,
    );
    assertEquals(error.reachedServer, false);
  } finally {
    await conn.close();
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

Deno.test("ST-13 client_encoding: the spellings that psycopg2 knew", async () => {
  const spellings: [string, string, string][] = [
    ["utf-8", "UTF8", "utf-8"],
    ["uTf-8", "UTF8", "utf-8"],
    ["UTF8", "UTF8", "utf-8"],
    ["latin9", "LATIN9", "iso8859-15"],
    ["iso8859-15", "LATIN9", "iso8859-15"],
  ];
  for (const [spelling, name, label] of spellings) {
    await using conn = await open({ clientEncoding: spelling });
    // The server reports what it made of the name, or the spelling it was given.
    assertEquals(await conn.execute("select '€', %s", ["€"]).fetchOne(), [
      "€",
      "€",
    ]);
    assertEquals(conn.info.encoding, label, spelling);
    assertEquals(
      await conn.execute(
        "select pg_char_to_encoding(current_setting('client_encoding')) = pg_char_to_encoding(%s)",
        [name],
      ).fetchOne(),
      [true],
    );
    await conn.execute(sql`set client_encoding to ${sql.literal(spelling)}`);
    assertEquals(await conn.execute("select '€'").fetchOne(), ["€"]);
    assertEquals(conn.info.encoding, label);
  }
});

/** Runs a block with a database whose encoding is SQL_ASCII. */
async function withAsciiDatabase(
  block: (conn: TupleConnection) => Promise<void>,
): Promise<void> {
  await using admin = await open();
  const name = `pgts_ascii_${crypto.randomUUID().slice(0, 8)}`;
  await admin.execute(
    sql`create database ${
      sql.id(name)
    } encoding 'SQL_ASCII' locale 'C' template template0`,
  );
  try {
    await using conn = await open({ dbname: name });
    await block(conn);
  } finally {
    await admin.execute(sql`drop database ${sql.id(name)} with (force)`);
  }
}

Deno.test("ST-15 F17 invalid UTF-8 in a SQL_ASCII database: DataError, or the bytes", async () => {
  await withAsciiDatabase(async (conn) => {
    assertEquals(
      await conn.execute("show server_encoding").fetchOne(),
      ["SQL_ASCII"],
    );
    await conn.execute("create temp table raw (t text, b bytea)");
    const samples = ["ff", "c3", "e282", "c0af", "eda080", "f4908080", "6180"];
    for (const hex of samples) {
      await conn.execute("set client_encoding to utf8");
      await conn.execute("truncate raw");
      // A SQL_ASCII database takes any bytes for text.
      await conn.execute(
        `insert into raw select convert_from('\\x${hex}', 'SQL_ASCII')`,
      );
      for (const binary of [true, false, undefined, undefined]) {
        const options = binary === undefined ? {} : { binary };
        for (const expression of ["t", "array[t]", "t::varchar", "t::name"]) {
          const error = await assertRejects(
            () =>
              conn.execute(
                `select ${expression} from raw`,
                undefined,
                options,
              ),
            DataError,
          );
          assertEquals(error.connectionUsable, true, hex);
        }
      }
      await conn.execute("set client_encoding to sql_ascii");
      const bytes = Uint8Array.from(
        hex.match(/../g)!,
        (byte) => parseInt(byte, 16),
      );
      await assertLoads(conn, "t from raw", bytes);
      await assertLoads(conn, "array[t, null] from raw", [bytes, null]);
      await assertLoads(conn, "t::varchar from raw", bytes);
      await assertLoads(conn, "t::name from raw", bytes);
    }
    assertEquals(conn.info.encoding, "ascii");
    // What goes out is UTF-8, and numbers and dates mean what they always do.
    await assertLoads(conn, "%s::text", new TextEncoder().encode("é€"), ["é€"]);
    await assertLoads(conn, "1::int4", 1);
    await assertLoads(conn, "true", true);
    await assertLoads(conn, "'1.50'::numeric", "1.50");
    await assertLoads(conn, `'{"a": 1}'::jsonb`, { a: 1 });
    await conn.execute("reset client_encoding");
    await assertLoads(conn, "%s::text", "é€", ["é€"]);
  });
});

Deno.test("F17 the server's refusal of invalid text is a DataError too", async () => {
  await using conn = await open();
  const error = await assertRejects(
    () => conn.execute("select convert_from('\\xff', 'UTF8')"),
    CharacterNotInRepertoire,
  );
  assertInstanceOf(error, DataError);
  assertEquals(error.connectionUsable, true);
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
