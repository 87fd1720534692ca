/**
 * What all cursors that hold their rows in memory share: running statements.
 * What came of them is in `cursor_results.ts`.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { SqlTemplate } from "../sql/template.ts";
import { gather, type ParameterSets, Tally } from "./batch.ts";
import { CopyingCursor } from "./copying_cursor.ts";
import { Execution } from "./execution.ts";
import { PipelinedExecution } from "./pipelined_execution.ts";
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
  /**
   * The most rows that the results may have: ResultTooLarge if there are more.
   * By default what was given to `connect()`.
   */
  maxRows?: number | undefined;
  /**
   * The most bytes that the rows may have, as the server sends them:
   * ResultTooLarge if there are more. By default what was given to `connect()`.
   */
  maxResultBytes?: number | undefined;
}

/** Options of `executeMany()`. */
export interface ExecuteManyOptions extends ExecuteOptions {
  /**
   * Whether to keep the result of each run, for `results()` and `nextSet()`.
   *
   * @default {false}
   */
  returning?: boolean | undefined;
}

/**
 * Runs statements and holds their results. The base of {@linkcode Cursor} and
 * {@linkcode RawCursor}.
 */
export abstract class BaseCursor<Row> extends CopyingCursor<Row> {
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
    return this.#inPipeline((resolve, reject) => {
      const request = this.#request(query, params, options);
      const { results } = request;
      executor.queue.append(
        request,
        () => resolve(results),
        (error) => reject(error, results),
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
      this.show([result]);
    });
  }

  /**
   * Runs a statement once for each set of parameters, without waiting for the
   * answers in between. If one run fails, those behind it do not happen, and
   * unless a transaction was open those before it are undone.
   *
   * Sets that come by and by, from an `AsyncIterable`, are sent some at a time,
   * and other statements may run in between, also those that the sets come from.
   * In autocommit mode what was sent before a failure is then kept: use a
   * transaction.
   *
   * @param query Text, or a composed statement.
   * @param sets The values for the placeholders of each run.
   * @param options See {@linkcode ExecuteManyOptions}.
   * @returns A promise of this cursor. Its `rowCount` is that of all runs
   * together, or with `returning` that of the result at hand.
   * @throws {NotSupportedError} If the query is a template, which has its values in it.
   * @throws {ProgrammingError} If the placeholders and the parameters do not match.
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {OperationalError} If the connection is closed or gets lost.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const cursor = conn.cursor();
   * await cursor.execute("create temp table item (id serial, name text)");
   * const names = [["pen"], ["ink"], ["paper"]];
   * await cursor.executeMany("insert into item (name) values (%s)", names);
   * console.log(cursor.rowCount); // 3
   * const query = "insert into item (name) values (%s) returning id";
   * await cursor.executeMany(query, names, { returning: true });
   * for (const { rowNumber } of cursor.results()) {
   *   console.log(rowNumber, await cursor.fetchOne()); // 0 { id: 4 }, and so on
   * }
   * ```
   */
  executeMany(
    query: Query,
    sets: ParameterSets,
    options: ExecuteManyOptions = {},
  ): Execution<Row, this> {
    const { executor } = this.connection;
    if (executor.pipelineDepth === 0) {
      return Execution.of(this.#executeMany(query, sets, options));
    }
    return this.#inPipeline((resolve, reject) => {
      this.#startMany(query, options);
      const tally = new Tally(options.returning ?? false);
      const settle = (error?: unknown) => {
        if (error !== undefined) return reject(error, []);
        this.tally = tally;
        resolve(tally.results);
      };
      if (Symbol.iterator in sets) {
        this.#appendMany(query, sets, options, tally).then(
          () => settle(),
          settle,
        );
        if (options.returning) executor.queue.startSync();
      } else {
        this.#runMany(query, sets, options, tally).then(() => settle(), settle);
      }
    });
  }

  /** Makes the promise of what is run in a pipeline. */
  #inPipeline(
    start: (
      resolve: (results: Result[]) => void,
      reject: (error: unknown, results: Result[]) => void,
    ) => void,
  ): Execution<Row, this> {
    const { executor } = this.connection;
    const execution = new PipelinedExecution<Row, this>();
    this.running = execution;
    const settle = (results: Result[]) => {
      if (this.running !== execution) return; // It runs something else by now.
      this.running = null;
      this.show(results);
    };
    const fail = (error: unknown, results: Result[]) => {
      settle(results);
      execution.fail(error);
      if (!execution.heeded) executor.queue.noteFailure(execution);
    };
    try {
      start((results) => {
        settle(results);
        execution.complete(this);
      }, fail);
    } catch (error) {
      fail(error, []);
    }
    return execution;
  }

  async #executeMany(
    query: Query,
    sets: ParameterSets,
    options: ExecuteManyOptions,
  ): Promise<this> {
    this.#startMany(query, options);
    const tally = new Tally(options.returning ?? false);
    await this.#runMany(query, sets, options, tally);
    this.tally = tally;
    return this.show(tally.results);
  }

  #startMany(query: Query, { signal }: ExecuteManyOptions): void {
    this.startRun();
    signal?.throwIfAborted();
    if (query instanceof SqlTemplate) {
      throw new NotSupportedError(
        "Cannot run a template with executeMany(): it has its values in it, give text with placeholders",
      );
    }
  }

  /** Runs a statement with sets of parameters, in or out of a pipeline as it is by then. */
  async #runMany(
    query: Query,
    sets: ParameterSets,
    options: ExecuteManyOptions,
    tally: Tally,
  ): Promise<void> {
    const { executor } = this.connection;
    const { signal } = options;
    const groups = Symbol.iterator in sets ? [sets] : gather(sets, signal);
    for await (const group of groups) {
      if (executor.pipelineDepth > 0) {
        await this.#appendMany(query, group, options, tally);
        continue;
      }
      await executor.runBatch({
        requests: this.#requests(query, group, options),
        done: (request) => tally.add(request),
      }, signal);
    }
    if (options.returning && executor.pipelineDepth > 0) {
      executor.queue.startSync();
    }
  }

  /** Appends runs of a statement to the pipeline, all at once, and waits until they are answered. */
  #appendMany(
    query: Query,
    sets: Iterable<QueryParameters>,
    options: ExecuteManyOptions,
    tally: Tally,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let outstanding = 1;
    const over = () => {
      if (--outstanding === 0) resolve();
    };
    try {
      for (const request of this.#requests(query, sets, options)) {
        outstanding++;
        this.connection.executor.queue.append(request, () => {
          tally.add(request);
          over();
        }, reject);
      }
      over();
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  *#requests(
    query: Query,
    sets: Iterable<QueryParameters>,
    options: ExecuteManyOptions,
  ): Iterable<Request> {
    let index = 0;
    for (const params of sets) {
      if (typeof params !== "object" || params === null) {
        throw new TypeError(
          `Cannot take the parameters at index ${index}: they must be an array or an object`,
        );
      }
      index++;
      yield this.#bind(query, params, options);
    }
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
      this.show(request.results);
    }
    return this;
  }

  #request(
    query: Query,
    params: QueryParameters | undefined,
    options: ExecuteOptions,
  ): Request {
    this.startRun();
    return this.#bind(query, params, options);
  }

  #bind(
    query: Query,
    params: QueryParameters | undefined,
    options: ExecuteOptions,
  ): Request {
    const bound = this.prepareRun(query, params);
    const { limits } = this.connection;
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
      limits: {
        maxRows: options.maxRows ?? limits.maxRows,
        maxResultBytes: options.maxResultBytes ?? limits.maxResultBytes,
      },
    };
  }
}
