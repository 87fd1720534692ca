/**
 * The types bit and varbit as strings of zeros and ones.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Registrar } from "./adapt.ts";
import { OID } from "./oids.ts";
import {
  expectBytes,
  malformedValue,
  registerStringType,
} from "./string_type.ts";

const LENGTH_SIZE = 4;
const ZERO = 0x30;
const ONE = 0x31;

const DIGITS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).padStart(8, "0"),
);

function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== ZERO && bytes[at] !== ONE) return false;
  }
  return true;
}

/** The number of bits, and then the bits, the first one highest in its byte. */
function read(
  name: string,
  { bytes, view }: ReadBuffer,
  start: number,
  end: number,
): string {
  if (end - start < LENGTH_SIZE) {
    throw malformedValue(name, "it ends too early");
  }
  const count = view.getInt32(start);
  if (count < 0) throw malformedValue(name, `it says it has ${count} bits`);
  expectBytes(name, end - start, LENGTH_SIZE + Math.ceil(count / 8));
  let text = "";
  for (let at = start + LENGTH_SIZE; at < end; at++) text += DIGITS[bytes[at]!];
  return text.slice(0, count);
}

function write(text: string, out: WriteBuffer): boolean {
  const { length } = text;
  out.int32(length);
  for (let at = 0; at < length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) {
      const unit = at + bit < length ? text.charCodeAt(at + bit) : ZERO;
      if (unit !== ZERO && unit !== ONE) return false;
      byte = byte << 1 | (unit - ZERO);
    }
    out.uint8(byte);
  }
  return true;
}

/**
 * Registers the loaders and dumpers of bit and varbit.
 *
 * @param map Where to register them.
 */
export function registerBit(map: Registrar): void {
  for (
    const [oid, name] of [
      [OID.BIT, "bit"],
      [OID.VARBIT, "bit varying"],
    ] as const
  ) {
    registerStringType(map, {
      oid,
      name,
      form: "made of zeros and ones",
      isText,
      readBinary: (source, start, end) => read(name, source, start, end),
      writeBinary: write,
    });
  }
}
