/** What a lost connection makes of a transaction, and of its handle. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Connection,
  type ConnectOptions,
  type DictRow,
  OperationalError,
  type PgError,
  ProgrammingError,
  ProtocolError,
  type Transaction,
  TransactionBlockStatus,
  TransactionOutcomeUnknown,
  withConnection,
} from "../../mod.ts";
import {
  AdminShutdown,
  SerializationFailure,
  TransactionResolutionUnknown,
} from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { testDsn } from "../support/database.ts";
import type { FrontendMessage } from "../support/frontend_reader.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
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
  statementsOf,
  until,
} from "./support.ts";

const FATAL = b.errorResponse({
  severity: "FATAL",
  code: "57P01",
  message: "the end",
});

/** Whether a burst is this command, in either protocol. */
function isOnly(burst: readonly FrontendMessage[], command: string): boolean {
  const [first] = burst;
  return (first?.tag === "Q" || first?.tag === "P") && first.text === command;
}

/** Answers everything, as in a transaction, but a COMMIT: that is up to the function. */
function committing(
  commit: (session: ScriptedSession) => Promise<void> | void,
): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.startup();
    await session.serve(async (burst) => {
      if (!isOnly(burst, "COMMIT")) {
        return answer(burst, { ...ONE, status: "T" });
      }
      await commit(session);
      return null;
    });
  });
}

/** The ways to commit, each of which throws what the commit throws. */
const COMMITS: Record<string, (server: ScriptedServer) => Promise<unknown>> = {
  async "commit()"(server) {
    const conn = await openScripted(server, { autocommit: false });
    await conn.execute("select 1");
    await conn.commit().finally(() => conn.close());
  },
  async "transaction()"(server) {
    const conn = await openScripted(server);
    let block: Transaction<unknown> | undefined;
    try {
      await conn.transaction(async (tx) => {
        block = tx;
        await tx.execute("select 1");
      });
    } finally {
      if (conn.closed) {
        assertEquals(
          block?.status === TransactionBlockStatus.FAILED ||
            block?.status === TransactionBlockStatus.COMMITTED,
          true,
        );
      }
      await conn.close();
    }
  },
  async "begin()"(server) {
    // That the end of the scope cannot roll back is told.
    const conn = await openScripted(server, { onWarning: () => {} });
    await using tx = await conn.begin();
    await tx.execute("select 1");
    await tx.commit().finally(() => conn.close());
  },
  "withConnection()": (server) =>
    withConnection(server.dsn, {}, async (conn) => {
      await conn.execute("select 1");
    }),
};

/** The ways to lose a connection, and what says so. */
const LOSSES: [
  string,
  (session: ScriptedSession) => Promise<void> | void,
  new (...args: never[]) => PgError,
][] = [
  ["an end", (session) => session.close(), OperationalError],
  ["half an end", (session) => session.closeWrite(), OperationalError],
  ["half an answer", async (session) => {
    await session.sendRaw(b.commandComplete("COMMIT").subarray(0, 7));
    session.close();
  }, OperationalError],
  ["FATAL", (session) => session.send(FATAL), AdminShutdown],
  [
    "no protocol",
    (session) => session.sendRaw(b.bytes("?".repeat(64))),
    ProtocolError,
  ],
];

Deno.test(
  "H9 commit: lost between COMMIT and its answer it is TransactionOutcomeUnknown, and COMMIT is never sent again",
  quiet(async () => {
    for (const [how, lose, Class] of LOSSES) {
      for (const [by, commit] of Object.entries(COMMITS)) {
        await using server = committing(async (session) => {
          await lose(session);
          await session.silence();
        });
        const error = assertError(await rejection(commit(server)), {
          class: TransactionOutcomeUnknown,
          says: ["Cannot tell whether the transaction is committed"],
          sqlstate: "08007",
          usable: false,
          reached: true,
        });
        assert(error instanceof TransactionResolutionUnknown);
        assert(error instanceof OperationalError);
        assertEquals((error.cause as PgError).constructor, Class, how);
        await pause(5);
        assertEquals(server.sessions.length, 1, `${by}, ${how}`);
        assertEquals(
          statementsOf(server.sessions[0]).filter((text) => text === "COMMIT"),
          ["COMMIT"],
        );
      }
    }
  }),
);

