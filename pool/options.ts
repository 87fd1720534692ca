/**
 * The options of a pool and of what is asked of it.
 *
 * @module
 */

import type { ConnectOptions } from "../connection/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { ExecuteOptions } from "../connection/cursor_base.ts";
import type { DictRow } from "../connection/rows.ts";
import type { WarningHandler } from "../connection/warnings.ts";
import type { PoolStats } from "./stats.ts";

/** A value, or a function that is asked for it each time a connection is opened. */
export type Given<T> = T | (() => T | Promise<T>);

/**
 * What is done with the state that a session is left in, when it comes back:
 *
 * - `"off"`: nothing, what `SET`, `LISTEN`, temporary tables and advisory locks
 *   left behind is there for the next one;
 * - `"minimal"`: settings, role, cursors, subscriptions, advisory locks, sequence
 *   values and temporary tables are reset, prepared statements stay;
 * - `"discard"`: `DISCARD ALL`, which drops prepared statements too;
 * - a function that does what is needed, and leaves no transaction open.
 *
 * `"minimal"` and `"discard"` undo what `configure` did with `SET` too: give that
 * as the parameter `options` of the connection instead.
 *
 * An open transaction is rolled back in any case, and what belongs to the object
 * rather than to the session (autocommit, row factory, adapters, handlers) begins
 * anew for everybody who gets a connection.
 */
export type ResetPolicy<Row = DictRow> =
  | "off"
  | "minimal"
  | "discard"
  | ConnectionTask<Row>;

/** Something that is done with a connection of a pool. */
export type ConnectionTask<Row = DictRow> = (
  conn: Connection<Row>,
) => void | Promise<void>;

/** What stands between the pool and the server. */
export type PoolerKind = "none" | "session" | "transaction";

/** A pool, as its callbacks see it. */
export interface PoolHandle {
  /** What it is called in messages. */
  readonly name: string;
  /** Whether it is not open. */
  readonly closed: boolean;
  /** Closes it for good. */
  close(timeout?: number): Promise<void>;
  /** How it is doing. */
  getStats(): PoolStats;
}

/** The options of a pool. Times are in seconds. */
export interface PoolOptions<Row = DictRow> {
  /** A connection string or URI, or what gives it anew for each connection. */
  conninfo?: Given<string | URL> | undefined;
  /**
   * The options of `connect()`, or what gives them anew for each connection. Where
   * `targetSessionAttrs` asks for a certain kind of session, one whose server has
   * become read-only, or a standby, is replaced as soon as that is known.
   */
  connectOptions?: Given<ConnectOptions<Row>> | undefined;
  /**
   * How many connections the pool keeps open.
   *
   * @default {4}
   */
  minSize?: number | undefined;
  /** The most connections that it opens; by default `minSize`. */
  maxSize?: number | null | undefined;
  /**
   * Prepares each connection once, when it has been opened. What it sets on the
   * connection object holds for everybody who gets the connection.
   */
  configure?: ConnectionTask<Row> | undefined;
  /**
   * Tells whether a connection still works, before it is given out: if it throws,
   * another one is. {@linkcode ConnectionPool.checkConnection} is such a function.
   */
  check?: ConnectionTask<Row> | undefined;
  /**
   * What is done with what a session was left with.
   *
   * @default {"off"}
   */
  reset?: ResetPolicy<Row> | undefined;
  /** What the pool is called in messages; by default `pool-` and a number. */
  name?: string | undefined;
  /**
   * Whether `conn.close()` gives the connection back instead of closing it.
   *
   * @default {false}
   */
  closeReturns?: boolean | undefined;
  /**
   * How long to wait for a connection.
   *
   * @default {30}
   */
  timeout?: number | undefined;
  /**
   * How many may wait for a connection; 0 for any number.
   *
   * @default {0}
   */
  maxWaiting?: number | undefined;
  /**
   * How old a connection may get, up to a twentieth less by chance. One that is
   * older is replaced when it comes back or would be given out.
   *
   * @default {3600}
   */
  maxLifetime?: number | undefined;
  /**
   * How often a connection may be given out before it is replaced.
   *
   * @default {Infinity}
   */
  maxUses?: number | undefined;
  /**
   * How long a connection beyond `minSize` may not be needed before one is closed.
   *
   * @default {600}
   */
  maxIdle?: number | undefined;
  /**
   * How long to go on trying to connect before `reconnectFailed` is called.
   *
   * @default {300}
   */
  reconnectTimeout?: number | undefined;
  /**
   * Called when connecting has failed for `reconnectTimeout`. The pool then
   * begins anew, as long as connections are needed.
   */
  reconnectFailed?: ((pool: PoolHandle) => void | Promise<void>) | undefined;
  /**
   * How many connections are opened at a time.
   *
   * @default {3}
   */
  numWorkers?: number | undefined;
  /**
   * Warns of a connection that has been out for so long, and says where it was
   * taken; 0 for never. It costs a stack trace for each.
   *
   * @default {0}
   */
  leakWarning?: number | undefined;
  /**
   * What stands between the pool and the server. Through a pooler that gives each
   * transaction another session, as PgBouncer does in transaction mode, statements
   * cannot stay prepared. By default a pooler that shows itself by a process ID
   * that no process has is taken for one of these, unless `prepareThreshold` is
   * given.
   */
  pooler?: PoolerKind | undefined;
  /** Gets warnings of the pool. By default they go to `console.warn`. */
  onWarning?: WarningHandler | undefined;
}

/** How long to wait for a connection, and what gives up. */
export interface GetConnOptions {
  /** How many seconds to wait; the pool's `timeout` by default. */
  timeout?: number | undefined;
  /** Gives up waiting. */
  signal?: AbortSignal | undefined;
}

/** Options of a statement that a pool runs. */
export interface PoolExecuteOptions extends ExecuteOptions {
  /** How many seconds to wait for a connection; the pool's `timeout` by default. */
  timeout?: number | undefined;
}
