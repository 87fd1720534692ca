/**
 * The outcome of statements: rows made as they arrive, the command tag, the
 * count of rows.
 *
 * @module
 */

import { DataError, ResultTooLarge } from "../errors/base.ts";
import type { FieldDescription } from "../protocol/backend.ts";
import type { ResultSink } from "../protocol/exchange.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { SessionState } from "../types/adapt.ts";
import { OID } from "../types/oids.ts";
import { MultirangeInfo, RangeInfo } from "../types/type_info.ts";
import type { TypesRegistry } from "../types/types_registry.ts";
import { RowPlan } from "../types/row_decoder.ts";
import type { Transformer } from "../types/transformer.ts";
import { Column } from "./column.ts";
import {
  planRows,
  type RowFactory,
  type RowMaker,
  type RowSource,
} from "./rows.ts";
import { checkFormats, rememberFields } from "./result_formats.ts";
import type { Statement } from "./statement_cache.ts";

/** Takes rows as they come, instead of the result that they belong to. */
export interface RowTaker {
  /** Whether it still wants rows; those to come are not even decoded if not. */
  readonly wanted: boolean;
  /** The columns are known. */
  begin(result: Result): void;
  /** A row. */
  take(row: unknown): void;
  /** There will be no further row, as one could not be made. */
  failed(error: unknown): void;
}

/** How much the results of a text may hold; `undefined` is no limit. */
export interface ResultLimits {
  /** The most rows. */
  readonly maxRows: number | undefined;
  /** The most bytes of rows, as the server sends them. */
  readonly maxResultBytes: number | undefined;
}

/** How the rows of a result are to be made. */
export interface RowTarget {
  /** Whether the caller insists on a format, so that none can be wrong. */
  readonly binary: boolean | undefined;
  /** Loaders of the context that asked. */
  readonly transformer: Transformer;
  /** What becomes of a row. */
  readonly rowFactory: RowFactory<unknown>;
  /** Gets the results that are complete. */
  readonly results: Result[];
  /** Takes the rows; without it the results keep them. */
  readonly taker?: RowTaker;
  /** How much they may hold. */
  readonly limits?: ResultLimits | undefined;
}

/** The outcome of one statement. */
export class Result implements RowSource {
  /** The rows, if the statement has any. */
  readonly rows: unknown[] = [];
  /** The columns as the server described them, or `null` if there are no rows. */
  readonly fields: readonly FieldDescription[] | null;
  /** The command tag; `null` where the statement was empty. */
  commandTag: string | null = null;
  /** Whether its rows went elsewhere as they came. */
  readonly streamed: boolean;

  readonly #transformer: Transformer;
  #description: readonly Column[] | null = null;

  /**
   * @param fields The columns, or `null` where there are no rows.
   * @param transformer Knows the types, for the description.
   * @param streamed Whether its rows go elsewhere as they come.
   */
  constructor(
    fields: readonly FieldDescription[] | null,
    transformer: Transformer,
    streamed = false,
  ) {
    this.fields = fields;
    this.streamed = streamed;
    this.#transformer = transformer;
  }

  /** The columns, or `null` if the statement has no rows. */
  get description(): readonly Column[] | null {
    if (this.fields === null) return null;
    const { types } = this.#transformer.adapters;
    return this.#description ??= this.fields.map((field) =>
      new Column(field, types)
    );
  }

  /**
   * How many rows there are, or how many the command says it concerned; -1 where
   * it does not say.
   *
   * @throws {DataError} If the number is too large for a JavaScript number.
   */
  get rowCount(): number {
    if (this.streamed) return -1;
    if (this.fields !== null) return this.rows.length;
    const digits = this.commandTag?.match(/ (\d+)$/)?.[1];
    if (digits === undefined) return -1;
    const count = Number(digits);
    if (Number.isSafeInteger(count)) return count;
    throw new DataError(
      `Cannot tell the number of rows: the server says ${digits}, which no JavaScript number holds exactly, see statusMessage`,
    );
  }
}

