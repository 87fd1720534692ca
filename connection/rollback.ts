/**
 * How a transaction block says that it is to be rolled back.
 *
 * @module
 */

import type { Transaction } from "./transaction.ts";

/**
 * Thrown inside a transaction block, rolls it back without failing: the block's
 * promise resolves to `undefined`.
 *
 * @example
 * ```ts
 * import { connect, Rollback } from "@x/pgts";
 *
 * await using conn = await connect();
 * await conn.transaction(async (tx) => {
 *   await tx.execute("create table unwanted (n int)");
 *   throw new Rollback();
 * });
 * ```
 */
export class Rollback extends Error {
  /** The name of the class. */
  override readonly name: string = "Rollback";
  /** The block to roll back; the innermost one where `null`. */
  readonly transaction: Transaction<unknown> | null;

  /**
   * Makes what a block throws to roll back.
   *
   * @param transaction The block to roll back, with those inside it; the
   * innermost by default.
   */
  constructor(transaction?: Transaction<unknown>) {
    super("Rollback of a transaction block");
    this.transaction = transaction ?? null;
  }
}
