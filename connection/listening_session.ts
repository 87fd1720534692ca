/**
 * One session of a listener: it listens to channels, and finds out by a
 * heartbeat when it no longer does.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import { listenCommands } from "./channel.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { Connection } from "./connection.ts";
import type { Notify } from "./notify.ts";
import type { DictRow } from "./rows.ts";
import { MAX_TIMER_MS, pause } from "./timers.ts";
import { closedError } from "./wire.ts";

/**
 * How long an answer may take after its time is over: where the event loop was
 * held up, it has come and could not be read.
 */
const GRACE_MS = 100;
/** How long the goodbye may take. */
const GOODBYE_MS = 500;
/** The channels that the session listens to, as JSON, whatever characters are in them. */
const CHANNELS =
  "SELECT pg_catalog.array_to_json(ARRAY(SELECT pg_catalog.pg_listening_channels()))";

/** What sessions are opened with. */
export interface SessionOptions {
  /** A connection string. */
  readonly conninfo: string | undefined;
  /** The options of the connection. */
  readonly connect: ConnectOptions<DictRow>;
  /** Seconds between the heartbeats; `null` for none. */
  readonly heartbeat: number | null;
  /** Seconds that the server may take for an answer. */
  readonly heartbeatTimeout: number;
  /** Gets the notifications, and when the session was last known to listen. */
  onNotify(notify: Notify, inOrder: Date): void;
}

/** A connection that is used for listening alone. */
export class ListeningSession {
  /** The channels that it listens to. */
  readonly channels: Set<string> = new Set();
  /** When it was last known to listen: what was sent before has come. */
  inOrder: Date = new Date();
  readonly #conn: Connection;
  readonly #options: SessionOptions;
  readonly #ended = Promise.withResolvers<Error>();
  readonly #over = new AbortController();
  #reason: Error | null = null;
  /** How often a change of the channels has begun or ended. */
  #changes = 0;
  #closing: Promise<void> | null = null;

  private constructor(conn: Connection, options: SessionOptions) {
    this.#conn = conn;
    this.#options = options;
    conn.addNotifyHandler((notify) => options.onNotify(notify, this.inOrder));
    conn.closedPromise.then((error) => this.#end(error ?? closedError()));
  }

  /**
   * Opens a session that listens.
   *
   * @param options What it is opened with.
   * @param channels The channels to listen to.
   * @param signal Gives up.
   * @returns The session, once it listens to all of them.
   * @throws {PgError} If connecting or LISTEN fails. Then nothing stays open.
   * @throws The reason of `signal`, if it is aborted.
   */
  static async open(
    options: SessionOptions,
    channels: readonly string[],
    signal: AbortSignal,
  ): Promise<ListeningSession> {
    const conn = await Connection.connect(options.conninfo, {
      ...options.connect,
      autocommit: true,
      signal,
    });
    const session = new ListeningSession(conn, options);
    const abort = () => session.#fail(closedError());
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      await session.change(channels, []);
      signal.throwIfAborted();
    } catch (error) {
      await session.close();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    if (options.heartbeat !== null) session.#beat(options.heartbeat * 1000);
    return session;
  }

  /** Resolves when the session has ended, with why. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Whether the session has ended. */
  get over(): boolean {
    return this.#reason !== null;
  }

  /** The process ID of the session on the server. */
  get backendPid(): number {
    return this.#conn.info.backendPid;
  }

  /**
   * Listens to some channels, and to others no more: to all or to none of them.
   *
   * @param listen Names of channels.
   * @param unlisten Names of channels.
   * @throws {PgError} What the server says, or if the session has ended.
   */
  async change(
    listen: readonly string[],
    unlisten: readonly string[],
  ): Promise<void> {
    if (listen.length === 0 && unlisten.length === 0) return;
    const sent = new Date();
    this.#changes++;
    try {
      const text = listenCommands(listen, unlisten);
      await this.#inTime(this.#conn.executor.plainCommand(text));
    } finally {
      this.#changes++;
    }
    for (const name of listen) this.channels.add(name);
    for (const name of unlisten) this.channels.delete(name);
    this.inOrder = sent;
  }

  /** Listens no more, and closes the connection. Never rejects. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const conn = this.#conn;
    if (!conn.closed) {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, GOODBYE_MS);
      const done = conn.executor.plainCommand("UNLISTEN *").catch(() => {});
      await Promise.race([done, late]);
      clearTimeout(timer);
    }
    this.#end(closedError());
    await conn.close();
  }

  /** Asks the server again and again whether the session listens still. */
  async #beat(ms: number): Promise<void> {
    try {
      for (;;) {
        await pause(Math.min(ms, MAX_TIMER_MS), this.#over.signal);
        const changes = this.#changes;
        const sent = new Date();
        const answer = await this.#inTime(this.#conn.executor.ask(CHANNELS));
        // What is being changed need not be compared, it tells by itself.
        if (changes !== this.#changes) continue;
        const found: string[] = JSON.parse(answer ?? "[]");
        if (!this.channels.isSubsetOf(new Set(found))) {
          throw new OperationalError(
            "The session does not listen any more: UNLISTEN or DISCARD was run in it, or a pooler in transaction mode gave it to others; connect to the server itself, or to a pooler in session mode",
          );
        }
        this.inOrder = sent;
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Waits for an answer as long as it may take; then the session is over. */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const { heartbeatTimeout } = this.#options;
    const expire = () =>
      this.#fail(
        new OperationalError(
          `The session is lost: the server did not answer within ${heartbeatTimeout} s, the heartbeatTimeout`,
        ),
      );
    let timer = setTimeout(() => {
      timer = setTimeout(expire, GRACE_MS);
    }, Math.min(heartbeatTimeout * 1000, MAX_TIMER_MS));
    try {
      return await answer;
    } catch (error) {
      throw this.#reason ?? error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The session is of no use any more. */
  #fail(error: Error): void {
    this.#end(error);
    this.#closing ??= this.#conn.close();
  }

  #end(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#over.abort();
    this.#ended.resolve(reason);
  }
}
