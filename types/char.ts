/**
 * The type `"char"`, a single byte, as the text that the server writes for it.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  type Adaptation,
  Format,
  type Loader,
  type Registrar,
  type SessionState,
} from "./adapt.ts";
import { OID } from "./oids.ts";
import { registerStringType, type StringType } from "./string_type.ts";
import { TextLoader } from "./text.ts";

const NOT_DECODED = "SQL_ASCII";
const ESCAPE = /^\\[0-3][0-7]{2}$/;

/**
 * Reads a binary `"char"`, a single byte, as the text that the server writes
 * for it: nothing for a zero, an octal escape for what is not ASCII.
 *
 * It has no twin: servers before PostgreSQL 16 write the bare byte as text.
 */
export class CharBinaryLoader implements Loader<string | Uint8Array> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
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
   * The text of the byte between the bounds.
   *
   * @throws {DataError} If it is not one byte.
   */
  load(
    source: ReadBuffer,
    start: number,
    end: number,
  ): string | Uint8Array<ArrayBuffer> {
    if (end - start !== 1) {
      throw new DataError(
        `Cannot read a "char": it has ${end - start} bytes instead of one`,
      );
    }
    const byte = source.bytes[start]!;
    const text = byte === 0
      ? ""
      : byte < 0x80
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8)}`;
    return this.#session.encoding === NOT_DECODED
      ? new TextEncoder().encode(text)
      : text;
  }
}

const CHAR: StringType = {
  oid: OID.CHAR,
  name: '"char"',
  form: "one ASCII character, or an octal escape",
  writeBinary(text, out) {
    const isEscape = ESCAPE.test(text);
    const byte = isEscape
      ? parseInt(text.slice(1), 8)
      : text === ""
      ? 0
      : text.charCodeAt(0);
    if (!isEscape && (text.length > 1 || byte > 0x7f)) return false;
    out.uint8(byte);
    return true;
  },
};

/**
 * Registers the loaders and dumpers of `"char"`.
 *
 * @param map Where to register them.
 */
export function registerChar(map: Registrar): void {
  map.registerLoader(OID.CHAR, TextLoader);
  map.registerLoader(OID.CHAR, CharBinaryLoader);
  registerStringType(map, CHAR);
}
