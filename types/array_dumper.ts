/**
 * JavaScript arrays as PostgreSQL arrays. Their type is found from what is in
 * them.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  Format,
  PlaceholderFormat,
  type Registrar,
} from "./adapt.ts";
import { ElementSearch, writeBinary, writeText } from "./array_writer.ts";
import { BaseDumper, BinaryDumper, TextDumper } from "./dumper.ts";
import { castName } from "./type_facts.ts";
import {
  elementOidOf,
  elementsOf,
  type NumericTypedArray,
  TypedArrayBinaryDumper,
  TypedArrayDumper,
  writeTypedArray,
} from "./typed_array.ts";

/**
 * A value as an array of elements: itself, or for a typed array its elements.
 * What is to become an array only because of a type may be anything else.
 */
function arrayFrom(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (elementOidOf(value) !== 0) return elementsOf(value as NumericTypedArray);
  throw new DataError(
    "Cannot send a value as an array: it is neither an array nor a typed array of numbers",
  );
}

/** Arrays of one type of elements in text format. */
class TextArrayOf extends TextDumper<unknown[]> {
  override readonly oid: number;
  override readonly cast: string;
  readonly #element: Dumper;
  readonly #delimiter: string;

  constructor(element: Dumper, adaptation: Adaptation) {
    super();
    const info = adaptation.typeInfoOf?.(element.oid) ?? null;
    this.#element = element;
    this.#delimiter = info?.delimiter ?? ",";
    this.oid = adaptation.arrayOidOf(element.oid);
    this.cast = castOf(element, adaptation);
  }

  override text(value: unknown[]): string {
    return writeText(arrayFrom(value), this.#element, this.#delimiter);
  }
}

/** Arrays of one type of elements in binary format. */
class BinaryArrayOf extends BinaryDumper<unknown[]> {
  override readonly oid: number;
  override readonly cast: string;
  readonly #element: Dumper;
  readonly #delimiter: string;

  constructor(element: Dumper, adaptation: Adaptation) {
    super();
    const info = adaptation.typeInfoOf?.(element.oid) ?? null;
    this.#element = element;
    this.#delimiter = info?.delimiter ?? ",";
    this.oid = adaptation.arrayOidOf(element.oid);
    this.cast = castOf(element, adaptation);
  }

