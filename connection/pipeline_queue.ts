/**
 * The statements of a pipeline: written without waiting, sent at 64 KiB or when
 * the current task has had its say, ended by a Sync. What failed and is heeded by
 * nobody is kept for the next `sync()` to tell.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { FLUSH_FROM } from "./batch.ts";
import type { Mutex } from "./mutex.ts";
import type { Failure } from "./pipelined_execution.ts";
import type { Runner } from "./runner.ts";
import { unsent } from "./staleness.ts";
import { planParameters, type Request } from "./statement_writer.ts";

/** Runs the statements of one connection's pipelines. */
export class PipelineQueue {
  readonly #runner: Runner;
  readonly #mutex: Mutex;
  #flushPlanned = false;
  /** Whether statements wait to be sent. */
  #appended = false;
  #unsynced = false;
  #failedSync: Exchange | null = null;
  #failures: Failure[] = [];

  /**
   * @param runner Sends the statements.
   * @param mutex Tells when nothing may be sent, as a cancel request is under way.
   */
  constructor(runner: Runner, mutex: Mutex) {
    this.#runner = runner;
    this.#mutex = mutex;
    runner.endGroup = () => {
      if (this.#unsynced) this.#sendSync();
    };
  }

  /** Whether there are statements behind the last Sync. */
  get unsynced(): boolean {
    return this.#unsynced;
  }

  /**
   * Runs a statement in a pipeline. It goes by callbacks, not by an async
   * function: every frame that waits for its turn costs memory, and a pipeline
   * has many (`deno task bench -- burst`).
   *
   * @param request The statement.
   * @param resolve Called when it has ended well.
   * @param reject Called with the error when it has not.
   * @throws If it cannot be sent.
   */
  append(
    request: Request,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): void {
    request.signal?.throwIfAborted();
    this.#runner.checkOpen();
    if (request.taker !== undefined) {
      throw new ProgrammingError(
        "Cannot stream in a pipeline: its rows would hold up the answers behind them, use execute()",
      );
    }
    if (request.signal !== undefined) {
      throw new NotSupportedError(
        "Cannot run the statement with a signal in a pipeline: a cancel request would hit whichever statement is running",
        { connectionUsable: true, reachedServer: false },
      );
    }
    const parameters = unsent(() => planParameters(request));
    const statement = this.#runner.statementOf(request, parameters.oids);
    this.#runner.append(request, statement, parameters, resolve, reject);
    this.#appended = this.#unsynced = true;
    const full = this.#runner.groupSize >= FLUSH_FROM;
    if (full && !this.#mutex.held) this.#flush();
    else this.#planFlush();
  }

  /** The next {@linkcode PipelineQueue.sync} tells of a failure, if nobody heeds it by then. */
  noteFailure(failure: Failure): void {
    this.#failures.push(failure);
  }

  /** Ends with a Sync what waits in a pipeline, without waiting for the answers. */
  startSync(): void {
    if (this.#mutex.held) this.#mutex.unheld().then(() => this.startSync());
    else this.#sendSync();
  }

  /**
   * Ends what waits in a pipeline with a Sync, sends it, and waits until all is
   * answered.
   *
   * @throws The first error since the last time that nobody heeds.
   */
  async sync(): Promise<void> {
    await this.settle();
    const failed = this.#failedSync;
    const failure = this.#failures.find(({ heeded }) => !heeded);
    this.#failedSync = null;
    this.#failures = [];
    if (failure !== undefined) throw failure.error;
    if (failed !== null) throw this.#runner.told(failed);
  }

  /** The same, but what has failed is left for the next {@linkcode PipelineQueue.sync} to tell. */
  async settle(): Promise<void> {
    this.#runner.checkOpen();
    if (this.#mutex.held) {
      await this.#mutex.unheld();
      this.#runner.checkOpen();
    }
    await this.#sendSync().done;
  }

  /** Forgets what was under way, in a session that is closed. */
  restart(): void {
    this.#appended = this.#unsynced = false;
    this.#failedSync = null;
    this.#failures = [];
  }

  #sendSync(): Exchange {
    this.#appended = this.#unsynced = false;
    const sync = this.#runner.sync();
    // What a Sync commits can fail after each statement has succeeded; the next sync() tells it.
    sync.done.then(() => {
      if (sync.error !== null) this.#failedSync ??= sync;
    });
    return sync;
  }

  #flush(): void {
    this.#appended = false;
    this.#runner.flush();
  }

  /** Sends a pipeline's statements when the current task, and what it resolves, is done. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    const flush = () => {
      if (this.#mutex.held) return void this.#mutex.unheld().then(flush);
      this.#flushPlanned = false;
      if (this.#appended && !this.#runner.closed) this.#flush();
    };
    Promise.resolve().then(() => {}).then(() => {}).then(flush);
  }
}
