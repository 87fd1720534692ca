/**
 * Base classes for dumpers: they derive whatever can be derived, so that a
 * dumper only says what is particular to its type.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Dumper } from "./adapt.ts";
import { Format } from "./adapt.ts";
import { quoteString } from "./quote.ts";

/**
 * The error for a value of a class that does not stand for the type. Where the
 * type is given in advance, as in COPY, a dumper can meet anything.
 *
 * @param type The name of the type.
 * @returns The error, to be thrown.
 */
export function unsuitable(type: string): DataError {
  return new DataError(
    `Cannot send a value as ${type}: it is of no class that stands for this type`,
  );
}

/** What dumpers of both formats share: the literal, from the text and the cast. */
export abstract class BaseDumper<T> implements Dumper<T> {
  /** The format of what `dump()` appends. */
  abstract readonly format: Format;
  /** The OID of the type; 0 leaves it to the server. */
  abstract readonly oid: number;
  /** The type's name as a cast after a literal, or `""` where none is needed. */
  readonly cast: string = "";

  /** Appends the value. */
  abstract dump(value: T, out: WriteBuffer): void | null;

  /** The value as the text that the type's input function reads. */
  abstract text(value: T): string | null;

  /** The text in quotes, with a cast where one is needed. */
  quote(value: T): string {
    const text = this.text(value);
    if (text === null) return "NULL";
    return this.cast === ""
      ? quoteString(text)
      : `${quoteString(text)}::${this.cast}`;
  }
}

/** A dumper of text: `oid` and `text()` are all that a subclass must have. */
export abstract class TextDumper<T = unknown> extends BaseDumper<T> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  /** Text. */
  override readonly format: Format = Format.TEXT;

  /** Appends the text. */
  override dump(value: T, out: WriteBuffer): void | null {
    const text = this.text(value);
    if (text === null) return null;
    out.text(text);
  }
}

/** A dumper of bytes: a subclass has `oid`, `text()` and `dump()`. */
export abstract class BinaryDumper<T = unknown> extends BaseDumper<T> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Binary. */
  override readonly format: Format = Format.BINARY;
}
