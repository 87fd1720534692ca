/**
 * Numbers that carry the PostgreSQL type they are to be sent as.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";

/** Which integers a type holds. */
export interface IntegerRange {
  /** The name of the type. */
  readonly name: string;
  /** The least one. */
  readonly min: number | bigint;
  /** The greatest one. */
  readonly max: number | bigint;
}

/** The integers of int2. */
export const INT2_RANGE: IntegerRange = {
  name: "int2",
  min: -0x8000,
  max: 0x7fff,
};
/** The integers of int4. */
export const INT4_RANGE: IntegerRange = {
  name: "int4",
  min: -0x8000_0000,
  max: 0x7fff_ffff,
};
/** The integers of int8. */
export const INT8_RANGE: IntegerRange = {
  name: "int8",
  min: -(2n ** 63n),
  max: 2n ** 63n - 1n,
};
/** The integers of oid. */
export const OID_RANGE: IntegerRange = {
  name: "oid",
  min: 0,
  max: 0xffff_ffff,
};

/**
 * Checks that a type holds an integer.
 *
 * @param value The integer.
 * @param range What the type holds.
 * @returns The value itself.
 * @throws {DataError} If it does not, or if the value is a number that is no
 * integer or too large to be exact.
 */
export function checkInteger(
  value: number | bigint,
  range: IntegerRange,
): number | bigint {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    throw new DataError(
      `Cannot send a number as ${range.name}: it is not an integer that a number holds exactly, pass a bigint for a larger one`,
    );
  }
  if (value < range.min || value > range.max) {
    throw new DataError(
      `Cannot send an integer as ${range.name}: it is not between ${range.min} and ${range.max}`,
    );
  }
  return value;
}

/** A number that carries the type it is to be sent as. */
export abstract class NumberWrapper<T extends number | bigint> {
  /** The number. */
  readonly value: T;

  /**
   * Wraps a number.
   *
   * @param value The number.
   */
  constructor(value: T) {
    this.value = value;
  }

  /**
   * The number, for arithmetic.
   *
   * @returns The number.
   */
  valueOf(): T {
    return this.value;
  }

  /**
   * The number as text.
   *
   * @returns The digits.
   */
  toString(): string {
    return String(this.value);
  }
}

/**
 * An integer to be sent as int2 (smallint).
 *
 * @example Choose the type
 * ```ts
 * import { Int2 } from "@x/pgts/types";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(new Int2(7).value, 7);
 * assertThrows(() => new Int2(40_000));
 * ```
 */
export class Int2 extends NumberWrapper<number | bigint> {
  /**
   * Wraps an integer.
   *
   * @param value The integer.
   * @throws {DataError} If int2 does not hold it.
   */
  constructor(value: number | bigint) {
    super(checkInteger(value, INT2_RANGE));
  }
}

/**
 * An integer to be sent as int4 (integer).
 *
 * @example Choose the type
 * ```ts
 * import { Int4 } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Int4(7).value, 7);
 * ```
 */
export class Int4 extends NumberWrapper<number | bigint> {
  /**
   * Wraps an integer.
   *
   * @param value The integer.
   * @throws {DataError} If int4 does not hold it.
   */
  constructor(value: number | bigint) {
    super(checkInteger(value, INT4_RANGE));
  }
}

/**
 * An integer to be sent as int8 (bigint).
 *
 * @example Choose the type
 * ```ts
 * import { Int8 } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Int8(7n).value, 7n);
 * ```
 */
export class Int8 extends NumberWrapper<number | bigint> {
  /**
   * Wraps an integer.
   *
   * @param value The integer.
   * @throws {DataError} If int8 does not hold it.
   */
  constructor(value: number | bigint) {
    super(checkInteger(value, INT8_RANGE));
  }
}

/**
 * An integer to be sent as numeric.
 *
 * @example Choose the type
 * ```ts
 * import { IntNumeric } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new IntNumeric(10n ** 30n).value, 10n ** 30n);
 * ```
 */
export class IntNumeric extends NumberWrapper<number | bigint> {
  /**
   * Wraps an integer.
   *
   * @param value The integer.
   * @throws {DataError} If it is a number that is no exact integer.
   */
  constructor(value: number | bigint) {
    super(
      checkInteger(value, { name: "numeric", min: -Infinity, max: Infinity }),
    );
  }
}

/**
 * An integer to be sent as oid.
 *
 * @example Choose the type
 * ```ts
 * import { Oid } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Oid(4_294_967_295).value, 4_294_967_295);
 * ```
 */
export class Oid extends NumberWrapper<number | bigint> {
  /**
   * Wraps an integer.
   *
   * @param value The integer.
   * @throws {DataError} If oid does not hold it.
   */
  constructor(value: number | bigint) {
    super(checkInteger(value, OID_RANGE));
  }
}

/**
 * Checks that float4 holds a number, if not exactly.
 *
 * @param value The number.
 * @returns The nearest number of single precision.
 * @throws {DataError} If it is too large, or so small that it would become 0.
 */
export function checkFloat4(value: number): number {
  const single = Math.fround(value);
  if (
    (single === 0 && value !== 0) ||
    (!Number.isFinite(single) && Number.isFinite(value))
  ) {
    throw new DataError(
      "Cannot send a number as float4: it is outside of the range of single precision, send it as float8",
    );
  }
  return single;
}

/**
 * A number to be sent as float4 (real).
 *
 * @example Choose the type
 * ```ts
 * import { Float4 } from "@x/pgts/types";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => new Float4(1e300));
 * ```
 */
export class Float4 extends NumberWrapper<number> {
  /**
   * Wraps a number.
   *
   * @param value The number.
   * @throws {DataError} If it is outside of the range of float4.
   */
  constructor(value: number) {
    checkFloat4(value);
    super(value);
  }
}

/**
 * A number to be sent as float8 (double precision).
 *
 * @example Choose the type
 * ```ts
 * import { Float8 } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new Float8(1).value, 1);
 * ```
 */
export class Float8 extends NumberWrapper<number> {}
