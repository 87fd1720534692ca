/**
 * A function that is run with a connection and whose end commits or rolls back.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { warnOfRollback } from "./outcome.ts";

/**
 * Runs a function with a connection, then commits what is open if it returned,
 * and rolls back if it threw. If the rollback fails, because the connection is
 * lost, that is a warning, and the function's error counts. A transaction that
 * is prepared for two-phase commit stays so.
 *
 * @param conn The connection.
 * @param block The function.
 * @param what What ran, for the warning.
 * @returns What the function returned.
 * @throws Whatever the function throws, and whatever committing does.
 */
export async function runConnectionBlock<C extends Connection<unknown>, T>(
  conn: C,
  block: (conn: C) => T | Promise<T>,
  what: string,
): Promise<T> {
  let result: T;
  try {
    result = await block(conn);
  } catch (error) {
    await rollBack(conn, what);
    throw error;
  }
  // Closed by the block is fine, and so is a loss with nothing left to commit.
  const isLost = conn.broken && conn.executor.transactions.open;
  if (!conn.closed || isLost) await conn.commitAll();
  return result;
}

/** Rolls back; a failure of that must not hide why the block failed. */
async function rollBack(
  conn: Connection<unknown>,
  what: string,
): Promise<void> {
  try {
    if (!conn.closed || conn.broken) await conn.rollbackAll();
  } catch (failure) {
    warnOfRollback(conn.executor, conn.warn, what, failure);
  }
}
