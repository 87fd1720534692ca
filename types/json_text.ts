/**
 * JSON as text: values written and read by `JSON.stringify` and `JSON.parse` or
 * by functions of the user, with errors that fit. The types json and jsonb are
 * in `json.ts`.
 *
 * @module
 */

import { DataError, PgError } from "../errors/base.ts";
import { hasEscapedKey, type JsonReviver, parseByNames } from "./json_keys.ts";

export type { JsonReviver };

/** Writes a value as JSON: returns the text, or its bytes in UTF-8. */
export type JsonDumps = (value: unknown) => string | Uint8Array;

/** Reads JSON: gets the whole text of a value. */
export type JsonLoads = (text: string) => unknown;

/**
 * Reads JSON with a reviver that may see the source of each number, which the
 * types of `JSON.parse` do not say yet.
 *
 * `JSON.parse` alone makes a double of every number, and thereby rounds
 * integers beyond 2^53 and decimals of more than some 16 digits without a word.
 * With the source at hand nothing is lost. Beside that, keys with escape
 * sequences are read as they are, which `JSON.parse` of current V8 does not always
 * do.
 *
 * @param text The text.
 * @param reviver What is called for each value.
 * @returns What the text stands for.
 * @throws {SyntaxError} If it is not JSON.
 *
 * @example Large integers as bigint
 * ```ts no-eval
 * import { adapters } from "@x/pgts";
 * import { parseJson, setJsonLoads } from "@x/pgts/types";
 *
 * setJsonLoads((text) =>
 *   parseJson(text, (_key, value, { source }) =>
 *     typeof value === "number" && !Number.isSafeInteger(value) &&
 *       source !== undefined && /^-?\d+$/.test(source)
 *       ? BigInt(source)
 *       : value), adapters);
 * ```
 */
export function parseJson(text: string, reviver?: JsonReviver): unknown {
  return text.includes("\\") && hasEscapedKey(text)
    ? parseByNames(text, reviver)
    : JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]);
}

/**
 * Reads JSON with a function of the user's or with {@linkcode parseJson}.
 *
 * @param loads The function.
 * @param text The text.
 * @returns What the function gives.
 * @throws {DataError} If the function fails.
 */
export function readJson(loads: JsonLoads, text: string): unknown {
  try {
    return loads(text);
  } catch (cause) {
    if (cause instanceof PgError) throw cause;
    if (cause instanceof SyntaxError) {
      // Without the cause: its message quotes from the value.
      throw new DataError("Cannot read a json value: it is not valid JSON");
    }
    throw new DataError(
      "Cannot read a json value: the function that setJsonLoads() was given failed",
      { cause },
    );
  }
}

/**
 * Writes JSON as `JSON.stringify` does it.
 *
 * @param value The value.
 * @returns The text.
 * @throws {DataError} If the value has no JSON form, or contains a bigint or itself.
 */
export function stringifyJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    // The one word that the messages of all engines have in common.
    const bigint = cause instanceof TypeError && /BigInt/.test(cause.message);
    throw new DataError(
      bigint
        ? "Cannot write a value as JSON: it contains a bigint, which JSON.stringify refuses, give a function that writes it, by new Jsonb(value, dumps) or setJsonDumps()"
        : "Cannot write a value as JSON: JSON.stringify refuses it",
      { cause },
    );
  }
  if (text === undefined) {
    throw new DataError(
      `Cannot write a value as JSON: JSON has no form for ${
        value === undefined ? "undefined" : `a ${typeof value}`
      }, only null stands for nothing`,
    );
  }
  return text;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * Writes JSON with a function of the user's or with {@linkcode stringifyJson}.
 *
 * @param dumps The function.
 * @param value The value.
 * @returns The text.
 * @throws {DataError} If the function fails, or gives neither text nor UTF-8.
 */
export function writeJson(dumps: JsonDumps, value: unknown): string {
  let result: unknown;
  try {
    result = dumps(value);
    if (result instanceof Uint8Array) return decoder.decode(result);
  } catch (cause) {
    if (cause instanceof PgError) throw cause;
    throw new DataError(
      result === undefined
        ? "Cannot write a value as JSON: its dumps function failed"
        : "Cannot write a value as JSON: its dumps function returned bytes that are not valid UTF-8",
      { cause },
    );
  }
  if (typeof result === "string") return result;
  throw new DataError(
    `Cannot write a value as JSON: its dumps function returned ${
      result === null ? "null" : `a value of the type ${typeof result}`
    } instead of a string`,
  );
}
