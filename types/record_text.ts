/**
 * The text format of rows, read in one pass, and written.
 *
 * Chapter "Composite Types", section "Composite Type Input and Output Syntax":
 * nothing between two commas is NULL, `""` is empty text.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Loader } from "./adapt.ts";
import { asciiSafe } from "./ascii_safe.ts";
import { Unescaper } from "./unescape.ts";

const QUOTE = 0x22;
const PARENTHESIS_OPEN = 0x28;
const PARENTHESIS_CLOSE = 0x29;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * The error for a row that cannot be read.
 *
 * @param why What is wrong with it.
 * @returns The error.
 */
export function malformed(why: string): DataError {
  return new DataError(`Cannot read a composite value: ${why}`);
}

/** Tells the loader of a field by its position. */
export type FieldLoader = (index: number) => Loader;

/**
 * Reads a row in text format.
 *
 * @param source What the row is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @param loaderOf Tells the loader of a field.
 * @returns The values of the fields. A row without fields is written as one of
 * a single NULL is, and gives no value.
 * @throws {DataError} If the text is malformed, or a field is.
 */
export function readRecordText(
  source: ReadBuffer,
  start: number,
  end: number,
  loaderOf: FieldLoader,
): unknown[] {
  const text = asciiSafe(source, start, end);
  return text === null
    ? read(source, start, end, loaderOf)
    : read(text, 0, text.bytes.length, loaderOf);
}

function read(
  source: ReadBuffer,
  start: number,
  end: number,
  loaderOf: FieldLoader,
): unknown[] {
  const { bytes } = source;
  const last = end - 1;
  if (
    last <= start || bytes[start] !== PARENTHESIS_OPEN ||
    bytes[last] !== PARENTHESIS_CLOSE
  ) throw malformed("it is not in parentheses");
  const values: unknown[] = [];
  let at = start + 1;
  if (at === last) return values;
  let unescaper: Unescaper | null = null;
  while (true) {
    if (bytes[at] === QUOTE) {
      const from = ++at;
      let escaped = false;
      while (at < last) {
        if (bytes[at] === BACKSLASH) {
          escaped = true;
          at++;
        } else if (bytes[at] === QUOTE) {
          if (bytes[at + 1] !== QUOTE || at + 1 >= last) break;
          escaped = true;
          at++;
        }
        at++;
      }
      if (at >= last) throw malformed("a quote is not closed");
      const loader = loaderOf(values.length);
      if (escaped) {
        unescaper ??= new Unescaper(source, end - from);
        unescaper.take(from, at);
        const { buffer } = unescaper;
        values.push(loader.load(buffer, unescaper.start, unescaper.end));
      } else values.push(loader.load(source, from, at));
      at++;
    } else {
      const from = at;
      for (; at < last && bytes[at] !== COMMA; at++) {
        const byte = bytes[at]!;
        if (
          byte === QUOTE || byte === BACKSLASH ||
          byte === PARENTHESIS_OPEN || byte === PARENTHESIS_CLOSE
        ) throw malformed("a field is not quoted as it must be");
      }
      const loader = loaderOf(values.length);
      values.push(at === from ? null : loader.load(source, from, at));
    }
    if (at === last) return values;
    if (bytes[at] !== COMMA) {
      throw malformed("a field is not followed by a comma");
    }
    at++;
  }
}

/**
 * A row as the text that the server reads.
 *
 * @param fields The texts of its fields; `null` for NULL.
 * @returns The text.
 */
export function writeRecordText(fields: readonly (string | null)[]): string {
  const parts = fields.map((field) => {
    if (field === null) return "";
    return field === "" || /[(),"\\\s]/.test(field)
      ? `"${field.replaceAll(/["\\]/g, "$&$&")}"`
      : field;
  });
  return `(${parts.join(",")})`;
}
