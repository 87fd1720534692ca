/**
 * bool as a boolean.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { OID } from "./oids.ts";

const LETTER_T = 0x74;
const LETTER_F = 0x66;

function read(
  source: ReadBuffer,
  start: number,
  end: number,
  yes: number,
  no: number,
): boolean {
  const byte = source.bytes[start];
  if (end - start !== 1 || (byte !== yes && byte !== no)) {
    throw new DataError("Cannot read a bool: it is neither true nor false");
  }
  return byte === yes;
}

/** Reads a bool in text format. */
export class BoolLoader implements Loader<boolean> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /** Whether it is `t`. */
  load(source: ReadBuffer, start: number, end: number): boolean {
    return read(source, start, end, LETTER_T, LETTER_F);
  }
}

/** Reads a bool in binary format. */
export class BoolBinaryLoader implements Loader<boolean> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = BoolLoader;

  /** Whether it is 1. */
  load(source: ReadBuffer, start: number, end: number): boolean {
    return read(source, start, end, 1, 0);
  }
}

/** The boolean, if it is one. */
function checked(value: boolean): boolean {
  if (typeof value !== "boolean") throw unsuitable("bool");
  return value;
}

/** Sends a boolean in text format. */
export class BoolDumper extends TextDumper<boolean> {
  /** The OID of bool. */
  override readonly oid: number = OID.BOOL;

  /** `t` or `f`. */
  override text(value: boolean): string {
    return checked(value) ? "t" : "f";
  }

  /** The keyword. */
  override quote(value: boolean): string {
    return checked(value) ? "true" : "false";
  }
}

/** Sends a boolean in binary format. */
export class BoolBinaryDumper extends BinaryDumper<boolean> {
  /** The OID of bool. */
  override readonly oid: number = OID.BOOL;

  /** Appends 1 or 0. */
  override dump(value: boolean, out: WriteBuffer): void {
    out.uint8(checked(value) ? 1 : 0);
  }

  /** `t` or `f`. */
  override text(value: boolean): string {
    return checked(value) ? "t" : "f";
  }

  /** The keyword. */
  override quote(value: boolean): string {
    return checked(value) ? "true" : "false";
  }
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerBool(map: Registrar): void {
  map.registerLoader(OID.BOOL, BoolLoader);
  map.registerLoader(OID.BOOL, BoolBinaryLoader);
  map.registerDumper("boolean", BoolDumper);
  map.registerDumper("boolean", BoolBinaryDumper);
}
