import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  connect,
  InterfaceError,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
  RawCursor,
  scalarRow,
  sql,
  tupleRow,
} from "../../mod.ts";
import { SyntaxError, UndefinedTable } from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";

Deno.test("CU-02 statusMessage: null, then the tag, null after an empty or failed statement", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  assertEquals(cursor.statusMessage, null);
  await cursor.execute("select generate_series(1, 10)");
  assertEquals(cursor.statusMessage, "SELECT 10");
  await cursor.execute("");
  assertEquals(cursor.statusMessage, null);
  await cursor.execute("create temp table statusmessage (n int)");
  assertEquals(cursor.statusMessage, "CREATE TABLE");
  await assertRejects(() => cursor.execute("wat"), SyntaxError);
  assertEquals(cursor.statusMessage, null);
});

Deno.test("CU-04 nextSet: each statement of a text has its result", async () => {
  await using conn = await connect(testDsn(), { rowFactory: tupleRow });
  const cursor = conn.cursor();
  await cursor.execute("select 'foo'; select generate_series(1, 3)");
  assertEquals(await cursor.fetchAll(), [["foo"]]);
  assertEquals(cursor.rowCount, 1);
  assertEquals(cursor.nextSet(), true);
  assertEquals(await cursor.fetchAll(), [[1], [2], [3]]);
  assertEquals(cursor.rowCount, 3);
  assertEquals(cursor.nextSet(), false);
});

Deno.test("execute: several statements with parameters are refused by the server", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const error = await assertRejects(
    () => conn.execute("select %s::int; select %s::int", [1, 2]),
    SyntaxError,
  );
  assertEquals(error.connectionUsable, true);
});

Deno.test("CU-08 execute: the types of parameters may change between calls", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  await conn.execute("create temp table retype (n int)");
  const cursor = conn.cursor({ rowFactory: scalarRow });
  for (const n of [1, 100_000, 1, 100_000]) {
    await cursor.execute("insert into retype values (%s)", [n]);
  }
  await cursor.execute("select n from retype");
  assertEquals(await cursor.fetchAll(), [1, 100_000, 1, 100_000]);
});

Deno.test("CU-10 fetchOne: null at the end", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = await conn.execute("select 1 as n");
  assertEquals(await cursor.fetchOne(), { n: 1 });
  assertEquals(await cursor.fetchOne(), null);
  assertEquals(await cursor.fetchOne(), null);
});

Deno.test("CU-12 fetch: without rows it says the command status", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  await assertRejects(
    () => cursor.fetchOne(),
    ProgrammingError,
    "no statement",
  );
  await cursor.execute("set timezone to utc");
  for (
    const fetch of [
      () => cursor.fetchOne(),
      () => cursor.fetchMany(2),
      () => cursor.fetchAll(),
      () => Array.fromAsync(cursor),
    ]
  ) {
    await assertRejects(fetch, ProgrammingError, "command status: SET");
  }
  await cursor.execute("");
  await assertRejects(() => cursor.fetchOne(), ProgrammingError, "EMPTY_QUERY");
});

Deno.test("CU-14 execute: binary of a single run wins over that of the cursor", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor<Uint8Array | { at: unknown }>({ binary: true });
  // A type without a binary loader shows the format: bytes or the server's text.
  await conn.execute("set lc_monetary to 'C'");
  await cursor.execute("select '1.5'::money as at", undefined, {
    binary: false,
  });
  assertEquals(await cursor.fetchOne(), { at: "$1.50" });
  await cursor.execute("select '1.5'::money as at");
  assertEquals(await cursor.fetchOne(), {
    at: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 150),
  });
  await cursor.execute("select 1 as at", undefined, { binary: false });
  assertEquals(await cursor.fetchOne(), { at: 1 });
});

