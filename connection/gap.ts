/**
 * What a listener gives: notifications, and the places where some may be missing.
 *
 * @module
 */

import type { Notify } from "./notify.ts";

/**
 * A place where notifications may be missing. Whoever must not miss anything
 * reads anew, when it comes, what the notifications are about.
 */
export interface Gap {
  /** Tells it from a {@linkcode Notify}. */
  readonly kind: "gap";
  /**
   * Why: the session was lost and another one listens in its place, or more came
   * than may wait to be read.
   */
  readonly reason: "reconnect" | "overflow";
  /**
   * The time of this machine since when some may be missing. What was committed
   * before, by the clock of this machine, came in; allow for other clocks.
   */
  readonly since: Date;
  /** The time of this machine from which on nothing is missing again. */
  readonly until: Date;
  /** The channels that it concerns. */
  readonly channels: readonly string[];
  /** How many are missing; `null` if nobody knows. */
  readonly dropped: number | null;
  /** How the session was lost; `null` if it was not. */
  readonly error: Error | null;
}

/** What a listener gives. Its `kind` says which of the two it is. */
export type ListenItem = Notify | Gap;

/** Gets the items of a channel, one after the other: the next one when it is done. */
export type ListenHandler = (item: ListenItem) => void | Promise<void>;

/**
 * One gap in the place of two that follow each other.
 *
 * @param first The earlier one.
 * @param second The later one, of the same reason.
 * @returns The gap that spans both.
 */
export function joinGaps(first: Gap, second: Gap): Gap {
  const { dropped } = first;
  return {
    ...second,
    since: first.since,
    channels: [...new Set([...first.channels, ...second.channels])],
    dropped: dropped === null || second.dropped === null
      ? null
      : dropped + second.dropped,
  };
}
