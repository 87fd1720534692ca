/**
 * The options of a pool, and what is checked of them.
 *
 * @module
 */

import type { ConnectOptions } from "../connection/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import {
  harmless,
  type WarningHandler,
  warnOnConsole,
} from "../connection/warnings.ts";
import { ProgrammingError } from "../errors/base.ts";
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
 * An open transaction is rolled back in any case, and what belongs to the object
 * rather than to the session (autocommit, row factory, adapters, handlers) begins
 * anew for everybody who gets a connection.
 */
export type ResetPolicy<Row> =
  | "off"
  | "minimal"
  | "discard"
  | ConnectionTask<Row>;

/** Something that is done with a connection of a pool. */
export type ConnectionTask<Row> = (
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
export interface PoolOptions<Row> {
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

/** The options with their defaults, checked. */
export interface PoolSettings<Row> {
  readonly conninfo: Given<string | URL>;
  readonly connectOptions: Given<ConnectOptions<Row>>;
  readonly configure: ConnectionTask<Row> | null;
  readonly check: ConnectionTask<Row> | null;
  readonly reset: ResetPolicy<Row>;
  readonly name: string;
  readonly closeReturns: boolean;
  readonly timeout: number;
  readonly maxWaiting: number;
  readonly maxLifetime: number;
  readonly maxUses: number;
  readonly maxIdle: number;
  readonly reconnectTimeout: number;
  readonly reconnectFailed: (pool: PoolHandle) => void | Promise<void>;
  readonly numWorkers: number;
  readonly leakWarning: number;
  readonly pooler: PoolerKind | null;
  /** Gets warnings; never throws, and says which pool. */
  readonly warn: WarningHandler;
}

/** How many connections there may be. */
export interface PoolSizes {
  /** How many are kept open. */
  readonly min: number;
  /** How many there are at most. */
  readonly max: number;
}

const DEFAULT_MIN_SIZE = 4;
const KEYS: ReadonlySet<string> = new Set(
  [
    "conninfo",
    "connectOptions",
    "minSize",
    "maxSize",
    "configure",
    "check",
    "reset",
    "name",
    "closeReturns",
    "timeout",
    "maxWaiting",
    "maxLifetime",
    "maxUses",
    "maxIdle",
    "reconnectTimeout",
    "reconnectFailed",
    "numWorkers",
    "leakWarning",
    "pooler",
    "onWarning",
  ] satisfies (keyof PoolOptions<unknown>)[],
);

let pools = 0;

/**
 * Checks options, and fills in what is not given.
 *
 * @param options The options.
 * @returns The settings.
 * @throws {ProgrammingError} If an option is unknown, or does not go with another.
 * @throws {RangeError} If a number is out of its range.
 */
export function poolSettings<Row>(
  options: PoolOptions<Row>,
): PoolSettings<Row> {
  for (const key of Object.keys(options)) {
    if (!KEYS.has(key)) {
      throw new ProgrammingError(
        `Cannot make a pool: unknown option "${key}", parameters of the connection belong into connectOptions`,
      );
    }
  }
  const { reset = "off", pooler = null } = options;
  if (
    typeof reset === "string" && reset !== "off" && pooler === "transaction"
  ) {
    throw new ProgrammingError(
      `Cannot make a pool: reset: "${reset}" has no meaning behind a pooler in transaction mode, where the session that is reset need not be the one that was used`,
    );
  }
  const name = options.name ?? `pool-${++pools}`;
  const onWarning = harmless(options.onWarning ?? warnOnConsole);
  return {
    conninfo: options.conninfo ?? "",
    connectOptions: options.connectOptions ?? {},
    configure: options.configure ?? null,
    check: options.check ?? null,
    reset,
    name,
    closeReturns: options.closeReturns ?? false,
    timeout: duration(options, "timeout", 30),
    maxWaiting: wholeNumber(options, "maxWaiting", 0, 0),
    maxLifetime: duration(options, "maxLifetime", 3600),
    maxUses: wholeNumber(options, "maxUses", Infinity, 1),
    maxIdle: duration(options, "maxIdle", 600),
    reconnectTimeout: duration(options, "reconnectTimeout", 300),
    reconnectFailed: options.reconnectFailed ?? (() => {}),
    numWorkers: wholeNumber(options, "numWorkers", 3, 1),
    leakWarning: duration(options, "leakWarning", 0),
    pooler,
    warn: (message) => onWarning(`pool "${name}": ${message}`),
  };
}

/**
 * Checks how many connections a pool is to have.
 *
 * @param min How many are kept open.
 * @param max How many there are at most; `null` for as many.
 * @returns The sizes.
 * @throws {RangeError} If they are no whole numbers, negative, zero, or the most
 * is less than the least.
 */
export function poolSizes(
  min: number = DEFAULT_MIN_SIZE,
  max: number | null = null,
): PoolSizes {
  checkSize(min, "minSize");
  if (max !== null) checkSize(max, "maxSize");
  const most = max ?? min;
  if (most < min) {
    throw new RangeError(
      `Cannot have a pool of ${min} to ${most} connections: maxSize must not be less than minSize`,
    );
  }
  if (most === 0) {
    throw new RangeError(
      "Cannot have a pool without connections: maxSize must be at least 1",
    );
  }
  return { min, max: most };
}

/**
 * Checks how many connections a pool is to have that keeps none.
 *
 * @param min Must be 0.
 * @param max How many there are at most; `null` or 0 for any number.
 * @returns The sizes.
 * @throws {RangeError} If they are not such.
 */
export function nullPoolSizes(
  min: number = 0,
  max: number | null = null,
): PoolSizes {
  if (min !== 0) {
    throw new RangeError(
      `Cannot keep ${min} connections in a NullConnectionPool: minSize must be 0`,
    );
  }
  if (max !== null) checkSize(max, "maxSize");
  return { min, max: max || Infinity };
}

/**
 * Checks a time that may be waited.
 *
 * @param seconds The time.
 * @param what What it is called.
 * @returns The time.
 * @throws {RangeError} If it is not a number from 0 on.
 */
export function checkDuration(seconds: number, what: string): number {
  if (typeof seconds === "number" && seconds >= 0) return seconds;
  throw new RangeError(
    `Cannot wait ${seconds} s: ${what} must be a number of seconds from 0 on`,
  );
}

function checkSize(size: number, what: string): void {
  if (Number.isInteger(size) && size >= 0) return;
  throw new RangeError(
    `Cannot have a pool of ${size} connections: ${what} must be a whole number from 0 on`,
  );
}

type Numbers<Row> = {
  [K in keyof PoolOptions<Row>]-?: PoolOptions<Row>[K] extends
    | number
    | undefined ? K
    : never;
}[keyof PoolOptions<Row>];

function duration<Row>(
  options: PoolOptions<Row>,
  key: Numbers<Row>,
  preset: number,
): number {
  return checkDuration(options[key] as number | undefined ?? preset, key);
}

function wholeNumber<Row>(
  options: PoolOptions<Row>,
  key: Numbers<Row>,
  preset: number,
  least: number,
): number {
  const value = options[key] as number | undefined ?? preset;
  const isWhole = Number.isInteger(value) || value === Infinity;
  if (isWhole && value >= least) return value;
  throw new RangeError(
    `Cannot make a pool: ${key} is ${value}, it must be a whole number from ${least} on`,
  );
}
