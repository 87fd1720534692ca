/**
 * The little language of `SQL.format()`: `{}`, `{0}`, `{name}`, and doubled
 * braces for a brace.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";

/** A piece of a filled format: text, or what goes into a field, with its name. */
export type FilledPiece =
  | { readonly text: string }
  | { readonly value: unknown; readonly which: string };

type FormatPiece =
  | { readonly text: string }
  | { readonly index: number }
  | { readonly name: string };

function malformed(what: string): never {
  throw new ProgrammingError(
    `Cannot format the SQL: ${what}, write {}, {0} or {name} for a field and {{ or }} for a brace`,
  );
}

/** Takes a format apart; `{}` gets a number. */
function parseFormat(format: string): FormatPiece[] {
  const pieces: FormatPiece[] = [];
  const brace = /[{}]/g;
  let text = "";
  let from = 0;
  let automatic = 0;
  let numbered = false;

  for (
    let match = brace.exec(format);
    match !== null;
    match = brace.exec(format)
  ) {
    const at = match.index;
    text += format.slice(from, at);
    if (format[at + 1] === match[0]) {
      text += match[0];
      from = brace.lastIndex = at + 2;
      continue;
    }
    if (match[0] === "}") malformed(`"}" closes nothing`);
    const close = format.indexOf("}", at);
    if (close === -1) malformed(`"{" is not closed`);
    const field = format.slice(at + 1, close);
    if (/[!:.[\]{]/.test(field)) {
      malformed(`the field "{${field}}" has a conversion or looks inside`);
    }
    pieces.push({ text });
    if (field === "") {
      pieces.push({ index: automatic++ });
    } else if (/^\d+$/.test(field)) {
      numbered = true;
      pieces.push({ index: Number(field) });
    } else {
      pieces.push({ name: field });
    }
    if (automatic > 0 && numbered) malformed("it mixes {} and {0}");
    text = "";
    from = brace.lastIndex = close + 1;
  }
  pieces.push({ text: text + format.slice(from) });
  return pieces;
}

/**
 * Takes a format apart and fills its fields.
 *
 * @param format The text with fields in braces.
 * @param args What goes into `{}` and `{0}`, and, where there are named fields,
 * at the end an object with the names.
 * @returns The pieces in order.
 * @throws {ProgrammingError} If a brace is not closed or not opened, if a field
 * has a conversion, if `{}` and `{0}` are mixed, or if arguments are missing or
 * left over.
 */
export function fillFormat(
  format: string,
  args: readonly unknown[],
): FilledPiece[] {
  const pieces = parseFormat(format);
  const named = pieces.some((piece) => "name" in piece);
  const names: unknown = named ? args.at(-1) : null;
  if (named && (typeof names !== "object" || names === null)) {
    unfilled(
      "it has named fields, pass an object with the names as the last argument",
    );
  }
  const count = named ? args.length - 1 : args.length;
  let used = 0;
  const filled = pieces.map((piece): FilledPiece => {
    if ("text" in piece) return piece;
    const field = "index" in piece ? piece.index : piece.name;
    const which = `the argument for {${field}}`;
    if (typeof field === "number") {
      if (field >= count) unfilled(`${which} is missing`);
      used = Math.max(used, field + 1);
      return { value: args[field], which };
    }
    if (!Object.hasOwn(names as object, field)) {
      unfilled(`${which} is missing`);
    }
    return { value: (names as Record<string, unknown>)[field], which };
  });
  if (used < count) {
    unfilled(`it has fields for ${used} arguments and was given ${count}`);
  }
  return filled;
}

function unfilled(what: string): never {
  throw new ProgrammingError(`Cannot format the SQL: ${what}`);
}
