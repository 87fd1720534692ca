import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Connection, TransactionStatus } from "../../mod.ts";
import { QueryCanceled } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
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
  serveOnes,
  statementsOf,
} from "./support.ts";

/** Runs a statement and aborts it after some milliseconds. Gives what it rejects with. */
async function abortAfter(
  conn: Connection,
  query: string,
  ms: number,
  reason: unknown,
  params?: unknown[],
): Promise<unknown> {
  const controller = new AbortController();
  const { signal } = controller;
  const running = conn.execute(query, params, { signal });
  setTimeout(() => controller.abort(reason), ms);
  return await rejection(running);
}

Deno.test(
  "I1 execute: with a signal that is aborted already nothing is sent",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    const reason = new Error("too late");
    const signal = AbortSignal.abort(reason);
    for (const autocommit of [true, false]) {
      await using conn = await openScripted(server, { autocommit });
      for (const params of [undefined, [1]]) {
        const cut = conn.execute("select 'cut', %s", params, { signal });
        assertStrictEquals(await rejection(cut), reason);
      }
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      conn.autocommit = true; // no transaction is open
      await assertUsable(conn);
      assertEquals(statementsOf(server.sessions.at(-1)), ["select 1 as one"]);
    }
    const opened = server.sessions.length;
    assertStrictEquals(
      await rejection(openScripted(server, { signal })),
      reason,
    );
    await pause(10);
    assertEquals(server.sessions.length, opened);
    assertEquals(server.cancelRequests, []);
  }),
);

Deno.test(
  "execute: a signal aborted while the statement waits for its turn, nothing of it is sent",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve(async (burst) => {
        await pause(30);
        return answer(burst, ONE);
      });
    });
    await using conn = await openScripted(server);
    const first = conn.execute("select 'first'").fetchOne();
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = conn.execute("select 'cut'", undefined, { signal });
    const last = conn.execute("select 'last'").fetchOne();
    const reason = new Error("no more");
    setTimeout(() => controller.abort(reason), 5);
    assertStrictEquals(await rejection(waiting), reason);
    assertEquals(await first, { one: 1 });
    assertEquals(await last, { one: 1 });
    assertEquals(statementsOf(server.sessions[0]), [
      "select 'first'",
      "select 'last'",
    ]);
    assertEquals(server.cancelRequests, []);
  }),
);

Deno.test(
  "I3 D-28 execute: an abort concerns its statement alone, 50 times over",
  quiet(async () => {
    await using conn = await open();
    for (let i = 0; i < 50; i++) {
      const reason = new Error(`enough of ${i}`);
      const params = i % 2 === 0 ? undefined : [i];
      const query = i % 2 === 0
        ? "select pg_sleep(10)"
        : "select pg_sleep(10), %s::int as n";
      const error = await abortAfter(conn, query, i % 5, reason, params);
      assertStrictEquals(error, reason);
      // Long enough for a cancel request that comes late to hit it.
      const next = conn.execute("select %s::int as n, pg_sleep(0.002)", [i]);
      assertEquals((await next.fetchOne())?.n, i);
    }
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    await assertUsable(conn);
  }),
);

Deno.test(
  "I3 execute: an abort at the moment of the end either comes too late or counts, and hits nothing else",
  quiet(async () => {
    await using conn = await open();
    let late = 0;
    for (let i = 0; i < 50; i++) {
      const signal = AbortSignal.timeout(3);
      const racing = conn.execute("select pg_sleep(%s)", [0.001 * (i % 5)], {
        signal,
      });
      const next = conn.execute("select %s::int as n, pg_sleep(0.001)", [i]);
      await racing.then(() => late++, (error) => {
        assertStrictEquals(error, signal.reason);
      });
      assertEquals((await next.fetchOne())?.n, i);
    }
    assert(late < 50, "each abort came too late");
    await assertUsable(conn);
  }),
);

