import { assert, assertEquals } from "@std/assert";
import { CancellationTimeout } from "../../mod.ts";
import { QueryCanceled } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import {
  ScriptedServer,
  type ScriptedServerOptions,
} from "../support/scripted_server.ts";
import {
  answer,
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

const CANCELED = [
  b.errorResponse({
    severity: "ERROR",
    code: "57014",
    message: "canceling statement due to user request",
  }),
  b.readyForQuery("I"),
];

/** A server at which `select 'slow'` answers with this, and ends when it is cancelled the n-th time. */
function slowServer(
  first: readonly Uint8Array[],
  times: number,
  options: Pick<ScriptedServerOptions, "onCancel"> = {},
): ScriptedServer {
  const server = new ScriptedServer(async (session) => {
    await session.startup();
    await session.serve(async (burst) => {
      const [message] = burst;
      const text = message?.tag === "Q" ? message.text : "";
      if (text !== "select 'slow'") return answer(burst, ONE);
      await session.send(...first);
      if (times === Infinity) await session.silence();
      else await until(() => server.cancelRequests.length >= times, "requests");
      return CANCELED;
    });
  }, options);
  return server;
}

Deno.test(
  "cancelSafe, cancel: a request that came before the statement did is repeated",
  quiet(async () => {
    for (const method of ["cancelSafe", "cancel"] as const) {
      await using server = slowServer([], 3);
      await using conn = await openScripted(server);
      const slow = rejection(conn.execute("select 'slow'"));
      const cancelled = conn[method]();
      const next = conn.execute("select 'next'").fetchAll();
      assertError(await slow, { class: QueryCanceled, usable: true });
      await cancelled;
      assertEquals(await next, [{ one: 1 }]);
      assertEquals(server.cancelRequests.length, 3);
    }
  }),
);

Deno.test(
  "cancelSafe: a statement that has begun gets one request, whether it ends or not",
  quiet(async () => {
    const row = [
      b.rowDescription([{ name: "one", oid: 23 }]),
      b.dataRow(["1"]),
    ];
    await using server = slowServer(row, 2);
    await using conn = await openScripted(server);
    const slow = rejection(conn.execute("select 'slow'"));
    await pause(50);
    await conn.cancelSafe();
    await pause(600);
    assertEquals(server.cancelRequests.length, 1);
    await conn.cancelSafe();
    assertError(await slow, { class: QueryCanceled, usable: true });
    assertEquals(server.cancelRequests.length, 2);
    await assertUsable(conn);
  }),
);

Deno.test(
  "cancelSafe: a statement that does not end is a CancellationTimeout, and the connection goes on",
  quiet(async () => {
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    await using server = slowServer([], Infinity, {
      onCancel: () => {
        if (server.cancelRequests.length === 3) resolve();
      },
    });
    await using conn = await openScripted(server);
    const slow = rejection(conn.execute("select 'slow'"));
    assertError(await rejection(conn.cancelSafe({ timeout: 0.7 })), {
      class: CancellationTimeout,
      says: ["Cannot cancel: the statement did not end within 0.7 s"],
      usable: true,
    });
    await enough;
    const signal = AbortSignal.timeout(50);
    assertEquals(
      await rejection(conn.cancelSafe({ signal })),
      signal.reason,
    );
    assertEquals(conn.closed, false);
    await conn.close();
    await slow;
  }),
);

Deno.test(
  "cancelSafe: called right after execute(), it cancels the statement, also where a BEGIN goes before",
  quiet(async () => {
    for (
      const options of [
        { autocommit: true },
        { autocommit: false },
        { autocommit: false, joinBegin: false },
      ]
    ) {
      for (let i = 0; i < 15; i++) {
        await using conn = await open(options);
        const start = performance.now();
        const slow = conn.execute("select pg_sleep(30)")
          .then(() => "slept", (error) => error);
        await conn.cancelSafe();
        assertError(await slow, { class: QueryCanceled, usable: true });
        assert(performance.now() - start < 20_000);
        await assertUsable(conn);
      }
    }
  }),
);

Deno.test(
  "cancelSafe, abort: the BEGIN that goes out with a statement is not hit, or that would run outside of the transaction",
  quiet(async () => {
    const order: string[] = [];
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve(async (burst) => {
        const [message] = burst;
        if (message?.tag === "P") {
          await pause(150);
          order.push("BEGIN is answered");
        }
        if (message?.tag !== "Q" || message.text === "ROLLBACK") {
          return answer(burst, { tag: "BEGIN", status: "T" });
        }
        await until(() => server.cancelRequests.length > 0, "a request");
        return CANCELED;
      });
    }, { onCancel: () => void order.push("request") });
    await using conn = await openScripted(server, { autocommit: false });
    const slow = rejection(conn.execute("select 'slow'"));
    await conn.cancelSafe();
    assertError(await slow, { class: QueryCanceled, usable: true });
    assertEquals(order, ["BEGIN is answered", "request"]);
    await conn.rollback();
    order.length = server.cancelRequests.length = 0;
    const signal = AbortSignal.timeout(10);
    const aborted = conn.execute("select 'slow'", undefined, { signal });
    assertEquals(await rejection(aborted), signal.reason);
    assertEquals(order, ["BEGIN is answered", "request"]);
  }),
);

Deno.test(
  "cancelSafe: in a block of copy() it returns at once, and the COPY fails with what it reads next",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table target (n int)");
    const into = rejection(
      conn.copy("copy target from stdin", async (copy) => {
        await copy.write("1\n");
        const start = performance.now();
        await conn.cancelSafe();
        assert(performance.now() - start < 5000);
        await copy.write("2\n");
      }),
    );
    assertError(await into, { class: QueryCanceled, usable: true });
    const out = rejection(conn.copy(
      "copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout",
      async (copy) => {
        await copy.read();
        await conn.cancelSafe(); // While the server waits for a reader.
        for await (const _ of copy);
      },
    ));
    assertError(await out, { class: QueryCanceled, usable: true });
    await assertUsable(conn);
  }),
);

Deno.test(
  "cancelSafe: in a pipeline it hits one statement, and those behind the next Sync run",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline(async (p) => {
      const slow = rejection(p.execute("select pg_sleep(30)"));
      const behind = rejection(p.execute("select 1"));
      const synced = p.sync();
      const after = p.execute("select pg_sleep(0.6), 2 as two").fetchOne();
      await pause(0);
      await conn.cancelSafe();
      assertError(await slow, { class: QueryCanceled, usable: true });
      assert(await behind instanceof Error);
      await synced;
      assertEquals((await after)?.two, 2);
    });
    await assertUsable(conn);
  }),
);
