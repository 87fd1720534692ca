/**
 * Who has which connection: the idle ones, those that are out, who waits, and
 * how many there are to be. Nothing here runs by itself: whatever is done is done
 * when a connection is asked for, comes back, is opened or lost. The one timer
 * of a healthy pool runs while it is larger than it has to be.
 *
 * @module
 */

import { Backoff } from "../connection/backoff.ts";
import {
  pause,
  startBackgroundTimer,
  type Timer,
} from "../connection/timers.ts";
import { OperationalError, type PgError } from "../errors/base.ts";
import { ScramMemory } from "../protocol/auth_scram_memory.ts";
import { PoolClosed, PoolTimeout, TooManyRequests } from "./errors.ts";
import type { LeaseOwner, PoolConnection } from "./lease.ts";
import { Member } from "./member.ts";
import { Opener } from "./opener.ts";
import type {
  ConnectionTask,
  PoolHandle,
  PoolSettings,
  PoolSizes,
} from "./options.ts";
import { newCounts, type PoolStats } from "./stats.ts";
import { WaiterQueue } from "./waiter_queue.ts";

/** How long to wait, and until when. */
export interface BorrowOptions {
  /** Seconds; what the pool was told by default. */
  readonly timeout?: number | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** How long a check may take, in seconds; never more than half of the time left. */
const CHECK_SECONDS = 5;
/** Who was idle for so long may have died without the event loop having had the time to see it. */
const LOOK_AFTER_MS = 1000;

/** The connections of a pool. */
export class Keeper<Row> implements LeaseOwner<Row> {
  readonly settings: PoolSettings<Row>;
  /** How many connections there may be. */
  sizes: PoolSizes;

  readonly #pool: PoolHandle;
  readonly #keepsIdle: boolean;
  readonly #members = new Set<Member<Row>>();
  /** Who came back last is at the end, and goes out first. */
  readonly #idle: Member<Row>[] = [];
  readonly #leases = new Map<
    PoolConnection<Row>,
    { member: Member<Row>; since: number; leak: Timer | null }
  >();
  readonly #queue = new WaiterQueue<Member<Row>>();
  readonly #opener: Opener<Member<Row>>;
  readonly #scramMemory = new ScramMemory();
  readonly #closing = new AbortController();
  readonly #goodbyes = new Set<Promise<void>>();
  #counts = newCounts();
  #state: "new" | "open" | "closed" = "new";
  #generation = 0;
  #lastFailure: unknown = null;
  #shrinkTimer: Timer | null = null;
  #leastIdle = 0;
  #onReady: (() => void)[] = [];
  #onEmpty: () => void = () => {};
  #end: Promise<void> | null = null;

