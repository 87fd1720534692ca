/**
 * The integer types: int2, int4 and oid as numbers, int8 as a bigint or, on
 * request, as a checked number. How they are sent is in `integer_dumper.ts`.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import {
  Int2BinaryDumper,
  Int2Dumper,
  Int4BinaryDumper,
  Int4Dumper,
  Int8BinaryDumper,
  Int8Dumper,
  OidBinaryDumper,
  OidDumper,
} from "./integer_dumper.ts";
import { OID } from "./oids.ts";
import { Int2, Int4, Int8, Oid } from "./wrappers.ts";

const MINUS = 0x2d;
const ZERO = 0x30;
const MAX_EXACT_DIGITS = 15;
const TWO_32 = 0x1_0000_0000;

/** The integer written in ASCII digits, at most 15 of them. */
function parseDigits(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  let at = negative ? start + 1 : start;
  if (at >= end || end - at > MAX_EXACT_DIGITS) throw malformed();
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) throw malformed();
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

function malformed(): DataError {
  return new DataError("Cannot read an integer: it is not made of digits");
}

/**
 * Checks the length of a binary value of fixed length.
 *
 * @param start Where the value starts.
 * @param end Where it ends.
 * @param size The length that it must have.
 * @throws {DataError} If it has not.
 */
export function expectSize(start: number, end: number, size: number): void {
  if (end - start !== size) {
    throw new DataError(
      `Cannot read a number: it has ${end - start} bytes instead of ${size}`,
    );
  }
}

/** Reads an int2, int4 or oid in text format. */
export class IntLoader implements Loader<number> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /** The integer. */
  load(source: ReadBuffer, start: number, end: number): number {
    return parseDigits(source.bytes, start, end);
  }
}

/** Reads an int2 in binary format. */
export class Int2BinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = IntLoader;

  /** The integer. */
  load(source: ReadBuffer, start: number, end: number): number {
    expectSize(start, end, 2);
    return source.view.getInt16(start);
  }
}

/** Reads an int4 in binary format. */
export class Int4BinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = IntLoader;

  /** The integer. */
  load(source: ReadBuffer, start: number, end: number): number {
    expectSize(start, end, 4);
    return source.view.getInt32(start);
  }
}

/** Reads an oid in binary format. */
export class OidBinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = IntLoader;

  /** The integer. */
  load(source: ReadBuffer, start: number, end: number): number {
    expectSize(start, end, 4);
    return source.view.getUint32(start);
  }
}

/** Reads an int8 in text format as a bigint. */
export class Int8Loader implements Loader<bigint> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /** The integer. */
  load(source: ReadBuffer, start: number, end: number): bigint {
    if (end - start <= MAX_EXACT_DIGITS) {
      return BigInt(parseDigits(source.bytes, start, end));
    }
    const text = source.text(start, end);
    if (!/^-?\d{1,19}$/.test(text)) throw malformed();
    return BigInt(text);
  }
}

/** Reads an int8 in binary format as a bigint. */
export class Int8BinaryLoader implements Loader<bigint> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = Int8Loader;

  /** The integer. */
  load(source: ReadBuffer, start: number, end: number): bigint {
    expectSize(start, end, 8);
    return source.view.getBigInt64(start);
  }
}

function toSafeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new DataError(
      'Cannot read an int8 as a number: it is beyond 2^53 and would be rounded, read it as a bigint (the option int8: "bigint")',
    );
  }
  return number;
}

/**
 * Reads an int8 in text format as a number, which must be exact.
 *
 * @example Read int8 as a number
 * ```ts
 * import { adapters } from "@x/pgts";
 * import {
 *   AdaptersMap,
 *   Int8AsNumberBinaryLoader,
 *   Int8AsNumberLoader,
 * } from "@x/pgts/types";
 *
 * const map = new AdaptersMap(adapters);
 * map.registerLoader("int8", Int8AsNumberLoader);
 * map.registerLoader("int8", Int8AsNumberBinaryLoader);
 * ```
 */
export class Int8AsNumberLoader implements Loader<number> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #bigint = new Int8Loader();

  /**
   * The integer.
   *
   * @throws {DataError} If a number does not hold it exactly.
   */
  load(source: ReadBuffer, start: number, end: number): number {
    return end - start <= MAX_EXACT_DIGITS
      ? parseDigits(source.bytes, start, end)
      : toSafeNumber(this.#bigint.load(source, start, end));
  }
}

/** Reads an int8 in binary format as a number, which must be exact. */
export class Int8AsNumberBinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = Int8AsNumberLoader;

  /**
   * The integer.
   *
   * @throws {DataError} If a number does not hold it exactly.
   */
  load(source: ReadBuffer, start: number, end: number): number {
    expectSize(start, end, 8);
    const value = source.view.getInt32(start) * TWO_32 +
      source.view.getUint32(start + 4);
    return Number.isSafeInteger(value)
      ? value
      : toSafeNumber(source.view.getBigInt64(start));
  }
}

/**
 * Registers the loaders of this file, and its dumpers for the wrappers.
 *
 * @param map Where to register them.
 */
export function registerInteger(map: Registrar): void {
  for (const oid of [OID.INT2, OID.INT4, OID.OID]) {
    map.registerLoader(oid, IntLoader);
  }
  map.registerLoader(OID.INT2, Int2BinaryLoader);
  map.registerLoader(OID.INT4, Int4BinaryLoader);
  map.registerLoader(OID.OID, OidBinaryLoader);
  map.registerLoader(OID.INT8, Int8Loader);
  map.registerLoader(OID.INT8, Int8BinaryLoader);
  map.registerDumper(Int2, Int2Dumper);
  map.registerDumper(Int2, Int2BinaryDumper);
  map.registerDumper(Int4, Int4Dumper);
  map.registerDumper(Int4, Int4BinaryDumper);
  map.registerDumper(Int8, Int8Dumper);
  map.registerDumper(Int8, Int8BinaryDumper);
  map.registerDumper(Oid, OidDumper);
  map.registerDumper(Oid, OidBinaryDumper);
}
