/**
 * What all cursors that hold their rows in memory share: running statements,
 * results, fetching.
 *
 * @module
 */

import { InterfaceError, ProgrammingError } from "../errors/base.ts";
import type { BoundQuery, Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { PlaceholderFormat } from "../types/adapt.ts";
import { AdaptersMap } from "../types/adapters_map.ts";
import { Transformer } from "../types/transformer.ts";
import type { Column } from "./column.ts";
import { Execution, type Fetchable } from "./execution.ts";
import type { Executor } from "./executor.ts";
import type { Result } from "./result.ts";
import type { Request } from "./statement_writer.ts";
import type { RowFactory } from "./rows.ts";
import { unsent } from "./staleness.ts";

/** What a cursor needs of its connection. */
export interface CursorConnection {
  /**
   * Runs statements.
   *
   * @internal
   */
  readonly executor: Executor;
  /** The loaders and dumpers as they are now. */
  readonly transformer: Transformer;
  /** What becomes of rows. */
  readonly rowFactory: RowFactory<unknown>;
}

/** Options of a cursor. */
export interface CursorOptions<Row> {
  /** What becomes of rows; that of the connection by default. */
  rowFactory?: RowFactory<Row> | undefined;
  /**
   * Whether rows are asked for in binary or in text. By default pgts chooses,
   * and the values are the same either way.
   */
  binary?: boolean | undefined;
}

/** Options of a single run. */
export interface ExecuteOptions {
  /**
   * Whether to prepare the statement: `true` now, `false` never. By default it
   * is prepared when it has run `prepareThreshold` times.
   */
  prepare?: boolean | undefined;
  /** Whether rows are asked for in binary or in text; as the cursor does by default. */
  binary?: boolean | undefined;
  /**
   * Aborts the statement: it is cancelled on the server, and the call rejects
   * with the signal's reason. A statement that ended before the cancel request
   * got to it may have taken effect all the same.
   */
  signal?: AbortSignal | undefined;
}

/** The sending of a statement, for looking at it after a failure. */
export interface SentQuery {
  /** The text as the server got it. */
  readonly text: string;
  /** The values of its parameters, or `null` if it had none. */
  readonly params: readonly unknown[] | null;
  /** The formats that its placeholders asked for. */
  readonly formats: readonly PlaceholderFormat[];
}

/**
 * Runs statements and holds their results. The base of {@linkcode Cursor} and
 * {@linkcode RawCursor}.
 */
export abstract class BaseCursor<Row>
  implements Fetchable<Row>, AsyncDisposable {
  /** How many rows `fetchMany()` gives if it is not told. */
  arraySize = 1;
  /** What becomes of the rows of the results to come. */
  rowFactory: RowFactory<Row>;

  readonly #connection: CursorConnection;
  /**
   * Whether rows are asked for in binary, where a run does not say.
   *
   * @internal
   */
  protected readonly binary: boolean | undefined;
  #transformer: Transformer;
  #ownAdapters = false;
  #results: Result[] = [];
  #index = 0;
  #row = 0;
  #closed = false;
  #bound: BoundQuery | null = null;

  /**
   * @param connection The connection that statements run on.
   * @param options See {@linkcode CursorOptions}.
   * @internal
   */
  constructor(connection: CursorConnection, options: CursorOptions<Row> = {}) {
    this.#connection = connection;
    this.#transformer = connection.transformer;
    this.binary = options.binary;
    this.rowFactory = options.rowFactory ??
      connection.rowFactory as RowFactory<Row>;
  }

  /**
   * How the text and the parameters become what the server gets.
   *
   * @internal
   */
  protected abstract bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery;

  /** Whether {@linkcode BaseCursor.close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The loaders and dumpers of this cursor. What is registered here concerns no
   * other cursor, and the results from the next one on.
   */
  get adapters(): AdaptersMap {
    if (!this.#ownAdapters) {
      this.#ownAdapters = true;
      const adapters = new AdaptersMap(this.#transformer.adapters);
      this.#transformer = new Transformer(adapters, this.#transformer.session);
    }
    return this.#transformer.adapters;
  }

  /**
   * The loaders and dumpers for the next statement.
   *
   * @internal
   */
  protected get transformer(): Transformer {
    return this.#transformer;
  }

  /** What was sent last, or `null`. For debugging: it holds the parameters. */
  get query(): SentQuery | null {
    const bound = this.#bound;
    if (bound === null) return null;
    const { text, values: params, formats } = bound;
    return { text, params, formats };
  }

  /** The columns of the result, or `null` if there is none. */
  get description(): readonly Column[] | null {
    return this.#result?.description ?? null;
  }

  /**
   * How many rows the result has, or the command concerned; -1 where that is
   * not known.
   */
  get rowCount(): number {
    return this.#result?.rowCount ?? -1;
  }

  /** The index of the next row, from 0, or `null` where there are no rows. */
  get rowNumber(): number | null {
    return this.#result?.fields ? this.#row : null;
  }

  /** The command tag of the result, for example `INSERT 0 1`, or `null`. */
  get statusMessage(): string | null {
    return this.#result?.commandTag ?? null;
  }

  get #result(): Result | undefined {
    return this.#results[this.#index];
  }

  /**
   * Runs a statement.
   *
   * Without parameters the text goes as it is, and may hold several statements;
   * each has its result.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of this cursor that has the fetch methods too.
   * @throws {ProgrammingError} If the placeholders and the parameters do not match.
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {OperationalError} If the connection is closed or gets lost.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   */
  execute(
    query: Query,
    params?: QueryParameters,
    options: ExecuteOptions = {},
  ): Execution<Row, this> {
    const { executor } = this.#connection;
    if (executor.pipelineDepth === 0) {
      return Execution.of(this.#execute(query, params, options));
    }
    return new Execution((resolve, reject) => {
      const request = this.#request(query, params, options);
      executor.append(
        request,
        () => resolve(this.#show(request)),
        (error) => {
          this.#show(request);
          reject(error);
        },
      );
    });
  }

  async #execute(
    query: Query,
    params: QueryParameters | undefined,
    options: ExecuteOptions,
  ): Promise<this> {
    const request = this.#request(query, params, options);
    try {
      await this.#connection.executor.run(request);
    } finally {
      this.#show(request);
    }
    return this;
  }

  #request(
    query: Query,
    params: QueryParameters | undefined,
    options: ExecuteOptions,
  ): Request {
    this.#checkOpen();
    this.#results = [];
    this.#index = this.#row = 0;
    this.#bound = null;
    this.#connection.executor.checkOpen();
    const transformer = this.#transformer;
    const bound = unsent(() => this.bind(query, params, transformer));
    this.#bound = bound;
    return {
      text: bound.text,
      values: bound.values,
      formats: bound.formats,
      simple: bound.simple ?? false,
      transformer,
      rowFactory: this.rowFactory,
      results: [],
      prepare: options.prepare,
      binary: options.binary ?? this.binary,
      signal: options.signal,
    };
  }

  /** Shows the results: of several statements also those before the one that failed. */
  #show({ results }: Request): this {
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
  // deno-lint-ignore require-await -- rejects rather than throws
  async fetchOne(): Promise<Row | null> {
    const { rows } = this.#rows();
    return this.#row < rows.length ? rows[this.#row++] as Row : null;
  }

  /**
   * The next rows.
   *
   * @param size How many at most; {@linkcode BaseCursor.arraySize} by default.
   * @returns The rows; none when there are none left.
   * @throws {ProgrammingError} If there is no result, or it has no rows.
   * @throws {InterfaceError} If the cursor is closed.
   */
  // deno-lint-ignore require-await -- rejects rather than throws
  async fetchMany(size?: number): Promise<Row[]> {
    const { rows } = this.#rows();
    const from = this.#row;
    this.#row = Math.min(rows.length, from + (size || this.arraySize));
    return rows.slice(from, this.#row) as Row[];
  }

  /**
   * All rows that are left.
   *
   * @returns The rows.
   * @throws {ProgrammingError} If there is no result, or it has no rows.
   * @throws {InterfaceError} If the cursor is closed.
   */
  // deno-lint-ignore require-await -- rejects rather than throws
  async fetchAll(): Promise<Row[]> {
    const { rows } = this.#rows();
    const from = this.#row;
    this.#row = rows.length;
    return rows.slice(from) as Row[];
  }

  /** The rows that are left, one by one. Leaving the loop does not close the cursor. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Row> {
    const result = this.#rows();
    while (this.#result === result && this.#row < result.rows.length) {
      yield result.rows[this.#row++] as Row;
    }
  }

  /**
   * Goes on to the next result of a text of several statements.
   *
   * @returns Whether there is one.
   */
  nextSet(): boolean {
    if (this.#index + 1 >= this.#results.length) return false;
    this.#index++;
    this.#row = 0;
    return true;
  }

  /**
   * Forgets the results. The cursor cannot be used any more; the connection can.
   *
   * @returns A promise that is there for symmetry.
   */
  close(): Promise<void> {
    this.#closed = true;
    this.#results = [];
    this.#index = this.#row = 0;
    return Promise.resolve();
  }

  /** Closes the cursor. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new InterfaceError("Cannot use the cursor: it is closed");
    }
  }

  /** The result, if it has rows. */
  #rows(): Result {
    this.#checkOpen();
    const result = this.#result;
    if (result === undefined) {
      throw new ProgrammingError("Cannot fetch: no statement has been run");
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
