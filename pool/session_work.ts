/**
 * What the pool itself does with a session, for itself or for a callback.
 *
 * @module
 */

import type { OpenedSession } from "../connection/session_start.ts";
import { startBackgroundTimer } from "../connection/timers.ts";
import {
  InterfaceError,
  OperationalError,
  type PgError,
} from "../errors/base.ts";
import { Status } from "../protocol/tags.ts";

/**
 * Does something with a session that the server may never answer.
 *
 * @param session The session, which is given up if it takes too long.
 * @param seconds How long it may take.
 * @param what What is done, for the error.
 * @param run Does it.
 * @param signal Gives up waiting for it.
 * @throws {OperationalError} If it took too long.
 * @throws Whatever `run` throws, or the reason of the signal.
 */
export async function within(
  { wire }: OpenedSession,
  seconds: number,
  what: string,
  run: () => void | Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const late = () => {
    const error = new OperationalError(
      `The connection is given up: ${what} took longer than ${seconds} s`,
    );
    wire.engine.fail(error);
    reject(error);
  };
  const abort = () => reject(signal?.reason);
  const timer = startBackgroundTimer(late, seconds * 1000);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([run(), end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * The status of the transaction that is open.
 *
 * @param session The session.
 * @returns Its name; `null` if none is open.
 */
export function leftOpen(
  { wire: { engine: { transactionStatus } } }: OpenedSession,
): "INTRANS" | "INERROR" | null {
  if (transactionStatus === Status.IDLE) return null;
  return transactionStatus === Status.FAILED ? "INERROR" : "INTRANS";
}

/**
 * The error for what is tried with a connection that a callback has kept.
 *
 * @returns The error.
 */
export function callbackOver(): PgError {
  return new InterfaceError(
    "Cannot use the connection: the callback of the pool that got it is over",
    { connectionUsable: false, reachedServer: false },
  );
}
