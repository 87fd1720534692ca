/**
 * Rows on their way out: `Tuple`, and how it is sent.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { type Adaptation, type Dumper, PlaceholderFormat } from "./adapt.ts";
import { dumperOfType, isNumberType, stringDumperOf } from "./by_type.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { Multirange } from "./multirange_value.ts";
import { OID } from "./oids.ts";
import { Range } from "./range_value.ts";
import { writeRecordText } from "./record_text.ts";
import { type CompositeInfo, EnumInfo } from "./type_info.ts";

/**
 * The values of a row, to be sent as one value: an array would be sent as an
 * array. With the description of a composite type it is sent as that type,
 * without it the server finds the type from the context.
 *
 * @example A row for a column of a composite type
 * ```ts
 * import { connect, Tuple } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * await conn.execute("create type item as (name text, price numeric)");
 * await conn.execute("create temp table sale (what item)");
 * await conn.execute("insert into sale values (%s)", [new Tuple(["tea", "2.50"])]);
 * const row = await conn.execute("select (what).price from sale").fetchOne();
 * assertEquals(row?.price, "2.50");
 * ```
 */
export class Tuple implements Iterable<unknown> {
  /** The values of the fields. */
  readonly values: readonly unknown[];
  /** The type, where it is known. */
  readonly info: CompositeInfo | null;

  /**
   * Makes a row.
   *
   * @param values The values of its fields, in their order.
   * @param info The composite type that it is of.
   * @throws {ProgrammingError} If the type has another number of fields.
   */
  constructor(values: Iterable<unknown>, info: CompositeInfo | null = null) {
    this.values = [...values];
    this.info = info;
    if (info !== null && this.values.length !== info.fieldNames.length) {
      throw new ProgrammingError(
        `Cannot make a value of the type ${info.regtype}: it has ${info.fieldNames.length} fields, not ${this.values.length}`,
      );
    }
  }

  /**
   * Makes a row of a composite type from an object with a property for each
   * field: what such a value is loaded as by default.
   *
   * @param info The composite type.
   * @param object The object.
   * @returns The row.
   * @throws {ProgrammingError} If a field is missing, or undefined.
   *
   * @example
   * ```ts
   * import { CompositeInfo, connect, Tuple } from "@x/pgts";
   *
   * await using conn = await connect();
   * await conn.execute("create type item as (name text, price numeric)");
   * const info = await CompositeInfo.fetch(conn, "item");
   * const tea = Tuple.of(info!, { name: "tea", price: "2.50" });
   * await conn.execute("select (%s).price", [tea]);
   * ```
   */
  static of(
    info: CompositeInfo,
    object: Readonly<Record<string, unknown>>,
  ): Tuple {
    const values = info.fieldNames.map((name) => {
      const value = Object.hasOwn(object, name) ? object[name] : undefined;
      if (value !== undefined) return value;
      throw new ProgrammingError(
        `Cannot make a value of the type ${info.regtype}: the field ${
          JSON.stringify(name)
        } is missing, pass null for NULL`,
      );
    });
    return new Tuple(values, info);
  }

  /**
   * The values of the fields.
   *
   * @returns An iterator over them.
   */
  [Symbol.iterator](): IterableIterator<unknown> {
    return this.values[Symbol.iterator]();
  }
}

/** How deep rows are sent inside rows; what passes it contains itself. */
const MAX_DEPTH = 100;
let depth = 0;

/** Goes into the fields of a row, which must not contain itself. */
function nested<T>(write: () => T): T {
  if (depth === MAX_DEPTH) {
    throw new DataError(
      `Cannot send a row: it is nested more than ${MAX_DEPTH} deep, or contains itself`,
    );
  }
  depth++;
  try {
    return write();
  } finally {
    depth--;
  }
}

function fieldIsUndefined(index: number): ProgrammingError {
  return new ProgrammingError(
    `Cannot send a row: the field at position ${index} is undefined, pass null for NULL`,
  );
}

