import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  ClientCursor,
  type Connection,
  DataError,
  OperationalError,
  ProgrammingError,
  RawCursor,
  RowStream,
  scalarRow,
  sql,
  TransactionStatus,
  tupleRow,
} from "../../mod.ts";
import { DivisionByZero, QueryCanceled } from "../../errors/mod.ts";
import {
  assertDead,
  assertError,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

/** Not in FROM: the server would make all rows before it sends the first. */
const NUMBERS = "select generate_series(1, %s) as n";
/** Nobody waits for all of these. */
const ENDLESS = 1_000_000_000;

/** Everything that iterating gives. */
async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const row of rows) taken.push(row);
  return taken;
}

/** What the server's session waits for; `null` if it works. */
async function waitEvent(
  observer: Connection,
  conn: Connection,
): Promise<unknown> {
  return await observer.cursor({ rowFactory: scalarRow }).execute(
    "select wait_event from pg_stat_activity where pid = %s",
    [conn.info.backendPid],
  ).fetchOne();
}

Deno.test(
  "CU-38 stream: whatever the size, the rows and the description are the same",
  quiet(async () => {
    await using conn = await open();
    for (const size of [1, 2, 1000]) {
      const cursor = conn.cursor({ rowFactory: tupleRow });
      const descriptions = new Set<unknown>();
      const rows = [];
      const stream = cursor.stream("select n, n::text from " + FIVE, [], {
        size,
      });
      assertEquals(cursor.description, null);
      for await (const row of stream) {
        rows.push(row);
        descriptions.add(cursor.description);
      }
      assertEquals(rows, [1, 2, 3, 4, 5].map((n) => [n, String(n)]));
      const [description, ...others] = descriptions;
      assertEquals(others, []);
      assertStrictEquals(cursor.description, description);
      assertEquals(cursor.description?.map(({ name }) => name), ["n", "n"]);
      assertEquals(cursor.statusMessage, "SELECT 5");
      assertEquals(cursor.rowCount, -1);
      assertEquals(cursor.rowNumber, null);
      assertError(await rejection(cursor.fetchAll()), {
        class: ProgrammingError,
        says: ["went to its stream"],
      });
    }
    for (const size of [0, -1, 1.5, NaN]) {
      const error = await rejection(
        conn.stream("select 1", [], { size }).next(),
      );
      assert(error instanceof RangeError, String(error));
      await assertUsable(conn);
    }
  }),
);
const FIVE = "generate_series(1, 5) as n";

Deno.test(
  "EXEC-03 stream: all ways to write a query, on each class of cursors, in both formats",
  quiet(async () => {
    await using conn = await open();
    const two = [{ n: 1 }, { n: 2 }];
    for (const binary of [undefined, true, false]) {
      for (let i = 0; i < 7; i++) { // often enough to be prepared
        assertEquals(await all(conn.stream(NUMBERS, [2], { binary })), two);
      }
      const template = sql`select n from generate_series(1, ${2}) as n`;
      assertEquals(
        await all(conn.stream(template, undefined, { binary })),
        two,
      );
      const plain = "select n from generate_series(1, 2) as n";
      assertEquals(await all(conn.stream(plain, undefined, { binary })), two);
    }
    conn.cursorFactory = ClientCursor;
    assertEquals(await all(conn.stream(NUMBERS, [2])), two);
    conn.cursorFactory = RawCursor;
    const raw = NUMBERS.replace("%s", "$1");
    assertEquals(await all(conn.stream(raw, [2])), two);
    assertEquals(await all(conn.stream(raw, [0])), []);
    const values = "insert into pg_temp.kept values ($1) returning n";
    await conn.execute("create temp table kept (n int)");
    assertEquals(await all(conn.stream(values, [7])), [{ n: 7 }]);
  }),
);

Deno.test(
  "EXEC-03 stream: nothing is sent before the first row is asked for",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const stream = conn.stream("wat");
    await pause(10);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    assertEquals(await stream.return(), { done: true, value: undefined });
    assertEquals(await stream.next(), { done: true, value: undefined });
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    assert(stream instanceof RowStream);
    await using disposed = conn.stream("select 1");
    assertStrictEquals(disposed[Symbol.asyncIterator](), disposed);
  }),
);

