/**
 * SQL literals and identifiers: the one place where text is quoted.
 *
 * Chapter "Lexical Structure": a literal with a backslash is written as `E''`,
 * which reads the same whatever `standard_conforming_strings` is set to.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";

function check(text: string, what: string): void {
  if (text.includes("\0")) {
    throw new DataError(
      `Cannot quote ${what}: it contains a NUL character, which PostgreSQL text cannot hold`,
    );
  }
  if (!text.isWellFormed()) {
    throw new DataError(
      `Cannot quote ${what}: it contains a surrogate that is not part of a pair`,
    );
  }
}

/**
 * Text as a SQL string literal. A literal with a backslash starts with a space,
 * so that its `E` cannot join what stands before it.
 *
 * @param text The text.
 * @returns The literal with its quotes.
 * @throws {DataError} If the text contains a NUL or a lone surrogate.
 */
export function quoteString(text: string): string {
  check(text, "a string");
  const doubled = text.replaceAll("'", "''");
  return doubled.includes("\\")
    ? ` E'${doubled.replaceAll("\\", "\\\\")}'`
    : `'${doubled}'`;
}

/**
 * A name as a SQL identifier, always in quotes.
 *
 * @param name The name, exactly as it stands in the catalogue.
 * @returns The identifier with its quotes.
 * @throws {DataError} If the name contains a NUL or a lone surrogate.
 */
export function quoteIdentifier(name: string): string {
  check(name, "an identifier");
  return `"${name.replaceAll('"', '""')}"`;
}
