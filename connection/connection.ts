/**
 * The connection: what the user holds of a session on a server. How statements
 * are run on it is in `connection_statements.ts`.
 *
 * @module
 */

import { connectArguments } from "./connect_arguments.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { ConnectionInfo } from "./connection_info.ts";
import { ConnectionTransactions } from "./connection_transactions.ts";
import { openSession } from "./connector.ts";
import { Executor } from "./executor.ts";
import { Lifetime } from "./lifetime.ts";
import { PgConn } from "./pgconn.ts";
import type { DictRow } from "./rows.ts";
import { Runner } from "./runner.ts";
import type { OpenedSession } from "./session_start.ts";

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
  /** What can be told about the connection. */
  override readonly info: ConnectionInfo;
  /**
   * Runs statements.
   *
   * @internal
   */
  override readonly executor: Executor;

  readonly #opened: OpenedSession;
  readonly #lifetime: Lifetime;
  #pgconn: PgConn | null = null;

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
    const { wire, session } = opened;
    this.#opened = opened;
    if (options.cancelTimeout !== undefined) {
      wire.cancelTimeout = options.cancelTimeout;
    }
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

  /**
   * When the connection ends: why it got lost, or `null` once it is closed on
   * purpose. It never rejects, and waiting for it alone keeps no process alive;
   * {@linkcode ConnectionEvents.ref} does. A reset is no end.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * conn.closedPromise.then((error) => {
   *   if (error !== null) console.log(`Lost: ${error.message}`);
   * });
   * await conn.execute("select 1");
   * ```
   */
  get closedPromise(): Promise<Error | null> {
    return this.#lifetime.closedPromise;
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
