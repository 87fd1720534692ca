/**
 * What a pool must have done, told by a model that is kept beside it: which rows
 * are there, how many connections are out, and what each call may end with.
 * Actors do at random what users do, and what they should not do.
 *
 * @module
 */

import {
  type BaseCursor,
  type Connection,
  type DictRow,
  InterfaceError,
  OperationalError,
  PgError,
  Rollback,
} from "../../mod.ts";
import {
  type ConnectionPool,
  type PoolConnection,
  PoolTimeout,
  TooManyRequests,
} from "../../pool/mod.ts";
import type { Random } from "./random.ts";

/** What must be true of a row in the end. */
export type Fate = "there" | "gone" | "either";

/** What is known beside the pool. */
export class PoolModel {
  /** Rows by their numbers. */
  readonly rows: Map<number, Fate> = new Map<number, Fate>();
  /** How often each thing was done. */
  readonly counts: Record<string, number> = {};
  /** What was not as it must be. */
  readonly faults: string[] = [];
  /** How many connections are out. */
  out = 0;
  /** The most that may be out. */
  most: number;
  #numbers = 0;

  /** @param most The most connections that may be out. */
  constructor(most: number) {
    this.most = most;
  }

  /** Says what is wrong, if it is. */
  expect(claim: boolean, fault: string): void {
    if (!claim && this.faults.length < 20) this.faults.push(fault);
  }

  /** Counts something. */
  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** A row that is about to be written; it is gone unless something else is said. */
  newRow(): number {
    this.rows.set(++this.#numbers, "gone");
    return this.#numbers;
  }

  /** Says what must be true of rows. */
  settle(rows: readonly number[], fate: Fate): void {
    for (const row of rows) this.rows.set(row, fate);
  }
}

/** The state of a session, as the model has it. */
type State = "idle" | "open" | "failed" | "dead";

const INSERT = "insert into model values (%s) returning id";

/** Whether a pool had no connection to give. */
function isRefusal(error: unknown): boolean {
  return error instanceof PoolTimeout || error instanceof TooManyRequests;
}

/** Somebody who uses the pool, one connection at a time. */
export class PoolActor {
  readonly #pool: ConnectionPool;
  readonly #model: PoolModel;
  readonly #admin: Connection;
  readonly #random: Random;

  /**
   * @param pool The pool.
   * @param model Is told of what is done.
   * @param admin Kills sessions.
   * @param random Decides what is done.
   */
  constructor(
    pool: ConnectionPool,
    model: PoolModel,
    admin: Connection,
    random: Random,
  ) {
    this.#pool = pool;
    this.#model = model;
    this.#admin = admin;
    this.#random = random;
  }

  /** Takes a connection in one of the ways there are, uses it, and gives it back. */
  async act(): Promise<void> {
    const choice = this.#random.between(1, 100);
    if (choice <= 55) await this.#lease();
    else if (choice <= 80) await this.#block();
    else await this.#statement();
  }

  /** One statement on whichever connection is free, perhaps given up. */
  async #statement(): Promise<void> {
    const model = this.#model;
    model.count("execute");
    const row = model.newRow();
    const signal = this.#chance(40)
      ? AbortSignal.timeout(this.#random.between(0, 5))
      : undefined;
    try {
      const cursor = await this.#pool.execute(INSERT, [row], { signal });
      model.settle([row], "there");
      const found = await cursor.fetchOne();
      model.expect(found?.id === row, `got ${found?.id} for ${row}`);
      if (this.#chance(20)) await this.#useAgain(cursor);
    } catch (error) {
      if (isRefusal(error)) return;
      const isReason = signal !== undefined && error === signal.reason;
      model.expect(isReason, `execute: ${error}`);
      model.settle([row], "either");
    }
  }

  /** A cursor of a statement that is over has no connection any more. */
  async #useAgain(cursor: BaseCursor<DictRow>): Promise<void> {
    const row = this.#model.newRow(); // stays "gone"
    const used = await cursor.execute(INSERT, [row]).then(() => null, (e) => e);
    this.#model.expect(used instanceof PgError, `cursor used again: ${used}`);
  }

