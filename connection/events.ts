/**
 * What the server sends unasked: notices and notifications, and who is told.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { NotificationFields } from "../protocol/backend.ts";
import { Notify } from "./notify.ts";
import { NotifyQueue } from "./notify_queue.ts";
import type { WarningHandler } from "./warnings.ts";

/** Gets a notice or warning of the server. */
export type NoticeHandler = (diag: Diagnostic) => void;

/** Hands notices and notifications to those who asked for them. */
export class Events {
  /** Who is told of notices. */
  readonly noticeHandlers: HandlerSet<Diagnostic>;
  /** Who is told of notifications. */
  readonly notifyHandlers: HandlerSet<Notify>;
  /** The notifications that wait to be read. */
  readonly notifies: NotifyQueue;

  /**
   * @param warn Is told when a handler throws, and when too many notifications wait.
   * @param maxPendingNotifies How many notifications may wait.
   */
  constructor(warn: WarningHandler, maxPendingNotifies: number) {
    this.noticeHandlers = new HandlerSet("notice", warn);
    this.notifyHandlers = new HandlerSet("notify", warn);
    this.notifies = new NotifyQueue(maxPendingNotifies, warn);
  }

  /** A notification came: to the handlers, or else to who reads or will read them. */
  notified(fields: NotificationFields): void {
    const notify = new Notify(fields);
    const handled = this.notifyHandlers.size > 0;
    if (handled) this.notifyHandlers.call(notify);
    if (!handled || this.notifies.reader !== null) this.notifies.push(notify);
  }

  /**
   * Remembers who is told of what.
   *
   * @returns Has these told again, and nobody else, and drops what waits.
   */
  remember(): () => void {
    const notices = this.noticeHandlers.remember();
    const notifies = this.notifyHandlers.remember();
    return () => {
      notices();
      notifies();
      this.notifies.takeAll();
    };
  }
}

/** Handlers of one kind, called in the order they were added. */
export class HandlerSet<T> {
  readonly #kind: string;
  readonly #warn: WarningHandler;
  #handlers: readonly ((event: T) => void)[] = [];

  /**
   * @param kind What they handle, for messages.
   * @param warn Is told when a handler throws.
   */
  constructor(kind: string, warn: WarningHandler) {
    this.#kind = kind;
    this.#warn = warn;
  }

  /** How many there are. */
  get size(): number {
    return this.#handlers.length;
  }

  /** Adds a handler. */
  add(handler: (event: T) => void): void {
    this.#handlers = [...this.#handlers, handler];
  }

  /**
   * Removes a handler.
   *
   * @throws {ProgrammingError} If it is not there.
   */
  remove(handler: (event: T) => void): void {
    const at = this.#handlers.indexOf(handler);
    if (at < 0) {
      throw new ProgrammingError(
        `Cannot remove the ${this.#kind} handler: it has not been added`,
      );
    }
    this.#handlers = this.#handlers.toSpliced(at, 1);
  }

  /** See {@linkcode Events.remember}. */
  remember(): () => void {
    const handlers = this.#handlers;
    return () => void (this.#handlers = handlers);
  }

  /** Calls all of them. What one throws is reported and keeps nobody else from it. */
  call(event: T): void {
    for (const handler of this.#handlers) {
      try {
        const result: unknown = handler(event);
        // The type says void, which an async function satisfies.
        if (result instanceof Promise) {
          result.catch((error) => this.#warnOf(error));
        }
      } catch (error) {
        this.#warnOf(error);
      }
    }
  }

  #warnOf(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    try {
      this.#warn(`a ${this.#kind} handler failed: ${reason}`);
    } catch {
      // There is nobody left to tell, and the connection is not to blame.
    }
  }
}
