import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  connect,
  type Connection,
  Listener,
  sql,
  TransactionStatus,
} from "../../mod.ts";
import { QueryCanceled } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";

import { ScriptedServer } from "../support/scripted_server.ts";
import { sessionsNamed } from "./listener_support.ts";
import {
  answer,
  assertUsable,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  statementsOf,
  until,
} from "./support.ts";

/** The beginning of what the server is doing in a phase, or did last. */
const DOING: Record<string, string> = {
  "prepare": "select * from pgts_i12",
  "describe": "select * from pgts_i12",
  "execute": "select pg_sleep",
  "COPY in, for its lock": "copy",
  "COPY in, between two rows": "copy",
  "COPY out": "copy",
  "cursor, declaring": "declare",
  "cursor, fetching": "fetch forward all",
  "stream": "select pg_sleep",
  "LISTEN, in its turn": "select pg_sleep",
  "notifies()": "listen",
  "COMMIT": "commit",
};

/** What is under way when its signal is aborted. Each begins in a session that was just opened. */
const PHASES: Record<
  string,
  (conn: Connection, signal: AbortSignal) => PromiseLike<unknown>
> = {
  // The table is locked, and Parse asks what its columns are.
  "prepare": (conn, signal) =>
    conn.execute("select * from pgts_i12 where n = %s", [1], {
      signal,
      prepare: true,
    }),
  "describe": async (conn, signal) => {
    // In such a session a statement is described before it runs.
    await conn.execute("set datestyle to german");
    await conn.execute("select * from pgts_i12 where n = %s", [1], { signal });
  },
  "execute": (conn, signal) =>
    conn.execute("select pg_sleep(60)", undefined, { signal }),
  "COPY in, for its lock": (conn, signal) =>
    conn.copy("copy pgts_i12 from stdin", () => {}, { signal }),
  "COPY in, between two rows": async (conn, signal) => {
    await conn.execute("create temp table i12 (n int)");
    await conn.copy("copy i12 from stdin", async (copy) => {
      for (;;) {
        await copy.writeRow([1]);
        await pause(5);
      }
    }, { signal });
  },
  "COPY out": (conn, signal) =>
    conn.copy(
      "copy (select n, pg_sleep(0.01) from generate_series(1, 10000) n) to stdout",
      async (copy) => {
        for await (const _ of copy);
      },
      { signal },
    ),
  "cursor, declaring": (conn, signal) =>
    conn.transaction((tx) =>
      tx.cursor("i12").execute("select * from pgts_i12", undefined, { signal })
    ),
  "cursor, fetching": (conn, signal) =>
    conn.transaction(async (tx) => {
      const cursor = await tx.cursor("i12").execute(
        "select pg_sleep(0.05), n from generate_series(1, 1000) n",
      );
      await cursor.fetchOne();
      await cursor.fetchAll({ signal });
    }),
  "stream": async (conn, signal) => {
    const rows = conn.stream(
      "select pg_sleep(0.01), generate_series(1, 9999)",
      undefined,
      {
        signal,
      },
    );
    for await (const _ of rows);
  },
  "LISTEN, in its turn": (conn, signal) => {
    conn.execute("select pg_sleep(0.3)").fetchAll();
    return conn.execute("listen pgts_i12", undefined, { signal });
  },
  "notifies()": async (conn, signal) => {
    await conn.execute("listen pgts_i12");
    for await (const _ of conn.notifies({ signal }));
  },
  "COMMIT": async (conn, signal) => {
    await conn.execute(
      `create temp table i12 (n int);
       create function pg_temp.wait() returns trigger language plpgsql as
         'begin perform pg_sleep(60); return null; end';
       create constraint trigger slow after insert on i12
         deferrable initially deferred for each row execute function pg_temp.wait()`,
    );
    await conn.execute("begin");
    await conn.execute("insert into i12 values (1)");
    await conn.execute("commit", undefined, { signal });
  },
};

/** Connecting, to a server that says nothing more; a listener too. */
async function abortConnecting(): Promise<void> {
  await using silent = new ScriptedServer(async (session) => {
    await session.readStartup();
    await session.send(b.authenticationOk());
    await session.silence();
  });
  for (
    const open of [
      (signal: AbortSignal) => connect(silent.dsn, { signal }),
      (signal: AbortSignal) =>
        Listener.connect(silent.dsn, { signal, channels: ["a"] }),
    ]
  ) {
    const signal = AbortSignal.timeout(50);
    assertStrictEquals(await rejection(open(signal)), signal.reason);
    await until(
      () => silent.sessions.every(({ left }) => left),
      "the socket is closed",
    );
  }
}

