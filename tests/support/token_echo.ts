/**
 * The token-echo oracle: every statement selects a token of its own, so that a
 * result which belongs to another statement cannot be taken for the right one.
 * Between them: errors, cancels, notices, notifications, DDL, COPY, streams,
 * several statements in one text, pipelines.
 *
 * @module
 */

import { type Connection, OperationalError } from "../../mod.ts";
import { Random } from "./random.ts";
import {
  begin,
  end,
  pipeline,
  renew,
  TOTAL,
  type Work,
  WORKS,
} from "./token_works.ts";

/** What a run did and found. */
export interface EchoReport {
  /** How many statements were run. */
  statements: number;
  /** How many pieces of work were cut short by the loss of the connection. */
  lost: number;
  /** How many by a cancel request that came late, as its own connection was cut. */
  lateCancels: number;
  /** How often each kind of work was done. */
  readonly kinds: Record<string, number>;
  /** What was not as it must be; empty if all is well. */
  readonly faults: string[];
}

/** What a run is like. */
export interface EchoOptions {
  /** Decides what is done. */
  readonly seed?: number;
  /**
   * Whether connections may be cut: the loss of this one ends the run, and a
   * cancel request whose connection is cut may take effect later.
   *
   * @default {false}
   */
  readonly mayBeCut?: boolean;
  /** Ends the run early. */
  readonly signal?: AbortSignal;
}

/** So many tasks share the connection. */
const TASKS = 6;
/** A table can have 1,600 columns, those that were dropped included. */
const MOST_COLUMNS = 1000;

/** Runs mixed statements on one connection and checks each answer. */
export class TokenEcho {
  /** The connection; in autocommit mode. */
  readonly conn: Connection;
  /** Decides what is done. */
  readonly random: Random;
  /** Where it notifies itself. */
  readonly channel: string;
  readonly #mayBeCut: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #report: EchoReport = {
    statements: 0,
    lost: 0,
    lateCancels: 0,
    kinds: {},
    faults: [],
  };
  readonly #heard = new Map<string, number>();
  readonly #begun = new Set<{ readonly at: number }>();
  #tokens = 0;

  /**
   * @param conn A connection in autocommit mode, for this alone.
   * @param options What the run is like.
   */
  constructor(
    conn: Connection,
    { seed, mayBeCut = false, signal }: EchoOptions = {},
  ) {
    this.conn = conn;
    this.random = new Random(seed);
    this.channel = `pgts_echo_${this.random.seed}`;
    this.#mayBeCut = mayBeCut;
    this.#signal = signal;
  }

  /** Whether an error is explained by connections that were cut, where they may be. */
  isCut(error: unknown): boolean {
    if (!this.#mayBeCut || !(error instanceof OperationalError)) return false;
    return error.sqlstate === "57014" ||
      this.conn.closed && error.connectionUsable === false;
  }

  /** For how many milliseconds the oldest piece of work has been under way. */
  get longestWait(): number {
    const [oldest] = this.#begun;
    return oldest === undefined ? 0 : performance.now() - oldest.at;
  }

  /** A token that no other statement has. */
  token(): string {
    return `${this.random.seed}/${++this.#tokens}/é`;
  }

  /** Says what is wrong, if it is. */
  expect(claim: boolean, fault: string): void {
    const { faults } = this.#report;
    if (!claim && faults.length < 20) faults.push(fault);
  }

  /** Expects that a row has exactly this token. */
  expectToken(found: unknown, token: string, kind: string): void {
    this.expect(
      found === token,
      `${kind}: ${JSON.stringify(found)} instead of ${token}`,
    );
  }

  /** A notice or a notification is expected to bring this token. */
  listenFor(token: string): void {
    this.#heard.set(token, 0);
  }

  /**
   * Runs.
   *
   * @param statements How many statements, at least.
   * @returns What was done and found.
   */
  async run(statements: number): Promise<EchoReport> {
    const { conn } = this;
    const hear = (token: string) => {
      const times = this.#heard.get(token);
      this.expect(times === 0, `heard ${token} when it was not expected`);
      this.#heard.set(token, (times ?? 0) + 1);
    };
    const onNotice = (diag: { messagePrimary: string | null }) => {
      const { messagePrimary } = diag;
      if (messagePrimary?.startsWith(`${this.random.seed}/`)) {
        hear(messagePrimary);
      }
    };
    const onNotify = ({ payload }: { payload: string }) => hear(payload);
    conn.addNoticeHandler(onNotice);
    conn.addNotifyHandler(onNotify);
    await this.#do("begin", begin);
    const { kinds, faults } = this.#report;
    let columns = MOST_COLUMNS;
    while (
      this.#report.statements < statements && faults.length === 0 &&
      !this.#isOver
    ) {
      if ((kinds.ddl ?? 0) > columns) {
        columns += MOST_COLUMNS;
        await this.#do("renew", renew);
      }
      await Promise.all(Array.from({ length: TASKS }, () => this.#several(20)));
      await this.#do("pipeline", pipeline);
    }
    if (!this.#isLost) await this.#do("end", end);
    conn.removeNoticeHandler(onNotice);
    conn.removeNotifyHandler(onNotify);
    const mayMiss = this.#isLost || this.#report.lateCancels > 0;
    for (const [token, times] of this.#heard) {
      const right = times === 1 || times === 0 && mayMiss;
      this.expect(right, `heard ${token} ${times} times`);
    }
    return this.#report;
  }

  get #isOver(): boolean {
    return this.#isLost || this.#signal?.aborted === true;
  }

  get #isLost(): boolean {
    return this.#mayBeCut && this.conn.closed;
  }

  async #several(times: number): Promise<void> {
    for (let i = 0; i < times && !this.#isOver; i++) {
      const [kind, work] = this.#choose();
      await this.#do(kind, work);
    }
  }

  async #do(kind: string, work: Work): Promise<void> {
    const { kinds } = this.#report;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    const begun = { at: performance.now() };
    this.#begun.add(begun);
    try {
      this.#report.statements += await work(this);
    } catch (error) {
      if (!this.isCut(error)) this.expect(false, `${kind}: ${error}`);
      else if (this.#isLost) this.#report.lost++;
      else this.#report.lateCancels++;
    } finally {
      this.#begun.delete(begun);
    }
  }

  #choose(): [string, Work] {
    let at = this.random.bits() % TOTAL;
    for (const [kind, weight, work] of WORKS) {
      if ((at -= weight) < 0) return [kind, work];
    }
    throw new Error("Failed to choose: the weights do not add up");
  }
}
