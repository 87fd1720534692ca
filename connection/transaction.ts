/**
 * Blocks of statements that are committed together or not at all, nested as
 * savepoints.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { quoteIdentifier } from "../types/quote.ts";
import type {
  BaseCursor,
  CursorOptions,
  ExecuteOptions,
} from "./cursor_base.ts";
import { Execution } from "./execution.ts";
import type { Turn } from "./executor.ts";
import {
  commitRefused,
  sessionEnded,
  warnOfRollback,
  wrongNesting,
} from "./outcome.ts";
import { Rollback } from "./rollback.ts";
import { checkIsolationLevel } from "./settings.ts";
import type { TransactionConnection } from "./transaction_connection.ts";
import {
  type BeginOptions,
  TransactionBlockStatus,
  type TransactionOptions,
} from "./transaction_options.ts";

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
  readonly #parent: Transaction<Row> | null;
  #savepointName: string | null;
  #outermost = false;
  #pipelineDepth = 0;
  #abandoned = false;
  #ending: Promise<void> | null = null;
  #status: TransactionBlockStatus = TransactionBlockStatus.NON_STARTED;

  /** @internal */
  constructor(
    connection: TransactionConnection<Row>,
    options: TransactionOptions,
    parent: Transaction<Row> | null = null,
  ) {
    const named = options.savepointName ?? null;
    if (named === "") {
      throw new ProgrammingError(
        "Cannot open a transaction block: its savepoint name is empty",
      );
    }
    this.#connection = connection;
    this.#options = options;
    this.#parent = parent;
    this.#savepointName = named;
  }

  /** The name of the block's savepoint, or `null` where it has none. */
  get savepointName(): string | null {
    return this.#savepointName;
  }

  /** The connection that the block is on. */
  get connection(): TransactionConnection<Row> {
    return this.#connection;
  }

  /** What has become of the block. */
  get status(): TransactionBlockStatus {
    const lost = this.#status === TransactionBlockStatus.ACTIVE &&
      this.#connection.executor.closed;
    return lost ? TransactionBlockStatus.FAILED : this.#status;
  }

  /**
   * Runs a statement inside the block.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of a cursor that has the fetch methods too.
   * @throws {ProgrammingError} If the block has ended.
   * @throws {OperationalError} If its session has ended.
   */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>> {
    try {
      this.#checkActive();
    } catch (error) {
      return Execution.of(Promise.reject(error));
    }
    return this.#connection.execute<R>(query, params, options);
  }

  /**
   * Opens a cursor inside the block.
   *
   * @param options See {@linkcode CursorOptions}.
   * @returns The cursor.
   * @throws {ProgrammingError} If the block has ended.
   * @throws {OperationalError} If its session has ended.
   */
  cursor<R = Row>(options?: CursorOptions<R>): BaseCursor<R> {
    this.#checkActive();
    return this.#connection.cursor(options);
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
    this.#checkActive();
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
    this.#checkActive();
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
    this.#checkActive();
    await this.#end(TransactionBlockStatus.COMMITTED);
  }

  /**
   * Ends the block and takes back what was done in it.
   *
   * @throws {ProgrammingError} If the block has ended, or one inside has not.
   * @throws {OperationalError} If its session has ended.
   */
  async rollback(): Promise<void> {
    this.#checkActive();
    await this.#end(TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
  }

  /**
   * Rolls back, unless the block has ended. That a lost connection keeps it from
   * doing so becomes a warning.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo(TransactionBlockStatus.ROLLED_BACK_WITH_ERROR);
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
    } catch (error) {
      const wanted = error instanceof Rollback;
      await this.#undo(
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
    if (this.#abandoned) throw wrongNesting();
    if (this.#ending !== null) await this.#ending;
    else if (this.#options.forceRollback) {
      await this.#end(TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
    } else await this.#end(TransactionBlockStatus.COMMITTED);
    return result;
  }

  /**
   * Enters the block. The transaction begins with its first statement.
   *
   * @internal
   */
  async open(): Promise<this> {
    // What was asked for before must not get into the transaction.
    await this.#connection.executor.inTurn(async (turn) => {
      this.#prepare();
      if (this.#savepointName !== null) await this.#save(turn);
      this.#status = TransactionBlockStatus.ACTIVE;
      this.#connection.executor.transactions.blocks.push(this);
    });
    return this;
  }

  /** @internal */
  abandon(): void {
    this.#abandoned = true;
    this.#status = TransactionBlockStatus.FAILED;
  }

  #prepare(): void {
    const { transactions, pipelineDepth } = this.#connection.executor;
    const { isolationLevel, readOnly, deferrable, retry } = this.#options;
    const { blocks, characteristics: defaults } = transactions;
    if (this.#parent !== null && blocks.at(-1) !== this.#parent) {
      this.#parent.#checkActive();
      throw new ProgrammingError(
        "Cannot open a block inside this one: another block inside of it is open, so await that first, or open this one inside of it",
      );
    }
    this.#pipelineDepth = pipelineDepth;
    this.#outermost = !transactions.open && !transactions.waiting;
    if (this.#outermost) {
      transactions.openWithNext({
        isolationLevel: isolationLevel === undefined
          ? defaults.isolationLevel
          : checkIsolationLevel(isolationLevel),
        readOnly: readOnly === undefined ? defaults.readOnly : readOnly,
        deferrable: deferrable === undefined ? defaults.deferrable : deferrable,
      });
      return;
    }
    if (
      isolationLevel !== undefined || readOnly !== undefined ||
      deferrable !== undefined
    ) {
      throw new ProgrammingError(
        "Cannot set characteristics for a block inside a transaction: they belong to the block that opens it",
      );
    }
    if (retry !== undefined) {
      throw new ProgrammingError(
        "Cannot retry a block inside a transaction: only the whole transaction can run again, so give retry to the block that opens it",
      );
    }
    this.#savepointName ??= `_pgts_${blocks.length + 1}`;
  }

  async #save(turn: Turn): Promise<void> {
    try {
      await turn.begin();
      await turn.command(`SAVEPOINT ${quoteIdentifier(this.#savepointName!)}`);
    } catch (error) {
      if (this.#outermost) {
        this.#connection.executor.transactions.openNone();
        await turn.end("ROLLBACK").catch(() => {}); // The first error counts.
      }
      throw error;
    }
  }

  /** Ends the block when every statement that was asked for before is answered. */
  #end(status: TransactionBlockStatus, cause?: unknown): Promise<void> {
    const { executor } = this.#connection;
    return this.#ending = (async () => {
      try {
        await executor.inTurn(async (turn) => {
          await this.#checkTop(turn, cause);
          if (status === TransactionBlockStatus.COMMITTED) {
            await this.#commit(turn);
          } else await this.#rollBack(turn);
        });
        this.#status = status;
      } catch (error) {
        if (this.#status === TransactionBlockStatus.ACTIVE) {
          this.#status = TransactionBlockStatus.FAILED;
        }
        throw error;
      } finally {
        const { blocks } = executor.transactions;
        const at = blocks.indexOf(this);
        if (at >= 0) blocks.splice(at, 1);
      }
    })();
  }

  /** Rolls back, if the block is open; a failure of that must not hide why. */
  async #undo(status: TransactionBlockStatus, cause?: unknown): Promise<void> {
    // An end that is under way tells its own errors.
    if (this.#ending !== null) await this.#ending.catch(() => {});
    if (this.#status !== TransactionBlockStatus.ACTIVE) return;
    const { executor, warn } = this.#connection;
    try {
      await this.#end(status, cause);
    } catch (failure) {
      if (this.#abandoned) throw failure;
      warnOfRollback(executor, warn, "a transaction block", failure);
    }
  }

  async #commit(turn: Turn): Promise<void> {
    const { executor } = this.#connection;
    const { transactions } = executor;
    if (this.#outermost && transactions.waiting) {
      return transactions.openNone();
    }
    try {
      if (!this.#outermost) {
        await turn.command(`RELEASE ${quoteIdentifier(this.#savepointName!)}`);
      } else if (await turn.end("COMMIT") === "ROLLBACK") {
        throw commitRefused(executor);
      }
    } catch (error) {
      if (executor.closed) throw error;
      this.#status = TransactionBlockStatus.ROLLED_BACK_WITH_ERROR;
      if (this.#outermost) throw error;
      await this.#rollBack(turn); // The block around it can go on.
      throw commitRefused(executor, error);
    }
  }

  async #rollBack(turn: Turn): Promise<void> {
    const { transactions } = this.#connection.executor;
    if (!this.#outermost) {
      const name = quoteIdentifier(this.#savepointName!);
      await turn.command(`ROLLBACK TO ${name}`);
      await turn.command(`RELEASE ${name}`);
    } else if (transactions.waiting) transactions.openNone();
    else await turn.end("ROLLBACK");
  }

  #checkActive(): void {
    const { executor } = this.#connection;
    const { status } = this;
    if (status === TransactionBlockStatus.FAILED) {
      try {
        executor.checkOpen();
      } catch (loss) {
        throw sessionEnded(loss);
      }
    }
    if (this.#status === TransactionBlockStatus.ACTIVE && !this.#ending) return;
    throw new ProgrammingError(
      `Cannot use the transaction block: it has ended (${
        status === TransactionBlockStatus.ACTIVE ? "ending" : status
      }), use the connection instead`,
    );
  }

  /**
   * Blocks end in the reverse order of their beginning, and so do pipelines.
   * Where tasks that share a connection break that, nothing of the transaction
   * can be kept, and no block of it may go on.
   */
  async #checkTop(turn: Turn, cause: unknown): Promise<void> {
    const { transactions, pipelineDepth } = this.#connection.executor;
    const { blocks } = transactions;
    if (blocks.at(-1) === this && pipelineDepth === this.#pipelineDepth) return;
    if (this.#abandoned) throw wrongNesting(cause);
    for (const block of blocks.splice(0)) block.abandon();
    transactions.openNone();
    await turn.end("ROLLBACK").catch(() => {}); // Or the session has ended, which does the same.
    throw wrongNesting(cause);
  }
}
