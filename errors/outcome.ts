/**
 * The error for a transaction of which nobody can tell whether it was committed.
 *
 * @module
 */

import { TransactionResolutionUnknown } from "./sqlstate.ts";

/**
 * The connection was lost after COMMIT had been sent and before the answer came:
 * the transaction is either committed as a whole or not at all, and only its
 * traces in the database can tell which. Never tried again by pgts.
 *
 * It has SQLSTATE 08007 and is a {@linkcode TransactionResolutionUnknown}, the
 * class of what a server says under that code. Its `cause` says how the
 * connection was lost. Only COMMITs of the driver's own throw it: `commit()`, and
 * the end of `transaction()` and of `withConnection()`. A statement that is lost
 * in autocommit mode, where its end is its commit, throws the loss itself; its
 * `reachedServer` is `true` where the statement may have taken effect.
 *
 * In two-phase commit `tpcPrepare()`, `tpcCommit()` and `tpcRollback()` throw it
 * too: `tpcRecover()` of another connection tells whether the transaction is
 * still prepared.
 *
 * @example
 * ```ts
 * import { connect, TransactionOutcomeUnknown } from "@x/pgts";
 *
 * await using conn = await connect();
 * try {
 *   await conn.transaction(async (tx) => {
 *     await tx.execute("create temp table payment (id uuid, amount int)");
 *   });
 * } catch (error) {
 *   if (!(error instanceof TransactionOutcomeUnknown)) throw error;
 *   // Connect again and look whether the payment is there.
 * }
 * ```
 */
export class TransactionOutcomeUnknown extends TransactionResolutionUnknown {}
