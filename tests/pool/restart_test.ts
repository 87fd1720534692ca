/**
 * A pool under 200 statements a second while its server is restarted, loses a
 * process, or hangs.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, scalarRow } from "../../mod.ts";
import {
  type PostgresVersion,
  type Server,
  startServer,
  type StopMode,
} from "../../scripts/server.ts";
import { sendSignal } from "../../scripts/server_registry.ts";
import { assertRecovered, bankUnderLoad } from "../support/bank_load.ts";
import { freeze, processesOf } from "../support/processes.ts";
import { pause, quiet, until } from "../connection/support.ts";

/** A server whose transactions survive its end. */
function startBank(): Promise<Server> {
  const version =
    (Deno.env.get("PGTS_TEST_VERSION") ?? "18") as PostgresVersion;
  return startServer({ version, settings: { synchronous_commit: "on" } });
}

/** Has COMMITs hang until the server is restarted, and waits until one does: there is no standby to confirm it. */
async function hangCommits(server: Server): Promise<void> {
  await using conn = await connect(server.dsn, { autocommit: true });
  await conn.execute("alter system set synchronous_standby_names = 'nobody'");
  await conn.execute("select pg_reload_conf()");
  await until(async () => {
    const row = await conn.execute(
      "select count(*) as n from pg_stat_activity where wait_event = 'SyncRep'",
    ).fetchOne();
    return row?.n !== 0n;
  }, "a COMMIT hangs");
  await conn.execute("alter system reset synchronous_standby_names");
}

/** Waits until a server takes connections. */
async function untilReady(server: Server): Promise<void> {
  for (;;) {
    try {
      await using _conn = await connect(server.dsn);
      return;
    } catch {
      await pause(20);
    }
  }
}

for (const mode of ["fast", "immediate"] satisfies StopMode[]) {
  Deno.test(
    `H11 ConnectionPool: recovers from a restart (${mode}) under 200 statements a second, and every outcome is told right`,
    quiet(async () => {
      await using server = await startBank();
      const report = await bankUnderLoad({
        conninfo: server.dsn,
        async disturb() {
          await hangCommits(server);
          await server.restart(mode);
        },
      });
      assertRecovered(report);
      assert(report.audit.unknown > 0);
    }),
  );
}

/** The process IDs of all sessions of clients. */
async function sessionsOf(server: Server): Promise<unknown[]> {
  await using conn = await connect(server.dsn, { rowFactory: scalarRow });
  return await conn.execute(
    "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  ).fetchAll();
}

Deno.test(
  "H12 ConnectionPool: recovers from the SIGKILL of one backend, which ends all sessions",
  quiet(async () => {
    await using server = await startBank();
    const report = await bankUnderLoad({
      conninfo: server.dsn,
      async disturb() {
        const before = await sessionsOf(server);
        assert(before.length >= 4);
        Deno.kill(Number(before[0]), "SIGKILL");
        await pause(100); // until the server has seen it
        await untilReady(server);
        const after = await sessionsOf(server);
        assert(!after.some((pid) => before.includes(pid)));
      },
    });
    assertRecovered(report);
  }),
);

Deno.test({
  name:
    "ConnectionPool: recovers from a server that is killed (SIGKILL) in the middle of a COMMIT, whose outcome is reported as unknown",
  ignore: Deno.build.os !== "linux", // finds the processes in /proc
  fn: quiet(async () => {
    await using server = await startBank();
    const report = await bankUnderLoad({
      conninfo: server.dsn,
      async disturb() {
        await hangCommits(server);
        for (const pid of processesOf(server)) sendSignal(pid, "SIGKILL");
        await server.restart();
      },
    });
    assertRecovered(report);
    assert(report.audit.unknown > 0);
  }),
});

Deno.test({
  name:
    "ConnectionPool: recovers from a server that is frozen (SIGSTOP) under 200 statements a second",
  ignore: Deno.build.os !== "linux", // finds the processes in /proc
  fn: quiet(async () => {
    await using server = await startBank();
    const report = await bankUnderLoad({
      conninfo: server.dsn,
      pool: { timeout: 1 },
      async disturb() {
        const thaw = freeze(server);
        try {
          await pause(3000);
        } finally {
          thaw();
        }
      },
    });
    assertRecovered(report);
    // What was under way has come to its end. Who waited for too long was told.
    assertEquals(Object.keys(report.audit.errors), ["PoolTimeout"]);
  }),
});
