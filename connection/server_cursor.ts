/**
 * The cursors that leave their rows on the server: DECLARE, FETCH, MOVE, CLOSE.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import { bindQuery, type BoundQuery, type Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import type { Column } from "./column.ts";
import { type CursorConnection, CursorCore } from "./cursor_core.ts";
import { DeclaredCursor, type Making } from "./declared_cursor.ts";
import { Execution, type Fetchable } from "./execution.ts";
import { Mutex } from "./mutex.ts";
import type { DictRow } from "./rows.ts";
import type {
  FetchOptions,
  ServerCursorOptions,
  ServerExecuteOptions,
} from "./server_cursor_options.ts";
import { checkCount, type ScrollMode } from "./server_cursor_position.ts";

/**
 * Runs a statement whose rows stay on the server until they are fetched:
 * `conn.cursor(name)`. Unless it is held, it lives as long as its transaction.
 *
 * A cursor that was declared otherwise, by a function for example, can be
 * fetched from by its name without running anything.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * await using cursor = conn.cursor("numbers");
 * await cursor.execute("select generate_series(1, %s) as n", [1_000_000]);
 * console.log(await cursor.fetchMany(2)); // [{ n: 1 }, { n: 2 }]
 * for await (const { n } of cursor) {
 *   if (n === 1000) break;
 * }
 * console.log(await cursor.fetchOne()); // { n: 1001 }
 * ```
 */
