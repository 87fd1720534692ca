import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  AsyncClientCursor,
  AsyncConnection,
  AsyncCursor,
  AsyncRawCursor,
  AsyncRawServerCursor,
  AsyncServerCursor,
  ClientCursor,
  Connection,
  Cursor,
  InterfaceError,
  NotSupportedError,
  ProgrammingError,
  RawCursor,
  RawServerCursor,
  scalarRow,
  ServerCursor,
  sql,
  TransactionStatus,
  tupleRow,
} from "../../mod.ts";
import {
  DivisionByZero,
  DuplicateCursor,
  InvalidCursorName,
  NoActiveSqlTransaction,
  ObjectNotInPrerequisiteState,
  SyntaxError,
  UndefinedTable,
} from "../../errors/mod.ts";
import { OperationalError } from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";
import {
  assertError,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
} from "./support.ts";

/** A connection that opens transactions. */
function openTx(options: Parameters<typeof open>[0] = {}): Promise<Connection> {
  return open({ autocommit: false, ...options });
}

/** The cursors that the server has, by name. */
async function declared(conn: Connection): Promise<unknown[]> {
  const query =
    "select name from pg_cursors where statement like 'DECLARE%' order by 1";
  return await conn.cursor({ rowFactory: scalarRow }).execute(query).fetchAll();
}

/** A cursor with the numbers from 1 to `count`, as scalars. */
async function numbers(
  conn: Connection,
  count: number,
  options: { scrollable?: boolean; itersize?: number } = {},
): Promise<ServerCursor<unknown>> {
  const cursor = conn.cursor("n", { rowFactory: scalarRow, ...options });
  return await cursor.execute("select generate_series(1, %s)", [count]);
}

/** Everything that iterating gives. */
async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const row of rows) taken.push(row);
  return taken;
}

Deno.test(
  "SC-01 SC-03 cursor(name): any name is kept, and the columns are known before a row is fetched",
  quiet(async () => {
    await using conn = await openTx();
    for (const name of ["1-2-3", 'Q"uote; --', "ünïcode", "CamelCase"]) {
      const cursor = conn.cursor(name);
      assertEquals(cursor.name, name);
      assertEquals(cursor.description, null);
      await cursor.execute("select 1 as a, 'x'::text as b where false");
      assertEquals(await declared(conn), [name]);
      assertEquals(cursor.description?.map((c) => [c.name, c.typeCode]), [
        ["a", 23],
        ["b", 25],
      ]);
      assertEquals(cursor.rowCount, -1);
      assertEquals(cursor.rowNumber, 0);
      assertEquals(await cursor.fetchAll(), []);
      await cursor.close();
    }
    const unnamed = Promise.try(() => conn.cursor(""));
    assertError(await rejection(unnamed), {
      class: ProgrammingError,
      says: ["its name is empty"],
    });
    await conn.rollback();
  }),
);

Deno.test(
  "SC-05 iterating: fetches itersize rows at once, 100 unless told otherwise",
  quiet(async () => {
    await using conn = await openTx();
    const sent = recordStatements(conn);
    const cursor = await numbers(conn, 3, { itersize: 2 });
    sent.length = 0;
    assertEquals(await all(cursor), [1, 2, 3]);
    assertEquals(sent, [
      'FETCH FORWARD 2 FROM "n"',
      'FETCH FORWARD 2 FROM "n"',
    ]);
    assertEquals(cursor.itersize, 2);

    await cursor.close();
    const usual = await numbers(conn, 150);
    assertEquals(usual.itersize, 100);
    sent.length = 0;
    assertEquals((await all(usual)).length, 150);
    assertEquals(sent, Array(2).fill('FETCH FORWARD 100 FROM "n"'));
    usual.itersize = 0;
    assertError(await rejection(all(usual)), {
      class: ProgrammingError,
      says: ["itersize is 0"],
    });
    await conn.rollback();
  }),
);

/** The texts of the statements that the connection runs from now on. */
function recordStatements({ executor }: Connection): string[] {
  const sent: string[] = [];
  const { run } = executor;
  executor.run = (request) => {
    sent.push(request.text);
    return run.call(executor, request);
  };
  return sent;
}

