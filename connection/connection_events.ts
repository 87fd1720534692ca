/**
 * The part of a connection that is about what the server sends unasked: notices
 * and notifications.
 *
 * @module
 */

import {
  ConnectionSettings,
  type InitialSettings,
} from "./connection_settings.ts";
import type { NoticeHandler } from "./events.ts";
import type { Executor } from "./executor.ts";
import { Notifies, type NotifiesOptions } from "./notifies.ts";
import type { Notify, NotifyHandler } from "./notify.ts";
import type { OpenedSession } from "./session_start.ts";

/** The part of a connection that tells of notices and notifications. */
export abstract class ConnectionEvents extends ConnectionSettings {
  /**
   * Runs statements.
   *
   * @internal
   */
  abstract readonly executor: Executor;
  readonly #opened: OpenedSession;

  /** @internal */
  constructor(
    opened: OpenedSession,
    settings: InitialSettings,
    origin: ConnectionSettings | null,
  ) {
    super(settings, origin);
    this.#opened = opened;
  }

  /** Has a function told of the server's notices. What it throws becomes a warning. */
  addNoticeHandler(handler: NoticeHandler): void {
    this.#checkHeld();
    this.#opened.events.noticeHandlers.add(handler);
  }

  /**
   * Has a function told of notices no more.
   *
   * @throws {ProgrammingError} If it was not added.
   */
  removeNoticeHandler(handler: NoticeHandler): void {
    this.#checkHeld();
    this.#opened.events.noticeHandlers.remove(handler);
  }

  /**
   * Has a function told of notifications, as soon as they come. What it throws
   * becomes a warning, and keeps no other handler from it. While there is one,
   * notifications do not wait for {@linkcode ConnectionEvents.notifies}, and the
   * process stays alive for the connection.
   *
   * @param handler Gets the notifications.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * conn.addNotifyHandler(({ channel, payload }) => console.log(channel, payload));
   * await conn.execute("listen news");
   * await conn.execute("select pg_notify('news', 'extra')"); // news extra
   * ```
   */
  addNotifyHandler(handler: NotifyHandler): void {
    this.#checkHeld();
    this.#opened.events.notifyHandlers.add(handler);
    this.#opened.wire.ref();
    if (this.#opened.events.notifies.reader !== null) this.#warnOfBoth();
  }

  /**
   * Has a function told of notifications no more.
   *
   * @throws {ProgrammingError} If it was not added.
   */
  removeNotifyHandler(handler: NotifyHandler): void {
    this.#checkHeld();
    this.#opened.events.notifyHandlers.remove(handler);
    this.#opened.wire.unref();
  }

  /**
   * The notifications of the channels that the session listens to, from those
   * on that have come since LISTEN and nobody has read. They come while nothing
   * else is done on the connection, and beside it: statements go on meanwhile, as
   * the generator holds no lock. Leaving its loop ends it; what it has not given
   * stays for the next one.
   *
   * LISTEN takes effect, and notifications come, outside of transactions only: the
   * connection should be in autocommit mode, and a warning says so if a
   * transaction is open. One also comes if handlers are there besides, as they
   * alone get what comes while no generator is read. To listen beyond the end of
   * a session see `Listener`.
   *
   * @param options See {@linkcode NotifiesOptions}.
   * @returns The notifications. The generator rejects with an OperationalError
   * if the connection is closed or gets lost, after those that came before; with
   * a ProgrammingError while another one of the connection is read.
   * @throws {ProgrammingError} If an option is out of its range.
   *
   * @example
   * ```ts
   * import { connect, sql } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * await conn.execute(sql`listen ${sql.id("My jobs")}`);
   * await conn.execute("select pg_notify(%s, %s)", ["My jobs", "no. 1"]);
   * for await (const { payload } of conn.notifies({ timeout: 5 })) {
   *   console.log(payload); // no. 1
   *   break;
   * }
   * ```
   */
  notifies(
    options: NotifiesOptions = {},
  ): AsyncGenerator<Notify, undefined, undefined> {
    this.#checkHeld();
    const { events } = this.#opened;
    return new Notifies({
      queue: events.notifies,
      begin: () => {
        this.#checkHeld();
        if (events.notifyHandlers.size > 0) this.#warnOfBoth();
        if (this.transactions.open) {
          this.#opened.warn(
            "notifies() waits while a transaction is open: LISTEN takes effect at its commit, and no notification comes before its end, so commit first or connect with autocommit: true",
          );
        }
      },
      checkOpen: () => this.checkOpen(),
      ref: () => this.#opened.wire.ref(),
      unref: () => this.#opened.wire.unref(),
    }, options);
  }

  /**
   * Takes the notifications that have come and that nobody has read, without
   * waiting.
   *
   * @returns The notifications, the oldest first.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * await conn.execute("listen news");
   * await conn.execute("select pg_notify('news', 'extra')");
   * console.log(conn.pendingNotifies().map(({ payload }) => payload)); // ["extra"]
   * ```
   */
  pendingNotifies(): Notify[] {
    this.#checkHeld();
    return this.#opened.events.notifies.takeAll();
  }

  /** Keeps the process alive for the connection until {@linkcode ConnectionEvents.unref} is called. */
  ref(): void {
    this.#checkHeld();
    this.#opened.wire.ref();
  }

  /** Takes a {@linkcode ConnectionEvents.ref} back. */
  unref(): void {
    this.#checkHeld();
    this.#opened.wire.unref();
  }

  /** What belongs to somebody else by now is let alone. */
  #checkHeld(): void {
    if (this.executor.retired) this.checkOpen();
  }

  #warnOfBoth(): void {
    this.#opened.warn(
      "a connection has notify handlers and is read by notifies() besides: what comes while notifies() is not read goes to the handlers alone, use one of them",
    );
  }
}
