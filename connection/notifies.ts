/**
 * Reading the notifications of a connection. It is an async generator written
 * out by hand: one made with `yield` could not be left while it waits.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Notify } from "./notify.ts";
import type { NotifyQueue, NotifyReader } from "./notify_queue.ts";
import { MAX_TIMER_MS, type Timer } from "./timers.ts";

/** How long `notifies()` goes on. */
export interface NotifiesOptions {
  /**
   * Seconds to wait for notifications, counted from when the first is asked for;
   * 0 gives what has been received. What has been received by the end is given
   * before the generator ends. By default there is no end.
   */
  readonly timeout?: number | null | undefined;
  /**
   * After how many notifications to end. There may be more, as those that have
   * been received together are given together. By default there is no end.
   */
  readonly stopAfter?: number | null | undefined;
  /**
   * Ends it: the generator rejects with the signal's reason. The session goes on
   * listening, and what comes waits for the next one.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What is read from, and who is told of it. */
export interface NotifySource {
  /** The notifications. */
  readonly queue: NotifyQueue;
  /**
   * Somebody begins to read.
   *
   * @throws {InterfaceError} If that is not allowed any more.
   */
  begin(): void;
  /** @throws {OperationalError} If there will be no more. */
  checkOpen(): void;
  /** Keeps the process alive. */
  ref(): void;
  /** Takes a {@linkcode NotifySource.ref} back. */
  unref(): void;
}

type Next = IteratorResult<Notify, undefined>;

/** The generator that `notifies()` gives. */
export class Notifies
  implements AsyncGenerator<Notify, undefined, undefined>, NotifyReader {
  readonly #source: NotifySource;
  readonly #timeout: number;
  readonly #stopAfter: number;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: PromiseWithResolvers<Next>[] = [];
  #deadline: number | null = null;
  #timer: Timer | undefined;
  #expired = false;
  #given = 0;
  /** How many are still to be given, once it is known. */
  #left = Infinity;
  #over = false;
  #woken = false;
  #abandoned = false;

  /**
   * @param source What is read from.
   * @param options How long to go on.
   * @throws {ProgrammingError} If an option is out of its range.
   */
  constructor(source: NotifySource, options: NotifiesOptions) {
    const timeout = options.timeout ?? Infinity;
    const stopAfter = options.stopAfter ?? Infinity;
    if (typeof timeout !== "number" || !(timeout >= 0)) {
      throw new ProgrammingError(
        `Cannot wait for notifications: timeout is ${timeout}, it must be a number of seconds from 0 on`,
      );
    }
    if (typeof stopAfter !== "number" || !(stopAfter >= 1)) {
      throw new ProgrammingError(
        `Cannot wait for notifications: stopAfter is ${stopAfter}, it must be a number from 1 on`,
      );
    }
    this.#source = source;
    this.#timeout = timeout * 1000;
    this.#stopAfter = stopAfter;
    this.#signal = options.signal;
  }

  /** The next notification, or that there is none left. */
  next(): Promise<Next> {
    if (this.#waiting.length === 0) {
      const taken = this.#take();
      if (taken !== null) return taken;
      this.#startWaiting();
    }
    const waiter = Promise.withResolvers<Next>();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /** Ends it, also while somebody waits. What nobody has read stays for the next reader. */
  return(): Promise<Next> {
    this.#finish();
    this.#serve();
    return done();
  }

  /** Ends it and throws. */
  async throw(error: unknown): Promise<Next> {
    await this.return();
    throw error;
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Serves who waits when all that came at once is in the queue. */
  wake(): void {
    if (this.#woken || this.#waiting.length === 0) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#serve();
    });
  }

  /** Tells who waits, or else who asks next, why there is no more. */
  abandon(): void {
    this.#abandoned = true;
    this.#serve();
  }

  /** What a `next()` gives, or `null` as long as there is nothing. */
  #take(): Promise<Next> | null {
    if (this.#over) return done();
    const { queue } = this.#source;
    try {
      if (this.#abandoned) this.#source.checkOpen();
      this.#signal?.throwIfAborted();
      this.#begin();
      if (this.#left === Infinity && this.#enough) this.#left = queue.length;
      const notify = this.#left > 0 ? queue.shift() : undefined;
      if (notify !== undefined) {
        this.#given++;
        this.#left--;
        return Promise.resolve({ done: false, value: notify });
      }
      if (this.#left === Infinity) {
        this.#source.checkOpen();
        return null;
      }
      this.#finish();
      return done();
    } catch (error) {
      this.#finish();
      return Promise.reject(error);
    }
  }

  get #enough(): boolean {
    return this.#given >= this.#stopAfter || this.#expired ||
      this.#given > 0 && performance.now() >= this.#deadline!;
  }

  #begin(): void {
    if (this.#deadline !== null) return;
    const { queue } = this.#source;
    this.#source.begin();
    if (queue.reader !== null) {
      throw new ProgrammingError(
        "Cannot wait for notifications: another notifies() of the connection is being read, leave its loop or call its return() first",
      );
    }
    queue.reader = this;
    this.#deadline = performance.now() + this.#timeout;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#timeout === 0 && queue.length > 0) this.#expired = true;
  }

  readonly #onAbort = () => this.wake();

  #startWaiting(): void {
    this.#source.ref();
    const ms = Math.max(0, this.#deadline! - performance.now());
    if (ms > MAX_TIMER_MS) return;
    this.#timer = setTimeout(() => {
      this.#expired = true;
      this.wake();
    }, ms);
  }

  #serve(): void {
    if (this.#waiting.length === 0) return;
    while (this.#waiting.length > 0) {
      const taken = this.#take();
      if (taken === null) return;
      this.#waiting.shift()!.resolve(taken);
    }
    clearTimeout(this.#timer);
    this.#source.unref();
  }

  #finish(): void {
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    const { queue } = this.#source;
    if (queue.reader === this) queue.reader = null;
  }
}

function done(): Promise<Next> {
  return Promise.resolve({ done: true, value: undefined });
}