Deno.test(
  "iterating: leaving the loop loses no row, nor does fetching or scrolling behind it",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = await numbers(conn, 20, { scrollable: true, itersize: 5 });
    for await (const n of cursor) if (n === 2) break;
    assertEquals(cursor.rowNumber, 2);
    assertEquals(await cursor.fetchOne(), 3);
    assertEquals(await cursor.fetchMany(4), [4, 5, 6, 7]);
    for await (const n of cursor) if (n === 9) break;
    await cursor.scroll(1); // among the rows that were fetched ahead
    assertEquals(await cursor.fetchOne(), 11);
    await cursor.scroll(-2);
    assertEquals(cursor.rowNumber, 9);
    assertEquals(await cursor.fetchOne(), 10);
    for await (const n of cursor) if (n === 11) break;
    assertEquals(await cursor.fetchAll(), [12, 13, 14, 15, 16, 17, 18, 19, 20]);
    assertEquals(cursor.rowNumber, 20);
    assertEquals(await all(cursor), []);
    await conn.rollback();
  }),
);

Deno.test(
  "fetching: one, many, all, and from several tasks at once",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = await numbers(conn, 10);
    cursor.arraySize = 2;
    assertEquals(await cursor.fetchOne(), 1);
    assertEquals(cursor.statusMessage, "FETCH 1");
    assertEquals(await cursor.fetchMany(), [2, 3]);
    assertEquals(
      await Promise.all([
        cursor.fetchMany(2),
        cursor.fetchOne(),
        cursor.fetchMany(1),
      ]),
      [[4, 5], 6, [7]],
    );
    assertEquals(cursor.rowNumber, 7);
    assertEquals(await cursor.fetchAll(), [8, 9, 10]);
    assertEquals(await cursor.fetchAll(), []);
    assertEquals(await cursor.fetchOne(), null);
    for (const size of [-1, 1.5, "1; drop table x"]) {
      assertError(await rejection(cursor.fetchMany(size as number)), {
        class: ProgrammingError,
        says: ["it must be a number of rows"],
      });
    }
    assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
    const again = conn.execute("select 1 as one");
    assertEquals(await again.fetchAll(), [{ one: 1 }]);
    await conn.rollback();
  }),
);

Deno.test(
  "SC-07 execute: what is no query is a ProgrammingError, and close() is fine then",
  quiet(async () => {
    for (
      const query of [
        "",
        "wat",
        "create table nope (n int)",
        "insert into nope values (1) returning 1",
        "select 1; select 2",
        "select 1; drop table nope",
      ]
    ) {
      await using conn = await openTx();
      const cursor = conn.cursor("c");
      const error = await rejection(cursor.execute(query));
      assertError(error, { class: SyntaxError, usable: true, reached: true });
      assert(error instanceof ProgrammingError);
      assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
      await cursor.close();
      assertEquals(cursor.closed, true);
      await assertUsable(conn);
    }
    await using conn = await openTx();
    await using cursor = conn.cursor("c");
    assertError(await rejection(cursor.execute("select * from nosuch")), {
      class: UndefinedTable,
    });
    assertError(await rejection(cursor.execute("select %s", [])), {
      class: ProgrammingError,
      reached: false,
    });
    await assertUsable(conn);
    await cursor.execute("select 1 as n;");
    assertEquals(await cursor.fetchAll(), [{ n: 1 }]);
  }),
);

Deno.test(
  "SC-09 close: it is gone from pg_cursors, silently whatever the state, and twice is fine",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = await numbers(conn, 3);
    assertEquals(await declared(conn), ["n"]);
    await cursor.close();
    assertEquals(await declared(conn), []);
    await cursor.close();
    for (const use of [cursor.fetchOne(), cursor.execute("select 1")]) {
      assertError(await rejection(use), { class: InterfaceError });
    }
    assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);

    const sent = recordStatements(conn);
    const never = conn.cursor("never");
    await never.close();
    assertEquals(never.closed, true);
    assertEquals(sent, []);

    const failed = await numbers(conn, 3);
    await rejection(conn.execute("wat"));
    assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
    await failed.close();
    assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
    await conn.rollback();

    const lost = await numbers(conn, 3);
    await using other = await open();
    await other.execute("select pg_terminate_backend(%s)", [
      conn.info.backendPid,
    ]);
    await rejection(lost.fetchOne());
    assertEquals(conn.broken, true);
    await lost.close();
  }),
);

Deno.test(
  "close: in a transaction that failed, a held cursor is closed all the same",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = conn.cursor("held", { withhold: true });
    await cursor.execute("select 1 as n");
    await conn.commit();
    await rejection(conn.execute("wat"));
    await cursor.close();
    await conn.rollback();
    assertEquals(await declared(conn), []);
    await conn.rollback();
  }),
);

