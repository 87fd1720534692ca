/** Whether errors are right about the connection, over every kind of error there is. */

import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  OperationalError,
  PgError,
  TransactionStatus,
} from "../../mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  answer,
  assertDead,
  assertError,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
} from "./support.ts";

type Path = (conn: Connection) => PromiseLike<unknown>;

/** A statement that fails with an SQLSTATE. */
function raise(code: string): string {
  return `do $$ begin raise exception 'as asked' using errcode = '${code}'; end $$`;
}

async function terminated(conn: Connection): Promise<void> {
  await using other = await open();
  await other.execute("select pg_terminate_backend(%s)", [
    conn.info.backendPid,
  ]);
}

/** What the server says no to, and what never gets there. */
const SURVIVED: Record<string, Path> = {
  "syntax, simple": (conn) => conn.execute("selec 1"),
  "syntax, extended": (conn) => conn.execute("selec %s", [1]),
  "the second of two statements": (conn) =>
    conn.execute("select 1; select 1/0"),
  "in the middle of rows": (conn) =>
    conn.execute("select 1 / (50 - n) from generate_series(1, 90) as n"),
  "by a parameter": (conn) => conn.execute("select %s::int", ["x"]),
  "prepared": (conn) => conn.execute("select 1 / %s", [0], { prepare: true }),
  "too few parameters": (conn) => conn.execute("select %s, %s", [1]),
  "undefined": (conn) => conn.execute("select %s", [undefined]),
  "a lone surrogate": (conn) => conn.execute("select %s", ["\ud800"]),
  "two columns of a name": (conn) => conn.execute("select 1 as a, 2 as a"),
  "a value that cannot be loaded": (conn) =>
    conn.execute("select 'infinity'::date"),
  "a COPY": (conn) => conn.execute("copy (select 1) to stdout"),
  "a deferred constraint": (conn) =>
    conn.transaction((tx) =>
      tx.execute(`
      create temp table parent (id int primary key);
      create temp table child (id int references parent deferrable initially deferred);
      insert into child values (1)`)
    ),
  "a commit that is refused": (conn) =>
    conn.transaction(async (tx) => {
      await tx.execute("select 1/0").catch(() => {});
    }),
  "a savepoint that is refused": (conn) =>
    conn.transaction((tx) =>
      tx.transaction(async (inner) => {
        await inner.execute("select 1/0").catch(() => {});
      })
    ),
  "in an aborted transaction": (conn) =>
    conn.transaction(async (tx) => {
      await tx.execute("select 1/0").catch(() => {});
      await tx.execute("select 1");
    }),
  "a serialization failure": (conn) =>
    conn.transaction((tx) => tx.execute(raise("40001"))),
  "a pipeline": (conn) => conn.pipeline((p) => p.execute("select 1 / %s", [0])),
  "behind an error in a pipeline": (conn) =>
    conn.pipeline(async (p) => {
      p.execute("select 1 / %s", [0]).catch(() => {});
      await p.execute("select %s", [1]);
    }),
  "a timeout of the server": (conn) =>
    conn.execute("set local statement_timeout = 10; select pg_sleep(9)"),
  "a cancel": (conn) => {
    setTimeout(() => conn.cancel(), 10);
    return conn.execute("select pg_sleep(9)");
  },
};

/** What ends the session. */
const FATAL: Record<string, Path> = {
  "terminated while idle": async (conn) => {
    await terminated(conn);
    while (!conn.closed) await pause(5);
    await conn.execute("select 1");
  },
  "terminated in a statement": async (conn) => {
    const running = rejection(conn.execute("select pg_sleep(9)"));
    await pause(10);
    await terminated(conn);
    throw await running;
  },
  "terminated in a block": (conn) =>
    conn.transaction(async (tx) => {
      await tx.execute("select 1");
      await terminated(conn);
      while (!conn.closed) await pause(5);
      await tx.execute("select 1");
    }),
};

Deno.test(
  "R8 Connection: connectionUsable of every kind of error is what a `select 1` finds",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      for (const [name, path] of Object.entries(SURVIVED)) {
        await using conn = await open({ autocommit });
        const error = await rejection(path(conn));
        assert(error instanceof PgError, `${name}: ${Deno.inspect(error)}`);
        assertEquals(error.connectionUsable, true, `${name}: ${error.message}`);
        if (!autocommit) await conn.rollback();
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE, name);
        const row = await conn.execute("select 1 as one").fetchOne();
        assertEquals(row, { one: 1 }, name);
      }
      for (const [name, path] of Object.entries(FATAL)) {
        const conn = await open({ autocommit, onWarning: () => {} });
        const error = await rejection(path(conn));
        assert(error instanceof PgError, `${name}: ${Deno.inspect(error)}`);
        assertEquals(error.connectionUsable, false, name);
        await assertDead(conn);
      }
      // The other side breaks off, or the rules.
      for (
        const end of [
          (session: ScriptedSession) => session.close(),
          (session: ScriptedSession) => session.sendRaw(b.bytes("?????????")),
          (session: ScriptedSession) => session.send(b.readyForQuery("I")),
        ]
      ) {
        await using server = new ScriptedServer(async (session) => {
          await session.startup();
          await session.readUntilSync();
          await end(session);
          await session.silence();
        });
        const conn = await openScripted(server, { autocommit });
        const error = await rejection(conn.execute("select 1"));
        assert(error instanceof OperationalError, Deno.inspect(error));
        assertEquals(error.connectionUsable, false);
        await assertDead(conn);
      }
    }
  }),
);

Deno.test(
  "Connection: an end, a reset, and a write that fails, each in the middle of a row, say that the answer was under way",
  quiet(async () => {
    const part = (session: ScriptedSession) => {
      const [head, row] = answer([{ tag: "Q", text: "" }], ONE);
      return session.sendRaw(b.concat(head!, row!.subarray(0, 8)));
    };
    const ends: Record<string, (session: ScriptedSession) => Promise<void>> = {
      async end(session) {
        await session.readUntilSync();
        await part(session);
      },
      // What is closed with bytes unread is reset, and what is written to it fails.
      reset: part,
    };
    for (const end of Object.values(ends)) {
      for (const size of [10, 8e6]) {
        const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
        await using server = new ScriptedServer(async (session) => {
          await session.startup();
          await asked;
          await pause(20);
          await end(session);
          await pause(5);
          session.close();
        });
        const conn = await openScripted(server);
        const text = `select '${"x".repeat(size)}'`;
        const lost = rejection(conn.execute(text));
        ask();
        assertError(await lost, {
          class: OperationalError,
          says: ["lost", "before it had answered"],
          usable: false,
          reached: true,
        });
        await assertDead(conn);
      }
    }
  }),
);
