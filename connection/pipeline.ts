/**
 * Statements that are sent without waiting for the answers of those before.
 *
 * @module
 */

import { PipelineAborted, ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { ParameterSets } from "./batch.ts";
import type {
  BaseCursor,
  ExecuteManyOptions,
  ExecuteOptions,
} from "./cursor_base.ts";
import { Execution } from "./execution.ts";
import type { Executor } from "./executor.ts";
import type { WarningHandler } from "./warnings.ts";

/** What a pipeline needs of its connection. */
export interface PipelineConnection<Row> {
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
  /** Runs a statement with many sets of parameters, with a new cursor. */
  executeMany<R = Row>(
    query: Query,
    sets: ParameterSets,
    options?: ExecuteManyOptions,
  ): Execution<R, BaseCursor<R>>;
}

/**
 * A pipeline: what `conn.pipeline()` gives.
 *
 * Statements that are run at once leave together; awaiting one of them, or its
 * rows, does not end the pipeline. In autocommit mode all of them up to the next
 * {@linkcode Pipeline.sync}, which is also done at the end, are one transaction.
 *
 * If a statement fails, those behind it are skipped by the server up to the next
 * `sync()`, and reject with PipelineAborted. Each error is told by the promise of
 * its statement. Where nobody awaits that, `sync()`, `commit()` or the end of the
 * pipeline rejects with the first such error. What `conn.cancel()` hits fails
 * like any other statement; statements with a signal of their own are refused.
 */
export class Pipeline<Row> implements AsyncDisposable {
  readonly #connection: PipelineConnection<Row>;
  /** How many blocks and scopes it is open for, one inside the other. */
  #depth = 0;
  /** How many of them are scopes, which end by being disposed of. */
  #scopes = 0;

  /** @internal */
  constructor(connection: PipelineConnection<Row>) {
    this.#connection = connection;
  }

  /**
   * Whether there are pipelines: always, as they need nothing but the protocol.
   *
   * @returns `true`.
   */
  static isSupported(): boolean {
    return true;
  }

  /** Whether it has not ended. */
  get open(): boolean {
    return this.#depth > 0;
  }

  /**
   * Runs a statement in the pipeline, as `conn.execute()` does while it is open.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of a cursor that has the fetch methods too.
   * @throws {PipelineAborted} If a statement before it failed.
   * @throws {ProgrammingError} If the pipeline has ended.
   */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>> {
    return this.#depth > 0
      ? this.#connection.execute<R>(query, params, options)
      : Execution.of(Promise.reject(ended()));
  }

  /**
   * Runs a statement in the pipeline once for each set of parameters: see
   * {@linkcode BaseCursor.executeMany}. Sets in an array, or in anything else
   * that can be iterated at once, are appended before this returns.
   *
   * @param query Text, or a composed statement.
   * @param sets The values for the placeholders of each run.
   * @param options See {@linkcode ExecuteManyOptions}. With `returning` a Sync
   * follows.
   * @returns A promise of a cursor.
   * @throws {PipelineAborted} If a statement before it failed.
   * @throws {ProgrammingError} If the pipeline has ended.
   */
  executeMany<R = Row>(
    query: Query,
    sets: ParameterSets,
    options?: ExecuteManyOptions,
  ): Execution<R, BaseCursor<R>> {
    return this.#depth > 0
      ? this.#connection.executeMany<R>(query, sets, options)
      : Execution.of(Promise.reject(ended()));
  }

  /**
   * Sends what waits, and waits until all of it is answered. In autocommit mode
   * that commits it. After an error statements are run again from here on.
   *
   * @throws The first error of a statement that nobody awaited, or of the commit.
   * @throws {OperationalError} If the connection gets lost.
   * @throws {ProgrammingError} If the pipeline has ended.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * await conn.pipeline(async (p) => {
   *   p.execute("select 1 / 0");
   *   await p.sync().catch((error) => console.log(error.sqlstate)); // 22012
   *   console.log(await p.execute("select 1 as n").fetchOne()); // { n: 1 }
   * });
   * ```
   */
  async sync(): Promise<void> {
    if (this.#depth === 0) throw ended();
    await this.#connection.executor.queue.sync();
  }

  /**
   * Ends the pipeline, where `await conn.pipeline()` opened it, as
   * {@linkcode Pipeline.sync} does.
   *
   * @throws As `sync()` does.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#scopes === 0) return;
    this.#scopes--;
    await this.#leave();
  }

  /**
   * Opens it until it is disposed of.
   *
   * @internal
   */
  async enter(): Promise<this> {
    await this.#enter();
    this.#scopes++;
    return this;
  }

  /**
   * Runs a block from its beginning to its end.
   *
   * @internal
   */
  async run<T>(block: (pipeline: Pipeline<Row>) => T | Promise<T>): Promise<T> {
    await this.#enter();
    let result: T;
    try {
      result = await block(this);
    } catch (error) {
      await this.#leave().catch((failure) => this.#tell(failure, error));
      throw error;
    }
    await this.#leave();
    return result;
  }

  async #enter(): Promise<void> {
    const { executor } = this.#connection;
    executor.checkOpen();
    this.#depth++;
    try {
      await executor.enterPipeline();
    } catch (error) {
      this.#depth--;
      throw error;
    }
  }

  async #leave(): Promise<void> {
    try {
      await this.#connection.executor.leavePipeline();
    } finally {
      this.#depth--;
    }
  }

  /** What the block threw counts; what else went wrong must not be lost for it. */
  #tell(failure: unknown, thrown: unknown): void {
    // That a statement was skipped says nothing new after the error of another.
    if (failure === thrown || failure instanceof PipelineAborted) return;
    if (thrown instanceof PipelineAborted) return;
    const reason = failure instanceof Error ? failure.message : String(failure);
    this.#connection.warn(`the end of a pipeline failed: ${reason}`);
  }
}

function ended(): ProgrammingError {
  return new ProgrammingError(
    "Cannot use the pipeline: it has ended, use the connection instead",
  );
}
