/**
 * The parts of a composed statement that are neither text nor values: names and
 * placeholders.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { quoteIdentifier } from "../types/quote.ts";
import { Composable } from "./compose.ts";
import type { RenderStyle, SqlContext } from "./context.ts";
import { percentPlaceholder } from "./context.ts";

/**
 * A name, or a qualified name of several parts, in quotes.
 *
 * @example Quote names
 * ```ts
 * import { Identifier } from "@x/pgts/sql";
 *
 * console.log(new Identifier("public", "my table").asString()); // "public"."my table"
 * ```
 */
export class Identifier extends Composable {
  readonly #names: readonly string[];

  /**
   * Makes a name.
   *
   * @param names The name; of a qualified name, its parts.
   * @throws {TypeError} If there is none, or if one is not a string.
   */
  constructor(...names: [string, ...string[]]) {
    super();
    if (names.length === 0) {
      throw new TypeError("Cannot make an identifier: it needs a name");
    }
    for (const name of names) {
      if (typeof name !== "string") {
        throw new TypeError(
          `Cannot make an identifier: the name must be a string, not ${typeof name}`,
        );
      }
    }
    this.#names = names;
  }

  /** The parts of the name, not quoted. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** The SQL as text. */
  override asString(_context?: SqlContext): string {
    return this.#names.map(quoteIdentifier).join(".");
  }

  /** Whether the other is of the same class and holds the same. */
  override equals(other: unknown): boolean {
    return other instanceof Identifier &&
      other.#names.length === this.#names.length &&
      other.#names.every((name, index) => name === this.#names[index]);
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    return `Identifier(${
      this.#names.map((it) => JSON.stringify(it)).join(", ")
    })`;
  }
}

/**
 * A place for a parameter, in the style of the cursor that executes it: `%s`,
 * and `$1`, `$2`… for a `RawCursor`.
 *
 * @example Insert with named parameters
 * ```ts
 * import { Identifier, Placeholder, SQL } from "@x/pgts/sql";
 *
 * const names = ["id", "name"];
 * const query = new SQL("insert into t ({}) values ({})").format(
 *   new SQL(", ").join(names.map((name) => new Identifier(name))),
 *   new SQL(", ").join(names.map((name) => new Placeholder(name))),
 * );
 * console.log(query.asString()); // insert into t ("id", "name") values (%(id)s, %(name)s)
 * ```
 */
export class Placeholder extends Composable {
  readonly #name: string;
  readonly #format: PlaceholderFormat;

  /**
   * Makes a placeholder.
   *
   * @param name The name of the parameter; none where they go by position.
   * @param format The format: `s`, `t` or `b`.
   * @throws {TypeError} If the name is not a string or the format is unknown.
   * @throws {ProgrammingError} If the name contains a parenthesis.
   */
  constructor(name = "", format: PlaceholderFormat = PlaceholderFormat.AUTO) {
    super();
    if (typeof name !== "string") {
      throw new TypeError(
        `Cannot make a placeholder: the name must be a string, not ${typeof name}`,
      );
    }
    if (!Object.values(PlaceholderFormat).includes(format)) {
      throw new TypeError(
        `Cannot make a placeholder: the format must be "s", "t" or "b"`,
      );
    }
    if (name.includes(")")) {
      throw new ProgrammingError(
        `Cannot make a placeholder: the name ${
          JSON.stringify(name)
        } contains ")"`,
      );
    }
    this.#name = name;
    this.#format = format;
  }

  /** The name of the parameter, or `""`. */
  get name(): string {
    return this.#name;
  }

  /** The format of the parameter. */
  get format(): PlaceholderFormat {
    return this.#format;
  }

  /** The SQL as text. */
  override asString(_context?: SqlContext): string {
    return percentPlaceholder(this.#name, this.#format);
  }

  /**
   * Writes the part as one of several.
   *
   * @internal
   */
  override render(style: RenderStyle): string {
    return style.placeholder(this.#name, this.#format);
  }

  /** Whether the other is of the same class and holds the same. */
  override equals(other: unknown): boolean {
    return other instanceof Placeholder && other.#name === this.#name &&
      other.#format === this.#format;
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    const parts = this.#name === "" ? [] : [JSON.stringify(this.#name)];
    if (this.#format !== PlaceholderFormat.AUTO) {
      parts.push(`format=${JSON.stringify(this.#format)}`);
    }
    return `Placeholder(${parts.join(", ")})`;
  }
}
