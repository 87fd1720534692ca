/**
 * The part of a connection that commits in two phases.
 *
 * @module
 */

import { NotSupportedError } from "../errors/base.ts";
import { ConnectionStatements } from "./connection_statements.ts";
import {
  beginTwoPhase,
  finishTwoPhase,
  prepareTwoPhase,
  recoverTwoPhase,
} from "./tpc.ts";
import { Xid } from "./xid.ts";

const WITH_TWO_PHASES = 80100;

/** The part of a connection that commits in two phases. */
export abstract class ConnectionTpc<Row> extends ConnectionStatements<Row> {
  /**
   * Makes the identifier of a two-phase transaction: see {@linkcode Xid}.
   *
   * @param formatId The number of the format, or `null` for a text without parts.
   * @param gtrid The transaction as a whole; or the text.
   * @param bqual The branch of the transaction.
   * @returns The identifier.
   * @throws {RangeError} If a part is out of range.
   * @throws {TypeError} If there is a format and no branch, or the other way around.
   */
  xid(formatId: number | null, gtrid: string, bqual?: string | null): Xid {
    return new Xid(formatId, gtrid, bqual ?? null);
  }

  /**
   * Opens a transaction that is committed in two phases: it can be prepared by
   * `tpcPrepare()`, after which it outlives the session and the server, until
   * `tpcCommit()` or `tpcRollback()` of this or another connection ends it. The
   * setting `max_prepared_transactions` of the server must allow it.
   *
   * @param xid The identifier, or the text by which the server is to know it.
   * @throws {ProgrammingError} Inside a transaction, or in autocommit mode.
   * @throws {NotSupportedError} If the server is too old.
   * @throws {DataError} If the identifier contains a NUL or a lone surrogate.
   * @throws {OperationalError} If the connection is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await conn.tpcBegin(conn.xid(42, crypto.randomUUID(), "shop"));
   * try {
   *   await conn.execute("create table receipt (id int)");
   *   await conn.tpcPrepare();
   *   // Here the other participants prepare theirs.
   *   await conn.tpcCommit();
   * } catch (error) {
   *   await conn.tpcRollback();
   *   throw error;
   * }
   * await conn.execute("drop table receipt");
   * await conn.commit();
   * ```
   */
  async tpcBegin(xid: Xid | string): Promise<void> {
    this.checkOpen();
    const { serverVersion } = this.info;
    if (serverVersion < WITH_TWO_PHASES) {
      throw new NotSupportedError(
        `Cannot run tpcBegin(): the server has version ${serverVersion}, two-phase commit came with ${WITH_TWO_PHASES}`,
        { connectionUsable: true, reachedServer: false },
      );
    }
    await beginTwoPhase(this.executor, textOf(xid));
  }

  /**
   * Ends the first phase of the two-phase transaction: the server stores it, and
   * it can no longer fail to commit. No statement may be run until `tpcCommit()`
   * or `tpcRollback()`. If this fails, the transaction is rolled back, and
   * `tpcRollback()` leaves it.
   *
   * @throws {ProgrammingError} Outside of a two-phase transaction, if it is
   * prepared already, or inside a block of `transaction()`.
   * @throws {NotSupportedError} If the server does not allow prepared transactions,
   * or a transaction that did what this one did.
   * @throws {TransactionOutcomeUnknown} If the connection is lost before the
   * server has answered.
   * @throws {OperationalError} If a statement had failed: it is rolled back.
   */
  async tpcPrepare(): Promise<void> {
    await prepareTwoPhase(this.executor);
  }

  /**
   * Commits the two-phase transaction: in its second phase if it is prepared, in
   * one phase if not. With an identifier, commits a transaction that was prepared
   * by another connection; this needs the role that prepared it, or a superuser,
   * and the same database.
   *
   * @param xid A transaction that is prepared, one of `tpcRecover()` for instance.
   * @throws {ProgrammingError} Outside of a two-phase transaction, or, with an
   * identifier, inside of any.
   * @throws {UndefinedObject} If no such transaction is prepared.
   * @throws {TransactionOutcomeUnknown} If the connection is lost before the
   * server has answered.
   * @throws {OperationalError} If a statement had failed and it was not prepared.
   */
  async tpcCommit(xid?: Xid | string): Promise<void> {
    await finishTwoPhase(this.executor, "COMMIT", textOf(xid));
  }

  /**
   * Rolls the two-phase transaction back, prepared or not, and leaves it where it
   * is over already. With an identifier, rolls back a transaction that was
   * prepared by another connection.
   *
   * @param xid A transaction that is prepared, one of `tpcRecover()` for instance.
   * @throws As {@linkcode ConnectionTpc.tpcCommit} does.
   */
  async tpcRollback(xid?: Xid | string): Promise<void> {
    await finishTwoPhase(this.executor, "ROLLBACK", textOf(xid));
  }

  /**
   * Asks the server for the transactions that are prepared, of all roles and
   * databases, in no transaction but the one that is open.
   *
   * @returns Their identifiers, the oldest first, with when and by whom they were
   * prepared.
   * @throws {InFailedSqlTransaction} If the transaction has failed.
   * @throws {OperationalError} If the connection is closed.
   *
   * @example After a crash
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * for (const xid of await conn.tpcRecover()) {
   *   if (xid.database === "shop" && xid.bqual === "shop") {
   *     await conn.tpcRollback(xid); // or tpcCommit(xid), as the others have decided
   *   }
   * }
   * ```
   */
  async tpcRecover(): Promise<Xid[]> {
    return await recoverTwoPhase(this.executor);
  }
}

/** The text by which the server knows a transaction. */
function textOf<T extends Xid | string | undefined>(
  xid: T,
): T extends undefined ? undefined : string;
function textOf(xid: Xid | string | undefined): string | undefined {
  if (typeof xid === "string" || xid === undefined) return xid;
  if (xid instanceof Xid) return xid.toString();
  throw new TypeError(
    "Cannot use the transaction identifier: it is neither a string nor an Xid",
  );
}
