/**
 * The life of a pool: sizes, opening, taking, giving back, closing.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type CursorFactory,
  InterfaceError,
  OperationalError,
  ProgrammingError,
  RawCursor,
} from "../../mod.ts";
import {
  ConnectionPool,
  NullConnectionPool,
  PoolClosed,
  PoolConnection,
  PoolTimeout,
  TooManyRequests,
} from "../../pool/mod.ts";
import {
  assertError,
  open,
  pause,
  quiet,
  rejection,
  until,
} from "../connection/support.ts";
import {
  assertWarned,
  causeOf,
  makePool,
  openNullPool,
  openPool,
  pidOf,
  pidsOf,
  untilSize,
} from "./support.ts";

const BAD_SIZES = [[0, 0], [0, null], [-1, null], [4, 2]] as const;

Deno.test(
  "PO-02 ConnectionPool: sizes that make no pool are a RangeError, when it is made and in resize()",
  quiet(async () => {
    await using resized = (await openPool()).pool;
    const sizes = [...BAD_SIZES, [1.5, null], [1, NaN], [NaN, 3]] as const;
    for (const [minSize, maxSize] of sizes) {
      assertThrows(
        () => new ConnectionPool({ minSize, maxSize }),
        RangeError,
        "Cannot have a pool",
      );
      const error = await rejection(resized.resize(minSize, maxSize));
      assert(error instanceof RangeError, Deno.inspect(error));
    }
    assertEquals([resized.minSize, resized.maxSize], [1, 1]);
    const sizesOf = (minSize?: number, maxSize?: number | null) => {
      const pool = new ConnectionPool({ minSize, maxSize });
      return [pool.minSize, pool.maxSize];
    };
    assertEquals(sizesOf(), [4, 4]);
    assertEquals(sizesOf(0, 2), [0, 2]);
    assertEquals(sizesOf(2, null), [2, 2]);
    assertEquals(sizesOf(2, 5), [2, 5]);
  }),
);

Deno.test("ConnectionPool: options that cannot be are refused", () => {
  const refused: [
    object,
    typeof RangeError | typeof ProgrammingError,
    string,
  ][] = [
    [{ timeout: -1 }, RangeError, "timeout"],
    [{ maxIdle: NaN }, RangeError, "maxIdle"],
    [{ maxWaiting: 1.5 }, RangeError, "maxWaiting is 1.5"],
    [{ maxUses: 0 }, RangeError, "maxUses is 0"],
    [{ numWorkers: 0 }, RangeError, "numWorkers is 0"],
    [{ host: "localhost" }, ProgrammingError, '"host", parameters'],
    [{ reset: "discard", pooler: "transaction" }, ProgrammingError, "pooler"],
  ];
  for (const [options, errorClass, says] of refused) {
    assertThrows(() => new ConnectionPool(options), errorClass, says);
  }
  assertThrows(
    () => new NullConnectionPool({ minSize: 1 }),
    RangeError,
    "minSize must be 0",
  );
  assertEquals(new NullConnectionPool({}).maxSize, Infinity);
  assertEquals(new NullConnectionPool({ maxSize: 0 }).maxSize, Infinity);
  assertEquals(new NullConnectionPool({ maxSize: 3 }).maxSize, 3);
});

Deno.test(
  "open: not by the constructor; waits if asked to; using the pool before, or after close(), is PoolClosed; it never opens again",
  quiet(async () => {
    const { pool } = makePool({ minSize: 2, name: "shop" });
    const uses = [
      () => pool.getConn(),
      () => pool.connection(() => {}),
      () => pool.execute("select 1"),
      () => pool.wait(),
      () => pool.check(),
      () => pool.drain(),
      () => pool.resize(1),
    ];
    await pause(20);
    assertEquals(pool.closed, true);
    assertEquals(pool.getStats().connectionsNum, 0);
    for (const use of uses) {
      assertError(await rejection(use()), {
        class: PoolClosed,
        says: ['"shop"', "not open yet", "open()"],
      });
    }
    assertEquals(await pool.open(true), pool);
    assertEquals(pool.closed, false);
    assertEquals(pool.getStats().poolAvailable, 2);
    assertEquals(await pool.open(), pool);
    await pool.close();
    await pool.close();
    assertEquals(pool.closed, true);
    assertEquals(pool.getStats().poolSize, 0);
    for (const use of uses) {
      assertError(await rejection(use()), {
        class: PoolClosed,
        says: ['"shop"', "closed"],
      });
    }
    assertError(await rejection(pool.open()), {
      class: PoolClosed,
      says: ["make another"],
    });
    const never = makePool();
    await never.pool.close();
    assertError(await rejection(never.pool.open()), { class: PoolClosed });
  }),
);

Deno.test(
  "wait: PoolTimeout with the reason if the connections are not there in time, and the pool is closed",
  quiet(async () => {
    for (const Class of [ConnectionPool, NullConnectionPool]) {
      const warnings: string[] = [];
      const pool = new Class({
        conninfo: "host=127.0.0.1 port=1",
        minSize: Class === NullConnectionPool ? 0 : 1,
        onWarning: (message) => warnings.push(message),
      });
      const error = assertError(await rejection(pool.open(true, 0.2)), {
        class: PoolTimeout,
        says: ["0.2 s", "connecting failed with"],
      });
      assert(causeOf(error) instanceof OperationalError);
      assertEquals(pool.closed, true);
      assertWarned(warnings, "the next attempt is in");
    }
  }),
);

Deno.test(
  "PO-04 J19 connection, await using: whatever a block throws, the connection goes back once and is not lost",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    await using watch = await open();
    await watch.execute("drop table if exists pgts_pool_block");
    await watch.execute("create table pgts_pool_block (n int)");
    const stored = async () =>
      (await watch.execute("select n from pgts_pool_block order by n")
        .fetchAll()).map(({ n }) => n);
    try {
      const insert = "insert into pgts_pool_block values (%s)";
      const [pid] = await pidsOf(pool);
      assertEquals(
        await pool.connection(async (conn) => {
          assert(conn instanceof PoolConnection);
          await conn.execute(insert, [1]);
          return "kept";
        }),
        "kept",
      );
      const thrown = new Error("on purpose");
      const failing = pool.connection(async (conn) => {
        await conn.execute(insert, [2]);
        throw thrown;
      });
      assertEquals(await rejection(failing), thrown);
      assertEquals(await stored(), [1]);

      const scope = async (end?: () => void) => {
        await using conn = await pool.getConn();
        await conn.execute(insert, [3]);
        end?.();
        await conn.commit();
      };
      assertEquals(
        await rejection(scope(() => {
          throw thrown;
        })),
        thrown,
      );
      assertWarned(warnings, "open transaction (status INTRANS)");
      assertEquals(await stored(), [1]);
      await scope();
      assertEquals(await stored(), [1, 3]);

      const aborting = async () => {
        await using conn = await pool.getConn();
        const signal = AbortSignal.timeout(30);
        await conn.execute("select pg_sleep(10)", undefined, { signal });
      };
      const aborted = await rejection(aborting());
      assert(
        aborted instanceof DOMException && aborted.name === "TimeoutError",
      );
      const { poolAvailable, requestsNum, returnsBad } = pool.getStats();
      assertEquals([poolAvailable, requestsNum, returnsBad], [1, 6, 0]);
      assertEquals(await pidsOf(pool), [pid!]);
      assertWarned(warnings);
    } finally {
      await watch.execute("drop table pgts_pool_block");
    }
  }),
);

Deno.test(
  "J8 connection: what the block does not await runs inside of its transaction, and is answered",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    let running: PromiseLike<unknown> | undefined;
    await pool.connection(async (conn) => {
      await conn.execute("select 1");
      running = conn.execute("select txid_current()::int8 as id, pg_sleep(0.1)")
        .fetchOne();
    });
    const row = await running as { id: bigint };
    assertEquals(typeof row.id, "bigint");
    let late: PromiseLike<unknown> | undefined;
    const failing = pool.connection((conn) => {
      late = conn.execute("select pg_sleep(0.05), 7 as n").fetchOne();
      throw new Error("on purpose");
    });
    await rejection(failing);
    assertEquals((await late as { n: number }).n, 7);
    assertWarned(warnings);
  }),
);

Deno.test(
  "PO-06 configure: runs once for each new connection; if it throws or leaves a transaction open there is a warning, and PoolTimeout for clients",
  quiet(async () => {
    let configured = 0;
    {
      const { pool, warnings } = await openPool({
        minSize: 2,
        configure: async (conn) => {
          configured++;
          await conn.setAutocommit(true);
          await conn.execute("set application_name = 'configured'");
        },
      });
      await using _ = pool;
      for (let i = 0; i < 5; i++) {
        await using conn = await pool.getConn();
        assertEquals(conn.autocommit, true);
        const row = await conn.execute("show application_name").fetchOne();
        assertEquals(row, { application_name: "configured" });
      }
      assertEquals(configured, 2);
      assertWarned(warnings);
    }
    const bad: [(conn: PoolConnection) => Promise<unknown>, string][] = [
      [async (conn) => await conn.execute("select 1"), "status INTRANS"],
      [
        async (conn) => await rejection(conn.execute("select wrong")),
        "status INERROR",
      ],
      [
        (conn) => {
          conn.execute("select pg_sleep(1)").then(() => {}, () => {});
          return Promise.resolve();
        },
        "status ACTIVE",
      ],
      [() => Promise.reject(new Error("no way")), "no way"],
    ];
    for (const [configure, says] of bad) {
      let pid = 0;
      const { pool, warnings } = makePool({
        configure: async (conn) => {
          pid = pidOf(conn);
          await configure(conn as PoolConnection);
        },
      });
      await using _ = await pool.open();
      assertError(await rejection(pool.getConn({ timeout: 0.3 })), {
        class: PoolTimeout,
        says: ["0.3 s", says],
      });
      assertWarned(warnings, says);
      const { connectionsErrors, poolSize } = pool.getStats();
      assertEquals([connectionsErrors, poolSize], [1, 0]);
      await using watch = await open();
      await until(async () => {
        const query = "select 1 from pg_stat_activity where pid = %s";
        return (await watch.execute(query, [pid])).rowCount === 0;
      }, "the session has ended");
    }
  }),
);

Deno.test(
  "PO-10 J13 getConn: served in the order of asking; more than maxWaiting is TooManyRequests",
  quiet(async () => {
    const { pool } = await openPool({ maxWaiting: 20, name: "narrow" });
    await using _ = pool;
    const order: number[] = [];
    const first = await pool.getConn();
    const waiting = Array.from({ length: 20 }, async (_, i) => {
      await using _conn = await pool.getConn();
      order.push(i);
      await pause(i % 3);
    });
    assertEquals(pool.getStats().requestsWaiting, 20);
    for (
      const use of [() => pool.getConn(), () => pool.execute("select 1")]
    ) {
      assertError(await rejection(use()), {
        class: TooManyRequests,
        says: ['"narrow"', "20 wait", "maxWaiting"],
      });
    }
    assertEquals(pool.getStats().requestsErrors, 2);
    await pool.putConn(first);
    // Who comes while others wait does not overtake them, however short it takes.
    const late = pool.execute("select 1").then(() => order.push(20));
    await Promise.all([...waiting, late]);
    assertEquals(order, Array.from({ length: 21 }, (_, i) => i));
    const { requestsQueued, requestsWaiting } = pool.getStats();
    assertEquals([requestsQueued, requestsWaiting], [21, 0]);
  }),
);

Deno.test(
  "PO-12 I2 G9 getConn: who gives up, by time or by signal, gets no connection, leaves the queue, and loses none",
  quiet(async () => {
    const { pool, warnings } = await openPool({ timeout: 0.1, maxSize: 2 });
    await using _ = pool;
    const held = [await pool.getConn(), await pool.getConn()];
    const started = performance.now();
    const impatient = [
      pool.getConn(),
      pool.getConn({ timeout: 0.05 }),
      pool.connection(() => "never", { timeout: 0 }),
      pool.execute("select 1", undefined, { timeout: 0.15 }),
    ].map(rejection);
    const controller = new AbortController();
    const aborted = rejection(pool.getConn({
      timeout: 60,
      signal: controller.signal,
    }));
    const patient = pool.getConn({ timeout: 60 });
    const executing = rejection(pool.execute("select 1", undefined, {
      timeout: 60,
      signal: controller.signal,
    }));
    assertEquals(pool.getStats().requestsWaiting, 7);
    for (const [i, promise] of impatient.entries()) {
      assertError(await promise, {
        class: PoolTimeout,
        says: [`"${pool.name}"`],
      });
      const least = [100, 50, 0, 150][i]!;
      assert(performance.now() - started >= least - 1);
    }
    controller.abort("enough");
    assertEquals(await aborted, "enough");
    assertEquals(await executing, "enough");
    assertEquals(pool.getStats().requestsWaiting, 1);
    assertEquals(pool.getStats().requestsErrors, 6);
    assertEquals(
      await rejection(pool.getConn({ signal: AbortSignal.abort("before") })),
      "before",
    );
    // The one who still waits gets the first that comes back, and only that.
    await pool.putConn(held[0]!);
    const got = await patient;
    assertEquals(pool.getStats().poolAvailable, 0);
    await pool.putConn(got);
    await pool.putConn(held[1]!);
    await untilSize(pool, 2);
    assertWarned(warnings);
  }),
);

Deno.test(
  "PO-12 getConn: a signal that is aborted just when the connection comes loses neither",
  quiet(async () => {
    const { pool } = await openPool();
    await using _ = pool;
    for (let i = 0; i < 50; i++) {
      const held = await pool.getConn();
      const controller = new AbortController();
      const waiting = pool.getConn({ signal: controller.signal });
      const back = pool.putConn(held);
      controller.abort("too late");
      await back;
      const result = await waiting.catch((error) => error);
      if (result instanceof PoolConnection) await pool.putConn(result);
      else assertEquals(result, "too late");
      await untilSize(pool, 1);
    }
  }),
);

Deno.test(
  "putConn: takes no connection of another pool, or of none",
  quiet(async () => {
    await using one = (await openPool()).pool;
    await using two = (await openPool()).pool;
    await using bare = await open();
    await using conn = await one.getConn();
    for (const foreign of [bare, conn]) {
      assertError(await rejection(two.putConn(foreign)), {
        class: ProgrammingError,
        says: [`"${two.name}"`, "does not belong"],
      });
    }
    assertEquals(bare.closed, false);
    assertEquals(conn.closed, false);
  }),
);

Deno.test(
  "execute: one statement in autocommit mode, in one round trip, with the rows of its cursor",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const cursor = await pool.execute("select %s::int4 + 1 as n", [41]);
    assertEquals(await cursor.fetchAll(), [{ n: 42 }]);
    const rows = [];
    for await (const row of pool.execute("select generate_series(1, 3) as n")) {
      rows.push(row.n);
    }
    assertEquals(rows, [1, 2, 3]);
    assertError(await rejection(cursor.execute("select 1")), {
      class: InterfaceError,
      says: ["given back"],
    });
    // Outside of a transaction, which VACUUM demands, and the next sees it.
    await pool.execute("vacuum pg_class");
    const error = await rejection(pool.execute("select 1 / 0"));
    assertEquals((error as { sqlstate?: string }).sqlstate, "22012");
    const signal = AbortSignal.timeout(30);
    const sleeping = pool.execute("select pg_sleep(9)", undefined, { signal });
    assert(await rejection(sleeping) === signal.reason);
    await pool.execute("begin");
    await until(() => warnings.length > 0, "warned");
    assertWarned(warnings, "open transaction (status INTRANS)");
    await untilSize(pool, 1);
    assertEquals(pool.getStats().returnsBad, 0);
    assertEquals(pool.getStats().connectionsNum, 1);
  }),
);

Deno.test(
  "J17 close: who waits is told, what is being opened is given up, what is out is waited for and then closed",
  quiet(async () => {
    const { pool, warnings } = await openPool({ maxSize: 3, minSize: 2 });
    const short = await pool.getConn();
    const long = await pool.getConn();
    const running = rejection(long.execute("select pg_sleep(30)"));
    const [third, fourth] = [pool.getConn(), pool.getConn()].map(rejection);
    assertEquals(pool.getStats().poolSize, 3);
    const closing = pool.close(0.4);
    assertEquals(pool.closed, true);
    for (const waiting of [third, fourth, rejection(pool.getConn())]) {
      assertError(await waiting, { class: PoolClosed });
    }
    const started = performance.now();
    assertEquals((await short.execute("select 1 as n").fetchOne())?.n, 1);
    await short.commit();
    await pool.putConn(short);
    await closing;
    assert(performance.now() - started > 200);
    assertError(await running, {
      class: OperationalError,
      says: [`pool "${pool.name}" was closed`, "0.4 s"],
      usable: false,
    });
    assertEquals(long.closed, true);
    await pool.putConn(long);
    assertEquals(pool.getStats().poolSize, 0);
    assertWarned(warnings, "closed while 1 connections are still out");
  }),
);

Deno.test(
  "close: with nothing out it does not wait, and no session is left",
  quiet(async () => {
    const application_name = `pgts_pool_${crypto.randomUUID()}`;
    await using watch = await open();
    const sessions = async () =>
      (await watch.execute(
        "select 1 from pg_stat_activity where application_name = %s",
        [application_name],
      )).rowCount;
    const { pool } = await openPool({
      minSize: 3,
      connectOptions: { application_name },
    });
    assertEquals(await sessions(), 3);
    const started = performance.now();
    await pool.close(30);
    assert(performance.now() - started < 2000);
    await until(async () => await sessions() === 0, "the sessions have ended");
  }),
);

Deno.test(
  "closeReturns: close() of a connection closes its session, or gives it back",
  quiet(async () => {
    for (const closeReturns of [false, true]) {
      await using pool = (await openPool({ closeReturns })).pool;
      const conn = await pool.getConn();
      const pid = pidOf(conn);
      await conn.close();
      assertEquals(conn.closed, true);
      await pool.putConn(conn);
      await untilSize(pool, 1);
      assertEquals((await pidsOf(pool))[0] === pid, closeReturns);
    }
  }),
);

Deno.test(
  "getStats, popStats: sizes as they are, and counts since the last time",
  quiet(async () => {
    await using pool = (await openPool({ minSize: 1, maxSize: 2 })).pool;
    await pool.connection((conn) => conn.execute("select pg_sleep(0.05)"));
    const held = await pool.getConn();
    const other = await pool.getConn();
    const late = await rejection(pool.getConn({ timeout: 0.05 }));
    assertError(late, { class: PoolTimeout });
    await pool.putConn(other);
    const stats = pool.popStats();
    assert(stats.usageMs >= 50 && stats.usageMs < 5000, `${stats.usageMs}`);
    assert(stats.requestsWaitMs >= 49, `${stats.requestsWaitMs}`);
    assert(stats.connectionsMs > 0);
    assertEquals(
      { ...stats, usageMs: 0, requestsWaitMs: 0, connectionsMs: 0 },
      {
        poolMin: 1,
        poolMax: 2,
        poolSize: 2,
        poolAvailable: 1,
        requestsWaiting: 0,
        usageMs: 0,
        requestsNum: 4,
        requestsQueued: 2,
        requestsWaitMs: 0,
        requestsErrors: 1,
        returnsBad: 0,
        connectionsNum: 2,
        connectionsMs: 0,
        connectionsErrors: 0,
        connectionsLost: 0,
      },
    );
    const again = pool.getStats();
    assertEquals([again.requestsNum, again.poolSize], [0, 2]);
    await pool.putConn(held);
  }),
);

Deno.test(
  "PO-24 NullConnectionPool: with maxSize 2 a waiter gets the connection after it is made clean; otherwise it is closed when it comes back",
  quiet(async () => {
    const { pool, warnings } = await openNullPool({ maxSize: 2 });
    await using _ = pool;
    const [one, two] = [await pool.getConn(), await pool.getConn()];
    const pid = pidOf(one!);
    await one!.execute("create temp table left_over (n int)");
    const waiting = pool.getConn();
    assertEquals(pool.getStats().requestsWaiting, 1);
    await pool.putConn(one!);
    const third = await waiting;
    assertEquals(pidOf(third), pid);
    assertEquals(third.info.transactionStatus, 0);
    assertWarned(warnings, "status INTRANS");
    await pool.putConn(third);
    await pool.putConn(two!);
    assertEquals(pool.getStats().poolSize, 0);
    assertEquals(third.closed, true);
    await using watch = await open();
    await until(async () => {
      const query = "select 1 from pg_stat_activity where pid = %s";
      return (await watch.execute(query, [pid])).rowCount === 0;
    }, "the session has ended");
    const fresh = await pool.getConn();
    assert(pidOf(fresh) !== pid);
    await pool.putConn(fresh);
    await pool.wait();
    assertEquals(pool.getStats().poolSize, 0);
  }),
);

Deno.test(
  "PO-02 NullConnectionPool: resize() keeps to the same sizes",
  quiet(async () => {
    await using pool = (await openNullPool({ maxSize: 1 })).pool;
    assert(await rejection(pool.resize(1, 2)) instanceof RangeError);
    const one = await pool.getConn();
    const waiting = pool.getConn();
    await pool.resize(0, 2);
    const two = await waiting;
    await pool.putConn(one);
    await pool.putConn(two);
  }),
);

Deno.test(
  "execute: its cursors come from the factory, a function too, and tell of their session",
  quiet(async () => {
    const cursorFactory: CursorFactory = (connection, options) =>
      new RawCursor(connection, options);
    const { pool, warnings } = await openPool({
      connectOptions: { cursorFactory },
    });
    await using _ = pool;
    const cursor = await pool.execute("select $1::int as n", [7]);
    assert(cursor instanceof RawCursor);
    assertEquals(await cursor.fetchAll(), [{ n: 7 }]);
    assertEquals(cursor.pgresult?.ntuples, 1);
    assertEquals(cursor.connection.info.dbname, "postgres");
    assert(/^<RawCursor \[TUPLES_OK\] \[IDLE\] /.test(String(cursor)));
    assertEquals(warnings, []);
  }),
);
