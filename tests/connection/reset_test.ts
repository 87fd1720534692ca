import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  ConnStatus,
  OperationalError,
  ProgrammingError,
  TransactionStatus,
} from "../../mod.ts";
import { CannotConnectNow, QueryCanceled } from "../../errors/mod.ts";
import { errorResponse } from "../support/backend.ts";
import { type Script, ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertDead,
  assertError,
  assertUsable,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

/** Ends the session of a connection as an administrator would, and waits for it. */
async function terminate(conn: Awaited<ReturnType<typeof open>>) {
  await using admin = await open();
  await admin.execute("select pg_terminate_backend(%s)", [
    conn.info.backendPid,
  ]);
  await until(() => conn.broken, "the connection notices its end");
}

Deno.test(
  "LP-05 PgConn.reset: after termination the same connection works again, with what was set on it",
  quiet(async () => {
    const notices: unknown[] = [];
    await using conn = await open({
      autocommit: false,
      prepareThreshold: 0,
      applicationName: "to be reset",
    });
    conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary));
    conn.readOnly = true;
    const cursor = conn.cursor();
    const { pgconn, info } = conn;
    const prepared = () =>
      cursor.execute("select %s::int4 as n", [7]).fetchAll();
    assertEquals(await prepared(), [{ n: 7 }]);
    assertEquals(await prepared(), [{ n: 7 }]);
    const pid = info.backendPid;
    await terminate(conn);
    assertEquals([conn.closed, pgconn.status], [true, ConnStatus.BAD]);
    assert(pgconn.errorMessage !== "");

    await pgconn.reset();
    assertEquals([conn.closed, conn.broken], [false, false]);
    assertEquals([pgconn.status, info.status], [ConnStatus.OK, ConnStatus.OK]);
    assertEquals(info.transactionStatus, TransactionStatus.IDLE);
    assertEquals(pgconn.errorMessage, "");
    assertNotEquals(info.backendPid, pid);
    assertEquals(info.getParameters().application_name, "to be reset");
    assertEquals(conn.pgconn === pgconn, true);
    // What was prepared in the session before is not there, and is prepared again.
    assertEquals(await prepared(), [{ n: 7 }]);
    assertEquals(info.transactionStatus, TransactionStatus.INTRANS);
    assertEquals(
      await conn.execute("show transaction_read_only").fetchOne(),
      { transaction_read_only: "on" },
    );
    await conn.execute("do $$ begin raise notice 'heard'; end $$");
    assertEquals(notices, ["heard"]);
    await conn.rollback();
    await terminate(conn);
    await pgconn.reset();
    await assertUsable(conn);
    await conn.close();
    assertEquals([conn.closed, conn.broken], [true, false]);
  }),
);

Deno.test(
  "PgConn.reset: of a session that works is a new session, and nothing of the old one shows",
  quiet(async () => {
    const warnings: string[] = [];
    await using conn = await open({
      onWarning: (message) => warnings.push(message),
    });
    const pid = conn.info.backendPid;
    await conn.execute("set client_encoding to latin1");
    await conn.execute("set datestyle to 'SQL, DMY'");
    const text = async () =>
      await conn.execute("select 'ä' as t, date '2020-02-01' as d").fetchOne();
    const before = await text();
    await conn.execute("begin");
    await conn.execute("create temp table t (n int)");
    await conn.pgconn.reset();
    assertNotEquals(conn.info.backendPid, pid);
    assertEquals(conn.info.encoding, "utf-8");
    assertEquals(conn.info.parameterStatus("DateStyle"), "ISO, MDY");
    assertEquals(await text(), before);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    await using other = await open();
    const stateOf = async (session: number | null) =>
      (await other.execute(
        "select state from pg_stat_activity where pid = %s",
        [session],
      ).fetchOne())?.state;
    await until(
      async () => await stateOf(pid) === undefined,
      "the old session is gone",
    );
    // The transaction that had changed something was not lost in silence.
    assertEquals(warnings.length, 1);
    assert(warnings[0]?.includes("its changes are lost"), warnings[0]);
    // Cancelling means the new session.
    const slow = rejection(conn.execute("select pg_sleep(10)"));
    await until(
      async () => await stateOf(conn.info.backendPid) === "active",
      "the statement runs",
    );
    await conn.cancelSafe();
    assertError(await slow, {
      class: QueryCanceled,
      usable: true,
    });
  }),
);

Deno.test(
  "PgConn.reset: what is under way or asked for meanwhile fails, and two resets are one",
  quiet(async () => {
    await using conn = await open();
    const running = rejection(conn.execute("select pg_sleep(10)"));
    const waiting = rejection(conn.execute("select 1"));
    await pause(20);
    const resets = Promise.all([conn.pgconn.reset(), conn.pgconn.reset()]);
    resets.catch(() => {});
    assertEquals([conn.closed, conn.broken], [true, false]);
    const meanwhile = rejection(conn.execute("select 2"));
    for (
      const [failed, reached] of [
        [running, true],
        [waiting, false],
        [meanwhile, false],
      ] as const
    ) {
      assertError(await failed, {
        class: OperationalError,
        says: ["reset() has ended its session"],
        usable: false,
        reached,
      });
    }
    await resets;
    await assertUsable(conn);
  }),
);

