/**
 * The connections of a pool, and how many there are to be. Nothing here runs by
 * itself: whatever is done is done when a connection is asked for, comes back, is
 * opened or lost.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../connection/timers.ts";
import { OperationalError, type PgError } from "../errors/base.ts";
import { ScramMemory } from "../protocol/auth_scram_memory.ts";
import { PoolClosed, PoolTimeout } from "./errors.ts";
import { type Home, Leases } from "./leases.ts";
import { Member } from "./member.ts";
import { messageOf } from "./messages.ts";
import { Opener } from "./opener.ts";
import type { ConnectionTask, PoolHandle } from "./options.ts";
import { CHECK_SECONDS, Requests, type Stock } from "./requests.ts";
import type { PoolSettings, PoolSizes } from "./settings.ts";
import { Shrinker } from "./shrinker.ts";
import { Counters, type PoolStats } from "./stats.ts";

const DONE = Promise.resolve();

/** The connections of a pool. */
export class Keeper<Row> implements Home<Row>, Stock<Row> {
  /** The options. */
  readonly settings: PoolSettings<Row>;
  /** How many connections there may be. */
  sizes: PoolSizes;
  /** What is counted. */
  readonly counters: Counters = new Counters();
  /** Those who ask for connections. */
  readonly requests: Requests<Row> = new Requests(this);
  /** The connections that are out. */
  readonly leases: Leases<Row> = new Leases(this);