/**
 * The fields of a row as the text that the server reads.
 *
 * @param values The values of the fields.
 * @param adaptation What finds their dumpers.
 * @returns The text.
 * @throws {ProgrammingError} If a value is undefined, or there is no dumper for it.
 * @throws {DataError} If a value cannot be sent, or the row contains itself.
 */
export function recordText(
  values: readonly unknown[],
  adaptation: Adaptation,
): string {
  return nested(() =>
    writeRecordText(values.map((value, index) => {
      if (value === undefined) throw fieldIsUndefined(index);
      return value === null
        ? null
        : adaptation.getDumper(value, PlaceholderFormat.TEXT).text(value);
    }))
  );
}

/** Whether a value is made of others, so that those may tell less than the type. */
function isMade(value: unknown): boolean {
  return Array.isArray(value) || value instanceof Range ||
    value instanceof Multirange;
}

/** The binary dumper for a field; the server takes none of another type. */
function fieldDumper(
  value: unknown,
  oid: number,
  adaptation: Adaptation,
): Dumper | null {
  const isNumber = typeof value === "number" || typeof value === "bigint";
  const format = PlaceholderFormat.BINARY;
  if (isNumber && isNumberType(oid)) {
    return dumperOfType(oid, adaptation, format);
  }
  const dumper = adaptation.getDumper(value, format);
  if (dumper.oid === oid) return dumper;
  const info = adaptation.typeInfoOf?.(oid) ?? null;
  if (info !== null && info.oid === oid && info.baseOid !== 0) {
    return fieldDumper(value, info.baseOid, adaptation);
  }
  if (isMade(value)) return dumperOfType(oid, adaptation, format);
  if (typeof value !== "string") return null;
  return dumper.oid === OID.TEXT && info instanceof EnumInfo
    ? dumper
    : stringDumperOf(oid, adaptation, format);
}

/**
 * Appends the fields of a row of a composite type in binary format.
 *
 * @param values The values of the fields.
 * @param info The type.
 * @param adaptation What finds the dumpers of the fields.
 * @param out Where to append it.
 * @throws {ProgrammingError} If a value is undefined, or there is no binary
 * dumper for it.
 * @throws {DataError} If a value is not of the type of its field.
 */
export function writeRecordBinary(
  values: readonly unknown[],
  info: CompositeInfo,
  adaptation: Adaptation,
  out: WriteBuffer,
): void {
  nested(() => {
    out.int32(values.length);
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (value === undefined) throw fieldIsUndefined(index);
      const oid = info.fieldTypes[index] ?? 0;
      out.int32(oid);
      const at = out.beginValue();
      if (value === null) {
        out.nullValue(at);
        continue;
      }
      const dumper = fieldDumper(value, oid, adaptation);
      if (dumper === null) {
        throw new DataError(
          `Cannot send a value of the type ${info.regtype} in binary: the field ${
            JSON.stringify(info.fieldNames[index])
          } is of another type than its value, use %s`,
        );
      }
      if (dumper.dump(value, out) === null) out.nullValue(at);
      else out.endValue(at);
    }
  });
}

/** The fields of a row; where the type is given in advance anything can come. */
function valuesOf(value: Tuple): readonly unknown[] {
  if (value instanceof Tuple) return value.values;
  throw unsuitable("a row, which takes a Tuple");
}

/** Rows of one type, or of none, in text format. */
class TextTupleOf extends TextDumper<Tuple> {
  override readonly oid: number;
  override readonly cast: string;
  readonly #adaptation: Adaptation;

  constructor(info: CompositeInfo | null, adaptation: Adaptation) {
    super();
    this.oid = info?.oid ?? 0;
    this.cast = info?.regtype ?? "";
    this.#adaptation = adaptation;
  }

  override text(value: Tuple): string {
    return recordText(valuesOf(value), this.#adaptation);
  }
}

/** Rows of one type in binary format. */
class BinaryTupleOf extends BinaryDumper<Tuple> {
  override readonly oid: number;
  override readonly cast: string;
  readonly #info: CompositeInfo;
  readonly #adaptation: Adaptation;

