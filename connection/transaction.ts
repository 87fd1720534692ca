/**
 * Blocks of statements that are committed together or not at all, nested as
 * savepoints.
 *
 * @module
 */

import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { BaseCursor, ExecuteOptions } from "./cursor_base.ts";
import type { CursorOptions } from "./cursor_core.ts";
import { Execution } from "./execution.ts";
import type { Executor } from "./executor.ts";
import { wrongNesting } from "./outcome.ts";
import type { ServerCursor } from "./server_cursor.ts";
import type { ServerCursorOptions } from "./server_cursor_options.ts";
import { TransactionBlock } from "./transaction_block.ts";
import {
  type BeginOptions,
  TransactionBlockStatus,
  type TransactionOptions,
} from "./transaction_options.ts";
import type { WarningHandler } from "./warnings.ts";

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
  /** Opens a cursor on the server. */
  cursor<R = Row>(
    name: string,
    options?: ServerCursorOptions<R>,
  ): ServerCursor<R>;
  /** Runs a block, inside the innermost that is open. */
  transaction<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T | undefined>;
  /** Opens a block, inside the innermost that is open. */
  begin(options?: BeginOptions): Promise<Transaction<Row>>;
}

/**
 * A block of statements that are committed together or not at all: what the
 * function given to `conn.transaction()` gets, and what `conn.begin()` gives.
 *
 * Once it has ended, whatever is tried with it is an error: a ProgrammingError,
 * or, where its session has ended, what ended that. Nothing runs outside of the
 * transaction by mistake.
 */
export class Transaction<Row> implements AsyncDisposable {
  readonly #connection: TransactionConnection<Row>;
  readonly #options: TransactionOptions;
  readonly #block: TransactionBlock;
  readonly #check = () => this.#block.checkActive();

  /** @internal */
  constructor(
    connection: TransactionConnection<Row>,
    options: TransactionOptions,
    parent: Transaction<Row> | null = null,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#block = new TransactionBlock(
      connection,
      options,
      parent === null ? null : parent.#block,
    );
  }

  /** The name of the block's savepoint, or `null` where it has none. */
  get savepointName(): string | null {
    return this.#block.savepointName;
  }

  /** The connection that the block is on. */
  get connection(): TransactionConnection<Row> {
    return this.#connection;
  }

  /** What has become of the block. */
  get status(): TransactionBlockStatus {
    return this.#block.status;
  }

  /**
   * Runs a statement inside the block.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of a cursor that has the fetch methods too, see
   * {@linkcode Transaction.cursor}.
   * @throws {ProgrammingError} If the block has ended.
   * @throws {OperationalError} If its session has ended.
   */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>> {
    try {
      return this.cursor<R>().execute(query, params, options);
    } catch (error) {
      return Execution.of(Promise.reject(error));
    }
  }

  /**
   * Opens a cursor. What it has fetched can be read after the block has ended,
   * but it runs nothing any more.
   *
   * @param options See {@linkcode CursorOptions}.
   * @returns The cursor.
   * @throws {ProgrammingError} If the block has ended.
   * @throws {OperationalError} If its session has ended.
   */
  cursor<R = Row>(options?: CursorOptions<R>): BaseCursor<R>;
  /**
   * Opens a cursor on the server inside the block.
   *
   * @param name Its name.
   * @param options See {@linkcode ServerCursorOptions}.
   * @returns The cursor.
   * @throws {ProgrammingError} If the block has ended.
   */
  cursor<R = Row>(
    name: string,
    options?: ServerCursorOptions<R>,
  ): ServerCursor<R>;
  cursor<R = Row>(
    name?: string | CursorOptions<R>,
    options?: ServerCursorOptions<R>,
  ): BaseCursor<R> | ServerCursor<R> {
    this.#block.checkActive();
    const cursor = typeof name === "string"
      ? this.#connection.cursor(name, options)
      : this.#connection.cursor(name);
    return cursor.confine(this.#check);
  }

  /**
   * Runs a block inside this one: a savepoint.
   *
   * @param block What to run inside.
   * @param options See {@linkcode TransactionOptions}.
   * @returns What the function returned, or `undefined` after a {@linkcode Rollback}.
   * @throws {ProgrammingError} If this block has ended, or another block inside
   * of it is open: blocks inside of one run one after the other.
   * @throws {OperationalError} If its session has ended.
   */
  async transaction<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T | undefined> {
    this.#block.checkActive();
    return await new Transaction(this.#connection, options, this).run(block);
  }

  /**
   * Opens a block inside this one, a savepoint, which is rolled back at the end
   * of its scope unless `commit()` was called.
   *
   * @param options See {@linkcode BeginOptions}.
   * @returns The block.
   * @throws As {@linkcode Transaction.transaction} does.
   */
  async begin(options: BeginOptions = {}): Promise<Transaction<Row>> {
    this.#block.checkActive();
    return await new Transaction(this.#connection, options, this).open();
  }

  /**
   * Ends the block: commits, or releases its savepoint. In the function of
   * `conn.transaction()` that is not needed, as its end does the same.
   *
   * @throws {ProgrammingError} If the block has ended, or one inside has not.
   * @throws {TransactionOutcomeUnknown} If the connection is lost meanwhile.
   * @throws {OperationalError} If a statement in it had failed: it is rolled back.
   */
  async commit(): Promise<void> {
    this.#block.checkActive();
    await this.#block.end(TransactionBlockStatus.COMMITTED);
  }

  /**
   * Ends the block and takes back what was done in it.
   *
   * @throws {ProgrammingError} If the block has ended, or one inside has not.
   * @throws {OperationalError} If its session has ended.
   */
  async rollback(): Promise<void> {
    this.#block.checkActive();
    await this.#block.end(TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
  }

  /**
   * Rolls back, unless the block has ended. That a lost connection keeps it from
   * doing so becomes a warning.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#block.undo(TransactionBlockStatus.ROLLED_BACK_WITH_ERROR);
  }

  /**
   * Runs the block from its beginning to its end.
   *
   * @internal
   */
  async run<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
  ): Promise<T | undefined> {
    await this.open();
    let result: T;
    try {
      result = await block(this);
      const { executor } = this.#connection;
      // What failed in a pipeline and is awaited by nobody fails the block.
      if (executor.pipelineDepth > 0) await executor.queue.sync();
    } catch (error) {
      const wanted = error instanceof Rollback;
      await this.#block.undo(
        wanted
          ? TransactionBlockStatus.ROLLED_BACK_EXPLICITLY
          : TransactionBlockStatus.ROLLED_BACK_WITH_ERROR,
        error,
      );
      const swallowed = wanted &&
        (error.transaction === null || (error.transaction as unknown) === this);
      if (swallowed) return undefined;
      throw error;
    }
    if (this.#block.abandoned) throw wrongNesting();
    if (this.#block.ending !== null) await this.#block.ending;
    else if (this.#options.forceRollback) {
      await this.#block.end(TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
    } else await this.#block.end(TransactionBlockStatus.COMMITTED);
    return result;
  }

  /**
   * Enters the block.
   *
   * @internal
   */
  async open(): Promise<this> {
    await this.#block.open();
    return this;
  }
}
