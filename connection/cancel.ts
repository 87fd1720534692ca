/**
 * Cancelling what a connection is doing, from outside: see the chapter "Message
 * Flow", section "Canceling Requests in Progress".
 *
 * @module
 */

import {
  CancellationTimeout,
  OperationalError,
  ProgrammingError,
} from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { writeCancelRequest } from "../protocol/frontend.ts";
import { WriteBuffer } from "../protocol/write_buffer.ts";
import { pause } from "./timers.ts";
import type { Transport } from "./transport.ts";
import type { Wire } from "./wire.ts";

/** How long a request on its own may take, in seconds, unless told otherwise. */
const DEFAULT_TIMEOUT = 30;
/** What a timer can hold, in seconds. */
const MAX_TIMEOUT = (2 ** 31 - 1) / 1000;
/** A request can overtake the statement it is meant for, so it is repeated. */
const REPEAT_AFTER_MS = 250;

/**
 * Checks a number of seconds.
 *
 * @param seconds The number.
 * @param what What it is, and what cannot be done with it.
 * @throws {ProgrammingError} If it is not positive.
 */
export function checkTimeout(seconds: number, what: string): void {
  if (typeof seconds === "number" && seconds > 0) return;
  throw new ProgrammingError(`${what} must be a positive number of seconds`);
}

/** How long cancelling may take. */
export interface CancelSafeOptions {
  /**
   * Seconds until the server must have dealt with the request. `Infinity` waits
   * without an end.
   *
   * @default {30}
   */
  readonly timeout?: number | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** The cancel requests that a user makes on a connection. */
export class CancelRequests {
  readonly #source: { readonly wire: Wire };
  readonly #hold: () => () => void;
  readonly #underWay = new Set<AbortController>();
  #retired = false;

  /**
   * @param source Has the connection whose session is meant.
   * @param hold Has no statement begin, until what it returns is called.
   */
  constructor(source: { readonly wire: Wire }, hold: () => () => void) {
    this.#source = source;
    this.#hold = hold;
  }

  /**
   * Sends a request and waits until the server has dealt with it, and again
   * where it may have come before the statement that it is meant for. A
   * connection that is closed, or is closed meanwhile, has nothing to cancel any
   * more.
   *
   * @param options How long to wait.
   * @throws {CancellationTimeout} If it takes too long.
   * @throws {OperationalError} If the server cannot be reached or gave no key.
   * @throws {ProgrammingError} If the timeout is not a positive number.
   */
  async send(options: CancelSafeOptions = {}): Promise<void> {
    const { timeout = DEFAULT_TIMEOUT, signal } = options;
    checkTimeout(timeout, "Cannot cancel: the timeout");
    signal?.throwIfAborted();
    const { wire } = this.#source;
    if (this.#retired || wire.engine.failure !== null) return;
    const request = new AbortController();
    const giveUp = () => request.abort(signal?.reason);
    let again = false;
    const expire = () => request.abort(timedOut(timeout, again));
    const timer = timeout <= MAX_TIMEOUT
      ? setTimeout(expire, timeout * 1000)
      : undefined;
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#underWay.add(request);
    const release = this.#hold();
    const { errors } = wire.engine;
    try {
      do {
        // What has begun cannot miss the request.
        const { begun = false } = wire.engine.running ?? {};
        await requestCancel(wire, request.signal);
        again = !begun && await goesOn(wire, errors, request.signal);
      } while (again);
    } catch (error) {
      if (wire.engine.failure === null || signal?.aborted) throw error;
    } finally {
      release();
      this.#underWay.delete(request);
      signal?.removeEventListener("abort", giveUp);
      clearTimeout(timer);
    }
  }

  /** Sends none any more: others have the session now. */
  retire(): void {
    this.#retired = true;
  }

  /** Gives up what is under way: the connection is closed. */
  end(): void {
    for (const request of this.#underWay) request.abort();
  }
}

function timedOut(seconds: number, dealtWith: boolean): CancellationTimeout {
  const late = dealtWith
    ? "the statement did not end"
    : "the server did not deal with the request";
  return new CancellationTimeout(
    `Cannot cancel: ${late} within ${seconds} s`,
    { connectionUsable: true },
  );
}

/**
 * Waits a while for what a request has hit.
 *
 * @param wire The connection.
 * @param errors How many statements had failed before.
 * @param signal Gives up.
 * @returns Whether what was sent goes on as if there had been no request.
 */
async function goesOn(
  wire: Wire,
  errors: number,
  signal: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + REPEAT_AFTER_MS;
  for (;;) {
    await pause(0); // What follows in the same turn is sent meanwhile.
    const { running } = wire.engine;
    if (running === null || wire.engine.errors > errors) return false;
    const left = end - performance.now();
    if (left <= 0 || signal.aborted) return true;
    await waitAtMost(running.done, left, signal);
  }
}

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
      { connectionUsable: true, reachedServer: false },
    );
  }
  const transport = await dialAgain(wire, signal);
  const close = () => transport.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const request = new WriteBuffer(16);
    writeCancelRequest(request, wire.processId, wire.secretKey);
    await unshielded(wire, signal);
    await transport.write(request.written()).catch((cause) => {
      signal.throwIfAborted();
      throw unreachable(wire, cause);
    });
    await untilClosed(transport);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", close);
    transport.close();
  }
}

/** Waits until nothing is running that must not be hit, which takes no time worth mentioning. */
async function unshielded(wire: Wire, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const { running } = wire.engine;
    if (!running?.shielded) return;
    await waitAtMost(running.done, REPEAT_AFTER_MS, signal);
  }
}

async function dialAgain(wire: Wire, signal: AbortSignal): Promise<Transport> {
  try {
    return await wire.transport.dialAgain(signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw unreachable(wire, cause);
  }
}

function unreachable(wire: Wire, cause: unknown): OperationalError {
  return new OperationalError(
    `Cannot cancel: the request did not reach the server at "${wire.transport.address}"`,
    { cause, connectionUsable: true, reachedServer: false },
  );
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

  const seconds = wire.cancelTimeout;
  const deadline = new AbortController();
  const timer = seconds <= MAX_TIMEOUT
    ? setTimeout(() => deadline.abort(), seconds * 1000)
    : undefined;
  deadline.signal.addEventListener("abort", () => {
    wire.engine.fail(
      new CancellationTimeout(
        `Cannot cancel the statement: the server did not end it within ${seconds} s, the connection is closed`,
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

async function waitAtMost(
  promise: Promise<void>,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const giveUp = () => resolve();
  const timer = setTimeout(giveUp, ms);
  signal?.addEventListener("abort", giveUp, { once: true });
  await Promise.race([promise, late]);
  signal?.removeEventListener("abort", giveUp);
  clearTimeout(timer);
}
