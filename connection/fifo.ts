/**
 * A queue from whose front is taken what was added to its end.
 *
 * @module
 */

/** How much is taken before the room of it is let go. */
const ROOM = 1000;

/** A first-in, first-out queue. Taking costs the same however long it is. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  /** How many items are in it. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item to the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the item at the front; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.length === 0) this.clear();
    else if (this.#head > ROOM && this.#head > this.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes the item at the end; `undefined` if there is none. */
  pop(): T | undefined {
    return this.length === 0 ? undefined : this.#items.pop();
  }

  /** Takes all items. */
  takeAll(): T[] {
    const all = this.#items.slice(this.#head) as T[];
    this.clear();
    return all;
  }

  /** Drops all items. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