Deno.test(
  "EXEC-03 PIPE-05 stream: what has no rows, a text of several, COPY, a pipeline are refused",
  quiet(async () => {
    await using conn = await open();
    for (
      const [query, says] of [
        ["set application_name to x", "command status: SET"],
        ["", "command status: EMPTY_QUERY"],
        ["select 1; select 2", "multiple commands"],
        ["wat", "syntax error"],
        ["select 1 as a, 2 as a", "several columns"],
      ] as const
    ) {
      const error = await rejection(conn.stream(query).next());
      assert(error instanceof ProgrammingError, String(error));
      assert(error.message.includes(says), error.message);
      await assertUsable(conn);
    }
    const copy = conn.stream("copy (select 1) to stdout").next();
    assert(await rejection(copy) instanceof Error);
    await assertUsable(conn);
    await conn.pipeline(async () => {
      assertError(await rejection(conn.stream("select 1").next()), {
        class: ProgrammingError,
        says: ["in a pipeline"],
      });
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "EXEC-03 stream: an error of the server comes after the rows before it",
  quiet(async () => {
    await using conn = await open();
    const query = "select 6 / (4 - n) as n from generate_series(1, 9) as n";
    const stream = conn.stream(query);
    const rows: unknown[] = [];
    const error = await rejection((async () => {
      for await (const row of stream) rows.push(row);
    })());
    assertError(error, { class: DivisionByZero, usable: true, reached: true });
    assertEquals(rows, [{ n: 2 }, { n: 3 }, { n: 6 }]);
    assertEquals(await stream.next(), { done: true, value: undefined });
    await assertUsable(conn);
  }),
);

Deno.test(
  "EXEC-03 stream: a row that cannot be made ends it at once, not after all rows",
  quiet(async () => {
    await using conn = await open();
    conn.adapters.registerLoader("int4", (text) => {
      if (text === "3") throw new DataError("no three");
      return text;
    });
    const rows: unknown[] = [];
    const began = performance.now();
    const error = await rejection((async () => {
      const stream = conn.stream(NUMBERS, [ENDLESS], { binary: false });
      for await (const { n } of stream) rows.push(n);
    })());
    assert(performance.now() - began < 1000);
    assertError(error, { class: DataError, usable: true, reached: true });
    assertEquals(rows, ["1", "2"]);
    const query = `select generate_series(1, ${ENDLESS}) as n, 1 as n`;
    assertError(await rejection(conn.stream(query).next()), {
      class: ProgrammingError,
      says: ["several columns"],
    });
    assert(performance.now() - began < 2000);
    conn.adapters.registerLoader("int4", Number);
    await assertUsable(conn);
  }),
);

Deno.test(
  "G7 stream: break after the first of many rows comes back within 100 ms, the connection is usable",
  quiet(async () => {
    await using conn = await open();
    const spent: number[] = [];
    for (let i = 0; i < 5; i++) {
      let began = 0;
      for await (const { n } of conn.stream(NUMBERS, [ENDLESS])) {
        assertEquals(n, 1);
        began = performance.now();
        break;
      }
      spent.push(performance.now() - began);
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      await assertUsable(conn);
    }
    // The median: a machine that is busy with something else must not fail this.
    const median = spent.sort((a, b) => a - b)[2]!;
    assert(median < 100, `break took ${spent}`);
  }),
);

Deno.test(
  "CU-40 stream: what the loop throws comes out, the connection is INTRANS or INERROR",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    for (const count of [10, ENDLESS]) {
      const reason = new Error("the consumer");
      const error = await rejection((async () => {
        for await (const _ of conn.stream(NUMBERS, [count])) throw reason;
      })());
      assertStrictEquals(error, reason);
      assertEquals(
        conn.info.transactionStatus,
        count === 10 ? TransactionStatus.INTRANS : TransactionStatus.INERROR,
      );
      await assertUsable(conn);
    }
    const stream = conn.stream(NUMBERS, [ENDLESS]);
    await stream.next();
    const thrown = new Error("by hand");
    assertStrictEquals(await rejection(stream.throw(thrown)), thrown);
    assertEquals(await stream.next(), { done: true, value: undefined });
    assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
    await assertUsable(conn);
  }),
);

Deno.test(
  "stream: a reader that lags has the server wait, and nothing is lost",
  quiet(async () => {
    await using conn = await open();
    await using observer = await open();
    const query =
      "select generate_series(1, 50000) as n, repeat('x', 1000) as x";
    let expected = 1;
    for await (const { n } of conn.stream(query)) {
      assertEquals(n, expected++);
      if (n === 1000) {
        await until(
          async () => await waitEvent(observer, conn) === "ClientWrite",
          "the server waits for the client",
        );
      }
    }
    assertEquals(expected, 50_001);
    await assertUsable(conn);
  }),
);

Deno.test(
  "stream: aborted, it rejects with the reason, whether waiting, running or read",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const reason = new Error("enough");
    const aborted = { signal: AbortSignal.abort(reason) };
    const never = conn.stream("select 1", [], aborted);
    assertStrictEquals(await rejection(never.next()), reason);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);

    for (const count of [10, ENDLESS]) {
      const controller = new AbortController();
      const { signal } = controller;
      const stream = conn.stream(NUMBERS, [count], { signal });
      assertEquals(await stream.next(), { done: false, value: { n: 1 } });
      if (count === 10) await pause(20); // all of it has come
      controller.abort(reason);
      assertStrictEquals(await rejection(stream.next()), reason);
      assertEquals(await stream.next(), { done: true, value: undefined });
      await assertUsable(conn);
    }

    const running = conn.execute("select pg_sleep(0.2)").fetchOne();
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = conn.stream("select 1 as n", [], { signal }).next();
    controller.abort(reason);
    assertStrictEquals(await rejection(waiting), reason);
    await running;

    const late = new AbortController();
    const sleeping = conn.stream("select pg_sleep(60)", [], {
      signal: late.signal,
    });
    setTimeout(() => late.abort(reason), 30);
    assertStrictEquals(await rejection(sleeping.next()), reason);
    assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
    await assertUsable(conn);
  }),
);

