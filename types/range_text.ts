/**
 * The text format of ranges and multiranges, read in one pass, and written.
 *
 * Chapter "Range Types", section "Range Input/Output": no text between bracket
 * and comma is no bound, `""` is a bound of empty text.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Loader } from "./adapt.ts";
import type { Range, RangeBounds } from "./range_value.ts";
import { Unescaper } from "./unescape.ts";

const QUOTE = 0x22;
const PARENTHESIS_OPEN = 0x28;
const PARENTHESIS_CLOSE = 0x29;
const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const EMPTY = [0x65, 0x6d, 0x70, 0x74, 0x79] as const; // "empty"

/** Makes the range that was read. */
export type RangeMaker = (
  lower: unknown,
  upper: unknown,
  bounds: RangeBounds,
) => Range;

/**
 * The error for a range that cannot be read.
 *
 * @param why What is wrong with it.
 * @returns The error.
 */
export function malformedRange(why: string): DataError {
  return new DataError(`Cannot read a range: ${why}`);
}

/**
 * The error for a multirange that cannot be read.
 *
 * @param why What is wrong with it.
 * @returns The error.
 */
export function malformedMultirange(why: string): DataError {
  return new DataError(`Cannot read a multirange: ${why}`);
}

/**
 * The error for a bound whose dumper says NULL, which no bound can be.
 *
 * @returns The error.
 */
export function boundIsNull(): DataError {
  return new DataError(
    "Cannot send a range: the dumper of a bound made it NULL, pass null for no bound",
  );
}

/** Reads the text of a range, or of the ranges of a multirange, without going back. */
export class RangeTextReader {
  readonly #bound: Loader;
  readonly #make: RangeMaker;
  readonly #source: ReadBuffer;
  readonly #end: number;
  #at: number;
  #unescaper: Unescaper | null = null;

