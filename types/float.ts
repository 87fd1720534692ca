/**
 * float4 and float8 as numbers.
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
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { expectSize } from "./integer.ts";
import { floatOf } from "./number_text.ts";
import { OID } from "./oids.ts";
import { checkFloat4, Float4, Float8 } from "./wrappers.ts";

/** What the dumpers of floats take. */
export type FloatLike = number | bigint | { readonly value: number | bigint };

function parseFloat8(source: ReadBuffer, start: number, end: number): number {
  const value = floatOf(source.bytes, start, end);
  if (value !== null) return value;
  throw new DataError("Cannot read a float: it is not a number");
}

/** Reads a float8 in text format, and any other number as one. */
export class FloatLoader implements Loader<number> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /** The number. */
  load(source: ReadBuffer, start: number, end: number): number {
    return parseFloat8(source, start, end);
  }
}

/** Reads a float8 in binary format. */
export class FloatBinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = FloatLoader;

  /** The number. */
  load(source: ReadBuffer, start: number, end: number): number {
    expectSize(start, end, 8);
    return source.view.getFloat64(start);
  }
}

/** Reads a float4 in text format, as the number that its binary form stands for. */
export class Float4Loader implements Loader<number> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /** The number. */
  load(source: ReadBuffer, start: number, end: number): number {
    return Math.fround(parseFloat8(source, start, end));
  }
}

/** Reads a float4 in binary format. */
export class Float4BinaryLoader implements Loader<number> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = Float4Loader;

  /** The number. */
  load(source: ReadBuffer, start: number, end: number): number {
    expectSize(start, end, 4);
    return source.view.getFloat32(start);
  }
}

function toFloat8(value: FloatLike): number {
  const plain: unknown = typeof value === "object" ? value.value : value;
  if (typeof plain === "number") return plain;
  if (typeof plain !== "bigint") throw unsuitable("a float");
  const number = Number(plain);
  if (!Number.isFinite(number) || BigInt(number) !== plain) {
    throw new DataError(
      "Cannot send a bigint as a float: it would be rounded, send it as numeric",
    );
  }
  return number;
}

function toFloat4(value: FloatLike): number {
  return checkFloat4(toFloat8(value));
}

/**
 * A number as the text that the server reads as the same one.
 *
 * @param value The number.
 * @returns The shortest decimal that stands for it, with the sign of zero.
 */
export function floatText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** A literal that is read as numeric where it is one, and is cast where not. */
function quoteFloat(value: FloatLike, number: number, cast: string): string {
  const text = floatText(number);
  if (
    typeof value === "object" || !Number.isFinite(number) ||
    Object.is(number, -0)
  ) {
    return `'${text}'::${cast}`;
  }
  return number < 0 ? ` ${text}` : text;
}

/** Sends a number as float8 in text format. */
export class Float8Dumper extends TextDumper<FloatLike> {
  /** The OID of float8. */
  override readonly oid: number = OID.FLOAT8;

  /**
   * The shortest decimal that stands for the number.
   *
   * @throws {DataError} If the value is a bigint that would be rounded.
   */
  override text(value: FloatLike): string {
    return floatText(toFloat8(value));
  }

  /**
   * The number, with a cast where it has no literal or came in a wrapper.
   *
   * @throws {DataError} If the value is a bigint that would be rounded.
   */
  override quote(value: FloatLike): string {
    return quoteFloat(value, toFloat8(value), "float8");
  }
}

/** Sends a number as float8 in binary format. */
export class Float8BinaryDumper extends BinaryDumper<FloatLike> {
  /** The OID of float8. */
  override readonly oid: number = OID.FLOAT8;

  /** Appends eight bytes. */
  override dump(value: FloatLike, out: WriteBuffer): void {
    out.float64(typeof value === "number" ? value : toFloat8(value));
  }

  /**
   * The shortest decimal that stands for the number.
   *
   * @throws {DataError} If the value is a bigint that would be rounded.
   */
  override text(value: FloatLike): string {
    return floatText(toFloat8(value));
  }

  /**
   * The number, with a cast where it has no literal or came in a wrapper.
   *
   * @throws {DataError} If the value is a bigint that would be rounded.
   */
  override quote(value: FloatLike): string {
    return quoteFloat(value, toFloat8(value), "float8");
  }
}

/** Sends a number as float4 in text format. */
export class Float4Dumper extends TextDumper<FloatLike> {
  /** The OID of float4. */
  override readonly oid: number = OID.FLOAT4;

  /**
   * A decimal that stands for the nearest number of single precision.
   *
   * @throws {DataError} If the number is outside of the range of float4.
   */
  override text(value: FloatLike): string {
    return floatText(toFloat4(value));
  }

  /**
   * The number, with a cast where it has no literal or came in a wrapper.
   *
   * @throws {DataError} If the number is outside of the range of float4.
   */
  override quote(value: FloatLike): string {
    return quoteFloat(value, toFloat4(value), "float4");
  }
}

/** Sends a number as float4 in binary format. */
export class Float4BinaryDumper extends BinaryDumper<FloatLike> {
  /** The OID of float4. */
  override readonly oid: number = OID.FLOAT4;

  /** Appends four bytes. */
  override dump(value: FloatLike, out: WriteBuffer): void {
    out.float32(toFloat4(value));
  }

  /**
   * A decimal that stands for the nearest number of single precision.
   *
   * @throws {DataError} If the number is outside of the range of float4.
   */
  override text(value: FloatLike): string {
    return floatText(toFloat4(value));
  }

  /**
   * The number, with a cast where it has no literal or came in a wrapper.
   *
   * @throws {DataError} If the number is outside of the range of float4.
   */
  override quote(value: FloatLike): string {
    return quoteFloat(value, toFloat4(value), "float4");
  }
}

/**
 * Registers the loaders of this file, and its dumpers for the wrappers.
 *
 * @param map Where to register them.
 */
export function registerFloat(map: Registrar): void {
  map.registerLoader(OID.FLOAT4, Float4Loader);
  map.registerLoader(OID.FLOAT4, Float4BinaryLoader);
  map.registerLoader(OID.FLOAT8, FloatLoader);
  map.registerLoader(OID.FLOAT8, FloatBinaryLoader);
  map.registerDumper(Float4, Float4Dumper);
  map.registerDumper(Float4, Float4BinaryDumper);
  map.registerDumper(Float8, Float8Dumper);
  map.registerDumper(Float8, Float8BinaryDumper);
}