Deno.test(
  "PgConn.reset: inside a block, and after close(), it is refused and nothing happens",
  quiet(async () => {
    const conn = await open();
    const pid = conn.info.backendPid;
    await conn.transaction(async () => {
      assertError(await rejection(conn.pgconn.reset()), {
        class: ProgrammingError,
        says: ["transaction()", "leave it first"],
      });
    });
    await conn.pipeline(async () => {
      assertError(await rejection(conn.pgconn.reset()), {
        class: ProgrammingError,
        says: ["pipeline()"],
      });
    });
    assertEquals(conn.info.backendPid, pid);
    await assertUsable(conn);
    await conn.close();
    assertError(await rejection(conn.pgconn.reset()), {
      class: OperationalError,
      says: ["it is closed"],
    });
  }),
);

Deno.test(
  "PgConn.reset: where the server is gone it fails, the connection is broken, and can be reset later",
  quiet(async () => {
    const password = "not to be seen";
    await using server = new ScriptedServer([
      async (session) => {
        await session.startup();
        await session.serve((burst) => answer(burst, ONE));
      },
      async (session) => {
        await session.readStartup();
        await session.send(
          errorResponse({
            severity: "FATAL",
            code: "57P03",
            message: "the database system is starting up",
          }),
        );
      },
      async (session) => {
        await session.startup();
        await session.serve((burst) => answer(burst, ONE));
      },
    ]);
    const conn = await openScripted(server, { password });
    const failure = await rejection(conn.pgconn.reset());
    assertError(failure, {
      class: CannotConnectNow,
      sqlstate: "57P03",
    });
    assertEquals([conn.closed, conn.broken], [true, true]);
    assertEquals(conn.pgconn.status, ConnStatus.BAD);
    assert(conn.pgconn.errorMessage.includes("starting up"));
    assertError(await rejection(conn.execute("select 1")), {
      class: OperationalError,
      usable: false,
      reached: false,
    });
    await conn.pgconn.reset();
    await assertUsable(conn);
    server.stopListening();
    await rejection(conn.pgconn.reset());
    await assertDead(conn);
  }),
);

Deno.test(
  "PgConn.reset: given up by its signal it rejects with the reason, and can be tried again",
  quiet(async () => {
    const serve: Script = async (session) => {
      await session.startup();
      await session.serve((burst) => answer(burst, ONE));
    };
    await using server = new ScriptedServer([
      serve,
      (session) => session.silence(),
      serve,
    ]);
    await using conn = await openScripted(server);
    const reason = new Error("enough");
    // Given up before it begins, it has done nothing.
    const signal = AbortSignal.abort(reason);
    assertEquals(await rejection(conn.pgconn.reset({ signal })), reason);
    await assertUsable(conn);
    const controller = new AbortController();
    const reset = rejection(conn.pgconn.reset({ signal: controller.signal }));
    await until(() => server.sessions.length === 2, "it connects again");
    controller.abort(reason);
    assertEquals(await reset, reason);
    assertEquals([conn.closed, conn.broken], [true, true]);
    assertEquals(conn.pgconn.errorMessage, "enough");
    await conn.pgconn.reset();
    await assertUsable(conn);
  }),
);

Deno.test(
  "PgConn.reset: all hosts are tried again, and info tells of the one that answers",
  quiet(async () => {
    const serve: Script = async (session) => {
      await session.startup();
      await session.serve((burst) => answer(burst, ONE));
    };
    await using first = new ScriptedServer(serve);
    await using second = new ScriptedServer(serve);
    await using conn = await openScripted(first, {
      host: "127.0.0.1,127.0.0.1",
      port: `${first.port},${second.port}`,
    });
    assertEquals(conn.info.port, first.port);
    first.stopListening();
    await conn.pgconn.reset();
    assertEquals(conn.info.port, second.port);
    await assertUsable(conn);
  }),
);

Deno.test(
  "PgConn.reset: close() while it is under way ends it, and leaves no socket",
  quiet(async () => {
    await using server = new ScriptedServer([
      async (session) => {
        await session.startup();
        await session.silence();
      },
      (session) => session.silence(),
    ]);
    const conn = await openScripted(server);
    const reset = rejection(conn.pgconn.reset());
    await until(() => server.sessions.length === 2, "it connects again");
    const start = performance.now();
    await conn.close();
    assert(performance.now() - start < 1000);
    assertError(await reset, { class: OperationalError, says: ["is closed"] });
    assertEquals([conn.closed, conn.broken], [true, false]);
  }),
);

Deno.test(
  "PgConn.reset: who was to keep the process alive still does, and a trace goes on",
  quiet(async () => {
    await using conn = await open();
    const heard: string[] = [];
    const lines: string[] = [];
    conn.addNotifyHandler(({ channel }) => heard.push(channel));
    conn.pgconn.trace((line) => lines.push(line), { flags: 1 });
    await conn.pgconn.reset();
    await conn.execute("listen again");
    await conn.execute("notify again");
    await until(() => heard.length === 1, "the notification");
    assert(lines.some((line) => line.includes('"listen again"')), `${lines}`);
  }),
);
