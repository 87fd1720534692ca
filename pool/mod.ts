/**
 * Pools of connections, with the semantics of psycopg's.
 *
 * @example
 * ```ts
 * import { sql } from "@x/pgts";
 * import { ConnectionPool } from "@x/pgts/pool";
 *
 * await using pool = await new ConnectionPool({ minSize: 1, maxSize: 10 }).open();
 * const limit = 3;
 * const rows = await pool.execute(sql`select generate_series(1, ${limit}) as n`)
 *   .fetchAll();
 * console.log(rows.length); // 3
 * ```
 *
 * @module
 */

export { ConnectionPool } from "./pool.ts";
export { NullConnectionPool } from "./null_pool.ts";
export { PoolConnection } from "./lease.ts";
export { PoolClosed, PoolTimeout, TooManyRequests } from "./errors.ts";
export type {
  ConnectionTask,
  GetConnOptions,
  Given,
  PoolerKind,
  PoolExecuteOptions,
  PoolHandle,
  PoolOptions,
  ResetPolicy,
} from "./options.ts";
export type { PoolStats } from "./stats.ts";
