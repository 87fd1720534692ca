/**
 * The connection: what the user holds of a session on a server.
 *
 * @module
 */

import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { AdaptersMap } from "../types/adapters_map.ts";
import { adapters } from "../types/defaults.ts";
import { Transformer } from "../types/transformer.ts";
import { connectArguments } from "./connect_arguments.ts";
import type {
  ConnectOptions,
  CursorClass,
  ServerCursorClass,
} from "./connect_options.ts";
import { ConnectionInfo } from "./connection_info.ts";
import { ConnectionTransactions } from "./connection_transactions.ts";
import { openSession } from "./connector.ts";
import type { OpenedSession } from "./session_start.ts";
import { Cursor } from "./cursor.ts";
import type { ParameterSets } from "./batch.ts";
import type {
  BaseCursor,
  ExecuteManyOptions,
  ExecuteOptions,
} from "./cursor_base.ts";
import type { CursorOptions } from "./cursor_core.ts";
import type { NoticeHandler, NotifyHandler } from "./events.ts";
import type { Execution } from "./execution.ts";
import { Executor } from "./executor.ts";
import { registerInt8Number } from "./int8.ts";
import { Lifetime } from "./lifetime.ts";
import { PgConn } from "./pgconn.ts";
import { Pipeline } from "./pipeline.ts";
import type { ResultLimits } from "./result.ts";
import { type DictRow, dictRow, type RowFactory } from "./rows.ts";
import type { RowStream, StreamOptions } from "./row_stream.ts";
import { Runner } from "./runner.ts";
import { ServerCursor } from "./server_cursor.ts";
import type { ServerCursorOptions } from "./server_cursor_options.ts";
import type { WarningHandler } from "./warnings.ts";

/**
 * A session on a PostgreSQL server.
 *
 * Statements of several tasks may use one connection: they run one after the
 * other, and each gets its own answer. Unless `autocommit` is on, the first
 * statement opens a transaction that `commit()` or `rollback()` ends.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect({ autocommit: true });
 * for await (const row of conn.execute("select n from generate_series(1, 3) as n")) {
 *   console.log(row.n);
 * }
 * ```
 */
