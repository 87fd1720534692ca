/**
 * The `sql` tag: statements as tagged templates, whose values become
 * parameters. SQL itself is not parsed.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Adaptation } from "../types/adapt.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { Composable } from "./compose.ts";
import type { RenderStyle, SqlContext } from "./context.ts";
import { adaptationOf, literalOf, SqlFragment } from "./context.ts";
import { startsWithDigit } from "./placeholders.ts";
import { checkParameterCount, undefinedParameter } from "./query.ts";

/** A template as the server gets it. */
export interface RenderedTemplate {
  /** The statement with `$n`. */
  readonly text: string;
  /** The value of each `$n`; none is `undefined`. */
  readonly values: readonly unknown[];
  /** The format of each `$n`. */
  readonly formats: readonly PlaceholderFormat[];
}

/** What depends on the place in the program only, and is worked out once. */
interface Plan {
  /** The text, where all that is interpolated are values. */
  readonly text: string;
  readonly formats: readonly PlaceholderFormat[];
  /** Why the template cannot be used, or `null`. */
  readonly problem: string | null;
}

const plans = new WeakMap<TemplateStringsArray, Plan>();

/** A value that is sent in a certain format. `sql.text()` and `sql.bin()` make it. */
export class TypedValue extends SqlFragment {
  /** The value. */
  readonly value: unknown;
  /** The format. */
  readonly format: PlaceholderFormat;

  /**
   * Gives a value a format.
   *
   * @param value The value.
   * @param format The format.
   * @internal
   */
  constructor(value: unknown, format: PlaceholderFormat) {
    super();
    this.value = value;
    this.format = format;
  }

  /** The SQL as text. */
  override asString(context?: SqlContext): string {
    return literalOf(this.value, adaptationOf(context));
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    return `TypedValue(format=${JSON.stringify(this.format)})`;
  }
}

/**
 * A statement, or a piece of one, together with the values of its parameters.
 * The {@linkcode sql} tag makes it.
 */
export class SqlTemplate extends SqlFragment {
  readonly #strings: readonly string[];
  readonly #values: readonly unknown[];
  readonly #plan: Plan | null;

  /**
   * Makes a template of any strings.
   *
   * @param strings The text around the values: one more than there are values.
   * @param values The values.
   * @param plan What is known of the strings.
   * @internal
   */
  constructor(
    strings: readonly string[],
    values: readonly unknown[],
    plan: Plan | null = null,
  ) {
    super();
    this.#strings = strings;
    this.#values = values;
    this.#plan = plan;
  }

  /**
   * The statement with `$n`, and its parameters. Nothing is remembered of the
   * values: rendering again gives the same.
   *
   * @param adaptation Where the literals find their dumpers.
   * @returns The text, the values and their formats.
   * @throws {ProgrammingError} If a value is `undefined`, if a placeholder is
   * interpolated, if a literal has no dumper, if an escape sequence in the
   * template is lost in JavaScript, or if there are too many parameters.
   */
  render(adaptation: Adaptation): RenderedTemplate {
    const plan = this.#plan;
    if (plan === null || plan.problem !== null) {
      return this.#assemble(adaptation, false);
    }
    const values = this.#values;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (value === undefined) throw undefinedParameter(String(index + 1));
      if (typeof value === "object" && value instanceof SqlFragment) {
        return this.#assemble(adaptation, false);
      }
    }
    return { text: plan.text, values, formats: plan.formats };
  }

  /** The SQL as text. */
  override asString(context?: SqlContext): string {
    return this.#assemble(adaptationOf(context), true).text;
  }

  /** The class and what it holds, for logs. */
  override inspect(): string {
    return `SqlTemplate(${JSON.stringify(this.#strings.join("${…}"))})`;
  }

  /** Walks the nested templates without recursion: they can be deep. */
  #assemble(adaptation: Adaptation, asLiterals: boolean): RenderedTemplate {
    const style: RenderStyle = {
      adaptation,
      doublePercent: false,
      placeholder: refusePlaceholder,
    };
    const values: unknown[] = [];
    const formats: PlaceholderFormat[] = [];
    const open: { template: SqlTemplate; index: number }[] = [];
    let text = "";
    let afterNumber = false;
    let template = this as SqlTemplate;
    let index = 0;

    function append(piece: string): void {
      if (piece === "") return;
      if (afterNumber && startsWithDigit(piece)) text += " ";
      text += piece;
      afterNumber = false;
    }

    template.#check();
    while (true) {
      append(template.#strings[index] ?? "");
      if (index === template.#values.length) {
        const outer = open.pop();
        if (outer === undefined) break;
        ({ template, index } = outer);
        continue;
      }
      const value = template.#values[index++];
      if (value instanceof SqlTemplate) {
        value.#check();
        open.push({ template, index });
        template = value;
        index = 0;
      } else if (value instanceof Composable) {
        append(value.render(style));
      } else {
        const typed = value instanceof TypedValue;
        const parameter = typed ? value.value : value;
        if (parameter === undefined) {
          throw undefinedParameter(String(values.length + 1));
        }
        values.push(parameter);
        if (asLiterals) {
          append(literalOf(parameter, adaptation));
          afterNumber = true;
          continue;
        }
        formats.push(typed ? value.format : PlaceholderFormat.AUTO);
        text += `$${values.length}`;
        afterNumber = true;
      }
    }
    if (!asLiterals) checkParameterCount(values.length);
    return { text, values, formats };
  }

  #check(): void {
    const problem = this.#plan?.problem ?? null;
    if (problem !== null) throw new ProgrammingError(problem);
  }
}

