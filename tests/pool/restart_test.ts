/**
 * A pool under 200 statements a second while its server is restarted, loses a
 * process, or hangs.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type PostgresVersion,
  type Server,
  startServer,
  type StopMode,
} from "../../scripts/server.ts";
import { assertRecovered, bankUnderLoad } from "../support/bank_load.ts";
import { freeze } from "../support/processes.ts";
import { pause, quiet } from "../connection/support.ts";

/** A server whose transactions survive its end, and whose COMMIT takes its time. */
function startBank(): Promise<Server> {
  const version =
    (Deno.env.get("PGTS_TEST_VERSION") ?? "18") as PostgresVersion;
  return startServer({
    version,
    settings: {
      fsync: "on",
      synchronous_commit: "on",
      commit_delay: "5000",
      commit_siblings: "0",
    },
  });
}

for (const mode of ["fast", "immediate"] satisfies StopMode[]) {
  Deno.test(
    `H11 ConnectionPool: recovers from a restart (${mode}) under 200 statements a second, and every outcome is told right`,
    quiet(async () => {
      await using server = await startBank();
      const report = await bankUnderLoad({
        conninfo: server.dsn,
        disturb: () => server.restart(mode),
      });
      assertRecovered(report);
    }),
  );
}

Deno.test(
  "H12 ConnectionPool: recovers from the SIGKILL of one backend, which ends all sessions",
  quiet(async () => {
    await using server = await startBank();
    const report = await bankUnderLoad({
      conninfo: server.dsn,
      async disturb(pool) {
        const row = await pool.execute("select pg_backend_pid() as pid")
          .fetchOne();
        Deno.kill(Number(row?.pid), "SIGKILL");
        await pause(200); // until the server has seen it
      },
    });
    assertRecovered(report);
    assert(report.audit.failed + report.audit.unknown > 0);
  }),
);

Deno.test({
  name:
    "ConnectionPool: recovers from a server that is frozen (SIGSTOP) under 200 statements a second",
  ignore: Deno.build.os !== "linux", // finds the processes in /proc
  fn: quiet(async () => {
    await using server = await startBank();
    const report = await bankUnderLoad({
      conninfo: server.dsn,
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
    // Who waited has been served: nobody was told of an error.
    assertEquals(report.audit.errors, {});
  }),
});
