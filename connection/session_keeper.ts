/**
 * Keeps a listener in a session: opens another one when it gets lost.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import { Backoff } from "./backoff.ts";
import type { Gap } from "./gap.ts";
import type { ListenerSettings } from "./listener_options.ts";
import { ListeningSession } from "./listening_session.ts";
import type { Notify } from "./notify.ts";
import { pause } from "./timers.ts";

/** Whom a keeper works for. */
export interface Kept {
  /** The channels to listen to. */
  readonly channels: readonly string[];
  /** There is a session that listens to what the channels were when it was opened. */
  opened(): void;
  /** A notification came, in a session that was in order at that time. */
  notified(notify: Notify, inOrder: Date): void;
  /** Notifications may be missing. Comes before any that are not. */
  missed(gap: Gap): void;
  /** There will be no other session. */
  gaveUp(error: OperationalError): void;
}

/** The sessions of a listener, of which it has one at a time. */
export class SessionKeeper {
  readonly #settings: ListenerSettings;
  readonly #kept: Kept;
  readonly #stop = new AbortController();
  /** The sessions that are being closed. */
  readonly #closing = new Set<Promise<void>>();
  #running: Promise<void> = Promise.resolve();
  #session: ListeningSession | null = null;
  #loss: Pick<Gap, "since" | "channels" | "error"> | null = null;
  #backoff: Backoff | null = null;
  #lastWait = 0;

  /**
   * @param settings How sessions are opened.
   * @param kept Whom they are for.
   */
  constructor(settings: ListenerSettings, kept: Kept) {
    this.#settings = settings;
    this.#kept = kept;
  }

  /** The session; `null` while there is none. */
  get session(): ListeningSession | null {
    return this.#session?.over ? null : this.#session;
  }

  /**
   * Opens the first session.
   *
   * @throws {PgError} If that fails: it is not tried again.
   */
  async start(): Promise<void> {
    this.#running = this.#run(await this.#open());
  }

  /** Closes the session, and opens no other. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    if (this.#session !== null) this.#close(this.#session);
    await this.#running;
    await Promise.all(this.#closing);
  }

  /** Opens a session that listens to all channels there are now. */
  async #open(): Promise<ListeningSession> {
    const session = await ListeningSession.open(
      {
        ...this.#settings,
        onNotify: (notify, inOrder) => {
          this.#tellOfLoss();
          this.#kept.notified(notify, inOrder);
        },
      },
      this.#kept.channels,
      this.#stop.signal,
    );
    this.#tellOfLoss();
    this.#session = session;
    this.#kept.opened();
    return session;
  }

  /** Goes from session to session. Never rejects. */
  async #run(first: ListeningSession): Promise<void> {
    let session: ListeningSession | null = first;
    while (session !== null) {
      const opened = performance.now();
      const error = await session.ended;
      this.#session = null;
      this.#close(session);
      if (this.#stop.signal.aborted) return;
      const { inOrder: since, channels } = session;
      this.#loss = { since, channels: [...channels], error };
      this.#settings.warn(
        `the listener has lost its session, and connects again: ${error.message}`,
      );
      // One that is lost at once, again and again, must not be opened ever so often.
      if (performance.now() - opened > 2 * this.#lastWait) this.#backoff = null;
      session = await this.#reconnect(error);
    }
  }

  async #reconnect(lost: Error): Promise<ListeningSession | null> {
    const { reconnect, warn } = this.#settings;
    const backoff = this.#backoff ??= new Backoff(reconnect);
    const loss = this.#loss;
    let failure = lost;
    for (;;) {
      const wait = backoff.next();
      if (wait === null) {
        this.#kept.gaveUp(
          new OperationalError(
            `The listener has given up: it could not connect again within ${reconnect.giveUpAfter} s, the last failure was: ${failure.message}`,
            { cause: failure },
          ),
        );
        return null;
      }
      this.#lastWait = wait;
      try {
        await pause(wait, this.#stop.signal);
        return await this.#open();
      } catch (error) {
        if (this.#stop.signal.aborted) return null;
        failure = error as Error;
        // It may have got as far as to give notifications.
        this.#loss ??= loss;
        warn(
          `the listener cannot connect again, and goes on trying: ${failure.message}`,
        );
      }
    }
  }

  /** Tells that something may be missing, before anything that comes after. */
  #tellOfLoss(): void {
    const loss = this.#loss;
    if (loss === null) return;
    this.#loss = null;
    this.#kept.missed({
      kind: "gap",
      reason: "reconnect",
      ...loss,
      until: new Date(),
      dropped: null,
    });
  }

  #close(session: ListeningSession): void {
    const closing = session.close().finally(() =>
      this.#closing.delete(closing)
    );
    this.#closing.add(closing);
  }
}