function refusePlaceholder(name: string): never {
  throw new ProgrammingError(
    `Cannot render the template: it contains Placeholder(${
      name === "" ? "" : JSON.stringify(name)
    }), interpolate the value itself`,
  );
}

/** An escape that JavaScript reads as the character alone, such as `\d`. */
const LOST_ESCAPE = /\\(?:[^\\`$'"bfnrtvxu0{}\r\n\u2028\u2029]|$)/u;

function problemOf(strings: TemplateStringsArray): string | null {
  for (let index = 0; index < strings.length; index++) {
    const raw = (strings.raw[index] ?? "").replaceAll("\\\\", "");
    const lost = LOST_ESCAPE.exec(raw);
    // A string of the template is undefined where an escape in it is malformed.
    if (lost !== null || (strings[index] as string | undefined) === undefined) {
      const what = lost === null ? "an escape sequence" : `"${lost[0]}"`;
      return `Cannot render the template: JavaScript takes the backslash of ${what} away, double every backslash that is meant for PostgreSQL`;
    }
  }
  return null;
}

function makePlan(strings: TemplateStringsArray): Plan {
  // Data from outside can look like template strings, but is never frozen.
  if (
    !Array.isArray(strings) || !Array.isArray(strings.raw) ||
    !Object.isFrozen(strings)
  ) {
    throw new TypeError(
      "Cannot make a template: sql is a tag, write sql`…` instead of calling it",
    );
  }
  const problem = problemOf(strings);
  const count = strings.length - 1;
  checkParameterCount(count);
  let text = strings[0] ?? "";
  for (let index = 1; index <= count; index++) {
    const piece = strings[index] ?? "";
    text += `$${index}${startsWithDigit(piece) ? " " : ""}${piece}`;
  }
  const formats = Array<PlaceholderFormat>(count).fill(PlaceholderFormat.AUTO);
  const plan = { text, formats, problem };
  plans.set(strings, plan);
  return plan;
}

/**
 * Makes a template of its strings and values: the tag itself.
 *
 * @param strings The text around the values.
 * @param values The values.
 * @returns The template.
 * @throws {TypeError} If it is called as a function.
 */
export function makeTemplate(
  strings: TemplateStringsArray,
  ...values: unknown[]
): SqlTemplate {
  const plan = plans.get(strings) ?? makePlan(strings);
  if (values.length !== strings.length - 1) {
    throw new TypeError(
      "Cannot make a template: there must be one value between any two strings",
    );
  }
  return new SqlTemplate(strings, values, plan);
}

/**
 * Whether something is SQL rather than a value. Only what this module's classes
 * have made is, whatever the shape of the rest.
 *
 * @param value Anything.
 * @returns Whether it can be executed as a statement.
 */
export function isSql(value: unknown): value is SqlTemplate | Composable {
  return value instanceof SqlTemplate || value instanceof Composable;
}