Deno.test(
  "H9 commit: lost after the answer, or not sent at all, the outcome is known",
  quiet(async () => {
    for (const [by, commit] of Object.entries(COMMITS)) {
      // Committed: the server tells so when it is done.
      await using done = committing(async (session) => {
        await session.send(b.commandComplete("COMMIT"));
        await pause(5);
        session.close();
      });
      await commit(done);
      // Rolled back, for a reason.
      await using failed = committing(async (session) => {
        const code = "40001";
        await session.send(b.errorResponse({ code, message: "no" }));
        session.close();
      });
      assertError(await rejection(commit(failed)), {
        class: SerializationFailure,
        usable: false,
        reached: true,
      });
      // The connection was gone before.
      await using gone = new ScriptedServer(async (session) => {
        await session.startup();
        await session.serve(async (burst) => {
          const messages = answer(burst, { ...ONE, status: "T" });
          if (isOnly(burst, "BEGIN")) return messages;
          await session.send(...messages, FATAL);
          return null;
        });
      });
      assertError(await rejection(commit(gone)), {
        class: AdminShutdown,
        usable: false,
        reached: false,
      });
      assertEquals(
        statementsOf(gone.sessions[0]).includes("COMMIT"),
        false,
        by,
      );
    }
  }),
);

Deno.test(
  "H9 commit: the real server, terminated in the middle of a COMMIT, and a connection that is closed meanwhile",
  quiet(async () => {
    const name = `slow_${crypto.randomUUID().slice(0, 8)}`;
    await using watcher = await open();
    await watcher.execute(`
      create table ${name} (n int);
      create function ${name}() returns trigger language plpgsql as
        'begin perform pg_sleep(10); return null; end';
      create constraint trigger late after insert on ${name}
        deferrable initially deferred for each row execute function ${name}()`);
    const committing = (pid: number) =>
      until(async () => {
        const { query } = await watcher.execute(
          "select query from pg_stat_activity where pid = %s",
          [pid],
        ).fetchOne() ?? {};
        return query === "COMMIT";
      }, "the COMMIT is under way");
    for (const how of ["terminate", "close"]) {
      const conn = await open({ onWarning: () => {} });
      const pid = conn.info.backendPid;
      const block = rejection(
        conn.transaction((tx) => tx.execute(`insert into ${name} values (1)`)),
      );
      await committing(pid);
      if (how === "close") await conn.close();
      else await watcher.execute("select pg_terminate_backend(%s)", [pid]);
      const error = assertError(await block, {
        class: TransactionOutcomeUnknown,
        sqlstate: "08007",
        usable: false,
        reached: true,
      });
      assertEquals(error.cause instanceof AdminShutdown, how === "terminate");
      await watcher.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid = %s",
        [pid],
      );
      await conn.close();
    }
    await watcher.execute(`drop table ${name}`);
    await watcher.execute(`drop function ${name}`);
  }),
);

Deno.test(
  "H8 transaction: the handle of a session that died stays dead, also while there is a new connection, and says why",
  quiet(async () => {
    const warnings: string[] = [];
    const options: ConnectOptions<DictRow> = {
      onWarning: (message) => void warnings.push(message),
    };
    const conn = await open(options);
    let dead: Transaction<unknown> | undefined;
    const expected = {
      class: AdminShutdown,
      says: ["Cannot use the transaction block", "its session has ended"],
      sqlstate: "57P01",
      usable: false,
      reached: false,
    };
    const check = async (tx: Transaction<unknown>) => {
      assertEquals(tx.status, TransactionBlockStatus.FAILED);
      for (
        const attempt of [
          () => tx.execute("select 1"),
          () => tx.transaction(() => {}),
          () => tx.begin(),
          () => tx.commit(),
          () => tx.rollback(),
          () => tx.execute("select 2"),
        ]
      ) {
        const error = assertError(await rejection(attempt()), expected);
        assert(error instanceof OperationalError);
      }
      assertThrows(() => tx.cursor(), AdminShutdown, "its session has ended");
    };
    const block = conn.transaction(async (tx) => {
      dead = tx;
      await tx.execute("select 1");
      await using other = await open();
      await other.execute("select pg_terminate_backend(%s)", [
        conn.info.backendPid,
      ]);
      await until(() => conn.closed, "the loss is seen");
      await check(tx);
      await assertUsable(other);
      await tx.execute("select 1");
    });
    assertError(await rejection(block), expected);
    await using _next = await open();
    await check(dead!);
    assertEquals(warnings.length, 1, "the rollback failed");
    await assertDead(conn);

    // Where nobody says why, it is an OperationalError itself.
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      const burst = await session.readUntilSync();
      await session.send(...answer(burst, { ...ONE, status: "T" }));
      session.close();
    });
    const lost = await openScripted(server, options);
    const second = lost.transaction(async (tx) => {
      await tx.execute("select %s", [1]);
      await until(() => lost.closed, "the loss is seen");
      await tx.execute("select 2");
    });
    assertError(await rejection(second), {
      class: OperationalError,
      says: ["its session has ended"],
      usable: false,
      reached: false,
    });
  }),
);

