/**
 * Connections that are out: lending them, watching for those that do not come
 * back, and what is done when they do.
 *
 * @module
 */

import { startBackgroundTimer, type Timer } from "../connection/timers.ts";
import type { BaseCursor, ExecuteOptions } from "../connection/cursor_base.ts";
import { makeCursor } from "../connection/cursor_factory.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { LeaseOwner, PoolConnection } from "./lease.ts";
import type { Member, Returned } from "./member.ts";
import { messageOf } from "./messages.ts";
import type { PoolSettings } from "./settings.ts";
import type { Counters } from "./stats.ts";

/** Where connections come from and go back to. */
export interface Home<Row> {
  /** The options of the pool. */
  readonly settings: PoolSettings<Row>;
  /** What it counts. */
  readonly counters: Counters;
  /** Takes a connection that is clean. */
  putBack(member: Member<Row>, now?: number): Promise<void>;
  /** Closes a connection that is not. */
  drop(member: Member<Row>, reason?: string): Promise<void>;
}

/** The connections of a pool that are out. */
export class Leases<Row> implements LeaseOwner<Row> {
  readonly #home: Home<Row>;
  readonly #out = new Map<PoolConnection<Row>, Member<Row>>();
  readonly #leaks = new Map<PoolConnection<Row>, Timer>();

  /** @param home Where connections go back to. */
  constructor(home: Home<Row>) {
    this.#home = home;
  }

  /** What the pool is called. */
  get name(): string {
    return this.#home.settings.name;
  }

  /** Whether `close()` of a connection gives it back. */
  get closeReturns(): boolean {
    return this.#home.settings.closeReturns;
  }

  /**
   * Lends a member to who has borrowed it.
   *
   * @param member The member.
   * @param place Who that is, if it is to be told of a leak.
   * @returns What the borrower holds of it.
   */
  lend(member: Member<Row>, place: string | null): PoolConnection<Row> {
    const lease = member.lend(this);
    this.#out.set(lease, member);
    if (place !== null) this.#leaks.set(lease, this.#watch(place));
    return lease;
  }

  /**
   * Runs one statement on a member that was borrowed for it.
   *
   * @param member The member, which goes back as soon as the statement is over.
   * @returns The cursor. It holds the rows, and can run nothing more.
   */
  async runOnce<R>(
    member: Member<Row>,
    query: Query,
    params: QueryParameters | undefined,
    options: ExecuteOptions,
  ): Promise<BaseCursor<R>> {
    const use = member.lendOnce(this);
    try {
      const cursor = makeCursor<R>(use.cursorFactory, use);
      return await cursor.execute(query, params, options);
    } finally {
      // What there is to clean up need not be waited for.
      this.#receive(member, member.takeBackOnce(use), true);
    }
  }

  /** See {@linkcode LeaseOwner.takeBack}. */
  takeBack(lease: PoolConnection<Row>, quiet: boolean): Promise<void> {
    const member = this.#out.get(lease)!;
    this.#out.delete(lease);
    if (this.#leaks.size > 0) {
      clearTimeout(this.#leaks.get(lease));
      this.#leaks.delete(lease);
    }
    const mayWarn = !quiet || lease.leavesChanges;
    return this.#receive(member, member.takeBack(), mayWarn);
  }

  /** Does what there is to do with a member that came back. */
  #receive(
    member: Member<Row>,
    returned: Returned,
    mayWarn: boolean,
  ): Promise<void> {
    const { settings, counters: { counts } } = this.#home;
    const now = performance.now();
    counts.usageMs += now - member.lentSince;
    switch (returned) {
      case "clean":
        return this.#home.putBack(member, now);
      case "used":
        return this.#clean(member, mayWarn);
      case "closed":
        counts.returnsBad++;
        return this.#home.drop(member);
      case "active":
        counts.returnsBad++;
        settings.warn(
          "a connection came back while a statement was running (status ACTIVE), so it is closed: await what was started before giving it back",
        );
        return this.#home.drop(
          member,
          "Cannot finish the statement: its connection was given back to the pool meanwhile, and is closed",
        );
    }
  }

  async #clean(member: Member<Row>, mayWarn: boolean): Promise<void> {
    const { settings, counters } = this.#home;
    const { leftOpen } = member;
    if (leftOpen !== null && mayWarn) {
      settings.warn(
        `a connection came back with an open transaction (status ${leftOpen}), which is rolled back: end it with commit() or rollback(), or use pool.connection()`,
      );
    }
    try {
      await member.clean();
    } catch (error) {
      counters.counts.returnsBad++;
      settings.warn(
        `a connection that came back could not be made clean, so it is closed: ${
          messageOf(error)
        }`,
      );
      return await this.#home.drop(member);
    }
    await this.#home.putBack(member);
  }

  #watch(place: string): Timer {
    const { leakWarning, warn } = this.#home.settings;
    return startBackgroundTimer(() =>
      warn(
        `a connection has been out for ${leakWarning} s: give it back with putConn() or declare it with "await using"; it was taken ${place}`,
      ), leakWarning * 1000);
  }
}
