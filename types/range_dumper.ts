/**
 * How ranges and multiranges of one type are sent: the type that their class
 * chooses, or that `range_finder.ts` finds from their bounds.
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
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { OID } from "./oids.ts";
import type { RangeShape, RangeType } from "./range_shape.ts";
import { boundIsNull } from "./range_text.ts";

/** Values of one type, and what their bounds are sent by. */
export class Core<V> {
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
export class TextRanges<V> extends TextDumper<V> {
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
export class BinaryRanges<V> extends BinaryDumper<V> {
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

/** Sends the values of a core. */
export type Ranges<V> = TextRanges<V> | BinaryRanges<V>;

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

/** The dumpers of a class: in text format, and in binary. */
export type DumperPair<V> = readonly [DumperClass<V>, DumperClass<V>];

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
