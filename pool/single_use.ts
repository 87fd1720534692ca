/**
 * What the cursor of `pool.execute()` has in the place of a connection: a whole
 * one for each statement would cost as much as the statement.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { CursorConnection } from "../connection/cursor_core.ts";
import type { Executor } from "../connection/executor.ts";
import type { PoolConnection } from "./lease.ts";

/** A connection for one statement. */
export class SingleUse<Row> implements CursorConnection {
  /** Runs statements, until the one that this is for is over. */
  executor: Executor;
  readonly #connection: Connection<Row>;
  readonly #spent: PoolConnection<Row>;

  /**
   * @param connection Runs the statement.
   * @param spent Takes its place when that is over, and refuses whatever is tried.
   */
  constructor(connection: Connection<Row>, spent: PoolConnection<Row>) {
    this.executor = connection.executor;
    this.#connection = connection;
    this.#spent = spent;
  }

  /** The loaders and dumpers of the pool's connections, to be looked at. */
  get adapters(): CursorConnection["adapters"] {
    return this.#spent.adapters;
  }

  /** What can be told about the session. */
  get info(): CursorConnection["info"] {
    return this.#connection.info;
  }

  /** The loaders and dumpers. */
  get transformer(): CursorConnection["transformer"] {
    return this.#connection.transformer;
  }

  /** What becomes of rows. */
  get rowFactory(): CursorConnection["rowFactory"] {
    return this.#connection.rowFactory;
  }

  /** How much a result may hold. */
  get limits(): CursorConnection["limits"] {
    return this.#connection.limits;
  }

  /** Gets warnings. */
  get warn(): CursorConnection["warn"] {
    return this.#connection.warn;
  }

  /** The class of the cursor. */
  get cursorFactory(): Connection<Row>["cursorFactory"] {
    return this.#connection.cursorFactory;
  }

  /** The statement is over: nothing can be run by this any more. */
  end(): void {
    this.executor = this.#spent.executor;
  }
}
