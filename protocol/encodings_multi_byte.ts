/**
 * Encodings in which a character takes one byte or several: the EUC family,
 * Shift JIS, Big5, GBK, UHC. Their tables are made in `encodings_cells.ts`.
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
import { type CellSource, cellTable, inverseTable } from "./encodings_cells.ts";
import type { TextCodec } from "./text.ts";

const THREE_BYTE_MARK = 0x8f;

/** A codec by tables of cells, which are made when it is. */
export class MultiByteCodec implements TextCodec {
  /** The name that PostgreSQL gives the encoding. */
  readonly encoding: string;
  /** The name that `info.encoding` shows. */
  readonly label: string;
  /** Two, or three for EUC_JP. */
  readonly maxBytesPerUnit: number;
  readonly #firstTrail: number;
  readonly #units: Uint16Array;
  readonly #cells: Uint16Array;

  /** @param source What the encoding consists of. */
  constructor(source: CellSource) {
    this.encoding = source.encoding;
    this.label = source.label;
    this.maxBytesPerUnit = source.maxBytes;
    this.#firstTrail = source.firstTrail;
    this.#units = cellTable(source);
    this.#cells = inverseTable(this.#units);
    if (source.readOnly) {
      const [cell, character] = source.readOnly;
      this.#units[cell] = character.charCodeAt(0);
    }
  }

  /** The text of `bytes[start..end)`. */
  decode(bytes: Uint8Array, start: number, end: number): string {
    const table = this.#units;
    const firstTrail = this.#firstTrail;
    const threeBytes = this.maxBytesPerUnit === 3;
    const units = unitsFor(end - start);
    let count = 0;
    let at = start;
    while (at < end) {
      const lead = bytes[at++]!;
      let unit = table[lead]!;
      if (unit === UNDEFINED) {
        let cell = 0;
        if (threeBytes && lead === THREE_BYTE_MARK) {
          if (at + 1 < end && (bytes[at]! & bytes[at + 1]! & 0x80) !== 0) {
            cell = bytes[at]! << 8 | (bytes[at + 1]! & 0x7f);
          }
          at += 2;
        } else {
          if (at < end && bytes[at]! >= firstTrail) {
            cell = lead << 8 | bytes[at]!;
          }
          at++;
        }
        unit = cell === 0 ? UNDEFINED : table[cell]!;
        if (unit === UNDEFINED) throw cannotDecode(this.encoding);
      }
      units[count++] = unit;
    }
    return textOfUnits(units, count);
  }

  /** Writes `text` to `out` from `at` on, and returns how many bytes it wrote. */
  encodeInto(text: string, out: Uint8Array, at: number): number {
    const cells = this.#cells;
    const threeBytes = this.maxBytesPerUnit === 3;
    const length = text.length;
    let to = at;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      const cell = cells[unit]!;
      if (cell < 0x100) {
        if (cell === 0 && unit !== 0) throw cannotEncode(this, text, index);
        out[to++] = cell;
        continue;
      }
      if (threeBytes && (cell & 0x80) === 0) {
        out[to++] = THREE_BYTE_MARK;
        out[to++] = cell >> 8;
        out[to++] = (cell & 0xff) | 0x80;
        continue;
      }
      out[to++] = cell >> 8;
      out[to++] = cell & 0xff;
    }
    return to - at;
  }
}
