/**
 * Asking for a connection: the one that is idle, or waiting for one in the order
 * of asking, and whether what was found still works.
 *
 * @module
 */

import { Backoff } from "../connection/backoff.ts";
import { pause } from "../connection/timers.ts";
import type { PgError } from "../errors/base.ts";
import { TooManyRequests } from "./errors.ts";
import type { Member } from "./member.ts";
import type { GetConnOptions } from "./options.ts";
import type { PoolSettings } from "./settings.ts";
import type { Counters } from "./stats.ts";
import { Waiter, WaiterQueue } from "./waiter_queue.ts";

/** Where connections are asked for. */
export interface Stock<Row> {
  /** The options of the pool. */
  readonly settings: PoolSettings<Row>;
  /** What it counts. */
  readonly counters: Counters;
  /** @throws {PoolClosed} If the pool is not open. */
  checkOpen(): void;
  /** An idle connection, with the time since when it is. */
  takeIdle(now: number): Member<Row> | null;
  /** Takes that back. */
  untake(member: Member<Row>): void;
  /** Opens connections for those who wait. */
  fill(): void;
  /** Takes a connection that is clean. */
  putBack(member: Member<Row>, now: number): Promise<void>;
  /** A connection is dead that nobody has. */
  noteLoss(member: Member<Row>, reason: PgError): void;
  /** A connection did not pass its check. */
  dropBroken(member: Member<Row>, error: unknown): Promise<void>;
  /** The error for who waited for too long. */
  tooLate(message: string): unknown;
}

/** What one wants who asks. */
interface Request {
  readonly timeout: number;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** How long a check may take, in seconds; never more than half of the time left. */
export const CHECK_SECONDS = 5;
/** Who was idle for so long may have died without the event loop having had the time to see it. */
const LOOK_AFTER_MS = 1000;

/** Those who ask for connections. */
export class Requests<Row> {
  readonly #stock: Stock<Row>;
  readonly #queue: WaiterQueue<Member<Row>>;

  /** @param stock Where connections come from. */
  constructor(stock: Stock<Row>) {
    this.#stock = stock;
    this.#queue = new WaiterQueue(({ timeout }) =>
      stock.tooLate(
        `Cannot get a connection from the pool "${stock.settings.name}": none was to be had within ${timeout} s`,
      )
    );
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Finds a connection if that takes no waiting: {@linkcode Requests.borrow} does
   * otherwise.
   *
   * @param options How long one would wait.
   * @returns A member that nobody else has, or `null`.
   */
  borrowIdle({ signal }: GetConnOptions): Member<Row> | null {
    const { settings, counters } = this.#stock;
    this.#stock.checkOpen();
    signal?.throwIfAborted();
    if (settings.check !== null || this.#queue.size > 0) return null;
    const now = performance.now();
    const member = this.#stock.takeIdle(now);
    if (member === null) return null;
    if (now - member.idleSince! > LOOK_AFTER_MS) {
      this.#stock.untake(member);
      return null;
    }
    counters.counts.requestsNum++;
    member.idleSince = null;
    member.lentSince = now;
    return member;
  }

  /**
   * Finds a connection, waiting for it in the order of asking.
   *
   * @param options How long to wait.
   * @returns A member that nobody else has. It must be lent or put back.
   */
  async borrow(
    { timeout = this.#stock.settings.timeout, signal }: GetConnOptions,
  ): Promise<Member<Row>> {
    const { counters } = this.#stock;
    this.#stock.checkOpen();
    signal?.throwIfAborted();
    counters.counts.requestsNum++;
    let now = performance.now();
    const deadline = now + timeout * 1000;
    const request: Request = { timeout, deadline, signal };
    let backoff: Backoff | null = null;
    try {
      for (let again = false;; again = true) {
        const idle = this.#queue.size === 0 ? this.#stock.takeIdle(now) : null;
        const found = idle ?? await this.#wait(request, now, again);
        now = performance.now();
        if (signal?.aborted) {
          this.#stock.putBack(found, now);
          throw signal.reason;
        }
        const { idleSince } = found;
        found.idleSince = null;
        found.lentSince = now;
        if (await this.#isSound(found, idleSince, request)) return found;
        // A new connection is no better, so another one is not opened at once.
        if (idleSince === null) {
          backoff ??= new Backoff();
          const left = Math.max(0, deadline - performance.now());
          await pause(Math.min(backoff.next() ?? 0, left), signal);
        }
        now = performance.now();
      }
    } catch (error) {
      counters.counts.requestsErrors++;
      throw error;
    }
  }

  /** Gives a member to who has waited longest. */
  serve(member: Member<Row>): boolean {
    return this.#queue.serve(member);
  }

  /** Tells all that wait that they will not get any. */
  refuse(reason: () => unknown): void {
    this.#queue.refuse(reason);
  }

  async #wait(
    { timeout, deadline, signal }: Request,
    now: number,
    again: boolean,
  ): Promise<Member<Row>> {
    const { settings: { name, maxWaiting }, counters } = this.#stock;
    if (!again && maxWaiting > 0 && this.#queue.size >= maxWaiting) {
      throw new TooManyRequests(
        `Cannot get a connection from the pool "${name}": ${maxWaiting} wait for one already, which is maxWaiting`,
      );
    }
    counters.counts.requestsQueued++;
    const waiter = new Waiter<Member<Row>>(now, timeout, deadline);
    this.#queue.add(waiter, again);
    this.#stock.fill();
    const abort = signal === undefined ? null : () => {
      if (this.#queue.remove(waiter)) waiter.reject(signal.reason);
    };
    if (abort !== null) {
      signal!.addEventListener("abort", abort, { once: true });
    }
    try {
      return await waiter.promise;
    } finally {
      counters.counts.requestsWaitMs += performance.now() - waiter.since;
      if (abort !== null) signal!.removeEventListener("abort", abort);
    }
  }

  /** Whether a member still works, as far as can be told before it is used; else it is dropped. */
  async #isSound(
    member: Member<Row>,
    idleSince: number | null,
    { deadline, signal }: Request,
  ): Promise<boolean> {
    const now = member.lentSince;
    if (idleSince !== null && now - idleSince > LOOK_AFTER_MS) {
      await lookAround();
    }
    const { failure } = member;
    if (failure !== null) {
      this.#stock.noteLoss(member, failure);
      return false;
    }
    const { check } = this.#stock.settings;
    if (check === null) return true;
    const seconds = Math.min(CHECK_SECONDS, (deadline - now) / 2000);
    try {
      await member.check(check, Math.max(seconds, 0), signal);
      return true;
    } catch (error) {
      this.#stock.dropBroken(member, error);
      if (signal?.aborted) throw signal.reason;
      return false;
    }
  }
}

/**
 * Has the event loop look at the sockets, where it had no time to: the process
 * was busy, or stopped. It does that before it waits for a timer.
 */
async function lookAround(): Promise<void> {
  await pause(1);
  await new Promise((resolve) => setImmediate(resolve));
}
