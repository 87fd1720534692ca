/**
 * Listening for as long as one likes: a session of its own, and another one when
 * it gets lost.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import { checkChannel } from "./channel.ts";
import type { ListenHandler, ListenItem } from "./gap.ts";
import {
  type ListenerOptions,
  type ListenerSettings,
  listenerSettings,
} from "./listener_options.ts";
import { SessionKeeper } from "./session_keeper.ts";
import { Subscriptions } from "./subscriptions.ts";

/** A `listen()` that waits for a session that listens to its channel. */
interface Wait extends PromiseWithResolvers<void> {
  readonly channel: string;
}

/**
 * Listens to channels beyond the end of a session: when the connection gets lost,
 * it connects again, listens again to all channels, and tells by a
 * {@linkcode Gap} where something may be missing. A heartbeat finds sessions that
 * are dead without having been closed.
 *
 * It is an async generator of notifications and gaps. Once `connect()` has
 * resolved nothing is lost, so that what the notifications are about is read
 * after it and before the first item, and again at each gap. Leaving the loop
 * closes the listener; `next()` takes a single item.
 *
 * The channels of `listen(channel, handler)` go to their handlers, one item after
 * the other for each of them, and those of `listen(channel)` to the loop. What
 * waits for either is bounded, and a gap tells if there was more.
 *
 * It keeps the process alive until it is closed. LISTEN belongs to a session, so
 * it does not work through a pooler in transaction mode.
 *
 * @example
 * ```ts
 * import { connect, Listener } from "@x/pgts";
 *
 * await using listener = await Listener.connect({ channels: ["jobs"] });
 * await using conn = await connect({ autocommit: true });
 * await conn.execute("select pg_notify(%s, %s)", ["jobs", "no. 1"]);
 * for await (const item of listener) {
 *   if (item.kind === "gap") console.log(`Read anew what has changed since ${item.since}`);
 *   else console.log(item.channel, item.payload); // jobs no. 1
 *   break;
 * }
 * ```
 *
 * @example Handlers
 * ```ts
 * import { Listener } from "@x/pgts";
 *
 * await using listener = await Listener.connect({ heartbeat: 15 });
 * await listener.listen("jobs", async (item) => {
 *   if (item.kind === "notify") await Promise.resolve(item.payload);
 * });
 * await listener.unlisten("jobs");
 * ```
 */
