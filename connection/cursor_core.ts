/**
 * What every cursor has, wherever its rows are: its adapters, its row factory,
 * how it binds parameters, and its end.
 *
 * @module
 */

import { InterfaceError } from "../errors/base.ts";
import type { BoundQuery, Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import { Format, type PlaceholderFormat } from "../types/adapt.ts";
import { AdaptersMap } from "../types/adapters_map.ts";
import { Transformer } from "../types/transformer.ts";
import type { ConnectionInfo } from "./connection_info.ts";
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
  /** The loaders and dumpers, for the cursors to come. */
  readonly adapters: AdaptersMap;
  /** What can be told about the connection. */
  readonly info: ConnectionInfo;
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
  /**
   * The OIDs of the types that the parameters were sent as: 0 where the server
   * decides, as for strings, and where the value cannot be sent.
   */
  readonly types: readonly number[];
}

/** The part that the cursors of the client and those of the server share. */
export abstract class CursorCore<Row> {
  /** How many rows `fetchMany()` gives if it is not told. */
  arraySize = 1;
  /** What becomes of the rows of the results to come. */
  rowFactory: RowFactory<Row>;

  /** The connection that statements run on: the one that the cursor was opened on. */
  readonly connection: CursorConnection;
  /**
   * The format in which rows are asked for; `null`, the default, leaves it to
   * pgts. The values are the same either way. It counts from the next run on.
   */
  format: Format | null;
  #transformer: Transformer;
  #ownAdapters = false;
  #closed = false;
  #bound: BoundQuery | null = null;
  #boundBy: Transformer | null = null;
  #confined: (() => void) | null = null;

  /**
   * @param connection The connection that statements run on.
   * @param options See {@linkcode CursorOptions}.
   * @internal
   */
  constructor(connection: CursorConnection, options: CursorOptions<Row> = {}) {
    this.connection = connection;
    this.#transformer = connection.transformer;
    this.format = options.binary === undefined
      ? null
      : options.binary
      ? Format.BINARY
      : Format.TEXT;
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
    const types = params?.map((value, i) => this.#typeOf(value, formats[i]!));
    return { text, params, formats, types: types ?? [] };
  }

  #typeOf(value: unknown, format: PlaceholderFormat): number {
    if (value === null) return 0;
    try {
      return this.#boundBy!.getDumper(value, format).oid;
    } catch {
      return 0; // That is why it failed.
    }
  }

  /**
   * Whether rows are asked for in binary, where a run does not say.
   *
   * @internal
   */
  protected get binary(): boolean | undefined {
    return this.format === null ? undefined : this.format === Format.BINARY;
  }

  /**
   * How the last run ended, in a word; `null` where there was none.
   *
   * @internal
   */
  protected abstract get outcome(): string | null;

  /** The class, the state, and the connection; nothing of statements and rows. */
  toString(): string {
    const state = this.#closed ? "closed" : this.outcome ?? "no result";
    return `<${this.constructor.name} [${state}] ${this.connection.info}>`;
  }

  static {
    for (const symbol of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
      Object.defineProperty(this.prototype, Symbol.for(symbol), {
        value(this: CursorCore<unknown>): string {
          return this.toString();
        },
      });
    }
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
    const transformer = this.#boundBy = this.#transformer;
    const bound = unsent(() => this.bind(query, params, transformer));
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
