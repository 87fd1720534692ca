/**
 * Which type a number or bigint is sent as: the smallest integer type that holds
 * it, else float8 or numeric.
 *
 * @module
 */

import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Dumper, Registrar } from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { Float8BinaryDumper, Float8Dumper } from "./float.ts";
import {
  Int2BinaryDumper,
  Int2Dumper,
  Int4BinaryDumper,
  Int4Dumper,
  Int8BinaryDumper,
  Int8Dumper,
} from "./integer_dumper.ts";
import { NumericBinaryDumper, NumericDumper } from "./numeric.ts";

/** The dumpers of one format. They keep nothing, so that all contexts share them. */
interface Ladder {
  readonly int2: Dumper<number | bigint>;
  readonly int4: Dumper<number | bigint>;
  readonly int8: Dumper<number | bigint>;
  readonly numeric: Dumper<number | bigint>;
  readonly float8: Dumper<number | bigint>;
}

const TEXT: Ladder = {
  int2: new Int2Dumper(),
  int4: new Int4Dumper(),
  int8: new Int8Dumper(),
  numeric: new NumericDumper(),
  float8: new Float8Dumper(),
};

const BINARY: Ladder = {
  int2: new Int2BinaryDumper(),
  int4: new Int4BinaryDumper(),
  int8: new Int8BinaryDumper(),
  numeric: new NumericBinaryDumper(),
  float8: new Float8BinaryDumper(),
};

/** Where each dumper stands in its ladder; float8 is wider than all integers. */
const RANKS = new Map<Dumper, number>(
  [TEXT, BINARY].flatMap((ladder) =>
    [
      ladder.int2,
      ladder.int4,
      ladder.int8,
      ladder.numeric,
      ladder.float8,
    ].map((dumper, rank) => [dumper as Dumper, rank] as const)
  ),
);

/**
 * The one of two dumpers that takes the values of both: the elements of an array
 * have one type.
 *
 * @param one A dumper.
 * @param other A dumper of the same format.
 * @returns The wider one, or `null` if they are not of this file.
 */
export function wider(one: Dumper, other: Dumper): Dumper | null {
  const rank = RANKS.get(one);
  const otherRank = RANKS.get(other);
  if (rank === undefined || otherRank === undefined) return null;
  if (one.format !== other.format) return null;
  return rank > otherRank ? one : other;
}

function stepOf(value: number, ladder: Ladder): Dumper<number> {
  if ((value | 0) === value) {
    if (value === 0) return Object.is(value, 0) ? ladder.int2 : ladder.float8;
    return (value << 16) >> 16 === value ? ladder.int2 : ladder.int4;
  }
  return Number.isSafeInteger(value) ? ladder.int8 : ladder.float8;
}

function bigintStepOf(value: bigint, ladder: Ladder): Dumper<bigint> {
  return BigInt.asIntN(64, value) === value ? ladder.int8 : ladder.numeric;
}

/**
 * Sends a number in text format: an integer that is exact as int2, int4 or int8,
 * any other number and `-0` as float8.
 */
export class NumberDumper extends TextDumper<number> {
  /** None: the value decides. */
  override readonly oid: number = 0;

  /** The dumper of the type that the number needs. */
  upgrade(value: number): Dumper<number> {
    return stepOf(value, TEXT);
  }

  /** The number. */
  override text(value: number): string | null {
    return stepOf(value, TEXT).text(value);
  }

  /** The number, with a cast where it has no literal. */
  override quote(value: number): string {
    return stepOf(value, TEXT).quote(value);
  }
}

/** Sends a number in binary format, as {@linkcode NumberDumper} does in text. */
export class NumberBinaryDumper extends BinaryDumper<number> {
  /** None: the value decides. */
  override readonly oid: number = 0;

  /** The dumper of the type that the number needs. */
  upgrade(value: number): Dumper<number> {
    return stepOf(value, BINARY);
  }

  /** Appends the number as the type that it needs. */
  override dump(value: number, out: WriteBuffer): void | null {
    return stepOf(value, BINARY).dump(value, out);
  }

  /** The number. */
  override text(value: number): string | null {
    return stepOf(value, BINARY).text(value);
  }

  /** The number, with a cast where it has no literal. */
  override quote(value: number): string {
    return stepOf(value, BINARY).quote(value);
  }
}

/** Sends a bigint in text format, as int8 where that holds it, else as numeric. */
export class BigintDumper extends TextDumper<bigint> {
  /** None: the value decides. */
  override readonly oid: number = 0;

  /** The dumper of the type that the bigint needs. */
  upgrade(value: bigint): Dumper<bigint> {
    return bigintStepOf(value, TEXT);
  }

  /** The digits. */
  override text(value: bigint): string | null {
    return String(value);
  }

  /** The digits. */
  override quote(value: bigint): string {
    return bigintStepOf(value, TEXT).quote(value);
  }
}

/** Sends a bigint in binary format, as {@linkcode BigintDumper} does in text. */
export class BigintBinaryDumper extends BinaryDumper<bigint> {
  /** None: the value decides. */
  override readonly oid: number = 0;

  /** The dumper of the type that the bigint needs. */
  upgrade(value: bigint): Dumper<bigint> {
    return bigintStepOf(value, BINARY);
  }

  /** Appends the bigint as the type that it needs. */
  override dump(value: bigint, out: WriteBuffer): void | null {
    return bigintStepOf(value, BINARY).dump(value, out);
  }

  /** The digits. */
  override text(value: bigint): string | null {
    return String(value);
  }

  /** The digits. */
  override quote(value: bigint): string {
    return bigintStepOf(value, BINARY).quote(value);
  }
}

/**
 * Registers the dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerNumber(map: Registrar): void {
  map.registerDumper("number", NumberDumper);
  map.registerDumper("number", NumberBinaryDumper);
  map.registerDumper("bigint", BigintDumper);
  map.registerDumper("bigint", BigintBinaryDumper);
}
