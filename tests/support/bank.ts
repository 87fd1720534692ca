/**
 * The bank: transfers between accounts whose sum must not change, each written
 * down under a number of its own, so that of every transfer it can be told
 * afterwards whether it took place, and whether its outcome was reported right.
 *
 * @module
 */

import {
  type Connection,
  type DictRow,
  PgError,
  type Transaction,
  TransactionOutcomeUnknown,
} from "../../mod.ts";
import type { Random } from "./random.ts";

/** Runs a function in a transaction, on whatever connection there is. */
export type RunTransaction = (
  work: (tx: Transaction<DictRow>) => Promise<void>,
) => Promise<void>;

/** What became of a transfer, as far as its caller was told. */
export type Outcome = "committed" | "failed" | "unknown";

/** What the books say of what the callers were told. */
export interface Audit {
  /** How many transfers were reported as done. */
  readonly committed: number;
  /** How many as not done. */
  readonly failed: number;
  /** How many as unknown. */
  readonly unknown: number;
  /** How many of the unknown ones did take place. */
  readonly unknownDone: number;
  /** Errors by the names of their classes. */
  readonly errors: Readonly<Record<string, number>>;
  /** What is not as it must be; empty if all is well. */
  readonly faults: readonly string[];
}

const ACCOUNTS = 50;
const START = 1000;

/** Makes transfers, and checks the books. */
export class Bank {
  readonly #random: Random;
  readonly #outcomes = new Map<number, Outcome>();
  readonly #errors = new Map<string, number>();
  readonly #faults: string[] = [];
  #underWay = 0;
  #numbers = 0;
  #lastCommit = performance.now();

  /** @param random Decides who pays what to whom. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** How many transfers have not settled. */
  get underWay(): number {
    return this.#underWay;
  }

  /** When a transfer was last reported as done, by `performance.now()`. */
  get lastCommit(): number {
    return this.#lastCommit;
  }

  /**
   * Opens the accounts.
   *
   * @param conn A connection in autocommit mode.
   */
  async open(conn: Connection): Promise<void> {
    await conn.execute(`
      create table account (id int primary key, balance int not null);
      create table transfer (
        id int primary key, payer int not null, payee int not null,
        amount int not null)`);
    await conn.execute(
      "insert into account select g, %s from generate_series(1, %s) g",
      [START, ACCOUNTS],
    );
  }

  /**
   * Makes a transfer. Never throws.
   *
   * @param run Runs it.
   * @returns What became of it.
   */
  async transfer(run: RunTransaction): Promise<Outcome> {
    const number = ++this.#numbers;
    const payer = this.#random.between(1, ACCOUNTS);
    const payee = (payer + this.#random.between(0, ACCOUNTS - 2)) % ACCOUNTS +
      1;
    const amount = this.#random.between(1, 100);
    let outcome: Outcome = "committed";
    this.#underWay++;
    try {
      await run(async (tx) => {
        const row = await tx.execute(
          "insert into transfer values (%s, %s, %s, %s) returning id",
          [number, payer, payee, amount],
        ).fetchOne();
        if (row?.id !== number) this.#fault(`got ${row?.id} for ${number}`);
        // In the order of the accounts, so that no two wait for each other.
        const changes = [[-amount, payer], [amount, payee]] as const;
        for (const change of changes.toSorted((a, b) => a[1] - b[1])) {
          const { rowCount } = await tx.execute(
            "update account set balance = balance + %s where id = %s",
            change,
          );
          if (rowCount !== 1) this.#fault(`no account ${change[1]}`);
        }
      });
      this.#lastCommit = performance.now();
    } catch (error) {
      outcome = error instanceof TransactionOutcomeUnknown
        ? "unknown"
        : "failed";
      this.#note(error);
    }
    this.#underWay--;
    this.#outcomes.set(number, outcome);
    return outcome;
  }

  /**
   * Compares the books with what was reported.
   *
   * @param conn A connection to the server that has them now.
   * @returns What it found.
   */
  async audit(conn: Connection): Promise<Audit> {
    const faults = [...this.#faults];
    const expected = new Map<number, number>();
    for (let id = 1; id <= ACCOUNTS; id++) expected.set(id, START);
    const add = (id: unknown, amount: number) =>
      expected.set(Number(id), (expected.get(Number(id)) ?? 0) + amount);
    const found = new Set<number>();
    for await (const row of conn.execute("select * from transfer")) {
      found.add(Number(row.id));
      add(row.payer, -Number(row.amount));
      add(row.payee, Number(row.amount));
    }
    let sum = 0;
    for await (const { id, balance } of conn.execute("select * from account")) {
      sum += Number(balance);
      if (balance !== expected.get(Number(id))) {
        faults.push(
          `account ${id} has ${balance} of ${expected.get(Number(id))}`,
        );
      }
    }
    if (sum !== ACCOUNTS * START) faults.push(`the sum is ${sum}`);
    const counts = { committed: 0, failed: 0, unknown: 0, unknownDone: 0 };
    for (const [number, outcome] of this.#outcomes) {
      counts[outcome]++;
      const isDone = found.delete(number);
      if (outcome === "unknown") counts.unknownDone += Number(isDone);
      else if (isDone !== (outcome === "committed")) {
        faults.push(
          `transfer ${number} ${outcome}, and it is ${
            isDone ? "there" : "not there"
          }`,
        );
      }
    }
    if (found.size > 0) faults.push(`${found.size} transfers nobody made`);
    if (this.#underWay > 0) faults.push(`${this.#underWay} have not settled`);
    const errors = Object.fromEntries([...this.#errors].sort());
    return { ...counts, errors, faults };
  }

  #note(error: unknown): void {
    const name = error instanceof Error ? error.constructor.name : typeof error;
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
    // A deadline of the caller's own is told by the reason of its signal.
    const isDeadline = error instanceof DOMException &&
      error.name === "TimeoutError";
    if (!(error instanceof PgError) && !isDeadline) {
      this.#fault(`an error without a class: ${error}`);
    }
  }

  #fault(text: string): void {
    if (this.#faults.length < 10) this.#faults.push(text);
  }
}

/** A load that comes at its own pace, however long the transfers take. */
export interface Load {
  /** How many transfers a second. */
  readonly perSecond: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Starts transfers at a steady pace until it is told to stop, and waits for all.
 *
 * @param bank Makes them.
 * @param run Runs them.
 * @param load How many, and until when.
 */
export async function steadyLoad(
  bank: Bank,
  run: RunTransaction,
  { perSecond, signal }: Load,
): Promise<void> {
  const began = performance.now();
  const all = new Set<Promise<unknown>>();
  for (let started = 0; !signal.aborted; started++) {
    const early = began + started * 1000 / perSecond - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const transfer = bank.transfer(run);
    all.add(transfer);
    transfer.finally(() => all.delete(transfer));
  }
  await Promise.all(all);
}
