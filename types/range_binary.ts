/**
 * The binary format of ranges, read and written: a byte of flags, then the
 * bounds that there are, each with its length.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Dumper, Loader } from "./adapt.ts";
import {
  boundIsNull,
  boundsOf,
  malformedRange,
  type RangeMaker,
} from "./range_text.ts";
import type { Range } from "./range_value.ts";

const EMPTY = 0x01;
const LOWER_INC = 0x02;
const UPPER_INC = 0x04;
const LOWER_INF = 0x08;
const UPPER_INF = 0x10;
const KNOWN = EMPTY | LOWER_INC | UPPER_INC | LOWER_INF | UPPER_INF;
const LENGTH_SIZE = 4;

/** Whether the flags say something that no range is. */
function contradictory(flags: number): boolean {
  return (flags & EMPTY) !== 0 && flags !== EMPTY ||
    (flags & LOWER_INF) !== 0 && (flags & LOWER_INC) !== 0 ||
    (flags & UPPER_INF) !== 0 && (flags & UPPER_INC) !== 0;
}

/** Where a bound ends that starts with its length at `at`. */
function boundEnd(source: ReadBuffer, at: number, end: number): number {
  if (at + LENGTH_SIZE > end) throw malformedRange("it ends too early");
  const size = source.view.getInt32(at);
  if (size < 0 || size > end - at - LENGTH_SIZE) {
    throw malformedRange("a bound is longer than the range");
  }
  return at + LENGTH_SIZE + size;
}

/**
 * Reads a range at `source.bytes[start..end)`.
 *
 * @param source What the range is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @param bound The loader of the bounds.
 * @param make Makes the range.
 * @returns The range.
 * @throws {DataError} If the bytes are malformed, or a bound is.
 */
export function readRangeBinary(
  source: ReadBuffer,
  start: number,
  end: number,
  bound: Loader,
  make: RangeMaker,
): Range {
  if (start >= end) throw malformedRange("it ends too early");
  const flags = source.bytes[start]!;
  if ((flags & ~KNOWN) !== 0 || contradictory(flags)) {
    throw malformedRange(`its flags are 0x${flags.toString(16)}`);
  }
  let at = start + 1;
  let lower: unknown = null;
  let upper: unknown = null;
  if ((flags & (EMPTY | LOWER_INF)) === 0) {
    const next = boundEnd(source, at, end);
    lower = bound.load(source, at + LENGTH_SIZE, next);
    at = next;
  }
  if ((flags & (EMPTY | UPPER_INF)) === 0) {
    const next = boundEnd(source, at, end);
    upper = bound.load(source, at + LENGTH_SIZE, next);
    at = next;
  }
  if (at !== end) throw malformedRange("something follows its end");
  return make(
    lower,
    upper,
    flags === EMPTY
      ? "empty"
      : boundsOf((flags & LOWER_INC) !== 0, (flags & UPPER_INC) !== 0),
  );
}

/**
 * Appends a range.
 *
 * @param range The range.
 * @param dumperOf Gives the dumper of a bound, one of binary format.
 * @param out Where to append it.
 */
export function writeRangeBinary(
  range: Range,
  dumperOf: (bound: unknown) => Dumper,
  out: WriteBuffer,
): void {
  const { lower, upper } = range;
  if (range.isEmpty) return out.uint8(EMPTY);
  out.uint8(
    (range.lowerInc ? LOWER_INC : 0) | (range.upperInc ? UPPER_INC : 0) |
      (lower === null ? LOWER_INF : 0) | (upper === null ? UPPER_INF : 0),
  );
  if (lower !== null) writeBound(lower, dumperOf(lower), out);
  if (upper !== null) writeBound(upper, dumperOf(upper), out);
}

function writeBound(bound: unknown, dumper: Dumper, out: WriteBuffer): void {
  const at = out.beginValue();
  if (dumper.dump(bound, out) === null) throw boundIsNull();
  out.endValue(at);
}
