/**
 * Connections that are out: lending them, watching for those that do not come
 * back, and what is done when they do.
 *
 * @module
 */

import { startBackgroundTimer, type Timer } from "../connection/timers.ts";
import type { LeaseOwner, PoolConnection } from "./lease.ts";
import type { Member } from "./member.ts";
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
  putBack(member: Member<Row>): Promise<void>;
  /** Closes a connection that is not. */
  drop(member: Member<Row>, reason?: string): Promise<void>;
}

interface Loan<Row> {
  readonly member: Member<Row>;
  readonly since: number;
  readonly leak: Timer | null;
}

/** The connections of a pool that are out. */
export class Leases<Row> implements LeaseOwner<Row> {
  readonly #home: Home<Row>;
  readonly #loans = new Map<PoolConnection<Row>, Loan<Row>>();

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
   * @param autocommit Whether in autocommit mode.
   * @param place Who that is, if it is to be told of a leak.
   * @returns What the borrower holds of it.
   */
  lend(
    member: Member<Row>,
    autocommit: boolean,
    place: string | null,
  ): PoolConnection<Row> {
    const lease = member.lend(this, autocommit);
    const leak = place === null ? null : this.#watch(place);
    this.#loans.set(lease, { member, since: performance.now(), leak });
    return lease;
  }

  /** See {@linkcode LeaseOwner.takeBack}. */
  async takeBack(lease: PoolConnection<Row>, quiet: boolean): Promise<void> {
    const { settings, counters: { counts } } = this.#home;
    const { member, since, leak } = this.#loans.get(lease)!;
    this.#loans.delete(lease);
    if (leak !== null) clearTimeout(leak);
    counts.usageMs += performance.now() - since;
    const mayWarn = !quiet || lease.leavesChanges;
    switch (member.takeBack()) {
      case "clean":
        return await this.#home.putBack(member);
      case "used":
        return await this.#clean(member, mayWarn);
      case "closed":
        counts.returnsBad++;
        return await this.#home.drop(member);
      case "active":
        counts.returnsBad++;
        settings.warn(
          "a connection came back while a statement was running (status ACTIVE), so it is closed: await what was started before giving it back",
        );
        return await this.#home.drop(
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
