/**
 * A block of `pool.connection()`, or of `withConnection()`, whose connection is lost.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Connection, withConnection } from "../../mod.ts";
import { AdminShutdown } from "../../errors/mod.ts";
import { open, pause, quiet } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import { openPool } from "./support.ts";

/** Ends the session of a connection, and waits until the connection has seen it. */
async function loseIt(conn: Connection): Promise<void> {
  await using other = await open();
  const { backendPid } = conn.info;
  await other.execute("select pg_terminate_backend(%s)", [backendPid]);
  while (!conn.closed) await pause(5);
}

Deno.test(
  "connection, withConnection: lost after all was committed, the block still has its value; lost before, it is an error",
  quiet(async () => {
    const { pool } = await openPool();
    await using _pool = pool;
    type Run = (work: (conn: Connection) => Promise<number>) => Promise<number>;
    const runs: Run[] = [
      (work) => pool.connection(work),
      (work) => withConnection(testDsn(), {}, work),
    ];
    for (const run of runs) {
      const done = await run(async (conn) => {
        await conn.transaction((tx) => tx.execute("create temp table t ()"));
        await loseIt(conn);
        return 1;
      });
      assertEquals(done, 1);
      await assertRejects(
        () =>
          run(async (conn) => {
            await conn.execute("create temp table t ()");
            await loseIt(conn);
            return 1;
          }),
        AdminShutdown,
      );
    }
    assert(pool.getStats().returnsBad === 2);
  }),
);
