import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  OperationalError,
  PgError,
} from "../../mod.ts";
import * as b from "../support/backend.ts";
import type { ChaosProxy } from "../support/chaos_proxy.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import { openProxy, through } from "./listener_support.ts";
import {
  assertDead,
  assertFails,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

function fatal(code: string): Uint8Array {
  return b.errorResponse({ severity: "FATAL", code, message: "the end" });
}

/** How a connection can get lost, after the first statement came. */
const LOSSES: Record<string, (session: ScriptedSession) => Promise<void>> = {
  "orderly end": (session) => Promise.resolve(session.close()),
  "half an end": (session) => session.closeWrite(),
  "end inside of a message": async (session) => {
    await session.sendRaw(b.header("T", 100));
    session.close();
  },
  "FATAL and end": async (session) => {
    await session.send(fatal("57P01"));
    session.close();
  },
  "FATAL without end": (session) => session.send(fatal("57P01")),
  "two FATALs": (session) => session.send(fatal("57P01"), fatal("57P02")),
  "no protocol at all": (session) => session.sendRaw(b.bytes("?".repeat(64))),
};

/** Loses the connection in one way when the first burst has come. */
function losing(loss: string): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.startup();
    await session.readUntilSync();
    await LOSSES[loss]!(session);
    await session.silence();
  });
}

Deno.test(
  "H6 Connection: close() settles within a second after any loss, and so does closing again",
  quiet(async () => {
    for (const loss of Object.keys(LOSSES)) {
      await using server = losing(loss);
      const conn = await openScripted(server);
      const running = conn.execute("select 1");
      assert(await rejection(running) instanceof OperationalError, loss);
      await assertDead(conn); // calls close()
      await conn.close();
      // And when close() is called first, with the statement under way.
      const again = await openScripted(server);
      const cut = rejection(again.execute("select 1"));
      const start = performance.now();
      await again.close();
      assert(performance.now() - start < 1000, loss);
      assert(await cut instanceof OperationalError, loss);
    }
  }),
);

/** Counts how often promises settle, and keeps their errors. */
class Tally {
  readonly errors: unknown[] = [];
  settled = 0;
  readonly #all: Promise<void>[] = [];

  add(promise: PromiseLike<unknown>): void {
    const resolved = () => {
      this.settled++;
      this.errors.push("resolved");
    };
    const rejected = (error: unknown) => {
      this.settled++;
      this.errors.push(error);
    };
    this.#all.push(Promise.resolve(promise.then(resolved, rejected)));
  }

