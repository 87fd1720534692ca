/**
 * The part of a connection that begins and ends transactions.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { ConnectionTpc } from "./connection_tpc.ts";
import { commitRefused } from "./outcome.ts";
import { Transaction, type TransactionConnection } from "./transaction.ts";
import type {
  BeginOptions,
  TransactionOptions,
} from "./transaction_options.ts";
import { runTransaction } from "./transaction_retry.ts";
import type { EndCommand } from "./turn.ts";

/** The part of a connection that begins and ends transactions. */
export abstract class ConnectionTransactions<Row> extends ConnectionTpc<Row>
  implements TransactionConnection<Row> {
  /**
   * Commits the open transaction. Does nothing if there is none. If a statement
   * in it had failed, the server rolls it back, and a warning says so.
   *
   * @throws {ProgrammingError} Inside a block of `transaction()` or `begin()`, or
   * in a two-phase transaction.
   * @throws {TransactionOutcomeUnknown} If the connection is lost before the
   * server has answered.
   * @throws {OperationalError} If the connection is closed.
   * @throws {IntegrityError} If a deferred constraint is violated: it is rolled back.
   */
  async commit(): Promise<void> {
    if (await this.#end("COMMIT")) return;
    this.warn(
      "commit() stored nothing: a statement in the transaction had failed, so the server rolled it back",
    );
  }

  /**
   * Commits as {@linkcode ConnectionTransactions.commit} does, but where the
   * server rolls back instead, that is an error. A two-phase transaction that is
   * prepared stays so.
   *
   * @internal
   */
  async commitAll(): Promise<void> {
    if (this.transactions.twoPhase?.prepared) return;
    if (!await this.#end("COMMIT")) throw commitRefused(this.executor);
  }

  /**
   * Rolls the open transaction back. Does nothing if there is none.
   *
   * @throws {ProgrammingError} Inside a block of `transaction()` or `begin()`, or
   * in a two-phase transaction.
   * @throws {OperationalError} If the connection is closed.
   */
  async rollback(): Promise<void> {
    await this.#end("ROLLBACK");
  }

  /**
   * Rolls back as {@linkcode ConnectionTransactions.rollback} does, a two-phase
   * transaction too unless it is prepared.
   *
   * @internal
   */
  async rollbackAll(): Promise<void> {
    const { twoPhase } = this.transactions;
    if (twoPhase === null) await this.rollback();
    else if (!twoPhase.prepared) await this.tpcRollback();
  }

  /**
   * Runs statements that are committed together, or rolled back if the function
   * throws. Inside a transaction the block is a savepoint.
   *
   * @param block Gets the transaction; whatever it runs on the connection belongs to it.
   * @param options See {@linkcode TransactionOptions}.
   * @returns What the function returned, or `undefined` after a `Rollback`.
   * @throws Whatever the function throws, after the rollback.
   * @throws {TransactionOutcomeUnknown} If the connection is lost after COMMIT
   * was sent and before it was answered.
   * @throws {OperationalError} If a statement inside failed and the function did
   * not: the server then refuses to commit.
   * @throws {ProgrammingError} If blocks that several tasks opened on the
   * connection overlap: all is rolled back.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await conn.transaction(async (tx) => {
   *   await tx.execute("create temp table account (id int, balance int)");
   *   await tx.execute("insert into account values (%s, %s)", [1, 100]);
   * });
   * ```
   *
   * @example Again, if it gets into the way of another transaction
   * ```ts
   * import { connect, IsolationLevel } from "@x/pgts";
   *
   * await using conn = await connect();
   * await conn.transaction(async (tx) => {
   *   await tx.execute("select count(*) from pg_class");
   * }, { isolationLevel: IsolationLevel.SERIALIZABLE, retry: 5 });
   * ```
   *
   * @example No statement in it may take longer than a second
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await conn.transaction(async (tx) => {
   *   await tx.execute("set local statement_timeout = '1s'");
   *   await tx.execute("select pg_sleep(0.01)");
   * });
   * ```
   */
  transaction<T>(
    block: (tx: Transaction<Row>) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T | undefined> {
    return new Promise((resolve) =>
      resolve(runTransaction<T, Row>(this, block, options))
    );
  }

  /**
   * Opens a transaction that is rolled back at the end of its scope, unless
   * `tx.commit()` was called: the end of a scope cannot tell whether it was left
   * by an error. Inside a transaction it is a savepoint.
   *
   * @param options See {@linkcode BeginOptions}.
   * @returns The transaction.
   * @throws {OperationalError} If the connection is closed.
   * @throws {ProgrammingError} If characteristics are given inside a transaction.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await using tx = await conn.begin();
   * await tx.execute("create temp table account (id int, balance int)");
   * await tx.execute("insert into account values (%s, %s)", [1, 100]);
   * await tx.commit();
   * ```
   */
  async begin(options: BeginOptions = {}): Promise<Transaction<Row>> {
    return await new Transaction<Row>(this, options).open();
  }

  /** Ends the open transaction. Tells whether it ended as it was meant to. */
  async #end(command: EndCommand): Promise<boolean> {
    const { executor } = this;
    executor.checkOpen();
    if (this.transactions.blocks.length > 0) {
      throw new ProgrammingError(
        `Cannot run ${command.toLowerCase()}(): a block of transaction() or begin() is open, its end commits or rolls back`,
      );
    }
    const check = () => this.#checkNoTwoPhase(command);
    return await executor.endTransaction(command, check) === command;
  }

  #checkNoTwoPhase(command: EndCommand): void {
    if (this.transactions.twoPhase === null) return;
    const [name, instead] = command === "COMMIT"
      ? ["commit()", "tpcCommit()"]
      : ["rollback()", "tpcRollback()"];
    throw new ProgrammingError(
      `Cannot run ${name}: a two-phase transaction is open, use ${instead}`,
      { connectionUsable: true, reachedServer: false },
    );
  }
}
