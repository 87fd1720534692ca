/**
 * For whom SQL is written: the adapters that know the literals, and the session
 * that knows the encoding. Also the base class of all that can be written.
 *
 * @module
 */

import {
  DataError,
  NotSupportedError,
  ProgrammingError,
} from "../errors/base.ts";
import type { Adaptation, SessionState } from "../types/adapt.ts";
import { NO_SESSION, PlaceholderFormat } from "../types/adapt.ts";
import type { AdaptersMap } from "../types/adapters_map.ts";
import { adapters as globalAdapters } from "../types/defaults.ts";
import { Transformer } from "../types/transformer.ts";

/** Something with adapters, for example a connection or a cursor. */
export interface AdaptersContext {
  /** The adapters that know the literals. */
  readonly adapters: AdaptersMap;
  /** The session. Without one, what is written is good for any session. */
  readonly session?: SessionState;
  /** Encodes text in the encoding of the session, where that is not UTF-8. */
  encode?(text: string): Uint8Array;
}

/** For whom SQL is written. */
export type SqlContext = AdaptersContext | Adaptation;

let globalAdaptation: Adaptation | undefined;

/**
 * The adaptation of a context.
 *
 * @param context The context. By default the global adapters without a session.
 * @returns The dumpers of the context.
 */
export function adaptationOf(context?: SqlContext): Adaptation {
  if (context === undefined) {
    return globalAdaptation ??= new Transformer(globalAdapters, NO_SESSION);
  }
  if ("getDumper" in context) return context;
  return new Transformer(context.adapters, context.session ?? NO_SESSION);
}

/**
 * A value as a SQL literal.
 *
 * @param value The value; `null` gives `NULL`.
 * @param adaptation Where to look for the dumper.
 * @returns The literal. What stands before it cannot join it: a sign is spaced.
 * @throws {ProgrammingError} If the value is `undefined` or has no dumper.
 * @throws {DataError} If the type cannot hold the value.
 */
export function literalOf(value: unknown, adaptation: Adaptation): string {
  if (value === null) return "NULL";
  if (value === undefined) {
    throw new ProgrammingError(
      "Cannot write a literal: the value is undefined, pass null for NULL",
    );
  }
  const literal = adaptation.getDumper(value, PlaceholderFormat.TEXT)
    .quote(value);
  // A minus after a minus would start a comment.
  return literal.startsWith("-") ? ` ${literal}` : literal;
}

const encoder = new TextEncoder();

/**
 * SQL in the encoding of a context.
 *
 * @param text The SQL.
 * @param context The context, UTF-8 by default.
 * @returns The bytes.
 * @throws {DataError} If the text cannot be encoded.
 * @throws {NotSupportedError} If the context has another encoding and does not
 * say how to encode.
 */
export function encodeSql(text: string, context?: SqlContext): Uint8Array {
  if (!text.isWellFormed()) {
    throw new DataError(
      "Cannot encode SQL: it contains a surrogate that is not part of a pair",
    );
  }
  if (context !== undefined && "encode" in context && context.encode) {
    return context.encode(text);
  }
  const encoding = context?.session?.encoding ?? "UTF8";
  if (encoding !== "UTF8") {
    throw new NotSupportedError(
      `Cannot encode SQL as ${encoding}: the context has no encode(), pass the connection`,
    );
  }
  return encoder.encode(text);
}

/** How the parts are written in one rendering. */
export interface RenderStyle {
  /** Where literals find their dumpers. */
  readonly adaptation: Adaptation;
  /**
   * Whether placeholders will be looked for in the text, so that a `%` in a
   * name or in a literal is to be doubled.
   */
  readonly doublePercent: boolean;
  /** Writes a placeholder. */
  placeholder(name: string, format: PlaceholderFormat): string;
}

/** A placeholder as a cursor of the default kind reads it. */
export function percentPlaceholder(
  name: string,
  format: PlaceholderFormat,
): string {
  return name === "" ? `%${format}` : `%(${name})${format}`;
}

/**
 * The base of all that is SQL rather than a value: {@linkcode Composable} and
 * its subclasses, {@linkcode SqlTemplate}, {@linkcode TypedValue}. What does not
 * extend this class is always a value, whatever its shape.
 */
export abstract class SqlFragment {
  /**
   * The SQL as text, with literals in the place of parameters.
   *
   * @param context For whom; the global adapters by default.
   * @returns The text.
   * @throws {ProgrammingError} If a value has no dumper.
   */
  abstract asString(context?: SqlContext): string;

  /**
   * The SQL in the encoding of the session, UTF-8 by default.
   *
   * @param context For whom; the global adapters by default.
   * @returns The bytes.
   * @throws {ProgrammingError} If a value has no dumper.
   * @throws {DataError} If the encoding does not have a character.
   */
  asBytes(context?: SqlContext): Uint8Array {
    return encodeSql(this.asString(context), context);
  }

  /**
   * How the object looks in a log. It is not SQL.
   *
   * @returns The class and what it holds.
   */
  abstract inspect(): string;

  /**
   * The same as {@linkcode SqlFragment.inspect}: text made of an object by
   * accident must not pass for SQL.
   *
   * @returns The class and what it holds.
   */
  toString(): string {
    return this.inspect();
  }

  static {
    // What Deno.inspect and console show, and what Node's util.inspect shows.
    for (const name of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
      Object.defineProperty(this.prototype, Symbol.for(name), {
        configurable: true,
        value(this: SqlFragment): string {
          return this.inspect();
        },
      });
    }
  }
}
