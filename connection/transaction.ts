/**
 * Blocks of statements that are committed together or not at all, nested as
 * savepoints.
 *
 * @module
 */

import { OperationalError, ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { quoteIdentifier } from "../types/quote.ts";
import type {
  BaseCursor,
  CursorOptions,
  ExecuteOptions,
} from "./cursor_base.ts";
import { Execution } from "./execution.ts";
import type { Executor } from "./executor.ts";
import { checkIsolationLevel, type IsolationLevel } from "./settings.ts";
import type { TransactionCharacteristics } from "./settings.ts";
import type { WarningHandler } from "./warnings.ts";

/** Options of a transaction block. */
export interface TransactionOptions {
  /** The name of the savepoint; one is made up by default. */
  savepointName?: string | undefined;
  /**
   * Whether to roll back at the end even if nothing failed.
   *
   * @default {false}
   */
  forceRollback?: boolean | undefined;
  /** How much it sees of others. Only where the block opens the transaction. */
  isolationLevel?: IsolationLevel | null | undefined;
  /** Whether it may only read. Only where the block opens the transaction. */
  readOnly?: boolean | null | undefined;
  /** Whether it may wait to run undisturbed. Only where the block opens the transaction. */
  deferrable?: boolean | null | undefined;
}

/** What became of a transaction block. */
export const TransactionBlockStatus = {
  /** Its function has not been called. */
  NON_STARTED: "non-started",
  /** Its function is running. */
  ACTIVE: "active",
  /** Committed, or its savepoint released. */
  COMMITTED: "committed",
  /** Rolled back by `Rollback` or `forceRollback`. */
  ROLLED_BACK_EXPLICITLY: "rolled back explicitly",
  /** Rolled back because its function threw. */
  ROLLED_BACK_WITH_ERROR: "rolled back with error",
  /** The connection was lost or closed. */
  FAILED: "failed",
} as const;
/** What became of a transaction block. */
export type TransactionBlockStatus =
  (typeof TransactionBlockStatus)[keyof typeof TransactionBlockStatus];

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
  /** Opens a block inside this one. */
  transaction<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T | undefined>;
}

/**
 * A block of statements that are committed together or not at all: what the
 * function given to `conn.transaction()` gets. Once its block has ended,
 * whatever is tried with it is a ProgrammingError.
 */
export class Transaction<Row> {
  readonly #connection: TransactionConnection<Row>;
  readonly #options: TransactionOptions;
  #savepointName: string | null;
  #outermost = false;
  #ending = false;
  #status: TransactionBlockStatus = TransactionBlockStatus.NON_STARTED;

  /** @internal */
  constructor(
    connection: TransactionConnection<Row>,
    options: TransactionOptions,
  ) {
    const named = options.savepointName ?? null;
    if (named === "") {
      throw new ProgrammingError(
        "Cannot open a transaction block: its savepoint name is empty",
      );
    }
    this.#connection = connection;
    this.#options = options;
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
    return this.#status;
  }

  /**
   * Runs a statement inside the block.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of a cursor that has the fetch methods too.
   * @throws {ProgrammingError} If the block has ended.
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
   */
  cursor<R = Row>(options?: CursorOptions<R>): BaseCursor<R> {
    this.#checkActive();
    return this.#connection.cursor(options);
  }

  /**
   * Opens a block inside this one: a savepoint.
   *
   * @param block What to run inside.
   * @param options See {@linkcode TransactionOptions}.
   * @returns What the function returned, or `undefined` after a {@linkcode Rollback}.
   * @throws {ProgrammingError} If the block has ended.
   */
  // deno-lint-ignore require-await -- rejects rather than throws
  async transaction<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T | undefined> {
    this.#checkActive();
    return this.#connection.transaction(block, options);
  }

