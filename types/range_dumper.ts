/**
 * How ranges and multiranges are sent. Their type is found from their bounds,
 * or chosen by the class that wraps them.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  type DumperClass,
  Format,
  PlaceholderFormat,
} from "./adapt.ts";
import { dumperOfType, isNumberType, stringDumperOf } from "./by_type.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { Multirange } from "./multirange_value.ts";
import { wider } from "./number.ts";
import { OID } from "./oids.ts";
import { writeRangeBinary } from "./range_binary.ts";
import { boundIsNull, type BoundText, writeRangeText } from "./range_text.ts";
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

/** Values of one type, and what their bounds are sent by. */
class Core<V> {
  readonly shape: RangeShape<V>;
  /** The type; `null` where the server has to find it. */
  readonly type: RangeType | null;
  /** Whether the type was found from the bounds, so that a wider one does as well. */
  readonly found: boolean;
  readonly #adaptation: Adaptation;
  readonly #format: PlaceholderFormat;

  constructor(
    shape: RangeShape<V>,
    type: RangeType | null,
    found: boolean,
    adaptation: Adaptation,
    format: PlaceholderFormat,
  ) {
    this.shape = shape;
    this.type = type;
    this.found = found;
    this.#adaptation = adaptation;
    this.#format = format;
  }

  /** Whether all bounds have a binary form of the type that the range is over. */
  isBinary(value: V): boolean {
    for (const { lower, upper } of this.shape.ranges(value)) {
      if (lower !== null && !this.#fits(this.#dumperOf(lower))) return false;
      if (upper !== null && !this.#fits(this.#dumperOf(upper))) return false;
    }
    return true;
  }

  text(value: V): string {
    return this.shape.text(value, (bound) => {
      const text = this.#dumperOf(bound).text(bound);
      if (text === null) throw boundIsNull();
      return text;
    });
  }

  binary(value: V, out: WriteBuffer): void {
    this.shape.binary(value, (bound) => {
      const dumper = this.#dumperOf(bound);
      if (this.#fits(dumper)) return dumper;
      throw new DataError(
        `Cannot send a range as ${this.type?.regtype} in binary: a bound has no binary form of the type ${
          this.#nameOf(this.type?.subtypeOid ?? 0)
        }`,
      );
    }, out);
  }

  #fits(dumper: Dumper): boolean {
    return dumper.format === Format.BINARY &&
      dumper.oid === this.type?.subtypeOid;
  }

  #dumperOf(bound: unknown): Dumper {
    const dumper = this.#adaptation.getDumper(bound, this.#format);
    if (this.type === null || dumper.oid === this.type.subtypeOid) {
      return dumper;
    }
    const { regtype, subtypeOid } = this.type;
    if (typeof bound === "string") {
      // Its text is that of whatever type the server reads it as.
      return stringDumperOf(subtypeOid, this.#adaptation, this.#format) ??
        dumper;
    }
    if (isNumberType(subtypeOid) && isNumberType(dumper.oid)) {
      return dumperOfType(subtypeOid, this.#adaptation, this.#format) ??
        dumper;
    }
    if (dumper.oid === 0) return dumper;
    throw new DataError(
      `Cannot send a range as ${regtype}: a bound is of the type ${
        this.#nameOf(dumper.oid)
      } instead of ${this.#nameOf(subtypeOid)}`,
    );
  }

  #nameOf(oid: number): string {
    return this.#adaptation.typeInfoOf?.(oid)?.regtype ?? `with OID ${oid}`;
  }
}

/** Sends the values of a core in text format. */
class TextRanges<V> extends TextDumper<V> {
  override readonly oid: number;
  override readonly cast: string;
  readonly core: Core<V>;

  constructor(core: Core<V>) {
    super();
    this.core = core;
    this.oid = core.type?.oid ?? 0;
    this.cast = core.type?.regtype ?? "";
  }

  get asText(): TextRanges<V> {
    return this;
  }

  override text(value: V): string {
    return this.core.text(value);
  }
}

/** Sends the values of a core in binary format. */
class BinaryRanges<V> extends BinaryDumper<V> {
  override readonly oid: number;
  override readonly cast: string;
  readonly core: Core<V>;
  #asText: TextRanges<V> | null = null;

  constructor(core: Core<V>) {
    super();
    this.core = core;
    this.oid = core.type?.oid ?? 0;
    this.cast = core.type?.regtype ?? "";
  }

  /** The same in text format, which every bound has. */
  get asText(): TextRanges<V> {
    return this.#asText ??= new TextRanges(this.core);
  }

  upgrade(value: V): Dumper<V> {
    return this.core.isBinary(value) ? this : this.asText;
  }

  override dump(value: V, out: WriteBuffer): void {
    this.core.binary(value, out);
  }

  override text(value: V): string {
    return this.core.text(value);
  }
}

type Ranges<V> = TextRanges<V> | BinaryRanges<V>;

function isRanges(dumper: Dumper): dumper is Ranges<unknown> {
  return dumper instanceof TextRanges || dumper instanceof BinaryRanges;
}

/** Integers and decimals: each takes the bounds of those before it. */
const LADDER: readonly number[] = [OID.INT4, OID.INT8, OID.NUMERIC];

/**
 * The one of two dumpers that takes the ranges, or multiranges, of both: the
 * elements of an array have one type.
 *
 * @param one A dumper.
 * @param other Another one.
 * @returns The dumper, or `null` if no type is that of both.
 */
export function widerRange(one: Dumper, other: Dumper): Dumper | null {
  if (!isRanges(one) || !isRanges(other)) return null;
  const { shape, type, found } = one.core;
  if (shape !== other.core.shape) return null;
  const otherType = other.core.type;
  if (type === null) return other.asText;
  if (otherType === null) return one.asText;
  const step = LADDER.indexOf(type.subtypeOid);
  const otherStep = LADDER.indexOf(otherType.subtypeOid);
  const onLadder = found && other.core.found && step >= 0 && otherStep >= 0;
  if (type.oid !== otherType.oid && !onLadder) return null;
  const wide = otherStep > step ? other : one;
  return one.format === other.format ? wide : wide.asText;
}

/** Finds the dumpers of ranges, or multiranges, for one context and kind of placeholder. */
class Finder<V> {
  readonly #shape: RangeShape<V>;
  readonly #adaptation: Adaptation;
  readonly #format: PlaceholderFormat;
  readonly #untyped: TextRanges<V>;
  /** By the type of the bounds, and in text only or not. */
  readonly #found = new Map<number, Ranges<V>>();

  constructor(
    shape: RangeShape<V>,
    adaptation: Adaptation,
    format: PlaceholderFormat,
  ) {
    this.#shape = shape;
    this.#adaptation = adaptation;
    this.#format = format;
    this.#untyped = new TextRanges(
      new Core(shape, null, true, adaptation, format),
    );
  }

  find(value: V): Dumper<V> {
    let bound: Dumper | null = null;
    for (const { lower, upper } of this.#shape.ranges(value)) {
      if (lower !== null) bound = this.#join(bound, lower);
      if (upper !== null) bound = this.#join(bound, upper);
    }
    if (bound === null || bound.oid === 0) return this.#untyped;
    // There is no range of the smallest integers.
    const subtype = bound.oid === OID.INT2 ? OID.INT4 : bound.oid;
    let dumper = this.#found.get(subtype);
    if (dumper === undefined) {
      dumper = this.#make(subtype);
      this.#found.set(subtype, dumper);
    }
    return dumper instanceof BinaryRanges ? dumper.upgrade(value) : dumper;
  }

  #make(subtype: number): Ranges<V> {
    const type = this.#shape.over(this.#adaptation, subtype);
    if (type === null) return this.#untyped;
    const core = new Core(
      this.#shape,
      type,
      true,
      this.#adaptation,
      this.#format,
    );
    return this.#format === PlaceholderFormat.TEXT
      ? new TextRanges(core)
      : new BinaryRanges(core);
  }