Deno.test("CU-16 rowCount: of rows, of what a command concerned, else -1", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const count = async (query: string) => (await conn.execute(query)).rowCount;
  assertEquals(conn.cursor().rowCount, -1);
  assertEquals(await count("select 1 where false"), 0);
  assertEquals(await count("select generate_series(1, 42)"), 42);
  assertEquals(await count("show timezone"), 1);
  assertEquals(await count("create temp table counted (n int)"), -1);
  assertEquals(
    await count("insert into counted select generate_series(1, 42)"),
    42,
  );
  assertEquals(await count("update counted set n = 0 where n <= 7"), 7);
  assertEquals(
    await count("insert into counted values (1), (2) returning n"),
    2,
  );
});

Deno.test("CU-18 rowNumber: null where there are no rows, else the next row's index", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  assertEquals(cursor.rowNumber, null);
  await cursor.execute("");
  assertEquals(cursor.rowNumber, null);
  await cursor.execute("set timezone to utc");
  assertEquals(cursor.rowNumber, null);
  await cursor.execute("set timezone to utc; select generate_series(1, 3)");
  assertEquals(cursor.rowNumber, null);
  assert(cursor.nextSet());
  assertEquals(cursor.rowNumber, 0);
  await cursor.fetchOne();
  assertEquals(cursor.rowNumber, 1);
  await cursor.fetchAll();
  assertEquals(cursor.rowNumber, 3);
});

Deno.test("CU-22 rowFactory: what it throws rejects execute(), and the connection goes on", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const built = conn.cursor({
    rowFactory: () => {
      throw new RangeError("built");
    },
  });
  await assertRejects(() => built.execute("select 1"), RangeError, "built");
  const each = conn.cursor({
    rowFactory: () => () => {
      throw new RangeError("each");
    },
  });
  await assertRejects(
    () => each.execute("select generate_series(1, 3)"),
    RangeError,
    "each",
  );
  await assertRejects(
    () => each.execute("select %s::int", [1]),
    RangeError,
    "each",
  );
  assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
});

Deno.test("CU-46 RawCursor: $n only, an array only, no templates", async () => {
  await using conn = await connect(testDsn(), {
    autocommit: true,
    cursorFactory: RawCursor,
    rowFactory: tupleRow,
  });
  assertInstanceOf(conn.cursor(), RawCursor);
  assertEquals(
    await conn.execute("select $1::int, $2::text", [1, null]).fetchOne(),
    [1, null],
  );
  await assertRejects(
    () => conn.execute("select $1::int", { a: 1 }),
    TypeError,
  );
  await assertRejects(
    () => conn.execute(sql`select ${1}`),
    NotSupportedError,
  );
  assertEquals(
    await conn.execute("select '%s', $1::int % 3", [7]).fetchOne(),
    ["%s", 1],
  );
});

Deno.test("CU-48 fetchAll: nothing after the last row", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = await conn.execute("select generate_series(1, 3) as n");
  assertEquals(await cursor.fetchAll(), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assertEquals(await cursor.fetchAll(), []);
  assertEquals(await cursor.fetchMany(3), []);
});

Deno.test("execution: fetch methods and iteration without awaiting the cursor", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const query = "select generate_series(1, 3) as n";
  assertEquals(await conn.execute(query).fetchOne(), { n: 1 });
  assertEquals(await conn.execute(query).fetchMany(2), [{ n: 1 }, { n: 2 }]);
  const seen: unknown[] = [];
  for await (const { n } of conn.execute(query)) seen.push(n);
  assertEquals(seen, [1, 2, 3]);
  const cursor = conn.cursor();
  assertEquals(await cursor.execute(query), cursor);
  await assertRejects(() => conn.execute("wat").fetchAll(), SyntaxError);
});

Deno.test("cursor: leaving a loop keeps the rest", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = await conn.execute("select generate_series(1, 3) as n");
  for await (const { n } of cursor) if (n === 2) break;
  assertEquals(await cursor.fetchAll(), [{ n: 3 }]);
});

Deno.test("cursor: fetchMany takes arraySize", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = await conn.execute("select generate_series(1, 4) as n");
  assertEquals((await cursor.fetchMany()).length, 1);
  cursor.arraySize = 2;
  assertEquals((await cursor.fetchMany()).length, 2);
});

