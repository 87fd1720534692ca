/**
 * The low level of a connection, after libpq's PGconn: statements and their
 * bytes, with nothing adapted and no transaction opened.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import {
  StatementExchange,
  type StatementExchangeOptions,
  Step,
} from "../protocol/extended_query.ts";
import {
  writeClose,
  writeDescribe,
  writeParse,
  writeQuery,
  writeSync,
} from "../protocol/frontend.ts";
import { SimpleQueryExchange } from "../protocol/simple_query.ts";
import { Target } from "../protocol/tags.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { Executor } from "./executor.ts";
import type { Lifetime } from "./lifetime.ts";
import { ExecStatus } from "./pg_constants.ts";
import { PgResult } from "./pg_result.ts";
import { PgConnInfo } from "./pgconn_info.ts";
import { Trace, type TraceOptions } from "./pgconn_trace.ts";
import { RawCollector } from "./raw_collector.ts";
import {
  bindAndExecute,
  type ExecParamsOptions,
  type ExecPreparedOptions,
  type RawParameter,
} from "./raw_parameters.ts";
import type { Wire } from "./wire.ts";

/** What the low level of a connection consists of. */
export interface PgConnParts {
  /** The session. */
  readonly opened: { readonly wire: Wire };
  /** Whose turn it is. */
  readonly executor: Executor;
  /** What can be told. */
  readonly info: ConnectionInfo;
  /** Gets another session. */
  readonly lifetime: Lifetime;
}

/** How to give up {@linkcode PgConn.reset}. */
export interface ResetOptions {
  /** Gives up: the connection is then broken. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The low level of a connection. Ask `conn.pgconn` for it.
 *
 * Statements wait for their turn like all others on the connection, and no
 * transaction is opened for them: what is open stays open, else each is
 * committed by itself. An error rejects with the class of its SQLSTATE, and the
 * connection can be used on.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const { pgconn } = conn;
 * await pgconn.prepare("add", "select $1::int4 + $2::int4");
 * const result = await pgconn.execPrepared("add", ["1", "2"]);
 * console.log(new TextDecoder().decode(result.getValue(0, 0) ?? undefined)); // 3
 * await pgconn.closePrepared("add");
 * ```
 */
export class PgConn extends PgConnInfo {
  readonly #parts: PgConnParts;

  /** @internal */
  constructor(parts: PgConnParts) {
    super(parts.info);
    this.#parts = parts;
  }

  /**
   * Runs a text of statements by the simple protocol.
   *
   * @param text The statements.
   * @returns The result of the last one.
   * @throws {DatabaseError} What the server says to the first one that fails.
   * @throws {ProgrammingError} If one of them is a COPY from or to the client.
   * @throws {OperationalError} If the connection is closed or gets lost.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const result = await conn.pgconn.exec("select 1; select 2 as n");
   * console.log(result.fname(0), result.commandTuples); // n 1
   * ```
   */
  async exec(text: string): Promise<PgResult> {
    const results = await this.execAll(text);
    return results.at(-1) ?? new PgResult({ status: ExecStatus.EMPTY_QUERY });
  }