  #join(before: Dumper | null, bound: unknown): Dumper {
    const dumper = this.#adaptation.getDumper(bound, this.#format);
    if (before === null || before.oid === dumper.oid) return dumper;
    const both = wider(before, dumper);
    if (both !== null) return both;
    throw new DataError(
      "Cannot send a range: its bounds are of different types, choose one with Int4Range, NumRange and so on",
    );
  }
}

/** Sends values in text format, of the type that their bounds need. */
class FoundText<V> extends TextDumper<V> {
  override readonly oid: number = 0;
  readonly #finder: Finder<V>;

  constructor(finder: Finder<V>) {
    super();
    this.#finder = finder;
  }

  upgrade(value: V): Dumper<V> {
    return this.#finder.find(value);
  }

  override text(value: V): string | null {
    return this.upgrade(value).text(value);
  }

  override quote(value: V): string {
    return this.upgrade(value).quote(value);
  }
}

/** Sends values in binary format where their bounds have one, of the type that they need. */
class FoundBinary<V> extends BinaryDumper<V> {
  override readonly oid: number = 0;
  readonly #finder: Finder<V>;

  constructor(finder: Finder<V>) {
    super();
    this.#finder = finder;
  }

  upgrade(value: V): Dumper<V> {
    return this.#finder.find(value);
  }

  override dump(value: V, out: WriteBuffer): void | null {
    return this.upgrade(value).dump(value, out);
  }

  override text(value: V): string | null {
    return this.upgrade(value).text(value);
  }

  override quote(value: V): string {
    return this.upgrade(value).quote(value);
  }
}

/** The dumpers of a class: in text format, and in binary. */
export type DumperPair<V> = readonly [DumperClass<V>, DumperClass<V>];

/**
 * The dumpers of a class whose type is found from the bounds.
 *
 * @param shape Ranges or multiranges.
 * @returns The dumpers.
 */
export function foundDumpers<V>(shape: RangeShape<V>): DumperPair<V> {
  return [
    class extends FoundText<V> {
      constructor(
        adaptation: Adaptation,
        format: PlaceholderFormat = PlaceholderFormat.TEXT,
      ) {
        super(new Finder(shape, adaptation, format));
      }
    },
    class extends FoundBinary<V> {
      constructor(
        adaptation: Adaptation,
        format: PlaceholderFormat = PlaceholderFormat.BINARY,
      ) {
        super(new Finder(shape, adaptation, format));
      }
    },
  ];
}

/**
 * The dumpers of a class that chooses the type.
 *
 * @param shape Ranges or multiranges.
 * @param type The type.
 * @returns The dumpers.
 */
export function typedDumpers<V>(
  shape: RangeShape<V>,
  type: RangeType,
): DumperPair<V> {
  return [
    class extends TextRanges<V> {
      constructor(
        adaptation: Adaptation,
        format: PlaceholderFormat = PlaceholderFormat.TEXT,
      ) {
        super(new Core(shape, type, false, adaptation, format));
      }
    },
    class extends BinaryRanges<V> {
      constructor(
        adaptation: Adaptation,
        format: PlaceholderFormat = PlaceholderFormat.BINARY,
      ) {
        super(new Core(shape, type, false, adaptation, format));
      }
    },
  ];
}
