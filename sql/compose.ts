/**
 * Composition of statements from parts that are not parameters: SQL text,
 * literals and rows of parts. Names and placeholders are in `parts.ts`. It is safe as long as the text given to {@linkcode SQL} does not
 * come from outside the program.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { RenderStyle, SqlContext } from "./context.ts";
import {
  adaptationOf,
  literalOf,
  percentPlaceholder,
  SqlFragment,
} from "./context.ts";
import { fillFormat } from "./format.ts";
import { sameValue, show } from "./values.ts";

function wrap(value: unknown, which: string): Composable {
  if (value instanceof Composable) return value;
  if (value instanceof SqlFragment) {
    throw new TypeError(
      `Cannot compose: ${which} is a part of a template, put the Composable into the template instead`,
    );
  }
  if (value === undefined) {
    throw new ProgrammingError(
      `Cannot compose: ${which} is undefined, pass null for NULL`,
    );
  }
  return new Literal(value);
}

/** The base of the parts that statements are composed of. */
export abstract class Composable extends SqlFragment {
  /**
   * This part followed by others.
   *
   * @param others The parts that follow.
   * @returns All of them in one.
   * @throws {TypeError} If one of them is not a part.
   */
  concat(...others: Composable[]): Composed {
    const items: Composable[] = [];
    for (const part of [this, ...others]) {
      if (!(part instanceof Composable)) {
        throw new TypeError(
          "Cannot concatenate: every part must be a Composable, such as SQL or Literal",
        );
      }
      if (part instanceof Composed) items.push(...part);
      else items.push(part);
    }
    return new Composed(items);
  }

  /**
   * This part several times over.
   *
   * @param count How many times.
   * @returns All of them in one.
   * @throws {RangeError} If `count` is not a whole number from 0 on.
   */
  repeat(count: number): Composed {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(
        `Cannot repeat a part: the count must be a whole number from 0 on, not ${count}`,
      );
    }
    return new Composed(Array<Composable>(count).fill(this));
  }

  /**
   * Whether the other is of the same class and holds the same. Values of
   * literals are compared as `Object.is` does, arrays item by item.
   *
   * @param other What to compare with.
   * @returns Whether they are equal.
   */
  abstract equals(other: unknown): boolean;

  /**
   * Writes the part as one of several, in a style that is the same for all.
   *
   * @internal
   */
  render(style: RenderStyle): string {
    const text = this.asString(style.adaptation);
    return style.doublePercent ? text.replaceAll("%", "%%") : text;
  }
}

/**
 * A piece of SQL text. The text must come from the program, never from a user.
 *
 * @example Put a statement together
 * ```ts
 * import { Identifier, SQL } from "@x/pgts/sql";
 *
 * const query = new SQL("select {} from {table}").format(
 *   new SQL(", ").join([new Identifier("id"), new Identifier("name")]),
 *   { table: new Identifier("public", "people") },
 * );
 * console.log(query.asString()); // select "id", "name" from "public"."people"
 * ```
 */
export class SQL extends Composable {
  readonly #text: string;

  /**
   * Makes a part of text.
   *
   * @param text The SQL.
   * @throws {TypeError} If it is not a string.
   */
  constructor(text: string) {
    super();
    if (typeof text !== "string") {
      throw new TypeError(
        `Cannot make SQL: the text must be a string, not ${typeof text}`,
      );
    }
    this.#text = text;
  }

  /** The SQL, as it was given. */
  get text(): string {
    return this.#text;
  }

  /** The SQL as text. */
  override asString(_context?: SqlContext): string {
    return this.#text;
  }

  /**
   * Writes the part as one of several.
   *
   * @internal
   */
  override render(_style: RenderStyle): string {
    return this.#text;
  }

  /** Whether the other is of the same class and holds the same. */
  override equals(other: unknown): boolean {
    return other instanceof SQL && other.#text === this.#text;
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    return `SQL(${JSON.stringify(this.#text)})`;
  }

