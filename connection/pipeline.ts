/**
 * Statements that are sent without waiting for the answers of those before.
 *
 * @module
 */

import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { BaseCursor, ExecuteOptions } from "./cursor_base.ts";
import type { Execution } from "./execution.ts";
import type { Executor } from "./executor.ts";

/** What a pipeline needs of its connection. */
export interface PipelineConnection<Row> {
  /**
   * Runs statements.
   *
   * @internal
   */
  readonly executor: Executor;
  /** Runs a statement with a new cursor. */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>>;
}

/**
 * A pipeline: what the function given to `conn.pipeline()` gets.
 *
 * Statements that are run at once leave together, with one Sync behind them. If
 * one of them fails, those behind it up to that Sync are skipped by the server
 * and reject with PipelineAborted; in autocommit mode those before it are rolled
 * back too, because what one Sync ends is one transaction.
 */
export class Pipeline<Row> {
  readonly #connection: PipelineConnection<Row>;

  /** @internal */
  constructor(connection: PipelineConnection<Row>) {
    this.#connection = connection;
  }

  /**
   * Runs a statement in the pipeline, as `conn.execute()` does while it is open.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of a cursor that has the fetch methods too.
   */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>> {
    return this.#connection.execute<R>(query, params, options);
  }

  /**
   * Sends what waits, and waits until all of it is answered. A statement's error
   * is told by its own promise, not by this one.
   *
   * @returns A promise that resolves when the server has answered.
   * @throws {OperationalError} If the connection gets lost.
   */
  sync(): Promise<void> {
    return this.#connection.executor.sync();
  }

  /**
   * Runs the block from its beginning to its end.
   *
   * @internal
   */
  async run<T>(block: (pipeline: Pipeline<Row>) => T | Promise<T>): Promise<T> {
    const { executor } = this.#connection;
    executor.checkOpen();
    await executor.enterPipeline();
    let result: T;
    try {
      result = await block(this);
    } catch (error) {
      await executor.leavePipeline().catch(() => {}); // The block's own error counts.
      throw error;
    }
    await executor.leavePipeline();
    return result;
  }
}
