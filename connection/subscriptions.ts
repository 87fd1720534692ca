/**
 * Who of a listener's user gets what: the reader and the handlers of each channel.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Gap, ListenHandler } from "./gap.ts";
import { ItemQueue } from "./item_queue.ts";
import type { Notify } from "./notify.ts";
import type { WarningHandler } from "./warnings.ts";

/** Who gets the items of one channel. */
interface Subscription {
  /** Whether the reader does. */
  read: boolean;
  /** The handlers that do, each with its own queue, so that none holds up another. */
  readonly handlers: Map<ListenHandler, ItemQueue>;
}

/** The channels of a listener, and who gets what comes on them. */
export class Subscriptions {
  /** What the reader takes. */
  readonly queue: ItemQueue;
  readonly #channels = new Map<string, Subscription>();
  readonly #max: number;
  readonly #warn: WarningHandler;
  #over = false;

  /**
   * @param max How many notifications may wait, for each who gets them.
   * @param warn Is told when a handler fails.
   */
  constructor(max: number, warn: WarningHandler) {
    this.#max = max;
    this.#warn = warn;
    this.queue = new ItemQueue(max);
  }

  /** The channels. */
  get channels(): string[] {
    return [...this.#channels.keys()];
  }

  /** Whether somebody wants a channel. */
  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  /** Has a handler, or else the reader, get a channel. */
  add(channel: string, handler: ListenHandler | undefined): void {
    let one = this.#channels.get(channel);
    if (one === undefined) {
      one = { read: false, handlers: new Map() };
      this.#channels.set(channel, one);
    }
    if (handler === undefined) one.read = true;
    else if (!one.handlers.has(handler)) {
      const queue = new ItemQueue(this.#max);
      one.handlers.set(handler, queue);
      this.#serve(channel, handler, queue);
    }
  }

  /**
   * Has a handler get a channel no more, or nobody.
   *
   * @throws {ProgrammingError} If it did not.
   */
  remove(channel: string, handler?: ListenHandler): void {
    const one = this.#channels.get(channel);
    const queues = handler === undefined
      ? [...one?.handlers.values() ?? []]
      : [one?.handlers.get(handler)];
    if (one === undefined || queues.includes(undefined)) {
      throw new ProgrammingError(
        handler === undefined
          ? `Cannot unlisten: nobody listens to the channel "${channel}"`
          : `Cannot unlisten: the handler does not listen to the channel "${channel}"`,
      );
    }
    for (const queue of queues) queue!.drop();
    if (handler !== undefined) {
      one.handlers.delete(handler);
      if (one.read || one.handlers.size > 0) return;
    }
    this.#channels.delete(channel);
  }

  /** A notification came: see {@linkcode ItemQueue.push}. */
  push(notify: Notify, inOrder: Date): void {
    const one = this.#channels.get(notify.channel);
    if (one === undefined) return;
    for (const queue of one.handlers.values()) queue.push(notify, inOrder);
    if (one.read) this.queue.push(notify, inOrder);
  }

  /** Notifications may be missing: tells everybody whom it concerns. */
  addGap(gap: Gap): void {
    const read: string[] = [];
    for (const channel of gap.channels) {
      const one = this.#channels.get(channel);
      if (one?.read) read.push(channel);
      for (const queue of one?.handlers.values() ?? []) {
        queue.addGap({ ...gap, channels: [channel] });
      }
    }
    if (read.length > 0) this.queue.addGap({ ...gap, channels: read });
  }

  /**
   * There will be nothing more. What waits can be read still, unless it is dropped.
   *
   * @param failure What the reader is told at the end, if anything.
   * @param drop Whether what waits is dropped.
   */
  end(failure: { readonly error: unknown } | null, drop: boolean): void {
    if (this.#over) return;
    this.#over = true;
    for (const { handlers } of this.#channels.values()) {
      for (const queue of handlers.values()) drop ? queue.drop() : queue.end();
    }
    if (drop) this.queue.clear();
    if (failure === null) this.queue.end();
    else this.queue.fail(failure.error);
  }

  /** Calls a handler with one item after the other. */
  async #serve(
    channel: string,
    handler: ListenHandler,
    queue: ItemQueue,
  ): Promise<void> {
    for (;;) {
      const { done, value } = await queue.next();
      if (done) return;
      try {
        await handler(value);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#warn(
          `a handler of the channel "${channel}" failed, it gets the next item all the same: ${reason}`,
        );
      }
    }
  }
}
