/**
 * Whose turn it is: the statements of several tasks run on a connection one
 * after the other, or in a pipeline.
 *
 * @module
 */

import { NotSupportedError } from "../errors/base.ts";
import { Mutex } from "./mutex.ts";
import { isStale, type Runner } from "./runner.ts";
import type { StatementCache } from "./statement_cache.ts";
import { planParameters, type Request } from "./statement_writer.ts";
import type { TransactionState } from "./transaction_state.ts";

const FLUSH_FROM = 64 * 1024;

/** Runs the statements of one connection in the order they were asked for. */
export class Executor {
  /** Whether, and how, transactions are opened. */
  readonly transactions: TransactionState;
  /** How many blocks of `pipeline()` are open. */
  pipelineDepth = 0;

  readonly #runner: Runner;
  readonly #statements: StatementCache;
  readonly #mutex = new Mutex();
  #flushPlanned = false;
  #appended = 0;

  /** @param runner Sends the statements. */
  constructor(runner: Runner) {
    this.#runner = runner;
    this.#statements = runner.statements;
    this.transactions = runner.transactions;
  }

  /**
   * Runs a statement, or a text of several, when its turn comes. Its results are
   * added to those of the request as they come, up to the one that fails.
   *
   * @param request The statement.
   */
  async run(request: Request): Promise<void> {
    request.signal?.throwIfAborted();
    this.checkOpen();
    if (this.pipelineDepth > 0) return await this.#runInPipeline(request);
    if (!this.#mutex.tryAcquire()) await this.#mutex.acquire(request.signal);
    try {
      this.checkOpen();
      if (this.pipelineDepth > 0) return await this.#runInPipeline(request);
      return await this.#runAlone(request);
    } finally {
      this.#mutex.release();
    }
  }

  /**
   * Runs a command of the driver's own inside a transaction, which is opened for
   * it where one is due.
   *
   * @param text The command.
   */
  async command(text: string): Promise<void> {
    await this.#exclusively(async () => {
      const begin = this.transactions.nextBegin;
      if (begin !== null) await this.#runner.command(begin);
      await this.#runner.command(text);
    });
  }

  /**
   * Ends the open transaction, if there is one.
   *
   * @param command COMMIT or ROLLBACK.
   * @returns The command tag: a COMMIT of a failed transaction is a ROLLBACK.
   */
  async endTransaction(command: "COMMIT" | "ROLLBACK"): Promise<string> {
    return await this.#exclusively(async () =>
      this.transactions.open ? await this.#runner.command(command) : command
    );
  }

  /** From now on statements are sent without waiting, once those under way are answered. */
  async enterPipeline(): Promise<void> {
    await this.#exclusively(() => this.pipelineDepth++);
  }

  /** Waits until everything in the pipeline is answered, and ends it. */
  async leavePipeline(): Promise<void> {
    try {
      await this.sync();
    } finally {
      this.pipelineDepth--;
    }
  }

  /** Ends what waits in a pipeline with a Sync, sends it, and waits until all is answered. */
  async sync(): Promise<void> {
    this.checkOpen();
    this.#appended = 0;
    const sync = this.#runner.sendGroup();
    await sync.done;
    if (sync.error !== null) throw this.#runner.told(sync);
  }

  /** @throws {OperationalError} If the connection is closed. */
  checkOpen(): void {
    this.#runner.checkOpen();
  }

  async #exclusively<T>(run: () => T | Promise<T>): Promise<T> {
    this.checkOpen();
    if (this.pipelineDepth > 0) await this.sync();
    await this.#mutex.acquire();
    try {
      this.checkOpen();
      return await run();
    } finally {
      this.#mutex.release();
    }
  }

  async #runAlone(request: Request): Promise<void> {
    const runner = this.#runner;
    const parameters = planParameters(request);
    const { oids } = parameters;
    let statement = this.#statements.get(request.text, oids);
    if (await runner.describeFirst(request, statement)) {
      statement = this.#statements.get(request.text, oids);
    }
    const outside = !this.transactions.open;
    let written = await runner.send(request, statement, parameters);
    if (outside && isStale(written.exchange.error)) {
      this.#statements.forgetName(statement);
      // Nothing but the BEGIN of this very statement is lost.
      if (this.transactions.open) await runner.command("ROLLBACK");
      statement = this.#statements.get(request.text, oids);
      written = await runner.send(request, statement, parameters);
    }
    runner.conclude(written, statement);
  }

  async #runInPipeline(request: Request): Promise<void> {
    if (request.signal !== undefined) {
      throw new NotSupportedError(
        "Cannot run the statement with a signal in a pipeline: a cancel request would hit whichever statement is running",
      );
    }
    const parameters = planParameters(request);
    const statement = this.#statements.get(request.text, parameters.oids);
    const written = this.#runner.append(request, statement, parameters);
    this.#appended++;
    if (this.#runner.waiting >= FLUSH_FROM) this.#sendGroup();
    else this.#planFlush();
    await written.exchange.done;
    this.#runner.conclude(written, statement);
  }

  #sendGroup(): void {
    this.#appended = 0;
    this.#runner.sendGroup();
  }

  /** Sends a pipeline's statements when the current task, and what it resolves, is done. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    const flush = () => {
      this.#flushPlanned = false;
      if (this.#appended > 0 && !this.#runner.closed) this.#sendGroup();
    };
    Promise.resolve().then(() => {}).then(() => {}).then(flush);
  }
}
