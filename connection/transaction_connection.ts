/**
 * What a transaction block needs of its connection.
 *
 * @module
 */

import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type {
  BaseCursor,
  CursorOptions,
  ExecuteOptions,
} from "./cursor_base.ts";
import type { Execution } from "./execution.ts";
import type { Executor } from "./executor.ts";
import type { Transaction } from "./transaction.ts";
import type {
  BeginOptions,
  TransactionOptions,
} from "./transaction_options.ts";
import type { WarningHandler } from "./warnings.ts";

/** What a transaction block needs of its connection. */
export interface TransactionConnection<Row> {
  /**
   * Runs statements.
   *
   * @internal
   */
  readonly executor: Executor;
  /** Gets warnings. */
  readonly warn: WarningHandler;
  /** Runs a statement with a new cursor. */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>>;
  /** Opens a cursor. */
  cursor<R = Row>(options?: CursorOptions<R>): BaseCursor<R>;
  /** Runs a block, inside the innermost that is open. */
  transaction<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T | undefined>;
  /** Opens a block, inside the innermost that is open. */
  begin(options?: BeginOptions): Promise<Transaction<Row>>;
}
