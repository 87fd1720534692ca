/**
 * The escaping functions of libpq, without a connection: all that they need to
 * know is that the client encoding is UTF8 on the way through pgts.
 *
 * @module
 */

import { encodeHex } from "@std/encoding/hex";
import { parseBytea } from "../types/bytea.ts";
import { quoteIdentifier, quoteString } from "../types/quote.ts";

/**
 * Text as a SQL string literal, quotes included. Values belong into parameters
 * or the `sql` tag; this is for where neither goes.
 *
 * @param text The text.
 * @returns The literal. With a backslash in it, it begins with a space and `E`.
 * @throws {DataError} If the text contains a NUL or a lone surrogate.
 *
 * @example
 * ```ts
 * import { escapeLiteral } from "@x/pgts";
 *
 * console.log(escapeLiteral("O'Hara")); // 'O''Hara'
 * ```
 */
export function escapeLiteral(text: string): string {
  return quoteString(text);
}

/**
 * A name as a SQL identifier, quotes included.
 *
 * @param name The name, exactly as it stands in the catalogue.
 * @returns The identifier.
 * @throws {DataError} If the name contains a NUL or a lone surrogate.
 *
 * @example
 * ```ts
 * import { escapeIdentifier } from "@x/pgts";
 *
 * console.log(escapeIdentifier('my "own" table')); // "my ""own"" table"
 * ```
 */
export function escapeIdentifier(name: string): string {
  return quoteIdentifier(name);
}

/**
 * Text as it stands between the quotes of a literal without `E`, in a session
 * with `standard_conforming_strings` on, as it is unless somebody turned it off.
 * {@linkcode escapeLiteral} holds in every session.
 *
 * @param text The text.
 * @returns The text with its quotes doubled.
 * @throws {DataError} If the text contains a NUL or a lone surrogate.
 */
export function escapeString(text: string): string {
  quoteString(text); // For its checks.
  return text.replaceAll("'", "''");
}

/**
 * Bytes as the text of a bytea, in the hex format: what goes between quotes.
 *
 * @param bytes The bytes.
 * @returns `\x` and two digits for each byte.
 *
 * @example
 * ```ts
 * import { escapeBytea, unescapeBytea } from "@x/pgts";
 *
 * console.log(escapeBytea(Uint8Array.of(0, 255))); // \x00ff
 * console.log(unescapeBytea("\\x00ff")); // Uint8Array(2) [ 0, 255 ]
 * ```
 */
export function escapeBytea(bytes: Uint8Array): string {
  return `\\x${encodeHex(bytes)}`;
}

/**
 * The bytes that the text of a bytea stands for.
 *
 * @param text The text that the server writes, in the hex or the escape format.
 * @returns The bytes.
 * @throws {DataError} If the text is malformed.
 */
export function unescapeBytea(text: string): Uint8Array {
  return parseBytea(text);
}
