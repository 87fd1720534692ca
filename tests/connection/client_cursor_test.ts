import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ClientCursor,
  connect,
  NotSupportedError,
  ProgrammingError,
  sql,
  tupleRow,
} from "../../mod.ts";
import { SyntaxError } from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";

async function open() {
  const conn = await connect(testDsn(), {
    autocommit: true,
    rowFactory: tupleRow,
    cursorFactory: ClientCursor,
  });
  return { conn, cursor: conn.cursor() as ClientCursor<unknown[]> };
}

Deno.test("CU-06 several statements with parameters: refused by the server for Cursor, run by ClientCursor", async () => {
  await using plain = await connect(testDsn());
  await assertRejects(
    () => plain.execute("select %s::int; select %s::int", [1, 2]),
    SyntaxError,
  );
  const { conn, cursor } = await open();
  await using _ = conn;
  await cursor.execute(
    "select %s::text; select n from generate_series(1, %s::int) as n",
    ["foo", 3],
  );
  assertEquals(await cursor.fetchAll(), [["foo"]]);
  assertEquals(cursor.nextSet(), true);
  assertEquals(await cursor.fetchAll(), [[1], [2], [3]]);
  assertEquals(cursor.rowCount, 3);
  assertEquals(cursor.nextSet(), false);
});

Deno.test("CU-44 mogrify: the text with the values in it", async () => {
  const { conn, cursor } = await open();
  await using _ = conn;
  assertEquals(
    cursor.mogrify("select %s, %s", [1, Temporal.PlainDate.from("2020-01-01")]),
    "select 1, '2020-01-01'::date",
  );
  assertEquals(cursor.mogrify("select '100%'"), "select '100%'");
  assertEquals(
    cursor.mogrify("select %(a)s %% %(a)s", { a: 7 }),
    "select 7 % 7",
  );
  assertEquals(cursor.mogrify(sql`select ${"it's"}`), "select 'it''s'");
  assertEquals(cursor.mogrify("select %s", [null]), "select NULL");
});

Deno.test("F1 ClientCursor: a value cannot join what stands beside its placeholder", async () => {
  const { conn, cursor } = await open();
  await using _ = conn;
  assertEquals(await cursor.execute("select -%s", [-1]).fetchOne(), [1]);
  assertEquals(
    await cursor.execute("select 1 -%s, %s", [-1, "\n; drop table x --"])
      .fetchOne(),
    [2, "\n; drop table x --"],
  );
  assertEquals(await cursor.execute("select 5-%s-%s", [-1, -2]).fetchOne(), [
    8,
  ]);
  assertEquals(cursor.mogrify("select x%s", ["0f"]), "select x '0f'");
  assertEquals(cursor.mogrify("select %sx", ["a"]), "select 'a' x");
  assertEquals(cursor.mogrify("select 'a'%s", ["b"]), "select 'a' 'b'");
});

Deno.test("ClientCursor: a placeholder inside quotes or a comment is refused before sending", async () => {
  const { conn, cursor } = await open();
  await using _ = conn;
  const places = [
    ["select '%s'", "a string"],
    ["select 'it''s %s'", "a string"],
    ["select E'\\'%s'", "a string"],
    ['select 1 as "%s"', "a quoted identifier"],
    ["select $$ %s $$", "a dollar-quoted string"],
    ["select $tag$ $$ %s $tag$", "a dollar-quoted string"],
    ["select 1 -- %s", "a comment"],
    ["select /* /* */ %s */ 1", "a comment"],
  ] as const;
  for (const [query, place] of places) {
    assertThrows(() => cursor.mogrify(query, [1]), ProgrammingError, place);
    const error = await assertRejects(
      () => cursor.execute(query, [1]),
      ProgrammingError,
    );
    assertEquals(error.message.includes(place), true);
  }
  const allowed = [
    "select 'it''s', %s",
    "select '\\', %s",
    "select E'\\\\', %s",
    'select 1 as "a""b", %s',
    "select $$ $x$ $$, %s",
    "select 1 -- it's\n, %s",
    "select /* ' /* */ \" */ 1, %s",
    "select a$b, %s",
  ];
  for (const query of allowed) cursor.mogrify(query, [1]);
});

Deno.test("ClientCursor: values are safe in a session without standard_conforming_strings", async () => {
  const { conn, cursor } = await open();
  await using _ = conn;
  await cursor.execute("set standard_conforming_strings to off");
  await cursor.execute("set escape_string_warning to off");
  const value = "\\'; select 1 --";
  assertEquals(await cursor.execute("select %s", [value]).fetchOne(), [value]);
  assertThrows(
    () => cursor.mogrify("select '\\'%s'", [1]),
    ProgrammingError,
    "a string",
  );
});

Deno.test("ClientCursor: what it cannot do is refused in words", async () => {
  const { conn, cursor } = await open();
  await using _ = conn;
  await assertRejects(
    () => cursor.execute("select 1", [], { binary: true }),
    NotSupportedError,
    "binary",
  );
  await assertRejects(
    () => cursor.execute("select %b", [1]),
    NotSupportedError,
    "%b",
  );
  for (let i = 0; i < 8; i++) {
    await cursor.execute("select %s", [1], { prepare: true });
  }
  assertEquals(
    await cursor.execute("select count(*) from pg_prepared_statements")
      .fetchOne(),
    [0n],
  );
});

Deno.test("copy, ClientCursor: what is no statement is a TypeError that says so", async () => {
  const { conn, cursor } = await open();
  await using _ = conn;
  for (const query of [undefined, 5, { text: "select 1" }]) {
    for (
      const run of [
        () => conn.copy(query as never, () => {}),
        () => cursor.execute(query as never),
      ]
    ) {
      await assertRejects(run, TypeError, "the query must be a string");
    }
  }
});
