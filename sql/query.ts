/**
 * Statements given as text, and their parameters: from psycopg's placeholders
 * to the `$n` that the server knows, remembered by the statement's text.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { parsePlaceholders, startsWithDigit } from "./placeholders.ts";

/**
 * The parameters of a statement: by position, or by name. Of an object, the
 * properties count that are its own or come from its class.
 */
export type QueryParameters =
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** A statement as the server gets it, and how its parameters are to be taken. */
export interface ConvertedQuery {
  /** The statement with `$n`. */
  readonly text: string;
  /** The format of each `$n`. */
  readonly formats: readonly PlaceholderFormat[];
  /** Which name each `$n` takes, or `null` where they go by position. */
  readonly names: readonly string[] | null;
}

/** The most parameters that a Bind message can count. */
export const MAX_PARAMETERS = 65_535;

/** What is remembered: statements no longer, with no more parameters than this. */
const CACHED_LENGTH = 4096;
const CACHED_PARAMETERS = 50;
const GENERATION = 128;

// Two generations instead of an exact order of use: a hit costs one look-up.
let young = new Map<string, ConvertedQuery>();
let old = new Map<string, ConvertedQuery>();

function remember(query: string, converted: ConvertedQuery): void {
  if (young.size >= GENERATION) {
    old = young;
    young = new Map();
  }
  young.set(query, converted);
}

/**
 * Checks that a statement does not have more parameters than the protocol can
 * count.
 *
 * @param count How many there are.
 * @throws {ProgrammingError} If there are too many.
 */
export function checkParameterCount(count: number): void {
  if (count > MAX_PARAMETERS) {
    throw new ProgrammingError(
      `Cannot convert the query: it has ${count} parameters and the protocol allows ${MAX_PARAMETERS}, pass arrays and use unnest(), or use executeMany() or COPY`,
    );
  }
}

function convert(query: string): ConvertedQuery {
  if (typeof query !== "string") {
    throw new TypeError(
      `Cannot convert the query: it must be a string, not ${kindOf(query)}`,
    );
  }
  const { chunks, slots, formats, names } = parsePlaceholders(query);
  checkParameterCount(formats.length);
  let text = chunks[0] ?? "";
  for (let index = 0; index < slots.length; index++) {
    const chunk = chunks[index + 1] ?? "";
    const space = startsWithDigit(chunk) ? " " : "";
    text += `$${(slots[index] ?? 0) + 1}${space}${chunk}`;
  }
  return { text, formats, names };
}

/**
 * Converts the placeholders of a statement, `%s`, `%b`, `%t` and `%(name)s`, to
 * `$n`; `%%` becomes `%`. It is for statements that come with parameters, were
 * it an empty list: without any, a statement is sent as it is.
 *
 * @param query The statement.
 * @param params Its parameters, of which only the kind is looked at.
 * @returns The statement as the server gets it.
 * @throws {ProgrammingError} If a placeholder is malformed, or if the statement
 * has `$n` instead of placeholders.
 * @throws {TypeError} If `params` is neither an array nor an object with names.
 */
export function convertQuery(
  query: string,
  params: QueryParameters,
): ConvertedQuery {
  let converted = young.get(query);
  if (converted === undefined) {
    converted = old.get(query) ?? convert(query);
    if (
      query.length <= CACHED_LENGTH &&
      converted.formats.length <= CACHED_PARAMETERS
    ) remember(query, converted);
  }
  checkKind(converted, params);
  if (converted.formats.length === 0 && hasDollars(converted.text)) {
    const given = Array.isArray(params) ? params : Object.keys(params);
    if (given.length > 0) throw wrongCount(converted, given.length);
  }
  return converted;
}

const automatic: readonly PlaceholderFormat[][] = Array.from(
  { length: CACHED_PARAMETERS + 1 },
  (_, count) => Array<PlaceholderFormat>(count).fill(PlaceholderFormat.AUTO),
);

/**
 * A statement that has `$n` already. Neither it nor its `%` is touched, and the
 * server counts its parameters.
 *
 * @param query The statement.
 * @param params Its parameters, of which only the kind and number are looked at.
 * @returns The statement as the server gets it.
 * @throws {TypeError} If `params` is not an array.
 * @throws {ProgrammingError} If there are more parameters than the protocol
 * can count.
 */