  /**
   * Makes a reader of `source.bytes[start..end)`.
   *
   * @param bound The loader of the bounds.
   * @param make Makes the ranges.
   * @param source What the text is in, in an encoding that keeps ASCII apart.
   * @param start Where the text starts.
   * @param end Where it ends.
   */
  constructor(
    bound: Loader,
    make: RangeMaker,
    source: ReadBuffer,
    start: number,
    end: number,
  ) {
    this.#bound = bound;
    this.#make = make;
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  /**
   * Reads a range that is all of the text.
   *
   * @returns The range.
   * @throws {DataError} If the text is malformed, or a bound is.
   */
  readRange(): Range {
    const range = this.#range();
    if (this.#at !== this.#end) {
      throw malformedRange("something follows its end");
    }
    return range;
  }

  /**
   * Reads the ranges of a multirange that is all of the text.
   *
   * @returns The ranges.
   * @throws {DataError} If the text is malformed, or a bound is.
   */
  readMultirange(): Range[] {
    const { bytes } = this.#source;
    const end = this.#end;
    const ranges: Range[] = [];
    if (this.#at >= end || bytes[this.#at] !== BRACE_OPEN) {
      throw malformedMultirange("it does not start with a brace");
    }
    this.#at++;
    if (this.#at < end && bytes[this.#at] === BRACE_CLOSE) this.#at++;
    else {
      while (true) {
        ranges.push(this.#range());
        if (this.#at >= end) {
          throw malformedMultirange("its brace is not closed");
        }
        const byte = bytes[this.#at++];
        if (byte === BRACE_CLOSE) break;
        if (byte !== COMMA) {
          throw malformedMultirange("a range is not followed by a comma");
        }
      }
    }
    if (this.#at !== end) {
      throw malformedMultirange("something follows its end");
    }
    return ranges;
  }

  #range(): Range {
    const { bytes } = this.#source;
    const end = this.#end;
    if (this.#isEmpty()) {
      this.#at += EMPTY.length;
      return this.#make(null, null, "empty");
    }
    const open = this.#at < end ? bytes[this.#at] : undefined;
    if (open !== BRACKET_OPEN && open !== PARENTHESIS_OPEN) {
      throw malformedRange("it does not start with a bracket or parenthesis");
    }
    this.#at++;
    const lower = this.#readBound();
    if (this.#at >= end || bytes[this.#at] !== COMMA) {
      throw malformedRange("its lower bound is not followed by a comma");
    }
    this.#at++;
    const upper = this.#readBound();
    const close = this.#at < end ? bytes[this.#at] : undefined;
    if (close !== BRACKET_CLOSE && close !== PARENTHESIS_CLOSE) {
      throw malformedRange(
        "its upper bound is not followed by a bracket or parenthesis",
      );
    }
    this.#at++;
    return this.#make(
      lower,
      upper,
      boundsOf(open === BRACKET_OPEN, close === BRACKET_CLOSE),
    );
  }

  #isEmpty(): boolean {
    const { bytes } = this.#source;
    if (this.#at + EMPTY.length > this.#end) return false;
    for (let index = 0; index < EMPTY.length; index++) {
      if (bytes[this.#at + index] !== EMPTY[index]) return false;
    }
    return true;
  }

  /** Reads up to what follows the bound. */
  #readBound(): unknown {
    const { bytes } = this.#source;
    const start = this.#at;
    if (start < this.#end && bytes[start] === QUOTE) return this.#quoted();
    let at = start;
    for (; at < this.#end; at++) {
      const byte = bytes[at]!;
      if (
        byte === COMMA || byte === BRACKET_CLOSE || byte === PARENTHESIS_CLOSE
      ) break;
      if (
        byte === QUOTE || byte === BACKSLASH || byte === BRACKET_OPEN ||
        byte === PARENTHESIS_OPEN
      ) throw malformedRange("a bound is not quoted as it must be");
    }
    this.#at = at;
    return at === start ? null : this.#bound.load(this.#source, start, at);
  }

  #quoted(): unknown {
    const { bytes } = this.#source;
    const start = this.#at + 1;
    const end = this.#end;
    let escaped = false;
    let at = start;
    while (at < end) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        if (at + 1 >= end || bytes[at + 1] !== QUOTE) break;
      } else if (byte !== BACKSLASH) {
        at++;
        continue;
      }
      escaped = true;
      at += 2;
    }
    if (at >= end) throw malformedRange("a quote is not closed");
    this.#at = at + 1;
    if (!escaped) return this.#bound.load(this.#source, start, at);
    const unescaper = this.#unescaper ??= new Unescaper(
      this.#source,
      end - start,
    );
    unescaper.take(start, at);
    const { buffer } = unescaper;
    return this.#bound.load(buffer, unescaper.start, unescaper.end);
  }
}

/**
 * The bounds of a range that is not empty.
 *
 * @param lowerInc Whether the lower bound belongs to it.
 * @param upperInc Whether the upper bound belongs to it.
 * @returns The bounds.
 */
export function boundsOf(lowerInc: boolean, upperInc: boolean): RangeBounds {
  return lowerInc ? (upperInc ? "[]" : "[)") : upperInc ? "(]" : "()";
}

/** Turns a bound into text. */
export type BoundText = (bound: unknown) => string;

function quoteBound(text: string): string {
  return text === "" || /[,()[\]{}"\\\s]/.test(text)
    ? `"${text.replaceAll(/["\\]/g, "$&$&")}"`
    : text;
}

/**
 * A range as the text that the server reads.
 *
 * @param range The range.
 * @param textOf Gives the text of a bound.
 * @returns The text.
 */
export function writeRangeText(range: Range, textOf: BoundText): string {
  const { bounds, lower, upper } = range;
  if (range.isEmpty) return bounds;
  const from = lower === null ? "" : quoteBound(textOf(lower));
  const to = upper === null ? "" : quoteBound(textOf(upper));
  return `${bounds[0]}${from},${to}${bounds[1]}`;
}
