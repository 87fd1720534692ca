/**
 * Sends the commands of the driver's own and tells their errors: what statements
 * and conversations of a session have in common.
 *
 * @module
 */

import { addCircumstances, PgError } from "../errors/base.ts";
import { lossOf } from "../protocol/engine.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { writeQuery } from "../protocol/frontend.ts";
import { SimpleQueryExchange } from "../protocol/simple_query.ts";
import { askValue } from "./ask.ts";
import { PgResult } from "./pg_result.ts";
import type { StatementCache } from "./statement_cache.ts";
import type { TransactionState } from "./transaction_state.ts";
import type { Wire } from "./wire.ts";

/** Sends the commands of one connection. */
export class CommandRunner {
  /** The connection that they are sent on. */
  wire: Wire;
  /** What is remembered of statements. */
  readonly statements: StatementCache;
  /** Whether, and how, transactions are opened. */
  readonly transactions: TransactionState;

  /**
   * Ends with a Sync what waits in a pipeline. Called before whatever brings a
   * Sync of its own: an error of the one must not have the server skip the other.
   */
  endGroup: () => void = () => {};
  /** The text of the last error; `""` if there was none. */
  lastError = "";
  /** Makes the error for whatever is still tried; `null` while statements may run. */
  retired: (() => PgError) | null = null;

  /**
   * @param wire The connection.
   * @param statements What is remembered of statements.
   * @param transactions Whether, and how, transactions are opened.
   */
  constructor(
    wire: Wire,
    statements: StatementCache,
    transactions: TransactionState,
  ) {
    this.wire = wire;
    this.statements = statements;
    this.transactions = transactions;
  }

  /** Whether nothing can be run any more. */
  get closed(): boolean {
    return this.retired !== null || this.wire.engine.failure !== null;
  }

  /** @throws {OperationalError} If the connection is closed. */
  checkOpen(): void {
    if (this.retired !== null) throw this.retired();
    const { failure } = this.wire.engine;
    if (failure === null) return;
    const error = lossOf(failure);
    addCircumstances(error, { connectionUsable: false, reachedServer: false });
    throw error;
  }

  /**
   * Runs a command of the driver's own.
   *
   * @returns Its command tag.
   */
  async command(text: string): Promise<string> {
    this.endGroup();
    let tag = "";
    const exchange = new SimpleQueryExchange({
      describe: () => {},
      row: () => {},
      complete: (complete) => tag = complete,
      empty: () => {},
    }, text);
    writeQuery(this.wire.engine.output, text);
    this.enqueue(exchange);
    this.wire.flush();
    await exchange.done;
    // What was lost after its tag had come was done before.
    const done = tag !== "" && !exchange.failed;
    if (exchange.error !== null && !done) throw this.told(exchange);
    this.statements.noteTag(tag);
    return tag;
  }

  /** Asks for a value; see {@linkcode askValue}. */
  async ask(query: string): Promise<string | null> {
    this.endGroup();
    try {
      return await askValue(this.wire, query);
    } catch (error) {
      if (error instanceof PgError) {
        this.lastError = error.message;
        addCircumstances(error, {
          connectionUsable: !this.closed,
          reachedServer: true,
        });
      }
      throw error;
    }
  }

  /**
   * The error of an exchange, which now says what became of the connection. An
   * error of the server is made anew, so that its stack trace leads to who
   * waited; what a loader or a row factory threw stays what it is.
   */
  told(exchange: Exchange): unknown {
    const { error } = exchange;
    if (!(error instanceof PgError)) return error;
    this.lastError = error.message;
    const circumstances = {
      connectionUsable: !this.closed,
      reachedServer: exchange.sent,
    };
    if (error.diag.sqlstate === null) {
      addCircumstances(error, circumstances);
      return error;
    }
    const told = new (error.constructor as typeof PgError)(error.message, {
      ...("cause" in error ? { cause: error.cause } : {}),
      diag: error.diag,
    });
    addCircumstances(told, {
      ...circumstances,
      resultOf: PgResult.fromError,
    });
    return told;
  }

  /**
   * Adds an exchange whose messages are in the output. One that ends with
   * ReadyForQuery tells the transaction status.
   */
  enqueue(exchange: Exchange): void {
    if (exchange.endsWithReady) {
      const { transactions } = this;
      const { begun } = transactions;
      exchange.onSettle = () => {
        transactions.noteReady(this.wire.engine.transactionStatus, begun);
      };
    }
    this.wire.enqueue(exchange);
  }
}
