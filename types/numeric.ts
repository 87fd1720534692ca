/**
 * numeric: as the exact string that the server writes, on request as a checked
 * number. What goes out as numeric is integers beyond int8, and decimals as
 * strings.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { DECIMAL, normalize, parseDecimal, SPECIAL } from "./decimal.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { quoteNumber } from "./integer_dumper.ts";
import { decimalText } from "./number_text.ts";
import { OID } from "./oids.ts";
import { IntNumeric } from "./wrappers.ts";

/** What the dumpers of numeric take; a string is a decimal, `NaN` or `Infinity`. */
export type NumericLike =
  | number
  | bigint
  | string
  | { readonly value: number | bigint };

// The binary form: digits to base 10000, each worth four decimal digits.
const BASE = 10_000;
const GROUP = 4;
const HEADER_SIZE = 8;
const NEGATIVE = 0x4000;
const NAN = 0xc000;
const POSITIVE_INFINITY = 0xd000;
const NEGATIVE_INFINITY = 0xf000;
const MAX_SCALE = 0x3fff;
const MAX_INTEGER_DIGITS = 131_072;

function malformed(): DataError {
  return new DataError("Cannot read a numeric: its bytes are malformed");
}

function readSpecial(sign: number): string {
  switch (sign) {
    case NAN:
      return "NaN";
    case POSITIVE_INFINITY:
      return "Infinity";
    case NEGATIVE_INFINITY:
      return "-Infinity";
    default:
      throw malformed();
  }
}

function readNumeric(source: ReadBuffer, start: number, end: number): string {
  const { view } = source;
  if (end - start < HEADER_SIZE) throw malformed();
  const count = view.getUint16(start);
  const weight = view.getInt16(start + 2);
  const sign = view.getUint16(start + 4);
  const scale = view.getUint16(start + 6);
  if (end - start !== HEADER_SIZE + 2 * count || scale > MAX_SCALE) {
    throw malformed();
  }
  if (sign !== 0 && sign !== NEGATIVE) return readSpecial(sign);

  const digits = start + HEADER_SIZE;
  const group = (index: number): number => {
    if (index < 0 || index >= count) return 0;
    const value = view.getUint16(digits + 2 * index);
    if (value >= BASE) throw malformed();
    return value;
  };
  let first = 0; // Zeros in front are no digits.
  while (first < weight && group(first) === 0) first++;
  let text = String(group(weight < 0 ? -1 : first));
  for (let index = first + 1; index <= weight; index++) {
    text += String(group(index)).padStart(GROUP, "0");
  }
  if (scale > 0) {
    let fraction = "";
    for (let index = weight + 1; fraction.length < scale; index++) {
      fraction += String(group(index)).padStart(GROUP, "0");
    }
    text += `.${fraction.slice(0, scale)}`;
  }
  // A zero has no sign.
  return sign === 0 || (text[0] === "0" && !/[1-9]/.test(text))
    ? text
    : `-${text}`;
}

/** Reads a numeric in text format as a string, digit by digit what the server wrote. */
export class NumericLoader implements Loader<string> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /**
   * The decimal.
   *
   * @throws {DataError} If the text is none.
   */
  load({ bytes }: ReadBuffer, start: number, end: number): string {
    const text = decimalText(bytes, start, end);
    if (text !== null) return text;
    throw new DataError("Cannot read a numeric: the text is not a decimal");
  }
}

/**
 * Reads a numeric in binary format as the same string. It has no twin although
 * the values are equal, because the text is cheaper to read (bench).
 */
export class NumericBinaryLoader implements Loader<string> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;

  /**
   * The decimal.
   *
   * @throws {DataError} If the bytes are malformed.
   */
  load(source: ReadBuffer, start: number, end: number): string {
    return readNumeric(source, start, end);
  }
}

function toExactNumber(text: string): number {
  const value = Number(text);
  if (SPECIAL.has(text)) return value;
  const shortest = Number.isFinite(value) ? normalize(String(value)) : null;
  if (shortest === null || shortest !== normalize(text)) {
    throw new DataError(
      "Cannot read a numeric as a number: it has more digits than a number holds, read it as a string",
    );
  }
  return value;
}

/**
 * Reads a numeric in text format as the number whose shortest decimal it is.
 *
 * @example Read numeric as a number
 * ```ts
 * import { adapters } from "@x/pgts";
 * import { AdaptersMap, NumericAsNumberLoader } from "@x/pgts/types";
 *
 * const map = new AdaptersMap(adapters);
 * map.registerLoader("numeric", NumericAsNumberLoader);
 * ```
 */
export class NumericAsNumberLoader implements Loader<number> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /**
   * The number.
   *
   * @throws {DataError} If the decimal has more digits than a number holds.
   */
  load(source: ReadBuffer, start: number, end: number): number {
    return toExactNumber(source.text(start, end));
  }
}

