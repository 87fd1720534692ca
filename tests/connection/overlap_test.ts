/**
 * Addresses of one host that are dialled beside one another: on sockets, with
 * one address that answers nothing, and in detail with attempts that are played.
 *
 * @module
 */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { attemptErrors, tryInOrder } from "../../connection/attempt_runner.ts";
import type { Attempt } from "../../connection/attempts.ts";
import { openSession } from "../../connection/connector.ts";
import type { OpenedSession } from "../../connection/session_start.ts";
import { overlap, type Overlapping } from "../../connection/overlap.ts";
import { closedError } from "../../connection/wire.ts";
import { ConnectionTimeout, OperationalError } from "../../mod.ts";
import { BlackHole } from "../support/black_hole.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { testServer } from "../support/database.ts";
import {
  assertError,
  pause,
  quiet,
  rejection,
  serveOnes,
  until,
} from "./support.ts";

/** Connects to a name that has these addresses. */
function openAt(
  addresses: readonly string[],
  options: Parameters<typeof openSession>[1],
): Promise<OpenedSession> {
  return openSession(undefined, {
    host: "name.test",
    user: "tester",
    dbname: "test",
    sslMode: "disable",
    ...options,
  }, { resolve: () => Promise.resolve([...addresses]) });
}

/** Whether this machine speaks IPv6; the test server then listens there too. */
function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return testServer().host === "127.0.0.1";
  } catch {
    return false;
  }
}

async function close(opened: OpenedSession): Promise<void> {
  await opened.wire.close(closedError());
}

Deno.test(
  "B16 connect: a dead first address of a name costs a quarter of a second, and leaves no socket",
  quiet(async () => {
    for (const sslMode of ["disable", "prefer"] as const) {
      await using server = new ScriptedServer(serveOnes);
      await using hole = await BlackHole.open(server.port);
      let asked = 0;
      const start = performance.now();
      const opened = await openAt([hole.hostname, "127.0.0.1"], {
        port: server.port,
        sslMode,
        password: () => {
          asked++;
          return Promise.resolve("secret");
        },
      });
      const ms = performance.now() - start;
      assert(ms > 200 && ms < 1000, `${ms} ms`);
      assertEquals(opened.parameters.hostaddr, "127.0.0.1");
      assertEquals(await hole.dialled(), 0, "sockets left");
      await close(opened);
      assertEquals(server.sessions.length, 1);
      assertEquals(asked, 0);
    }
  }),
);

Deno.test({
  name:
    "B16 connect: a name that has one address only, of IPv6, is connected to",
  ignore: !hasIpv6(),
  fn: quiet(async () => {
    const { port } = testServer();
    const start = performance.now();
    const opened = await openAt(["::1"], {
      port,
      user: "postgres",
      dbname: "postgres",
    });
    assert(performance.now() - start < 1000);
    assertEquals(opened.wire.transport.hostaddr, "::1");
    await close(opened);
  }),
});

Deno.test(
  "connect: an abort while several addresses are dialled leaves no socket",
  quiet(async () => {
    await using hole = await BlackHole.open();
    await using second = await BlackHole.open(hole.port, "127.0.0.3");
    const controller = new AbortController();
    const { signal } = controller;
    const connecting = rejection(
      openAt([hole.hostname, second.hostname], { port: hole.port, signal }),
    );
    await until(async () => await second.dialled() === 1, "both are dialled");
    assertEquals(await hole.dialled(), 1);
    const start = performance.now();
    controller.abort();
    assertStrictEquals(await connecting, signal.reason);
    assert(performance.now() - start < 50);
    assertEquals([await hole.dialled(), await second.dialled()], [0, 0]);
  }),
);

Deno.test(
  "connect: connect_timeout counts for each address, and the error lists each in order",
  quiet(async () => {
    await using hole = await BlackHole.open();
    await using second = await BlackHole.open(hole.port, "127.0.0.3");
    const start = performance.now();
    const error = await rejection(
      openAt([hole.hostname, second.hostname, "127.0.0.4"], {
        port: hole.port,
        connectTimeout: 0.8,
      }),
    );
    const ms = performance.now() - start;
    assert(ms > 1000 && ms < 1600, `${ms} ms`); // one by one: 1600
    assertError(error, {
      class: OperationalError,
      says: ["3 attempts", '"name.test" (127.0.0.3)', "refused"],
      usable: false,
      reached: false,
    });
    const failures = attemptErrors(error);
    assertEquals(failures.map(({ hostaddr }) => hostaddr), [
      "127.0.0.2",
      "127.0.0.3",
      "127.0.0.4",
    ]);
    assert(failures[0]?.error instanceof ConnectionTimeout);
    assertEquals([await hole.dialled(), await second.dialled()], [0, 0]);
  }),
);

/** An attempt at an address of a host. */
function at(hostaddr: string, group = 0): Attempt {
  return {
    host: `host${group}`,
    hostaddr,
    port: 5432,
    targetSessionAttrs: "any",
    group,
  };
}

/** Waits until it is aborted, and then rejects. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

Deno.test("tryInOrder: an address that was overtaken is tried again if the faster one fails", async () => {
  const tried: string[] = [];
  const result = await tryInOrder(
    { attempts: [at("slow"), at("fast"), at("other", 1)], unresolved: [] },
    async ({ hostaddr }, { signal, connected }) => {
      tried.push(`${hostaddr}`);
      if (hostaddr === "fast") {
        connected();
        await pause(20);
        throw new OperationalError("lost before the server said anything");
      }
      if (tried.length === 1) return await untilAborted(signal);
      connected();
      return hostaddr;
    },
    { delay: 5 },
  );
  assertEquals(tried, ["slow", "fast", "slow"]);
  assertEquals(result, "slow");
});

Deno.test("tryInOrder: no address is dialled while another talks to the server, nor those of another host", async () => {
  for (const connects of [true, false]) {
    const tried: string[] = [];
    await tryInOrder(
      { attempts: [at("one"), at("two"), at("three", 1)], unresolved: [] },
      async ({ hostaddr }, { signal, connected }) => {
        tried.push(`${hostaddr}`);
        if (connects) connected();
        if (!connects && tried.length === 1) await untilAborted(signal);
        await pause(30);
        return hostaddr;
      },
      { delay: connects ? 5 : 20 },
    ).catch(() => {});
    assertEquals(tried[0], "one");
    assertEquals(tried.includes("two"), !connects);
    assert(!tried.includes("three"));
  }
});

Deno.test("overlap: of two that connect in the same moment, the second is aborted", async () => {
  const winners: number[] = [];
  const run = async (index: number, { signal, decide }: Overlapping) => {
    await pause(index === 0 ? 20 : 15);
    decide();
    if (signal.aborted) throw signal.reason;
    winners.push(index);
    await pause(10);
    return index;
  };
  const ended = await overlap([0, 1], run, { delay: 5 });
  assertEquals(winners.length, 1);
  assertEquals(ended.map(({ outcome }) => outcome.status), ["fulfilled"]);
});

Deno.test("overlap: the next starts at once when one fails, and failures come in order", async () => {
  const started: number[] = [];
  const begin = performance.now();
  const ended = await overlap([0, 1, 2], async (index) => {
    started.push(index);
    await pause(index === 0 ? 30 : 1);
    throw new Error(String(index));
  }, { delay: 10 });
  assertEquals(started, [0, 1, 2]);
  assert(performance.now() - begin < 200);
  assertEquals(ended.map(({ attempt }) => attempt), [0, 1, 2]);
});
