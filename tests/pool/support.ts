/**
 * What the tests of pools share.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  type ConnectOptions,
  type DictRow,
  PgError,
} from "../../mod.ts";
import {
  ConnectionPool,
  NullConnectionPool,
  type PoolOptions,
} from "../../pool/mod.ts";
import { open, until } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import type { ScriptedServer } from "../support/scripted_server.ts";

/** A pool, and what it has warned of. */
export interface Watched<P> {
  /** The pool. */
  readonly pool: P;
  /** Its warnings; {@linkcode noWarnings} checks that there are none left. */
  readonly warnings: string[];
}

type Options = Omit<PoolOptions<DictRow>, "connectOptions"> & {
  connectOptions?: ConnectOptions<DictRow>;
};

function watched<P>(
  make: (options: PoolOptions<DictRow>) => P,
  options: Options,
): Watched<P> {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  return {
    pool: make({ conninfo: testDsn(), minSize: 1, onWarning, ...options }),
    warnings,
  };
}

/** A pool on the test server, not open yet; of one connection unless told otherwise. */
export function makePool(
  options: Options = {},
): Watched<ConnectionPool> {
  return watched((all) => new ConnectionPool(all), options);
}

/** The same, open. */
export async function openPool(
  options: Options = {},
): Promise<Watched<ConnectionPool>> {
  const made = makePool(options);
  await made.pool.open(true);
  return made;
}

/** An open pool that keeps nothing. */
export async function openNullPool(
  options: Options = {},
): Promise<Watched<NullConnectionPool>> {
  const made = watched((all) => new NullConnectionPool(all), {
    minSize: 0,
    ...options,
  });
  await made.pool.open();
  return made;
}

/** Where a scripted server listens. */
export function at(server: ScriptedServer): Options {
  return { conninfo: server.dsn };
}

/** The process ID of a connection's session. */
export function pidOf(conn: Connection): number {
  const pid = conn.info.backendPid;
  assert(pid !== null);
  return pid;
}

/** The process IDs of all connections of a pool, which must be idle. */
export async function pidsOf(pool: ConnectionPool): Promise<number[]> {
  const conns = await Promise.all(
    Array.from({ length: pool.getStats().poolSize }, () => pool.getConn()),
  );
  const pids = conns.map(pidOf).sort((a, b) => a - b);
  for (const conn of conns) await pool.putConn(conn);
  return pids;
}

/** Ends sessions as an administrator does. */
export async function terminate(...pids: number[]): Promise<void> {
  await using admin = await open();
  for (const pid of pids) {
    await admin.execute("select pg_terminate_backend(%s)", [pid]);
  }
}

/** Waits until a pool has so many connections, idle ones among them. */
export async function untilSize(
  pool: ConnectionPool,
  size: number,
  idle: number = size,
): Promise<void> {
  await until(() => {
    const { poolSize, poolAvailable } = pool.getStats();
    return poolSize === size && poolAvailable === idle;
  }, `the pool has ${size} connections, ${idle} of them idle`);
}

/** Checks that every warning says one of these, and each is said; forgets them. */
export function assertWarned(
  warnings: string[],
  ...expected: readonly string[]
): void {
  const found = warnings.splice(0);
  assertEquals(found.length, expected.length, found.join("\n"));
  for (const [i, part] of expected.entries()) {
    assert(found[i]!.includes(part), `no "${part}" in: ${found[i]}`);
  }
}

/** The cause of an error. */
export function causeOf(error: unknown): unknown {
  assert(error instanceof PgError, Deno.inspect(error));
  return error.cause;
}
