import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, ProgrammingError, TransactionStatus } from "../../mod.ts";
import { startServer } from "../../scripts/server.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertDead,
  assertUsable,
  openScripted,
  pause,
  quiet,
  rejection,
} from "./support.ts";

const TIMEOUT = 0.3;

/** Aborts a statement that a frozen server never answers. Gives the milliseconds it took. */
async function abortOn(server: ScriptedServer): Promise<number> {
  const conn = await openScripted(server, { cancelTimeout: TIMEOUT });
  const signal = AbortSignal.timeout(200);
  const start = performance.now();
  const running = rejection(conn.execute("select 1", [], { signal }));
  const waiting = rejection(conn.execute("select 2"));
  const error = await running;
  const took = performance.now() - start;
  assertEquals(error, signal.reason);
  assert(await waiting instanceof Error);
  const dead = await assertDead(conn);
  assert(dead.message.startsWith("Cannot cancel the statement"), dead.message);
  return took;
}

Deno.test(
  "I5 execute: where the cancel request gets no answer, cancelTimeout bounds the wait and the socket is closed",
  quiet(async () => {
    let left = 0;
    await using frozen = new ScriptedServer(async (session) => {
      await session.startup();
      await session.silence();
      left++;
    }, { onCancel: (session) => session.silence() });
    const took = await abortOn(frozen);
    assert(took > 450 && took < 1500, `${took} ms`);
    await pause(20);
    assertEquals(left, 1, "the session has ended");

    await using unreachable = new ScriptedServer(async (session) => {
      await session.startup();
      unreachable.stopListening();
      await session.silence();
    });
    assert(await abortOn(unreachable) < 1000);
  }),
);

Deno.test(
  "I5 execute: cancels get through where max_connections is reached",
  quiet(async () => {
    await using server = await startServer({
      settings: { max_connections: "4", superuser_reserved_connections: "0" },
    });
    const conns = [];
    let refused: unknown = null;
    while (refused === null) {
      try {
        conns.push(await connect(server.dsn, { autocommit: true }));
      } catch (error) {
        refused = error;
      }
    }
    const conn = conns[0]!;
    const signal = AbortSignal.timeout(50);
    const start = performance.now();
    const error = await rejection(
      conn.execute("select pg_sleep(20)", undefined, { signal }),
    );
    assertEquals(error, signal.reason);
    assert(performance.now() - start < 3000);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    await assertUsable(conn);
    for (const each of conns) await each.close();
  }),
);

Deno.test("cancelTimeout: what is not a positive number is refused before any traffic", async () => {
  for (const cancelTimeout of [0, -1, NaN]) {
    await assertRejects(
      () => connect(testDsn(), { cancelTimeout }),
      ProgrammingError,
      "cancelTimeout",
    );
  }
});
