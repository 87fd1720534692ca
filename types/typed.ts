/**
 * {@linkcode Typed}: a value with the PostgreSQL type that it is to be sent as.
 * Numbers have classes of their own for that, in `wrappers.ts`.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  PlaceholderFormat,
  type Registrar,
} from "./adapt.ts";
import { writeText } from "./array_writer.ts";
import { dumperOfType, isNumberType, stringDumperOf } from "./by_type.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { checkText } from "./text.ts";
import { castName } from "./type_facts.ts";

/**
 * A value that is sent as a type of your choice, as `value::type` in SQL.
 *
 * A string is the text that the server reads as this type; so is the text of any
 * other value. `null` is a NULL of this type, for statements where the server
 * finds none.
 *
 * @example Choose the type
 * ```ts
 * import { connect, Typed } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const cursor = await conn.execute("select %s as mac, pg_typeof(%s)::text as type", [
 *   new Typed("08-00-2B-01-02-03", "macaddr"),
 *   new Typed(["0101", null], "varbit[]"),
 * ]);
 * assertEquals(await cursor.fetchOne(), {
 *   mac: "08:00:2b:01:02:03",
 *   type: "bit varying[]",
 * });
 * ```
 */
export class Typed<T = unknown> {
  /** The value. */
  readonly value: T;
  /** The name or OID of the type. */
  readonly type: string | number;

  /**
   * Puts a value and a type together.
   *
   * @param value The value; `null` for NULL.
   * @param type The OID of the type, or a name that the type registry knows, with
   * `[]` for arrays.
   */
  constructor(value: T, type: string | number) {
    this.value = value;
    this.type = type;
  }

  /**
   * The value as text.
   *
   * @returns The text.
   */
  toString(): string {
    return String(this.value);
  }
}

/** A type that a value is to be sent as. */
interface Target {
  readonly oid: number;
  readonly cast: string;
  readonly isArray: boolean;
  readonly delimiter: string;
}

function findTarget(type: string | number, adaptation: Adaptation): Target {
  const info = adaptation.typeInfoOf?.(type) ?? null;
  const isArray = info !== null &&
    (typeof type === "string" ? type.endsWith("[]") : type === info.arrayOid);
  const oid = isArray ? info.arrayOid : info?.oid ?? 0;
  if (info === null || oid === 0) {
    const shown = typeof type === "number" ? `OID ${type}` : `"${type}"`;
    throw new ProgrammingError(
      `Cannot send a value as the type ${shown}: the type registry does not have it, register what TypeInfo.fetch() finds`,
    );
  }
  const cast = isArray ? `${castName(info)}[]` : castName(info);
  return { oid, cast, isArray, delimiter: info.delimiter };
}

/** The text of a value of any type but arrays. */
function plainText(
  value: unknown,
  target: Target,
  adaptation: Adaptation,
): string | null {
  if (typeof value === "string") return checkText(value);
  if (value === undefined) {
    throw new ProgrammingError(
      `Cannot send a value as ${target.cast}: it is undefined, pass null for NULL`,
    );
  }
  if (Array.isArray(value)) {
    throw new DataError(
      `Cannot send an array as ${target.cast}: this is no type of arrays, wrap the array in new Jsonb(...) to send it as JSON`,
    );
  }
  return adaptation.getDumper(value, PlaceholderFormat.TEXT).text(value);
}

/** Values of one type, in text format. */
class TypedTextOf extends TextDumper<Typed> {
  override readonly oid: number;
  override readonly cast: string;
  readonly #target: Target;
  readonly #adaptation: Adaptation;
  readonly #element: TextDumper;

  constructor(target: Target, adaptation: Adaptation) {
    super();
    this.oid = target.oid;
    this.cast = target.cast;
    this.#target = target;
    this.#adaptation = adaptation;
    this.#element = new ElementText(target, adaptation);
  }

