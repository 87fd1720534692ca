/**
 * GB18030, which has all of Unicode in one, two and four bytes.
 *
 * PostgreSQL follows the edition of 2000 up to version 18 and that of 2022 from
 * version 19 on. The characters on which the two disagree are refused in both
 * directions.
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
import { cellTable, inverseTable } from "./encodings_cells.ts";
import type { TextCodec } from "./text.ts";

const BASIC_PLANE_COUNT = 39420;
const FIRST_SUPPLEMENTARY = 189_000;
const SUPPLEMENTARY_COUNT = 0x10_0000;

/** Characters whose cells moved between the editions. */
const DISPUTED: readonly (readonly [number, number])[] = [
  [0x1e3f, 0x1e3f],
  [0x9fb4, 0x9fbb],
  [0xe78d, 0xe796],
  [0xe7c7, 0xe7c7],
  [0xe81e, 0xe81e],
  [0xe826, 0xe826],
  [0xe82b, 0xe82c],
  [0xe832, 0xe832],
  [0xe843, 0xe843],
  [0xe854, 0xe854],
  [0xe864, 0xe864],
  [0xfe10, 0xfe19],
];

/** A codec by tables for the basic plane and arithmetic above it. */
export class Gb18030Codec implements TextCodec {
  /** The name that PostgreSQL gives the encoding. */
  readonly encoding = "GB18030";
  /** The name that `info.encoding` shows. */
  readonly label = "gb18030";
  /** A character of two code units takes four bytes, as many others do. */
  readonly maxBytesPerUnit = 4;
  readonly #units: Uint16Array;
  readonly #cells: Uint16Array;
  readonly #fourByteUnits: Uint16Array;
  /** One more than the number of the four bytes; 0 for none. */
  readonly #fourBytes: Uint16Array = new Uint16Array(0x10000);

  /** Makes the tables. */
  constructor() {
    this.#units = cellTable({
      encoding: this.encoding,
      label: this.label,
      platform: this.label,
      maxBytes: 2,
      leads: [0x81, 0xfe],
      firstTrail: 0x40,
      privateUse: true,
      // PostgreSQL reads it as U+E5E5 in either edition.
      patches: [[0xa3a0, "\uE5E5"]],
    });
    removeDisputed(this.#units);
    this.#cells = inverseTable(this.#units);
    this.#fourByteUnits = fourByteUnits();
    removeDisputed(this.#fourByteUnits);
    this.#fourByteUnits.forEach((unit, number) => {
      if (unit !== UNDEFINED) this.#fourBytes[unit] = number + 1;
    });
  }

  /** The text of `bytes[start..end)`. */
  decode(bytes: Uint8Array, start: number, end: number): string {
    const table = this.#units;
    const units = unitsFor(end - start);
    let count = 0;
    let at = start;
    while (at < end) {
      const lead = bytes[at++]!;
      if (lead < 0x80) {
        units[count++] = lead;
        continue;
      }
      const trail = at < end ? bytes[at]! : 0;
      let unit = UNDEFINED;
      if (trail >= 0x40) {
        unit = table[lead << 8 | trail]!;
        at++;
      } else {
        const number = numberOfFour(bytes, at - 1, end);
        at += 3;
        if (number >= FIRST_SUPPLEMENTARY) {
          const code = number - FIRST_SUPPLEMENTARY;
          units[count++] = 0xd800 | code >> 10;
          units[count++] = 0xdc00 | (code & 0x3ff);
          continue;
        }
        if (number >= 0) unit = this.#fourByteUnits[number]!;
      }
      if (unit === UNDEFINED) throw cannotDecode(this.encoding);
      units[count++] = unit;
    }
    return textOfUnits(units, count);
  }

  /** Writes `text` to `out` from `at` on, and returns how many bytes it wrote. */
  encodeInto(text: string, out: Uint8Array, at: number): number {
    let to = at;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      const cell = this.#cells[unit]!;
      if (unit < 0x80) {
        out[to++] = unit;
      } else if (cell !== 0) {
        out[to++] = cell >> 8;
        out[to++] = cell & 0xff;
      } else {
        let number = this.#fourBytes[unit]! - 1;
        if (number < 0) {
          const code = text.codePointAt(index) ?? 0;
          if (code < 0x10000) throw cannotEncode(this, text, index);
          number = code - 0x10000 + FIRST_SUPPLEMENTARY;
          index++;
        }
        out[to++] = 0x81 + Math.floor(number / 12600);
        out[to++] = 0x30 + Math.floor(number / 1260) % 10;
        out[to++] = 0x81 + Math.floor(number / 10) % 126;
        out[to++] = 0x30 + number % 10;
      }
    }
    return to - at;
  }
}

/** The number of the four bytes from `at` on, or -1 where they are no character. */
function numberOfFour(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  const first = bytes[at]! - 0x81;
  const second = bytes[at + 1]! - 0x30;
  const third = bytes[at + 2]! - 0x81;
  const fourth = bytes[at + 3]! - 0x30;
  if (
    first < 0 || first > 125 || second < 0 || second > 9 ||
    third < 0 || third > 125 || fourth < 0 || fourth > 9
  ) return -1;
  const number = ((first * 10 + second) * 126 + third) * 10 + fourth;
  if (number < BASIC_PLANE_COUNT) return number;
  return number >= FIRST_SUPPLEMENTARY &&
      number < FIRST_SUPPLEMENTARY + SUPPLEMENTARY_COUNT
    ? number
    : -1;
}

function fourByteUnits(): Uint16Array {
  const bytes = new Uint8Array(4 * BASIC_PLANE_COUNT);
  for (let number = 0; number < BASIC_PLANE_COUNT; number++) {
    bytes[4 * number] = 0x81 + Math.floor(number / 12600);
    bytes[4 * number + 1] = 0x30 + Math.floor(number / 1260) % 10;
    bytes[4 * number + 2] = 0x81 + Math.floor(number / 10) % 126;
    bytes[4 * number + 3] = 0x30 + number % 10;
  }
  const text = new TextDecoder("gb18030", { ignoreBOM: true }).decode(bytes);
  return Uint16Array.from(text, (character) => character.charCodeAt(0));
}

function removeDisputed(units: Uint16Array): void {
  for (let index = 0; index < units.length; index++) {
    const unit = units[index]!;
    if (DISPUTED.some(([first, last]) => unit >= first && unit <= last)) {
      units[index] = UNDEFINED;
    }
  }
}