  /** A block, which returns or throws, or whose session dies. */
  async #block(): Promise<void> {
    const model = this.#model;
    const row = model.newRow();
    const end = this.#random.pick(
      ["return", "return", "throw", "swallow", "kill", "nested"] as const,
    );
    model.count(`block: ${end}`);
    const thrown = new Error("thrown by the block");
    const nested = model.newRow();
    let isIn = false;
    try {
      const result = await this.#pool.connection(async (conn) => {
        isIn = true;
        this.#noteOut(1);
        await this.#insert(conn, row);
        if (end === "throw") throw thrown;
        if (end === "kill") await this.#kill(conn);
        if (end === "swallow") {
          await conn.execute("select 1 / 0").fetchOne().catch(() => {});
        }
        if (end === "nested") {
          await conn.transaction(async (tx) => {
            await tx.execute(INSERT, [nested]);
            throw new Rollback(tx);
          });
        }
        return row;
      });
      model.expect(result === row, `the block gave ${result} for ${row}`);
      model.expect(
        end === "return" || end === "nested",
        `a block that ends by ${end} has resolved`,
      );
      model.settle([row], "there");
    } catch (error) {
      const right = end === "throw"
        ? error === thrown
        : (end === "kill" || end === "swallow") &&
          error instanceof OperationalError;
      model.expect(
        right || !isIn && isRefusal(error),
        `block that ends by ${end}: ${error}`,
      );
    } finally {
      if (isIn) this.#noteOut(-1);
    }
  }

  /** Whatever can be done with a connection between taking and giving it back. */
  async #lease(): Promise<void> {
    const conn = await this.#take();
    if (conn === null) return;
    this.#noteOut(1);
    const session = new ModelSession(conn, this.#model, this.#random);
    const times = this.#random.between(0, 6);
    for (let i = 0; i < times; i++) {
      if (this.#chance(5) && session.state !== "dead") {
        await this.#kill(conn);
        session.die();
      } else await session.step();
    }
    await this.#giveBack(conn);
  }

  /** Waits for a connection, with little patience or until a signal is aborted. */
  async #take(): Promise<PoolConnection | null> {
    const model = this.#model;
    model.count("getConn");
    const signal = this.#chance(20)
      ? AbortSignal.timeout(this.#random.between(0, 10))
      : undefined;
    try {
      const timeout = this.#chance(20) ? 0.01 : 30;
      return await this.#pool.getConn({ timeout, signal });
    } catch (error) {
      const gaveUp = isRefusal(error) ||
        signal !== undefined && error === signal.reason;
      model.expect(gaveUp, `getConn: ${error}`);
      return null;
    }
  }

  async #giveBack(conn: PoolConnection): Promise<void> {
    const model = this.#model;
    this.#noteOut(-1);
    const how = this.#random.pick(
      [
        "putConn",
        "dispose",
        "twice",
        "running",
        "streaming",
        "close",
      ] as const,
    );
    model.count(`back: ${how}`);
    let running: Promise<unknown> | null = null;
    if (how === "running") {
      running = conn.execute("select pg_sleep(0.05)").fetchOne()
        .catch((error) => {
          model.expect(error instanceof PgError, `left running: ${error}`);
        });
    }
    const readOn = how === "streaming" ? await this.#leaveStream(conn) : null;
    if (how === "close") await conn.close();
    if (how === "dispose") await conn[Symbol.asyncDispose]();
    else await this.#pool.putConn(conn);
    if (how === "twice") {
      await Promise.all([this.#pool.putConn(conn), conn.close()]);
    }
    await running;
    await readOn?.();
    if (!this.#chance(30)) return;
    model.count("used after it was given back");
    const row = model.newRow(); // stays "gone"
    const used = await conn.execute(INSERT, [row]).then(() => null, (e) => e);
    model.expect(
      used instanceof PgError && used.connectionUsable === false &&
        (how === "close" || used instanceof InterfaceError || conn.broken),
      `used after it was given back (${how}): ${used}`,
    );
  }

  /** Begins to read rows. What it gives asks for the rest, to be called once the connection is given back. */
  async #leaveStream(conn: Connection): Promise<() => Promise<void>> {
    const stream = conn.stream("select generate_series(1, 1000000)");
    const rows = stream[Symbol.asyncIterator]();
    try {
      await rows.next();
    } catch {
      return () => Promise.resolve(); // the session is dead, or its transaction
    }
    return async () => {
      try {
        for (let row = await rows.next(); !row.done;) row = await rows.next();
        this.#model.expect(false, "a stream went on after it was given back");
      } catch (error) {
        const isOurs = error instanceof PgError;
        this.#model.expect(isOurs, `left a stream: ${error}`);
      }
    };
  }

  #noteOut(change: number): void {
    const model = this.#model;
    model.out += change;
    model.expect(
      model.out <= model.most,
      `${model.out} connections are out, of ${model.most}`,
    );
  }

  async #insert(conn: Connection, row: number): Promise<void> {
    const found = await conn.execute(INSERT, [row]).fetchOne();
    this.#model.expect(found?.id === row, `got ${found?.id} for ${row}`);
  }

  /** Ends a session, and waits until it is gone. */
  async #kill(conn: Connection): Promise<void> {
    this.#model.count("kill");
    await this.#admin.execute("select pg_terminate_backend(%s, 10000)", [
      conn.info.backendPid,
    ]);
  }

  #chance(percent: number): boolean {
    return this.#random.between(1, 100) <= percent;
  }
}

