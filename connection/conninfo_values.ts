/**
 * Connection parameters given in an object: keys in either spelling, values of
 * several types, brought into the form they have in connection strings.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import {
  OPTION_KEYS,
  REQUIRESSL,
  sslModeOfRequireSsl,
} from "./conninfo_table.ts";

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * Brings parameters from an object into the form of a connection string.
 *
 * @param options The object. What is `null` or `undefined` in it counts as absent.
 * @param ignored Keys that are something else than parameters.
 * @returns The parameters by libpq's keyword.
 * @throws {ProgrammingError} If there is no such parameter, it is given twice,
 * or its value is neither a string nor a number nor a boolean.
 * @throws {DataError} If a value cannot be sent to a server.
 */
export function parametersFromObject(
  options: object,
  ignored: ReadonlySet<string> = NO_KEYS,
): Record<string, string> {
  const out: Record<string, string> = {};
  const keys = new Map<string, string>();
  for (const [key, value] of Object.entries(options)) {
    if (ignored.has(key) || value === null || value === undefined) continue;
    const known = OPTION_KEYS.get(key);
    if (known === undefined) throw unknownKey(key, ignored);
    const keyword = known === REQUIRESSL ? "sslmode" : known;
    const other = keys.get(keyword);
    if (other !== undefined) {
      throw new ProgrammingError(
        `Cannot use the options "${other}" and "${key}" together: both stand for the parameter "${keyword}"`,
      );
    }
    keys.set(keyword, key);
    const text = textOf(key, value);
    out[keyword] = known === REQUIRESSL ? sslModeOfRequireSsl(text) : text;
  }
  return out;
}

function textOf(key: string, value: unknown): string {
  switch (typeof value) {
    case "string":
      checkText(value, `the parameter "${key}"`);
      return value;
    case "number":
    case "bigint":
      if (!Number.isNaN(value)) return String(value);
      throw new ProgrammingError(
        `Cannot use the parameter "${key}": its value is NaN`,
      );
    case "boolean":
      return value ? "1" : "0";
    default:
      throw new ProgrammingError(
        `Cannot use the parameter "${key}": its value must be a string, a number or a boolean, not of type "${typeof value}"`,
      );
  }
}

/**
 * Checks that a text can be sent to a server.
 *
 * @param text The text. It is not told in the error.
 * @param what What it is, for the error.
 * @throws {DataError} If it contains NUL, or half of a surrogate pair.
 */
export function checkText(text: string, what: string): void {
  if (text.includes("\0")) {
    throw new DataError(`Cannot use ${what}: it contains a NUL character`);
  }
  if (!text.isWellFormed()) {
    throw new DataError(
      `Cannot use ${what}: it contains a surrogate that is not part of a pair`,
    );
  }
}

function unknownKey(
  key: string,
  ignored: ReadonlySet<string>,
): ProgrammingError {
  const nearest = nearestOf(key, [...OPTION_KEYS.keys(), ...ignored]);
  const advice = nearest === null ? "" : `, do you mean "${nearest}"?`;
  return new ProgrammingError(
    `Cannot use the option ${
      JSON.stringify(key)
    }: there is no such parameter${advice}`,
  );
}

/** The candidate that is written nearly as `key` is, or `null`. */
function nearestOf(key: string, candidates: readonly string[]): string | null {
  if (key.length > 40) return null;
  const plain = (text: string) => text.toLowerCase().replaceAll("_", "");
  const wanted = plain(key);
  let best: string | null = null;
  let bestDistance = 1 + Math.min(3, Math.floor(wanted.length / 3));
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** How many characters must be put in, left out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