Deno.test(
  "SC-11 withhold: without it a commit ends the cursor, with it the rows stay",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = await numbers(conn, 3);
    assertEquals(cursor.withhold, false);
    assertEquals(await cursor.fetchOne(), 1);
    await conn.commit();
    const error = await rejection(cursor.fetchOne());
    assertError(error, { class: InvalidCursorName, sqlstate: "34000" });
    await cursor.close();
    await conn.rollback();

    const held = conn.cursor("held", {
      withhold: true,
      rowFactory: scalarRow,
    });
    await held.execute("select generate_series(1, 3)");
    assertEquals(await held.fetchOne(), 1);
    await conn.commit();
    assertEquals(await held.fetchOne(), 2);
    await conn.commit();
    assertEquals(await all(held), [3]);
    await held.close();
    assertEquals(await declared(conn), []);
    await conn.rollback();

    conn.autocommit = true;
    const bare = conn.cursor("bare");
    assertError(await rejection(bare.execute("select 1")), {
      class: NoActiveSqlTransaction,
    });
    const kept = conn.cursor("kept", { withhold: true });
    await kept.execute("select 1 as n");
    assertEquals(await kept.fetchAll(), [{ n: 1 }]);
    await kept.close();
    assertEquals(await declared(conn), []);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  }),
);

Deno.test(
  "SC-13 scroll: moves as far as told, backwards only where that was asked for",
  quiet(async () => {
    await using conn = await openTx();
    const back = await numbers(conn, 3, { scrollable: false });
    assertEquals(back.scrollable, false);
    const refused = await rejection(back.scroll(-1));
    assertError(refused, { class: ObjectNotInPrerequisiteState });
    assert(refused instanceof OperationalError);
    await conn.rollback();

    const early = conn.cursor("early");
    assertError(await rejection(early.scroll(1)), {
      class: ProgrammingError,
      says: ["no statement has been run"],
    });
    const cursor = await numbers(conn, 10, { scrollable: true });
    for (
      const [value, mode, row, next] of [
        [2, "relative", 3, 2],
        [-1, "relative", 3, 2],
        [5, "relative", 9, 8],
        [0, "absolute", 1, 0],
        [9, "absolute", 10, 9],
        [-1, "relative", 10, 9],
        [-100, "relative", 1, 0],
        [20, "relative", null, 10],
        [-3, "relative", 8, 7],
        [-1, "absolute", null, null],
        [0, "absolute", 1, 0],
      ] as const
    ) {
      await cursor.scroll(value, mode);
      assertEquals(cursor.rowNumber, next, `${mode} ${value}`);
      assertEquals(await cursor.fetchOne(), row, `${mode} ${value}`);
    }
    await cursor.fetchAll();
    await cursor.scroll(-2);
    assertEquals(await cursor.fetchAll(), [9, 10]);
    for (
      const [value, mode] of [[1.5, "relative"], [1, "sideways"]] as const
    ) {
      const wrong = cursor.scroll(value, mode as "relative");
      assertError(await rejection(wrong), {
        class: ProgrammingError,
        says: ["Cannot scroll"],
      });
    }
    assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
    await conn.rollback();
  }),
);

Deno.test(
  "SC-15 stealing: a cursor that was declared otherwise is fetched from and closed",
  quiet(async () => {
    await using conn = await openTx();
    const declare = () =>
      conn.execute(
        "declare stolen scroll cursor for select generate_series(1, 5) as n",
      );
    await declare();
    const first = conn.cursor("stolen");
    assertEquals(await first.fetchOne(), { n: 1 });
    assertEquals(first.description?.map(({ name }) => name), ["n"]);
    assertEquals(first.rowNumber, null);
    await first.scroll(1);
    assertEquals(await first.fetchMany(2), [{ n: 3 }, { n: 4 }]);
    await first.close();
    assertEquals(await namesOf(conn), []);

    await declare();
    const second = conn.cursor("stolen", { rowFactory: tupleRow });
    const third = conn.cursor("stolen", { rowFactory: tupleRow });
    assertEquals(await second.fetchOne(), [1]);
    assertEquals(await third.fetchOne(), [2]);
    await first.close();
    assertEquals(await namesOf(conn), ["stolen"]);
    await second.close();
    await third.close();
    await declare();
    await second.close();
    await third.close();
    assertEquals(await namesOf(conn), ["stolen"]);

    const nobody = conn.cursor("nobody");
    assertError(await rejection(nobody.fetchOne()), {
      class: InvalidCursorName,
    });
    await nobody.close();
    await conn.rollback();
  }),
);

/** The names of all cursors, but the unnamed one of the question itself. */
async function namesOf(conn: Connection): Promise<unknown[]> {
  const query = "select name from pg_cursors where name <> '' order by 1";
  return await conn.cursor({ rowFactory: scalarRow }).execute(query).fetchAll();
}

