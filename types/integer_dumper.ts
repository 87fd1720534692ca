/**
 * How integers are sent as int2, int4, int8 and oid. Which of them a number or
 * bigint is sent as is decided in `number.ts`.
 *
 * @module
 */

import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { OID } from "./oids.ts";
import {
  checkInteger,
  INT2_RANGE,
  INT4_RANGE,
  INT8_RANGE,
  type IntegerRange,
  OID_RANGE,
} from "./wrappers.ts";

/** What the dumpers of integers take. */
export type IntegerLike = number | bigint | { readonly value: number | bigint };

const TWO_32 = 0x1_0000_0000;

function unwrap(value: IntegerLike, range: IntegerRange): number | bigint {
  return checkInteger(typeof value === "object" ? value.value : value, range);
}

/**
 * A number as a literal. One below zero starts with a space, so that no `-`
 * before it makes a comment; a wrapper keeps its type by a cast.
 *
 * @param value The number or wrapper.
 * @param text Its text.
 * @param cast The name of its type.
 * @returns The literal.
 */
export function quoteNumber(
  value: unknown,
  text: string,
  cast: string,
): string {
  if (typeof value === "object") return `'${text}'::${cast}`;
  return text.startsWith("-") ? ` ${text}` : text;
}

/** What the dumpers of integers in text format share. */
export abstract class IntegerDumper extends TextDumper<IntegerLike> {
  /** What the type holds. */
  protected abstract readonly range: IntegerRange;

  /**
   * The digits.
   *
   * @throws {DataError} If the type does not hold the integer.
   */
  override text(value: IntegerLike): string {
    return String(unwrap(value, this.range));
  }

  /**
   * The digits, or for a wrapper a cast of them.
   *
   * @throws {DataError} If the type does not hold the integer.
   */
  override quote(value: IntegerLike): string {
    return quoteNumber(value, this.text(value), this.range.name);
  }
}

/** What the dumpers of integers in binary format share. */
export abstract class IntegerBinaryDumper extends BinaryDumper<IntegerLike> {
  /** What the type holds. */
  protected abstract readonly range: IntegerRange;

  /**
   * The digits.
   *
   * @throws {DataError} If the type does not hold the integer.
   */
  override text(value: IntegerLike): string {
    return String(unwrap(value, this.range));
  }

  /**
   * The digits, or for a wrapper a cast of them.
   *
   * @throws {DataError} If the type does not hold the integer.
   */
  override quote(value: IntegerLike): string {
    return quoteNumber(value, this.text(value), this.range.name);
  }
}

/** Sends an integer as int2 in text format. */
export class Int2Dumper extends IntegerDumper {
  /** The OID of int2. */
  override readonly oid: number = OID.INT2;
  /** Of int2. */
  protected override readonly range: IntegerRange = INT2_RANGE;
}

/** Sends an integer as int2 in binary format. */
export class Int2BinaryDumper extends IntegerBinaryDumper {
  /** The OID of int2. */
  override readonly oid: number = OID.INT2;
  /** Of int2. */
  protected override readonly range: IntegerRange = INT2_RANGE;

  /** Appends two bytes. */
  override dump(value: IntegerLike, out: WriteBuffer): void {
    out.int16(Number(unwrap(value, this.range)));
  }
}

/** Sends an integer as int4 in text format. */
export class Int4Dumper extends IntegerDumper {
  /** The OID of int4. */
  override readonly oid: number = OID.INT4;
  /** Of int4. */
  protected override readonly range: IntegerRange = INT4_RANGE;
}

/** Sends an integer as int4 in binary format. */
export class Int4BinaryDumper extends IntegerBinaryDumper {
  /** The OID of int4. */
  override readonly oid: number = OID.INT4;
  /** Of int4. */
  protected override readonly range: IntegerRange = INT4_RANGE;

  /** Appends four bytes. */
  override dump(value: IntegerLike, out: WriteBuffer): void {
    out.int32(Number(unwrap(value, this.range)));
  }
}

/** Sends an integer as int8 in text format. */
export class Int8Dumper extends IntegerDumper {
  /** The OID of int8. */
  override readonly oid: number = OID.INT8;
  /** Of int8. */
  protected override readonly range: IntegerRange = INT8_RANGE;
}

/** Sends an integer as int8 in binary format. */
export class Int8BinaryDumper extends IntegerBinaryDumper {
  /** The OID of int8. */
  override readonly oid: number = OID.INT8;
  /** Of int8. */
  protected override readonly range: IntegerRange = INT8_RANGE;

  /** Appends eight bytes. */
  override dump(value: IntegerLike, out: WriteBuffer): void {
    const integer = unwrap(value, this.range);
    if (typeof integer === "bigint") return out.int64(integer);
    out.int32(Math.floor(integer / TWO_32));
    out.int32(integer);
  }
}

/** Sends an integer as oid in text format. */
export class OidDumper extends IntegerDumper {
  /** The OID of oid. */
  override readonly oid: number = OID.OID;
  /** Of oid. */
  protected override readonly range: IntegerRange = OID_RANGE;
}

/** Sends an integer as oid in binary format. */
export class OidBinaryDumper extends IntegerBinaryDumper {
  /** The OID of oid. */
  override readonly oid: number = OID.OID;
  /** Of oid. */
  protected override readonly range: IntegerRange = OID_RANGE;

  /** Appends four bytes. */
  override dump(value: IntegerLike, out: WriteBuffer): void {
    out.int32(Number(unwrap(value, this.range)));
  }
}
