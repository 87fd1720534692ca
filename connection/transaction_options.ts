/**
 * What a transaction block can be told, and what can become of it.
 *
 * @module
 */

import type { IsolationLevel } from "./settings.ts";

/** Options of `begin()`. */
export interface BeginOptions {
  /** The name of the savepoint; one is made up by default. */
  savepointName?: string | undefined;
  /** How much it sees of others. Only where the block opens the transaction. */
  isolationLevel?: IsolationLevel | null | undefined;
  /** Whether it may only read. Only where the block opens the transaction. */
  readOnly?: boolean | null | undefined;
  /** Whether it may wait to run undisturbed. Only where the block opens the transaction. */
  deferrable?: boolean | null | undefined;
}

/** Options of a transaction block. */
export interface TransactionOptions extends BeginOptions {
  /**
   * Whether to roll back at the end even if nothing failed.
   *
   * @default {false}
   */
  forceRollback?: boolean | undefined;
  /**
   * Runs the block again, in a new transaction, if the server gave this one up
   * for the sake of another: after a serialization failure (40001) or a deadlock
   * (40P01), and after nothing else. The function must let that error out, and
   * do nothing outside of the transaction that it must not do twice. A number is
   * {@linkcode RetryOptions.attempts}. Only where the block opens the transaction.
   */
  retry?: number | RetryOptions | undefined;
}

const NAMES: ReadonlySet<string> = new Set(
  [
    "savepointName",
    "isolationLevel",
    "readOnly",
    "deferrable",
    "forceRollback",
    "retry",
  ] satisfies (keyof TransactionOptions)[],
);

/**
 * Checks that options of a block are known: one that is misspelt would leave the
 * transaction other than it was meant.
 *
 * @param options The options.
 * @throws {TypeError} If one is not.
 */
export function checkTransactionOptions(options: TransactionOptions): void {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) {
      throw new TypeError(
        `Cannot open a transaction block: there is no option ${
          JSON.stringify(name)
        }`,
      );
    }
  }
}

/**
 * Checks that a block is a function.
 *
 * @param block The block.
 * @throws {TypeError} If it is none.
 */
export function checkBlock(block: unknown): void {
  if (typeof block === "function") return;
  throw new TypeError(
    "Cannot run a transaction block: the first argument must be a function, begin() opens one without",
  );
}

/**
 * How often, and after how long, a transaction is run again. The waiting doubles
 * each time, up to a limit, and half of it is left to chance, so that those that
 * got into each other's way do not meet again.
 */
export interface RetryOptions {
  /**
   * How often the block is run at most, the first time included.
   *
   * @default {5}
   */
  attempts?: number | undefined;
  /**
   * Seconds until the second run, at most.
   *
   * @default {0.02}
   */
  delay?: number | undefined;
  /**
   * Seconds until any other run, at most.
   *
   * @default {1}
   */
  maxDelay?: number | undefined;
  /**
   * Ends the waiting and the trying. Statements in the block stop only for a
   * signal that they are given themselves.
   */
  signal?: AbortSignal | undefined;
}

/** What became of a transaction block. */
export const TransactionBlockStatus = {
  /** It has not been entered. */
  NON_STARTED: "non-started",
  /** It is open. */
  ACTIVE: "active",
  /** Committed, or its savepoint released. */
  COMMITTED: "committed",
  /** Rolled back by `Rollback`, `rollback()` or `forceRollback`. */
  ROLLED_BACK_EXPLICITLY: "rolled back explicitly",
  /** Rolled back because of an error, or because its scope was left without `commit()`. */
  ROLLED_BACK_WITH_ERROR: "rolled back with error",
  /** The connection was lost or closed, or a block around it ended first. */
  FAILED: "failed",
} as const;
/** What became of a transaction block. */
export type TransactionBlockStatus =
  (typeof TransactionBlockStatus)[keyof typeof TransactionBlockStatus];
