/**
 * What the codecs that work by tables share: building strings fast, and errors.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { TextCodec } from "./text.ts";

// As many arguments as every engine takes.
const UNITS_AT_ONCE = 4096;
// Below this length, adding up is faster than making an array for apply().
const APPLY_FROM = 64;
const scratch = new Uint16Array(UNITS_AT_ONCE);

/**
 * Memory for code units, until the next call of this function.
 *
 * @param length How many are needed at most.
 * @returns An array of that length or more.
 */
export function unitsFor(length: number): Uint16Array {
  return length <= UNITS_AT_ONCE ? scratch : new Uint16Array(length);
}

/** What stands in tables for bytes without a character: a surrogate is never one. */
export const UNDEFINED = 0xd800;

/**
 * A string from UTF-16 code units.
 *
 * @param units The code units.
 * @param length How many of them count.
 * @returns The string.
 */
export function textOfUnits(units: Uint16Array, length: number): string {
  let text = "";
  if (length < APPLY_FROM) {
    for (let index = 0; index < length; index++) {
      text += String.fromCharCode(units[index]!);
    }
    return text;
  }
  for (let from = 0; from < length; from += UNITS_AT_ONCE) {
    const part = units.subarray(from, Math.min(from + UNITS_AT_ONCE, length));
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/**
 * The error for bytes that mean nothing.
 *
 * @param encoding The encoding that they should be in.
 * @returns The error.
 */
export function cannotDecode(encoding: string): DataError {
  return new DataError(
    `Cannot decode text from the server: it is not valid ${encoding}, or has characters for which the server and this platform disagree, read it as bytea or set client_encoding to UTF8`,
  );
}

/**
 * The error for a character that an encoding lacks. It names the character and
 * nothing else of the text.
 *
 * @param codec The codec.
 * @param text The text.
 * @param index Where in it the character is.
 * @returns The error.
 */
export function cannotEncode(
  codec: TextCodec,
  text: string,
  index: number,
): DataError {
  const code = text.codePointAt(index) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) {
    return new DataError(
      `Cannot encode text as ${codec.encoding}: it contains a surrogate that is not part of a pair`,
    );
  }
  const name = code.toString(16).toUpperCase().padStart(4, "0");
  return new DataError(
    `Cannot encode text as ${codec.encoding}: the encoding has no character U+${name}, set client_encoding to UTF8`,
  );
}