export function convertRawQuery(
  query: string,
  params: QueryParameters,
): ConvertedQuery {
  if (!Array.isArray(params)) {
    throw new TypeError(
      `Cannot take the parameters: $n goes by position and needs an array, not ${
        kindOf(params)
      }`,
    );
  }
  const count = params.length;
  checkParameterCount(count);
  const formats = automatic[count] ??
    Array<PlaceholderFormat>(count).fill(PlaceholderFormat.AUTO);
  return { text: query, formats, names: null };
}

/**
 * The values for the `$n` of a statement, in their order.
 *
 * @param query The statement, converted.
 * @param params The parameters.
 * @returns One value for each `$n`; none is `undefined`.
 * @throws {ProgrammingError} If there are too many or too few, if a name is
 * missing, or if a value is `undefined`.
 * @throws {TypeError} If `params` is not of the kind that the statement needs.
 */
export function orderParameters(
  query: ConvertedQuery,
  params: QueryParameters,
): readonly unknown[] {
  checkKind(query, params);
  const { names, formats } = query;
  if (Array.isArray(params)) {
    if (params.length !== formats.length) {
      throw wrongCount(query, params.length);
    }
    for (let index = 0; index < params.length; index++) {
      if (params[index] === undefined) {
        throw undefinedParameter(String(index + 1));
      }
    }
    return params;
  }
  if (names === null) {
    refuseOptions(params as Record<string, unknown>);
    return [];
  }
  const values = new Array<unknown>(names.length);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] ?? "";
    values[index] = valueOf(params as Record<string, unknown>, name);
  }
  return values;
}

/** Options in the place of parameters would be ignored, and the signal with them. */
function refuseOptions(params: Record<string, unknown>): void {
  if (!(params.signal instanceof AbortSignal)) return;
  throw new TypeError(
    "Cannot take the parameters: the query has no placeholders and they hold a signal, give options behind the parameters: execute(query, undefined, { signal })",
  );
}

function valueOf(params: Record<string, unknown>, name: string): unknown {
  // What every object inherits, such as "constructor", is nobody's parameter.
  if (
    !Object.hasOwn(params, name) &&
    (!(name in params) || name in Object.prototype)
  ) {
    throw new ProgrammingError(
      `Cannot take the parameters: the query has a placeholder named "${name}" and the parameters have no such name`,
    );
  }
  const value = params[name];
  if (value === undefined) throw undefinedParameter(`"${name}"`);
  return value;
}

/**
 * The error for a parameter that is `undefined`.
 *
 * @param which The parameter: its number, or its name in quotes.
 * @returns The error, to be thrown.
 */
export function undefinedParameter(which: string): ProgrammingError {
  return new ProgrammingError(
    `Cannot take the parameters: parameter ${which} is undefined, pass null for NULL`,
  );
}

function hasDollars(text: string): boolean {
  return text.includes("$") && /\$\d/.test(text);
}

function counted(count: number, what: string): string {
  return `${count === 0 ? "no" : count} ${what}${count === 1 ? "" : "s"}`;
}

function wrongCount(query: ConvertedQuery, given: number): ProgrammingError {
  const expected = query.formats.length;
  if (expected === 0 && hasDollars(query.text)) {
    return new ProgrammingError(
      "Cannot take the parameters: the query has $n where this cursor takes %s, %b, %t and %(name)s, use RawCursor for $n, or the sql tag",
    );
  }
  return new ProgrammingError(
    `Cannot take the parameters: the query has ${
      counted(expected, "placeholder")
    } and there ${given === 1 ? "is" : "are"} ${counted(given, "parameter")}`,
  );
}

function checkKind(query: ConvertedQuery, params: QueryParameters): void {
  if (Array.isArray(params)) {
    if (query.names === null) return;
    throw new TypeError(
      "Cannot take the parameters: named placeholders need an object with their names, not an array",
    );
  }
  // Whatever can be iterated, a Map or bytes for example, was meant otherwise.
  if (
    typeof params !== "object" || params === null ||
    Symbol.iterator in params || Symbol.asyncIterator in params ||
    params instanceof Promise || params instanceof Date ||
    params instanceof ArrayBuffer || ArrayBuffer.isView(params)
  ) {
    throw new TypeError(
      `Cannot take the parameters: they must be an array or an object with names, not ${
        kindOf(params)
      }`,
    );
  }
  if (query.names === null && query.formats.length > 0) {
    throw new TypeError(
      "Cannot take the parameters: positional placeholders need an array, not an object",
    );
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object";
}
