/**
 * Whose turn it is: the statements of several tasks run on a connection one
 * after the other, or in a pipeline, which `pipeline_queue.ts` sends.
 *
 * @module
 */

import type { PgError } from "../errors/base.ts";
import type { Engine } from "../protocol/engine.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { Batch, type BatchSource } from "./batch.ts";
import { Mutex } from "./mutex.ts";
import { PipelineQueue } from "./pipeline_queue.ts";
import type { Runner } from "./runner.ts";
import { isStale, unsent } from "./staleness.ts";
import type { StatementCache } from "./statement_cache.ts";
import { planParameters, type Request } from "./statement_writer.ts";
import type { TransactionState } from "./transaction_state.ts";
import { type EndCommand, Turn } from "./turn.ts";
import type { Wire } from "./wire.ts";

/** Runs the statements of one connection in the order they were asked for. */
export class Executor {
  /** Whether, and how, transactions are opened. */
  readonly transactions: TransactionState;
  /** The statements that are run in a pipeline. */
  readonly queue: PipelineQueue;
  /** How many blocks of `pipeline()` are open. */
  pipelineDepth = 0;
  /** How many blocks of `copy()` are open. */
  copyDepth = 0;

  /**
   * Gives up the conversation that has the turn, where nobody will end it before
   * the transaction ends. Set by who has the turn.
   */
  abandon: (() => Promise<void>) | null = null;
  /** Called when the connection is retired. */
  onRetired: () => void = () => {};

  readonly #runner: Runner;
  readonly #statements: StatementCache;
  readonly #mutex = new Mutex();
  readonly #turn: Turn;