  async check(count: number, reached: boolean | null): Promise<void> {
    await Promise.all(this.#all);
    await pause(0);
    assertEquals(this.settled, count);
    assertEquals(new Set(this.errors).size, count, "each gets its own error");
    for (const error of this.errors) {
      assert(error instanceof OperationalError, Deno.inspect(error));
      assertEquals(error.connectionUsable, false);
      if (reached !== null) {
        assertEquals(error.reachedServer, reached, error.message);
      }
    }
  }
}

Deno.test(
  "Connection: any kind of loss settles what runs, what is pipelined and what is queued, once, and tells what was sent",
  quiet(async () => {
    for (const loss of Object.keys(LOSSES)) {
      await using server = losing(loss);
      // One that runs, a hundred that wait for it, and all else that can wait.
      const conn = await openScripted(server);
      const running = new Tally();
      const queued = new Tally();
      running.add(conn.execute("select 0"));
      for (let i = 0; i < 100; i++) {
        queued.add(conn.execute("select %s", [i]).fetchAll());
      }
      queued.add(conn.commit());
      queued.add(conn.pipeline((p) => p.execute("select 1")));
      await running.check(1, true);
      await queued.check(102, false);
      await assertDead(conn);

      // One that is answered, fifty in a pipeline behind it.
      const piped = await openScripted(server);
      const sent = new Tally();
      const block = piped.pipeline(async (p) => {
        for (let i = 0; i < 50; i++) sent.add(p.execute("select %s", [i]));
        sent.add(p.sync());
        for (let i = 0; i < 50; i++) sent.add(piped.execute("select %s", [i]));
        await sent.check(101, true);
      });
      assert(await rejection(block) instanceof OperationalError);
      await assertDead(piped);
    }
  }),
);

/** What ends a session on a real server: an administrator, or a network that is gone. */
const ENDS: Record<
  string,
  (admin: Connection, proxy: ChaosProxy, pid: number) => unknown
> = {
  "pg_terminate_backend()": (admin, _proxy, pid) =>
    admin.execute("select pg_terminate_backend(%s, 2000)", [pid]).fetchAll(),
  "RST": (_admin, proxy) => proxy.reset(),
  "FIN": (_admin, proxy) => proxy.halfClose("toClient"),
};

Deno.test(
  "H7 Connection: a loss with 1 running, 50 pipelined, 100 queued, a cursor, a COPY and a LISTEN settles every promise once",
  quiet(async () => {
    await using admin = await open();
    for (const [end, lose] of Object.entries(ENDS)) {
      await using proxy = await openProxy();
      const options = {
        autocommit: false,
        onWarning: () => {},
      };
      const link = () => connect(through(proxy), options);
      const [single, piped, fetching, copyingIn, copyingOut] = await Promise
        .all([link(), link(), link(), link(), link()]);
      const all = [single, piped, fetching, copyingIn, copyingOut];

      // All of them listen, by a generator, by a handler's connection, and for the end.
      const listening = new Tally();
      const ends: (Error | null)[] = [];
      for (const conn of all) {
        await conn.execute("listen pgts_h7");
        await conn.commit();
        listening.add(Array.fromAsync(conn.notifies()));
        conn.closedPromise.then((error) => ends.push(error));
      }
      // One that runs, and a hundred behind it.
      const running = new Tally();
      const queued = new Tally();
      running.add(single.execute("select pg_sleep(60)"));
      for (let i = 0; i < 100; i++) {
        queued.add(single.execute("select %s::int", [i]).fetchAll());
      }
      // A pipeline of fifty, in which the first one takes its time.
      const pipelined = new Tally();
      const block = new Tally();
      block.add(piped.pipeline(async (p) => {
        pipelined.add(p.execute("select pg_sleep(60)"));
        for (let i = 1; i < 50; i++) {
          pipelined.add(p.execute("select %s::int", [i]));
        }
        await pause(0);
        await p.sync();
      }));
      // A cursor on the server that fetches, and fetches that wait for it.
      const cursor = await fetching.cursor("h7").execute(
        "select n, case when n > 3 then pg_sleep(60) end from generate_series(1, 9) n",
      );
      await cursor.fetchOne();
      const fetched = new Tally();
      fetched.add(cursor.fetchAll());
      fetched.add(cursor.fetchMany(2));
      fetched.add(cursor.fetchOne());
      // COPY in both directions.
      const copies = new Tally();
      await copyingIn.execute("create temp table h7 (n int)");
      const { promise: lost, resolve: over } = Promise.withResolvers<void>();
      copies.add(copyingIn.copy("copy h7 from stdin", async (copy) => {
        await copy.writeRow([1]);
        await lost;
        await copy.writeRow([2]);
      }));
      copies.add(
        copyingOut.copy(
          "copy (select n, case when n > 3 then pg_sleep(60) end from generate_series(1, 9) n) to stdout",
          async (copy) => {
            for await (const _ of copy);
          },
        ),
      );
      await pause(100);
      const settled = () =>
        [listening, running, queued, pipelined, block, fetched, copies]
          .map((tally) => tally.settled);
      assertEquals(settled(), [0, 0, 0, 0, 0, 0, 0], end);

      for (const { info } of all) await lose(admin, proxy, info.backendPid);
      await until(() => ends.length === all.length, "all are lost");
      over();
      await running.check(1, true);
      await queued.check(100, false);
      await pipelined.check(50, true);
      await block.check(1, null);
      await fetched.check(3, null);
      await copies.check(2, null);
      await listening.check(5, false);
      for (const error of ends) assert(error instanceof OperationalError);
      for (const conn of all) await assertDead(conn);
      assertEquals(settled(), [5, 1, 100, 50, 1, 3, 2], "settled once");
      assertEquals(ends.length, all.length);
    }
  }),
);

Deno.test(
  "CC-07 Connection: the socket closed in the middle of a statement is an OperationalError and nothing is left over",
  quiet(async () => {
    await using server = losing("orderly end");
    const conn = await openScripted(server);
    await assertFails(conn, conn.execute("select 1"), {
      class: OperationalError,
      says: [`127.0.0.1:${server.port}`, "lost", "before it had answered"],
      sqlstate: null,
      usable: false,
      reached: true,
    });
  }),
);

/** What a connection may be doing when it gets lost. Gives what must reject. */
const STATES: Record<string, (conn: Connection) => PromiseLike<unknown>[]> = {
  "a simple query": (conn) => [conn.execute("select 1")],
  "an extended query": (conn) => [conn.execute("select %s", [1]).fetchAll()],
  "iteration": (conn) => [Array.fromAsync(conn.execute("select 1"))],
  "a transaction block": (conn) => [
    conn.transaction((tx) => tx.execute("select 1")),
  ],
  "nested blocks": (conn) => [
    conn.transaction((tx) => tx.transaction(() => pause(5)) // its SAVEPOINT
    ),
  ],
  "a pipeline": (conn) => [
    conn.pipeline((p) =>
      Promise.all([1, 2].map((n) => p.execute("select %s", [n])))
    ),
  ],
  "an abort": (conn) => [
    conn.execute("select 1", undefined, { signal: AbortSignal.timeout(20) }),
  ],
  "closing": (
    conn,
  ) => [
    conn.execute("select 1"),
    conn.close().then(() => Promise.reject(new OperationalError())),
  ],
};

Deno.test(
  "H20 Connection: nothing is uncaught in any kind of loss in any state, at the start included",
  quiet(async () => {
    for (const loss of Object.keys(LOSSES)) {
      for (const [state, begin] of Object.entries(STATES)) {
        for (const autocommit of [true, false]) {
          await using server = losing(loss);
          const warnings: string[] = [];
          const conn = await openScripted(server, {
            autocommit,
            onWarning: (message) => warnings.push(message),
          });
          for (const promise of begin(conn)) {
            const error = await rejection(promise);
            // On a slow machine the abort comes before the loss.
            const aborted = state === "an abort" &&
              error instanceof DOMException;
            assert(
              error instanceof PgError || aborted,
              `${state}, ${loss}: ${Deno.inspect(error)}`,
            );
          }
          await conn.close();
        }
      }
      await using server = new ScriptedServer(async (session) => {
        await session.readStartup();
        await LOSSES[loss]!(session);
        await session.silence();
      });
      const error = await rejection(openScripted(server));
      assert(error instanceof OperationalError, Deno.inspect(error));
      assertEquals(error.connectionUsable, false);
    }
    assert(
      await rejection(connect(testDsn(), { port: 1 })) instanceof
        OperationalError,
    );
  }),
);
