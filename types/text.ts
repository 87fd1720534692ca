/**
 * Text: the types text, varchar, bpchar, name and unknown as strings,
 * and strings as parameters. The encodings themselves are in `protocol/`.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Adaptation,
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
  type SessionState,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { OID } from "./oids.ts";
import { quoteString } from "./quote.ts";

const NOT_DECODED = "SQL_ASCII";

/**
 * Checks what PostgreSQL text cannot hold, for text that does not pass through
 * a `WriteBuffer` or {@linkcode quoteString}, which check it themselves.
 *
 * @param text The text.
 * @returns The same text.
 * @throws {DataError} If it contains a NUL or a lone surrogate, or is no string.
 */
export function checkText(text: string): string {
  // What a COPY or a table says is text may be anything.
  if (typeof text !== "string") throw noString();
  if (text.includes("\0")) {
    throw new DataError(
      "Cannot send text to the server: it contains a NUL character, which PostgreSQL text cannot hold",
    );
  }
  if (!text.isWellFormed()) {
    throw new DataError(
      "Cannot send text to the server: it contains a surrogate that is not part of a pair",
    );
  }
  return text;
}

function noString(): DataError {
  return new DataError("Cannot send a value as text: it is no string");
}

/**
 * Reads text as a string; in a session whose encoding is SQL_ASCII, where
 * nobody knows what the bytes mean, as a copy of the bytes.
 */
export class TextLoader implements Loader<string | Uint8Array> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #session: SessionState;

  /**
   * Called by the driver.
   *
   * @param _oid The OID of the type.
   * @param adaptation What tells the encoding of the session.
   */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#session = adaptation.session;
  }

  /**
   * The text between the bounds.
   *
   * @throws {DataError} If the bytes are not valid in the session's encoding.
   */
  load(
    source: ReadBuffer,
    start: number,
    end: number,
  ): string | Uint8Array<ArrayBuffer> {
    // Asked for each value: `set client_encoding` takes effect between two results.
    return this.#session.encoding === NOT_DECODED
      ? source.bytes.slice(start, end)
      : source.codec.decode(source.bytes, start, end);
  }
}

/** The same for the binary format, whose bytes are those of the text format. */
export class TextBinaryLoader extends TextLoader {
  /** Binary. */
  static override readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = TextLoader;
}

/**
 * Sends a string as `text`, for statements where the server finds no type from
 * the context, such as `select concat(%s, %s)`.
 *
 * @example Every string as text
 * ```ts no-eval
 * import { adapters } from "@x/pgts";
 * import { StrDumper } from "@x/pgts/types";
 *
 * adapters.registerDumper("string", StrDumper);
 * ```
 */
export class StrDumper extends TextDumper<string> {
  /** The OID of text. */
  override readonly oid: number = OID.TEXT;

  /** Appends the string in the encoding of the session, which checks it. */
  override dump(value: string, out: WriteBuffer): void {
    if (typeof value !== "string") throw noString();
    out.text(value);
  }

  /**
   * The string itself.
   *
   * @throws {DataError} If it contains a NUL or a lone surrogate.
   */
  override text(value: string): string {
    return checkText(value);
  }

  /**
   * The string as a literal.
   *
   * @throws {DataError} If it contains a NUL or a lone surrogate.
   */
  override quote(value: string): string {
    if (typeof value !== "string") throw noString();
    return quoteString(value);
  }
}

/**
 * Sends a string and leaves its type to the server, which finds it from the
 * context: a string goes into a date, an enum or a jsonb as it goes into a
 * text. This is the default for `%s` and `%t`.
 */
export class StrDumperUnknown extends StrDumper {
  /** No type: the server decides. */
  override readonly oid: number = 0;
}

/** Sends a string as `varchar`. */
export class StrDumperVarchar extends StrDumper {
  /** The OID of varchar. */
  override readonly oid: number = OID.VARCHAR;
}

/** Sends a string as `character`. */
export class StrDumperBpchar extends StrDumper {
  /** The OID of bpchar. */
  override readonly oid: number = OID.BPCHAR;
}

/** Sends a string as `name`. */
export class StrDumperName extends StrDumper {
  /** The OID of name. */
  override readonly oid: number = OID.NAME;
}

/** Sends a string as `text` in binary format: the default for `%b`. */
export class StrBinaryDumper extends BinaryDumper<string> {
  /** The OID of text. */
  override readonly oid: number = OID.TEXT;

  /**
   * Appends the string in the encoding of the session.
   *
   * @throws {DataError} If it contains a NUL or a lone surrogate, or is no string.
   */
  override dump(value: string, out: WriteBuffer): void {
    if (typeof value !== "string") throw noString();
    out.text(value);
  }

  /**
   * The string itself.
   *
   * @throws {DataError} If it contains a NUL or a lone surrogate.
   */
  override text(value: string): string {
    return checkText(value);
  }

  /**
   * The string as a literal.
   *
   * @throws {DataError} If it contains a NUL or a lone surrogate.
   */
  override quote(value: string): string {
    if (typeof value !== "string") throw noString();
    return quoteString(value);
  }
}

/** Sends a string as `varchar` in binary format. */
export class StrBinaryDumperVarchar extends StrBinaryDumper {
  /** The OID of varchar. */
  override readonly oid: number = OID.VARCHAR;
}

/** Sends a string as `character` in binary format. */
export class StrBinaryDumperBpchar extends StrBinaryDumper {
  /** The OID of bpchar. */
  override readonly oid: number = OID.BPCHAR;
}

/** Sends a string as `name` in binary format. */
export class StrBinaryDumperName extends StrBinaryDumper {
  /** The OID of name. */
  override readonly oid: number = OID.NAME;
}

/**
 * Registers the dumpers of strings that are to become a varchar, character, name
 * or text. For strings at large {@linkcode registerText}, which must come later,
 * puts its own in their place.
 *
 * @param map Where to register them.
 */
export function registerTextTypes(map: Registrar): void {
  map.registerDumper("string", StrBinaryDumperVarchar);
  map.registerDumper("string", StrBinaryDumperBpchar);
  map.registerDumper("string", StrBinaryDumperName);
  map.registerDumper("string", StrDumperBpchar);
  map.registerDumper("string", StrDumperName);
  map.registerDumper("string", StrDumperVarchar);
  map.registerDumper("string", StrDumper);
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerText(map: Registrar): void {
  for (
    const oid of [OID.TEXT, OID.VARCHAR, OID.BPCHAR, OID.NAME, OID.UNKNOWN]
  ) {
    map.registerLoader(oid, TextLoader);
    map.registerLoader(oid, TextBinaryLoader);
  }
  map.registerDumper("string", StrBinaryDumper);
  // Last, so that `%s` takes it.
  map.registerDumper("string", StrDumperUnknown);
}
