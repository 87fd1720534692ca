/**
 * What `execute()` returns: a promise of the cursor that has the cursor's fetch
 * methods too.
 *
 * @module
 */

/** What an {@linkcode Execution} passes on to the cursor it is the promise of. */
export interface Fetchable<Row> {
  /** The next row, or `null` when there is none left. */
  fetchOne(): Promise<Row | null>;
  /** The next rows, at most `size`. */
  fetchMany(size?: number): Promise<Row[]>;
  /** All rows that are left. */
  fetchAll(): Promise<Row[]>;
  /** The rows that are left, one by one. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Row>;
}

/**
 * The promise of a cursor that has run a statement. Its rows can be fetched
 * without awaiting it first.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const rows = await conn.execute("select generate_series(1, 3) as n").fetchAll();
 * console.log(rows); // [{ n: 1 }, { n: 2 }, { n: 3 }]
 * for await (const { n } of conn.execute("select generate_series(1, 3) as n")) {
 *   console.log(n);
 * }
 * const cursor = await conn.execute("select 1");
 * console.log(cursor.rowCount); // 1
 * ```
 */
export class Execution<Row, C extends Fetchable<Row> = Fetchable<Row>>
  extends Promise<C> {
  static {
    // `await` takes a promise as it is only if this says Promise: otherwise it wraps it,
    // which costs two turns. What then() returns is a plain promise for the same reason.
    Object.defineProperty(this.prototype, "constructor", { value: Promise });
  }

  /**
   * Makes the promise that a method of a cursor returns one of these. No promise
   * around it is made, so that a stack trace leads back to the caller.
   *
   * @internal
   */
  static of<Row, C extends Fetchable<Row>>(
    promise: Promise<C>,
  ): Execution<Row, C> {
    return Object.setPrototypeOf(promise, Execution.prototype);
  }

  /**
   * The next row.
   *
   * @returns The row, or `null` when there is none left.
   * @throws {ProgrammingError} If the statement has no rows.
   */
  fetchOne(): Promise<Row | null> {
    return this.then((cursor) => cursor.fetchOne());
  }

  /**
   * The next rows.
   *
   * @param size How many at most; the cursor's `arraySize` by default.
   * @returns The rows; none when there are none left.
   * @throws {ProgrammingError} If the statement has no rows.
   */
  fetchMany(size?: number): Promise<Row[]> {
    return this.then((cursor) => cursor.fetchMany(size));
  }

  /**
   * All rows that are left.
   *
   * @returns The rows.
   * @throws {ProgrammingError} If the statement has no rows.
   */
  fetchAll(): Promise<Row[]> {
    return this.then((cursor) => cursor.fetchAll());
  }

  /** The rows that are left, one by one. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Row> {
    yield* await this;
  }
}