Deno.test(
  "SC-17 nextSet, results: there is one result",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = await numbers(conn, 2);
    assertEquals(cursor.nextSet(), false);
    const shown = [];
    for (const result of cursor.results()) shown.push(await result.fetchAll());
    assertEquals(shown, [[1, 2]]);
    assertEquals([...cursor.results()].length, 1);
    assertStrictEquals([...cursor.results()][0], cursor);
    await conn.rollback();
  }),
);

Deno.test(
  "execute: again closes and declares again, whatever the columns are",
  quiet(async () => {
    await using conn = await openTx();
    await using cursor = conn.cursor("again");
    assertEquals(await cursor.execute("select 1 as a").fetchAll(), [{ a: 1 }]);
    const other = "select %s::text as b, %s::int8 as c";
    for (let i = 0; i < 8; i++) { // often enough to be prepared
      assertEquals(await cursor.execute(other, ["x", i]).fetchOne(), {
        b: "x",
        c: BigInt(i),
      });
    }
    assertEquals(await cursor.execute(sql`select ${7}::int as d`).fetchOne(), {
      d: 7,
    });
    assertEquals(cursor.description?.length, 1);
    assertEquals(cursor.query?.params, [7]);
    assertEquals(cursor.query?.text.startsWith('DECLARE "again" CURSOR'), true);
    const twin = conn.cursor("again");
    assertError(await rejection(twin.execute("select 1")), {
      class: DuplicateCursor,
    });
    await conn.rollback();
  }),
);

Deno.test(
  "binary: the format of the rows follows the cursor and the run, the values do not",
  quiet(async () => {
    await using conn = await openTx();
    const query = "select %s::int4 as n, 'x'::text as t";
    conn.adapters.registerLoader(
      "int4",
      { format: 0, load: () => "text" },
    );
    conn.adapters.registerLoader(
      "int4",
      { format: 1, load: () => "binary" },
    );
    for (const binary of [true, false]) {
      await using cursor = conn.cursor("b", { binary });
      const format = (is: boolean) => is ? "binary" : "text";
      const own = await cursor.execute(query, [1]).fetchOne();
      assertEquals(own, { n: format(binary), t: "x" });
      const told = { binary: !binary };
      assertEquals(await cursor.execute(query, [1], told).fetchOne(), {
        n: format(!binary),
        t: "x",
      });
    }
    await conn.rollback();
  }),
);

Deno.test(
  "CXN-29 serverCursorFactory: named cursors are of that class, RawServerCursor takes $1",
  quiet(async () => {
    assertStrictEquals(AsyncConnection, Connection);
    assertStrictEquals(AsyncCursor, Cursor);
    assertStrictEquals(AsyncRawCursor, RawCursor);
    assertStrictEquals(AsyncClientCursor, ClientCursor);
    assertStrictEquals(AsyncServerCursor, ServerCursor);
    assertStrictEquals(AsyncRawServerCursor, RawServerCursor);
    await using conn = await openTx({ serverCursorFactory: RawServerCursor });
    await using raw = conn.cursor("raw", { rowFactory: scalarRow });
    assert(raw instanceof RawServerCursor);
    await raw.execute("select '%s' || $1::text", ["x"]);
    assertEquals(await raw.fetchAll(), ["%sx"]);
    const named = await rejection(raw.execute("select 1", { a: 1 }));
    assert(named instanceof TypeError, String(named));
    await conn.rollback();
  }),
);

Deno.test(
  "CN-25 cursorFactory, serverCursorFactory: assigned, they hold for the cursors to come",
  quiet(async () => {
    class Mine<Row> extends Cursor<Row> {}
    class MineToo<Row> extends ServerCursor<Row> {}
    await using conn = await openTx();
    conn.cursorFactory = Mine;
    conn.serverCursorFactory = MineToo;
    assert(conn.cursor() instanceof Mine);
    assert(await conn.execute("select 1") instanceof Mine);
    assert(conn.cursor("named") instanceof MineToo);
    await conn.transaction((tx) => {
      assert(tx.cursor() instanceof Mine);
      assert(tx.cursor("named") instanceof MineToo);
    });
    await conn.rollback();
  }),
);

