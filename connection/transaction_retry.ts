/**
 * Running a transaction block, and running it again where the server gave it up
 * for the sake of another transaction.
 *
 * @module
 */

import { PgError, ProgrammingError } from "../errors/base.ts";
import { MAX_TIMER_MS, pause } from "./timers.ts";
import { Transaction, type TransactionConnection } from "./transaction.ts";
import {
  checkBlock,
  type RetryOptions,
  TransactionBlockStatus,
  type TransactionOptions,
} from "./transaction_options.ts";

/** serialization_failure and deadlock_detected. */
const PASSING: ReadonlySet<string | null> = new Set(["40001", "40P01"]);
/** In seconds. */
const MAX_DELAY = MAX_TIMER_MS / 1000;

interface Retry {
  readonly attempts: number;
  readonly delay: number;
  readonly maxDelay: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a transaction block, as often as its options say.
 *
 * @param connection The connection.
 * @param block What to run.
 * @param options See {@linkcode TransactionOptions}.
 * @returns What the function returned, or `undefined` after a `Rollback`.
 */
export function runTransaction<T, Row>(
  connection: TransactionConnection<Row>,
  block: (tx: Transaction<Row>) => T | Promise<T>,
  options: TransactionOptions,
): Promise<T | undefined> {
  checkBlock(block);
  if (options.retry === undefined) {
    return new Transaction<Row>(connection, options).run(block);
  }
  return runAgain(connection, block, options, retryOf(options.retry));
}

async function runAgain<T, Row>(
  connection: TransactionConnection<Row>,
  block: (tx: Transaction<Row>) => T | Promise<T>,
  options: TransactionOptions,
  retry: Retry,
): Promise<T | undefined> {
  retry.signal?.throwIfAborted();
  for (let attempt = 1;; attempt++) {
    const tx = new Transaction<Row>(connection, options);
    try {
      return await tx.run(block);
    } catch (error) {
      if (attempt === retry.attempts || !mayRunAgain(tx, error)) throw error;
    }
    await pause(delayAfter(attempt, retry), retry.signal);
  }
}

/** Only what is rolled back for certain, because of another transaction, runs again. */
function mayRunAgain<Row>(tx: Transaction<Row>, error: unknown): boolean {
  return tx.status === TransactionBlockStatus.ROLLED_BACK_WITH_ERROR &&
    error instanceof PgError && error.connectionUsable === true &&
    PASSING.has(error.diag.sqlstate);
}

function retryOf(given: number | RetryOptions): Retry {
  const { attempts = 5, delay = 0.02, maxDelay = 1, signal } =
    typeof given === "number" ? { attempts: given } : given;
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw new ProgrammingError(
      "Cannot retry the transaction: attempts must be a whole number, 1 or more",
    );
  }
  for (const seconds of [delay, maxDelay]) {
    if (!(seconds >= 0 && seconds <= MAX_DELAY)) {
      throw new ProgrammingError(
        `Cannot retry the transaction: delay and maxDelay must be seconds, from 0 to ${MAX_DELAY}`,
      );
    }
  }
  return { attempts, delay, maxDelay, signal };
}

/** Milliseconds to wait: exponential, one half fixed and one half random. */
function delayAfter(attempt: number, { delay, maxDelay }: Retry): number {
  const most = Math.min(maxDelay, delay * 2 ** (attempt - 1)) * 1000;
  return most * (1 + Math.random()) / 2;
}