Deno.test(
  "H10 execute: what the server may have got is never sent again, whatever it is",
  quiet(async () => {
    const what: Record<string, (conn: Connection) => PromiseLike<unknown>> = {
      "a simple query": (conn) => conn.execute("select 1"),
      "an extended query": (conn) => conn.execute("insert %s", [1]),
      "a prepared one": (conn) =>
        conn.execute("select %s", [1], { prepare: true }),
      "a block": (conn) => conn.transaction((tx) => tx.execute("update x")),
      "a block that may be retried": (conn) =>
        conn.transaction((tx) => tx.execute("update x"), { retry: 5 }),
      "a pipeline": (conn) => conn.pipeline((p) => p.execute("delete x")),
    };
    for (const [name, run] of Object.entries(what)) {
      for (const autocommit of [true, false]) {
        await using server = new ScriptedServer(async (session) => {
          await session.startup();
          await session.readUntilSync();
          session.close();
        });
        const conn = await openScripted(server, {
          autocommit,
          onWarning: () => {},
        });
        const error = await rejection(run(conn));
        assert(error instanceof OperationalError, name);
        assertEquals(error.reachedServer, true, name);
        await assertDead(conn);
        await pause(5);
        assertEquals(server.sessions.length, 1, name);
        const texts = statementsOf(server.sessions[0]);
        assertEquals(texts.length, new Set(texts).size, texts.join());
      }
    }
    // Nor a commit whose outcome is unknown, where retry is asked for.
    await using server = committing((session) => session.close());
    const conn = await openScripted(server);
    let runs = 0;
    const block = conn.transaction(async (tx) => {
      runs++;
      await tx.execute("select 1");
    }, { retry: 5 });
    assertError(await rejection(block), { class: TransactionOutcomeUnknown });
    assertEquals([runs, server.sessions.length], [1, 1]);
  }),
);

Deno.test(
  "transaction: an abort while COMMIT is under way comes too late, and nothing is cancelled",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve(async (burst) => {
        if (!isOnly(burst, "COMMIT")) {
          return answer(burst, { ...ONE, status: "T" });
        }
        await pause(30);
        return [b.commandComplete("COMMIT"), b.readyForQuery("I")];
      });
    });
    const conn = await openScripted(server);
    const controller = new AbortController();
    const { signal } = controller;
    const value = await conn.transaction(async (tx) => {
      await tx.execute("select 1", undefined, { signal });
      setTimeout(() => controller.abort(new ProgrammingError("late")), 10);
      return "kept";
    }, { retry: { signal } });
    assertEquals(value, "kept");
    assertEquals(signal.aborted, true);
    assertEquals(server.cancelRequests, []);
    await conn.close();
  }),
);

Deno.test(
  "CN-05 withConnection: what the function throws comes out, after a rollback, and the connection is closed",
  quiet(async () => {
    const name = `with_${crypto.randomUUID().slice(0, 8)}`;
    const reason = new TypeError("mine");
    let kept: Connection | undefined;
    const block = withConnection(testDsn(), {}, async (conn) => {
      kept = conn;
      await conn.execute(`create table ${name} (n int)`);
      throw reason;
    });
    assertEquals(await rejection(block), reason);
    assertEquals([kept?.closed, kept?.broken], [true, false]);
    await using conn = await open();
    const found = await conn.execute("select to_regclass(%s)::text as name", [
      name,
    ]).fetchOne();
    assertEquals(found, { name: null });
  }),
);

Deno.test(
  "CN-07 withConnection: if the session is killed meanwhile, the function's error comes out, and one warning",
  quiet(async () => {
    for (const nested of [false, true]) {
      const warnings: string[] = [];
      const reason = new RangeError("mine");
      const block = withConnection(testDsn(), {
        onWarning: (message) => void warnings.push(message),
      }, async (conn) => {
        const fail = async () => {
          await conn.execute("create temp table lost (n int)");
          await using other = await open();
          const pid = conn.info.backendPid;
          await other.execute("select pg_terminate_backend(%s)", [pid]);
          await until(() => conn.closed, "the loss is seen");
          throw reason;
        };
        if (!nested) return await fail();
        await conn.transaction((tx) => tx.transaction(fail));
      });
      assertEquals(await rejection(block), reason);
      assertEquals(warnings.length, 1, warnings.join("\n"));
      assert(warnings[0]!.includes("rollback"), warnings[0]);
    }
  }),
);

Deno.test(
  "J7 withConnection: a commit that the server made a rollback is an error",
  quiet(async () => {
    const block = withConnection(testDsn(), {}, async (conn) => {
      await conn.execute("create temp table lost (n int)");
      await conn.execute("select 1/0").catch(() => {});
    });
    assertError(await rejection(block), {
      class: OperationalError,
      says: ["Cannot commit", "a statement in it had failed"],
      usable: true,
      reached: true,
    });
  }),
);
