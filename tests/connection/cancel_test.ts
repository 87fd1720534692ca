import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  CancellationTimeout,
  OperationalError,
  ProgrammingError,
} from "../../mod.ts";
import { QueryCanceled } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
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
  serveOnes,
  statementsOf,
  until,
} from "./support.ts";

Deno.test(
  "CC-03 cancelSafe: what runs is QueryCanceled within a second, and the connection goes on",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    for (
      const [query, binary] of [
        ["select pg_sleep(2)", false],
        ["select n, pg_sleep(0.0001) from generate_series(1, 20000) n", true],
      ] as const
    ) {
      const start = performance.now();
      const running = rejection((async () => {
        // Row by row, as a stream is read.
        for await (const _ of conn.execute(query, undefined, { binary }));
      })());
      await pause(100);
      await conn.cancelSafe();
      assertError(await running, {
        class: QueryCanceled,
        sqlstate: "57014",
        usable: true,
        reached: true,
      });
      assert(performance.now() - start < 1000);
      await conn.rollback();
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "cancelSafe: over a Unix socket, too, and on an idle connection it hits nothing",
  quiet(async () => {
    const { socketDir } = testServer();
    for (const host of ["127.0.0.1", ...(socketDir ? [socketDir] : [])]) {
      await using conn = await open({ host });
      await conn.cancelSafe();
      await assertUsable(conn);
      const running = rejection(conn.execute("select pg_sleep(5)"));
      await pause(50);
      await conn.cancelSafe({ timeout: 5 });
      assertError(await running, { class: QueryCanceled, usable: true });
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "cancelSafe: no statement that comes later is hit, in 200 rounds of cancels that come too late",
  quiet(async () => {
    await using conn = await open();
    for (let i = 0; i < 200; i++) {
      const running = conn.execute("select 1 as one").fetchAll()
        .catch((error) => error.sqlstate);
      if (i % 2 === 0) await pause(i % 3);
      const cancelled = conn.cancelSafe();
      const next = conn.execute("select pg_sleep(0.002), 2 as two").fetchAll();
      const first = await running;
      assert(first === "57014" || Array.isArray(first), String(first));
      await cancelled;
      assertEquals((await next).length, 1);
    }
  }),
);

Deno.test(
  "cancelSafe: while the request is under way no further statement is sent, nor does a pipeline go on",
  quiet(async () => {
    const { promise: dealt, resolve } = Promise.withResolvers<void>();
    await using server = new ScriptedServer(serveOnes, {
      onCancel: () => dealt,
    });
    await using conn = await openScripted(server);
    const sent = () => statementsOf(server.sessions[0]);
    const cancelled = conn.cancelSafe();
    const twice = conn.cancelSafe({ timeout: Infinity });
    const alone = conn.execute("select 'alone'").fetchAll();
    const signal = AbortSignal.timeout(20);
    const impatient = rejection(
      conn.execute("select 'impatient'", undefined, { signal }),
    );
    const inTurn = conn.transaction((tx) => tx.execute("select 'block'"));
    await until(() => server.cancelRequests.length === 2, "two requests");
    assertStrictEquals(await impatient, signal.reason);
    await pause(50);
    assertEquals(sent(), []);
    resolve();
    await cancelled;
    await twice;
    assertEquals(await alone, [{ one: 1 }]);
    await inTurn;
    assert(!sent().includes("select 'impatient'"));
    assertEquals(sent()[0], "select 'alone'");
  }),
);

Deno.test(
  "cancelSafe: in a pipeline what is appended meanwhile waits",
  quiet(async () => {
    const { promise: dealt, resolve } = Promise.withResolvers<void>();
    await using server = new ScriptedServer(serveOnes, {
      onCancel: () => dealt,
    });
    await using conn = await openScripted(server);
    await conn.pipeline(async (p) => {
      await p.execute("select 'before'");
      const cancelled = conn.cancelSafe();
      const later = p.execute("select 'later'").fetchAll();
      const large = p.execute("select %s", ["x".repeat(100_000)]).fetchAll();
      const synced = p.sync();
      await pause(50);
      assertEquals(statementsOf(server.sessions[0]), ["select 'before'"]);
      resolve();
      await cancelled;
      await synced;
      assertEquals([await later, await large], [[{ one: 1 }], [{ one: 1 }]]);
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "CN-27 cancelSafe: a deaf listener is a CancellationTimeout after about a second",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes, {
      onCancel: (session) => session.silence(),
    });
    await using conn = await openScripted(server);
    const start = performance.now();
    const error = await rejection(conn.cancelSafe({ timeout: 1 }));
    const took = performance.now() - start;
    assertError(error, {
      class: CancellationTimeout,
      says: ["Cannot cancel", "within 1 s"],
      usable: true,
    });
    assert(took > 950 && took < 1600, `${took} ms`);
    await assertUsable(conn);
  }),
);

Deno.test(
  "I8 cancelSafe: with several hosts the request goes to the address of the session",
  quiet(async () => {
    await using full = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(b.errorResponse({
        severity: "FATAL",
        code: "57P03",
        message: "the database system is starting up",
      }));
      session.close();
    });
    await using server = new ScriptedServer(serveOnes);
    await using other = new ScriptedServer(serveOnes);
    const ports = [full, server, other].map(({ port }) => port);
    await using conn = await openScripted(server, {
      host: "127.0.0.1,127.0.0.1,127.0.0.1",
      port: ports.join(","),
    });
    assertEquals(conn.info.port, server.port);
    full.sessions.length = 0;
    await conn.cancelSafe();
    conn.cancel();
    await until(() => server.cancelRequests.length === 2, "both requests");
    assertEquals(server.cancelRequests.map(({ pid }) => pid), [4711, 4711]);
    assertEquals([full.cancelRequests, other.cancelRequests], [[], []]);
    assertEquals([full.sessions, other.sessions], [[], []]);
  }),
);

Deno.test(
  "A17 cancel, cancelSafe: without BackendKeyData they say so, and the connection goes on",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup({ key: null });
      await session.serve((burst) => answer(burst, ONE));
    });
    const warnings: string[] = [];
    await using conn = await openScripted(server, {
      onWarning: (text) => warnings.push(text),
    });
    assertError(await rejection(conn.cancelSafe()), {
      class: OperationalError,
      says: ["Cannot cancel: the server did not send the key"],
      usable: true,
      reached: false,
    });
    conn.cancel();
    await until(() => warnings.length === 1, "a warning");
    assert(warnings[0]?.startsWith("cancel() failed: Cannot cancel"));
    await assertUsable(conn);
    assertEquals(server.cancelRequests, []);
  }),
);