export class Listener
  implements AsyncGenerator<ListenItem, undefined, undefined> {
  readonly #signal: AbortSignal | undefined;
  readonly #subscriptions: Subscriptions;
  readonly #keeper: SessionKeeper;
  readonly #waits = new Set<Wait>();
  readonly #closed = Promise.withResolvers<Error | null>();
  #changing: Promise<void> | null = null;
  #over = false;

  private constructor(settings: ListenerSettings) {
    const { maxPendingNotifies, warn, channels, signal } = settings;
    const subscriptions = new Subscriptions(maxPendingNotifies, warn);
    for (const name of channels) subscriptions.add(name, undefined);
    this.#signal = signal;
    this.#subscriptions = subscriptions;
    this.#keeper = new SessionKeeper(settings, {
      get channels() {
        return subscriptions.channels;
      },
      opened: () => this.#change(),
      notified: (notify, inOrder) => subscriptions.push(notify, inOrder),
      missed: (gap) => subscriptions.addGap(gap),
      gaveUp: (error) => this.#end({ error }, false, error),
    });
  }

  /**
   * Connects and listens. What goes wrong here is not tried again: it may be a
   * mistake in the parameters.
   *
   * @param conninfo See `connect()`.
   * @param options Those of `connect()`, and the listener's own.
   * @returns The listener, once it listens to all `channels`.
   * @throws {ProgrammingError} If a parameter is malformed or unknown, or the
   * name of a channel is empty or longer than 63 bytes.
   * @throws {OperationalError} If it cannot connect.
   * @throws {DatabaseError} If the server refuses LISTEN, as a standby does.
   * @throws The reason of `options.signal`, if it is aborted.
   *
   * @example
   * ```ts
   * import { Listener } from "@x/pgts";
   *
   * await using listener = await Listener.connect("", {
   *   channels: ["jobs", "Any name you like"],
   *   heartbeat: 30,
   *   reconnect: { initial: 0.5, most: 30 },
   * });
   * console.log(listener.channels); // ["jobs", "Any name you like"]
   * ```
   */
  static async connect(
    conninfo?: string | URL | ListenerOptions,
    options?: ListenerOptions,
  ): Promise<Listener> {
    const settings = listenerSettings(conninfo, options);
    settings.signal?.throwIfAborted();
    const listener = new Listener(settings);
    settings.signal?.addEventListener("abort", listener.#abort, { once: true });
    try {
      await listener.#keeper.start();
      settings.signal?.throwIfAborted();
    } catch (error) {
      settings.signal?.throwIfAborted();
      listener.#end(null, true);
      throw error;
    }
    return listener;
  }

  /** The channels, those included that are listened to only once it is connected again. */
  get channels(): string[] {
    return this.#subscriptions.channels;
  }

  /** Whether there is a session that listens, as far as is known. */
  get connected(): boolean {
    return this.#keeper.session !== null;
  }

  /** The process ID of the session; `null` while there is none. */
  get backendPid(): number | null {
    return this.#keeper.session?.backendPid ?? null;
  }

  /**
   * When the listener ends, and all is closed: why it has given up connecting, or
   * `null` if it was closed or aborted. It never rejects.
   */
  get closedPromise(): Promise<Error | null> {
    return this.#closed.promise;
  }

  /**
   * Listens to another channel, at any time; one more time does no harm.
   *
   * @param channel Its name, as it is: `Jobs` and `jobs` are two channels.
   * @param handler Gets its items, one after the other. What it throws becomes a
   * warning. Without a handler they are given by the listener itself.
   * @returns A promise that resolves when it is listened to; while the listener
   * has no session, that is when it is connected again.
   * @throws {ProgrammingError} If the name is empty or longer than 63 bytes.
   * @throws {DataError} If it contains a NUL character or half a surrogate pair.
   * @throws {OperationalError} If the listener is closed, before or meanwhile, or
   * the channel given up by `unlisten()`.
   * @throws {DatabaseError} If the server refuses it.
   */
  async listen(channel: string, handler?: ListenHandler): Promise<void> {
    if (this.#over) throw closedError();
    checkChannel(channel);
    this.#subscriptions.add(channel, handler);
    const wait = { ...Promise.withResolvers<void>(), channel };
    this.#waits.add(wait);
    this.#change();
    await wait.promise;
  }

  /**
   * Listens to a channel no more, at any time. What has come before can still be
   * read; a handler is not called any more.
   *
   * @param channel Its name.
   * @param handler The handler that shall not get it any more; if none is given,
   * nobody gets it.
   * @throws {ProgrammingError} If the channel, or the handler, is not listening.
   */
  async unlisten(channel: string, handler?: ListenHandler): Promise<void> {
    if (this.#over) return;
    this.#subscriptions.remove(channel, handler);
    if (this.#subscriptions.has(channel)) return;
    this.#reject(
      (name) => name === channel,
      new OperationalError(
        `Cannot listen to the channel "${channel}": unlisten() has given it up`,
      ),
    );
    await this.#change();
  }

  /**
   * The next item.
   *
   * @returns The item, or that the listener is closed.
   * @throws {OperationalError} If it has given up connecting.
   * @throws The reason of the signal, if it was aborted.
   */
  next(): Promise<IteratorResult<ListenItem, undefined>> {
    return this.#subscriptions.queue.next();
  }

  /** Closes the listener, and drops what waits: a loop does so when it is left. */
  async return(): Promise<IteratorResult<ListenItem, undefined>> {
    this.#end(null, true);
    await this.close();
    return { done: true, value: undefined };
  }

  /**
   * Closes the listener, and throws.
   *
   * @throws The error.
   */
  async throw(error: unknown): Promise<IteratorResult<ListenItem, undefined>> {
    await this.return();
    throw error;
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Closes the listener. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Listens no more and closes the connection. What has come before can still be
   * read. Never rejects; closing twice does nothing.
   *
   * @returns A promise that resolves when all is closed.
   */
  async close(): Promise<void> {
    this.#end(null, false);
    await this.#keeper.stop();
  }

  readonly #abort = () => this.#end({ error: this.#signal!.reason }, true);

  /** Has the session listen to what is wanted. Never rejects. */
  #change(): Promise<void> {
    return this.#changing ??= this.#applyChanges();
  }

  async #applyChanges(): Promise<void> {
    try {
      await Promise.resolve(); // What is asked for at once goes in one command.
      for (;;) {
        const { session } = this.#keeper;
        if (session === null) return;
        for (const wait of this.#waits) {
          if (!session.channels.has(wait.channel)) continue;
          this.#waits.delete(wait);
          wait.resolve();
        }
        const { channels } = this.#subscriptions;
        const listen = channels.filter((name) => !session.channels.has(name));
        const unlisten = [...session.channels]
          .filter((name) => !this.#subscriptions.has(name));
        if (listen.length === 0 && unlisten.length === 0) return;
        try {
          await session.change(listen, unlisten);
        } catch (error) {
          if (session.over || listen.length === 0) return;
          for (const name of listen) {
            if (this.#subscriptions.has(name)) this.#subscriptions.remove(name);
          }
          this.#reject((name) => listen.includes(name), error);
        }
      }
    } finally {
      this.#changing = null;
    }
  }

  #reject(concerns: (channel: string) => boolean, error: unknown): void {
    for (const wait of this.#waits) {
      if (!concerns(wait.channel)) continue;
      this.#waits.delete(wait);
      wait.reject(error);
    }
  }

  /**
   * Ends it.
   *
   * @param failure What the reader is told, if anything.
   * @param drop Whether what waits is dropped.
   * @param gaveUp Why it has given up.
   */
  #end(
    failure: { readonly error: unknown } | null,
    drop: boolean,
    gaveUp: Error | null = null,
  ): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#reject(() => true, failure?.error ?? closedError());
    this.#subscriptions.end(failure, drop);
    this.#keeper.stop().then(() => this.#closed.resolve(gaveUp));
  }
}

function closedError(): OperationalError {
  return new OperationalError("Cannot listen: the listener is closed");
}
