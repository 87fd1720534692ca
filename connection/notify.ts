/**
 * A notification, as those who listen get it.
 *
 * @module
 */

import type { NotificationFields } from "../protocol/backend.ts";

/** Gets a notification. */
export type NotifyHandler = (notify: Notify) => void;

/** A notification that another session, or this one, sent with NOTIFY. */
export class Notify {
  /** The channel it was sent to. */
  readonly channel: string;
  /** What was sent; `""` if nothing. */
  readonly payload: string;
  /** The process ID of the session that sent it. */
  readonly pid: number;

  /** @internal */
  constructor({ channel, payload, pid }: NotificationFields) {
    this.channel = channel;
    this.payload = payload;
    this.pid = pid;
  }

  /** Tells it from a `Gap` among the items of a `Listener`. */
  get kind(): "notify" {
    return "notify";
  }

  /**
   * Whether another one says the same: channel, payload and sender.
   *
   * @param other What to compare it with.
   * @returns Whether it is a notification with the same fields.
   */
  equals(other: unknown): boolean {
    return other instanceof Notify && other.channel === this.channel &&
      other.payload === this.payload && other.pid === this.pid;
  }
}
