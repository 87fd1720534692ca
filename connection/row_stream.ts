/**
 * Rows handed on as they arrive: a queue between the wire and who takes them,
 * which has the wire wait when it is filled. It is an async generator written out
 * by hand: with `yield`, each row would pass the queue of promises three times.
 *
 * @module
 */

import { addCircumstances, PgError } from "../errors/base.ts";
import type { Result, RowTaker } from "./result.ts";

/** Options of a stream. */
export interface StreamOptions {
  /**
   * How many rows may wait for who takes them before no more are read. What came
   * with one read is in memory in any case.
   *
   * @default {1}
   */
  readonly size?: number | undefined;
  /** Whether rows are asked for in binary or in text; as the cursor does by default. */
  readonly binary?: boolean | undefined;
  /**
   * Ends the stream: the statement is cancelled on the server, rows that wait
   * are dropped, and the stream rejects with the signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What a stream needs of the wire. */
export interface Flow {
  /** Reads no more. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/**
 * Runs the statement of a stream.
 *
 * @param taker Gets its rows.
 * @param signal Cancels it.
 * @returns A promise that settles when the statement is over.
 */
export type StreamRun = (
  taker: RowTaker,
  signal: AbortSignal,
) => Promise<void>;

/** A `next()` that waits. */
type Waiter<Row> = PromiseWithResolvers<IteratorResult<Row, undefined>>;

/**
 * The rows of a statement as they arrive: what `stream()` gives. Nothing is sent
 * before the first row is asked for.
 *
 * Other statements on the connection wait until the rows have been read, so a
 * stream that is taken by `next()` and not by a loop has to be ended by
 * {@linkcode RowStream.return} where it is not taken to its end.
 */
export class RowStream<Row>
  implements AsyncGenerator<Row, undefined, undefined> {
  readonly #flow: Flow;
  readonly #run: StreamRun;
  readonly #size: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onBegin: (result: Result) => void;
  readonly #cancel = new AbortController();
  #queue: (Row | undefined)[] = [];
  #head = 0;
  #waiting: Waiter<Row>[] = [];
  #running: Promise<void> | null = null;
  #over = false;
  #left = false;
  #wanted = true;
  #failure: { readonly error: unknown } | null = null;

  /**
   * @param flow The wire.
   * @param options See {@linkcode StreamOptions}.
   * @param run Runs the statement.
   * @param onBegin Is told of the result when its columns are known.
   * @internal
   */
  constructor(
    flow: Flow,
    options: StreamOptions,
    run: StreamRun,
    onBegin: (result: Result) => void,
  ) {
    this.#flow = flow;
    this.#run = run;
    this.#size = options.size ?? 1;
    this.#signal = options.signal;
    this.#onBegin = onBegin;
  }

  /**
   * The next row.
   *
   * @returns The row, or that there is none left.
   * @throws {RangeError} If `size` is not a number of rows from 1 on.
   * @throws {ProgrammingError} If the statement has no rows, or a pipeline is open.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   * @throws The reason of the signal, if it is aborted.
   */
  next(): Promise<IteratorResult<Row, undefined>> {
    if (this.#head < this.#queue.length) {
      return Promise.resolve({ done: false, value: this.#shift() });
    }
    if (this.#running === null && !this.#over) this.#start();
    if (this.#over) return this.#end();
    const waiter: Waiter<Row> = Promise.withResolvers();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /**
   * Ends the stream before its rows do: a loop does so when it is left. A
   * statement that is not over is cancelled on the server, and the transaction
   * that it is in then has failed. Rejects never.
   *
   * @returns That there is no row left, when the connection can be used again.
   */
  async return(): Promise<IteratorResult<Row, undefined>> {
    this.#left = true;
    this.#queue.length = this.#head = 0;
    this.#stop(new DOMException("The stream was left", "AbortError"));
    await this.#running;
    return { done: true, value: undefined };
  }

  /**
   * Ends the stream like {@linkcode RowStream.return}, and throws.
   *
   * @param error What to throw.
   * @throws The error.
   */
  async throw(error: unknown): Promise<IteratorResult<Row, undefined>> {
    await this.return();
    throw error;
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream; see {@linkcode RowStream.return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #take(row: Row): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value: row });
      return;
    }
    this.#queue.push(row);
    if (this.#queue.length - this.#head >= this.#size) this.#flow.pause();
  }

  #taker(): RowTaker {
    const wanted = () => this.#wanted;
    return {
      get wanted() {
        return wanted();
      },
      begin: this.#onBegin,
      take: (row) => this.#take(row as Row),
      failed: (error) => {
        if (error instanceof PgError) {
          const circumstances = { connectionUsable: true, reachedServer: true };
          addCircumstances(error, circumstances);
        }
        this.#stop(error);
      },
    };
  }

  #shift(): Row {
    const row = this.#queue[this.#head] as Row;
    this.#queue[this.#head++] = undefined;
    const left = this.#queue.length - this.#head;
    if (left === 0) this.#queue.length = this.#head = 0;
    if (left < this.#size && !this.#over) this.#flow.resume();
    return row;
  }

  #start(): void {
    if (!(Number.isInteger(this.#size) && this.#size >= 1)) {
      this.#over = true;
      this.#failure = {
        error: new RangeError(
          `Cannot stream: size is ${this.#size}, it must be a number of rows from 1 on`,
        ),
      };
      return;
    }
    if (this.#signal?.aborted) {
      this.#over = true;
      this.#failure = { error: this.#signal.reason };
      return;
    }
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    this.#running = this.#settle();
  }

  readonly #abort = () => {
    const error = this.#signal!.reason;
    this.#queue.length = this.#head = 0;
    if (this.#over) this.#failure = { error };
    this.#stop(error);
  };

  /** Runs the statement to its end. Never rejects. */
  async #settle(): Promise<void> {
    try {
      const { signal } = this.#cancel;
      await this.#run(this.#taker(), signal);
      // It can have ended well before the cancel request hit it, without all of its rows.
      if (signal.aborted) this.#failure = { error: signal.reason };
    } catch (error) {
      this.#failure = { error };
    }
    this.#over = true;
    this.#flow.resume();
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(this.#end());
  }

  /** That there is nothing left, or why, once. */
  #end(): Promise<IteratorResult<Row, undefined>> {
    const failure = this.#left ? null : this.#failure;
    this.#failure = null;
    this.#signal?.removeEventListener("abort", this.#abort);
    return failure === null
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(failure.error);
  }

  /** Takes no more rows, and has the statement cancelled where it still runs. */
  #stop(reason: unknown): void {
    this.#wanted = false;
    this.#signal?.removeEventListener("abort", this.#abort);
    if (this.#running === null) this.#over = true;
    if (this.#over) return;
    this.#cancel.abort(reason);
    this.#flow.resume();
  }
}