  /**
   * Runs the block from its beginning to its end.
   *
   * @internal
   */
  async run<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
  ): Promise<T | undefined> {
    await this.#enter();
    let result: T;
    try {
      result = await block(this);
      this.#ending = true;
    } catch (error) {
      this.#ending = true;
      await this.#leaveWithError(error);
      const swallowed = error instanceof Rollback &&
        (error.transaction === null || (error.transaction as unknown) === this);
      if (swallowed) return undefined;
      throw error;
    }
    await this.#leave();
    return result;
  }

  async #enter(): Promise<void> {
    const { executor } = this.#connection;
    // What was asked for before must not get into the transaction.
    await executor.inTurn(() => this.#open());
    if (this.savepointName === null) return;
    try {
      await this.#run(`SAVEPOINT ${quoteIdentifier(this.savepointName)}`);
    } catch (error) {
      this.#takeOff();
      this.#status = TransactionBlockStatus.FAILED;
      throw error;
    }
  }

  #open(): void {
    const { transactions } = this.#connection.executor;
    const { isolationLevel, readOnly, deferrable } = this.#options;
    this.#outermost = !transactions.open && !transactions.waiting;
    if (this.#outermost) {
      const defaults = transactions.characteristics;
      transactions.openWithNext(
        {
          isolationLevel: isolationLevel === undefined
            ? defaults.isolationLevel
            : checkIsolationLevel(isolationLevel),
          readOnly: readOnly === undefined ? defaults.readOnly : readOnly,
          deferrable: deferrable === undefined
            ? defaults.deferrable
            : deferrable,
        } satisfies TransactionCharacteristics,
      );
    } else if (
      isolationLevel !== undefined || readOnly !== undefined ||
      deferrable !== undefined
    ) {
      throw new ProgrammingError(
        "Cannot set characteristics for a block inside a transaction: they belong to the block that opens it",
      );
    }
    if (!this.#outermost) {
      this.#savepointName ??= `_pgts_${transactions.blocks.length + 1}`;
    }
    transactions.blocks.push(this);
    this.#status = TransactionBlockStatus.ACTIVE;
  }

  async #leave(): Promise<void> {
    await this.#checkTop();
    if (this.#options.forceRollback) {
      await this.#rollBack(TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
      return;
    }
    const { executor } = this.#connection;
    try {
      if (!this.#outermost) {
        await this.#run(`RELEASE ${quoteIdentifier(this.savepointName!)}`);
      } else if (executor.transactions.waiting) {
        executor.transactions.openNone();
      } else if (await executor.endTransaction("COMMIT") === "ROLLBACK") {
        this.#status = TransactionBlockStatus.ROLLED_BACK_WITH_ERROR;
        throw new OperationalError(
          "Cannot commit the transaction: a statement in it had failed, so the server rolled it back",
        );
      }
      this.#status = TransactionBlockStatus.COMMITTED;
    } catch (error) {
      if (this.#status === TransactionBlockStatus.ACTIVE) {
        this.#status = TransactionBlockStatus.FAILED;
      }
      throw error;
    } finally {
      this.#takeOff();
    }
  }

  /** Rolls back; a failure of that must not hide why the block failed. */
  async #leaveWithError(error: unknown): Promise<void> {
    const status = error instanceof Rollback
      ? TransactionBlockStatus.ROLLED_BACK_EXPLICITLY
      : TransactionBlockStatus.ROLLED_BACK_WITH_ERROR;
    await this.#checkTop(error);
    try {
      await this.#rollBack(status);
    } catch (failure) {
      const reason = failure instanceof Error
        ? failure.message
        : String(failure);
      this.#connection.warn(
        `the rollback of a transaction block failed: ${reason}`,
      );
    }
  }

  async #rollBack(status: TransactionBlockStatus): Promise<void> {
    const { executor } = this.#connection;
    try {
      if (!this.#outermost) {
        const name = quoteIdentifier(this.savepointName!);
        await this.#run(`ROLLBACK TO ${name}`);
        await this.#run(`RELEASE ${name}`);
      } else if (executor.transactions.waiting) {
        executor.transactions.openNone();
      } else await executor.endTransaction("ROLLBACK");
      this.#status = status;
    } catch (error) {
      this.#status = TransactionBlockStatus.FAILED;
      throw error;
    } finally {
      this.#takeOff();
    }
  }

  async #run(command: string): Promise<void> {
    await this.#connection.executor.command(command);
  }

  #checkActive(): void {
    if (this.#status === TransactionBlockStatus.ACTIVE && !this.#ending) return;
    const { status } = this;
    throw new ProgrammingError(
      `Cannot use the transaction block: it has ended (${
        status === TransactionBlockStatus.ACTIVE ? "ending" : status
      }), use the connection instead`,
    );
  }

  /**
   * Blocks end in the reverse order of their beginning. Where tasks that share a
   * connection break that, nothing of the transaction can be kept.
   */
  async #checkTop(cause?: unknown): Promise<void> {
    const { executor } = this.#connection;
    if (executor.transactions.blocks.at(-1) === this) return;
    this.#status = TransactionBlockStatus.FAILED;
    this.#takeOff();
    await executor.endTransaction("ROLLBACK");
    throw new ProgrammingError(
      "Cannot end the transaction block: transaction commit or rollback at the wrong nesting level, a block that was opened after it on the same connection has not ended, and all is rolled back",
      { cause },
    );
  }

  #takeOff(): void {
    const { blocks } = this.#connection.executor.transactions;
    const at = blocks.indexOf(this);
    if (at >= 0) blocks.splice(at, 1);
  }
}
