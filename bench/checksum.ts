/**
 * One number for the rows of a run, the same whatever classes a driver makes its
 * values of. So a driver that is fast because it got a value wrong is found out.
 *
 * @module
 */

import type { Row } from "./driver.ts";

/** One in this many rows counts with all of its values, chosen by its first one. */
const SAMPLE = 8;

/**
 * The checksum of rows. It does not depend on their order, because a table scan
 * may start anywhere.
 *
 * @param rows The rows.
 * @returns The number of rows and a sum of hashes.
 * @throws {TypeError} If a value is of a class that is not expected.
 */
export function checksum(rows: readonly Row[]): string {
  let sum = 0;
  for (const row of rows) {
    const values = Object.values(row);
    const first = hash(normalise(values[0]), 0);
    sum += first;
    if (first % SAMPLE !== 0) continue;
    let whole = first;
    for (let i = 1; i < values.length; i++) {
      whole = hash(normalise(values[i]), whole);
    }
    sum += whole;
  }
  return `${rows.length}-${sum.toString(36)}`;
}

/** The text that a value has in common with the same value from another driver. */
function normalise(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
  }
  if (value === null) return "NULL";
  if (Array.isArray(value)) return `[${value.map(normalise).join()}]`;
  if (value instanceof Uint8Array) return value.toHex();
  // To the millisecond, which is as far as Date goes. TZ is UTC here.
  if (value instanceof Date) return String(value.getTime());
  if (value instanceof Temporal.Instant) return String(value.epochMilliseconds);
  if (value instanceof Temporal.PlainDate) {
    return String(value.toZonedDateTime("UTC").epochMilliseconds);
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return JSON.stringify(value);
  }
  throw new TypeError(`Cannot compare a ${value!.constructor.name}`);
}

/** FNV-1a over UTF-16 code units, from a start of one's own. */
function hash(text: string, start: number): number {
  let result = start ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    result = Math.imul(result ^ text.charCodeAt(i), 0x01000193);
  }
  return result >>> 0;
}
