/**
 * The results of a cursor: fetching their rows, and moving in them and between
 * them.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Tally } from "./batch.ts";
import type { Column } from "./column.ts";
import { CursorCore } from "./cursor_core.ts";
import type { Fetchable } from "./execution.ts";
import { ExecStatus } from "./pg_constants.ts";
import { PgResult } from "./pg_result.ts";
import { checkCount } from "./server_cursor_position.ts";
import type { Result } from "./result.ts";

/** The part of a cursor that holds results. */
export abstract class CursorResults<Row> extends CursorCore<Row>
  implements Fetchable<Row>, AsyncDisposable {
  /**
   * What runs in a pipeline, until it is answered; fetching waits for it.
   *
   * @internal
   */
  protected running: Promise<unknown> | null = null;
  /**
   * What came of an `executeMany()` that keeps no results.
   *
   * @internal
   */
  protected tally: Tally | null = null;
  #results: Result[] = [];
  #index = 0;
  #row = 0;

  /** The columns of the result, or `null` if there is none. */
  get description(): readonly Column[] | null {
    return this.#result?.description ?? null;
  }

  /**
   * How many rows the result has, or the command concerned; -1 where that is
   * not known.
   */
  get rowCount(): number {
    return this.#result?.rowCount ?? this.tally?.rowCount ?? -1;
  }

  /** The index of the next row, from 0, or `null` where there are no rows. */
  get rowNumber(): number | null {
    const result = this.#result;
    return result?.fields && !result.streamed ? this.#row : null;
  }

  /** The command tag of the result, for example `INSERT 0 1`, or `null`. */
  get statusMessage(): string | null {
    return this.#result?.commandTag ?? this.tally?.commandTag ?? null;
  }

  /**
   * The result as libpq tells about it, or `null` if there is none. Its rows have
   * been made into values as they came, so that its `getValue()` is a
   * NotSupportedError.
   *
   * @example
   * ```ts
   * import { connect, ExecStatus } from "@x/pgts";
   *
   * await using conn = await connect();
   * const { pgresult } = await conn.execute("select 1 as n");
   * console.log(pgresult?.status === ExecStatus.TUPLES_OK); // true
   * console.log(pgresult?.ntuples, pgresult?.fname(0)); // 1 n
   * ```
   */
  get pgresult(): PgResult | null {
    const result = this.#result;
    if (result === undefined) return null;
    const { fields, commandTag: tag } = result;
    return new PgResult({
      status: statusOf(result),
      fields: fields ?? [],
      decoded: result.rows.length,
      tag,
    });
  }

  /** @internal */
  protected override get outcome(): string | null {
    const result = this.#result;
    if (result === undefined) return null;
    const status = statusOf(result);
    return Object.entries(ExecStatus).find(([, n]) => n === status)![0];
  }

  get #result(): Result | undefined {
    return this.#results[this.#index];
  }

  /**
   * Shows results: of several statements also those before the one that failed.
   *
   * @internal
   */
  protected show(results: Result[]): this {
    this.#results = results;
    this.#index = this.#row = 0;
    return this;
  }

  /**
   * The next row.
   *
   * @returns The row, or `null` when there is none left.
   * @throws {ProgrammingError} If there is no result, or it has no rows.
   * @throws {InterfaceError} If the cursor is closed.
   */
  async fetchOne(): Promise<Row | null> {
    if (this.running !== null) await this.running;
    const { rows } = this.#rows();
    return this.#row < rows.length ? rows[this.#row++] as Row : null;
  }

  /**
   * The next rows.
   *
   * @param size How many at most; {@linkcode CursorResults.arraySize} by default.
   * @returns The rows; none when there are none left.
   * @throws {ProgrammingError} If there is no result, if it has no rows, or if
   * the size is no number of rows.
   * @throws {InterfaceError} If the cursor is closed.
   */
  async fetchMany(size?: number): Promise<Row[]> {
    if (this.running !== null) await this.running;
    const { rows } = this.#rows();
    const count = size || this.arraySize;
    if (count !== Infinity) checkCount(count, "size");
    const from = this.#row;
    this.#row = Math.min(rows.length, from + count);
    return rows.slice(from, this.#row) as Row[];
  }

  /**
   * All rows that are left.
   *
   * @returns The rows.
   * @throws {ProgrammingError} If there is no result, or it has no rows.
   * @throws {InterfaceError} If the cursor is closed.
   */
  async fetchAll(): Promise<Row[]> {
    if (this.running !== null) await this.running;
    const { rows } = this.#rows();
    const from = this.#row;
    this.#row = rows.length;
    return rows.slice(from) as Row[];
  }

  /**
   * The next row, as an iterator gives it. A row may be `null` where its factory
   * makes it so; this tells it from the end.
   *
   * @returns The row, or that there is none left.
   * @throws {ProgrammingError} If there is no result, or it has no rows.
   * @throws {InterfaceError} If the cursor is closed.
   *
   * @example
   * ```ts
   * import { connect, scalarRow } from "@x/pgts";
   *
   * await using conn = await connect();
   * const cursor = conn.cursor({ rowFactory: scalarRow });
   * await cursor.execute("select null");
   * console.log(await cursor.next()); // { value: null, done: false }
   * console.log(await cursor.next()); // { value: undefined, done: true }
   * ```
   */
  async next(): Promise<IteratorResult<Row, undefined>> {
    if (this.running !== null) await this.running;
    const { rows } = this.#rows();
    return this.#row < rows.length
      ? { value: rows[this.#row++] as Row, done: false }
      : { value: undefined, done: true };
  }

  /** The rows that are left, one by one. Leaving the loop does not close the cursor. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Row> {
    if (this.running !== null) await this.running;
    const result = this.#rows();
    while (this.#result === result && this.#row < result.rows.length) {
      yield result.rows[this.#row++] as Row;
    }
  }

  /**
   * Moves to another row of the result.
   *
   * @param value How far, or where to.
   * @param mode Whether `value` counts from the next row (`"relative"`) or is
   * the index of a row (`"absolute"`).
   * @throws {RangeError} If there is no such row; the position stays.
   * @throws {TypeError} If there is no such mode.
   * @throws {ProgrammingError} If there is no result, or it has no rows.
   * @throws {InterfaceError} If the cursor is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const cursor = await conn.execute("select n from generate_series(1, 9) n");
   * await cursor.scroll(2);
   * console.log(await cursor.fetchOne()); // { n: 3 }
   * await cursor.scroll(0, "absolute");
   * console.log(await cursor.fetchOne()); // { n: 1 }
   * ```
   */
  async scroll(
    value: number,
    mode: "relative" | "absolute" = "relative",
  ): Promise<void> {
    if (this.running !== null) await this.running;
    const { rows } = this.#rows();
    if (mode !== "relative" && mode !== "absolute") {
      throw new TypeError(
        `Cannot scroll: the mode "${mode}" is neither "relative" nor "absolute"`,
      );
    }
    const row = mode === "relative" ? this.#row + value : value;
    if (!(Number.isInteger(row) && row >= 0 && row < rows.length)) {
      throw new RangeError(
        `Cannot scroll to row ${row}: the result has ${rows.length} rows`,
      );
    }
    this.#row = row;
  }

  /**
   * Goes on to the next result: of a text of several statements, or of
   * `executeMany()`.
   *
   * @returns Whether there is one.
   */
  nextSet(): boolean {
    if (this.#index + 1 >= this.#results.length) return false;
    this.#moveTo(this.#index + 1);
    return true;
  }

  /**
   * Goes to one of the results.
   *
   * @param index Which, from 0; from the last one, -1, if negative.
   * @returns This cursor, at the first row of that result.
   * @throws {RangeError} If there is no such result; the position stays.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const cursor = await conn.execute("select 1 as n; select 2 as n");
   * console.log(await cursor.setResult(-1).fetchOne()); // { n: 2 }
   * ```
   */
  setResult(index: number): this {
    const { length } = this.#results;
    const at = index < 0 ? length + index : index;
    if (!(Number.isInteger(at) && at >= 0 && at < length)) {
      throw new RangeError(
        `Cannot go to result ${index}: the cursor has ${length} results`,
      );
    }
    this.#moveTo(at);
    return this;
  }

  /**
   * The results from the one at hand on: gives this cursor once at each.
   *
   * @returns What to loop over.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const cursor = await conn.execute("select 1 as n; select 2 as n");
   * for (const result of cursor.results()) {
   *   console.log(await result.fetchAll()); // [{ n: 1 }], then [{ n: 2 }]
   * }
   * ```
   */
  *results(): IterableIterator<this> {
    if (this.#results.length === 0) return;
    do yield this; while (this.nextSet());
  }

  #moveTo(index: number): void {
    this.#index = index;
    this.#row = 0;
  }

  /**
   * Forgets the results. The cursor cannot be used any more; the connection can.
   *
   * @returns A promise that is there for symmetry.
   */
  close(): Promise<void> {
    this.markClosed();
    this.tally = null;
    this.show([]);
    return Promise.resolve();
  }

  /** Closes the cursor. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The result, if it has rows. */
  #rows(): Result {
    this.checkUsable();
    const result = this.#result;
    if (result === undefined) {
      throw new ProgrammingError("Cannot fetch: no statement has been run");
    }
    if (result.streamed) {
      throw new ProgrammingError(
        "Cannot fetch: the rows of the last statement went to its stream",
      );
    }
    if (result.fields === null) {
      throw new ProgrammingError(
        `Cannot fetch: the last statement has no rows (command status: ${
          result.commandTag ?? "EMPTY_QUERY"
        })`,
      );
    }
    return result;
  }
}

function statusOf({ fields, commandTag }: Result): ExecStatus {
  if (fields !== null) return ExecStatus.TUPLES_OK;
  return commandTag === null ? ExecStatus.EMPTY_QUERY : ExecStatus.COMMAND_OK;
}
