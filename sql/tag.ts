/**
 * `sql` as users have it: the tag, and what makes parts of a template that are
 * not plain values.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { Composable, Literal, SQL } from "./compose.ts";
import { SqlFragment } from "./context.ts";
import { Identifier } from "./parts.ts";
import { makeTemplate, SqlTemplate, TypedValue } from "./template.ts";

/** The {@linkcode sql} tag and its helpers. */
export interface SqlTag {
  /**
   * Makes a statement of a template. Each value becomes a parameter of its own;
   * other templates and the parts of {@linkcode Composable} become SQL.
   *
   * @param strings The text of the template.
   * @param values What is interpolated.
   * @returns The statement, to be executed or to be put into another.
   * @throws {TypeError} If it is called as a function.
   */
  (strings: TemplateStringsArray, ...values: unknown[]): SqlTemplate;

  /**
   * A name, or a qualified name in its parts, in quotes. A dot in a name is
   * part of the name.
   *
   * @param names The name; of a qualified name, its parts.
   * @returns The identifier.
   * @throws {TypeError} If a name is not a string.
   * @throws {ProgrammingError} If a name is SQL already.
   *
   * @example Choose a table
   * ```ts
   * import { sql } from "@x/pgts/sql";
   *
   * const query = sql`select * from ${sql.id("public", "people")}`;
   * console.log(query.asString()); // select * from "public"."people"
   * ```
   */
  id(...names: [string, ...string[]]): Identifier;

  /**
   * A value that is written into the text, quoted, where PostgreSQL allows no
   * parameter.
   *
   * @param value The value.
   * @returns The literal.
   *
   * @example Set a password
   * ```ts
   * import { sql } from "@x/pgts/sql";
   *
   * const query = sql`alter role me password ${sql.literal("it's")}`;
   * console.log(query.asString()); // alter role me password 'it''s'
   * ```
   */
  literal(value: unknown): Literal;

  /**
   * SQL text as it is. This is unsafe: the text must not come from users, and
   * nothing in it is quoted or checked.
   *
   * @param text The SQL.
   * @returns The SQL, as a part for templates.
   * @throws {TypeError} If it is not a string.
   */
  raw(text: string): SQL;

  /**
   * A value to be sent as text.
   *
   * @param value The value.
   * @returns The value with its format.
   */
  text(value: unknown): TypedValue;

  /**
   * A value to be sent in binary.
   *
   * @param value The value.
   * @returns The value with its format.
   */
  bin(value: unknown): TypedValue;

  /**
   * A list with something between its items: templates and values, each of
   * which becomes a parameter, or else composable parts such as `sql.id()`.
   *
   * @param items The items. An empty list gives an empty text.
   * @param separator What goes between them, a comma by default.
   * @returns The list, to be put into a template.
   * @throws {TypeError} If composable parts are mixed with others, or if the
   * separator is a string.
   *
   * @example Write conditions and lists
   * ```ts
   * import { sql } from "@x/pgts/sql";
   *
   * const conditions = [sql`a = ${1}`, sql`b in (${sql.join([2, 3])})`];
   * const query = sql`select 1 where ${sql.join(conditions, sql` and `)}`;
   * console.log(query.asString()); // select 1 where a = 1 and b in (2, 3)
   * ```
   */
  join(items: Iterable<unknown>, separator?: SqlTemplate | SQL): SqlTemplate;
}

function id(...names: [string, ...string[]]): Identifier {
  if (names.some((name: unknown) => name instanceof SqlFragment)) {
    throw new ProgrammingError(
      "Cannot make an identifier: sql.id() takes names as strings, interpolate the SQL object itself",
    );
  }
  return new Identifier(...names);
}

const COMMA = new SQL(", ");

function join(
  items: Iterable<unknown>,
  separator: SqlTemplate | SQL = COMMA,
): SqlTemplate {
  if (!(separator instanceof SqlTemplate) && !(separator instanceof SQL)) {
    throw new TypeError(
      "Cannot join: the separator must be a template such as sql` and `",
    );
  }
  const values: unknown[] = [];
  let composables = 0;
  let others = 0;
  for (const item of items) {
    if (item instanceof Composable) composables++;
    else others++;
    if (values.length > 0) values.push(separator);
    values.push(item);
  }
  if (composables > 0 && others > 0) {
    throw new TypeError(
      "Cannot join: the list mixes templates or values with composable parts, write each part as a template such as sql`${part}`",
    );
  }
  return new SqlTemplate(Array<string>(values.length + 1).fill(""), values);
}

/**
 * The tag for statements: what is interpolated becomes a parameter and never
 * SQL, unless one of the helpers or another template made it.
 *
 * Escape sequences are JavaScript's, so a backslash meant for PostgreSQL is
 * written twice.
 *
 * @example Pass values, names and pieces of SQL
 * ```ts
 * import { sql } from "@x/pgts/sql";
 *
 * const name = "O'Hara";
 * const recent = sql`and seen > ${"2026-01-01"}`;
 * const query = sql`
 *   select ${sql.id("id")} from people where name = ${name} ${recent}`;
 * console.log(query.asString());
 * ```
 */
export const sql: SqlTag = Object.assign(
  (strings: TemplateStringsArray, ...values: unknown[]): SqlTemplate =>
    makeTemplate(strings, ...values),
  {
    id,
    literal: (value: unknown): Literal => new Literal(value),
    raw: (text: string): SQL => new SQL(text),
    text: (value: unknown): TypedValue =>
      new TypedValue(value, PlaceholderFormat.TEXT),
    bin: (value: unknown): TypedValue =>
      new TypedValue(value, PlaceholderFormat.BINARY),
    join,
  },
);
