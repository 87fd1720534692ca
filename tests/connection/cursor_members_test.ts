/**
 * What a cursor tells about itself, and its rows one by one.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { inspect } from "node:util";
import {
  ClientCursor,
  connect,
  type CursorFactory,
  ExecStatus,
  InterfaceError,
  NotSupportedError,
  ProgrammingError,
  RawCursor,
  RawServerCursor,
  scalarRow,
  type ServerCursorFactory,
} from "../../mod.ts";
import { UndefinedTable } from "../../errors/mod.ts";
import { Format } from "../../types/mod.ts";
import { testDsn } from "../support/database.ts";

Deno.test("cursor: connection is the one it was opened on", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  assertStrictEquals<unknown>(conn.cursor().connection, conn);
  assertStrictEquals<unknown>(conn.cursor("named").connection, conn);
  await conn.transaction((tx) => {
    assertStrictEquals<unknown>(tx.cursor().connection, conn);
  });
  assertEquals(conn.cursor().connection.info.dbname, conn.info.dbname);
});

Deno.test("cursor: format asks for text or binary, from the next run on", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor({ rowFactory: scalarRow });
  const adapters = cursor.adapters;
  for (const format of [Format.TEXT, Format.BINARY]) {
    adapters.registerLoader("int4", {
      format,
      load: () => format === Format.TEXT ? "text" : "binary",
    });
  }
  assertEquals(cursor.format, null);
  for (
    const [format, expected] of [
      [Format.BINARY, "binary"],
      [Format.TEXT, "text"],
    ] as const
  ) {
    cursor.format = format;
    assertEquals(await cursor.execute("select 1").fetchOne(), expected);
    assertEquals(
      await cursor.execute("select %s", [1]).fetchOne() !== null,
      true,
    );
  }
  assertEquals(conn.cursor({ binary: true }).format, Format.BINARY);
  assertEquals(conn.cursor("named", { binary: false }).format, Format.TEXT);
  const client = new ClientCursor(conn.cursor().connection);
  client.format = Format.BINARY;
  await assertRejects(() => client.execute("select 1"), NotSupportedError);
});

Deno.test("cursor: pgresult tells of the result at hand as libpq does", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  assertEquals(cursor.pgresult, null);
  await cursor.execute(
    "select generate_series(1, 3)::int2 as n; create temp table pgresult (n int); insert into pgresult values (1), (2)",
  );
  const rows = cursor.pgresult!;
  assertEquals(rows.status, ExecStatus.TUPLES_OK);
  assertEquals([rows.ntuples, rows.nfields], [3, 1]);
  assertEquals([rows.fname(0), rows.ftype(0), rows.fsize(0)], ["n", 21, 2]);
  assertEquals(rows.commandStatus, "SELECT 3");
  const error = assertThrows(() => rows.getValue(0, 0), NotSupportedError);
  assert(error.message.includes("execParams()"));
  cursor.nextSet();
  assertEquals(cursor.pgresult?.status, ExecStatus.COMMAND_OK);
  assertEquals(cursor.pgresult?.commandTuples, null);
  cursor.nextSet();
  assertEquals(cursor.pgresult?.commandTuples, 2);
  await cursor.execute("");
  assertEquals(cursor.pgresult?.status, ExecStatus.EMPTY_QUERY);
  await assertRejects(() => cursor.execute("select from nosuch"));
  assertEquals(cursor.pgresult, null);
});

Deno.test("cursor: query tells the types that the parameters went out as, after a failure too", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const cursor = conn.cursor();
  const values = ["text", 1, 100_000, 2n ** 40n, 1.5, true, null];
  const query = `select ${values.map(() => "%s").join()} from nosuch`;
  await assertRejects(() => cursor.execute(query, values), UndefinedTable);
  assertEquals(cursor.query?.types, [0, 21, 23, 20, 701, 16, 0]);
  await assertRejects(
    () => cursor.execute("select %s, %s", [1, Symbol()]),
    ProgrammingError,
  );
  assertEquals(cursor.query?.types, [21, 0]);
  await cursor.execute("select 1");
  assertEquals(cursor.query?.types, []);
});

Deno.test("cursor: next() gives the rows one by one, and tells a null row from the end", async () => {
  await using conn = await connect(testDsn());
  const query = "select nullif(n, 2) from generate_series(1, 3) as n";
  const options = { rowFactory: scalarRow };
  const client = conn.cursor(options);
  const server = conn.cursor("named", { ...options, itersize: 2 });
  for (const cursor of [client, server]) {
    await cursor.execute(query);
    assertEquals(await cursor.next(), { value: 1, done: false });
    assertEquals(await cursor.next(), { value: null, done: false });
    for await (const last of cursor) assertEquals(last, 3);
    const end = { value: undefined, done: true } as const;
    assertEquals(await cursor.next(), end);
    assertEquals(await cursor.next(), end);
    assertEquals(cursor.closed, false);
    await cursor.execute(query);
    const both = await Promise.all([1, 2, 3, 4].map(() => cursor.next()));
    assertEquals(both.map(({ value }) => value), [1, null, 3, undefined]);
    await cursor.close();
    await assertRejects(() => cursor.next(), InterfaceError);
  }
  await assertRejects(() => conn.cursor().next(), ProgrammingError);
});

Deno.test("cursor: next() waits for what runs in a pipeline", async () => {
  await using conn = await connect(testDsn());
  const row = await conn.pipeline((p) => {
    const cursor = conn.cursor();
    cursor.execute("select 1 as n");
    p.execute("select 2");
    return cursor.next();
  });
  assertEquals(row, { value: { n: 1 }, done: false });
});

Deno.test("cursor: fetchMany() refuses what is no number of rows", async () => {
  await using conn = await connect(testDsn());
  const cursor = await conn.execute("select generate_series(1, 3) as n");
  for (const size of [-1, 1.5, -Infinity]) {
    await assertRejects(() => cursor.fetchMany(size), ProgrammingError);
  }
  assertEquals(await cursor.fetchMany(Infinity), [{ n: 1 }, { n: 2 }, {
    n: 3,
  }]);
});

Deno.test("cursor: printed, it tells its class, its state and its connection, and no values", async () => {
  class Mine<Row> extends RawCursor<Row> {}
  const conn = await connect(testDsn(), { cursorFactory: Mine });
  const where =
    `(host=${conn.info.host} user=${conn.info.user} database=${conn.info.dbname})`;
  const cursor = conn.cursor();
  assertEquals(String(cursor), `<Mine [no result] [IDLE] ${where}>`);
  await cursor.execute("select $1::text", ["a secret"]);
  const expected = `<Mine [TUPLES_OK] [INTRANS] ${where}>`;
  for (const text of [String(cursor), Deno.inspect(cursor), inspect(cursor)]) {
    assertEquals(text, expected);
  }
  const named = conn.cursor("named");
  await named.execute("select 1");
  assertEquals(
    String(named),
    `<ServerCursor [DECLARE CURSOR] [INTRANS] ${where}>`,
  );
  await cursor.close();
  await conn.close();
  assertEquals(String(cursor), `<Mine [closed] [BAD] ${where}>`);
});

Deno.test("cursorFactory, serverCursorFactory: may be functions", async () => {
  const made: unknown[] = [];
  const cursorFactory: CursorFactory = (connection, options) => {
    const cursor = new RawCursor(connection, options);
    cursor.arraySize = 2;
    made.push(cursor);
    return cursor;
  };
  const serverCursorFactory: ServerCursorFactory = (
    connection,
    name,
    options,
  ) => new RawServerCursor(connection, name, { itersize: 7, ...options });
  await using conn = await connect(testDsn(), {
    cursorFactory,
    serverCursorFactory,
  });
  const query = "select generate_series(1, $1) as n";
  assertEquals(await conn.execute(query, [9]).fetchMany(), [{ n: 1 }, {
    n: 2,
  }]);
  await conn.executeMany("select $1::int", [[1]]);
  for await (const row of conn.stream(query, [1])) assertEquals(row, { n: 1 });
  assertEquals(made.length, 3);
  const cursor = conn.cursor({ rowFactory: scalarRow });
  assertEquals(await cursor.execute(query, [1]).fetchOne(), 1);
  const named = conn.cursor("named");
  assertInstanceOf(named, RawServerCursor);
  assertEquals(named.itersize, 7);
  conn.cursorFactory = ClientCursor;
  assertInstanceOf(conn.cursor(), ClientCursor);
});

Deno.test("executeMany: what cannot be iterated is refused", async () => {
  await using conn = await connect(testDsn());
  for (const sets of [5, undefined, null, { a: 1 }]) {
    const error = await assertRejects(
      () => conn.executeMany("select %s", sets as never),
      TypeError,
    );
    assert(error.message.includes("executeMany()"), error.message);
  }
  await assertRejects(
    () => conn.pipeline((p) => p.executeMany("select %s", 5 as never)),
    TypeError,
  );
});

Deno.test("prepareThreshold, preparedMax: only whole numbers from 0 on and null", async () => {
  await using conn = await connect(testDsn());
  for (const value of [-1, 1.5, NaN, "5"]) {
    for (const name of ["prepareThreshold", "preparedMax"] as const) {
      assertThrows(
        () => conn[name] = value as number,
        ProgrammingError,
        name,
      );
      await assertRejects(
        () => connect(testDsn(), { [name]: value }),
        ProgrammingError,
        name,
      );
    }
  }
  assertEquals([conn.prepareThreshold, conn.preparedMax], [5, 100]);
  conn.prepareThreshold = null;
  conn.preparedMax = 0;
  assertEquals([conn.prepareThreshold, conn.preparedMax], [null, 0]);
});