Deno.test(
  "cancelSafe: a server that is out of reach is an error at once",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      server.stopListening();
      await session.serve((burst) => answer(burst, ONE));
    });
    await using conn = await openScripted(server);
    assertError(await rejection(conn.cancelSafe()), {
      class: OperationalError,
      says: ["Cannot cancel: the request did not reach the server"],
      usable: true,
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "cancel: fire and forget; on a closed connection nothing happens",
  quiet(async () => {
    await using conn = await open();
    const running = rejection(conn.execute("select pg_sleep(5)"));
    await pause(50);
    assertEquals(conn.cancel(), undefined);
    assertError(await running, { class: QueryCanceled, usable: true });
    await assertUsable(conn);
    await conn.close();
    conn.cancel();
    await conn.cancelSafe();
  }),
);

Deno.test(
  "cancelSafe: ends with the connection, with its signal, and takes no odd timeout",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes, {
      onCancel: (session) => session.silence(),
    });
    const conn = await openScripted(server);
    const signal = AbortSignal.timeout(30);
    assertStrictEquals(
      await rejection(conn.cancelSafe({ signal })),
      signal.reason,
    );
    assertStrictEquals(
      await rejection(conn.cancelSafe({ signal })),
      signal.reason,
    );
    for (const timeout of [0, -1, NaN, "1" as unknown as number]) {
      assertError(await rejection(conn.cancelSafe({ timeout })), {
        class: ProgrammingError,
        says: ["positive number of seconds"],
      });
    }
    await assertUsable(conn);
    const waiting = conn.cancelSafe();
    conn.cancel();
    const stuck = rejection(conn.execute("select 1"));
    await pause(20);
    await conn.close();
    await waiting;
    assertError(await stuck, { class: OperationalError, usable: false });
  }),
);
