/**
 * What the user holds of a connection of a pool, from taking it to giving it
 * back. The session behind it goes on to the next one; this object does not.
 *
 * @module
 */

import { Connection } from "../connection/connection.ts";
import type { DictRow } from "../connection/rows.ts";
import { InterfaceError, type PgError } from "../errors/base.ts";

/** Who gets a connection back. */
export interface LeaseOwner<Row> {
  /** What the pool is called. */
  readonly name: string;
  /** Whether `close()` gives the connection back. */
  readonly closeReturns: boolean;
  /**
   * Takes a connection back. Never throws.
   *
   * @param conn The connection.
   * @param quiet Whether an open transaction that changed nothing needs no warning.
   */
  takeBack(conn: PoolConnection<Row>, quiet: boolean): Promise<void>;
}

/**
 * A connection of a pool. It is a {@linkcode Connection} until it is given back,
 * by the end of its scope or by `pool.putConn()`. From then on whatever is tried
 * with it, or with a cursor, transaction, pipeline or COPY of it, is an
 * InterfaceError: the session may be somebody else's by then.
 *
 * Settings of the object (autocommit, row factory, adapters, handlers) are as the
 * pool's `configure` left them for everybody who takes a connection.
 *
 * @example
 * ```ts
 * import { ConnectionPool } from "@x/pgts/pool";
 *
 * await using pool = await new ConnectionPool({ minSize: 1 }).open();
 * {
 *   await using conn = await pool.getConn();
 *   await conn.transaction((tx) => tx.execute("create temp table visit (n int)"));
 * } // it is given back here, not closed
 * ```
 */
export class PoolConnection<Row = DictRow> extends Connection<Row> {
  #owner: LeaseOwner<Row> | null = null;
  #returned: Promise<void> | null = null;

  /**
   * Begins the lease.
   *
   * @internal
   */
  lendTo(owner: LeaseOwner<Row>): this {
    this.#owner = owner;
    return this;
  }

  /**
   * Whose it is.
   *
   * @internal
   */
  get owner(): LeaseOwner<Row> | null {
    return this.#owner;
  }

  /**
   * Whether a transaction is open that has changed something.
   *
   * @internal
   */
  get leavesChanges(): boolean {
    return this.transactions.open && this.transactions.dirty;
  }

  /**
   * Gives the connection back. Doing so again does nothing.
   *
   * @param quiet See {@linkcode LeaseOwner.takeBack}.
   * @returns A promise that resolves when the session is clean, or closed.
   * @internal
   */
  giveBack(quiet: boolean): Promise<void> {
    return this.#returned ??= this.#owner?.takeBack(this, quiet) ??
      super.close();
  }

  /**
   * Lets nothing be sent through this object any more.
   *
   * @internal
   */
  retire(): void {
    this.executor.retire(() => this.#givenBack());
    this.cancelRequests.retire();
  }

  /**
   * Gives up cancel requests that are under way: the session ends.
   *
   * @internal
   */
  endCancelling(): void {
    this.cancelRequests.end();
  }

  /**
   * Closes the session, for which the pool then opens another; with the pool's
   * option `closeReturns` it gives the connection back instead. Never throws, and
   * after it was given back does nothing.
   *
   * @returns A promise that resolves when that is done.
   */
  override close(): Promise<void> {
    return this.#owner?.closeReturns ? this.giveBack(true) : super.close();
  }

  /** Gives the connection back. What is open is rolled back. */
  override [Symbol.asyncDispose](): Promise<void> {
    return this.giveBack(true);
  }

  #givenBack(): PgError {
    return new InterfaceError(
      `Cannot use the connection: it was given back to the pool "${
        this.#owner?.name ?? ""
      }", take another one`,
      { connectionUsable: false, reachedServer: false },
    );
  }
}
