/**
 * What ranges and multiranges have in common, and what tells them apart on their
 * way out.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Adaptation, Dumper } from "./adapt.ts";
import { unsuitable } from "./dumper.ts";
import { Multirange } from "./multirange_value.ts";
import { writeRangeBinary } from "./range_binary.ts";
import { type BoundText, writeRangeText } from "./range_text.ts";
import { Range } from "./range_value.ts";

/** What of a range or multirange type its dumpers need. */
export interface RangeType {
  /** The OID of the type. */
  readonly oid: number;
  /** The name in SQL. */
  readonly regtype: string;
  /** The OID of the type of the bounds. */
  readonly subtypeOid: number;
}

/** What tells ranges from multiranges on their way out. */
export interface RangeShape<V> {
  /** The ranges in a value. */
  ranges(value: V): readonly Range[];
  /** The value as the text that the server reads. */
  text(value: V, textOf: BoundText): string;
  /** Appends the value in binary format. */
  binary(
    value: V,
    dumperOf: (bound: unknown) => Dumper,
    out: WriteBuffer,
  ): void;
  /** The type over a type of bounds, or `null`. */
  over(adaptation: Adaptation, subtypeOid: number): RangeType | null;
}

/** Ranges. */
export const RANGE: RangeShape<Range> = {
  ranges: (value) => [rangeOf(value)],
  text: (value, textOf) => writeRangeText(rangeOf(value), textOf),
  binary: (value, dumperOf, out) =>
    writeRangeBinary(rangeOf(value), dumperOf, out),
  over: (adaptation, oid) => adaptation.rangeOver?.(oid) ?? null,
};

/** Multiranges. */
export const MULTIRANGE: RangeShape<Multirange> = {
  ranges: rangesOf,
  text: (value, textOf) =>
    `{${
      rangesOf(value).map((range) => writeRangeText(range, textOf)).join(",")
    }}`,
  binary(value, dumperOf, out) {
    const ranges = rangesOf(value);
    out.int32(ranges.length);
    for (const range of ranges) {
      const at = out.beginValue();
      writeRangeBinary(range, dumperOf, out);
      out.endValue(at);
    }
  },
  over: (adaptation, oid) => adaptation.multirangeOver?.(oid) ?? null,
};

function rangeOf(value: Range): Range {
  if (value instanceof Range) return value;
  throw unsuitable("a range");
}

/** The list can be changed, so that anything may be in it. */
function rangesOf(value: Multirange): readonly Range[] {
  if (!(value instanceof Multirange)) throw unsuitable("a multirange");
  const { ranges } = value;
  const index = ranges.findIndex((range) => !(range instanceof Range));
  if (index === -1) return ranges;
  throw new DataError(
    `Cannot send a multirange: the item at ${index} is no Range`,
  );
}