/** Reads a numeric in binary format as the number whose shortest decimal it is. */
export class NumericAsNumberBinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = NumericAsNumberLoader;

  /**
   * The number.
   *
   * @throws {DataError} If the decimal has more digits than a number holds, or
   * if the bytes are malformed.
   */
  load(source: ReadBuffer, start: number, end: number): number {
    return toExactNumber(readNumeric(source, start, end));
  }
}

function toText(value: NumericLike): string {
  const plain = typeof value === "object" ? value.value : value;
  const text = String(plain);
  if (!SPECIAL.has(text) && !DECIMAL.test(text)) throw notNumeric();
  return text;
}

function notNumeric(): DataError {
  return new DataError("Cannot send a string as numeric: it is not a decimal");
}

function quote(value: NumericLike): string {
  const text = toText(value);
  // A string keeps its scale and its type only under a cast.
  return typeof value === "string" || SPECIAL.has(text)
    ? `'${text}'::numeric`
    : quoteNumber(value, text, "numeric");
}

function writeHeader(
  out: WriteBuffer,
  count: number,
  weight: number,
  sign: number,
  scale: number,
): void {
  out.int16(count);
  out.int16(weight);
  out.int16(sign);
  out.int16(scale);
}

function writeSpecial(text: string, out: WriteBuffer): void {
  const sign = text === "NaN"
    ? NAN
    : text === "Infinity"
    ? POSITIVE_INFINITY
    : NEGATIVE_INFINITY;
  writeHeader(out, 0, 0, sign, 0);
}

function writeNumeric(text: string, out: WriteBuffer): void {
  if (SPECIAL.has(text)) return writeSpecial(text, out);
  const decimal = parseDecimal(text);
  if (decimal === null) throw notNumeric();
  const { negative, point, scale } = decimal;
  if (point > MAX_INTEGER_DIGITS || scale > MAX_SCALE) {
    throw new DataError(
      `Cannot send a numeric: it has more than ${MAX_INTEGER_DIGITS} digits before the point or ${MAX_SCALE} after it`,
    );
  }
  // The point must fall between two groups, and the last group be full.
  const weight = Math.ceil(point / GROUP) - 1;
  const padded = "0".repeat((weight + 1) * GROUP - point) + decimal.digits;
  let end = padded.length;
  while (end > 0 && padded[end - 1] === "0") end--;
  const count = Math.ceil(end / GROUP);
  if (count === 0) return writeHeader(out, 0, 0, 0, scale);
  writeHeader(out, count, weight, negative ? NEGATIVE : 0, scale);
  for (let index = 0; index < count; index++) {
    const group = padded.slice(index * GROUP, (index + 1) * GROUP);
    out.int16(Number(group.padEnd(GROUP, "0")));
  }
}

/** Sends an integer or decimal as numeric in text format. */
export class NumericDumper extends TextDumper<NumericLike> {
  /** The OID of numeric. */
  override readonly oid: number = OID.NUMERIC;

  /**
   * The decimal.
   *
   * @throws {DataError} If the value is a string that is none.
   */
  override text(value: NumericLike): string {
    return toText(value);
  }

  /**
   * The decimal, with a cast where it needs one to be a numeric.
   *
   * @throws {DataError} If the value is a string that is none.
   */
  override quote(value: NumericLike): string {
    return quote(value);
  }
}

/** Sends an integer or decimal as numeric in binary format. */
export class NumericBinaryDumper extends BinaryDumper<NumericLike> {
  /** The OID of numeric. */
  override readonly oid: number = OID.NUMERIC;

  /**
   * Appends the digits.
   *
   * @throws {DataError} If the value is a string that is no decimal, or has more
   * digits than numeric holds.
   */
  override dump(value: NumericLike, out: WriteBuffer): void {
    writeNumeric(toText(value), out);
  }

  /**
   * The decimal.
   *
   * @throws {DataError} If the value is a string that is none.
   */
  override text(value: NumericLike): string {
    return toText(value);
  }

  /**
   * The decimal, with a cast where it needs one to be a numeric.
   *
   * @throws {DataError} If the value is a string that is none.
   */
  override quote(value: NumericLike): string {
    return quote(value);
  }
}

/**
 * Registers the loaders of this file, and its dumpers for the wrapper.
 *
 * @param map Where to register them.
 */
export function registerNumericDefaults(map: Registrar): void {
  map.registerLoader(OID.NUMERIC, NumericLoader);
  map.registerLoader(OID.NUMERIC, NumericBinaryLoader);
  map.registerDumper(IntNumeric, NumericDumper);
  map.registerDumper(IntNumeric, NumericBinaryDumper);
}
