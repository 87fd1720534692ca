/**
 * How ranges and multiranges are sent whose class says nothing of their type: it
 * is found from their bounds.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { type Adaptation, type Dumper, PlaceholderFormat } from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { wider } from "./number.ts";
import { OID } from "./oids.ts";
import {
  BinaryRanges,
  Core,
  type DumperPair,
  type Ranges,
  TextRanges,
} from "./range_dumper.ts";
import type { RangeShape } from "./range_shape.ts";

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