  /**
   * Runs a text of statements by the simple protocol.
   *
   * @param text The statements.
   * @returns The results of all of them.
   * @throws {DatabaseError} What the server says to the first one that fails.
   * @throws {ProgrammingError} If one of them is a COPY from or to the client.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async execAll(text: string): Promise<PgResult[]> {
    const collector = new RawCollector();
    await this.#converse(collector, (output) => {
      writeQuery(output, text);
      return new SimpleQueryExchange(collector, text);
    });
    return collector.results.map((parts) => new PgResult(parts));
  }

  /**
   * Runs one statement with parameters by the extended protocol.
   *
   * @param text The statement, with `$1` for the first parameter.
   * @param params The values of the parameters.
   * @param options Types and formats.
   * @returns Its result.
   * @throws {ProgrammingError} If the options or the values are not what they
   * must be, or it is a COPY from or to the client.
   * @throws {DatabaseError} What the server says.
   * @throws {OperationalError} If the connection is closed or gets lost.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const bytes = Uint8Array.of(0, 255);
   * const result = await conn.pgconn.execParams("select $1::bytea", [bytes], {
   *   formats: [1],
   *   resultFormat: 1,
   * });
   * console.log(result.getValue(0, 0)); // Uint8Array(2) [ 0, 255 ]
   * ```
   */
  async execParams(
    text: string,
    params: readonly RawParameter[] = [],
    options: ExecParamsOptions = {},
  ): Promise<PgResult> {
    const types = options.types ?? [];
    if (types.length > params.length) {
      throw new ProgrammingError(
        `Cannot run the statement: ${types.length} types are given for ${params.length} parameters`,
      );
    }
    const steps = Step.PARSE | Step.BIND | Step.DESCRIBE | Step.EXECUTE;
    return await this.#extended({ steps, queryText: text }, (output) => {
      writeParse(output, "", text, types);
      bindAndExecute(output, "", params, options);
    });
  }

  /**
   * Prepares a statement, so that {@linkcode PgConn.execPrepared} can run it.
   *
   * @param name The name that it gets; `""` for the one that the next statement
   * on the connection may replace.
   * @param text The statement, with `$1` for the first parameter.
   * @param types The OIDs of the types of the parameters; 0, or left out, where
   * the server decides.
   * @returns A result without rows.
   * @throws {DatabaseError} What the server says.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async prepare(
    name: string,
    text: string,
    types: readonly number[] = [],
  ): Promise<PgResult> {
    return await this.#extended(
      { steps: Step.PARSE, queryText: text },
      (output) => writeParse(output, name, text, types),
    );
  }

  /**
   * Runs a prepared statement.
   *
   * @param name Its name.
   * @param params The values of the parameters.
   * @param options Formats.
   * @returns Its result.
   * @throws {InvalidSqlStatementName} If there is no such statement.
   * @throws {ProgrammingError} If the options or the values are not what they must be.
   * @throws {DatabaseError} What the server says.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async execPrepared(
    name: string,
    params: readonly RawParameter[] = [],
    options: ExecPreparedOptions = {},
  ): Promise<PgResult> {
    const steps = Step.BIND | Step.DESCRIBE | Step.EXECUTE;
    return await this.#extended(
      { steps },
      (output) => bindAndExecute(output, name, params, options),
    );
  }

  /**
   * Asks for the parameters and the columns of a prepared statement.
   *
   * @param name Its name.
   * @returns A result without rows.
   * @throws {InvalidSqlStatementName} If there is no such statement.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async describePrepared(name: string): Promise<PgResult> {
    return await this.#extended(
      { steps: Step.PARAMETERS | Step.DESCRIBE },
      (output) => writeDescribe(output, Target.STATEMENT, name),
    );
  }

  /**
   * Asks for the columns of a portal, such as a cursor that was declared.
   *
   * @param name Its name.
   * @returns A result without rows.
   * @throws {InvalidCursorName} If there is no such portal.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async describePortal(name: string): Promise<PgResult> {
    return await this.#extended(
      { steps: Step.DESCRIBE },
      (output) => writeDescribe(output, Target.PORTAL, name),
    );
  }

  /**
   * Has the server forget a prepared statement. Does nothing if there is none.
   *
   * @param name Its name.
   * @returns A result without rows.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async closePrepared(name: string): Promise<PgResult> {
    return await this.#extended(
      { steps: 0, closes: 1 },
      (output) => writeClose(output, Target.STATEMENT, name),
    );
  }

  /**
   * Has the server close a portal, such as a cursor that was declared. Does
   * nothing if there is none.
   *
   * @param name Its name.
   * @returns A result without rows.
   * @throws {OperationalError} If the connection is closed or gets lost.
   */
  async closePortal(name: string): Promise<PgResult> {
    return await this.#extended(
      { steps: 0, closes: 1 },
      (output) => writeClose(output, Target.PORTAL, name),
    );
  }

  /**
   * Writes down what goes over the connection from now on, line by line in the
   * layout of libpq. Values that are sent as parameters are masked unless
   * `showValues` is set; what stands in the text of a statement is not, nor are
   * rows that come.
   *
   * @param write Gets each line, without the character that ends it; must not throw.
   * @param options See {@linkcode TraceOptions}.
   */
  trace(write: (line: string) => void, options?: TraceOptions): void {
    const { executor, opened } = this.#parts;
    if (executor.retired) executor.checkOpen();
    opened.wire.tap = new Trace(write, options);
  }

  /** Ends {@linkcode PgConn.trace}. */
  untrace(): void {
    const { executor, opened } = this.#parts;
    if (!executor.retired) opened.wire.tap = null;
  }

  /**
   * Ends the session and opens another with the same parameters, also after the
   * connection was lost. Everything on the connection can then be used on, with
   * its settings and its handlers, but what belonged to the session is gone: an
   * open transaction, prepared statements, temporary tables, settings by SET,
   * locks, LISTEN. Until it is done the connection is closed, and what is asked
   * of it meanwhile fails. While one reset is under way a second call waits for it.
   *
   * If it fails, the connection is broken, and may be reset again.
   *
   * @param options How to give up.
   * @throws {ProgrammingError} If a block of `transaction()`, `pipeline()` or
   * `copy()` is open.
   * @throws {OperationalError} If `close()` was called, or connecting fails.
   * @throws The reason of the signal, if it is aborted.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * const before = conn.info.backendPid;
   * await conn.pgconn.reset();
   * console.log(conn.info.backendPid !== before); // true
   * ```
   */
  async reset(options: ResetOptions = {}): Promise<void> {
    await this.#parts.lifetime.reset(options.signal);
  }

  async #extended(
    options: Omit<StatementExchangeOptions, "sync">,
    write: (output: WriteBuffer) => void,
  ): Promise<PgResult> {
    const collector = new RawCollector();
    const exchange = await this.#converse(collector, (output) => {
      write(output);
      writeSync(output);
      return new StatementExchange(collector, { ...options, sync: true });
    });
    return new PgResult(
      collector.results.at(-1) ?? {
        status: ExecStatus.COMMAND_OK,
        fields: exchange.fields ?? [],
        parameterOids: exchange.parameterOids ?? [],
      },
    );
  }

  async #converse<E extends Exchange>(
    { tags }: RawCollector,
    write: (output: WriteBuffer) => E,
  ): Promise<E> {
    const { opened: { wire }, executor } = this.#parts;
    return await executor.converse(wire.engine, tags, () => {
      const { output } = wire.engine;
      const mark = output.length;
      let exchange: E;
      try {
        exchange = write(output);
      } catch (error) {
        output.rollback(mark);
        throw error;
      }
      wire.enqueue(exchange);
      wire.flush();
      return exchange;
    });
  }
}
