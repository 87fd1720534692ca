/**
 * The part of a cursor on the server that fetches its rows, some of them ahead.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Column } from "./column.ts";
import { type CursorConnection, CursorCore } from "./cursor_core.ts";
import { DeclaredCursor, type Making } from "./declared_cursor.ts";
import type { Fetchable } from "./execution.ts";
import { Mutex } from "./mutex.ts";
import type {
  FetchOptions,
  ServerCursorOptions,
} from "./server_cursor_options.ts";
import { checkCount } from "./server_cursor_position.ts";

/** The part of a cursor on the server that fetches its rows. */
export abstract class FetchingCursor<Row> extends CursorCore<Row>
  implements Fetchable<Row> {
  /** The name of the cursor. */
  readonly name: string;
  /** How many rows iterating fetches at once. */
  itersize: number;
  /**
   * What the server has of it.
   *
   * @internal
   */
  protected readonly declared: DeclaredCursor;
  readonly #turn = new Mutex();
  /** Rows that iterating has fetched ahead. */
  #ahead: Row[] = [];
  #next = 0;

  /** @internal */
  constructor(
    connection: CursorConnection,
    name: string,
    options: ServerCursorOptions<Row>,
  ) {
    super(connection, options);
    if (name === "") {
      throw new ProgrammingError(
        "Cannot open a cursor on the server: its name is empty",
      );
    }
    this.name = name;
    this.itersize = checkCount(options.itersize ?? 100, "itersize");
    this.declared = new DeclaredCursor(connection.executor, name);
  }

  /** The columns, or `null` before a statement was run or rows were fetched. */
  get description(): readonly Column[] | null {
    return this.declared.result?.description ?? null;
  }

  /** How many rows there are: the server does not say, so it is -1. */
  get rowCount(): number {
    return -1;
  }

  /** The index of the next row, from 0, or `null` where that is not known. */
  get rowNumber(): number | null {
    const { index } = this.declared.position;
    return index === null ? null : index - this.waiting;
  }

  /** The tag of the last command, for example `FETCH 100`, or `null`. */
  get statusMessage(): string | null {
    return this.declared.tag;
  }

  /**
   * How many rows are fetched and not taken.
   *
   * @internal
   */
  protected get waiting(): number {
    return this.#ahead.length - this.#next;
  }

  /**
   * The next row.
   *
   * @param options See {@linkcode FetchOptions}.
   * @returns The row, or `null` when there is none left.
   * @throws {InvalidCursorName} If there is no such cursor, or not any more.
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   */
  async fetchOne(options?: FetchOptions): Promise<Row | null> {
    const [row = null] = await this.#take(1, options);
    return row;
  }

  /**
   * The next rows.
   *
   * @param size How many at most; `arraySize` by default.
   * @param options See {@linkcode FetchOptions}.
   * @returns The rows; none when there are none left.
   * @throws {InvalidCursorName} If there is no such cursor, or not any more.
   * @throws {ProgrammingError} If the size is no number of rows.
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   */
  fetchMany(size?: number, options?: FetchOptions): Promise<Row[]> {
    return this.#take(size || this.arraySize, options);
  }

  /**
   * All rows that are left.
   *
   * @param options See {@linkcode FetchOptions}.
   * @returns The rows.
   * @throws {InvalidCursorName} If there is no such cursor, or not any more.
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   */
  fetchAll(options?: FetchOptions): Promise<Row[]> {
    return this.#take(Infinity, options);
  }

  /**
   * The rows that are left, one by one, fetched `itersize` at once. Leaving the
   * loop loses none of them, and does not close the cursor.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Row> {
    this.checkUsable();
    let more = true;
    while (true) {
      while (this.#next < this.#ahead.length) yield this.#ahead[this.#next++]!;
      if (!more) return;
      more = await this.exclusively(async () => {
        if (this.waiting > 0) return true;
        const size = checkCount(this.itersize, "itersize");
        this.keep(await this.#fetch(size));
        return this.#ahead.length === size;
      });
    }
  }

  /**
   * Passes over rows that were fetched ahead.
   *
   * @param count How many; not more than are waiting.
   * @internal
   */
  protected skip(count: number): void {
    this.#next += count;
  }

  /**
   * Keeps these rows, fetched ahead, in place of others.
   *
   * @internal
   */
  protected keep(rows: Row[]): void {
    this.#ahead = rows;
    this.#next = 0;
  }

  /**
   * How rows are made now.
   *
   * @internal
   */
  protected get making(): Making {
    return { transformer: this.transformer, rowFactory: this.rowFactory };
  }

  /** Rows that were fetched ahead, and behind them rows from the server. */
  async #take(size: number, options: FetchOptions = {}): Promise<Row[]> {
    return await this.exclusively(async () => {
      this.checkUsable();
      if (size !== Infinity) checkCount(size, "size");
      const ahead = this.#ahead.slice(this.#next, this.#next + size);
      const more = ahead.length < size
        ? await this.#fetch(size - ahead.length, options.signal)
        : [];
      this.#next += ahead.length;
      return ahead.length === 0 ? more : ahead.concat(more);
    }, options.signal);
  }

  async #fetch(count: number, signal?: AbortSignal): Promise<Row[]> {
    const options = { ...this.making, binary: this.binary, signal };
    return await this.declared.fetch(count, options) as Row[];
  }

  /**
   * One after the other: what was fetched ahead must not be mixed up.
   *
   * @internal
   */
  protected async exclusively<T>(
    act: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (!this.#turn.tryAcquire()) await this.#turn.acquire(signal);
    try {
      return await act();
    } finally {
      this.#turn.release();
    }
  }
}
