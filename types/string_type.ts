/**
 * Types whose values are strings in JavaScript, as the server writes them: what
 * such a type says of itself, and its loaders and dumpers made of that.
 *
 * They come as text unless binary is asked for: the text is the value, while the
 * bytes have to be turned into it.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { latin1Slice } from "../protocol/text.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { Format, type LoaderObject, type Registrar } from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { checkText } from "./text.ts";
import { castName } from "./type_facts.ts";

/** A type whose values are strings. */
export interface StringType {
  /** The OID of the type. */
  readonly oid: number;
  /** The name in SQL. */
  readonly name: string;
  /** What its text is made of, for error messages. */
  readonly form: string;
  /**
   * Whether a number may become one of it.
   *
   * @default {false}
   */
  readonly takesNumbers?: boolean;
  /**
   * Whether a text is one that the server writes for the type. Without it every
   * text is.
   */
  isText?(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * Reads the bytes of a value as its text. Without it there is nothing that
   * tells it from the bytes.
   *
   * @throws {DataError} If they are malformed.
   */
  readBinary?(source: ReadBuffer, start: number, end: number): string;
  /**
   * Appends the bytes of a text. Without it only the server can read the text.
   *
   * @returns `false` if the text is none of the type.
   */
  writeBinary?(text: string, out: WriteBuffer): boolean;
}

/**
 * An `isText` for types that are rare enough for a regular expression.
 *
 * @param pattern What the whole text must match.
 * @returns The function.
 */
export function matching(
  pattern: RegExp,
): (bytes: Uint8Array, start: number, end: number) => boolean {
  return (bytes, start, end) => pattern.test(latin1Slice(bytes, start, end));
}

/**
 * The error for a value that cannot be read.
 *
 * @param name The name of the type.
 * @param what What is wrong with it.
 * @returns The error.
 */
export function malformedValue(name: string, what: string): DataError {
  return new DataError(`Cannot read a value of the type ${name}: ${what}`);
}

/**
 * Checks the size of a binary value.
 *
 * @param name The name of the type.
 * @param actual The number of bytes that are there.
 * @param expected The number that there should be.
 * @throws {DataError} If it is another one.
 */
export function expectBytes(
  name: string,
  actual: number,
  expected: number,
): void {
  if (actual !== expected) {
    throw malformedValue(name, `it has ${actual} bytes instead of ${expected}`);
  }
}

/** Reads a type whose text is ASCII, checking it. */
class CheckedTextLoader implements LoaderObject<string> {
  readonly format: Format = Format.TEXT;
  readonly #type: StringType;

  constructor(type: StringType) {
    this.#type = type;
  }

  load({ bytes }: ReadBuffer, start: number, end: number): string {
    const { name, form, isText } = this.#type;
    if (isText !== undefined && !isText(bytes, start, end)) {
      throw malformedValue(name, `the text is not ${form}`);
    }
    return latin1Slice(bytes, start, end);
  }
}

/** Reads the bytes of a type as its text. */
class StringBinaryLoader implements LoaderObject<string> {
  readonly format: Format = Format.BINARY;
  readonly load: NonNullable<StringType["readBinary"]>;

  constructor(load: NonNullable<StringType["readBinary"]>) {
    this.load = load;
  }
}

/** The text of a value that is to become one of a type whose values are strings. */
function textOf(value: unknown, type: StringType): string {
  if (typeof value === "string") return checkText(value);
  const isNumber = typeof value === "number" || typeof value === "bigint";
  if (isNumber && type.takesNumbers === true) return String(value);
  throw new DataError(`Cannot send a value as ${type.name}: it is no string`);
}

/** Sends strings as a type that they are to become, in text format. */
export class StringTypeDumper extends TextDumper<unknown> {
  /** The OID of the type. */
  override readonly oid: number;
  /** The name to cast to. */
  override readonly cast: string;
  readonly #type: StringType;

  /** @param type The type. */
  constructor(type: StringType) {
    super();
    this.#type = type;
    this.oid = type.oid;
    this.cast = castName({ oid: type.oid, regtype: type.name });
  }

  /** The string itself, which the server checks. */
  override text(value: unknown): string {
    return textOf(value, this.#type);
  }
}

/** Sends strings as a type that they are to become, in binary format. */
export class StringTypeBinaryDumper extends BinaryDumper<unknown> {
  /** The OID of the type. */
  override readonly oid: number;
  /** The name to cast to. */
  override readonly cast: string;
  readonly #type: StringType;
  readonly #write: NonNullable<StringType["writeBinary"]>;

  /**
   * @param type The type.
   * @param write What appends the bytes of a text.
   */
  constructor(
    type: StringType,
    write: NonNullable<StringType["writeBinary"]>,
  ) {
    super();
    this.#type = type;
    this.#write = write;
    this.oid = type.oid;
    this.cast = castName({ oid: type.oid, regtype: type.name });
  }

  /** Appends the bytes. */
  override dump(value: unknown, out: WriteBuffer): void {
    if (!this.#write(textOf(value, this.#type), out)) {
      const { name, form } = this.#type;
      throw new DataError(`Cannot send a string as ${name}: it is not ${form}`);
    }
  }

  /** The string itself. */
  override text(value: unknown): string {
    return textOf(value, this.#type);
  }
}

/**
 * Registers the loaders of a type, and the dumpers of strings that are to become
 * one of it. For strings at large `registerText()`, which must come later, puts
 * its own in their place.
 *
 * @param map Where to register them.
 * @param type The type.
 */
export function registerStringType(map: Registrar, type: StringType): void {
  const { oid, isText, readBinary, writeBinary } = type;
  if (isText !== undefined) {
    map.registerLoader(oid, new CheckedTextLoader(type));
  }
  if (readBinary !== undefined) {
    map.registerLoader(oid, new StringBinaryLoader(readBinary));
  }
  if (writeBinary !== undefined) {
    map.registerDumper("string", new StringTypeBinaryDumper(type, writeBinary));
  }
  // Last, so that it is taken where either format will do.
  map.registerDumper("string", new StringTypeDumper(type));
}
