/**
 * The type uuid as canonical lower-case strings, and {@linkcode Uuid} for
 * parameters that must be of that type.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { latin1Slice } from "../protocol/text.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { OID } from "./oids.ts";

const BYTES = 16;
const LENGTH = 36;
const DASH = 0x2d;

/** Where the two digits of each byte stand in the canonical form. */
const AT: Uint8Array = Uint8Array.of(
  ...[0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34],
);
const DIGITS = "0123456789abcdef";
const HIGH = new Uint8Array(256);
const LOW = new Uint8Array(256);
/** The value of a lower-case digit, 255 for all else. */
const VALUE: Uint8Array = new Uint8Array(256).fill(255);
for (let byte = 0; byte < 256; byte++) {
  HIGH[byte] = DIGITS.charCodeAt(byte >> 4);
  LOW[byte] = DIGITS.charCodeAt(byte & 15);
}
for (let digit = 0; digit < 16; digit++) {
  VALUE[DIGITS.charCodeAt(digit)] = digit;
}

const scratch = new Uint8Array(LENGTH).fill(DASH);

// As the input function of uuid: hyphens may follow each group of four digits.
const PATTERN = /^(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}$/i;

/** The canonical form of what the server's input function accepts. */
function parseUuid(text: string): string {
  const inner = text.startsWith("{") && text.endsWith("}")
    ? text.slice(1, -1)
    : text;
  if (!PATTERN.test(inner)) {
    throw new DataError(
      'Cannot read a uuid: the text is not 32 hexadecimal digits, such as "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
    );
  }
  const digits = inner.replaceAll("-", "").toLowerCase();
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${
    digits.slice(12, 16)
  }-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/**
 * A parameter of the type uuid.
 *
 * A plain string serves wherever the server finds the type from the context;
 * this is for where it does not, and for checking before anything is sent.
 *
 * @example A uuid where the server would take a string for text
 * ```ts no-eval
 * import { connect } from "@x/pgts";
 * import { Uuid } from "@x/pgts/types";
 *
 * await using conn = await connect();
 * const id = new Uuid("{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}");
 * await conn.execute("select pg_typeof(%s)", [id]);
 * ```
 */
export class Uuid {
  /** The canonical form: lower case, four hyphens. */
  readonly value: string;

  /**
   * Checks the text and brings it into the canonical form.
   *
   * @param text The 32 digits in either case; hyphens after any group of four
   * and braces around them are accepted.
   * @throws {DataError} If it is anything else.
   */
  constructor(text: string) {
    this.value = parseUuid(text);
  }

  /** The canonical form. */
  toString(): string {
    return this.value;
  }

  /** The canonical form. */
  toJSON(): string {
    return this.value;
  }
}

/** The canonical form of what stands for a uuid, which a string does as well. */
function textOf(value: Uuid | string): string {
  if (value instanceof Uuid) return value.value;
  if (typeof value !== "string") throw unsuitable("uuid");
  return parseUuid(value);
}

/** Reads the text of a uuid as a canonical string. */
export class UuidLoader implements Loader<string> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /**
   * The uuid between the bounds.
   *
   * @throws {DataError} If it is malformed.
   */
  load(source: ReadBuffer, start: number, end: number): string {
    const bytes = source.bytes;
    if (end - start === LENGTH) {
      let seen = 0;
      for (let index = 0; index < BYTES; index++) {
        const at = start + AT[index]!;
        seen |= VALUE[bytes[at]!]! | VALUE[bytes[at + 1]!]!;
      }
      if (
        seen < 16 && bytes[start + 8] === DASH && bytes[start + 13] === DASH &&
        bytes[start + 18] === DASH && bytes[start + 23] === DASH
      ) return latin1Slice(bytes, start, end);
    }
    // What speaks PostgreSQL's protocol without being PostgreSQL may write it otherwise.
    return parseUuid(latin1Slice(bytes, start, end));
  }
}

/** Reads the sixteen bytes of a uuid as a canonical string. */
export class UuidBinaryLoader implements Loader<string> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = UuidLoader;

  /**
   * The uuid between the bounds.
   *
   * @throws {DataError} If it is not sixteen bytes.
   */
  load(source: ReadBuffer, start: number, end: number): string {
    if (end - start !== BYTES) {
      throw new DataError(
        `Cannot read a uuid: it has ${end - start} bytes instead of 16`,
      );
    }
    const bytes = source.bytes;
    // bench/micro: digits into one scratch array beat a string for each byte.
    for (let index = 0; index < BYTES; index++) {
      const byte = bytes[start + index]!;
      const at = AT[index]!;
      scratch[at] = HIGH[byte]!;
      scratch[at + 1] = LOW[byte]!;
    }
    return latin1Slice(scratch, 0, LENGTH);
  }
}

/** Sends a {@linkcode Uuid}, or a string that is one, as text. */
export class UuidDumper extends TextDumper<Uuid | string> {
  /** The OID of uuid. */
  override readonly oid: number = OID.UUID;
  /** The cast after a literal. */
  override readonly cast: string = "uuid";

  /**
   * The canonical form.
   *
   * @throws {DataError} If the value is a string that is no uuid.
   */
  override text(value: Uuid | string): string {
    return textOf(value);
  }
}

/**
 * Sends a {@linkcode Uuid}, or a string that is one, as its sixteen bytes: the
 * default for `%s`.
 */
export class UuidBinaryDumper extends BinaryDumper<Uuid | string> {
  /** The OID of uuid. */
  override readonly oid: number = OID.UUID;
  /** The cast after a literal. */
  override readonly cast: string = "uuid";

  /**
   * Appends the sixteen bytes.
   *
   * @throws {DataError} If the value is a string that is no uuid.
   */
  override dump(value: Uuid | string, out: WriteBuffer): void {
    const text = textOf(value);
    out.reserve(BYTES);
    for (let index = 0; index < BYTES; index++) {
      const at = AT[index]!;
      out.bytes[out.length + index] = VALUE[text.charCodeAt(at)]! << 4 |
        VALUE[text.charCodeAt(at + 1)]!;
    }
    out.length += BYTES;
  }

  /**
   * The canonical form.
   *
   * @throws {DataError} If the value is a string that is no uuid.
   */
  override text(value: Uuid | string): string {
    return textOf(value);
  }
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerUuid(map: Registrar): void {
  map.registerLoader(OID.UUID, UuidLoader);
  map.registerLoader(OID.UUID, UuidBinaryLoader);
  map.registerDumper(Uuid, UuidDumper);
  // Last, so that `%s` takes it.
  map.registerDumper(Uuid, UuidBinaryDumper);
}
