/**
 * One COPY on a connection: how it starts, how it ends or is given up, and that
 * nothing else runs on the connection meanwhile. What its data means is no
 * concern of this file.
 *
 * @module
 */

import {
  InterfaceError,
  NotSupportedError,
  type PgError,
} from "../errors/base.ts";
import { CopyExchange, writeCopyStart } from "../protocol/copy_exchange.ts";
import { cancelOnAbort } from "./cancel.ts";
import type { BlockQueue } from "./copy_blocks.ts";
import type { Executor } from "./executor.ts";
import { unsent } from "./staleness.ts";
import type { Wire } from "./wire.ts";

/** A COPY that is under way. */
export class CopySession {
  /** Its conversation with the server. */
  readonly exchange: CopyExchange;
  /** The connection. */
  readonly wire: Wire;

  /** What came from the server. */
  readonly blocks: BlockQueue;

  readonly #executor: Executor;
  readonly #signal: AbortSignal | undefined;
  #release: (() => void) | null;
  #over: Promise<unknown>;
  #error: unknown = null;
  #givenUp = false;
  #aborted = false;

  private constructor(
    executor: Executor,
    exchange: CopyExchange,
    blocks: BlockQueue,
    release: () => void,
    signal: AbortSignal | undefined,
  ) {
    this.#executor = executor;
    this.exchange = exchange;
    this.blocks = blocks;
    this.wire = executor.runner.wire;
    blocks.valve = this.wire;
    this.#release = release;
    this.#signal = signal;
    this.#over = signal === undefined ? exchange.done : this.#abortable(signal);
    exchange.done.then(() => {
      blocks.end();
      // Who waits for the turn is to learn that the connection is lost.
      if (this.wire.engine.failure !== null) this.#leave();
    });
  }

  /**
   * Starts a COPY when its turn comes.
   *
   * @param executor The connection.
   * @param text The statement.
   * @param blocks Takes each block that the server sends.
   * @param signal Aborts it.
   * @returns The COPY; `exchange.direction` says where the data goes.
   * @throws {NotSupportedError} In a pipeline.
   * @throws {ProgrammingError} If the statement is no COPY, or several.
   */
  static async start(
    executor: Executor,
    text: string,
    blocks: BlockQueue,
    signal: AbortSignal | undefined,
  ): Promise<CopySession> {
    executor.checkOpen();
    if (executor.pipelineDepth > 0) {
      throw inPipeline();
    }
    const release = await executor.takeTurn(signal);
    if (executor.pipelineDepth > 0) { // It began while this waited.
      release();
      throw inPipeline();
    }
    const exchange = new CopyExchange(text, (source) => blocks.take(source));
    try {
      signal?.throwIfAborted();
      const { runner } = executor;
      const { output } = runner.wire.engine;
      const mark = output.length;
      unsent(() => {
        try {
          writeCopyStart(output, text);
        } catch (error) {
          output.rollback(mark);
          throw error;
        }
      });
      runner.enqueue(exchange);
      runner.wire.flush();
    } catch (error) {
      release();
      throw error;
    }
    const session = new CopySession(
      executor,
      exchange,
      blocks,
      release,
      signal,
    );
    await exchange.started;
    if (exchange.direction === null) await session.finish();
    return session;
  }

  /** Whether the server, the connection or a signal has ended it. Cheap: asked for each row. */
  get failed(): boolean {
    return this.#aborted || this.exchange.error !== null;
  }

  /** Why nothing more can be sent or will come, or `null`. */
  get failure(): unknown {
    const { exchange } = this;
    if (this.#aborted) return this.#signal!.reason;
    if (exchange.error !== null) return this.#told();
    return this.#givenUp ? ended() : null;
  }

  /** Waits until the transport has taken what was sent, then sends more. */
  async send(data: Uint8Array): Promise<void> {
    await this.wire.drained();
    const { failure } = this;
    if (failure !== null) throw failure;
    if (!this.exchange.wantsData) throw ended();
    this.exchange.write(this.wire.engine, data);
    this.wire.flush();
  }

  /**
   * Waits for the server's last word, and ends the turn.
   *
   * @throws What the server said, or the reason of the signal.
   */
  async finish(): Promise<void> {
    this.exchange.finish(this.wire.engine);
    await this.#over;
    this.#leave();
    const { failure } = this;
    if (failure !== null && !this.#givenUp) throw failure;
    const tag = this.exchange.commandTag;
    if (tag !== null && this.exchange.direction === "in") {
      this.#executor.transactions.noteTag(tag);
    }
  }

  /**
   * Ends the COPY before its time: data that went to the server is not stored,
   * data that comes is dropped. Never throws.
   *
   * @param reason Why, for the server's log.
   */
  async giveUp(reason: string): Promise<void> {
    const { exchange, wire } = this;
    this.#givenUp = true;
    this.blocks.drop();
    exchange.abort(wire.engine, reason);
    if (exchange.direction === "out" && !exchange.exhausted) {
      await cancelOnAbort(wire, exchange, AbortSignal.abort());
    }
    await this.#over;
    this.#leave();
  }

  #told(): unknown {
    return this.#error ??= this.#executor.runner.told(this.exchange);
  }

  #leave(): void {
    this.#release?.();
    this.#release = null;
  }

  /** The server does not look for cancel requests while it waits for data. */
  async #abortable(signal: AbortSignal): Promise<void> {
    const { exchange, wire } = this;
    const abort = () => {
      this.#aborted = true;
      this.blocks.drop();
      exchange.abort(wire.engine, "the program aborted it");
    };
    signal.addEventListener("abort", abort, { once: true });
    await cancelOnAbort(wire, exchange, signal);
    signal.removeEventListener("abort", abort);
  }
}

function inPipeline(): PgError {
  return new NotSupportedError(
    "Cannot run COPY in a pipeline: its data is a conversation of its own, run it before or behind the pipeline",
    { connectionUsable: true, reachedServer: false },
  );
}

/** The error for what is done with a COPY that has ended. */
export function ended(): PgError {
  return new InterfaceError(
    "Cannot use the COPY: it has ended, start another with copy()",
  );
}
