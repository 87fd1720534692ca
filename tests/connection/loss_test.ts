import { assert, assertEquals } from "@std/assert";
import { type Connection, OperationalError } from "../../mod.ts";
import {
  AdminShutdown,
  CrashShutdown,
  IdleInTransactionSessionTimeout,
  IdleSessionTimeout,
  TransactionTimeout,
} from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertDead,
  assertError,
  assertFails,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

/** Ends a session on the test server from another one. */
async function terminate(conn: Connection): Promise<void> {
  await using killer = await open();
  const pid = conn.info.backendPid;
  const killed = killer.execute("select pg_terminate_backend(%s) as ok", [pid]);
  assertEquals(await killed.fetchOne(), { ok: true });
}

function fatal(code: string): Uint8Array {
  return b.errorResponse({ severity: "FATAL", code, message: "the end" });
}

Deno.test(
  "H4 Connection: terminated while idle, the next statement rejects with AdminShutdown and nothing is uncaught",
  quiet(async () => {
    const warnings: string[] = [];
    const conn = await open({ onWarning: (message) => warnings.push(message) });
    await conn.execute("select 1");
    await terminate(conn);
    await until(() => conn.closed, "the loss is seen while idle");
    assertError(await rejection(conn.execute("select 1")), {
      class: AdminShutdown,
      says: ["terminating connection due to administrator command"],
      sqlstate: "57P01",
      usable: false,
      reached: false,
    });
    assertError(await rejection(conn.commit()), { class: AdminShutdown });
    assertError(await assertDead(conn), { class: AdminShutdown });
    assertEquals(warnings, []);
  }),
);

Deno.test(
  "H5 Connection: class and SQLSTATE of a FATAL error survive the loss that follows",
  quiet(async () => {
    const ends = [
      ["57P01", AdminShutdown],
      ["57P02", CrashShutdown],
      ["57P05", IdleSessionTimeout],
      ["25P03", IdleInTransactionSessionTimeout],
      ["25P04", TransactionTimeout],
    ] as const;
    for (const [sqlstate, Class] of ends) {
      for (const mode of ["together", "apart", "mid-row"]) {
        await using server = new ScriptedServer(async (session) => {
          await session.startup();
          const [head, row] = answer(await session.readUntilSync(), ONE);
          if (mode === "mid-row") await session.send(head!, row!);
          await session.send(fatal(sqlstate));
          if (mode === "apart") await pause(5);
          session.close();
        });
        const conn = await openScripted(server);
        const running = conn.execute("select 1");
        const queued = conn.execute("select 2");
        const expected = { class: Class, sqlstate, usable: false };
        const error = assertError(await rejection(running), {
          ...expected,
          says: ["the end"],
          reached: true,
        });
        assertEquals(error.diag.severity, "FATAL");
        assertError(await rejection(queued), { ...expected, reached: false });
        assertError(await assertDead(conn), expected);
      }
    }
  }),
);

Deno.test(
  "H5 Connection: the real server's FATAL errors, in the middle of a statement and while idle",
  quiet(async () => {
    const conns = await Promise.all(
      Array.from({ length: 4 }, () => open({ autocommit: true })),
    );
    const [killed, idle, inTransaction, late] = conns as [
      Connection,
      Connection,
      Connection,
      Connection,
    ];
    const idleEnds = idle.info.serverVersion >= 140000;
    if (idleEnds) await idle.execute("set idle_session_timeout = 20");
    await inTransaction.execute("set idle_in_transaction_session_timeout = 20");
    await inTransaction.execute("begin");
    const expected = { usable: false };
    const running = assertFails(killed, killed.execute("select pg_sleep(10)"), {
      ...expected,
      class: AdminShutdown,
      sqlstate: "57P01",
      reached: true,
    });
    await terminate(killed);
    await running;
    if (idleEnds) {
      await until(() => idle.closed, "the timeout of the session");
      await assertFails(idle, idle.execute("select 1"), {
        ...expected,
        class: IdleSessionTimeout,
        sqlstate: "57P05",
        reached: false,
      });
    }
    await until(() => inTransaction.closed, "the timeout of the transaction");
    await assertFails(inTransaction, inTransaction.execute("select 1"), {
      ...expected,
      class: IdleInTransactionSessionTimeout,
      sqlstate: "25P03",
      reached: false,
    });
    if (late.info.serverVersion >= 170000) {
      await late.execute("set transaction_timeout = 20");
      await assertFails(late, late.execute("select pg_sleep(10)"), {
        ...expected,
        class: TransactionTimeout,
        sqlstate: "25P04",
        reached: true,
      });
    }
    await late.close();
    await idle.close();
  }),
);

Deno.test(
  "H6 Connection: close() settles within a second although the server reads nothing",
  quiet(async () => {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    await using _server = new ScriptedServer(async (session) => {
      await session.startup();
      await over;
      session.close();
    });
    const conn = await openScripted(_server);
    const stuck = rejection(conn.execute("select %s", ["x".repeat(32e6)]));
    await pause(20);
    const start = performance.now();
    await conn.close();
    assert(performance.now() - start < 1000);
    assertError(await stuck, {
      class: OperationalError,
      says: ["closed"],
      usable: false,
      reached: true,
    });
    resolve();
  }),
);

Deno.test(
  "H17 Connection: close() and `await using` say goodbye, and the session is gone",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => answer(burst, ONE));
    });
    for (const by of ["close", "using"]) {
      if (by === "using") {
        await using conn = await openScripted(server);
        await conn.execute("select 1");
      } else {
        const conn = await openScripted(server);
        await conn.execute("select 1");
        await conn.close();
        await conn.close();
        assertEquals([conn.closed, conn.broken], [true, false]);
      }
      const session = server.sessions.at(-1)!;
      await until(
        () => session.received.at(-1)?.tag === "X",
        "the client said goodbye",
      );
      assertEquals(session.received.map(({ tag }) => tag), [
        "ssl",
        "startup",
        "Q",
        "X",
      ]);
    }

    await using watcher = await open();
    const pids: number[] = [];
    {
      await using used = await open({ autocommit: false });
      const closed = await open();
      await used.execute("select 1");
      pids.push(used.info.backendPid, closed.info.backendPid);
      await closed.close();
    }
    await until(async () => {
      const left = await watcher.execute(
        "select pid from pg_stat_activity where pid = any(%s)",
        [pids],
      );
      return (await left.fetchAll()).length === 0;
    }, "the backends have ended");
  }),
);

Deno.test(
  "H18 Connection: FATAL after CommandComplete, before ReadyForQuery, is a typed error and the end",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      const burst = await session.readUntilSync();
      await session.send(...answer(burst, ONE).slice(0, -1), fatal("57P01"));
      session.close();
    });
    for (const params of [undefined, [1]]) {
      const conn = await openScripted(server);
      await assertFails(conn, conn.execute("select %s", params), {
        class: AdminShutdown,
        sqlstate: "57P01",
        usable: false,
        reached: true,
      });
    }
  }),
);
