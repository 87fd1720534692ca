/**
 * The text format of arrays, read in one pass.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Loader } from "./adapt.ts";
import { Unescaper } from "./unescape.ts";

/** How deep the arrays of PostgreSQL can be nested. */
export const MAX_DIMENSIONS = 6;

const QUOTE = 0x22;
const EQUALS = 0x3d;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const LOWER_CASE = 0x20;

/**
 * The error for an array that cannot be read.
 *
 * @param why What is wrong with it.
 * @returns The error.
 */
export function malformed(why: string): DataError {
  return new DataError(`Cannot read an array: ${why}`);
}

/** Whether `bytes[start..start+4)` is NULL in whatever case. */
function isNull(bytes: Uint8Array, start: number): boolean {
  return (bytes[start]! | LOWER_CASE) === 0x6e &&
    (bytes[start + 1]! | LOWER_CASE) === 0x75 &&
    (bytes[start + 2]! | LOWER_CASE) === 0x6c &&
    (bytes[start + 3]! | LOWER_CASE) === 0x6c;
}

/** Reads one text of an array from start to end, without going back. */
export class TextArrayReader {
  readonly #element: Loader;
  readonly #delimiter: number;
  readonly #source: ReadBuffer;
  readonly #end: number;
  #at: number;
  #unescaper: Unescaper | null = null;

  /**
   * Makes a reader of `source.bytes[start..end)`.
   *
   * @param element The loader of the elements.
   * @param delimiter The byte between the elements.
   * @param source What the text is in, in an encoding that keeps ASCII apart.
   * @param start Where the text starts.
   * @param end Where it ends.
   */
  constructor(
    element: Loader,
    delimiter: number,
    source: ReadBuffer,
    start: number,
    end: number,
  ) {
    this.#element = element;
    this.#delimiter = delimiter;
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  /**
   * Reads the array.
   *
   * @returns The array.
   * @throws {DataError} If the text is malformed, or an element is.
   */
  read(): unknown[] {
    const { bytes } = this.#source;
    const end = this.#end;
    this.#skipBounds();
    if (this.#at >= end || bytes[this.#at] !== BRACE_OPEN) {
      throw malformed("it does not start with a brace");
    }
    const root: unknown[] = [];
    const open: unknown[][] = [root];
    let current = root;
    this.#at++;
    let fresh = true; // no element since the brace, so that one may close here
    while (this.#at < end) {
      const byte = bytes[this.#at]!;
      if (byte === BRACE_OPEN) {
        if (open.length === MAX_DIMENSIONS) {
          throw malformed(`it is nested more than ${MAX_DIMENSIONS} deep`);
        }
        const child: unknown[] = [];
        current.push(child);
        open.push(child);
        current = child;
        this.#at++;
        fresh = true;
        continue;
      }
      if (byte === QUOTE) current.push(this.#quoted());
      else if (byte !== BRACE_CLOSE || !fresh) current.push(this.#bare());
      fresh = false;
      // Closing braces, then a delimiter or the end.
      while (this.#at < end && bytes[this.#at] === BRACE_CLOSE) {
        this.#at++;
        open.pop();
        const parent = open.at(-1);
        if (parent === undefined) {
          if (this.#at !== end) throw malformed("something follows its end");
          return root;
        }
        current = parent;
      }
      if (this.#at < end && bytes[this.#at] !== this.#delimiter) {
        throw malformed("an element is not followed by a delimiter");
      }
      this.#at++;
    }
    throw malformed("a brace is not closed");
  }

  /** Steps over the `[0:1]=` that says at which index an array starts. */
  #skipBounds(): void {
    const { bytes } = this.#source;
    if (bytes[this.#at] !== BRACKET_OPEN) return;
    while (this.#at < this.#end && bytes[this.#at] !== EQUALS) this.#at++;
    this.#at++;
  }

  #bare(): unknown {
    const { bytes } = this.#source;
    const start = this.#at;
    const delimiter = this.#delimiter;
    let at = start;
    for (; at < this.#end; at++) {
      const byte = bytes[at]!;
      if (byte === delimiter || byte === BRACE_CLOSE) break;
      if (byte === BRACE_OPEN || byte === QUOTE || byte === BACKSLASH) {
        throw malformed("an element is not quoted as it must be");
      }
    }
    if (at === start) throw malformed("an element is missing");
    this.#at = at;
    return at - start === 4 && isNull(bytes, start)
      ? null
      : this.#element.load(this.#source, start, at);
  }

  #quoted(): unknown {
    const { bytes } = this.#source;
    const start = this.#at + 1;
    let escaped = false;
    let at = start;
    while (at < this.#end && bytes[at] !== QUOTE) {
      if (bytes[at] === BACKSLASH) {
        escaped = true;
        at++;
      }
      at++;
    }
    if (at >= this.#end) throw malformed("a quote is not closed");
    this.#at = at + 1;
    return escaped
      ? this.#unescaped(start, at)
      : this.#element.load(this.#source, start, at);
  }

  #unescaped(start: number, end: number): unknown {
    const unescaper = this.#unescaper ??= new Unescaper(
      this.#source,
      this.#end - start,
    );
    unescaper.take(start, end);
    const { buffer } = unescaper;
    return this.#element.load(buffer, unescaper.start, unescaper.end);
  }
}
