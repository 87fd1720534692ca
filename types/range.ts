/**
 * Ranges and multiranges from the server, of whatever bounds there is a loader
 * for. How they are sent is in `range_dumper.ts`.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  type Adaptation,
  Format,
  type Loader,
  type LoaderClass,
} from "./adapt.ts";
import { asciiSafe } from "./ascii_safe.ts";
import { Multirange } from "./multirange_value.ts";
import { OID } from "./oids.ts";
import { readRangeBinary } from "./range_binary.ts";
import {
  malformedMultirange,
  type RangeMaker,
  RangeTextReader,
} from "./range_text.ts";
import { asDecimals, Range } from "./range_value.ts";
import { MultirangeInfo, RangeInfo } from "./type_info.ts";

const LENGTH_SIZE = 4;

const makeRange: RangeMaker = (lower, upper, bounds) =>
  new Range(lower, upper, bounds);

/** The strings that bounds of numeric are by default compare as decimals. */
const makeDecimalRange: RangeMaker = (lower, upper, bounds) =>
  asDecimals(new Range(lower, upper, bounds));

/** What reads the bounds of a type, and makes its ranges. */
interface Parts {
  readonly bound: Loader;
  readonly make: RangeMaker;
}

function partsOf(oid: number, adaptation: Adaptation, format: Format): Parts {
  const info = adaptation.typeInfoOf?.(oid) ?? null;
  const subtype = info instanceof RangeInfo || info instanceof MultirangeInfo
    ? info.subtypeOid
    : OID.UNKNOWN;
  return {
    bound: adaptation.getLoader(subtype, format),
    make: subtype === OID.NUMERIC ? makeDecimalRange : makeRange,
  };
}

function textReader(
  { bound, make }: Parts,
  source: ReadBuffer,
  start: number,
  end: number,
): RangeTextReader {
  const text = asciiSafe(source, start, end);
  return text === null
    ? new RangeTextReader(bound, make, source, start, end)
    : new RangeTextReader(bound, make, text, 0, text.bytes.length);
}

/** Reads ranges in text format, with the loader of their bounds. */
export class RangeLoader implements Loader<Range> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #parts: Parts;

  /**
   * Makes the loader of a range type.
   *
   * @param oid The OID of the range type.
   * @param adaptation What knows the type and the loader of the bounds.
   */
  constructor(oid: number, adaptation: Adaptation) {
    this.#parts = partsOf(oid, adaptation, Format.TEXT);
  }

  /**
   * The range.
   *
   * @throws {DataError} If the text is malformed, or a bound is.
   */
  load(source: ReadBuffer, start: number, end: number): Range {
    return textReader(this.#parts, source, start, end).readRange();
  }
}

/** Reads ranges in binary format, with the loader of their bounds. */
export class RangeBinaryLoader implements Loader<Range> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values where the bounds give them. */
  static readonly twin: LoaderClass = RangeLoader;
  readonly #parts: Parts;

  /**
   * Makes the loader of a range type.
   *
   * @param oid The OID of the range type.
   * @param adaptation What knows the type and the loader of the bounds.
   */
  constructor(oid: number, adaptation: Adaptation) {
    this.#parts = partsOf(oid, adaptation, Format.BINARY);
  }

  /**
   * The range.
   *
   * @throws {DataError} If the bytes are malformed, or a bound is.
   */
  load(source: ReadBuffer, start: number, end: number): Range {
    const { bound, make } = this.#parts;
    return readRangeBinary(source, start, end, bound, make);
  }
}

/** Reads multiranges in text format, with the loader of their bounds. */
export class MultirangeLoader implements Loader<Multirange> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #parts: Parts;

  /**
   * Makes the loader of a multirange type.
   *
   * @param oid The OID of the multirange type.
   * @param adaptation What knows the type and the loader of the bounds.
   */
  constructor(oid: number, adaptation: Adaptation) {
    this.#parts = partsOf(oid, adaptation, Format.TEXT);
  }

  /**
   * The multirange.
   *
   * @throws {DataError} If the text is malformed, or a bound is.
   */
  load(source: ReadBuffer, start: number, end: number): Multirange {
    return new Multirange(
      textReader(this.#parts, source, start, end).readMultirange(),
    );
  }
}

/** Reads multiranges in binary format, with the loader of their bounds. */
export class MultirangeBinaryLoader implements Loader<Multirange> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values where the bounds give them. */
  static readonly twin: LoaderClass = MultirangeLoader;
  readonly #parts: Parts;

  /**
   * Makes the loader of a multirange type.
   *
   * @param oid The OID of the multirange type.
   * @param adaptation What knows the type and the loader of the bounds.
   */
  constructor(oid: number, adaptation: Adaptation) {
    this.#parts = partsOf(oid, adaptation, Format.BINARY);
  }

  /**
   * The multirange.
   *
   * @throws {DataError} If the bytes are malformed, or a bound is.
   */
  load(source: ReadBuffer, start: number, end: number): Multirange {
    const { view } = source;
    const { bound, make } = this.#parts;
    if (end - start < LENGTH_SIZE) {
      throw malformedMultirange("it ends too early");
    }
    const count = view.getInt32(start);
    let at = start + LENGTH_SIZE;
    // Before anything is read: each range has at least its length.
    if (count < 0 || count > (end - at) / LENGTH_SIZE) {
      throw malformedMultirange(`it says it has ${count} ranges`);
    }
    const ranges: Range[] = [];
    for (let index = 0; index < count; index++) {
      if (at + LENGTH_SIZE > end) {
        throw malformedMultirange("it ends too early");
      }
      const size = view.getInt32(at);
      at += LENGTH_SIZE;
      if (size < 0 || size > end - at) {
        throw malformedMultirange("a range is longer than the multirange");
      }
      ranges.push(readRangeBinary(source, at, at + size, bound, make));
      at += size;
    }
    if (at !== end) throw malformedMultirange("something follows its end");
    return new Multirange(ranges);
  }
}
