/**
 * The inside of JavaScript arrays on their way out: what type the elements need,
 * and how they are written.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Adaptation, Dumper, PlaceholderFormat } from "./adapt.ts";
import { MAX_DIMENSIONS } from "./array_text.ts";
import { wider } from "./number.ts";
import { widerRange } from "./range_dumper.ts";

/** Where in the array something is: `[1][0]`. */
function printPath(path: readonly number[]): string {
  return path.map((index) => `[${index}]`).join("");
}

/** Finds the dumper for all elements of an array and of those in it, in one walk. */
export class ElementSearch {
  readonly #adaptation: Adaptation;
  readonly #format: PlaceholderFormat;
  readonly #ancestors: unknown[][] = [];
  readonly #path: number[] = [];
  #foundAt: number[] = [];
  /** The dumper so far; `null` as long as there were only NULLs. */
  found: Dumper | null = null;

  /**
   * Makes a search for one array.
   *
   * @param adaptation What finds the dumpers of the elements.
   * @param format What is asked for the elements.
   */
  constructor(adaptation: Adaptation, format: PlaceholderFormat) {
    this.#adaptation = adaptation;
    this.#format = format;
  }

  /**
   * Looks at an array and at those in it.
   *
   * @param array The array.
   * @throws {DataError} If it contains itself, is nested too deep, or has
   * elements of different types.
   * @throws {ProgrammingError} If an element is undefined, or there is no dumper
   * for it.
   */
  walk(array: unknown[]): void {
    this.#enter(array);
    const last = this.#path.length;
    this.#path.push(0);
    for (let index = 0; index < array.length; index++) {
      const value = array[index];
      if (value === null) continue;
      this.#path[last] = index;
      if (Array.isArray(value)) this.walk(value);
      else this.#leaf(value);
    }
    this.#path.pop();
    this.#ancestors.pop();
  }

  #enter(array: unknown[]): void {
    if (this.#ancestors.includes(array)) {
      throw new DataError(
        `Cannot adapt an array: it contains itself at ${printPath(this.#path)}`,
      );
    }
    if (this.#ancestors.length === MAX_DIMENSIONS) throw tooDeep();
    this.#ancestors.push(array);
  }

  #leaf(value: unknown): void {
    if (value === undefined) throw isUndefined(this.#path);
    const dumper = this.#adaptation.getDumper(value, this.#format);
    if (dumper === this.found) return;
    if (this.found === null) {
      this.found = dumper;
      this.#foundAt = [...this.#path];
      return;
    }
    const both = wider(this.found, dumper) ?? widerRange(this.found, dumper);
    if (both === null) {
      throw new DataError(
        `Cannot adapt an array: the elements at ${
          printPath(this.#foundAt)
        } and ${printPath(this.#path)} are of different types`,
      );
    }
    this.found = both;
  }
}

function tooDeep(): DataError {
  return new DataError(
    `Cannot adapt an array: it is nested more than ${MAX_DIMENSIONS} deep, the most that PostgreSQL can hold`,
  );
}

function isUndefined(path: readonly number[]): ProgrammingError {
  return new ProgrammingError(
    `Cannot adapt an array: the element at ${
      printPath(path)
    } is undefined, pass null for NULL`,
  );
}

/** The lengths of an array and of the first one in it, and so on. */
function measure(array: unknown[]): number[] {
  const lengths: number[] = [];
  let level: unknown = array;
  while (Array.isArray(level)) {
    if (lengths.length === MAX_DIMENSIONS) throw tooDeep();
    lengths.push(level.length);
    level = level[0];
  }
  return lengths;
}

/** Checks that an element is an array exactly where the first one is, and as long. */
function checkShape(
  value: unknown,
  lengths: readonly number[],
  depth: number,
  path: readonly number[],
): void {
  if (value === undefined) throw isUndefined(path);
  const expected = lengths[depth];
  const length = Array.isArray(value) ? value.length : undefined;
  if (length === expected) return;
  const what = expected === undefined
    ? "an array where other elements are none"
    : `no array of ${expected} elements as others are`;
  throw new DataError(
    `Cannot adapt an array: it is ragged, the element at ${
      printPath(path)
    } is ${what}`,
  );
}

/** Whether `text` would not be read as itself without quotes in an array. */
function needsQuotes(text: string, delimiter: string): boolean {
  return text === "" || text.includes(delimiter) ||
    /[{}"\\\s]/.test(text) || /^null$/i.test(text);
}

function quoteElement(text: string, delimiter: string): string {
  return needsQuotes(text, delimiter)
    ? `"${text.replaceAll(/["\\]/g, "\\$&")}"`
    : text;
}

/**
 * An array as the text that the server reads.
 *
 * @param array The array.
 * @param element The dumper of its elements.
 * @param delimiter What stands between the elements.
 * @returns The text.
 * @throws {DataError} If the array is ragged or nested too deep.
 * @throws {ProgrammingError} If an element is undefined.
 */
export function writeText(
  array: unknown[],
  element: Dumper,
  delimiter: string,
): string {
  const lengths = measure(array);
  const path: number[] = [];
  let count = 0;
  const write = (level: unknown[], depth: number): string => {
    const parts: string[] = [];
    for (let index = 0; index < level.length; index++) {
      const value = level[index];
      path[depth] = index;
      path.length = depth + 1;
      checkShape(value, lengths, depth + 1, path);
      if (Array.isArray(value)) {
        parts.push(write(value, depth + 1));
        continue;
      }
      count++;
      const text = value === null ? null : element.text(value);
      parts.push(text === null ? "NULL" : quoteElement(text, delimiter));
    }
    return `{${parts.join(delimiter)}}`;
  };
  const text = write(array, 0);
  return count === 0 ? "{}" : text;
}

const HAS_NULLS = 1;

/**
 * Appends an array in binary format.
 *
 * @param array The array.
 * @param element The dumper of its elements, one of binary format.
 * @param out Where to append it.
 * @throws {DataError} If the array is ragged or nested too deep.
 * @throws {ProgrammingError} If an element is undefined.
 */
export function writeBinary(
  array: unknown[],
  element: Dumper,
  out: WriteBuffer,
): void {
  const lengths = measure(array);
  const start = out.length;
  out.int32(lengths.length);
  out.int32(0);
  out.int32(element.oid);
  for (const length of lengths) {
    out.int32(length);
    out.int32(1);
  }
  const path: number[] = [];
  let count = 0;
  let nulls = false;
  const write = (level: unknown[], depth: number): void => {
    for (let index = 0; index < level.length; index++) {
      const value = level[index];
      path[depth] = index;
      path.length = depth + 1;
      checkShape(value, lengths, depth + 1, path);
      if (Array.isArray(value)) {
        write(value, depth + 1);
        continue;
      }
      count++;
      const at = out.beginValue();
      if (value === null || element.dump(value, out) === null) {
        out.nullValue(at);
        nulls = true;
      } else out.endValue(at);
    }
  };
  write(array, 0);
  if (count === 0) {
    // An empty array has no dimensions, however many were written out.
    out.rollback(start);
    out.int32(0);
    out.int32(0);
    out.int32(element.oid);
  } else if (nulls) out.view.setInt32(start + 4, HAS_NULLS);
}
