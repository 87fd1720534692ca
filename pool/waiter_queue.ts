/**
 * Who waits for a connection: first come, first served, each as long as it has
 * patience.
 *
 * @module
 */

import { MAX_TIMER_MS, type Timer } from "../connection/timers.ts";

/** Somebody who waits. */
export class Waiter<T> {
  /** What it gets. */
  readonly promise: Promise<T>;
  /** Since when it waits, in milliseconds of the clock that never jumps. */
  readonly since: number;
  /** How long at most, in seconds. */
  readonly timeout: number;
  /** Until when. */
  readonly deadline: number;
  /** Gives it what it waits for. */
  readonly resolve: (value: T) => void;
  /** Tells it that it will not get any. */
  readonly reject: (reason: unknown) => void;
  /** Who is before it. */
  before: Waiter<T> | null = null;
  /** Who is behind it. */
  behind: Waiter<T> | null = null;

  /**
   * @param since See {@linkcode Waiter.since}.
   * @param timeout See {@linkcode Waiter.timeout}.
   * @param deadline See {@linkcode Waiter.deadline}.
   */
  constructor(since: number, timeout: number, deadline: number) {
    this.since = since;
    this.timeout = timeout;
    this.deadline = deadline;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** How exact the end of the patience is where many lose it one after the other. */
const GRAIN_MS = 10;

/**
 * The queue. It is a list, from whose middle somebody can leave at no cost, and
 * has one timer for all: a hundred thousand may wait.
 */
export class WaiterQueue<T> {
  readonly #late: (waiter: Waiter<T>) => unknown;
  #first: Waiter<T> | null = null;
  #last: Waiter<T> | null = null;
  #size = 0;
  #timer: Timer | null = null;
  #timerAt = Infinity;

  /** @param late Makes the error for who has waited too long. */
  constructor(late: (waiter: Waiter<T>) => unknown) {
    this.#late = late;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds somebody.
   *
   * @param waiter Who waits.
   * @param front Whether before all others: who has been served, and badly.
   */
  add(waiter: Waiter<T>, front: boolean): void {
    const first = this.#first;
    if (first === null) this.#first = this.#last = waiter;
    else if (front) {
      waiter.behind = first;
      this.#first = first.before = waiter;
    } else {
      waiter.before = this.#last;
      this.#last = this.#last!.behind = waiter;
    }
    this.#size++;
    this.#expectAt(waiter.deadline);
  }

  /**
   * Has somebody leave.
   *
   * @param waiter Who waited.
   * @returns Whether it was still waiting.
   */
  remove(waiter: Waiter<T>): boolean {
    const { before, behind } = waiter;
    if (before === null && this.#first !== waiter) return false;
    if (before === null) this.#first = behind;
    else before.behind = behind;
    if (behind === null) this.#last = before;
    else behind.before = before;
    waiter.before = waiter.behind = null;
    this.#size--;
    if (this.#size === 0) this.#stopTimer();
    return true;
  }

  /**
   * Gives a value to who has waited longest.
   *
   * @param value The value.
   * @returns Whether anybody waited.
   */
  serve(value: T): boolean {
    const first = this.#first;
    if (first === null) return false;
    this.remove(first);
    first.resolve(value);
    return true;
  }

  /**
   * Tells all that wait that they will not get any.
   *
   * @param reason Makes the error for each.
   */
  refuse(reason: () => unknown): void {
    for (let waiter = this.#first; waiter !== null; waiter = this.#first) {
      this.remove(waiter);
      waiter.reject(reason());
    }
  }

  /** The timer keeps the process alive: whoever waits is to be told. */
  #expectAt(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.#stopTimer();
    this.#timerAt = deadline;
    const wait = Math.max(0, deadline - performance.now());
    this.#timer = setTimeout(
      () => this.#expire(),
      Math.min(wait, MAX_TIMER_MS),
    );
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Infinity;
  }

  #expire(): void {
    this.#stopTimer();
    const now = performance.now();
    let next = Infinity;
    for (let waiter = this.#first; waiter !== null;) {
      const { behind } = waiter;
      if (waiter.deadline <= now) {
        this.remove(waiter);
        waiter.reject(this.#late(waiter));
      } else next = Math.min(next, waiter.deadline);
      waiter = behind;
    }
    if (next < Infinity) this.#expectAt(Math.max(next, now + GRAIN_MS));
  }
}
