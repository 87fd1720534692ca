/**
 * A pool that keeps nothing.
 *
 * @module
 */

import type { DictRow } from "../connection/rows.ts";
import type { Keeper } from "./keeper.ts";
import { ConnectionPool } from "./pool.ts";
import { nullPoolSizes, type PoolSizes } from "./settings.ts";

/**
 * A pool that opens a connection for whoever asks, and closes it when it comes
 * back, unless somebody waits for it. For programs that use the same code with
 * and without a pool of their own, such as behind PgBouncer, and to limit how
 * many connections there are at a time: `maxSize`, by default any number.
 *
 * @example
 * ```ts
 * import { NullConnectionPool } from "@x/pgts/pool";
 *
 * await using pool = await new NullConnectionPool({ maxSize: 5 }).open();
 * console.log(await pool.execute("select 1 as one").fetchOne()); // { one: 1 }
 * ```
 */
export class NullConnectionPool<Row = DictRow> extends ConnectionPool<Row> {
  /** @internal */
  protected override get keepsIdle(): boolean {
    return false;
  }

  /** @internal */
  protected override sizesOf(min?: number, max?: number | null): PoolSizes {
    return nullPoolSizes(min, max);
  }

  /**
   * Tries whether a connection can be opened: none is kept.
   *
   * @internal
   */
  protected override async untilReady(
    keeper: Keeper<Row>,
    timeout: number,
  ): Promise<void> {
    await keeper.putBack(await keeper.requests.borrow({ timeout }));
  }
}