/** LISTEN that is under way: a server has to be made to take its time. */
async function abortListen(): Promise<void> {
  const canceled = Promise.withResolvers<void>();
  await using server = new ScriptedServer(async (session) => {
    await session.startup();
    await session.serve(async (burst) => {
      if (statementsOf(session).at(-1) === "select 1 as one") {
        return answer(burst, {
          columns: [{ name: "one", oid: 23 }],
          rows: [["1"]],
          tag: "SELECT 1",
        });
      }
      await canceled.promise;
      return [
        b.errorResponse({ code: "57014", message: "canceling" }),
        b.readyForQuery("I"),
      ];
    });
  }, { onCancel: () => Promise.resolve(canceled.resolve()) });
  await using conn = await openScripted(server);
  const signal = AbortSignal.timeout(30);
  const listening = conn.execute(sql`listen ${sql.id("x")}`, undefined, {
    signal,
  });
  assertStrictEquals(await rejection(listening), signal.reason);
  await assertUsable(conn);
  assertEquals(server.cancelRequests.length, 1);

  await using mute = new ScriptedServer(async (session) => {
    await session.startup();
    await session.readUntilSync();
    await session.silence();
  });
  const controller = new AbortController();
  const late = controller.signal;
  const listener = rejection(
    Listener.connect(mute.dsn, { channels: ["x"], signal: late }),
  );
  await until(() => statementsOf(mute.sessions[0]).length === 1, "LISTEN came");
  controller.abort();
  assertStrictEquals(await listener, late.reason);
  await until(
    () => mute.sessions[0]!.received.at(-1)?.tag === "X",
    "it has said goodbye",
  );
}

Deno.test(
  "I12 signal: aborted during connect, prepare, describe, COPY in and out, cursor fetch, LISTEN or commit, it rejects with the reason and leaks nothing",
  quiet(async () => {
    await using admin = await open();
    await using locker = await open({ autocommit: false });
    const name = crypto.randomUUID();
    await admin.execute(
      "drop table if exists pgts_i12; create table pgts_i12 (n int)",
    );
    await locker.execute("lock table pgts_i12");
    for (const [phase, run] of Object.entries(PHASES)) {
      const reason = new Error(phase);
      const controller = new AbortController();
      {
        await using conn = await open({ applicationName: name });
        const running = rejection(run(conn, controller.signal));
        await until(async () => {
          const row = await admin.execute(
            "select query from pg_stat_activity where application_name = %s",
            [name],
          ).fetchOne();
          const query = String(row?.query).toLowerCase();
          return query.startsWith(DOING[phase]!);
        }, `${phase}: it is under way`);
        await pause(20);
        controller.abort(reason);
        assertStrictEquals(await running, reason);
        await assertUsable(conn);
        assertEquals(
          conn.info.transactionStatus,
          TransactionStatus.IDLE,
          phase,
        );
        // Neither the statement nor what cancelled it is left over.
        assertEquals(await sessionsNamed(admin, name), 1, phase);
        const row = await admin.execute(
          "select count(*)::int4 as n from pg_stat_activity where application_name = %s and state = 'active'",
          [name],
        ).fetchOne();
        assertEquals(row, { n: 0 }, phase);
        const listens = await conn.execute(
          "select pg_listening_channels() as channel",
        ).fetchAll();
        // Only who listened before listens still.
        assertEquals(listens.length, phase === "notifies()" ? 1 : 0, phase);
        if (phase === "COMMIT" || phase.includes("two rows")) {
          const rows = await conn.execute("select * from i12").fetchAll();
          assertEquals(rows, [], phase);
        }
      }
      await until(
        async () => await sessionsNamed(admin, name) === 0,
        `${phase}: the session is gone`,
      );
    }

    // A statement whose Parse was cancelled is prepared anew.
    await using conn = await open();
    const signal = AbortSignal.timeout(50);
    const query = "select n from pgts_i12 where n = %s";
    const cut = conn.execute(query, [1], { signal, prepare: true });
    assertStrictEquals(await rejection(cut), signal.reason);
    await locker.rollback();
    for (let i = 0; i < 2; i++) {
      const rows = await conn.execute(query, [1], { prepare: true }).fetchAll();
      assertEquals(rows, []);
    }
    await admin.execute("drop table pgts_i12");

    await abortConnecting();
    await abortListen();
  }),
);

Deno.test(
  "commit: cancelled from elsewhere while it is under way, it is QueryCanceled and nothing is stored",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    await conn.execute(
      `create temp table i12 (n int);
       create function pg_temp.wait() returns trigger language plpgsql as
         'begin perform pg_sleep(60); return null; end';
       create constraint trigger slow after insert on i12
         deferrable initially deferred for each row execute function pg_temp.wait()`,
    );
    await conn.commit();
    await conn.execute("insert into i12 values (1)");
    const committing = rejection(conn.commit());
    await pause(50);
    await conn.cancelSafe();
    assert(await committing instanceof QueryCanceled);
    assertEquals(await conn.execute("select * from i12").fetchAll(), []);
    await conn.rollback();
  }),
);
