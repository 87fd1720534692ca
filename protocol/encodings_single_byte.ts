/**
 * Encodings in which a character is one byte: the ISO 8859 family, the Windows
 * code pages, KOI8. Which encoding has which name is in `encodings.ts`.
 *
 * @module
 */

import {
  cannotDecode,
  cannotEncode,
  textOfUnits,
  UNDEFINED,
  unitsFor,
} from "./encodings_base.ts";
import type { TextCodec } from "./text.ts";

/** Where the table of a single-byte encoding comes from. */
export interface SingleByteSource {
  /** The name that PostgreSQL gives the encoding. */
  encoding: string;
  /** The name that `info.encoding` shows. */
  label: string;
  /**
   * The platform's name; `null` for Latin-1, whose names the platform gives to
   * windows-1252.
   */
  platform: string | null;
  /** Whether bytes that the platform makes C1 controls have no meaning. */
  withoutControls?: boolean;
  /** Characters that PostgreSQL sees in the place of the platform's. */
  patches?: ReadonlyMap<number, string>;
}

/** A codec by two tables of its own, which are made when it is. */
export class SingleByteCodec implements TextCodec {
  /** The name that PostgreSQL gives the encoding. */
  readonly encoding: string;
  /** The name that `info.encoding` shows. */
  readonly label: string;
  /** One byte for each code unit. */
  readonly maxBytesPerUnit = 1;
  readonly #units: Uint16Array;
  readonly #bytes: Uint8Array;

  /** @param source Where the table comes from. */
  constructor(source: SingleByteSource) {
    this.encoding = source.encoding;
    this.label = source.label;
    this.#units = tableOf(source);
    this.#bytes = new Uint8Array(0x10000);
    this.#units.forEach((unit, byte) => {
      if (unit !== UNDEFINED) this.#bytes[unit] = byte;
    });
  }

  /** The text of `bytes[start..end)`. */
  decode(bytes: Uint8Array, start: number, end: number): string {
    const table = this.#units;
    const units = unitsFor(end - start);
    for (let at = start; at < end; at++) {
      const unit = table[bytes[at]!]!;
      if (unit === UNDEFINED) throw cannotDecode(this.encoding);
      units[at - start] = unit;
    }
    return textOfUnits(units, end - start);
  }

  /** Writes `text` to `out` from `at` on, and returns how many bytes it wrote. */
  encodeInto(text: string, out: Uint8Array, at: number): number {
    const table = this.#bytes;
    const length = text.length;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      const byte = table[unit]!;
      if (byte === 0 && unit !== 0) throw cannotEncode(this, text, index);
      out[at + index] = byte;
    }
    return length;
  }
}

function tableOf(source: SingleByteSource): Uint16Array {
  const units = new Uint16Array(0x100);
  const byte = new Uint8Array(1);
  const decoder = source.platform === null
    ? null
    : new TextDecoder(source.platform);
  for (let code = 0; code < 0x100; code++) {
    byte[0] = code;
    let unit = code;
    if (decoder && code >= 0x80) {
      unit = decoder.decode(byte).charCodeAt(0);
      if (unit === 0xfffd || (source.withoutControls && unit < 0xa0)) {
        unit = UNDEFINED;
      }
    }
    units[code] = unit;
  }
  for (const [code, character] of source.patches ?? []) {
    units[code] = character === "" ? UNDEFINED : character.charCodeAt(0);
  }
  return units;
}