  /**
   * Fills the fields of the text: `{}` and `{0}` from the arguments, `{name}`
   * from an object given as the last argument. What is not a part becomes a
   * {@linkcode Literal}. `{{` and `}}` are braces.
   *
   * @param args What goes into the fields.
   * @returns The statement.
   * @throws {ProgrammingError} If the text is malformed, or if arguments are
   * missing, `undefined` or left over.
   * @throws {TypeError} If an argument is a part of a template.
   */
  format(...args: unknown[]): Composed {
    const parts: Composable[] = [];
    for (const piece of fillFormat(this.#text, args)) {
      if (!("text" in piece)) parts.push(wrap(piece.value, piece.which));
      else if (piece.text !== "") parts.push(new SQL(piece.text));
    }
    return new Composed(parts);
  }

  /**
   * Parts with this text between them. What is not a part becomes a
   * {@linkcode Literal}.
   *
   * @param items The parts.
   * @returns All of them in one.
   * @throws {ProgrammingError} If an item is `undefined`.
   */
  join(items: Iterable<unknown>): Composed {
    const parts: Composable[] = [];
    for (const item of items) {
      if (parts.length > 0) parts.push(this);
      parts.push(wrap(item, `item ${(parts.length >> 1) + 1}`));
    }
    return new Composed(parts);
  }
}

/**
 * A value that is written into the statement, quoted, instead of being sent
 * beside it. A parameter does as well wherever one is allowed.
 *
 * @example Write a value where PostgreSQL allows no parameter
 * ```ts
 * import { Literal, SQL } from "@x/pgts/sql";
 *
 * const query = new SQL("alter role me password {}").format(new Literal("it's"));
 * console.log(query.asString()); // alter role me password 'it''s'
 * ```
 */
export class Literal extends Composable {
  readonly #value: unknown;

  /**
   * Makes a literal.
   *
   * @param value The value.
   */
  constructor(value: unknown) {
    super();
    this.#value = value;
  }

  /** The value. */
  get value(): unknown {
    return this.#value;
  }

  /** The SQL as text. */
  override asString(context?: SqlContext): string {
    return literalOf(this.#value, adaptationOf(context));
  }

  /** Whether the other is of the same class and holds the same. */
  override equals(other: unknown): boolean {
    return other instanceof Literal && sameValue(other.#value, this.#value);
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    return `Literal(${show(this.#value)})`;
  }
}

/**
 * Several parts in a row, as `format()`, `join()` and `concat()` give them.
 *
 * @example Look at the parts
 * ```ts
 * import { Composed, Identifier, SQL } from "@x/pgts/sql";
 *
 * const query = new Composed([new SQL("select "), new Identifier("a")]);
 * console.log([...query].length, query.asString()); // 2 select "a"
 * ```
 */
export class Composed extends Composable implements Iterable<Composable> {
  readonly #parts: readonly Composable[];

  /**
   * Makes one part of several.
   *
   * @param parts The parts; what is not one becomes a {@linkcode Literal}.
   * @throws {ProgrammingError} If one is `undefined`.
   */
  constructor(parts: Iterable<unknown>) {
    super();
    this.#parts = Array.from(
      parts,
      (part, index) => wrap(part, `part ${index + 1}`),
    );
  }

  /** The parts in order. */
  [Symbol.iterator](): IterableIterator<Composable> {
    return this.#parts[Symbol.iterator]() as IterableIterator<Composable>;
  }

  /** The SQL as text. */
  override asString(context?: SqlContext): string {
    return this.render({
      adaptation: adaptationOf(context),
      doublePercent: false,
      placeholder: percentPlaceholder,
    });
  }

  /**
   * Writes the part as one of several.
   *
   * @internal
   */
  override render(style: RenderStyle): string {
    let text = "";
    for (const part of this.#parts) text += part.render(style);
    return text;
  }

  /** Whether the other is of the same class and holds the same. */
  override equals(other: unknown): boolean {
    return other instanceof Composed &&
      other.#parts.length === this.#parts.length &&
      other.#parts.every((part, index) => part.equals(this.#parts[index]));
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    return `Composed([${
      this.#parts.map((part) => part.inspect()).join(", ")
    }])`;
  }

  /**
   * The parts with something between them.
   *
   * @param separator What goes between them, as text or as {@linkcode SQL}.
   * @returns All of them in one.
   * @throws {TypeError} If the separator is neither.
   */
  join(separator: string | SQL): Composed {
    const between = separator instanceof SQL ? separator : new SQL(separator);
    return between.join(this.#parts);
  }
}

/** `NULL`, as a part of a statement. */
export const NULL: SQL = new SQL("NULL");

/** `DEFAULT`, as a part of a statement: the default value of a column. */
export const DEFAULT: SQL = new SQL("DEFAULT");
