/**
 * A block as the server sees it: where its transaction or savepoint begins and
 * ends, and that blocks end in the reverse order of their beginning. What a user
 * holds of it is in `transaction.ts`.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { quoteIdentifier } from "../types/quote.ts";
import type { Executor } from "./executor.ts";
import {
  commitRefused,
  sessionEnded,
  warnOfRollback,
  wrongNesting,
} from "./outcome.ts";
import { checkIsolationLevel } from "./settings.ts";
import {
  TransactionBlockStatus,
  type TransactionOptions,
} from "./transaction_options.ts";
import type { Block } from "./transaction_state.ts";
import type { Turn } from "./turn.ts";
import type { WarningHandler } from "./warnings.ts";

/** What a block needs of its connection. */
export interface BlockConnection {
  /** Runs statements. */
  readonly executor: Executor;
  /** Gets warnings. */
  readonly warn: WarningHandler;
}

/** A transaction, or a savepoint in one. */
export class TransactionBlock implements Block {
  /** The name of the block's savepoint, or `null` where it has none. */
  savepointName: string | null;
  /** Whether one around it ended first. */
  abandoned = false;
  /** Its end, once that has begun. */
  ending: Promise<void> | null = null;

  readonly #executor: Executor;
  readonly #warn: WarningHandler;
  readonly #options: TransactionOptions;
  readonly #parent: TransactionBlock | null;
  #outermost = false;
  #pipelineDepth = 0;
  #status: TransactionBlockStatus = TransactionBlockStatus.NON_STARTED;

  /**
   * @param connection The connection.
   * @param options See {@linkcode TransactionOptions}.
   * @param parent The block that it must be in, if that is known.
   */
  constructor(
    { executor, warn }: BlockConnection,
    options: TransactionOptions,
    parent: TransactionBlock | null,
  ) {
    const named = options.savepointName ?? null;
    if (named === "") {
      throw new ProgrammingError(
        "Cannot open a transaction block: its savepoint name is empty",
      );
    }
    this.#executor = executor;
    this.#warn = warn;
    this.#options = options;
    this.#parent = parent;
    this.savepointName = named;
  }

  /** What has become of the block. */
  get status(): TransactionBlockStatus {
    const lost = this.#status === TransactionBlockStatus.ACTIVE &&
      this.#executor.closed;
    return lost ? TransactionBlockStatus.FAILED : this.#status;
  }

  /** Enters the block. The transaction begins with its first statement. */
  async open(): Promise<void> {
    // What was asked for before must not get into the transaction.
    await this.#executor.inTurn(async (turn) => {
      this.#prepare();
      if (this.savepointName !== null) await this.#save(turn);
      this.#status = TransactionBlockStatus.ACTIVE;
      this.#executor.transactions.blocks.push(this);
    });
  }

  /** One around it has ended, and everything was rolled back. */
  abandon(): void {
    this.abandoned = true;
    this.#status = TransactionBlockStatus.FAILED;
  }

  #prepare(): void {
    const { transactions, pipelineDepth } = this.#executor;
    const { isolationLevel, readOnly, deferrable, retry } = this.#options;
    const { blocks, characteristics: defaults } = transactions;
    transactions.checkTwoPhase();
    if (this.#parent !== null && blocks.at(-1) !== this.#parent) {
      this.#parent.checkActive();
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
    this.savepointName ??= `_pgts_${blocks.length + 1}`;
  }

  async #save(turn: Turn): Promise<void> {
    try {
      await turn.begin();
      await turn.command(`SAVEPOINT ${quoteIdentifier(this.savepointName!)}`);
    } catch (error) {
      if (this.#outermost) {
        this.#executor.transactions.openNone();
        await turn.end("ROLLBACK").catch(() => {}); // The first error counts.
      }
      throw error;
    }
  }

  /** Ends the block when every statement that was asked for before is answered. */
  end(status: TransactionBlockStatus, cause?: unknown): Promise<void> {
    const executor = this.#executor;
    const commits = status === TransactionBlockStatus.COMMITTED;
    return this.ending = (async () => {
      try {
        await executor.inTurn(async (turn) => {
          await this.#checkTop(turn, cause);
          if (commits) await this.#commit(turn);
          else await this.#rollBack(turn);
        }, !commits);
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
  async undo(status: TransactionBlockStatus, cause?: unknown): Promise<void> {
    // An end that is under way tells its own errors.
    if (this.ending !== null) await this.ending.catch(() => {});
    if (this.#status !== TransactionBlockStatus.ACTIVE) return;
    try {
      await this.end(status, cause);
    } catch (failure) {
      if (this.abandoned) throw failure;
      warnOfRollback(
        this.#executor,
        this.#warn,
        "a transaction block",
        failure,
      );
    }
  }

  async #commit(turn: Turn): Promise<void> {
    const executor = this.#executor;
    const { transactions } = executor;
    if (this.#outermost && transactions.waiting) {
      return transactions.openNone();
    }
    try {
      if (!this.#outermost) {
        await turn.command(`RELEASE ${quoteIdentifier(this.savepointName!)}`);
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
    const { transactions } = this.#executor;
    if (!this.#outermost) {
      const name = quoteIdentifier(this.savepointName!);
      await turn.command(`ROLLBACK TO ${name}`);
      await turn.command(`RELEASE ${name}`);
    } else if (transactions.waiting) transactions.openNone();
    else await turn.end("ROLLBACK");
  }

  /**
   * @throws {ProgrammingError} If the block has ended.
   * @throws {OperationalError} If its session has ended.
   */
  checkActive(): void {
    const executor = this.#executor;
    const { status } = this;
    if (status === TransactionBlockStatus.FAILED) {
      try {
        executor.checkOpen();
      } catch (loss) {
        throw sessionEnded(loss);
      }
    }
    if (this.#status === TransactionBlockStatus.ACTIVE && !this.ending) return;
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
    const { transactions, pipelineDepth } = this.#executor;
    const { blocks } = transactions;
    if (blocks.at(-1) === this && pipelineDepth === this.#pipelineDepth) return;
    if (this.abandoned) throw wrongNesting(cause);
    for (const block of blocks.splice(0)) block.abandon();
    transactions.openNone();
    await turn.end("ROLLBACK").catch(() => {}); // Or the session has ended, which does the same.
    throw wrongNesting(cause);
  }
}
