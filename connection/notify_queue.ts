/**
 * The notifications of a connection that nobody has read yet.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { Fifo } from "./fifo.ts";
import type { Notify } from "./notify.ts";
import type { WarningHandler } from "./warnings.ts";

/** How many notifications may wait, unless told otherwise. */
const DEFAULT_MAX = 10_000;

/** Who reads the queue. */
export interface NotifyReader {
  /** There is something in the queue, or the connection has ended. */
  wake(): void;
  /** Nothing more is for this reader: its connection was retired. */
  abandon(): void;
}

/**
 * Checks a bound of a queue.
 *
 * @param max The bound; the default if there is none.
 * @param name The name of the option that it comes from.
 * @returns The bound.
 * @throws {ProgrammingError} If it is not a number from 1 on.
 */
export function checkBound(max: number | undefined, name: string): number {
  if (max === undefined) return DEFAULT_MAX;
  if (typeof max === "number" && max >= 1) return max;
  throw new ProgrammingError(
    `Cannot use the option "${name}": it must be a number from 1 on, not ${max}`,
  );
}

/** A bounded queue that has one reader at a time. */
export class NotifyQueue {
  /** Who reads, if somebody does. */
  reader: NotifyReader | null = null;
  readonly #max: number;
  readonly #warn: WarningHandler;
  readonly #items = new Fifo<Notify>();
  #warned = false;

  /**
   * @param max How many may wait.
   * @param warn Is told when there are more.
   */
  constructor(max: number, warn: WarningHandler) {
    this.#max = max;
    this.#warn = warn;
  }

  /** How many wait. */
  get length(): number {
    return this.#items.length;
  }

  /** Adds one, or drops it where too many wait: those before it are worth as much. */
  push(notify: Notify): void {
    if (this.length < this.#max) {
      this.#items.push(notify);
      this.reader?.wake();
    } else if (!this.#warned) {
      this.#warned = true;
      this.#warn(
        `notifications are being dropped: ${this.#max} wait that nobody has read, take them with notifies() or pendingNotifies(), add a notify handler, or raise maxPendingNotifies`,
      );
    }
  }

  /** Takes the oldest, or `undefined`. */
  shift(): Notify | undefined {
    const notify = this.#items.shift();
    if (this.length === 0) this.#warned = false;
    return notify;
  }

  /** Lets the reader, if there is one, read no more. */
  abandon(): void {
    const { reader } = this;
    this.reader = null;
    reader?.abandon();
  }

  /** Takes all. */
  takeAll(): Notify[] {
    this.#warned = false;
    return this.#items.takeAll();
  }
}