Deno.test("cursor: a closed one is an InterfaceError, one of a closed connection an OperationalError", async () => {
  const conn = await connect(testDsn(), { autocommit: true });
  const closed = await conn.execute("select 1");
  await closed.close();
  assertEquals(closed.closed, true);
  await assertRejects(() => closed.execute("select 1"), InterfaceError);
  await assertRejects(() => closed.fetchOne(), InterfaceError);
  const cursor = await conn.execute("select 1 as n");
  await conn.close();
  assertEquals(cursor.description?.length, 1);
  const error = await assertRejects(
    () => cursor.execute("select 1"),
    OperationalError,
  );
  assertEquals(error.connectionUsable, false);
  assertEquals(error.reachedServer, false);
});

Deno.test("cursor: adapters of its own concern it alone", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  cursor.adapters.registerLoader("int4", (text) => `<${text}>`);
  for (let i = 0; i < 3; i++) {
    assertEquals(await cursor.execute("select 1 as n").fetchOne(), {
      n: "<1>",
    });
    assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
  }
});

Deno.test("cursor: query shows what was sent, after a failure too", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  await assertRejects(
    () => cursor.execute("select %s from nosuch", [1]),
    UndefinedTable,
  );
  assertEquals(cursor.query?.text, "select $1 from nosuch");
  assertEquals(cursor.query?.params, [1]);
});

Deno.test("CU-20 scroll: relative and absolute, and out of range it stays where it is", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor({ rowFactory: scalarRow });
  await assertRejects(() => cursor.scroll(0), ProgrammingError);
  await cursor.execute("select generate_series(1, 5)");
  await cursor.scroll(2);
  assertEquals(await cursor.fetchOne(), 3);
  await cursor.scroll(-1);
  assertEquals(await cursor.fetchOne(), 3);
  await cursor.scroll(4, "absolute");
  assertEquals(await cursor.fetchAll(), [5]);
  await cursor.scroll(0, "absolute");
  assertEquals(await cursor.fetchOne(), 1);
  for (const [n, mode] of [[4, "relative"], [-2, "relative"]] as const) {
    await assertRejects(() => cursor.scroll(n, mode), RangeError);
  }
  for (const n of [5, -1, 0.5, NaN]) {
    await assertRejects(() => cursor.scroll(n, "absolute"), RangeError);
  }
  await assertRejects(() => cursor.scroll(1, "wat" as "absolute"), TypeError);
  assertEquals(cursor.rowNumber, 1);
  await cursor.execute("set timezone to utc");
  await assertRejects(() => cursor.scroll(0), ProgrammingError);
});

Deno.test("setResult: to any of the results, from the end where negative", async () => {
  await using conn = await connect(testDsn(), { rowFactory: scalarRow });
  const cursor = await conn.execute("select 1; select 2; select 3");
  assertEquals(await cursor.setResult(2).fetchOne(), 3);
  assertEquals(await cursor.setResult(-3).fetchOne(), 1);
  assertEquals(await cursor.setResult(0).fetchOne(), 1);
  for (const index of [3, -4, 0.5]) {
    assertThrows(() => cursor.setResult(index), RangeError);
  }
  assertEquals(cursor.rowNumber, 1);
  assertEquals(await cursor.setResult(-1).fetchAll(), [3]);
});

Deno.test("CU-24 CU-42 rowFactory, adapters: a change counts from the next result on", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor<unknown>();
  const query = "select n from generate_series(1, 3) n";
  await cursor.execute(query);
  cursor.rowFactory = tupleRow;
  cursor.adapters.registerLoader("int4", {
    format: 0,
    load: () => "loaded",
  });
  assertEquals(await cursor.fetchOne(), { n: 1 });
  await cursor.scroll(0, "absolute");
  assertEquals(await cursor.fetchOne(), { n: 1 });
  await cursor.execute(query, undefined, { binary: false });
  assertEquals(await cursor.fetchOne(), ["loaded"]);
});
