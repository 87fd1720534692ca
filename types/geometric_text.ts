/**
 * The text of geometric values, read in one pass: coordinates, and the
 * punctuation of each type around them.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { latin1Slice } from "../protocol/text.ts";
import { Point } from "./geometric_lines.ts";

const NOTHING = 0;
const DIGITS = 1;
const LETTERS = 2;

/** What a byte can be part of: a number in digits, or the name of one. */
const KIND = new Uint8Array(256);
for (const character of "Infity") KIND[character.charCodeAt(0)] = LETTERS;
for (const character of "Na") KIND[character.charCodeAt(0)] = LETTERS;
for (const character of "0123456789+-.e") {
  KIND[character.charCodeAt(0)] = DIGITS;
}

const NAMED: ReadonlyMap<string, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);

const PARENTHESIS_OPEN = 0x28;
const PARENTHESIS_CLOSE = 0x29;
const COMMA = 0x2c;

/** Reads one geometric value from start to end, without going back. */
export class GeometricText {
  readonly #source: ReadBuffer;
  readonly #end: number;
  readonly #type: string;
  #at: number;

  /**
   * Makes a reader of `source.bytes[start..end)`, which is ASCII in any encoding.
   *
   * @param source What the text is in.
   * @param start Where the text starts.
   * @param end Where it ends.
   * @param type The name of the type, for messages.
   */
  constructor(source: ReadBuffer, start: number, end: number, type: string) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
    this.#type = type;
  }

  /**
   * Steps over a character if it comes next.
   *
   * @param byte The character.
   * @returns Whether it did.
   */
  skip(byte: number): boolean {
    if (this.#at >= this.#end || this.#source.bytes[this.#at] !== byte) {
      return false;
    }
    this.#at++;
    return true;
  }

  /**
   * Steps over a character.
   *
   * @param byte The character.
   * @throws {DataError} If it does not come next.
   */
  expect(byte: number): void {
    if (this.skip(byte)) return;
    throw this.#malformed(
      `"${String.fromCharCode(byte)}" is missing`,
    );
  }

  /**
   * Checks that nothing is left.
   *
   * @throws {DataError} If something is.
   */
  expectEnd(): void {
    if (this.#at !== this.#end) {
      throw this.#malformed("something follows its end");
    }
  }

  /**
   * Reads a coordinate.
   *
   * @returns The number.
   * @throws {DataError} If there is none.
   */
  number(): number {
    const { bytes } = this.#source;
    const start = this.#at;
    const end = this.#end;
    let at = start;
    let seen = NOTHING;
    for (; at < end; at++) {
      const kind = KIND[bytes[at]!]!;
      if (kind === NOTHING) break;
      seen |= kind;
    }
    this.#at = at;
    const text = latin1Slice(bytes, start, at);
    const value = seen === DIGITS ? Number(text) : NAMED.get(text);
    if (value === undefined || (seen === DIGITS && Number.isNaN(value))) {
      throw this.#malformed("a coordinate is not a number");
    }
    return value;
  }

  /**
   * Reads a point.
   *
   * @returns The point.
   * @throws {DataError} If there is none.
   */
  point(): Point {
    this.expect(PARENTHESIS_OPEN);
    const x = this.number();
    this.expect(COMMA);
    const y = this.number();
    this.expect(PARENTHESIS_CLOSE);
    return new Point(x, y);
  }

  /**
   * Reads points with commas between them.
   *
   * @returns The points, one at least.
   * @throws {DataError} If there are none.
   */
  points(): Point[] {
    const points: Point[] = [this.point()];
    while (this.skip(COMMA)) points.push(this.point());
    return points;
  }

  #malformed(why: string): DataError {
    return new DataError(`Cannot read a ${this.#type}: ${why}`);
  }
}