/** A session while one actor has it: what it does, and what must come of it. */
class ModelSession {
  state: State = "idle";
  readonly #conn: Connection;
  readonly #model: PoolModel;
  readonly #random: Random;
  #pending: number[] = [];

  constructor(conn: Connection, model: PoolModel, random: Random) {
    this.#conn = conn;
    this.#model = model;
    this.#random = random;
  }

  /** The session has been ended, and what it had not committed is gone. */
  die(): void {
    this.state = "dead";
    this.#pending = [];
  }

  /** Does something. */
  async step(): Promise<void> {
    const step = this.#random.pick(
      ["insert", "insert", "fail", "abort", "commit", "rollback"] as const,
    );
    this.#model.count(step);
    const { found, error } = await this.#run(step);
    if (this.state === "dead") {
      this.#expect(
        error instanceof PgError && error.connectionUsable === false,
        step,
        error,
      );
      return;
    }
    if (step === "commit") {
      this.#expect(error === null, step, error);
      if (this.state === "open") this.#model.settle(this.#pending, "there");
    }
    if (step === "commit" || step === "rollback") {
      this.#expect(error === null, step, error);
      this.#pending = [];
      this.state = "idle";
      return;
    }
    if (this.state === "failed") {
      const isRefused = error instanceof PgError && error.sqlstate === "25P02";
      this.#expect(isRefused || step === "abort", step, error);
      return;
    }
    if (step === "insert") {
      this.#expect(error === null && found === this.#row, step, error);
      this.#pending.push(this.#row);
      this.state = "open";
      return;
    }
    const right = step === "abort"
      ? error instanceof DOMException
      : error instanceof PgError && error.sqlstate === "22012";
    this.#expect(right, step, error);
    this.state = "failed";
  }

  #row = 0;

  async #run(
    step: "insert" | "fail" | "abort" | "commit" | "rollback",
  ): Promise<{ found?: unknown; error: unknown }> {
    const conn = this.#conn;
    try {
      switch (step) {
        case "insert": {
          this.#row = this.#model.newRow();
          const row = await conn.execute(INSERT, [this.#row]).fetchOne();
          return { found: row?.id, error: null };
        }
        case "fail":
          await conn.execute("select 1 / 0");
          break;
        case "abort": {
          const signal = AbortSignal.timeout(this.#random.between(0, 10));
          await conn.execute("select pg_sleep(5)", undefined, { signal });
          break;
        }
        default:
          await conn[step]();
      }
      return { error: null };
    } catch (error) {
      return { error };
    }
  }

  #expect(claim: boolean, step: string, error: unknown): void {
    this.#model.expect(claim, `${step} (${this.state}): ${error}`);
  }
}
