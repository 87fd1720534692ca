/**
 * Encodings on a real server: what no encoding can hold, sessions in other
 * encodings, and text that is invalid.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { DataError, NotSupportedError, sql } from "../../mod.ts";
import {
  CharacterNotInRepertoire,
  UntranslatableCharacter,
} from "../../errors/mod.ts";
import {
  assertLoads,
  everyWay,
  KINDS,
  open,
  type TupleConnection,
} from "../support/values.ts";

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
