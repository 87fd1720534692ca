/**
 * A pool in front of a pooler.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type ConnectionPool, NullConnectionPool } from "../../pool/mod.ts";
import { startPgBouncer, testPooler } from "../support/pgbouncer.ts";
import { open, quiet } from "../connection/support.ts";
import { assertWarned, openPool } from "./support.ts";

/** Runs the same statement often on many connections, and checks each answer. */
async function work(pool: ConnectionPool): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, async (_, task) => {
    for (let i = 0; i < 30; i++) {
      const token = `${task}/${i}`;
      const row = await pool.execute("select %s::text as token", [token])
        .fetchOne();
      assertEquals(row, { token });
      await pool.connection(async (conn) => {
        const query = "select %s::text as token, txid_current()::text as id";
        const first = await conn.execute(query, [token]).fetchOne();
        const second = await conn.execute(query, [token]).fetchOne();
        assertEquals(first?.token, token);
        assertEquals(first, second);
      });
    }
  }));
}

testPooler(
  "ConnectionPool: through PgBouncer in transaction mode, which is told by an option, by the URI, or found out",
  quiet(async () => {
    await using pooler = await startPgBouncer({
      poolMode: "transaction",
      settings: { default_pool_size: "2" },
    });
    const uri =
      `postgresql://postgres@127.0.0.1:${pooler.port}/postgres?pgbouncer=true`;
    const ways = [
      { conninfo: pooler.dsn },
      { conninfo: pooler.dsn, pooler: "transaction" },
      { conninfo: uri, pooler: "none" },
    ] as const;
    for (const way of ways) {
      const { pool, warnings } = await openPool({ ...way, minSize: 5 });
      await using _ = pool;
      await using conn = await pool.getConn();
      assertEquals(conn.prepareThreshold, null, JSON.stringify(way));
      await work(pool);
      assertWarned(warnings);
    }
    const nothing = new NullConnectionPool({
      conninfo: pooler.dsn,
      maxSize: 4,
      onWarning: (message) => assert(false, message),
    });
    await using _ = await nothing.open();
    await work(nothing);
  }),
);

testPooler(
  "ConnectionPool: through PgBouncer in session mode statements stay prepared, if it is told so",
  quiet(async () => {
    await using pooler = await startPgBouncer({ poolMode: "session" });
    const ways = [
      { pooler: "session" },
      { connectOptions: { prepareThreshold: 5 } },
    ] as const;
    for (const way of ways) {
      const { pool, warnings } = await openPool({
        conninfo: pooler.dsn,
        minSize: 2,
        reset: "minimal",
        ...way,
      });
      await using _ = pool;
      await work(pool);
      const { count } = (await pool.execute(
        "select count(*)::int4 as count from pg_prepared_statements",
      ).fetchOne())!;
      assert(Number(count) > 0);
      assertWarned(warnings);
    }
  }),
);

Deno.test(
  "ConnectionPool: without a pooler it prepares statements",
  quiet(async () => {
    await using pool = (await openPool()).pool;
    await using conn = await pool.getConn();
    assertEquals(conn.prepareThreshold, 5);
    await using bare = await open();
    assertEquals(bare.prepareThreshold, 5);
  }),
);
