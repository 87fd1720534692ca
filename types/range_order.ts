/**
 * The order of the bounds of ranges: numbers, dates and times, decimals, and
 * whatever says itself how it compares.
 *
 * @module
 */

import { compareDecimals } from "./decimal.ts";

/**
 * Compares two bounds: below zero if the first comes first, 0 if they are
 * equal, `NaN` if neither can be said.
 */
export type BoundOrder = (one: unknown, other: unknown) => number;

/** The methods that classes of numbers and times compare by. */
interface Comparable {
  readonly constructor: { compare?(one: unknown, other: unknown): number };
  compare?(other: unknown): number;
  cmp?(other: unknown): number;
}

/** The nanoseconds since 1970 of what stands for a point in time, else `null`. */
function instantOf(value: object): bigint | null {
  if (value instanceof Date) {
    const millis = value.getTime();
    return Number.isNaN(millis) ? null : BigInt(millis) * 1_000_000n;
  }
  const { epochNanoseconds } = value as { epochNanoseconds?: unknown };
  return typeof epochNanoseconds === "bigint" ? epochNanoseconds : null;
}

function compareObjects(one: object, other: object): number {
  const instant = instantOf(one);
  const otherInstant = instantOf(other);
  if (instant !== null && otherInstant !== null) {
    return comparePrimitives(instant, otherInstant);
  }
  if (one.constructor !== other.constructor) return NaN;
  const { constructor, compare, cmp } = one as Comparable;
  if (typeof constructor?.compare === "function") {
    return constructor.compare(one, other);
  }
  const method = compare ?? cmp;
  return typeof method === "function" ? method.call(one, other) : NaN;
}

function comparePrimitives<T extends number | bigint | string>(
  one: T,
  other: T,
): number {
  if (one < other) return -1;
  if (one > other) return 1;
  if (one === other) return 0;
  // A number beside a bigint of the same value, or NaN, the greatest as in SQL.
  const isNaN = Number.isNaN(one);
  const otherIsNaN = Number.isNaN(other);
  return isNaN === otherIsNaN ? 0 : isNaN ? 1 : -1;
}

/** A number that is wrapped to say its type, else the value itself. */
function unwrap(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date || "epochNanoseconds" in value) return value;
  const { value: inner } = value as { value?: unknown };
  return typeof inner === "number" || typeof inner === "bigint" ? inner : value;
}

/**
 * The order of bounds by what they are: numbers and bigints by their value,
 * strings by their characters, points in time by when they are, other objects by
 * the static `compare()` of their class, as those of Temporal have it, or their
 * own `compare()` or `cmp()`.
 */
export const naturalOrder: BoundOrder = (one, other) => {
  const left = unwrap(one);
  const right = unwrap(other);
  if (isNumeric(left) && isNumeric(right)) {
    return comparePrimitives(left, right);
  }
  if (typeof left === "string" && typeof right === "string") {
    return comparePrimitives(left, right);
  }
  if (
    typeof left === "object" && left !== null &&
    typeof right === "object" && right !== null
  ) return compareObjects(left, right);
  return NaN;
};

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** The order of decimals, whose strings compare by their exact value. */
export const decimalOrder: BoundOrder = (one, other) => {
  if (isNumeric(one) && isNumeric(other)) return comparePrimitives(one, other);
  if (one == null || other == null) return NaN;
  return compareDecimals(String(one), String(other));
};