Deno.test(
  "I3 execute: the next statement waits for the answer and for the end of the cancel request",
  quiet(async () => {
    const order: string[] = [];
    const canceled = Promise.withResolvers<void>();
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.readUntilSync();
      await canceled.promise;
      order.push("answer");
      await session.send(
        b.errorResponse({ code: "57014", message: "canceling" }),
        b.readyForQuery("I"),
      );
      await session.serve((burst) => {
        order.push("next");
        return answer(burst, ONE);
      });
    }, {
      async onCancel(_session, { pid, key }) {
        assertEquals([pid, key], [4711, Uint8Array.of(1, 2, 3, 4)]);
        order.push("cancel");
        canceled.resolve();
        await pause(60);
        order.push("end of cancel");
      },
    });
    await using conn = await openScripted(server);
    const reason = { any: "thing" };
    const cut = abortAfter(conn, "select 'cut'", 5, reason);
    const next = conn.execute("select 'next'").fetchOne();
    assertStrictEquals(await cut, reason);
    assertEquals(await next, { one: 1 });
    assertEquals(order, ["cancel", "answer", "end of cancel", "next"]);
    assertEquals(server.cancelRequests.length, 1);
  }),
);

Deno.test(
  "I4 execute: an abort after the end, a second one, and from two places, does nothing",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    await using conn = await openScripted(server);
    const controller = new AbortController();
    const { signal } = controller;
    const first = conn.execute("select 'a'", undefined, { signal });
    const rows = await (await first).fetchAll();
    controller.abort(new Error("first"));
    controller.abort(new Error("second"));
    assertEquals(rows, [{ one: 1 }]);
    await assertUsable(conn);
    assertEquals(server.cancelRequests, []);

    await using real = await open();
    const one = new AbortController();
    const other = new AbortController();
    const any = AbortSignal.any([one.signal, other.signal]);
    const cut = real.execute("select pg_sleep(10)", undefined, { signal: any });
    setTimeout(() => {
      one.abort("one");
      other.abort("other");
      one.abort("again");
    }, 10);
    assertEquals(await rejection(cut), "one");
    await assertUsable(real);
  }),
);

Deno.test(
  "I9 execute: AbortSignal.timeout rejects with its TimeoutError, the next statement is unharmed",
  quiet(async () => {
    await using conn = await open();
    const signal = AbortSignal.timeout(20);
    const start = performance.now();
    const error = await rejection(
      conn.execute("select pg_sleep(10)", undefined, { signal }),
    );
    assert(error instanceof DOMException);
    assertEquals(error.name, "TimeoutError");
    assertStrictEquals(error, signal.reason);
    assert(performance.now() - start < 1000);
    await assertUsable(conn);
    // One that is over in time is not hurt by its timeout.
    const timely = AbortSignal.timeout(30);
    const row = conn.execute("select 2 as n", undefined, { signal: timely });
    assertEquals(await row.fetchOne(), { n: 2 });
    const { n } = await conn.execute("select 3 as n, pg_sleep(0.06)")
      .fetchOne() as { n: number };
    assertEquals(n, 3);
    assertEquals(timely.aborted, true);
  }),
);

Deno.test(
  "I10 execute: the server stops too",
  quiet(async () => {
    await using conn = await open();
    await using watcher = await open();
    const { backendPid } = conn.info;
    const error = await abortAfter(conn, "select pg_sleep(10)", 10, "stop");
    assertEquals(error, "stop");
    const state = await watcher.execute(
      "select state from pg_stat_activity where pid = %s",
      [backendPid],
    ).fetchOne();
    assertEquals(state, { state: "idle" });
  }),
);

Deno.test({
  name: "execute: an abort over a Unix socket cancels",
  ignore: testServer().socketDir === "",
  fn: quiet(async () => {
    await using conn = await open({ host: testServer().socketDir });
    assertEquals(conn.info.hostaddr, "");
    for (let i = 0; i < 5; i++) {
      const error = await abortAfter(conn, "select pg_sleep(10)", i, "stop");
      assertEquals(error, "stop");
      await assertUsable(conn);
    }
  }),
});

Deno.test(
  "execute: a cancel by somebody else is QueryCanceled, not an abort",
  quiet(async () => {
    await using conn = await open();
    await using other = await open();
    const { signal } = new AbortController();
    const running = rejection(
      conn.execute("select pg_sleep(10)", undefined, { signal }),
    );
    await pause(10);
    await other.execute("select pg_cancel_backend(%s)", [conn.info.backendPid]);
    assertError(await running, {
      class: QueryCanceled,
      sqlstate: "57014",
      usable: true,
      reached: true,
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "execute: where no cancel request can be sent, the abort closes the connection",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      server.stopListening();
      await session.silence();
    });
    const conn = await openScripted(server);
    const error = await abortAfter(conn, "select 1", 10, "stop");
    assertEquals(error, "stop");
    const dead = await assertDead(conn);
    assert(dead.message.startsWith("Cannot cancel the statement"));
  }),
);
