/**
 * What all cursors that hold their rows in memory share: running statements,
 * results, fetching.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Column } from "./column.ts";
import { CursorCore } from "./cursor_core.ts";
import { Execution, type Fetchable } from "./execution.ts";
import type { Result, RowTaker } from "./result.ts";
import { RowStream, type StreamOptions } from "./row_stream.ts";
import type { Request } from "./statement_writer.ts";

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

/**
 * Runs statements and holds their results. The base of {@linkcode Cursor} and
 * {@linkcode RawCursor}.
 */
export abstract class BaseCursor<Row> extends CursorCore<Row>
  implements Fetchable<Row>, AsyncDisposable {
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
    return this.#result?.rowCount ?? -1;
  }

  /** The index of the next row, from 0, or `null` where there are no rows. */
  get rowNumber(): number | null {
    const result = this.#result;
    return result?.fields && !result.streamed ? this.#row : null;
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
    const { executor } = this.connection;
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

  /**
   * Runs a statement whose rows are handed on as they arrive, however many they
   * are: while who takes them lags behind, the server waits. Statements of other
   * tasks wait until the rows have been read, and a stream that is left before
   * that is cancelled on the server, which fails the transaction.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode StreamOptions}.
   * @returns The rows. The statement is sent when the first is asked for; what
   * goes wrong is told there, see {@linkcode RowStream.next}.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * let sum = 0;
   * const query = "select generate_series(1, %s) as n";
   * for await (const { n } of conn.cursor().stream(query, [1000])) {
   *   sum += Number(n);
   *   if (n === 100) break;
   * }
   * console.log(sum); // 5050
   * ```
   */
  stream(
    query: Query,
    params?: QueryParameters,
    options: StreamOptions = {},
  ): RowStream<Row> {
    const { executor } = this.connection;
    const run = async (taker: RowTaker, signal: AbortSignal) => {
      const { binary } = options;
      const request = {
        ...this.#request(query, params, { binary, signal }),
        taker,
      };
      await executor.run({ ...request, values: request.values ?? [] });
      if (request.results[0]?.fields) return;
      throw new ProgrammingError(
        `Cannot stream: the statement has no rows (command status: ${
          request.results[0]?.commandTag ?? "EMPTY_QUERY"
        })`,
      );
    };
    return new RowStream(executor.wire, options, run, (result) => {
      this.#results = [result];
      this.#index = this.#row = 0;
    });
  }

  async #execute(
    query: Query,
    params: QueryParameters | undefined,
    options: ExecuteOptions,
  ): Promise<this> {
    const request = this.#request(query, params, options);
    try {
      await this.connection.executor.run(request);
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
    this.checkUsable();
    this.#results = [];
    this.#index = this.#row = 0;
    const bound = this.prepareRun(query, params);
    return {
      text: bound.text,
      values: bound.values,
      formats: bound.formats,
      simple: bound.simple ?? false,
      transformer: this.transformer,
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
    this.markClosed();
    this.#results = [];
    this.#index = this.#row = 0;
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