  override text({ value }: Typed): string | null {
    if (value === null) return null;
    return this.#target.isArray && Array.isArray(value)
      ? writeText(value, this.#element, this.#target.delimiter)
      : plainText(value, this.#target, this.#adaptation);
  }

  override quote(value: Typed): string {
    return value.value === null ? `NULL::${this.cast}` : super.quote(value);
  }
}

/** The elements of an array, whose type is that of the array. */
class ElementText extends TextDumper<unknown> {
  override readonly oid: number = 0;
  readonly #target: Target;
  readonly #adaptation: Adaptation;

  constructor(target: Target, adaptation: Adaptation) {
    super();
    this.#target = target;
    this.#adaptation = adaptation;
  }

  override text(value: unknown): string | null {
    return plainText(value, this.#target, this.#adaptation);
  }
}

/** Values of one type, in binary format. */
class TypedBinaryOf extends BinaryDumper<Typed> {
  override readonly oid: number;
  override readonly cast: string;
  readonly #adaptation: Adaptation;
  readonly #text: TypedTextOf;

  constructor(target: Target, adaptation: Adaptation) {
    super();
    this.oid = target.oid;
    this.cast = target.cast;
    this.#adaptation = adaptation;
    this.#text = new TypedTextOf(target, adaptation);
  }

  override dump({ value }: Typed, out: WriteBuffer): void | null {
    return value === null ? null : this.#dumperOf(value).dump(value, out);
  }

  override text(value: Typed): string | null {
    return this.#text.text(value);
  }

  override quote(value: Typed): string {
    return this.#text.quote(value);
  }

  #dumperOf(value: unknown): Dumper {
    const adaptation = this.#adaptation;
    const format = PlaceholderFormat.BINARY;
    const own = adaptation.getDumper(value, format);
    if (own.oid === this.oid) return own;
    const isNumber = typeof value === "number" || typeof value === "bigint";
    const byType = isNumber && isNumberType(this.oid)
      ? dumperOfType(this.oid, adaptation, format)
      : stringDumperOf(this.oid, adaptation, format);
    if (byType !== null) return byType;
    throw new DataError(
      `Cannot send a value as ${this.cast} in binary: it has no binary form of this type, use %s`,
    );
  }
}

/** Finds the dumper of each type. */
class Finder {
  readonly #adaptation: Adaptation;
  readonly #make: new (
    target: Target,
    adaptation: Adaptation,
  ) => TypedTextOf | TypedBinaryOf;
  readonly #found = new Map<string | number, Dumper<Typed>>();

  constructor(
    adaptation: Adaptation,
    make: new (
      target: Target,
      adaptation: Adaptation,
    ) => TypedTextOf | TypedBinaryOf,
  ) {
    this.#adaptation = adaptation;
    this.#make = make;
  }

  find({ type }: Typed): Dumper<Typed> {
    const known = this.#found.get(type);
    if (known !== undefined) return known;
    const target = findTarget(type, this.#adaptation);
    const dumper = this.#found.get(target.oid) ??
      new this.#make(target, this.#adaptation);
    // By OID as well: the elements of an array must have the same dumper.
    this.#found.set(target.oid, dumper);
    this.#found.set(type, dumper);
    return dumper;
  }
}

/** Sends a {@linkcode Typed} as the text of its type: the default for `%s`. */
export class TypedDumper extends TextDumper<Typed> {
  /** None: each value has its own type. */
  override readonly oid: number = 0;
  readonly #finder: Finder;

  /**
   * Called by the driver.
   *
   * @param adaptation What knows the types, and finds the dumpers of values.
   */
  constructor(adaptation: Adaptation) {
    super();
    this.#finder = new Finder(adaptation, TypedTextOf);
  }

  /** The dumper for the type of the value. */
  upgrade(value: Typed): Dumper<Typed> {
    return this.#finder.find(value);
  }

  /** The text of the value. */
  override text(value: Typed): string | null {
    return this.upgrade(value).text(value);
  }

  /** The text of the value with a cast. */
  override quote(value: Typed): string {
    return this.upgrade(value).quote(value);
  }
}

/** Sends a {@linkcode Typed} in binary format, where its value has one of the type. */
export class TypedBinaryDumper extends BinaryDumper<Typed> {
  /** None: each value has its own type. */
  override readonly oid: number = 0;
  readonly #finder: Finder;

  /**
   * Called by the driver.
   *
   * @param adaptation What knows the types, and finds the dumpers of values.
   */
  constructor(adaptation: Adaptation) {
    super();
    this.#finder = new Finder(adaptation, TypedBinaryOf);
  }

  /** The dumper for the type of the value. */
  upgrade(value: Typed): Dumper<Typed> {
    return this.#finder.find(value);
  }

  /**
   * Appends the value.
   *
   * @throws {DataError} If it has no binary form of the type.
   */
  override dump(value: Typed, out: WriteBuffer): void | null {
    return this.upgrade(value).dump(value, out);
  }

  /** The text of the value. */
  override text(value: Typed): string | null {
    return this.upgrade(value).text(value);
  }

  /** The text of the value with a cast. */
  override quote(value: Typed): string {
    return this.upgrade(value).quote(value);
  }
}

/**
 * Registers the dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerTyped(map: Registrar): void {
  map.registerDumper(Typed, TypedBinaryDumper);
  // Last, so that `%s` takes it: every type has a text.
  map.registerDumper(Typed, TypedDumper);
}
