/**
 * SQL put together safely: the {@linkcode sql} tag, and the classes behind it,
 * which do the same step by step.
 *
 * What is interpolated into a template becomes a parameter. Names go through
 * `sql.id()`, pieces of SQL are templates themselves.
 *
 * @example Search by what is given
 * ```ts
 * import { sql } from "@x/pgts/sql";
 *
 * const wanted = { name: "Ada", city: "London" };
 * const conditions = Object.entries(wanted).map(([column, value]) =>
 *   sql`${sql.id(column)} = ${value}`
 * );
 * const query = sql`select * from people where ${
 *   sql.join(conditions, sql` and `)
 * }`;
 * console.log(query.asString());
 * // select * from people where "name" = 'Ada' and "city" = 'London'
 * ```
 *
 * @module
 */

export {
  Composable,
  Composed,
  DEFAULT,
  Literal,
  NULL,
  SQL,
} from "./compose.ts";
export type { AdaptersContext, RenderStyle, SqlContext } from "./context.ts";
export { SqlFragment } from "./context.ts";
export {
  escapeBytea,
  escapeIdentifier,
  escapeLiteral,
  escapeString,
  unescapeBytea,
} from "./escape.ts";
export { Identifier, Placeholder } from "./parts.ts";
export { asBytes, asString, quote } from "./as_string.ts";
export type { SqlTag } from "./tag.ts";
export { sql } from "./tag.ts";
export type { RenderedTemplate } from "./template.ts";
export { isSql, SqlTemplate, TypedValue } from "./template.ts";
