/**
 * Values and statements as text outside of any cursor.
 *
 * @module
 */

import type { SqlContext } from "./context.ts";
import { adaptationOf, encodeSql, literalOf, SqlFragment } from "./context.ts";

/**
 * A value as a SQL literal.
 *
 * Where a parameter can be used, it is the better choice.
 *
 * @param value The value; `null` gives `NULL`.
 * @param context For whom; the global adapters by default.
 * @returns The literal.
 * @throws {ProgrammingError} If the value is `undefined` or has no dumper.
 * @throws {DataError} If the type cannot hold the value.
 *
 * @example Quote values
 * ```ts
 * import { quote } from "@x/pgts/sql";
 *
 * console.log(quote("it's"), quote(null)); // 'it''s' NULL
 * ```
 */
export function quote(value: unknown, context?: SqlContext): string {
  return literalOf(value, adaptationOf(context));
}

/**
 * Anything as SQL: a statement or a part of one as its text, with literals in
 * the place of parameters, anything else as a literal.
 *
 * @param value The statement or value.
 * @param context For whom; the global adapters by default.
 * @returns The text.
 * @throws {ProgrammingError} If a value is `undefined` or has no dumper.
 * @throws {DataError} If a type cannot hold its value.
 *
 * @example Look at a template
 * ```ts
 * import { asString, sql } from "@x/pgts/sql";
 *
 * console.log(asString(sql`select ${"it's"}`)); // select 'it''s'
 * ```
 */
export function asString(value: unknown, context?: SqlContext): string {
  return value instanceof SqlFragment
    ? value.asString(context)
    : quote(value, context);
}

/**
 * The same as {@linkcode asString}, in the encoding of the session.
 *
 * @param value The statement or value.
 * @param context For whom; the global adapters and UTF-8 by default.
 * @returns The bytes.
 * @throws {ProgrammingError} If a value is `undefined` or has no dumper.
 * @throws {DataError} If the encoding does not have a character.
 */
export function asBytes(value: unknown, context?: SqlContext): Uint8Array {
  return encodeSql(asString(value, context), context);
}
