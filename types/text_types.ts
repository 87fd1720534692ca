/**
 * Strings sent as varchar, bpchar, name or "char", where a value is to become
 * one of these: in COPY with given types, and in the fields of rows.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Registrar } from "./adapt.ts";
import { BinaryDumper, unsuitable } from "./dumper.ts";
import { OID } from "./oids.ts";
import { checkText, StrBinaryDumper, StrDumper } from "./text.ts";

/** Sends a string as `varchar`. */
export class StrDumperVarchar extends StrDumper {
  /** The OID of varchar. */
  override readonly oid: number = OID.VARCHAR;
}

/** Sends a string as `varchar` in binary format. */
export class StrBinaryDumperVarchar extends StrBinaryDumper {
  /** The OID of varchar. */
  override readonly oid: number = OID.VARCHAR;
}

/** Sends a string as `bpchar`. */
export class StrDumperBpchar extends StrDumper {
  /** The OID of bpchar. */
  override readonly oid: number = OID.BPCHAR;
}

/** Sends a string as `bpchar` in binary format. */
export class StrBinaryDumperBpchar extends StrBinaryDumper {
  /** The OID of bpchar. */
  override readonly oid: number = OID.BPCHAR;
}

/** Sends a string as `name`. */
export class StrDumperName extends StrDumper {
  /** The OID of name. */
  override readonly oid: number = OID.NAME;
}

/** Sends a string as `name` in binary format. */
export class StrBinaryDumperName extends StrBinaryDumper {
  /** The OID of name. */
  override readonly oid: number = OID.NAME;
}

/** Sends a string as `"char"`, a single byte. */
export class StrDumperChar extends StrDumper {
  /** The OID of "char". */
  override readonly oid: number = OID.CHAR;
}

const ESCAPE = /^\\[0-3][0-7]{2}$/;

/** Sends a string as `"char"` in binary format: a single byte. */
export class StrBinaryDumperChar extends BinaryDumper<string> {
  /** The OID of "char". */
  override readonly oid: number = OID.CHAR;

  /**
   * Appends the byte: that of a character of ASCII, zero for nothing, or what an
   * octal escape says, as the server writes bytes above ASCII.
   *
   * @throws {DataError} If the string is something else.
   */
  override dump(value: string, out: WriteBuffer): void {
    if (typeof value !== "string") throw unsuitable('"char"');
    const code = value === "" ? 0 : value.charCodeAt(0);
    if (value.length <= 1 && code < 0x80) out.uint8(code);
    else if (ESCAPE.test(value)) out.uint8(parseInt(value.slice(1), 8));
    else {
      throw new DataError(
        'Cannot send a string as "char": it is not a single character of ASCII',
      );
    }
  }

  /**
   * The string itself.
   *
   * @throws {DataError} If it contains a NUL or a lone surrogate.
   */
  override text(value: string): string {
    return checkText(value);
  }
}

/**
 * Registers the dumpers of this file. Those of text, which `%s` takes, have to
 * come after them.
 *
 * @param map Where to register them.
 */
export function registerTextTypes(map: Registrar): void {
  map.registerDumper("string", StrDumperName);
  map.registerDumper("string", StrBinaryDumperName);
  map.registerDumper("string", StrDumperChar);
  map.registerDumper("string", StrBinaryDumperChar);
  map.registerDumper("string", StrDumperBpchar);
  map.registerDumper("string", StrBinaryDumperBpchar);
  map.registerDumper("string", StrDumperVarchar);
  map.registerDumper("string", StrBinaryDumperVarchar);
}
