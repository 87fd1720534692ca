/**
 * The items of a listener that wait for who takes them.
 *
 * @module
 */

import { Fifo } from "./fifo.ts";
import { type Gap, joinGaps, type ListenItem } from "./gap.ts";
import type { Notify } from "./notify.ts";

/** What `next()` gives. */
export type NextItem = IteratorResult<ListenItem, undefined>;

/** A bounded queue. What does not fit in becomes a gap in the place where it would be. */
export class ItemQueue {
  readonly #max: number;
  readonly #items = new Fifo<ListenItem>();
  readonly #waiting: PromiseWithResolvers<NextItem>[] = [];
  /** How many of the items are notifications. */
  #notifies = 0;
  /** The gaps at the end, which those that follow at once are joined to. */
  #tail: Gap[] = [];
  #over = false;
  #failure: { readonly error: unknown } | null = null;

  /** @param max How many notifications may wait. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Adds a notification, or tells that there was one.
   *
   * @param notify The notification.
   * @param inOrder When all was in order: it was sent later than that.
   */
  push(notify: Notify, inOrder: Date): void {
    if (this.#over) return;
    if (this.#notifies < this.#max) {
      this.#tail = [];
      this.#notifies++;
      this.#add(notify);
      return;
    }
    this.addGap({
      kind: "gap",
      reason: "overflow",
      since: inOrder,
      until: new Date(),
      channels: [notify.channel],
      dropped: 1,
      error: null,
    });
  }

  /** Adds a gap: there is at most one for each reason behind the last notification. */
  addGap(gap: Gap): void {
    if (this.#over) return;
    const before = this.#tail;
    for (const _ of before) this.#items.pop();
    this.#tail = [];
    let joined = gap;
    for (const one of before) {
      if (one.reason === gap.reason) joined = joinGaps(one, joined);
      else this.#tail.push(one);
    }
    this.#tail.push(joined);
    for (const one of this.#tail) this.#add(one);
  }

  /** The next item, or that there will be none. */
  next(): Promise<NextItem> {
    const item = this.#items.shift();
    if (item !== undefined) {
      if (item.kind === "notify") this.#notifies--;
      else this.#tail = this.#tail.filter((gap) => gap !== item);
      return Promise.resolve({ done: false, value: item });
    }
    if (this.#over) return this.#end();
    const waiter = Promise.withResolvers<NextItem>();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /** There will be no more items. Those that wait can still be taken. */
  end(): void {
    this.#over = true;
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(this.#end());
  }

  /** There will be no more items: whoever asks for the next one is told why, once. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#failure = { error };
    this.end();
  }

  /** Drops what waits, and there will be no more. */
  drop(): void {
    this.clear();
    this.end();
  }

  /** Drops what waits. */
  clear(): void {
    this.#items.clear();
    this.#tail = [];
    this.#notifies = 0;
  }

  #add(item: ListenItem): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) {
      this.#items.push(item);
      return;
    }
    if (item.kind === "notify") this.#notifies--;
    else this.#tail = this.#tail.filter((gap) => gap !== item);
    waiter.resolve({ done: false, value: item });
  }

  #end(): Promise<NextItem> {
    const failure = this.#failure;
    this.#failure = null;
    return failure === null
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(failure.error);
  }
}