Deno.test(
  "SRV-07 executeMany, copy, stream, unknown options, a pipeline: refused",
  quiet(async () => {
    await using conn = await openTx();
    const cursor = conn.cursor("c");
    for (
      const refused of [
        cursor.executeMany("select 1", [[]]),
        cursor.copy("copy t from stdin"),
        Promise.try(() => cursor.stream("select 1")),
        conn.pipeline(() => cursor.execute("select 1")),
      ]
    ) {
      assertError(await rejection(refused), { class: NotSupportedError });
    }
    const error = await rejection(
      cursor.execute("select 1", [], { prepare: true } as never),
    );
    assert(error instanceof TypeError && error.message.includes('"prepare"'));
    await assertUsable(conn);
  }),
);

Deno.test(
  "L11 fetching: an error in a suspended portal leaves the protocol in order, the next query runs",
  quiet(async () => {
    await using conn = await openTx();
    await conn.transaction(async (tx) => {
      const inner = tx.transaction(async () => {
        const cursor = tx.cursor("c", { rowFactory: scalarRow });
        await cursor.execute("select 6 / (4 - n) from generate_series(1, 9) n");
        assertEquals(await cursor.fetchMany(2), [2, 3]);
        const failed = [cursor.fetchMany(3), conn.execute("select 1")];
        const [first, second] = await Promise.all(failed.map(rejection));
        assertError(first, { class: DivisionByZero, usable: true });
        assert(String(second).includes("aborted"), String(second));
        assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
        assertEquals(cursor.rowNumber, null);
        throw first;
      });
      assertError(await rejection(inner), { class: DivisionByZero });
      const next = tx.execute("select 1 as one");
      assertEquals(await next.fetchAll(), [{ one: 1 }]);
    });
  }),
);

Deno.test(
  "fetching: aborted, it rejects with the reason and the connection is usable",
  quiet(async () => {
    await using conn = await openTx();
    const slow = "select pg_sleep(0.2), n from generate_series(1, 100) as n";
    for (const use of ["fetchAll", "scroll"] as const) {
      const cursor = await conn.cursor("slow").execute(slow);
      const reason = new Error(use);
      const controller = new AbortController();
      const { signal } = controller;
      const running = use === "scroll"
        ? cursor.scroll(100, "relative", { signal })
        : cursor.fetchAll({ signal });
      const waiting = cursor.fetchOne({ signal }); // for its turn
      setTimeout(() => controller.abort(reason), 30);
      const began = performance.now();
      assertStrictEquals(await rejection(waiting), reason);
      assertStrictEquals(await rejection(running), reason);
      assert(performance.now() - began < 1000);
      assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
      await cursor.close();
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "fetching: a loss rejects every fetch that is under way, once",
  quiet(async () => {
    await using conn = await openTx();
    await using other = await open();
    const cursor = conn.cursor("c");
    await cursor.execute("select pg_sleep(10), n from generate_series(1, 9) n");
    const fetches = [cursor.fetchOne(), cursor.fetchAll(), cursor.scroll(1)];
    const settled = Promise.allSettled(fetches);
    await pause(20);
    await other.execute("select pg_terminate_backend(%s)", [
      conn.info.backendPid,
    ]);
    for (const result of await settled) {
      assert(result.status === "rejected");
      assert(result.reason instanceof OperationalError, `${result.reason}`);
    }
    await cursor.close();
    assertEquals(conn.broken, true);
  }),
);

Deno.test(
  "close: a connection with an open cursor in a transaction says nothing of lost changes",
  quiet(async () => {
    const conn = await openTx();
    const cursor = await numbers(conn, 3, { scrollable: true });
    await cursor.scroll(1);
    await conn.close(); // quiet() fails on a warning
    assertError(await rejection(Promise.try(() => conn.cursor("late"))), {
      class: OperationalError,
    });
  }),
);

Deno.test("SRV-04 close: a cursor that is collected as garbage while it is open is warned of", async () => {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  const script = `
    import { connect } from "${mod}";
    const warnings = [];
    await using conn = await connect(Deno.args[0], {
      onWarning: (message) => warnings.push(message),
    });
    const query = "select generate_series(1, 9) as n";
    await (async () => await conn.cursor("ended").execute(query).fetchOne())();
    await conn.rollback();
    await (async () => {
      await using closed = conn.cursor("closed");
      await closed.execute(query);
    })();
    await (async () => await conn.cursor("lost").execute(query).fetchOne())();
    for (let i = 0; i < 50 && warnings.length === 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(JSON.stringify(warnings));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", "-", testDsn()],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder();
  const printed = text.decode(stdout).trim();
  assert(printed.startsWith("["), text.decode(stderr));
  const warnings: string[] = JSON.parse(printed);
  assertEquals(warnings.length, 1, printed);
  assert(warnings[0]!.includes('the cursor "lost" was never closed'), printed);
});