export class ServerCursor<Row = DictRow> extends CursorCore<Row>
  implements Fetchable<Row>, AsyncDisposable {
  /** The name of the cursor. */
  readonly name: string;
  /** Whether it can go backwards; `null`: as the server likes. */
  readonly scrollable: boolean | null;
  /** Whether its rows outlive the transaction. */
  readonly withHold: boolean;
  /** How many rows iterating fetches at once. */
  itersize: number;

  readonly #turn = new Mutex();
  readonly #declared: DeclaredCursor;
  /** Rows that iterating has fetched ahead. */
  #ahead: Row[] = [];
  #next = 0;

  /**
   * @param connection The connection that it is on.
   * @param name Its name.
   * @param options See {@linkcode ServerCursorOptions}.
   * @throws {ProgrammingError} If the name is empty, or `itersize` is no number of rows.
   * @internal
   */
  constructor(
    connection: CursorConnection,
    name: string,
    options: ServerCursorOptions<Row> = {},
  ) {
    super(connection, options);
    if (name === "") {
      throw new ProgrammingError(
        "Cannot open a cursor on the server: its name is empty",
      );
    }
    this.name = name;
    this.scrollable = options.scrollable ?? null;
    this.withHold = options.withHold ?? false;
    this.itersize = checkCount(options.itersize ?? 100, "itersize");
    this.#declared = new DeclaredCursor(connection.executor, name);
    this.#declared.watch(this, this.withHold, connection.warn);
  }

  /** @internal */
  protected override bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery {
    return bindQuery(query, params, transformer);
  }

  /** The columns, or `null` before a statement was run or rows were fetched. */
  get description(): readonly Column[] | null {
    return this.#declared.result?.description ?? null;
  }

  /** How many rows there are: the server does not say, so it is -1. */
  get rowCount(): number {
    return -1;
  }

  /** The index of the next row, from 0, or `null` where that is not known. */
  get rowNumber(): number | null {
    const { index } = this.#declared.position;
    return index === null ? null : index - this.#waiting;
  }

  /** The tag of the last command, for example `FETCH 100`, or `null`. */
  get statusMessage(): string | null {
    return this.#declared.tag;
  }

  /** How many rows are fetched and not taken. */
  get #waiting(): number {
    return this.#ahead.length - this.#next;
  }

  /**
   * Declares the cursor for a statement. One that it was declared for before is
   * closed.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement. It
   * has to be a query, such as SELECT or VALUES.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ServerExecuteOptions}.
   * @returns A promise of this cursor that has the fetch methods too.
   * @throws {ProgrammingError} If it is no query, or the parameters do not match.
   * @throws {NotSupportedError} In a pipeline.
   * @throws {TypeError} If there is another option.
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {OperationalError} If the connection is closed or gets lost.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   */
  execute(
    query: Query,
    params?: QueryParameters,
    options: ServerExecuteOptions = {},
  ): Execution<Row, this> {
    return Execution.of(
      this.#exclusively(
        () => this.#declare(query, params, options),
        options.signal,
      ),
    );
  }

  async #declare(
    query: Query,
    params: QueryParameters | undefined,
    { binary, signal, ...others }: ServerExecuteOptions,
  ): Promise<this> {
    for (const name of Object.keys(others)) {
      throw new TypeError(
        `Cannot execute with the option ${
          JSON.stringify(name)
        }: a cursor on the server takes binary and signal`,
      );
    }
    this.checkUsable();
    const { executor } = this.connection;
    executor.checkOpen();
    if (executor.pipelineDepth > 0) {
      throw new NotSupportedError(
        "Cannot execute with a cursor on the server in a pipeline: declare it before, or use a Cursor",
      );
    }
    const bound = this.prepareRun(query, params, this.#declaration());
    this.#keep([]);
    await this.#declared.declare(bound, {
      ...this.#making,
      binary: binary ?? this.binary,
      signal,
    });
    return this;
  }

  #declaration(): string {
    const scroll = this.scrollable === null
      ? ""
      : this.scrollable
      ? "SCROLL "
      : "NO SCROLL ";
    const hold = this.withHold ? "WITH HOLD " : "";
    return `DECLARE ${this.#declared.quoted} ${scroll}CURSOR ${hold}FOR `;
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
      more = await this.#exclusively(async () => {
        if (this.#waiting > 0) return true;
        const size = checkCount(this.itersize, "itersize");
        this.#keep(await this.#fetch(size));
        return this.#ahead.length === size;
      });
    }
  }

  /**
   * Goes to another row, without fetching.
   *
   * @param value How far, or to the row of which index.
   * @param mode Whether `value` counts from where the cursor is, or from the first row.
   * @param options See {@linkcode FetchOptions}.
   * @throws {ProgrammingError} If no statement was run, or the arguments are none
   * of these.
   * @throws {OperationalError} If it goes backwards and the cursor is not scrollable.
   * @throws {InterfaceError} If the cursor is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await using cursor = conn.cursor("numbers", { scrollable: true });
   * await cursor.execute("select n from generate_series(1, 10) as n");
   * await cursor.scroll(8);
   * console.log(await cursor.fetchAll()); // [{ n: 9 }, { n: 10 }]
   * await cursor.scroll(0, "absolute");
   * console.log(await cursor.fetchOne()); // { n: 1 }
   * ```
   */
  async scroll(
    value: number,
    mode: ScrollMode = "relative",
    options: FetchOptions = {},
  ): Promise<void> {
    await this.#exclusively(async () => {
      this.checkUsable();
      const waiting = this.#waiting;
      if (mode === "relative" && value >= 0 && value <= waiting) {
        this.#declared.checkOpen();
        this.#next += value;
        return;
      }
      await this.#declared.move(
        mode === "relative" ? value - waiting : value,
        mode,
        { ...this.#making, signal: options.signal },
      );
      this.#keep([]);
    }, options.signal);
  }

  /** A cursor on the server has one result: there is no next one. */
  nextSet(): boolean {
    return false;
  }

  /** The results: the cursor, once. */
  *results(): IterableIterator<this> {
    yield this;
  }

  /**
   * A cursor on the server has one statement.
   *
   * @throws {NotSupportedError} Always.
   */
  executeMany(..._: unknown[]): Promise<never> {
    return Promise.reject(unsupported("executeMany"));
  }

  /**
   * COPY is not for a cursor on the server.
   *
   * @throws {NotSupportedError} Always.
   */
  copy(..._: unknown[]): Promise<never> {
    return Promise.reject(unsupported("copy"));
  }

  /**
   * Iterate over the cursor instead: its rows come in parts.
   *
   * @throws {NotSupportedError} Always.
   */
  stream(..._: unknown[]): never {
    throw unsupported("stream");
  }

  /**
   * Closes the cursor on the server, if it is there, and forgets its rows. Never
   * throws; closing twice does nothing.
   *
   * @returns A promise that resolves when it is closed.
   */
  async close(): Promise<void> {
    if (this.closed) return;
    this.markClosed();
    await this.#exclusively(async () => {
      this.#keep([]);
      try {
        await this.#declared.close();
      } catch {
        // Where the connection is lost, so is the cursor.
      }
    });
  }

  /** Closes the cursor. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Keeps these rows, fetched ahead, in place of others. */
  #keep(rows: Row[]): void {
    this.#ahead = rows;
    this.#next = 0;
  }

  /** How rows are made now. */
  get #making(): Making {
    return { transformer: this.transformer, rowFactory: this.rowFactory };
  }

  /** Rows that were fetched ahead, and behind them rows from the server. */
  async #take(size: number, options: FetchOptions = {}): Promise<Row[]> {
    return await this.#exclusively(async () => {
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
    const options = { ...this.#making, binary: this.binary, signal };
    return await this.#declared.fetch(count, options) as Row[];
  }

  /** One after the other: what was fetched ahead must not be mixed up. */
  async #exclusively<T>(
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

function unsupported(method: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${method}() with a cursor on the server: use a Cursor, which has no name`,
  );
}