  readonly #pool: PoolHandle;
  readonly #keepsIdle: boolean;
  readonly #members = new Set<Member<Row>>();
  /** Who came back last is at the end, and goes out first. */
  readonly #idle: Member<Row>[] = [];
  readonly #opener: Opener<Member<Row>>;
  readonly #shrinker: Shrinker;
  readonly #scramMemory = new ScramMemory();
  readonly #closing = new AbortController();
  readonly #goodbyes = new Set<Promise<void>>();
  #state: "new" | "open" | "closed" = "new";
  #generation = 0;
  #lastFailure: unknown = null;
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
    this.#shrinker = new Shrinker({
      maxIdle: settings.maxIdle,
      isLarge: () => !this.closed && this.#members.size > this.sizes.min,
      idle: () => this.#idle.length,
      shrink: () => void this.drop(this.#idle[0]!),
    });
  }

  /** Whether it is not open. */
  get closed(): boolean {
    return this.#state !== "open";
  }

  /** Starts to open connections. */
  open(): void {
    if (this.#state === "closed") {
      throw new PoolClosed(
        `Cannot open the pool "${this.settings.name}": it was closed, make another`,
      );
    }
    this.#state = "open";
    this.fill();
  }

  /** @throws {PoolClosed} If the pool is not open. */
  checkOpen(): void {
    if (this.#state === "open") return;
    throw this.#state === "new"
      ? new PoolClosed(
        `Cannot use the pool "${this.settings.name}": it is not open yet, call open() first`,
      )
      : this.#closedError();
  }

  /** Opens the connections that are missing. */
  fill(): void {
    this.#opener.fill();
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
      reject(this.tooLate(
        `Cannot fill the pool "${this.settings.name}": ${this.#members.size} of ${this.sizes.min} connections are open after ${timeout} s, and the pool is closed`,
      ));
    const timer = setTimeout(late, Math.min(timeout * 1000, MAX_TIMER_MS));
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** An idle member that is not too old. */
  takeIdle(now: number): Member<Row> | null {
    for (let member = this.#idle.pop(); member; member = this.#idle.pop()) {
      this.#shrinker.noteIdle();
      if (!member.isSpent(this.#generation, now)) return member;
      this.drop(member);
    }
    return null;
  }

  /** Takes a member back that was taken and not used. */
  untake(member: Member<Row>): void {
    this.#idle.push(member);
  }

  /** Gives a member that is clean to who waits, or keeps it. */
  putBack(
    member: Member<Row>,
    now: number = performance.now(),
  ): Promise<void> {
    const unwanted = this.closed || member.failure !== null ||
      member.isSpent(this.#generation, now) ||
      this.#members.size > this.sizes.max;
    if (unwanted) return this.drop(member);
    if (this.requests.serve(member)) return DONE;
    if (!this.#keepsIdle) return this.drop(member);
    member.idleSince = now;
    this.#idle.push(member);
    return DONE;
  }

  /**
   * Closes a member, and makes room for another.
   *
   * @param member The member.
   * @param reason What is told who still uses it.
   */
  drop(
    member: Member<Row>,
    reason =
      `Cannot use the connection: the pool "${this.settings.name}" has closed it`,
  ): Promise<void> {
    if (!this.#members.delete(member)) return DONE;
    if (member.idleSince !== null) {
      member.idleSince = null;
      const at = this.#idle.indexOf(member);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#shrinker.noteIdle();
    }
    const goodbye = member.close(new OperationalError(reason))
      .finally(() => this.#goodbyes.delete(goodbye));
    this.#goodbyes.add(goodbye);
    if (this.#members.size === 0) this.#onEmpty();
    this.fill();
    return goodbye;
  }

  /** A member has died that nobody has. */
  noteLoss(member: Member<Row>, reason: PgError): void {
    this.counters.counts.connectionsLost++;
    this.settings.warn(
      `an idle connection is lost, and replaced where it is needed: ${reason.message}`,
    );
    this.drop(member);
  }

  /** A member did not pass its check. */
  async dropBroken(member: Member<Row>, error: unknown): Promise<void> {
    this.counters.counts.connectionsLost++;
    this.settings.warn(
      `a connection did not pass its check, and is closed: ${messageOf(error)}`,
    );
    await this.drop(member);
  }

  /** Replaces every connection, those that are out when they come back. */
  drain(): void {
    this.checkOpen();
    this.#generation++;
    for (const member of this.#idle.splice(0)) this.drop(member);
  }

  /** Changes how many connections there may be. */
  resize(sizes: PoolSizes): void {
    this.sizes = sizes;
    while (this.#members.size > sizes.max && this.#idle.length > 0) {
      this.drop(this.#idle[0]!);
    }
    this.fill();
    this.#shrinker.watch();
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
          return await this.dropBroken(member, error);
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
      requestsWaiting: this.requests.waiting,
      ...this.counters.counts,
    };
  }

  /** The error for who waited for too long. */
  tooLate(message: string): PoolTimeout {
    const failure = this.#lastFailure;
    if (failure === null) return new PoolTimeout(message);
    return new PoolTimeout(
      `${message}; connecting failed with: ${messageOf(failure)}`,
      { cause: failure },
    );
  }

  /** Closes the pool, once. */
  close(timeout: number): Promise<void> {
    return this.#end ??= this.#close(timeout);
  }

  async #close(timeout: number): Promise<void> {
    this.#state = "closed";
    this.#closing.abort(this.#closedError());
    const stopped = this.#opener.stop();
    this.#shrinker.stop();
    this.requests.refuse(() => this.#closedError());
    this.#noteReady();
    for (const member of this.#idle.splice(0)) this.drop(member);
    await this.#untilEmpty(timeout);
    const out = [...this.#members];
    if (out.length > 0) {
      this.settings.warn(
        `it is closed while ${out.length} connections are still out after ${timeout} s, so they are closed too`,
      );
    }
    for (const member of out) {
      this.drop(
        member,
        `Cannot use the connection: the pool "${this.settings.name}" was closed, and has waited ${timeout} s for it`,
      );
    }
    await stopped;
    await Promise.all(this.#goodbyes);
  }

  async #untilEmpty(timeout: number): Promise<void> {
    if (this.#members.size === 0 || timeout === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const timer = setTimeout(resolve, Math.min(timeout * 1000, MAX_TIMER_MS));
    await promise;
    clearTimeout(timer);
  }

  /** How many connections are missing, those that are being opened among them. */
  #wanted(): number {
    if (this.closed) return 0;
    const { min, max } = this.sizes;
    const { size } = this.#members;
    return Math.min(max - size, Math.max(min - size, this.requests.waiting));
  }

  async #open(): Promise<Member<Row>> {
    const started = performance.now();
    this.counters.counts.connectionsNum++;
    const member = await Member.open({
      settings: this.settings,
      scramMemory: this.#scramMemory,
      generation: this.#generation,
      signal: this.#closing.signal,
    });
    this.counters.counts.connectionsMs += performance.now() - started;
    return member;
  }

  #adopt(member: Member<Row>): void {
    this.#lastFailure = null;
    this.#members.add(member);
    member.onLost = (reason) => {
      if (member.idleSince !== null) this.noteLoss(member, reason);
    };
    this.putBack(member);
    this.#noteReady();
    this.#shrinker.watch();
  }

  #noteFailure(error: unknown, pause: number): void {
    this.counters.counts.connectionsErrors++;
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

  #noteReady(): void {
    if (this.#state === "open" && this.#members.size < this.sizes.min) return;
    for (const tell of this.#onReady.splice(0)) tell();
  }

  #closedError(): PoolClosed {
    return new PoolClosed(
      `Cannot use the pool "${this.settings.name}": it is closed`,
    );
  }
}
