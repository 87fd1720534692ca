/**
 * What becomes of a connection that comes back, and of who still holds it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  InterfaceError,
  OperationalError,
  PgError,
  tupleRow,
} from "../../mod.ts";
import type { PoolConnection, ResetPolicy } from "../../pool/mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  pause,
  quiet,
  rejection,
  until,
} from "../connection/support.ts";
import {
  assertWarned,
  at,
  openPool,
  pidOf,
  pidsOf,
  terminate,
  untilSize,
} from "./support.ts";

Deno.test(
  "PO-08 J1 J2 putConn: with a transaction open or failed it is rolled back with one warning, and the session goes on; with a statement running it is closed",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const [pid] = await pidsOf(pool);
    const leave = async (work: (conn: PoolConnection) => Promise<unknown>) => {
      const conn = await pool.getConn();
      await work(conn);
      await pool.putConn(conn);
    };
    await leave((conn) => conn.execute("create table pgts_pool_left (n int)"));
    assertWarned(warnings, "open transaction (status INTRANS)");
    assertEquals(await pidsOf(pool), [pid!]);
    await leave((conn) => rejection(conn.execute("select wrong")));
    assertWarned(warnings, "open transaction (status INERROR)");
    assertEquals(await pidsOf(pool), [pid!]);
    const left = "select to_regclass('pgts_pool_left') as name";
    assertEquals(await pool.execute(left).fetchOne(), { name: null });
    assertEquals(pool.getStats().returnsBad, 0);

    let running: Promise<unknown> | undefined;
    await leave((conn) => {
      running = rejection(conn.execute("select pg_sleep(30)"));
      return pause(20);
    });
    assertWarned(warnings, "status ACTIVE");
    assertError(await running, {
      class: OperationalError,
      says: ["given back to the pool meanwhile"],
      usable: false,
    });
    await untilSize(pool, 1);
    assert((await pidsOf(pool))[0] !== pid);
    assertEquals(pool.getStats().returnsBad, 1);
    assertWarned(warnings);
  }),
);

Deno.test(
  "J1 J2 await using: what the end of the scope rolls back is warned of only if something is lost by it",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const scope = async (...queries: string[]) => {
      await using conn = await pool.getConn();
      for (const query of queries) await conn.execute(query);
    };
    await scope("select 1");
    assertWarned(warnings);
    await scope("create table pgts_pool_left (n int)");
    assertWarned(warnings, "status INTRANS");
    await rejection(scope("select wrong"));
    assertWarned(warnings);
    await rejection(scope("create table pgts_pool_left (n int)", "select x"));
    assertWarned(warnings, "status INERROR");
    assertEquals(pool.getStats().connectionsNum, 1);
  }),
);

Deno.test(
  "PO-08 putConn: a pipeline, a stream or a COPY that is left open closes the session",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const left: ((conn: Connection) => Promise<unknown>)[] = [
      async (conn) => {
        const pipeline = await conn.pipeline();
        await pipeline.execute("select 1");
        return pipeline;
      },
      async (conn) => {
        const rows = conn.stream("select generate_series(1, 1000000)");
        await rows.next();
        return rows;
      },
      async (conn) => await conn.copy("copy pg_class to stdout"),
    ];
    for (const leave of left) {
      const [pid] = await pidsOf(pool);
      const conn = await pool.getConn();
      await conn.setAutocommit(true);
      await leave(conn);
      await pool.putConn(conn);
      assertWarned(warnings, "status ACTIVE");
      await untilSize(pool, 1);
      assert((await pidsOf(pool))[0] !== pid);
    }
  }),
);

Deno.test(
  "J3 reset: each policy leaves what it says, and by default everything stays that belongs to the session",
  quiet(async () => {
    const soil = async (conn: Connection) => {
      await conn.setAutocommit(true);
      conn.rowFactory = tupleRow as never;
      conn.addNotifyHandler(() => {});
      conn.prepareThreshold = 0;
      for (
        const query of [
          "create temp table left_temp (n int)",
          "set search_path to pg_catalog",
          "listen left_channel",
          "select pg_advisory_lock(4711)",
          "select 'kept'",
          "declare left_cursor cursor with hold for select 1",
          "set role pg_monitor",
        ]
      ) await conn.execute(query, [], { prepare: true });
    };
    const remains = async (conn: Connection) => {
      const found: string[] = [];
      const ask = async (what: string, query: string, prepare = false) => {
        const row = await conn.execute(query, undefined, { prepare })
          .fetchOne();
        if (row !== null) found.push(what);
      };
      await ask(
        "role",
        "select 1 where current_user = 'pg_monitor'",
      );
      await ask(
        "search_path",
        "select 1 where current_setting('search_path') = 'pg_catalog'",
      );
      await ask(
        "temp table",
        "select 1 from pg_class where relname = 'left_temp'",
      );
      await ask("listen", "select pg_listening_channels()");
      await ask(
        "lock",
        "select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
      );
      await ask(
        "cursor",
        "select 1 from pg_cursors where name = 'left_cursor'",
      );
      // One that is prepared is used again, and not only left behind.
      await conn.execute("select 'kept'", []);
      await ask(
        "prepared",
        "select 1 from pg_prepared_statements where statement like '%kept%' and generic_plans + custom_plans > 1",
      );
      await conn.commit();
      return found;
    };
    const session = [
      "role",
      "search_path",
      "temp table",
      "listen",
      "lock",
      "cursor",
    ];
    const policies: [ResetPolicy<never> | undefined, string[]][] = [
      [undefined, [...session, "prepared"]],
      ["off", [...session, "prepared"]],
      ["minimal", ["prepared"]],
      ["discard", []],
      [
        async (conn: Connection) => {
          await conn.execute("reset role");
          await conn.execute("unlisten *");
          await conn.commit();
        },
        ["search_path", "temp table", "lock", "cursor", "prepared"],
      ],
    ];
    for (const [reset, left] of policies) {
      const { pool, warnings } = await openPool({ reset: reset as never });
      await using _ = pool;
      const soiled = await pool.getConn();
      await soil(soiled);
      const pid = pidOf(soiled);
      await pool.putConn(soiled);
      await using conn = await pool.getConn();
      assertEquals(pidOf(conn), pid);
      // What belongs to the object begins anew whatever the policy.
      assertEquals(conn.autocommit, false);
      assertEquals(conn.prepareThreshold, 5);
      assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
      await conn.commit();
      assertEquals(await remains(conn), left, `${reset}`);
      assertWarned(warnings);
    }
  }),
);

Deno.test(
  "reset: a function that throws, hangs on to a transaction or leaves a statement running costs the session",
  quiet(async () => {
    const bad: [(conn: Connection) => unknown, string][] = [
      [() => Promise.reject(new Error("no way")), "no way"],
      [(conn) => conn.execute("select 1"), "status INTRANS"],
      [(conn) => rejection(conn.execute("select wrong")), "status INERROR"],
      [
        (conn) => {
          conn.execute("select pg_sleep(9)").then(() => {}, () => {});
        },
        "left a statement running",
      ],
    ];
    for (const [reset, says] of bad) {
      const { pool, warnings } = await openPool({
        reset: async (conn) => void await reset(conn as Connection),
      });
      await using _ = pool;
      const conn = await pool.getConn();
      const pid = pidOf(conn);
      await pool.putConn(conn);
      assertWarned(warnings, says);
      await untilSize(pool, 1);
      await using fresh = await pool.getConn();
      assert(pidOf(fresh) !== pid);
      assertEquals(pool.getStats().returnsBad, 1);
      warnings.length = 0;
      await fresh.close();
    }
  }),
);

Deno.test(
  "J4 PoolConnection: after it is given back nothing can be done with it, nor with a cursor, transaction, pipeline, stream or COPY of it, and giving it back again is harmless",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const old = await pool.getConn();
    await old.setAutocommit(true);
    const rows = await old.execute("select generate_series(1, 3) as n");
    const cursor = await old.execute("select 1");
    const named = old.cursor("left_over");
    const stream = old.stream("select 1");
    const tx = await old.begin();
    const { pgconn } = old;
    let pipeline: unknown;
    await old.pipeline((p) => void (pipeline = p));
    const copy = await (async () => {
      const whole = await old.copy("copy (select 1) to stdout");
      await whole[Symbol.asyncDispose]();
      return whole;
    })();
    const pid = pidOf(old);
    await pool.putConn(old);

    // Somebody else has the session by now.
    await using conn = await pool.getConn();
    assertEquals(pidOf(conn), pid);
    const seen: string[] = [];
    conn.pgconn.trace((line) => seen.push(line));
    const p = pipeline as {
      execute(q: string): Promise<unknown>;
      sync(): Promise<void>;
    };
    const uses: [string, () => unknown][] = [
      ["execute", () => old.execute("select 1")],
      ["executeMany", () => old.executeMany("select %s", [[1]])],
      ["stream", () => old.stream("select 1").next()],
      ["stream before", () => stream.next()],
      ["cursor", () => old.cursor()],
      ["cursor.execute", () => cursor.execute("select 1")],
      ["cursor.executeMany", () => cursor.executeMany("select %s", [[1]])],
      ["cursor.stream", () => cursor.stream("select 1").next()],
      ["cursor.copy", () => cursor.copy("copy (select 1) to stdout")],
      ["named.execute", () => named.execute("select 1")],
      ["transaction", () => old.transaction(() => {})],
      ["begin", () => old.begin()],
      ["tx.execute", () => tx.execute("select 1")],
      ["tx.transaction", () => tx.transaction(() => {})],
      ["tx.commit", () => tx.commit()],
      ["tx.rollback", () => tx.rollback()],
      ["pipeline", () => old.pipeline()],
      ["pipeline.execute", () => p.execute("select 1")],
      ["pipeline.sync", () => p.sync()],
      ["copy", () => old.copy("copy (select 1) to stdout")],
      ["copy.read", () => copy.read()],
      ["commit", () => old.commit()],
      ["rollback", () => old.rollback()],
      ["autocommit", () => old.setAutocommit(false)],
      ["encryptPassword", () => old.encryptPassword("a", "b")],
      ["lookUpType", () => old.lookUpType("hstore")],
      ["pgconn.exec", () => pgconn.exec("select 1")],
      ["pgconn.reset", () => pgconn.reset()],
      ["pgconn.trace", () => pgconn.trace(() => {})],
      ["addNoticeHandler", () => old.addNoticeHandler(() => {})],
      ["addNotifyHandler", () => old.addNotifyHandler(() => {})],
      ["notifies", () => old.notifies().next()],
      ["pendingNotifies", () => old.pendingNotifies()],
      ["ref", () => old.ref()],
    ];
    for (const [name, use] of uses) {
      const error = await rejection((async () => await use())());
      assert(error instanceof PgError, `${name}: ${Deno.inspect(error)}`);
      const spent = ["pipeline.execute", "pipeline.sync", "copy.read"];
      if (spent.includes(name)) continue; // They had ended by themselves.
      assertError(error, {
        class: InterfaceError,
        says: [`given back to the pool "${pool.name}"`],
        usable: false,
        reached: false,
      });
    }
    assertEquals(old.closed, true);
    assertEquals(await rows.fetchAll(), [{ n: 1 }, { n: 2 }, { n: 3 }]);

    // None of these does anything to the session.
    const sleeping = conn.execute("select pg_sleep(0.2), 7 as n").fetchOne();
    await pause(20);
    old.cancel();
    await old.cancelSafe();
    pgconn.untrace();
    await old.close();
    await tx[Symbol.asyncDispose]();
    await pool.putConn(old);
    await old[Symbol.asyncDispose]();
    assertEquals((await sleeping)?.n, 7);
    assertEquals(conn.closed, false);
    assertEquals(pool.getStats().poolAvailable, 0);
    assert(seen.length > 0 && !seen.some((line) => line.includes("left_over")));
    await conn.commit();
    assertWarned(warnings, "status INTRANS", "rollback of a transaction block");
  }),
);

Deno.test(
  "J4 putConn: statements that wait for their turn reject, and a cancel request that is under way hits nobody else",
  quiet(async () => {
    const { pool, warnings } = await openPool();
    await using _ = pool;
    const conn = await pool.getConn();
    const queued = ["select pg_sleep(9)", "select 1", "select 2"]
      .map((query) => rejection(conn.execute(query)));
    await pool.putConn(conn);
    const [running, ...waiting] = await Promise.all(queued);
    assertError(running, { class: OperationalError, usable: false });
    for (const error of waiting) {
      assertError(error, { class: InterfaceError, reached: false });
    }
    assertWarned(warnings, "status ACTIVE");
    for (let i = 0; i < 20; i++) {
      const hasty = await pool.getConn();
      await hasty.execute("select 1");
      hasty.cancel();
      const unsent = rejection(hasty.execute("select 1"));
      const back = pool.putConn(hasty);
      const next = pool.execute("select pg_sleep(0.01), 7 as n").fetchOne();
      await back;
      assertError(await unsent, { class: InterfaceError, reached: false });
      assertEquals((await next)?.n, 7);
    }
    warnings.length = 0;
  }),
);

Deno.test(
  "PoolConnection: handlers, ref() and adapters of one borrower are gone for the next; what configure set stays",
  quiet(async () => {
    const heard: string[] = [];
    await using pool = (await openPool({
      configure: async (conn) => {
        await conn.setAutocommit(true);
        conn.rowFactory = tupleRow as never;
        conn.addNoticeHandler(() => heard.push("pool"));
        conn.adapters.registerLoader("int4", { load: () => "four" });
      },
    })).pool;
    const notice = "do $$ begin raise notice 'hello'; end $$";
    const first = await pool.getConn();
    first.addNoticeHandler(() => heard.push("first"));
    first.ref();
    first.adapters.registerLoader("int4", { load: () => "other" });
    await first.execute(notice);
    assertEquals(heard.splice(0), ["pool", "first"]);
    assertEquals(
      await first.execute("select 1::int4", [], { binary: false }).fetchOne(),
      ["other"] as never,
    );
    await pool.putConn(first);
    const second = await pool.getConn();
    await second.execute(notice);
    assertEquals(heard.splice(0), ["pool"]);
    assertEquals(
      await second.execute("select 1::int4", [], { binary: false }).fetchOne(),
      ["four"] as never,
    );
    await pool.putConn(second);
  }),
);

Deno.test(
  "PoolConnection: notifies(), what it has not read, and closedPromise end when the connection is given back",
  quiet(async () => {
    const { pool } = await openPool({ reset: "minimal" });
    await using _pool = pool;
    const send = (conn: Connection, payload: string) =>
      conn.execute("select pg_notify('pgts_lease', %s)", [payload]);
    const first = await pool.getConn();
    await first.setAutocommit(true);
    await first.execute("listen pgts_lease");
    await send(first, "read");
    const pid = pidOf(first);
    const notifies = first.notifies();
    assertEquals((await notifies.next()).value?.payload, "read");
    const waiting = rejection(notifies.next());
    const second = waiting.then(() => notifies.next());
    const unstarted = first.notifies();
    const closed = first.closedPromise;
    await pool.putConn(first);
    const givenBack = { class: InterfaceError, says: ["given back"] };
    assertError(await waiting, givenBack);
    assertEquals((await second).done, true);
    assertEquals(await closed, null);
    assertEquals(await first.closedPromise, null);

    // The next one listens to nothing, and finds nothing.
    const next = await pool.getConn();
    await next.setAutocommit(true);
    assertEquals(pidOf(next), pid);
    await send(next, "to nobody");
    assertEquals(next.pendingNotifies(), []);
    await next.execute("listen pgts_lease");
    const reading = next.notifies();
    const item = reading.next();
    assertError(await rejection(unstarted.next()), givenBack);
    await send(next, "mine");
    assertEquals((await item).value?.payload, "mine");
    await send(next, "left over");
    await pool.putConn(next);

    const last = await pool.getConn();
    assertEquals(last.pendingNotifies(), []);
    assertError(await rejection(reading.next()), givenBack);
    await pool.putConn(last);
  }),
);

Deno.test(
  "J5 connection: a BEGIN that fails on a dead connection costs no slot",
  quiet(async () => {
    const { pool, warnings } = await openPool({ minSize: 1, maxSize: 1 });
    await using _ = pool;
    for (let i = 0; i < 3; i++) {
      const failing = pool.connection(async (conn) => {
        await terminate(pidOf(conn));
        await conn.transaction((tx) => tx.execute("select 1"));
      });
      const error = await rejection(failing);
      assert(error instanceof OperationalError, Deno.inspect(error));
    }
    const scope = async () => {
      await using conn = await pool.getConn();
      await terminate(pidOf(conn));
      await using _tx = await conn.begin();
      await conn.execute("select 1");
    };
    assert(await rejection(scope()) instanceof OperationalError);
    assertEquals(await pool.execute("select 1 as n").fetchOne(), { n: 1 });
    await untilSize(pool, 1);
    assertEquals(pool.getStats().returnsBad, 4);
    for (const warning of warnings) {
      assert(warning.includes("rollback of"), warning);
    }
  }),
);

Deno.test(
  "J6 putConn: if the ROLLBACK fails, or is not answered, the session is closed",
  quiet(async () => {
    for (const how of ["error", "close"] as const) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        await session.serve((burst) => {
          const [first] = burst;
          const isRollback = first?.tag === "Q" && first.text === "ROLLBACK";
          if (!isRollback) return answer(burst, { ...ONE, status: "T" });
          if (how === "close") {
            session.close();
            return [];
          }
          return [
            b.errorResponse({ code: "XX000", message: "cannot" }),
            b.readyForQuery("T"),
          ];
        });
      });
      const { pool, warnings } = await openPool(at(server));
      await using _ = pool;
      const conn = await pool.getConn();
      await conn.execute("select 1");
      await pool.putConn(conn);
      assertWarned(warnings, "status INTRANS", "could not be made clean");
      await until(() => server.sessions.length === 2, "replaced");
      await untilSize(pool, 1);
      assertEquals(pool.getStats().returnsBad, 1);
    }
  }),
);

Deno.test(
  "leakWarning: says once which place has had a connection for too long, and nothing of those that came back",
  quiet(async () => {
    const { pool, warnings } = await openPool({ leakWarning: 0.1, minSize: 3 });
    await using _ = pool;
    async function leaky() {
      return await pool.getConn();
    }
    const conn = await leaky();
    const block = pool.connection(async function slow() {
      await pause(250);
    });
    await pool.execute("select 1");
    await block;
    const found = warnings.splice(0);
    assertEquals(found.length, 2, found.join("\n"));
    for (const warning of found) {
      assert(warning.includes("has been out for 0.1 s"), warning);
      assert(warning.includes("lease_test.ts:"), warning);
      assert(!warning.includes("\n"), warning);
    }
    assert(found.some((warning) => warning.includes("leaky")), found.join());
    await pool.putConn(conn);
    await pause(150);
    assertWarned(warnings);
  }),
);
