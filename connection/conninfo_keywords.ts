/**
 * Connection strings of the form `keyword=value keyword='value'`: parsed and
 * written. URIs are in `conninfo_uri.ts`.
 *
 * The messages of all errors tell positions, never a piece of the string: where
 * a string is malformed, any piece of it may belong to a password.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import {
  PARAMETERS,
  REQUIRESSL,
  sslModeOfRequireSsl,
} from "./conninfo_table.ts";

const SPACES = " \t\n\v\f\r";

/**
 * The error for a connection string that cannot be parsed.
 *
 * @param reason What is wrong; must not quote the string.
 * @returns The error.
 */
export function malformed(reason: string): ProgrammingError {
  return new ProgrammingError(`Cannot parse the connection string: ${reason}`);
}

/**
 * Stores a parameter as libpq does: the last of several wins, and `requiressl`
 * becomes `sslmode`.
 *
 * @param out Where to.
 * @param keyword The keyword, as it stands in the string.
 * @param value Its value.
 * @returns Whether there is such a parameter.
 */
export function storeParameter(
  out: Record<string, string>,
  keyword: string,
  value: string,
): boolean {
  if (keyword === REQUIRESSL) out.sslmode = sslModeOfRequireSsl(value);
  else if (PARAMETERS.has(keyword)) out[keyword] = value;
  else return false;
  return true;
}

/**
 * Parses a string of keywords and values.
 *
 * @param text The string.
 * @returns The parameters by keyword.
 * @throws {ProgrammingError} If it is malformed or names an unknown parameter.
 */
export function parseKeywords(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  let at = skipSpaces(text, 0);
  while (at < text.length) {
    const start = at;
    while (at < text.length && !isEndOfKeyword(text.charAt(at))) at++;
    const keyword = text.slice(start, at);
    at = skipSpaces(text, at);
    if (text.charAt(at) !== "=") {
      throw malformed(
        `the word at position ${start + 1} is not followed by "=", ${
          text.includes("://")
            ? "write keyword=value, or a URI that begins with postgresql:// or postgres://"
            : "put a value that contains spaces between single quotes"
        }`,
      );
    }
    const value = readValue(text, skipSpaces(text, at + 1));
    at = skipSpaces(text, value.end);
    if (!storeParameter(out, keyword, value.text)) {
      throw malformed(
        `the keyword at position ${start + 1} is not a connection parameter`,
      );
    }
  }
  return out;
}

function skipSpaces(text: string, at: number): number {
  while (at < text.length && SPACES.includes(text.charAt(at))) at++;
  return at;
}

function isEndOfKeyword(character: string): boolean {
  return character === "=" || SPACES.includes(character);
}

/** Reads a value, quoted or not, that starts at `at`. */
function readValue(text: string, at: number): { text: string; end: number } {
  const quoted = text.charAt(at) === "'";
  const start = at;
  let value = "";
  if (quoted) at++;
  for (; at < text.length; at++) {
    let character = text.charAt(at);
    if (quoted ? character === "'" : SPACES.includes(character)) break;
    // A backslash at the very end stands for nothing.
    if (character === "\\") character = text.charAt(++at);
    value += character;
  }
  if (!quoted) return { text: value, end: Math.min(at, text.length) };
  if (at >= text.length) {
    throw malformed(
      `the quote at position ${
        start + 1
      } is not closed, write a quote inside of a value as \\'`,
    );
  }
  return { text: value, end: at + 1 };
}

/**
 * Writes parameters as a string of keywords and values.
 *
 * @param parameters The parameters by keyword.
 * @returns The string.
 */
export function formatKeywords(
  parameters: Readonly<Record<string, string>>,
): string {
  return Object.entries(parameters)
    .map(([keyword, value]) => `${keyword}=${quoteValue(value)}`)
    .join(" ");
}

function quoteValue(value: string): string {
  const escaped = value.replace(/['\\]/g, "\\$&");
  return value === "" || /[ \t\n\v\f\r]/.test(value) ? `'${escaped}'` : escaped;
}
