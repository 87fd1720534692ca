/**
 * What every cursor has, wherever its rows are: its adapters, its row factory,
 * how it binds parameters, and its end.
 *
 * @module
 */

import { InterfaceError } from "../errors/base.ts";
import type { BoundQuery, Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { PlaceholderFormat } from "../types/adapt.ts";
import { AdaptersMap } from "../types/adapters_map.ts";
import { Transformer } from "../types/transformer.ts";
import type { Executor } from "./executor.ts";
import type { ResultLimits } from "./result.ts";
import type { RowFactory } from "./rows.ts";
import { unsent } from "./staleness.ts";
import type { WarningHandler } from "./warnings.ts";

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
  /** How much a result may hold. */
  readonly limits: ResultLimits;
  /** Gets warnings. */
  readonly warn: WarningHandler;
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

/** The sending of a statement, for looking at it after a failure. */
export interface SentQuery {
  /** The text as the server got it. */
  readonly text: string;
  /** The values of its parameters, or `null` if it had none. */
  readonly params: readonly unknown[] | null;
  /** The formats that its placeholders asked for. */
  readonly formats: readonly PlaceholderFormat[];
}

/** The part that the cursors of the client and those of the server share. */
export abstract class CursorCore<Row> {
  /** How many rows `fetchMany()` gives if it is not told. */
  arraySize = 1;
  /** What becomes of the rows of the results to come. */
  rowFactory: RowFactory<Row>;

  /**
   * The connection that statements run on.
   *
   * @internal
   */
  protected readonly connection: CursorConnection;
  /**
   * Whether rows are asked for in binary, where a run does not say.
   *
   * @internal
   */
  protected readonly binary: boolean | undefined;
  #transformer: Transformer;
  #ownAdapters = false;
  #closed = false;
  #bound: BoundQuery | null = null;
  #confined: (() => void) | null = null;

  /**
   * @param connection The connection that statements run on.
   * @param options See {@linkcode CursorOptions}.
   * @internal
   */
  constructor(connection: CursorConnection, options: CursorOptions<Row> = {}) {
    this.connection = connection;
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

  /** Whether the cursor was closed. */
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

  /**
   * Confines the cursor to a transaction block.
   *
   * @param check Throws when the block has ended: the cursor runs nothing then.
   * @internal
   */
  confine(check: () => void): this {
    this.#confined = check;
    return this;
  }

  /**
   * @throws {ProgrammingError} If the block that it is confined to has ended.
   * @internal
   */
  protected checkConfined(): void {
    this.#confined?.();
  }

  /**
   * Begins a run.
   *
   * @param prefix What goes before the statement.
   * @returns What is sent.
   * @throws Whatever keeps it from being sent.
   * @internal
   */
  protected prepareRun(
    query: Query,
    params: QueryParameters | undefined,
    prefix?: string,
  ): BoundQuery {
    this.#bound = null;
    this.checkConfined();
    this.connection.executor.checkOpen();
    const bound = unsent(() => this.bind(query, params, this.#transformer));
    return this.#bound = prefix === undefined
      ? bound
      : { ...bound, text: prefix + bound.text };
  }

  /** @internal */
  protected forgetBound(): void {
    this.#bound = null;
  }

  /** @internal */
  protected markClosed(): void {
    this.#closed = true;
  }

  /**
   * @throws {InterfaceError} If the cursor is closed.
   * @internal
   */
  protected checkUsable(): void {
    if (this.#closed) {
      throw new InterfaceError("Cannot use the cursor: it is closed");
    }
  }
}