  /**
   * @param pool Whom callbacks are told of.
   * @param settings The options.
   * @param sizes How many connections there may be.
   * @param keepsIdle Whether connections that nobody wants are kept.
   */
  constructor(
    pool: PoolHandle,
    settings: PoolSettings<Row>,
    sizes: PoolSizes,
    keepsIdle: boolean,
  ) {
    this.#pool = pool;
    this.settings = settings;
    this.sizes = sizes;
    this.#keepsIdle = keepsIdle;
    this.#opener = new Opener({
      atOnce: settings.numWorkers,
      giveUpAfter: settings.reconnectTimeout,
      wanted: () => this.#wanted(),
      open: () => this.#open(),
      opened: (member) => this.#adopt(member),
      failed: (error, pause) => this.#noteFailure(error, pause),
      givenUp: () => void this.#giveUp(),
    });
  }

  /** What the pool is called. */
  get name(): string {
    return this.settings.name;
  }

  /** Whether `close()` of a lease gives it back. */
  get closeReturns(): boolean {
    return this.settings.closeReturns;
  }

  /** Whether it is not open. */
  get closed(): boolean {
    return this.#state !== "open";
  }

  /** Starts to open connections. */
  open(): void {
    if (this.#state === "closed") {
      throw new PoolClosed(
        `Cannot open the pool "${this.name}": it was closed, make another`,
      );
    }
    this.#state = "open";
    this.#opener.fill();
  }

  /** @throws {PoolClosed} If the pool is not open. */
  checkOpen(): void {
    if (this.#state === "open") return;
    throw this.#state === "new"
      ? new PoolClosed(
        `Cannot use the pool "${this.name}": it is not open yet, call open() first`,
      )
      : this.#closedError();
  }

  /** Waits until the least connections are there. */
  async ready(timeout: number): Promise<void> {
    this.checkOpen();
    if (this.#members.size >= this.sizes.min) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onReady.push(() => {
      if (this.#state === "open") resolve();
      else reject(this.#closedError());
    });
    const late = () =>
      reject(this.#tooLate(
        `Cannot fill the pool "${this.name}": ${this.#members.size} of ${this.sizes.min} connections are open after ${timeout} s, and the pool is closed`,
      ));
    const timer = setTimeout(late, timeout * 1000);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Finds a connection, waiting for it in the order of asking.
   *
   * @returns A member that nobody else has. It must be lent or put back.
   */
  async borrow(
    { timeout = this.settings.timeout, signal }: BorrowOptions,
  ): Promise<Member<Row>> {
    this.checkOpen();
    signal?.throwIfAborted();
    this.#counts.requestsNum++;
    const deadline = performance.now() + timeout * 1000;
    const request = { timeout, deadline, signal };
    let backoff: Backoff | null = null;
    try {
      for (let again = false;; again = true) {
        const found = this.#take() ?? await this.#wait(request, again);
        if (signal?.aborted) {
          this.putBack(found);
          throw signal.reason;
        }
        const { idleSince } = found;
        found.idleSince = null;
        if (await this.#isSound(found, idleSince, request)) return found;
        // A new connection is no better, so another one is not opened at once.
        if (idleSince !== null) continue;
        backoff ??= new Backoff();
        const left = deadline - performance.now();
        await pause(Math.max(0, Math.min(backoff.next() ?? 0, left)), signal);
      }
    } catch (error) {
      this.#counts.requestsErrors++;
      throw error;
    }
  }

  /** Lends a member to who has borrowed it. */
  lend(
    member: Member<Row>,
    autocommit: boolean,
    place: string | null,
  ): PoolConnection<Row> {
    const lease = member.lend(this, autocommit);
    const { leakWarning } = this.settings;
    const leak = place === null
      ? null
      : startBackgroundTimer(() =>
        this.settings.warn(
          `a connection has been out for ${leakWarning} s: give it back with putConn() or declare it with "await using"; it was taken ${place}`,
        ), leakWarning * 1000);
    this.#leases.set(lease, { member, since: performance.now(), leak });
    return lease;
  }

  /** See {@linkcode LeaseOwner.takeBack}. */
  async takeBack(lease: PoolConnection<Row>, quiet: boolean): Promise<void> {
    const { member, since, leak } = this.#leases.get(lease)!;
    this.#leases.delete(lease);
    if (leak !== null) clearTimeout(leak);
    this.#counts.usageMs += performance.now() - since;
    const harmless = quiet && !lease.leavesChanges;
    switch (member.takeBack()) {
      case "clean":
        return await this.putBack(member);
      case "closed":
        this.#counts.returnsBad++;
        return await this.#drop(member);
      case "active":
        this.#counts.returnsBad++;
        this.settings.warn(
          "a connection came back while a statement was running (status ACTIVE), so it is closed: await what was started before giving it back",
        );
        return await this.#drop(
          member,
          "Cannot finish the statement: its connection was given back to the pool meanwhile, and is closed",
        );
    }
    const { leftOpen } = member;
    if (leftOpen !== null && !harmless) {
      this.settings.warn(
        `a connection came back with an open transaction (status ${leftOpen}), which is rolled back: end it with commit() or rollback(), or use pool.connection()`,
      );
    }
    try {
      await member.clean();
    } catch (error) {
      this.#counts.returnsBad++;
      this.settings.warn(
        `a connection that came back could not be made clean, so it is closed: ${
          messageOf(error)
        }`,
      );
      return await this.#drop(member);
    }
    await this.putBack(member);
  }

  /** Gives a member that is clean to who waits, or keeps it. */
  putBack(member: Member<Row>): Promise<void> {
    member.lease = null;
    const { sizes } = this;
    const unwanted = this.closed || member.failure !== null ||
      this.#isSpent(member) || this.#members.size > sizes.max;
    if (unwanted) return this.#drop(member);
    if (this.#queue.serve(member)) return DONE;
    if (!this.#keepsIdle) return this.#drop(member);
    member.idleSince = performance.now();
    this.#idle.push(member);
    return DONE;
  }

  /** Replaces every connection, those that are out when they come back. */
  drain(): void {
    this.checkOpen();
    this.#generation++;
    for (const member of this.#idle.splice(0)) this.#drop(member);
  }

  /** Changes how many connections there may be. */
  resize(sizes: PoolSizes): void {
    this.sizes = sizes;
    while (this.#members.size > sizes.max && this.#idle.length > 0) {
      this.#drop(this.#idle.shift()!);
    }
    this.#opener.fill();
    this.#watchSize();
    this.#noteReady();
  }

  /** Tries the idle connections out. */
  async check(check: ConnectionTask<Row>): Promise<void> {
    this.checkOpen();
    await Promise.all(
      this.#idle.splice(0).map(async (member) => {
        const { idleSince } = member;
        member.idleSince = null;
        try {
          await member.check(check, CHECK_SECONDS);
        } catch (error) {
          return this.#dropBroken(member, error);
        }
        await this.putBack(member);
        if (member.idleSince !== null) member.idleSince = idleSince;
      }),
    );
  }

  /** How the pool is doing. */
  getStats(): PoolStats {
    return {
      poolMin: this.sizes.min,
      poolMax: this.sizes.max,
      poolSize: this.#members.size + this.#opener.count,
      poolAvailable: this.#idle.length,
      requestsWaiting: this.#queue.size,
      ...this.#counts,
    };
  }

  /** The same, and counts anew. */
  popStats(): PoolStats {
    const stats = this.getStats();
    this.#counts = newCounts();
    return stats;
  }

  /** Closes the pool, once. */
  close(timeout: number): Promise<void> {
    return this.#end ??= this.#close(timeout);
  }

  async #close(timeout: number): Promise<void> {
    this.#state = "closed";
    this.#closing.abort(this.#closedError());
    const opened = this.#opener.stop();
    if (this.#shrinkTimer !== null) clearTimeout(this.#shrinkTimer);
    this.#shrinkTimer = null;
    this.#queue.refuse(() => this.#closedError());
    this.#noteReady();
    for (const member of this.#idle.splice(0)) this.#drop(member);
    await this.#untilEmpty(timeout);
    if (this.#members.size > 0) {
      this.settings.warn(
        `it is closed while ${this.#members.size} connections are still out after ${timeout} s, so they are closed too`,
      );
    }
    for (const member of [...this.#members]) {
      this.#drop(
        member,
        `Cannot use the connection: the pool "${this.name}" was closed, and has waited ${timeout} s for it`,
      );
    }
    await opened;
    await Promise.all(this.#goodbyes);
  }

  async #untilEmpty(timeout: number): Promise<void> {
    if (this.#members.size === 0 || timeout === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const timer = setTimeout(resolve, Math.min(timeout * 1000, 2 ** 31 - 1));
    await promise;
    clearTimeout(timer);
  }

  /** An idle member that is not too old. */
  #take(): Member<Row> | null {
    if (this.#queue.size > 0) return null;
    for (let member = this.#idle.pop(); member; member = this.#idle.pop()) {
      this.#leastIdle = Math.min(this.#leastIdle, this.#idle.length);
      if (!this.#isSpent(member)) return member;
      this.#drop(member);
    }
    return null;
  }

  /** Whether a member is to be replaced, sound as it may be. */
  #isSpent(member: Member<Row>): boolean {
    const { mismatch } = member;
    if (mismatch === null) return member.isSpent(this.#generation);
    this.settings.warn(
      `a connection is replaced: ${mismatch}, and target_session_attrs asks for another kind of session`,
    );
    return true;
  }

  async #wait(
    { timeout, deadline, signal }: {
      timeout: number;
      deadline: number;
      signal: AbortSignal | undefined;
    },
    again: boolean,
  ): Promise<Member<Row>> {
    const { maxWaiting } = this.settings;
    if (!again && maxWaiting > 0 && this.#queue.size >= maxWaiting) {
      throw new TooManyRequests(
        `Cannot get a connection from the pool "${this.name}": ${maxWaiting} wait for one already, which is maxWaiting`,
      );
    }
    const since = performance.now();
    this.#counts.requestsQueued++;
    const { promise, resolve, reject } = Promise.withResolvers<Member<Row>>();
    const late = () =>
      this.#tooLate(
        `Cannot get a connection from the pool "${this.name}": none was to be had within ${timeout} s`,
      );
    const leave = this.#queue.add({ resolve, reject, late, deadline }, again);
    const abort = () => {
      if (leave()) reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#opener.fill();
    try {
      return await promise;
    } finally {
      this.#counts.requestsWaitMs += performance.now() - since;
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Whether a member still works, as far as can be told before it is used; else it is dropped. */
  async #isSound(
    member: Member<Row>,
    idleSince: number | null,
    { deadline, signal }: {
      deadline: number;
      signal: AbortSignal | undefined;
    },
  ): Promise<boolean> {
    const now = performance.now();
    if (idleSince !== null && now - idleSince > LOOK_AFTER_MS) {
      await lookAround();
    }
    const { failure } = member;
    if (failure !== null) {
      this.#noteLoss(member, failure);
      return false;
    }
    const { check } = this.settings;
    if (check === null) return true;
    const seconds = Math.min(CHECK_SECONDS, (deadline - now) / 2000);
    try {
      await member.check(check, Math.max(seconds, 0), signal);
      return true;
    } catch (error) {
      this.#dropBroken(member, error);
      if (signal?.aborted) throw signal.reason;
      return false;
    }
  }

  /** How many connections are missing, those that are being opened among them. */
  #wanted(): number {
    if (this.closed) return 0;
    const { min, max } = this.sizes;
    const { size } = this.#members;
    return Math.min(max - size, Math.max(min - size, this.#queue.size));
  }

  async #open(): Promise<Member<Row>> {
    const started = performance.now();
    this.#counts.connectionsNum++;
    const member = await Member.open({
      settings: this.settings,
      scramMemory: this.#scramMemory,
      generation: this.#generation,
      signal: this.#closing.signal,
    });
    this.#counts.connectionsMs += performance.now() - started;
    return member;
  }

  #adopt(member: Member<Row>): void {
    this.#lastFailure = null;
    this.#members.add(member);
    member.onLost = (reason) => {
      if (member.idleSince !== null) this.#noteLoss(member, reason);
    };
    this.putBack(member);
    this.#noteReady();
    this.#watchSize();
  }

  #noteFailure(error: unknown, pause: number): void {
    this.#counts.connectionsErrors++;
    this.#lastFailure = error;
    const next = pause === 0
      ? ""
      : `, the next attempt is in ${(pause / 1000).toFixed(1)} s`;
    this.settings.warn(`connecting failed: ${messageOf(error)}${next}`);
  }

  async #giveUp(): Promise<void> {
    try {
      await this.settings.reconnectFailed(this.#pool);
    } catch (error) {
      this.settings.warn(`reconnectFailed failed: ${messageOf(error)}`);
    }
  }

  /** A member has died that nobody has. */
  #noteLoss(member: Member<Row>, reason: PgError): void {
    this.#counts.connectionsLost++;
    this.settings.warn(
      `an idle connection is lost, and replaced where it is needed: ${reason.message}`,
    );
    this.#drop(member);
  }

  async #dropBroken(member: Member<Row>, error: unknown): Promise<void> {
    this.#counts.connectionsLost++;
    this.settings.warn(
      `a connection did not pass its check, and is closed: ${messageOf(error)}`,
    );
    await this.#drop(member);
  }

  /** Closes a member, and makes room for another. */
  #drop(
    member: Member<Row>,
    reason = `Cannot use the connection: the pool "${this.name}" has closed it`,
  ): Promise<void> {
    if (!this.#members.delete(member)) return DONE;
    if (member.idleSince !== null) {
      member.idleSince = null;
      const at = this.#idle.indexOf(member);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#leastIdle = Math.min(this.#leastIdle, this.#idle.length);
    }
    const goodbye = member.close(new OperationalError(reason))
      .finally(() => this.#goodbyes.delete(goodbye));
    this.#goodbyes.add(goodbye);
    if (this.#members.size === 0) this.#onEmpty();
    this.#opener.fill();
    return goodbye;
  }

  #noteReady(): void {
    if (this.#state === "open" && this.#members.size < this.sizes.min) return;
    for (const tell of this.#onReady.splice(0)) tell();
  }

  /** Closes a connection now and then, while there are more than there have to be. */
  #watchSize(): void {
    const { maxIdle } = this.settings;
    const isLarge = this.#members.size > this.sizes.min && this.#keepsIdle;
    if (this.#shrinkTimer !== null || !isLarge || this.closed) return;
    this.#leastIdle = this.#idle.length;
    this.#shrinkTimer = startBackgroundTimer(() => {
      this.#shrinkTimer = null;
      const [oldest] = this.#idle;
      const large = this.#members.size > this.sizes.min;
      if (large && this.#leastIdle > 0 && oldest) this.#drop(oldest);
      this.#watchSize();
    }, maxIdle * 1000);
  }

  #closedError(): PoolClosed {
    return new PoolClosed(`Cannot use the pool "${this.name}": it is closed`);
  }

  #tooLate(message: string): PoolTimeout {
    const failure = this.#lastFailure;
    if (failure === null) return new PoolTimeout(message);
    return new PoolTimeout(
      `${message}; connecting failed with: ${messageOf(failure)}`,
      { cause: failure },
    );
  }
}

const DONE = Promise.resolve();

/**
 * Has the event loop look at the sockets, where it had no time to: the process
 * was busy, or stopped. It does that before it waits for a timer.
 */
async function lookAround(): Promise<void> {
  await pause(1);
  await new Promise((resolve) => setImmediate(resolve));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