/** The outcome of a COPY: columns without rows to fetch. */
export class CopyResult extends Result {
  readonly #columns: readonly Column[];

  /**
   * @param columns The format of each column, which is all that the server tells.
   * @param transformer Knows the types, for the description.
   */
  constructor(columns: readonly (0 | 1)[], transformer: Transformer) {
    super(null, transformer);
    const { types } = transformer.adapters;
    this.#columns = columns.map((format, i) =>
      new Column({
        name: `column_${i + 1}`,
        tableOid: 0,
        columnNumber: 0,
        typeOid: 0,
        typeSize: -1,
        typeModifier: -1,
        format,
      }, types)
    );
  }

  override get description(): readonly Column[] {
    return this.#columns;
  }
}

/** Commands after which the server may write values otherwise. */
const MAY_SET = /^(?:SET|RESET|DISCARD|ROLLBACK|COMMIT|SELECT|DO|CALL)\b/;

/** The types whose text DateStyle or IntervalStyle changes. */
const DATES: ReadonlySet<number> = new Set([
  OID.DATE,
  OID.TIMESTAMP,
  OID.TIMESTAMPTZ,
  OID.INTERVAL,
]);

/** The type itself, that of an array's elements, or that of a range's bounds. */
function scalarOf(oid: number, types: TypesRegistry): number {
  const info = types.get(oid);
  return info instanceof RangeInfo || info instanceof MultirangeInfo
    ? info.subtypeOid
    : info?.oid ?? oid;
}

/** What the meaning of a value's text depends on. */
interface Settings {
  readonly encoding: string;
  readonly styles: string;
}

function settingsOf(session: SessionState): Settings {
  const styles = ["DateStyle", "IntervalStyle"]
    .map((name) => session.parameterStatus(name)).join();
  return { encoding: session.encoding, styles };
}

/** Whether a row has no byte that encodings differ in, its lengths included. */
function isAscii({ bytes, start, end }: ReadBuffer): boolean {
  return bytes.subarray(start, end).every((byte) => byte < 0x80);
}

/** What a plan was made for: it fits as long as these are the same. */
interface CachedPlan {
  readonly fields: readonly FieldDescription[];
  readonly rowFactory: RowFactory<unknown>;
  readonly transformer: Transformer;
  readonly version: number;
  readonly plan: RowPlan;
}

/** Takes the results of a text of statements, one after the other. */
export class ResultCollector implements ResultSink {
  readonly #target: RowTarget;
  readonly #statement: Statement | null;
  readonly #taker: RowTaker | null;
  /** How much may still come. Without limits the numbers never get to zero. */
  #rowsLeft: number;
  #bytesLeft: number;
  #afterSet = false;
  #readUnder: Settings | null = null;
  #hasText = false;
  #hasDates = false;
  #current: Result | null = null;
  #plan: RowPlan | null = null;
  #maker: RowMaker<unknown> | null = null;

  /**
   * @param target How rows are to be made.
   * @param statement Where a plan is remembered, and columns are known from.
   */
  constructor(target: RowTarget, statement: Statement | null) {
    this.#target = target;
    this.#statement = statement;
    this.#taker = target.taker ?? null;
    this.#rowsLeft = target.limits?.maxRows ?? Infinity;
    this.#bytesLeft = target.limits?.maxResultBytes ?? Infinity;
  }

  describe(described: readonly FieldDescription[]): void {
    const { binary, transformer } = this.#target;
    const statement = this.#statement;
    const fields = statement === null
      ? described
      : rememberFields(statement, described);
    try {
      if (binary === undefined) checkFormats(fields, transformer);
      this.expect(fields);
    } catch (error) {
      this.#taker?.failed(error);
      throw error;
    }
  }

  /** The results that are complete. */
  get results(): readonly Result[] {
    return this.#target.results;
  }

