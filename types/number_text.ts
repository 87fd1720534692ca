/**
 * The texts of numbers as the server writes them, told from anything else.
 *
 * @module
 */

import { latin1Slice } from "../protocol/text.ts";
import { SPECIAL } from "./decimal.ts";

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x65;
const LOWER_CASE = 0x20;

/** Steps over digits. */
function skipDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
  return at;
}

/**
 * The text of a numeric: digits with a point somewhere, `NaN`, or an infinity.
 *
 * @param bytes What it is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @returns The text, or `null` if it is none.
 */
export function decimalText(
  bytes: Uint8Array,
  start: number,
  end: number,
): string | null {
  const first = bytes[start] === MINUS ? start + 1 : start;
  let at = skipDigits(bytes, first, end);
  let valid = at > first;
  if (at < end && bytes[at] === POINT) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction, end);
    valid &&= at > fraction;
  }
  const text = latin1Slice(bytes, start, end);
  return (valid && at === end) || SPECIAL.has(text) ? text : null;
}

/**
 * The number that the text of a float stands for.
 *
 * @param bytes What it is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @returns The number, or `null` if it is none.
 */
export function floatOf(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | null {
  const text = latin1Slice(bytes, start, end);
  const value = Number(text);
  if (!Number.isFinite(value)) return SPECIAL.has(text) ? value : null;
  if (start === end) return null;
  // JavaScript reads blanks and other bases than ten as numbers as well.
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const isDigit = byte >= ZERO && byte <= NINE;
    if (
      !isDigit && byte !== POINT && byte !== MINUS && byte !== PLUS &&
      (byte | LOWER_CASE) !== LETTER_E
    ) return null;
  }
  return value;
}
