/**
 * Cancelling what a connection is doing, from outside: see the chapter "Message
 * Flow", section "Canceling Requests in Progress".
 *
 * @module
 */

import { CancellationTimeout, OperationalError } from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { writeCancelRequest } from "../protocol/frontend.ts";
import { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Transport } from "./transport.ts";
import type { Wire } from "./wire.ts";

/** How long an aborted statement may take to end before the connection is given up. */
const CANCEL_TIMEOUT_MS = 10_000;
/** A request can overtake the statement it is meant for, so it is repeated. */
const REPEAT_AFTER_MS = 250;

/**
 * Asks the server to cancel what a session is doing, over a connection of its
 * own to the same address, and waits until the server has dealt with it.
 *
 * @param wire The connection whose session is meant.
 * @param signal Gives up.
 * @throws {OperationalError} If the server did not say how, or cannot be reached.
 */
export async function requestCancel(
  wire: Wire,
  signal: AbortSignal,
): Promise<void> {
  if (wire.processId === null || wire.secretKey === null) {
    throw new OperationalError(
      "Cannot cancel: the server did not send the key that a cancel request needs",
    );
  }
  const transport = await wire.transport.dialAgain(signal);
  const close = () => transport.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const request = new WriteBuffer(16);
    writeCancelRequest(request, wire.processId, wire.secretKey);
    await transport.write(request.written());
    await untilClosed(transport);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", close);
    transport.close();
  }
}

/**
 * The server answers by closing, after it has signalled the session. A reset
 * says the same as an orderly end, and so does an end of our own.
 */
async function untilClosed(transport: Transport): Promise<void> {
  const answer = new Uint8Array(64);
  try {
    while (await transport.read(answer) !== null);
  } catch {
    // Closed.
  }
}

/**
 * Waits for an exchange; if a signal is aborted first, cancels it on the server
 * and waits until it is over and no cancel request is under way any more. Where
 * that takes too long, the connection is given up.
 *
 * @param wire The connection.
 * @param exchange What to wait for.
 * @param signal The signal.
 * @returns Whether the signal was aborted before the exchange was over.
 */
export async function cancelOnAbort(
  wire: Wire,
  exchange: Exchange,
  signal: AbortSignal,
): Promise<boolean> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  let over = false;
  const done = exchange.done.then(() => void (over = true));
  await Promise.race([done, aborted.promise]);
  signal.removeEventListener("abort", abort);
  if (!signal.aborted || over) return false;

  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), CANCEL_TIMEOUT_MS);
  deadline.signal.addEventListener("abort", () => {
    wire.engine.fail(
      new CancellationTimeout(
        `Cannot cancel the statement: the server did not end it within ${
          CANCEL_TIMEOUT_MS / 1000
        } s, the connection is closed`,
      ),
    );
  }, { once: true });
  try {
    while (!over) {
      await requestCancel(wire, deadline.signal);
      await waitAtMost(done, REPEAT_AFTER_MS);
    }
  } catch (cause) {
    if (!over) {
      wire.engine.fail(
        new OperationalError(
          "Cannot cancel the statement: the request failed, the connection is closed",
          { cause },
        ),
      );
    }
    await done;
  } finally {
    clearTimeout(timer);
  }
  return true;
}

async function waitAtMost(promise: Promise<void>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