  /** Prepares for rows of these columns, which the server will not describe again. */
  expect(fields: readonly FieldDescription[]): void {
    const { rowFactory, transformer } = this.#target;
    if (this.#afterSet) {
      this.#readUnder ??= settingsOf(transformer.session);
      const { types } = transformer.adapters;
      this.#hasDates ||= fields.some(({ typeOid }) =>
        DATES.has(scalarOf(typeOid, types))
      );
    }
    const result = new Result(fields, transformer, this.#taker !== null);
    const statement = this.#statement;
    const cached = statement?.plan as CachedPlan | null ?? null;
    this.#current = result;
    this.#taker?.begin(result);
    if (
      cached !== null && cached.fields === fields &&
      cached.rowFactory === rowFactory &&
      cached.transformer === transformer &&
      cached.version === transformer.adapters.version
    ) {
      this.#plan = cached.plan;
      this.#maker = null;
      return;
    }
    const { shape, maker } = planRows(rowFactory, result);
    const plan = new RowPlan(
      fields.map((field) => ({
        name: field.name,
        typeName: nameOf(field.typeOid, transformer),
        loader: transformer.getLoader(field.typeOid, field.format),
      })),
      shape,
    );
    this.#plan = plan;
    this.#maker = maker;
    if (statement !== null && maker === null) {
      const { version } = transformer.adapters;
      statement.plan = {
        fields,
        rowFactory,
        transformer,
        version,
        plan,
      } satisfies CachedPlan;
    }
  }

  row(source: ReadBuffer): void {
    if (
      --this.#rowsLeft < 0 ||
      (this.#bytesLeft -= source.end - source.start) < 0
    ) throw this.#tooLarge();
    const taker = this.#taker;
    if (taker !== null) return this.#hand(source, taker);
    if (this.#readUnder !== null) this.#hasText ||= !isAscii(source);
    this.#current!.rows.push(this.#make(source));
  }

  #make(source: ReadBuffer): unknown {
    const row = this.#plan!.decode(source);
    return this.#maker === null ? row : this.#maker(row as unknown[]);
  }

  #hand(source: ReadBuffer, taker: RowTaker): void {
    if (!taker.wanted) return;
    let row: unknown;
    try {
      row = this.#make(source);
    } catch (error) {
      taker.failed(error);
      throw error;
    }
    taker.take(row);
  }

  /** What is there is let go: the error is all that comes of the statements. */
  #tooLarge(): ResultTooLarge {
    this.drop();
    this.#current = null;
    const { maxRows, maxResultBytes } = this.#target.limits!;
    const limit = this.#rowsLeft < 0
      ? `it has more rows than maxRows allows, ${maxRows}`
      : `its rows have more bytes than maxResultBytes allows, ${maxResultBytes}`;
    return new ResultTooLarge(
      `Cannot hold the result: ${limit}, ask for less with LIMIT, or allow more`,
    );
  }

  /**
   * Whether rows were read under settings that were not the ones they were
   * written under: the server reports what a SET changed only at the end of the
   * text that it stands in.
   */
  get misread(): boolean {
    const under = this.#readUnder;
    if (under === null) return false;
    const now = settingsOf(this.#target.transformer.session);
    return (this.#hasText && under.encoding !== now.encoding) ||
      (this.#hasDates && under.styles !== now.styles);
  }

  complete(tag: string): void {
    if (MAY_SET.test(tag)) this.#afterSet = true;
    const result = this.#current ?? new Result(null, this.#target.transformer);
    result.commandTag = tag;
    this.#current = null;
    this.#target.results.push(result);
  }

  /** Forgets the results. */
  drop(): void {
    this.#target.results.length = 0;
  }

  empty(): void {
    this.#current = null;
    this.#target.results.push(new Result(null, this.#target.transformer));
  }
}

/** The name of a type for error messages. */
function nameOf(oid: number, { adapters }: Transformer): string {
  const info = adapters.types.get(oid);
  if (info === null) return `with OID ${oid}`;
  return info.arrayOid === oid ? `${info.regtype}[]` : info.regtype;
}
