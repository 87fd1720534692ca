/**
 * What the end of a transaction says where it did not end as it was meant to.
 *
 * @module
 */

import { OperationalError, PgError, ProgrammingError } from "../errors/base.ts";
import { TransactionOutcomeUnknown } from "../errors/outcome.ts";
import type { TransactionState } from "./transaction_state.ts";
import type { WarningHandler } from "./warnings.ts";

/** What the end of a transaction asks of the connection's executor. */
interface Ending {
  readonly closed: boolean;
  readonly transactions: TransactionState;
}

const COMMIT_LOST =
  "Cannot tell whether the transaction is committed: the connection was lost after COMMIT had been sent and before it was answered, so look for the changes in the database before doing them again";

/**
 * The error for a COMMIT that failed, or another command that settles what
 * becomes of a transaction.
 *
 * @param error What it failed with.
 * @param lost What to say if it may have taken effect all the same.
 * @returns The same, or, if nobody can tell whether it took effect, the error
 * that says so.
 */
export function commitFailed(
  error: unknown,
  lost: string = COMMIT_LOST,
): unknown {
  if (!(error instanceof PgError)) return error;
  const { connectionUsable, reachedServer, diag } = error;
  if (connectionUsable !== false || reachedServer !== true) return error;
  // An ERROR is the answer to the COMMIT; a FATAL may come before the server got to it, or after.
  const severity = diag.severityNonlocalized ?? diag.severity;
  if (severity === "ERROR") return error;
  return new TransactionOutcomeUnknown(
    lost,
    { cause: error, connectionUsable, reachedServer },
  );
}

/**
 * The error for a commit that the server refused, because a statement had failed.
 *
 * @param executor Of the connection.
 * @param cause What the server said, where it did more than to roll back.
 * @returns The error.
 */
export function commitRefused(
  executor: Ending,
  cause?: unknown,
): OperationalError {
  return new OperationalError(
    "Cannot commit the transaction: a statement in it had failed, so it is rolled back",
    {
      ...(cause === undefined ? {} : { cause }),
      connectionUsable: !executor.closed,
      reachedServer: true,
    },
  );
}

/**
 * Warns that a rollback failed, which must not hide why there was one. That a
 * connection is lost is told once, however many blocks were open on it.
 *
 * @param executor Of the connection.
 * @param warn Gets the warning.
 * @param what What was to be rolled back.
 * @param failure What the rollback failed with.
 */
export function warnOfRollback(
  executor: Ending,
  warn: WarningHandler,
  what: string,
  failure: unknown,
): void {
  const { transactions } = executor;
  if (executor.closed) {
    if (transactions.lossTold) return;
    transactions.lossTold = true;
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  warn(`the rollback of ${what} failed: ${reason}`);
}

/**
 * The error for a block that ends before one that was opened after it.
 *
 * @param cause What the block itself failed with.
 * @returns The error.
 */
export function wrongNesting(cause?: unknown): ProgrammingError {
  return new ProgrammingError(
    "Cannot end the transaction block: transaction commit or rollback at the wrong nesting level, blocks and pipelines of the same connection overlap instead of ending in the reverse order of their beginning, and all is rolled back",
    { cause },
  );
}

/**
 * The error for what is tried in a block whose session has ended.
 *
 * @param loss What ended the session.
 * @returns The error, of the same class.
 */
export function sessionEnded(loss: unknown): unknown {
  if (!(loss instanceof PgError)) return loss;
  return new (loss.constructor as typeof PgError)(
    `Cannot use the transaction block: its session has ended, and the transaction with it (${loss.message})`,
    {
      cause: loss,
      diag: loss.diag,
      sqlstate: loss.sqlstate,
      connectionUsable: false,
      reachedServer: false,
    },
  );
}
