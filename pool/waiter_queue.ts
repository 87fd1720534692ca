/**
 * Who waits for a connection: first come, first served, each as long as it has
 * patience.
 *
 * @module
 */

import { MAX_TIMER_MS, type Timer } from "../connection/timers.ts";

/** Somebody who waits. */
export interface Waiter<T> {
  /** Gives it what it waits for. */
  readonly resolve: (value: T) => void;
  /** Tells it that it will not get any. */
  readonly reject: (reason: unknown) => void;
  /** Makes the error for when it has waited too long. */
  readonly late: () => unknown;
  /** When that is, in milliseconds of the clock that never jumps. */
  readonly deadline: number;
}

interface Node<T> extends Waiter<T> {
  before: Node<T> | null;
  behind: Node<T> | null;
}

/** How exact the end of the patience is where many lose it one after the other. */
const GRAIN_MS = 10;

/**
 * The queue. It is a list, from whose middle somebody can leave at no cost, and
 * has one timer for all: a hundred thousand may wait.
 */
export class WaiterQueue<T> {
  #first: Node<T> | null = null;
  #last: Node<T> | null = null;
  #size = 0;
  #timer: Timer | null = null;
  #timerAt = Infinity;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds somebody.
   *
   * @param waiter Who waits.
   * @param front Whether before all others: who has been served, and badly.
   * @returns Has it leave; `false` if it has left or was served before.
   */
  add(waiter: Waiter<T>, front: boolean = false): () => boolean {
    const node: Node<T> = { ...waiter, before: null, behind: null };
    if (this.#first === null) this.#first = this.#last = node;
    else if (front) {
      node.behind = this.#first;
      this.#first = this.#first.before = node;
    } else {
      node.before = this.#last;
      this.#last = this.#last!.behind = node;
    }
    this.#size++;
    let waiting = true;
    const leave = (): boolean => {
      if (!waiting || !this.#has(node)) return waiting = false;
      this.#remove(node);
      waiting = false;
      return true;
    };
    this.#expectAt(node.deadline);
    return leave;
  }

  /** Gives a value to who has waited longest. */
  serve(value: T): boolean {
    const first = this.#first;
    if (first === null) return false;
    this.#remove(first);
    first.resolve(value);
    return true;
  }

  /** Tells all that wait that they will not get any. */
  refuse(reason: () => unknown): void {
    for (let node = this.#first; node !== null; node = this.#first) {
      this.#remove(node);
      node.reject(reason());
    }
  }

  #has(node: Node<T>): boolean {
    return node.before !== null || this.#first === node;
  }

  #remove(node: Node<T>): void {
    const { before, behind } = node;
    if (before === null) this.#first = behind;
    else before.behind = behind;
    if (behind === null) this.#last = before;
    else behind.before = before;
    node.before = node.behind = null;
    this.#size--;
    if (this.#size === 0) this.#stopTimer();
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
    for (let node = this.#first; node !== null;) {
      const { behind } = node;
      if (node.deadline <= now) {
        this.#remove(node);
        node.reject(node.late());
      } else next = Math.min(next, node.deadline);
      node = behind;
    }
    if (next < Infinity) this.#expectAt(Math.max(next, now + GRAIN_MS));
  }
}
