import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, OperationalError, ProgrammingError } from "../../mod.ts";
import { startServer } from "../../scripts/server.ts";
import * as b from "../support/backend.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";

/** Aborts a long statement, to see that the key to cancel with is right. */
async function assertCancels(dsn: string, version: string): Promise<void> {
  await using conn = await connect(dsn, {
    autocommit: true,
    maxProtocolVersion: version,
  });
  const signal = AbortSignal.timeout(100);
  const started = performance.now();
  const error = await assertRejects(() =>
    conn.execute("select pg_sleep(20)", undefined, { signal })
  );
  assertEquals((error as DOMException).name, "TimeoutError");
  assert(performance.now() - started < 5000);
  assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
}

Deno.test("B4 connect: protocol 3.2 with a long key, and the cancel works", async () => {
  for (const version of ["3.0", "3.2", "latest"]) {
    await assertCancels(testDsn(), version);
  }
  for (const size of [4, 32, 256]) {
    await using server = new ScriptedServer(async (session) => {
      await session.startup({
        key: { pid: 1, key: new Uint8Array(size).fill(7) },
      });
      await session.silence();
    });
    await using conn = await connect(server.dsn, {
      maxProtocolVersion: "3.2",
    });
    const startup = server.sessions[0]!.received.find((message) =>
      message.tag === "startup"
    );
    assertEquals(startup?.version, 0x30002);
    assertEquals(conn.info.fullProtocolVersion, 30002);
  }
  for (const size of [3, 257]) {
    await using server = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(
        b.authenticationOk(),
        b.message("K", b.int32(1), new Uint8Array(size)),
      );
      await session.silence();
    });
    await assertRejects(
      () => connect(server.dsn, { maxProtocolVersion: "3.2" }),
      OperationalError,
      "cancel key",
    );
  }
});

Deno.test("connect: a server that has no 3.2 is talked to in 3.0, unless that is ruled out", async () => {
  await using server = await startServer({ version: "17" });
  await assertCancels(server.dsn, "3.2");
  await assertRejects(
    () => connect(server.dsn, { minProtocolVersion: "3.2" }),
    OperationalError,
    "min_protocol_version",
  );
  await using modern = await startServer({ version: "18" });
  await using conn = await connect(modern.dsn, { minProtocolVersion: "3.2" });
  assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
});

Deno.test("B2 B3 connect: a lower minor and unknown options are accepted, another major or a second negotiation are not", async () => {
  const negotiating = (...answers: Uint8Array[]) =>
    new ScriptedServer(async (session: ScriptedSession) => {
      await session.readStartup();
      await session.send(
        ...answers,
        b.authenticationOk(),
        b.readyForQuery("I"),
      );
      await session.silence();
    });
  const lower = b.negotiateProtocolVersion(0x30000, []);
  const options = b.negotiateProtocolVersion(0x30002, ["_pq_.something"]);
  for (const answer of [lower, options]) {
    await using server = negotiating(answer);
    await using conn = await connect(server.dsn, { maxProtocolVersion: "3.2" });
    assert(!conn.closed);
  }
  for (
    const answers of [
      [b.negotiateProtocolVersion(0x40000, [])],
      [b.negotiateProtocolVersion(0x30003, [])],
      [lower, lower],
    ]
  ) {
    await using server = negotiating(...answers);
    await assertRejects(
      () => connect(server.dsn, { maxProtocolVersion: "3.2" }),
      OperationalError,
      "protocol version",
    );
  }
});

Deno.test("connect: a minimum above the maximum is refused before any network traffic", async () => {
  await assertRejects(
    () =>
      connect(testDsn(), {
        minProtocolVersion: "3.2",
        maxProtocolVersion: "3.0",
      }),
    ProgrammingError,
    "greater than the maximum",
  );
});
