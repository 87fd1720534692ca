/**
 * From whatever a cursor is given, text, a composed statement or a template, to
 * the text, values and formats that go to the server.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { Composable } from "./compose.ts";
import type { SqlContext } from "./context.ts";
import { adaptationOf, percentPlaceholder } from "./context.ts";
import type { QueryParameters } from "./query.ts";
import { convertQuery, convertRawQuery, orderParameters } from "./query.ts";
import { SqlTemplate } from "./template.ts";

/** Whatever can be executed. */
export type Query = string | Composable | SqlTemplate;

/** A statement with its values, as the server gets it. */
export interface BoundQuery {
  /** The statement, with `$n` where there are values. */
  readonly text: string;
  /** The value of each `$n`, or `null` for a statement without parameters. */
  readonly values: readonly unknown[] | null;
  /** The format of each `$n`. */
  readonly formats: readonly PlaceholderFormat[];
  /** Whether it must go by the simple protocol, and is not worth remembering. */
  readonly simple?: boolean;
}

const NO_FORMATS: readonly PlaceholderFormat[] = [];

/**
 * The text of a composed statement for a cursor.
 *
 * @param query The statement.
 * @param context For whom.
 * @param style The placeholders of the cursor, `%` or `$`; with `%`, the percent
 * signs in names and literals are doubled, so that they pass for none. `null`
 * for a statement without parameters.
 * @returns The text, to be converted where the style is `%`.
 * @throws {ProgrammingError} If a value has no dumper, or if a placeholder does
 * not fit the style.
 */
export function queryText(
  query: Composable,
  context: SqlContext,
  style: "%" | "$" | null,
): string {
  let count = 0;
  return query.render({
    adaptation: adaptationOf(context),
    doublePercent: style === "%",
    placeholder(name, format) {
      if (style !== "$") return percentPlaceholder(name, format);
      if (name !== "" || format !== PlaceholderFormat.AUTO) {
        throw new ProgrammingError(
          `Cannot write ${
            percentPlaceholder(name, format)
          } for a RawCursor: its parameters have neither names nor formats, use new Placeholder()`,
        );
      }
      return `$${++count}`;
    },
  });
}

/**
 * A statement for a cursor of the default kind.
 *
 * A template without values is like text without parameters.
 *
 * @param query The statement.
 * @param params Its parameters; `undefined` leaves text as it is.
 * @param context For whom.
 * @returns What goes to the server.
 * @throws {ProgrammingError} If the placeholders are malformed, or if they and
 * the parameters do not match.
 * @throws {TypeError} If the parameters are of the wrong kind, or come beside a
 * template.
 */
export function bindQuery(
  query: Query,
  params: QueryParameters | undefined,
  context: SqlContext,
): BoundQuery {
  if (query instanceof SqlTemplate) {
    if (params !== undefined) {
      throw new TypeError(
        "Cannot take the parameters: a template has its values in it, interpolate them",
      );
    }
    const rendered = query.render(adaptationOf(context));
    return rendered.values.length > 0
      ? rendered
      : { ...rendered, values: null };
  }
  const text = textOf(query, context, params === undefined ? null : "%");
  if (params === undefined) return { text, values: null, formats: NO_FORMATS };
  const converted = convertQuery(text, params);
  return {
    text: converted.text,
    values: orderParameters(converted, params),
    formats: converted.formats,
  };
}

/**
 * A statement for a `RawCursor`, whose placeholders are `$n`.
 *
 * @param query The statement.
 * @param params Its parameters.
 * @param context For whom.
 * @returns What goes to the server.
 * @throws {TypeError} If the parameters are not an array.
 * @throws {ProgrammingError} If a parameter is `undefined`.
 * @throws {NotSupportedError} If the statement is a template.
 */
export function bindRawQuery(
  query: Query,
  params: QueryParameters | undefined,
  context: SqlContext,
): BoundQuery {
  if (query instanceof SqlTemplate) {
    throw new NotSupportedError(
      "Cannot execute a template with a RawCursor: use a Cursor",
    );
  }
  const text = textOf(query, context, params === undefined ? null : "$");
  if (params === undefined) return { text, values: null, formats: NO_FORMATS };
  const converted = convertRawQuery(text, params);
  return {
    text,
    values: orderParameters(converted, params),
    formats: converted.formats,
  };
}

/**
 * The text of a statement that is no template.
 *
 * @param query The statement.
 * @param context For whom.
 * @param style See {@linkcode queryText}.
 * @returns The text, to be converted where the style is `%`.
 * @throws {TypeError} If it is no statement.
 * @throws {ProgrammingError} As {@linkcode queryText} does.
 */
export function textOf(
  query: string | Composable,
  context: SqlContext,
  style: "%" | "$" | null,
): string {
  if (typeof query === "string") return query;
  if (query instanceof Composable) return queryText(query, context, style);
  throw new TypeError(
    "Cannot execute: the query must be a string, a template or a Composable such as SQL",
  );
}
