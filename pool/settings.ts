/**
 * The options of a pool with their defaults, checked.
 *
 * @module
 */

import type { ConnectOptions } from "../connection/connect_options.ts";
import {
  harmless,
  type WarningHandler,
  warnOnConsole,
} from "../connection/warnings.ts";
import { ProgrammingError } from "../errors/base.ts";
import type {
  ConnectionTask,
  Given,
  PoolerKind,
  PoolHandle,
  PoolOptions,
  ResetPolicy,
} from "./options.ts";

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