  constructor(info: CompositeInfo, adaptation: Adaptation) {
    super();
    this.oid = info.oid;
    this.cast = info.regtype;
    this.#info = info;
    this.#adaptation = adaptation;
  }

  override dump(value: Tuple, out: WriteBuffer): void {
    writeRecordBinary(valuesOf(value), this.#info, this.#adaptation, out);
  }

  override text(value: Tuple): string {
    return recordText(valuesOf(value), this.#adaptation);
  }
}

/**
 * The dumper for rows of a composite type.
 *
 * @param info The type.
 * @param adaptation What finds the dumpers of the fields.
 * @param format What is asked for.
 * @returns The dumper, a binary one unless text is asked for.
 */
export function tuplesOf(
  info: CompositeInfo,
  adaptation: Adaptation,
  format: PlaceholderFormat,
): Dumper<Tuple> {
  return format === PlaceholderFormat.TEXT
    ? new TextTupleOf(info, adaptation)
    : new BinaryTupleOf(info, adaptation);
}

/** Sends a {@linkcode Tuple} in text format, as its type where it has one. */
export class TupleDumper extends TextDumper<Tuple> {
  /** None: each row has its own type. */
  override readonly oid: number = 0;
  readonly #adaptation: Adaptation;
  readonly #byInfo = new Map<CompositeInfo | null, Dumper<Tuple>>();

  /**
   * Called by the driver.
   *
   * @param adaptation What finds the dumpers of the fields.
   */
  constructor(adaptation: Adaptation) {
    super();
    this.#adaptation = adaptation;
  }

  /** The dumper for the type of the row. */
  upgrade(value: Tuple): Dumper<Tuple> {
    const { info } = value;
    let dumper = this.#byInfo.get(info);
    if (dumper === undefined) {
      dumper = new TextTupleOf(info, this.#adaptation);
      this.#byInfo.set(info, dumper);
    }
    return dumper;
  }

  /** The row as the server writes rows. */
  override text(value: Tuple): string {
    return recordText(valuesOf(value), this.#adaptation);
  }

  /** The row as a literal. */
  override quote(value: Tuple): string {
    return this.upgrade(value).quote(value);
  }
}

/**
 * Sends a {@linkcode Tuple} that has a type in binary format, any other as
 * {@linkcode TupleDumper} does: the server takes no binary row without a type.
 */
export class TupleBinaryDumper extends BinaryDumper<Tuple> {
  /** None: each row has its own type. */
  override readonly oid: number = 0;
  readonly #adaptation: Adaptation;
  readonly #untyped: Dumper<Tuple>;
  readonly #byInfo = new Map<CompositeInfo, Dumper<Tuple>>();

  /**
   * Called by the driver.
   *
   * @param adaptation What finds the dumpers of the fields.
   */
  constructor(adaptation: Adaptation) {
    super();
    this.#adaptation = adaptation;
    this.#untyped = new TextTupleOf(null, adaptation);
  }

  /** The dumper for the type of the row. */
  upgrade(value: Tuple): Dumper<Tuple> {
    const { info } = value;
    if (info === null) return this.#untyped;
    let dumper = this.#byInfo.get(info);
    if (dumper === undefined) {
      dumper = new BinaryTupleOf(info, this.#adaptation);
      this.#byInfo.set(info, dumper);
    }
    return dumper;
  }

  /** Appends the row as its type needs it. */
  override dump(value: Tuple, out: WriteBuffer): void | null {
    return this.upgrade(value).dump(value, out);
  }

  /** The row as the server writes rows. */
  override text(value: Tuple): string {
    return recordText(valuesOf(value), this.#adaptation);
  }

  /** The row as a literal. */
  override quote(value: Tuple): string {
    return this.upgrade(value).quote(value);
  }
}