export class Connection<Row = DictRow> extends ConnectionTransactions<Row>
  implements AsyncDisposable {
  /** The loaders and dumpers of this connection, for the cursors to come. */
  override readonly adapters: AdaptersMap;
  /** What can be told about the connection. */
  override readonly info: ConnectionInfo;
  /** What becomes of the rows of the cursors to come. */
  rowFactory: RowFactory<Row>;
  /** The class of the cursors to come. */
  cursorFactory: CursorClass;
  /** The class of the named cursors to come. */
  serverCursorFactory: ServerCursorClass;
  /**
   * Runs statements.
   *
   * @internal
   */
  override readonly executor: Executor;
  /**
   * Gets warnings.
   *
   * @internal
   */
  override readonly warn: WarningHandler;
  /**
   * How much a result may hold.
   *
   * @internal
   */
  readonly limits: ResultLimits;

  readonly #opened: OpenedSession;
  readonly #lifetime: Lifetime;
  #pgconn: PgConn | null = null;
  #pipeline: Pipeline<Row> | null = null;
  #transformer: Transformer | null = null;
  #transformerVersion = -1;

  /**
   * @param opened The session.
   * @param options What it was opened with.
   * @param origin Another connection on the same session, which is used no more:
   * this one begins with its settings, and goes on with its prepared statements.
   * @internal
   */
  constructor(
    opened: OpenedSession,
    options: ConnectOptions<Row>,
    origin: Connection<Row> | null = null,
  ) {
    super(opened, options, origin);
    const { wire, session, warn } = opened;
    this.#opened = opened;
    this.warn = warn;
    if (options.cancelTimeout !== undefined) {
      wire.cancelTimeout = options.cancelTimeout;
    }
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
    this.transactions.noteReady(wire.engine.transactionStatus);
    this.executor = new Executor(
      new Runner(wire, this.statements, this.transactions, {
        joinBegin: options.joinBegin ?? true,
        readsDatesAsText: () => session.readsDatesAsText,
      }),
    );
    this.info = new ConnectionInfo(opened, {
      inPipeline: () => this.executor.pipelineDepth > 0,
      lastError: () => this.#lifetime.failure || this.executor.lastError,
    });
    this.#lifetime = new Lifetime(opened, this.executor, this.cancelRequests);
  }

  /**
   * Connects to a server: see {@linkcode connect}.
   *
   * @param conninfo A connection string or URI, or the options themselves.
   * @param options Parameters and settings; they win over the string.
   * @returns The open connection.
   */
  static async connect<Row = DictRow>(
    conninfo?: string | URL | ConnectOptions<Row>,
    options?: ConnectOptions<Row>,
  ): Promise<Connection<Row>> {
    const given = connectArguments(conninfo, options);
    return new this(
      await openSession(given.conninfo, given.options as ConnectOptions<never>),
      given.options,
    );
  }

  /** Whether the connection is closed, on purpose or by a failure. */
  get closed(): boolean {
    return this.#lifetime.closed;
  }

  /** The low level of the connection: statements and their bytes as they are. */
  get pgconn(): PgConn {
    return this.#pgconn ??= new PgConn({
      opened: this.#opened,
      executor: this.executor,
      info: this.info,
      lifetime: this.#lifetime,
    });
  }

  /** Whether the connection was closed by a failure. */
  get broken(): boolean {
    return this.#lifetime.broken;
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
        this.#opened.session,
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
      ? new this.serverCursorFactory<R>(this, name, options)
      : new this.cursorFactory<R>(this, name);
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
  override execute<R = Row>(
    query: Query,
    params?: QueryParameters,
    options?: ExecuteOptions,
  ): Execution<R, BaseCursor<R>> {
    return new this.cursorFactory<R>(this).execute(query, params, options);
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
    return new this.cursorFactory<R>(this).executeMany(query, sets, options);
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
    return new this.cursorFactory<R>(this).stream(query, params, options);
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

  /** Has a function told of the server's notices. What it throws becomes a warning. */
  addNoticeHandler(handler: NoticeHandler): void {
    this.#opened.events.noticeHandlers.add(handler);
  }

  /**
   * Has a function told of notices no more.
   *
   * @throws {ProgrammingError} If it was not added.
   */
  removeNoticeHandler(handler: NoticeHandler): void {
    this.#opened.events.noticeHandlers.remove(handler);
  }

  /**
   * Has a function told of notifications. While there is one, the process stays
   * alive for the connection.
   */
  addNotifyHandler(handler: NotifyHandler): void {
    this.#opened.events.notifyHandlers.add(handler);
    this.#opened.wire.ref();
  }

  /**
   * Has a function told of notifications no more.
   *
   * @throws {ProgrammingError} If it was not added.
   */
  removeNotifyHandler(handler: NotifyHandler): void {
    this.#opened.events.notifyHandlers.remove(handler);
    this.#opened.wire.unref();
  }

  /** Keeps the process alive for the connection until {@linkcode Connection.unref} is called. */
  ref(): void {
    this.#opened.wire.ref();
  }

  /** Takes a {@linkcode Connection.ref} back. */
  unref(): void {
    this.#opened.wire.unref();
  }

  /**
   * Closes the connection. An open transaction is lost, as always in PostgreSQL;
   * if it had changed something, a warning says so. Never throws; closing twice
   * does nothing.
   *
   * @returns A promise that resolves when the socket is closed.
   */
  close(): Promise<void> {
    return this.#lifetime.close();
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The class, the state, and who is connected where. */
  override toString(): string {
    return `<Connection ${this.info}>`;
  }

  /**
   * What may be written down, without secrets.
   *
   * @returns A plain object, for `JSON.stringify`.
   */
  toJSON(): Record<string, unknown> {
    return { info: this.info.toJSON(), closed: this.closed };
  }

  static {
    for (const symbol of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
      Object.defineProperty(this.prototype, Symbol.for(symbol), {
        value(this: Connection): string {
          return this.toString();
        },
      });
    }
  }

  /** @internal */
  protected override checkOpen(): void {
    this.executor.checkOpen();
  }
}
