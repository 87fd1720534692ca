/**
 * The cursors that leave their rows on the server: DECLARE, FETCH, MOVE, CLOSE.
 * How rows are fetched is in `fetching_cursor.ts`.
 *
 * @module
 */

import { NotSupportedError } from "../errors/base.ts";
import { bindQuery, type BoundQuery, type Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import type { CursorConnection } from "./cursor_core.ts";
import { Execution } from "./execution.ts";
import { FetchingCursor } from "./fetching_cursor.ts";
import type { DictRow } from "./rows.ts";
import type {
  FetchOptions,
  ServerCursorOptions,
  ServerExecuteOptions,
} from "./server_cursor_options.ts";
import type { ScrollMode } from "./server_cursor_position.ts";

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
export class ServerCursor<Row = DictRow> extends FetchingCursor<Row>
  implements AsyncDisposable {
  /** Whether it can go backwards; `null`: as the server likes. */
  readonly scrollable: boolean | null;
  /** Whether its rows outlive the transaction. */
  readonly withHold: boolean;

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
    super(connection, name, options);
    this.scrollable = options.scrollable ?? null;
    this.withHold = options.withHold ?? false;
    this.declared.watch(this, this.withHold, connection.warn);
  }

  /** @internal */
  protected override bind(
    query: Query,
    params: QueryParameters | undefined,
    transformer: Transformer,
  ): BoundQuery {
    return bindQuery(query, params, transformer);
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
      this.exclusively(
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
    this.keep([]);
    await this.declared.declare(bound, {
      ...this.making,
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
    return `DECLARE ${this.declared.quoted} ${scroll}CURSOR ${hold}FOR `;
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
    await this.exclusively(async () => {
      this.checkUsable();
      const { waiting } = this;
      if (mode === "relative" && value >= 0 && value <= waiting) {
        this.declared.checkOpen();
        this.skip(value);
        return;
      }
      await this.declared.move(
        mode === "relative" ? value - waiting : value,
        mode,
        { ...this.making, signal: options.signal },
      );
      this.keep([]);
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
    await this.exclusively(async () => {
      this.keep([]);
      try {
        await this.declared.close();
      } catch {
        // Where the connection is lost, so is the cursor.
      }
    });
  }

  /** Closes the cursor. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function unsupported(method: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${method}() with a cursor on the server: use a Cursor, which has no name`,
  );
}
