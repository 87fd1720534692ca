/**
 * A conversation with the server that is under way, and who takes the rows that
 * come of it. The kinds of conversation have files of their own.
 *
 * @module
 */

import { ProtocolError } from "../errors/base.ts";
import { type FieldDescription, readRowDescription } from "./backend.ts";
import { printTag, type ReadBuffer } from "./read_buffer.ts";
import type { WriteBuffer } from "./write_buffer.ts";

/**
 * Takes the outcome of statements. What it throws fails the statement, not the
 * connection: the rest of the statement's messages is read and dropped.
 */
export interface ResultSink {
  /** The columns of the rows to come. */
  describe(fields: readonly FieldDescription[]): void;
  /** A row. Its body is at `source.bytes[source.start..source.end)`. */
  row(source: ReadBuffer): void;
  /** The statement ended well, with this command tag. */
  complete(tag: string): void;
  /** The statement was empty. */
  empty(): void;
}

/** What an exchange may do beside listening. */
export interface Conversation {
  /** Where messages to the server are appended. */
  readonly output: WriteBuffer;
  /** Sends what was appended. */
  flush(): void;
  /** Gives the connection up. */
  fail(error: unknown): void;
}

/**
 * One conversation: some messages were or will be sent, and these are the
 * answers to them. The engine keeps exchanges in a queue and hands each message
 * to the one at its head.
 */
export abstract class Exchange {
  /** Whether a ReadyForQuery ends it. */
  readonly endsWithReady: boolean;
  /** Why it failed, or `null`. */
  error: unknown = null;
  /** Whether any of its messages has been handed to the transport. */
  sent = false;
  /** Whether an ErrorResponse came, so that only ReadyForQuery can follow. */
  failed = false;
  /**
   * Whether no cancel request may hit it: what was sent behind it runs, whatever
   * becomes of it.
   */
  shielded = false;
  /** The text of the statement, to point into from error messages. */
  readonly queryText: string | null = null;
  /** Called when the exchange is over, before anyone who awaits `done` goes on. */
  onSettle: (() => void) | null = null;

  #settled = false;
  #done: Promise<void> | null = null;
  #resolve: (() => void) | null = null;

  constructor(endsWithReady: boolean) {
    this.endsWithReady = endsWithReady;
  }

  /**
   * Settles when the exchange is over. Never rejects: see
   * {@linkcode Exchange.error}. Made when it is asked for, as the statements of a
   * pipeline do without.
   */
  get done(): Promise<void> {
    return this.#done ??= this.#settled
      ? Promise.resolve()
      : new Promise((resolve) => this.#resolve = resolve);
  }

  /** Takes a DataRow. */
  abstract row(source: ReadBuffer): void;

  /**
   * Takes any other message that belongs to it.
   *
   * @returns Whether the exchange is over.
   * @throws {ProtocolError} If the message cannot come now.
   */
  abstract receive(source: ReadBuffer, conversation: Conversation): boolean;

  /** Whether a ReadyForQuery may come now, if no error has come. */
  abstract mayBeReady(): boolean;

  /**
   * Whether an answer has shown that the server is at it. Before that a cancel
   * request may come too early, and is then lost.
   */
  get begun(): boolean {
    return false;
  }

  /**
   * An ErrorResponse to it came. One whose Sync is not sent yet sends it now.
   *
   * @param _conversation Where to send it.
   */
  afterError(_conversation: Conversation): void {}

  /** Records why it failed. The first reason counts. */
  reject(error: unknown): void {
    this.error ??= error;
  }

  /** Records that the server skips it, because a statement before it failed. */
  skip(error: unknown): void {
    this.reject(error);
    this.failed = true;
  }

  /** Ends it. */
  settle(): void {
    this.#settled = true;
    this.onSettle?.();
    this.#resolve?.();
  }
}

/** An exchange whose statements have results, which go to a sink. */
export abstract class QueryExchange extends Exchange {
  readonly #sink: ResultSink | null;

  /**
   * @param sink Who takes the results; `null` drops them.
   * @param endsWithReady Whether a ReadyForQuery ends the exchange.
   */
  constructor(sink: ResultSink | null, endsWithReady: boolean) {
    super(endsWithReady);
    this.#sink = sink;
  }

  /** Whether a DataRow may come now, if no error has come. */
  protected abstract mayHaveRow(): boolean;

  override row(source: ReadBuffer): void {
    if (!this.mayHaveRow() || this.failed) {
      throw illegalMessage(source.tag, "while no rows were expected");
    }
    if (this.error !== null || this.#sink === null) return;
    try {
      this.#sink.row(source);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.reject(error);
    }
  }

  /**
   * Reads RowDescription and tells the sink. A name that cannot be decoded fails
   * the statement, not the connection.
   */
  protected describe(source: ReadBuffer): readonly FieldDescription[] {
    let fields: readonly FieldDescription[];
    try {
      fields = readRowDescription(source);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.reject(error);
      return [];
    }
    this.notify((sink) => sink.describe(fields));
    return fields;
  }

  /** Tells the sink something, unless the statement has failed. */
  protected notify(tell: (sink: ResultSink) => void): void {
    if (this.#sink === null || this.error !== null) return;
    try {
      tell(this.#sink);
    } catch (error) {
      this.reject(error);
    }
  }
}

/**
 * The error for a message that cannot come now.
 *
 * @param tag The tag of the message.
 * @param state What was under way.
 * @returns The error.
 */
export function illegalMessage(tag: number, state: string): ProtocolError {
  return new ProtocolError(
    `Cannot go on with the connection: the server sent a message of type ${
      printTag(tag)
    } ${state}`,
  );
}
