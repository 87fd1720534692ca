/**
 * The pool of connections, as users see it.
 *
 * @module
 */

import { runConnectionBlock } from "../connection/connection_block.ts";
import type { Connection } from "../connection/connection.ts";
import type { BaseCursor } from "../connection/cursor_base.ts";
import { Execution } from "../connection/execution.ts";
import type { DictRow } from "../connection/rows.ts";
import { ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { callSite } from "./call_site.ts";
import { Keeper } from "./keeper.ts";
import { PoolConnection } from "./lease.ts";
import type { Member } from "./member.ts";
import type {
  GetConnOptions,
  PoolExecuteOptions,
  PoolHandle,
  PoolOptions,
} from "./options.ts";
import {
  checkDuration,
  poolSettings,
  type PoolSizes,
  poolSizes,
} from "./settings.ts";
import type { PoolStats } from "./stats.ts";

/**
 * Keeps connections open, and gives them out to one task at a time.
 *
 * Whoever asks while all are out waits, in the order of asking. Connections that
 * are lost are replaced; while the server cannot be reached the pool tries again
 * with growing pauses. A statement that may have got to the server is never sent
 * a second time.
 *
 * @example
 * ```ts
 * import { ConnectionPool } from "@x/pgts/pool";
 *
 * await using pool = new ConnectionPool({
 *   conninfo: "application_name=shop",
 *   minSize: 1,
 *   maxSize: 10,
 * });
 * await pool.open();
 *
 * // One statement, which is a transaction of its own.
 * console.log(await pool.execute("select %s + 1 as n", [41]).fetchOne());
 *
 * // Several: committed at the end, rolled back if the function throws.
 * await pool.connection(async (conn) => {
 *   await conn.execute("create temp table item (n int)");
 *   await conn.execute("insert into item values (1)");
 * });
 * ```
 */
export class ConnectionPool<Row = DictRow>
  implements PoolHandle, AsyncDisposable {
  readonly #keeper: Keeper<Row>;

  /**
   * Makes a pool, which opens no connection before {@linkcode ConnectionPool.open}
   * is called.
   *
   * @param options See {@linkcode PoolOptions}.
   * @throws {RangeError} If sizes or times are out of range.
   * @throws {ProgrammingError} If an option is unknown, or does not go with another.
   */
  constructor(options: PoolOptions<Row> = {}) {
    this.#keeper = new Keeper(
      this,
      poolSettings(options),
      this.sizesOf(options.minSize, options.maxSize),
      this.keepsIdle,
    );
  }

  /**
   * Tells whether a connection works, by a round trip to the server: for the
   * option `check`.
   *
   * @param conn The connection.
   * @throws {OperationalError} If it does not.
   *
   * @example
   * ```ts
   * import { ConnectionPool } from "@x/pgts/pool";
   *
   * await using pool = new ConnectionPool({
   *   minSize: 1,
   *   check: ConnectionPool.checkConnection,
   * });
   * await pool.open(true);
   * ```
   */
  static async checkConnection<Row>(conn: Connection<Row>): Promise<void> {
    await conn.executor.plainCommand("");
  }

  /** What the pool is called in messages. */
  get name(): string {
    return this.#keeper.settings.name;
  }

  /** Whether the pool is closed, or not open yet. */
  get closed(): boolean {
    return this.#keeper.closed;
  }

  /** How many connections are kept open. */
  get minSize(): number {
    return this.#keeper.sizes.min;
  }

  /** The most connections that there are. */
  get maxSize(): number {
    return this.#keeper.sizes.max;
  }

  /**
   * Starts to open connections. A pool that is open already stays so.
   *
   * @param wait Whether to wait until `minSize` connections are open.
   * @param timeout How many seconds to wait then.
   * @returns The pool.
   * @throws {PoolClosed} If the pool was closed.
   * @throws {PoolTimeout} If the connections are not there in time. The pool is
   * then closed.
   */
  async open(wait: boolean = false, timeout: number = 30): Promise<this> {
    this.#keeper.open();
    if (wait) await this.wait(timeout);
    return this;
  }

  /**
   * Waits until `minSize` connections are open.
   *
   * @param timeout How many seconds to wait.
   * @throws {PoolTimeout} If they are not there in time. The pool is then closed.
   * @throws {PoolClosed} If the pool is not open, or closed meanwhile.
   */
  async wait(timeout: number = 30): Promise<void> {
    checkDuration(timeout, "timeout");
    const keeper = this.#keeper;
    try {
      await this.untilReady(keeper, timeout);
    } catch (error) {
      if (!keeper.closed) await keeper.close(0);
      throw error;
    }
  }

  /**
   * Closes the pool for good: nobody gets a connection any more, those who wait
   * are told so, and the idle connections are closed. Those that are out are
   * closed when they come back, or when the time is over, with a warning.
   *
   * @param timeout How many seconds to wait for those that are out.
   * @returns A promise that resolves when all connections are closed.
   */
  async close(timeout: number = 5): Promise<void> {
    checkDuration(timeout, "timeout");
    await this.#keeper.close(timeout);
  }

  /** Closes the pool. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Takes a connection. It comes back by the end of its scope, if it is declared
   * with `await using`, or by {@linkcode ConnectionPool.putConn}. A transaction
   * that is open then is rolled back, whether or not something was thrown: it must
   * be ended with `commit()`, or a block of `conn.transaction()` be used. psycopg's
   * `with pool.connection()` commits at its end, and so does
   * {@linkcode ConnectionPool.connection}.
   *
   * @param options See {@linkcode GetConnOptions}.
   * @returns The connection.
   * @throws {PoolTimeout} If there was none in time.
   * @throws {TooManyRequests} If more than `maxWaiting` wait already.
   * @throws {PoolClosed} If the pool is not open, or closed meanwhile.
   * @throws The reason of the signal.
   */
  async getConn(
    options: GetConnOptions = {},
  ): Promise<PoolConnection<Row>> {
    const place = this.#callSite();
    return this.#keeper.leases.lend(await this.#borrow(options), place);
  }

  /**
   * Gives a connection back. An open transaction is rolled back, with a warning.
   * One on which a statement is running is closed. Doing so twice does nothing.
   *
   * @param conn The connection.
   * @returns A promise that resolves when the session is clean, or closed.
   * @throws {ProgrammingError} If it is not a connection of this pool.
   */
  async putConn(conn: Connection<Row>): Promise<void> {
    if (
      !(conn instanceof PoolConnection) || conn.owner !== this.#keeper.leases
    ) {
      throw new ProgrammingError(
        `Cannot take the connection: it does not belong to the pool "${this.name}"`,
      );
    }
    await conn.giveBack(false);
  }

  /**
   * Runs a function with a connection: commits if it returns, rolls back if it
   * throws, and gives the connection back.
   *
   * @param block Gets the connection.
   * @param options See {@linkcode GetConnOptions}.
   * @returns What the function returned.
   * @throws Whatever the function, {@linkcode ConnectionPool.getConn} and
   * `commit()` throw.
   * @throws {OperationalError} If a statement failed and the function did not: the
   * server then refuses to commit.
   *
   * @example
   * ```ts
   * import { ConnectionPool } from "@x/pgts/pool";
   *
   * await using pool = await new ConnectionPool({ minSize: 1 }).open();
   * const count = await pool.connection(async (conn) => {
   *   await conn.execute("create temp table visit (at timestamptz default now())");
   *   return (await conn.execute("insert into visit default values")).rowCount;
   * });
   * console.log(count); // 1
   * ```
   */
  async connection<T>(
    block: (conn: PoolConnection<Row>) => T | Promise<T>,
    options: GetConnOptions = {},
  ): Promise<T> {
    const place = this.#callSite();
    const member = await this.#borrow(options);
    const conn = this.#keeper.leases.lend(member, place);
    try {
      return await runConnectionBlock(
        conn,
        block,
        "what pool.connection() ran",
      );
    } finally {
      await conn.giveBack(true);
    }
  }

  /**
   * Runs one statement on whichever connection is free, in one round trip. It is
   * a transaction of its own: the settings of the connection for transactions
   * (autocommit, isolation level) do not count.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode PoolExecuteOptions}. The signal gives up waiting
   * for a connection too.
   * @returns A promise of the cursor that has its fetch methods too.
   * @throws What {@linkcode ConnectionPool.getConn} and `conn.execute()` throw.
   */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options: PoolExecuteOptions = {},
  ): Execution<R, BaseCursor<R>> {
    return Execution.of(this.#execute<R>(query, params, options));
  }

  /**
   * Changes how many connections there are.
   *
   * @param minSize How many are kept open.
   * @param maxSize The most; by default `minSize`.
   * @throws {RangeError} If the sizes are out of range.
   */
  // deno-lint-ignore require-await -- rejects rather than throws
  async resize(minSize: number, maxSize?: number | null): Promise<void> {
    this.#keeper.checkOpen();
    this.#keeper.resize(this.sizesOf(minSize, maxSize));
  }

  /**
   * Replaces every connection by a new one: the idle ones now, those that are out
   * when they come back. For when the server has been replaced, or a setting of it
   * changed.
   *
   * @throws {PoolClosed} If the pool is not open.
   */
  // deno-lint-ignore require-await -- rejects rather than throws
  async drain(): Promise<void> {
    this.#keeper.drain();
  }

  /**
   * Tries the idle connections out, and replaces those that do not work.
   *
   * @returns A promise that resolves when all have been tried.
   * @throws {PoolClosed} If the pool is not open.
   */
  async check(): Promise<void> {
    const keeper = this.#keeper;
    await keeper.check(
      keeper.settings.check ?? ConnectionPool.checkConnection<Row>,
    );
  }

  /**
   * How the pool is doing.
   *
   * @returns Sizes as they are, and what was counted since the beginning, or
   * since {@linkcode ConnectionPool.popStats}.
   */
  getStats(): PoolStats {
    return this.#keeper.getStats();
  }

  /**
   * The same as {@linkcode ConnectionPool.getStats}, and begins to count anew.
   *
   * @returns What was counted so far.
   */
  popStats(): PoolStats {
    const stats = this.#keeper.getStats();
    this.#keeper.counters.reset();
    return stats;
  }

  /**
   * Whether connections are kept that nobody wants.
   *
   * @internal
   */
  protected get keepsIdle(): boolean {
    return true;
  }

  /** @internal */
  protected sizesOf(min?: number, max?: number | null): PoolSizes {
    return poolSizes(min, max);
  }

  /** @internal */
  protected async untilReady(
    keeper: Keeper<Row>,
    timeout: number,
  ): Promise<void> {
    await keeper.ready(timeout);
  }

  #callSite(): string | null {
    return this.#keeper.settings.leakWarning > 0 ? callSite() : null;
  }

  async #borrow(options: GetConnOptions): Promise<Member<Row>> {
    const { timeout } = options;
    if (timeout !== undefined) checkDuration(timeout, "timeout");
    const { requests } = this.#keeper;
    return requests.borrowIdle(options) ?? await requests.borrow(options);
  }

  async #execute<R>(
    query: Query,
    params: QueryParameters | undefined,
    options: PoolExecuteOptions,
  ): Promise<BaseCursor<R>> {
    const member = await this.#borrow(options);
    return await this.#keeper.leases.runOnce<R>(member, query, params, options);
  }
}
