/**
 * The part of a connection that runs statements: with cursors, with new ones, in
 * pipelines; and what these begin with.
 *
 * @module
 */

import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { AdaptersMap } from "../types/adapters_map.ts";
import { adapters } from "../types/defaults.ts";
import { Transformer } from "../types/transformer.ts";
import type { ParameterSets } from "./batch.ts";
import type {
  ConnectOptions,
  CursorFactory,
  ServerCursorFactory,
} from "./connect_options.ts";
import { ConnectionBase } from "./connection_base.ts";
import { Cursor } from "./cursor.ts";
import type {
  BaseCursor,
  ExecuteManyOptions,
  ExecuteOptions,
} from "./cursor_base.ts";
import type { CursorOptions } from "./cursor_core.ts";
import { makeCursor, makeServerCursor } from "./cursor_factory.ts";
import type { Execution } from "./execution.ts";
import { registerInt8Number } from "./int8.ts";
import { Pipeline } from "./pipeline.ts";
import type { ResultLimits } from "./result.ts";
import { dictRow, type RowFactory } from "./rows.ts";
import type { RowStream, StreamOptions } from "./row_stream.ts";
import { ServerCursor } from "./server_cursor.ts";
import type { ServerCursorOptions } from "./server_cursor_options.ts";
import type { OpenedSession } from "./session_start.ts";
import type { WarningHandler } from "./warnings.ts";

/** The part of a connection that runs statements. */
export abstract class ConnectionStatements<Row> extends ConnectionBase {
  /** The loaders and dumpers of this connection, for the cursors to come. */
  override readonly adapters: AdaptersMap;
  /** What becomes of the rows of the cursors to come. */
  rowFactory: RowFactory<Row>;
  /** The class of the cursors to come, or a function that makes one. */
  cursorFactory: CursorFactory;
  /** The class of the named cursors to come, or a function that makes one. */
  serverCursorFactory: ServerCursorFactory;
  /**
   * Gets warnings.
   *
   * @internal
   */
  readonly warn: WarningHandler;
  /**
   * How much a result may hold.
   *
   * @internal
   */
  readonly limits: ResultLimits;

  readonly #session: OpenedSession["session"];
  #pipeline: Pipeline<Row> | null = null;
  #transformer: Transformer | null = null;
  #transformerVersion = -1;

  /** @internal */
  constructor(
    opened: OpenedSession,
    options: ConnectOptions<Row>,
    origin: ConnectionStatements<Row> | null,
  ) {
    super(opened, options, origin);
    this.#session = opened.session;
    this.warn = opened.warn;
    this.limits = {
      maxRows: options.maxRows,
      maxResultBytes: options.maxResultBytes,
    };
    this.adapters = new AdaptersMap(
      origin?.adapters ?? options.context?.adapters ?? adapters,
    );
    if (origin !== null) {
      this.#transformer = origin.transformer;
      this.#transformerVersion = this.adapters.version;
    } else if (options.int8 === "number") registerInt8Number(this.adapters);
    this.rowFactory = origin?.rowFactory ?? options.rowFactory ??
      dictRow as unknown as RowFactory<Row>;
    this.cursorFactory = origin?.cursorFactory ?? options.cursorFactory ??
      Cursor;
    this.serverCursorFactory = origin?.serverCursorFactory ??
      options.serverCursorFactory ?? ServerCursor;
  }