  override dump(value: unknown[], out: WriteBuffer): void {
    // An array that has this very type is written in one pass.
    if (elementOidOf(value) === this.#element.oid) {
      writeTypedArray(value as unknown as NumericTypedArray, out);
    } else writeBinary(arrayFrom(value), this.#element, out);
  }

  override text(value: unknown[]): string {
    return writeText(arrayFrom(value), this.#element, this.#delimiter);
  }
}

function castOf(element: Dumper, adaptation: Adaptation): string {
  if (adaptation.arrayOidOf(element.oid) === 0) return "";
  const info = adaptation.typeInfoOf?.(element.oid) ?? null;
  return info === null ? "" : `${castName(info)}[]`;
}

/**
 * The dumper for arrays whose elements a dumper is given for.
 *
 * @param element The dumper of the elements.
 * @param adaptation What knows the types.
 * @returns A dumper in the format of the elements, or in text where the server
 * has to find the type.
 */
export function arrayOf(
  element: Dumper,
  adaptation: Adaptation,
): Dumper<unknown[]> {
  return element.format === Format.BINARY &&
      adaptation.arrayOidOf(element.oid) !== 0
    ? new BinaryArrayOf(element, adaptation)
    : new TextArrayOf(element, adaptation);
}

/** Typed arrays in arrays: a level of the array, not its elements. */
class NestedTypedArrays extends BaseDumper<unknown[]> {
  override readonly format: Format;
  override readonly oid: number;
  override readonly cast: string;
  readonly #plain: Dumper<unknown[]>;

  constructor(element: Dumper, adaptation: Adaptation) {
    super();
    this.#plain = arrayOf(element, adaptation);
    this.format = this.#plain.format;
    this.oid = this.#plain.oid;
    this.cast = castOf(element, adaptation);
  }

  override dump(value: unknown[], out: WriteBuffer): void | null {
    return this.#plain.dump(unpack(value), out);
  }

  override text(value: unknown[]): string | null {
    return this.#plain.text(unpack(value));
  }
}

function unpack(value: unknown[]): unknown[] {
  return value.map((item) =>
    Array.isArray(item) ? unpack(item) : item === null ? null : arrayFrom(item)
  );
}

/** Arrays without an element that has a type: the server finds it. */
class UntypedArrayDumper extends TextDumper<unknown[]> {
  override readonly oid: number = 0;

  override text(value: unknown[]): string {
    return writeText(value, this, ",");
  }
}

const UNTYPED = new UntypedArrayDumper();

/** Finds the dumpers of arrays for one context and kind of placeholder. */
class ArrayDumpers {
  readonly #adaptation: Adaptation;
  readonly #format: PlaceholderFormat;
  readonly #byElement = new Map<Dumper, Dumper<unknown[]>>();

  constructor(adaptation: Adaptation, format: PlaceholderFormat) {
    this.#adaptation = adaptation;
    this.#format = format;
  }

  find(value: unknown[]): Dumper<unknown[]> {
    const search = new ElementSearch(this.#adaptation, this.#format);
    search.walk(value);
    const element = search.found;
    if (element === null) return UNTYPED;
    let dumper = this.#byElement.get(element);
    if (dumper === undefined) {
      dumper = this.#make(element);
      this.#byElement.set(element, dumper);
    }
    return dumper;
  }

  #make(element: Dumper): Dumper<unknown[]> {
    const adaptation = this.#adaptation;
    const isTyped = element instanceof TypedArrayDumper ||
      element instanceof TypedArrayBinaryDumper;
    if (!isTyped || adaptation.getDumperByOid === undefined) {
      return arrayOf(element, adaptation);
    }
    return new NestedTypedArrays(
      adaptation.getDumperByOid(element.elementOid, this.#format),
      adaptation,
    );
  }
}

/**
 * Sends an array in text format: of the type that its elements need, numbers of
 * the widest type among them. An array without elements, or of NULLs, has no
 * type, and the server finds one.
 */
export class ArrayDumper extends TextDumper<unknown[]> {
  /** None: the elements decide. */
  override readonly oid: number = 0;
  readonly #dumpers: ArrayDumpers;

  /**
   * Makes a dumper of arrays.
   *
   * @param adaptation What finds the dumpers of the elements.
   * @param format What is asked for the elements.
   */
  constructor(
    adaptation: Adaptation,
    format: PlaceholderFormat = PlaceholderFormat.TEXT,
  ) {
    super();
    this.#dumpers = new ArrayDumpers(adaptation, format);
  }

  /**
   * The dumper that the elements need.
   *
   * @throws {DataError} If the elements are of different types, or the array
   * contains itself.
   * @throws {ProgrammingError} If an element is undefined, or there is no dumper
   * for it.
   */
  upgrade(value: unknown[]): Dumper<unknown[]> {
    return this.#dumpers.find(value);
  }

  /** The array as the server writes arrays. */
  override text(value: unknown[]): string | null {
    return this.upgrade(value).text(value);
  }

  /** The array as text, with a cast. */
  override quote(value: unknown[]): string {
    return this.upgrade(value).quote(value);
  }
}

/**
 * Sends an array in binary format where its elements have one, otherwise as
 * {@linkcode ArrayDumper} does.
 */
export class ArrayBinaryDumper extends BinaryDumper<unknown[]> {
  /** None: the elements decide. */
  override readonly oid: number = 0;
  readonly #dumpers: ArrayDumpers;

  /**
   * Makes a dumper of arrays.
   *
   * @param adaptation What finds the dumpers of the elements.
   * @param format What is asked for the elements.
   */
  constructor(
    adaptation: Adaptation,
    format: PlaceholderFormat = PlaceholderFormat.BINARY,
  ) {
    super();
    this.#dumpers = new ArrayDumpers(adaptation, format);
  }

  /**
   * The dumper that the elements need.
   *
   * @throws {DataError} If the elements are of different types, or the array
   * contains itself.
   * @throws {ProgrammingError} If an element is undefined, or there is no dumper
   * for it.
   */
  upgrade(value: unknown[]): Dumper<unknown[]> {
    return this.#dumpers.find(value);
  }

  /** Appends the array as its elements need it. */
  override dump(value: unknown[], out: WriteBuffer): void | null {
    return this.upgrade(value).dump(value, out);
  }

  /** The array as the server writes arrays. */
  override text(value: unknown[]): string | null {
    return this.upgrade(value).text(value);
  }

  /** The array as text, with a cast. */
  override quote(value: unknown[]): string {
    return this.upgrade(value).quote(value);
  }
}

/**
 * Registers the dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerArray(map: Registrar): void {
  map.registerDumper(Array, ArrayDumper);
  map.registerDumper(Array, ArrayBinaryDumper);
}
