/**
 * Values put into the text of a statement, as literals: what a client-side
 * cursor does instead of sending parameters.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import type { Adaptation } from "../types/adapt.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { literalOf } from "./context.ts";
import { type BoundQuery, type Query, textOf } from "./bind.ts";
import { parsePlaceholders } from "./placeholders.ts";
import { orderParameters, type QueryParameters } from "./query.ts";
import { SqlScanner } from "./scanner.ts";
import { SqlTemplate } from "./template.ts";

/** A character that a literal beside it could be taken together with. */
const STICKY = /[\w$'"\u0080-\uffff]/;

/**
 * A statement with its values in its text.
 *
 * @param query The statement, with `%s` and the like.
 * @param params Its parameters; `undefined` leaves text as it is.
 * @param adaptation Where to look for dumpers.
 * @returns The text, without parameters.
 * @throws {ProgrammingError} If the placeholders are malformed, do not match the
 * parameters, or stand inside a string, a quoted identifier or a comment.
 * @throws {NotSupportedError} If a placeholder asks for binary.
 * @throws {TypeError} If parameters come beside a template, or if it is no
 * statement.
 */
export function interpolateQuery(
  query: Query,
  params: QueryParameters | undefined,
  adaptation: Adaptation,
): BoundQuery {
  if (query instanceof SqlTemplate) {
    if (params !== undefined) {
      throw new TypeError(
        "Cannot take the parameters: a template has its values in it, interpolate them",
      );
    }
    return plain(query.asString(adaptation));
  }
  const style = params === undefined ? null : "%";
  const text = textOf(query, adaptation, style);
  return plain(
    params === undefined ? text : interpolate(text, params, adaptation),
  );
}

function plain(text: string): BoundQuery {
  return { text, values: null, formats: [] };
}

function interpolate(
  query: string,
  params: QueryParameters,
  adaptation: Adaptation,
): string {
  const { chunks, slots, formats, names } = parsePlaceholders(query);
  if (formats.includes(PlaceholderFormat.BINARY)) {
    throw new NotSupportedError(
      "Cannot put a value into the text in binary: write %s or %t instead of %b",
    );
  }
  const values = orderParameters({ text: query, formats, names }, params);
  const standard =
    adaptation.session.parameterStatus("standard_conforming_strings") !== "off";
  const scanner = new SqlScanner(standard);
  let text = chunks[0]!;
  scanner.read(text);
  for (let i = 0; i < slots.length; i++) {
    if (scanner.inside !== "the statement") {
      throw new ProgrammingError(
        `Cannot put values into the text: placeholder ${
          i + 1
        } stands inside ${scanner.inside}, take it out of there`,
      );
    }
    const literal = literalOf(values[slots[i]!], adaptation);
    const next = chunks[i + 1]!;
    const before = STICKY.test(text.at(-1) ?? "") ? " " : "";
    const after = STICKY.test(next[0] ?? "") ? " " : "";
    text += before + literal + after + next;
    scanner.read(`${before} ${after}${next}`);
  }
  return text;
}