  /**
   * The loaders and dumpers as they are now, shared by the cursors that are
   * opened until the next change.
   *
   * @internal
   */
  get transformer(): Transformer {
    const { version } = this.adapters;
    if (this.#transformer === null || this.#transformerVersion !== version) {
      this.#transformerVersion = version;
      this.#transformer = new Transformer(
        new AdaptersMap(this.adapters),
        this.#session,
      );
    }
    return this.#transformer;
  }

  /**
   * Opens a cursor.
   *
   * @param options See {@linkcode CursorOptions}.
   * @returns The cursor.
   * @throws {OperationalError} If the connection is closed.
   */
  override cursor<R = Row>(options?: CursorOptions<R>): BaseCursor<R>;
  /**
   * Opens a cursor on the server: its rows stay there until they are fetched.
   *
   * @param name Its name.
   * @param options See {@linkcode ServerCursorOptions}.
   * @returns The cursor.
   * @throws {OperationalError} If the connection is closed.
   * @throws {ProgrammingError} If the name is empty.
   */
  override cursor<R = Row>(
    name: string,
    options?: ServerCursorOptions<R>,
  ): ServerCursor<R>;
  override cursor<R = Row>(
    name?: string | CursorOptions<R>,
    options?: ServerCursorOptions<R>,
  ): BaseCursor<R> | ServerCursor<R> {
    this.executor.checkOpen();
    return typeof name === "string"
      ? makeServerCursor(this.serverCursorFactory, this, name, options)
      : makeCursor(this.cursorFactory, this, name);
  }

  /**
   * Runs a statement with a new cursor.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode ExecuteOptions}.
   * @returns A promise of the cursor that has its fetch methods too.
   * @throws {ProgrammingError} If the placeholders and the parameters do not match.
   * @throws {OperationalError} If the connection is closed or gets lost.
   * @throws {DatabaseError} What the server says; see the classes of `./errors`.
   *
   * @example
   * ```ts
   * import { connect, sql } from "@x/pgts";
   *
   * await using conn = await connect();
   * const name = "Ada";
   * const row = await conn.execute(sql`select ${name}::text as name`).fetchOne();
   * console.log(row); // { name: "Ada" }
   * ```
   */
  execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>> {
    return makeCursor<R>(this.cursorFactory, this).execute(
      query,
      params,
      options,
    );
  }

  /**
   * Runs a statement once for each set of parameters, with a new cursor: see
   * {@linkcode BaseCursor.executeMany}.
   *
   * @param query Text, or a composed statement.
   * @param sets The values for the placeholders of each run.
   * @param options See {@linkcode ExecuteManyOptions}.
   * @returns A promise of the cursor.
   */
  executeMany<R = Row>(
    query: Query,
    sets: ParameterSets,
    options?: ExecuteManyOptions,
  ): Execution<R, BaseCursor<R>> {
    return makeCursor<R>(this.cursorFactory, this).executeMany(
      query,
      sets,
      options,
    );
  }

  /**
   * Runs a statement whose rows are handed on as they arrive, with a new cursor;
   * see {@linkcode BaseCursor.stream}.
   *
   * @param query Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode StreamOptions}.
   * @returns The rows.
   *
   * @example
   * ```ts
   * import { connect, sql } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * const last = 1_000_000;
   * for await (const { n } of conn.stream(sql`select generate_series(1, ${last}) as n`)) {
   *   if (n === 3) break; // the statement is cancelled
   * }
   * ```
   */
  stream<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: StreamOptions,
  ): RowStream<R> {
    return makeCursor<R>(this.cursorFactory, this).stream(
      query,
      params,
      options,
    );
  }

  /**
   * Runs statements without waiting for the answers of those before: what is run
   * at once leaves in one write. See {@linkcode Pipeline} for what an error does.
   *
   * @returns The pipeline, which is open until it is disposed of.
   * @throws {OperationalError} If the connection is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await using p = await conn.pipeline();
   * p.execute("create temp table item (n int)");
   * p.execute("insert into item values (1)");
   * const row = await p.execute("select n from item").fetchOne();
   * console.log(row); // { n: 1 }
   * ```
   */
  pipeline(): Promise<Pipeline<Row>>;
  /**
   * Runs statements without waiting for the answers of those before: what is run
   * at once leaves in one write. See {@linkcode Pipeline} for what an error does.
   *
   * @param block Gets the pipeline; whatever is run on the connection until it
   * settles goes through it. Inside of another pipeline it is the same one.
   * @returns What the function returned, when everything is answered.
   * @throws Whatever the function throws, or else the first error that nobody
   * awaited.
   * @throws {OperationalError} If the connection is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const sums = await conn.pipeline((p) =>
   *   Promise.all([1, 2, 3].map((n) => p.execute("select %s + 1 as sum", [n]).fetchOne()))
   * );
   * console.log(sums); // [{ sum: 2 }, { sum: 3 }, { sum: 4 }]
   * ```
   */
  pipeline<T>(block: (pipeline: Pipeline<Row>) => T | Promise<T>): Promise<T>;
  async pipeline<T>(
    block?: (pipeline: Pipeline<Row>) => T | Promise<T>,
  ): Promise<T | Pipeline<Row>> {
    if (!this.#pipeline?.open) this.#pipeline = new Pipeline<Row>(this);
    const pipeline = this.#pipeline;
    return await (block === undefined ? pipeline.enter() : pipeline.run(block));
  }
}
