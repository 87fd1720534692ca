/**
 * Finding the placeholders of psycopg's style in a statement: `%s`, `%b`, `%t`,
 * `%(name)s` and `%%`. SQL itself is not parsed, so a placeholder inside a
 * string or a comment of the statement is one too, as in psycopg.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { PlaceholderFormat } from "../types/adapt.ts";

/** A statement cut up at its placeholders. */
export interface ParsedQuery {
  /** The text between the placeholders: one more than there are of them. */
  readonly chunks: readonly string[];
  /** For each placeholder, which parameter it takes, counted from 0. */
  readonly slots: readonly number[];
  /** The format of each parameter. */
  readonly formats: readonly PlaceholderFormat[];
  /** The name of each parameter, or `null` where they go by position. */
  readonly names: readonly string[] | null;
}

const LETTERS = "write %s, %b, %t or %(name)s for a parameter";
const PERCENT = "write %% for a percent sign";

/** The position of a code unit as PostgreSQL counts: in characters, from 1. */
function positionOf(query: string, index: number): number {
  return Array.from(query.slice(0, index)).length + 1;
}

function malformed(query: string, index: number, what: string): never {
  throw new ProgrammingError(
    `Cannot convert the query: ${what} at position ${
      positionOf(query, index)
    }, ${LETTERS} and ${PERCENT}`,
  );
}

function formatOf(letter: string | undefined): PlaceholderFormat | null {
  switch (letter) {
    case "s":
      return PlaceholderFormat.AUTO;
    case "b":
      return PlaceholderFormat.BINARY;
    case "t":
      return PlaceholderFormat.TEXT;
    default:
      return null;
  }
}

/**
 * Cuts a statement up at its placeholders. `%%` becomes `%`.
 *
 * @param query The statement.
 * @returns The text between the placeholders, and what each of them takes.
 * @throws {ProgrammingError} If a percent sign does not start a placeholder, if
 * named and positional placeholders are mixed, or if a name is asked for in two
 * formats.
 */
export function parsePlaceholders(query: string): ParsedQuery {
  const chunks: string[] = [];
  const slots: number[] = [];
  const formats: PlaceholderFormat[] = [];
  const slotsByName = new Map<string, number>();
  let positional = false;
  let chunk = "";
  let from = 0;

  for (
    let percent = query.indexOf("%");
    percent !== -1;
    percent = query.indexOf("%", from)
  ) {
    chunk += query.slice(from, percent);
    const next = query[percent + 1];
    if (next === "%") {
      chunk += "%";
      from = percent + 2;
      continue;
    }

    let letterAt = percent + 1;
    let name: string | null = null;
    if (next === "(") {
      const close = query.indexOf(")", percent);
      if (close === -1) {
        malformed(query, percent, `the name is not closed by ")"`);
      }
      name = query.slice(percent + 2, close);
      if (name === "") malformed(query, percent, "the name is empty");
      letterAt = close + 1;
    }
    const format = formatOf(query[letterAt]);
    if (format === null) {
      if (query[letterAt] === undefined) {
        malformed(query, percent, "the placeholder is not complete");
      }
      // By code point, so that the message does not cut a pair of surrogates.
      const letter = String.fromCodePoint(query.codePointAt(letterAt) ?? 0);
      const found = query.slice(percent, letterAt) + letter;
      malformed(query, percent, `"${found}" is not a placeholder`);
    }

    if (name === null ? slotsByName.size > 0 : positional) {
      throw new ProgrammingError(
        `Cannot convert the query: at position ${
          positionOf(query, percent)
        } it mixes named and positional placeholders, use one kind only`,
      );
    }
    let slot: number;
    if (name === null) {
      positional = true;
      slot = formats.push(format) - 1;
    } else {
      const known = slotsByName.get(name);
      slot = known ?? formats.push(format) - 1;
      if (known === undefined) {
        slotsByName.set(name, slot);
      } else if (formats[slot] !== format) {
        throw new ProgrammingError(
          `Cannot convert the query: at position ${
            positionOf(query, percent)
          } "%(${name})${format}" asks for another format than "%(${name})${
            formats[slot]
          }" before, use one format for each name`,
        );
      }
    }
    chunks.push(chunk);
    slots.push(slot);
    chunk = "";
    from = letterAt + 1;
  }

  chunks.push(chunk + query.slice(from));
  const names = slotsByName.size > 0 ? [...slotsByName.keys()] : null;
  return { chunks, slots, formats, names };
}

/**
 * Whether text would be read as part of the number of a `$n` before it.
 *
 * @param text What comes after the `$n`.
 * @returns Whether something must stand between them.
 */
export function startsWithDigit(text: string): boolean {
  const unit = text.charCodeAt(0);
  return unit >= 0x30 && unit <= 0x39;
}
