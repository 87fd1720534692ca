/**
 * Names that psycopg2 has for groups of errors, for code that comes from there.
 *
 * @module
 */

import { OperationalError } from "./base.ts";
import { QueryCanceled } from "./sqlstate.ts";

/** Another name for {@linkcode QueryCanceled}: the statement was cancelled. */
export const QueryCanceledError: typeof QueryCanceled = QueryCanceled;

/**
 * What `instanceof` finds in every error of the SQLSTATE class 40: the
 * transaction was rolled back and may be tried again as a whole, as the `retry`
 * option of `transaction()` does. Nothing is ever an instance of this class alone.
 *
 * @example Try a transaction again
 * ```ts
 * import { connect } from "@x/pgts";
 * import { TransactionRollbackError } from "@x/pgts/errors";
 *
 * await using conn = await connect();
 * for (let attempt = 1;; attempt++) {
 *   try {
 *     await conn.transaction(async (tx) => {
 *       await tx.execute("select 1");
 *     });
 *     break;
 *   } catch (error) {
 *     if (attempt === 3 || !(error instanceof TransactionRollbackError)) throw error;
 *   }
 * }
 * ```
 */
export abstract class TransactionRollbackError extends OperationalError {
  /**
   * Whether a value is an error of the SQLSTATE class 40.
   *
   * @param value Anything.
   * @returns Whether the server rolled the transaction back.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof OperationalError &&
      value.sqlstate?.startsWith("40") === true;
  }
}