  /** @param runner Sends the statements. */
  constructor(runner: Runner) {
    this.#runner = runner;
    this.#statements = runner.statements;
    this.transactions = runner.transactions;
    this.#turn = new Turn(runner);
    this.queue = new PipelineQueue(runner, this.#mutex);
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
    if (!this.#mutex.tryAcquire()) await this.#mutex.acquire(request.signal);
    try {
      request.signal?.throwIfAborted();
      this.checkOpen();
      if (this.pipelineDepth > 0) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        this.queue.append(request, resolve, reject);
        return await promise;
      }
      return await this.#runAlone(request);
    } finally {
      this.#mutex.release();
    }
  }

  /**
   * Runs a statement with many sets of parameters, outside of a pipeline: all in
   * one transaction, without waiting for the answers one by one.
   *
   * @param source Gives the statements; asked for them while no other can run.
   * @param signal Aborts it.
   */
  async runBatch(
    source: BatchSource,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted();
    this.checkOpen();
    await this.#mutex.acquire(signal);
    try {
      signal?.throwIfAborted();
      this.checkOpen();
      this.#runner.endGroup();
      await new Batch(
        this.#runner,
        signal,
      ).run(source);
    } finally {
      this.#mutex.release();
    }
  }

  /**
   * Does something when every statement that was asked for before has been
   * answered, and before any that is asked for later is sent.
   *
   * @param act What to do. It gets the commands that it may run meanwhile.
   * @param anyway Whether also if a statement in a pipeline has failed that
   * nobody heeds: what rolls back must not be kept from it.
   * @returns What that returned.
   */
  async inTurn<T>(
    act: (turn: Turn) => T | Promise<T>,
    anyway = false,
  ): Promise<T> {
    // Not awaited: whoever asks for the turn later must not get it before.
    this.abandon?.();
    return await this.#exclusively(() => act(this.#turn), anyway);
  }

  /**
   * Waits until every statement that was asked for before has been answered, and
   * lets none begin that is asked for later: for a conversation that takes its
   * time, like a stream or a COPY. Opens the transaction that is due.
   *
   * @param signal Gives up waiting.
   * @returns Ends the turn. To be called once.
   * @throws {OperationalError} If the connection is closed.
   */
  async takeTurn(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    this.checkOpen();
    if (this.pipelineDepth > 0) await this.queue.sync();
    await this.#mutex.acquire(signal);
    try {
      this.checkOpen();
      const begin = this.transactions.nextBegin;
      if (begin !== null) await this.#runner.command(begin);
      this.#runner.endGroup();
    } catch (error) {
      this.#mutex.release();
      throw error;
    }
    return () => this.#mutex.release();
  }

  /**
   * Has no statement begin from now on: a cancel request that is under way would
   * hit whichever is running.
   *
   * @returns Lets them begin again.
   */
  hold(): () => void {
    return this.#mutex.hold();
  }

  /**
   * Asks the server for a value, in no transaction but the one that is open.
   *
   * @param query The statement.
   * @returns The text of its only value, or `null`.
   */
  async ask(query: string): Promise<string | null> {
    return await this.#exclusively(() => this.#runner.ask(query));
  }

  /**
   * Runs a command of the driver's own, in no transaction but the one that is open.
   *
   * @param text The command.
   */
  async plainCommand(text: string): Promise<void> {
    await this.#exclusively(() => this.#runner.command(text));
  }

  /**
   * Has a conversation with the server that ends with a ReadyForQuery, in no
   * transaction but the one that is open, or that an open block waits to begin.
   *
   * @param engine Tells the transaction status at the end.
   * @param tags Where the tags of the commands are that ended well.
   * @param start Sends the messages, and enqueues the exchange for their answers.
   * @returns The exchange, which has ended well.
   * @throws Whatever `start` throws, having sent nothing, or what it failed with.
   */
  async converse<E extends Exchange>(
    engine: Pick<Engine, "transactionStatus">,
    tags: readonly string[],
    start: () => E,
  ): Promise<E> {
    const { transactions } = this;
    return await this.#exclusively(async () => {
      const begin = transactions.waiting ? transactions.nextBegin : null;
      if (begin !== null) await this.#runner.command(begin);
      this.#runner.endGroup();
      const { begun } = transactions;
      const exchange = unsent(start);
      exchange.onSettle = () => {
        transactions.noteReady(engine.transactionStatus, begun);
      };
      await exchange.done;
      for (const tag of tags) {
        transactions.noteTag(tag);
        this.#statements.noteTag(tag);
      }
      if (exchange.error !== null) throw this.#runner.told(exchange);
      return exchange;
    });
  }

  /** The connection that statements are sent on. */
  get wire(): Wire {
    return this.#runner.wire;
  }

  /** Sends the statements; for who has the turn. */
  get runner(): Runner {
    return this.#runner;
  }

  /** The text of the last error of a statement; `""` if there was none. */
  get lastError(): string {
    return this.#runner.lastError;
  }

  /**
   * Ends the open transaction, if there is one: see {@linkcode Turn.end}.
   *
   * @param command COMMIT or ROLLBACK.
   * @param check Throws, when the turn has come, if it may not be ended.
   * @returns The command tag: a COMMIT of a failed transaction is a ROLLBACK.
   */
  async endTransaction(
    command: EndCommand,
    check: () => void = () => {},
  ): Promise<string> {
    return await this.inTurn((turn) => {
      check();
      return turn.end(command);
    }, command === "ROLLBACK");
  }

  /** From now on statements are sent without waiting, once those under way are answered. */
  async enterPipeline(): Promise<void> {
    if (this.pipelineDepth === 0) {
      await this.#exclusively(() => void this.pipelineDepth++);
      return;
    }
    this.checkOpen();
    this.pipelineDepth++;
    try {
      if (this.queue.unsynced) await this.queue.sync();
    } catch (error) {
      this.pipelineDepth--;
      throw error;
    }
  }

  /** Waits until everything in the pipeline is answered, and ends it. */
  async leavePipeline(): Promise<void> {
    if (this.pipelineDepth > 1) {
      this.pipelineDepth--;
      return await this.queue.sync();
    }
    // Statements of other tasks wait from now on, or the last Sync would never come.
    await this.#mutex.acquire();
    this.pipelineDepth--;
    try {
      await this.queue.sync();
    } finally {
      this.#mutex.release();
    }
  }

  /**
   * Runs what is asked for from now on in another session, when all that waited
   * for the one before it, which is closed, has been told so.
   *
   * @param open Opens the other session.
   */
  async replaceSession(open: () => Promise<Wire>): Promise<void> {
    await this.#mutex.acquire();
    try {
      const wire = await open();
      this.abandon = null;
      this.queue.restart();
      this.#runner.replaceSession(wire);
    } finally {
      this.#mutex.release();
    }
  }

  /**
   * Runs nothing any more, although the session goes on: others have it now.
   *
   * @param error Makes the error for whatever is still tried.
   */
  retire(error: () => PgError): void {
    this.#runner.retired ??= error;
    this.onRetired();
  }

  /** Whether it was retired. */
  get retired(): boolean {
    return this.#runner.retired !== null;
  }

  /** Whether a statement is under way, or something else that has the turn. */
  get busy(): boolean {
    return this.#mutex.locked || this.wire.engine.busy;
  }

  /** Whether a cancel request is under way, which could hit a statement. */
  get held(): boolean {
    return this.#mutex.held;
  }

  /** Waits until no cancel request is under way. */
  async unheld(): Promise<void> {
    await this.#mutex.unheld();
  }

  /** Whether the connection is closed, on purpose or by a failure, or was retired. */
  get closed(): boolean {
    return this.#runner.closed;
  }

  /** @throws {OperationalError} If the connection is closed. */
  checkOpen(): void {
    this.#runner.checkOpen();
  }

  /**
   * Runs something by itself.
   *
   * @param run What to run.
   * @param anyway Whether also if a statement in the pipeline has failed: what
   * rolls back must not be kept from it.
   */
  async #exclusively<T>(
    run: () => T | Promise<T>,
    anyway = false,
  ): Promise<T> {
    this.checkOpen();
    if (this.pipelineDepth > 0) {
      await (anyway ? this.queue.settle() : this.queue.sync());
    }
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
    const parameters = unsent(() => planParameters(request));
    const { oids } = parameters;
    const begin = this.transactions.nextBegin;
    const outside = !this.transactions.open;
    let statement = runner.statementOf(request, oids);
    if (await runner.describeFirst(request, statement)) {
      statement = runner.statementOf(request, oids);
    }
    let written = await runner.send(request, statement, parameters);
    if (outside && isStale(written.exchange)) {
      runner.forgetName(written, statement);
      // Nothing but the BEGIN of this very statement is lost.
      if (this.transactions.open) {
        await runner.command("ROLLBACK");
        this.transactions.openAgain(begin);
      }
      statement = runner.statementOf(request, oids);
      written = await runner.send(request, statement, parameters);
    }
    runner.conclude(written, statement);
  }
}
