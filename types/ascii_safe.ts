/**
 * Text whose structure is told by ASCII characters, in encodings where a byte
 * alone does not tell a character.
 *
 * @module
 */

import { ReadBuffer } from "../protocol/read_buffer.ts";
import { UTF8 } from "../protocol/text.ts";

/** The encodings in which a byte below 0x80 may be the second half of a character. */
const NOT_ASCII_SAFE: ReadonlySet<string> = new Set([
  "BIG5",
  "GB18030",
  "GBK",
  "JOHAB",
  "SHIFT_JIS_2004",
  "SJIS",
  "UHC",
]);

/**
 * A text in an encoding in which its quotes and delimiters can be found byte by
 * byte.
 *
 * @param source What the text is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @returns The text alone, in UTF-8; `null` if it can be read where it is.
 * @throws {DataError} If it is not valid in its encoding.
 */
export function asciiSafe(
  source: ReadBuffer,
  start: number,
  end: number,
): ReadBuffer | null {
  if (!NOT_ASCII_SAFE.has(source.codec.encoding)) return null;
  const bytes = new TextEncoder().encode(source.text(start, end));
  const converted = new ReadBuffer(bytes);
  converted.codec = UTF8;
  return converted;
}