Deno.test(
  "CC-03 cancelSafe: within a second pg_sleep fails with QueryCanceled, and a stream does too",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const sleeping = rejection(conn.execute("select pg_sleep(2)"));
    await pause(20);
    let began = performance.now();
    await conn.cancelSafe();
    assertError(await sleeping, { class: QueryCanceled, usable: true });
    assert(performance.now() - began < 1000);
    await assertUsable(conn);

    const streaming = (async () => {
      for await (const { n } of conn.stream(NUMBERS, [ENDLESS])) {
        if (n !== 10) continue;
        began = performance.now();
        await conn.cancelSafe();
      }
    })();
    assertError(await rejection(streaming), { class: QueryCanceled });
    assert(performance.now() - began < 1000);
    assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
    await assertUsable(conn);
  }),
);

Deno.test(
  "stream: statements of other tasks wait until it ends, in their order",
  quiet(async () => {
    await using conn = await open();
    const order: string[] = [];
    const wait = async (name: string) => {
      await conn.execute("select 1");
      order.push(name);
    };
    const others: Promise<void>[] = [];
    for await (const { n } of conn.stream(NUMBERS, [300_000])) {
      if (n === 1) others.push(wait("first"), wait("second"));
      if (n === 150_000) await pause(20);
      if (n === 150_000) order.push("in the middle");
    }
    await Promise.all(others);
    assertEquals(order, ["in the middle", "first", "second"]);
  }),
);

Deno.test(
  "stream: several calls of next() at once get the rows in order, and return() ends those that wait",
  quiet(async () => {
    await using conn = await open();
    const stream = conn.stream("select n, pg_sleep(0.01) from " + FIVE);
    const first = Array.from({ length: 7 }, () => stream.next());
    const ns = (await Promise.all(first)).map(({ value }) => value?.n);
    assertEquals(ns, [1, 2, 3, 4, 5, undefined, undefined]);

    const slow = conn.stream("select pg_sleep(60)");
    const waiting = [slow.next(), slow.next()];
    await pause(20);
    await slow.return();
    assertEquals(await Promise.all(waiting), [
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    await assertUsable(conn);
  }),
);

Deno.test(
  "stream: one that nobody finishes does not hold up close()",
  quiet(async () => {
    const conn = await open();
    const stream = conn.stream(NUMBERS, [ENDLESS]);
    await stream.next();
    const waiting = rejection(conn.execute("select 1"));
    const began = performance.now();
    await conn.close();
    assert(performance.now() - began < 1000);
    assert(await waiting instanceof OperationalError);
    await stream.return();
    assertEquals(await stream.next(), { done: true, value: undefined });
  }),
);

Deno.test(
  "stream: a loss ends it with an error, after the rows that had come",
  quiet(async () => {
    await using conn = await open();
    await using other = await open();
    const stream = conn.stream(NUMBERS, [ENDLESS]);
    await stream.next();
    await pause(20);
    const terminate = "select pg_terminate_backend(%s)";
    await other.execute(terminate, [conn.info.backendPid]);
    let last = 1;
    const error = await rejection((async () => {
      for await (const { n } of stream) assertEquals(n, ++last);
    })());
    assert(error instanceof OperationalError, String(error));
    await assertDead(conn);
    // Left after the loss, it has nothing to say.
    await using second = await open();
    const cut = second.stream(NUMBERS, [ENDLESS]);
    await cut.next();
    await other.execute(terminate, [second.info.backendPid]);
    await cut.return();
    await until(() => second.closed, "the loss is seen");
  }),
);
