/**
 * The types macaddr and macaddr8 as strings of pairs of hexadecimal digits.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Registrar } from "./adapt.ts";
import { OID } from "./oids.ts";
import {
  expectBytes,
  registerStringType,
  type StringType,
} from "./string_type.ts";

const COLON = 0x3a;
const MACADDR_SIZE = 6;
const MACADDR8_SIZE = 8;

// As the input functions: separators, all of one kind, may follow any byte.
const PATTERN =
  /^(?:[\da-f]{2})+(?:([:.-])(?:[\da-f]{2})+(?:\1(?:[\da-f]{2})+)*)?$/i;

const PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

function isDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66);
}

function isText(
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
): boolean {
  if (end - start !== 3 * size - 1) return false;
  for (let at = start; at < end; at += 3) {
    if (!isDigit(bytes[at]!) || !isDigit(bytes[at + 1]!)) return false;
    if (at + 2 < end && bytes[at + 2] !== COLON) return false;
  }
  return true;
}

function read(
  { bytes }: ReadBuffer,
  start: number,
  end: number,
  name: string,
  size: number,
): string {
  expectBytes(name, end - start, size);
  let text = PAIRS[bytes[start]!]!;
  for (let at = start + 1; at < end; at++) text += ":" + PAIRS[bytes[at]!]!;
  return text;
}

function write(text: string, out: WriteBuffer, size: number): boolean {
  if (!PATTERN.test(text)) return false;
  let digits = text.replaceAll(/[:.-]/g, "");
  // Chapter "Network Address Types": six bytes become eight by FF and FE in the middle.
  if (size === MACADDR8_SIZE && digits.length === 2 * MACADDR_SIZE) {
    digits = `${digits.slice(0, 6)}fffe${digits.slice(6)}`;
  }
  if (digits.length !== 2 * size) return false;
  for (let at = 0; at < digits.length; at += 2) {
    out.uint8(parseInt(digits.slice(at, at + 2), 16));
  }
  return true;
}

const MACADDR: StringType = {
  oid: OID.MACADDR,
  name: "macaddr",
  form: "six bytes in hexadecimal digits",
  isText: (bytes, start, end) => isText(bytes, start, end, MACADDR_SIZE),
  readBinary: (source, start, end) =>
    read(source, start, end, "macaddr", MACADDR_SIZE),
  writeBinary: (text, out) => write(text, out, MACADDR_SIZE),
};

const MACADDR8: StringType = {
  oid: OID.MACADDR8,
  name: "macaddr8",
  form: "eight bytes in hexadecimal digits",
  isText: (bytes, start, end) => isText(bytes, start, end, MACADDR8_SIZE),
  readBinary: (source, start, end) =>
    read(source, start, end, "macaddr8", MACADDR8_SIZE),
  writeBinary: (text, out) => write(text, out, MACADDR8_SIZE),
};

/**
 * Registers the loaders and dumpers of macaddr and macaddr8.
 *
 * @param map Where to register them.
 */
export function registerMacaddr(map: Registrar): void {
  registerStringType(map, MACADDR);
  registerStringType(map, MACADDR8);
}
