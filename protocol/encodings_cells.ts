/**
 * Tables for encodings in which a character takes two bytes or more: the
 * platform's decoder is asked for every pair of bytes, and what PostgreSQL
 * sees differently is put right. What neither is sure of stays out, so that it
 * becomes an error rather than another character.
 *
 * A cell is `lead << 8 | trail`. A single byte is a cell with lead 0. Three
 * bytes `8F xx yy`, which only EUC_JP has, are the cell `xx << 8 | yy & 0x7F`,
 * which is free because both bytes of a pair are above 0x7F there.
 *
 * @module
 */

import { UNDEFINED } from "./encodings_base.ts";

/** What differs between the platform's idea of an encoding and PostgreSQL's. */
export interface CellSource {
  /** The name that PostgreSQL gives the encoding. */
  encoding: string;
  /** The name that `info.encoding` shows. */
  label: string;
  /** The platform's name of the same encoding or of one that contains it. */
  platform: string;
  /** The most bytes that a character takes. */
  maxBytes: 2 | 3 | 4;
  /** The lowest and the highest lead byte. */
  leads: readonly [number, number];
  /** The lowest trail byte. */
  firstTrail: number;
  /** Bytes from the first to the second are characters of their own. */
  singles?: readonly [number, number];
  /** Whether characters for private use are part of it. */
  privateUse?: boolean;
  /** Cells from the first to the second that PostgreSQL does not have. */
  without?: readonly (readonly [number, number])[];
  /** Characters from a cell on that PostgreSQL sees in the platform's place. */
  patches?: readonly (readonly [number, string])[];
  /** A cell that PostgreSQL sends and does not accept. */
  readOnly?: readonly [number, string];
}

const LINE_FEED = 0x0a;

/**
 * The table from cells to code units.
 *
 * @param source Which cells there are.
 * @returns For each cell a code unit, or `UNDEFINED`.
 */
export function cellTable(source: CellSource): Uint16Array {
  const table = new Uint16Array(0x10000).fill(UNDEFINED);
  for (let code = 0; code < 0x80; code++) table[code] = code;
  if (source.singles) {
    const [first, last] = source.singles;
    fill(table, source, cellsBetween([0, 0], [first, last]), []);
  }
  const trails = [source.firstTrail, 0xfe] as const;
  fill(table, source, cellsBetween(source.leads, trails), []);
  if (source.maxBytes === 3) {
    fill(table, source, cellsBetween([0xa1, 0xfe], [0x21, 0x7e]), [0x8f]);
  }
  for (const [first, last] of source.without ?? []) {
    table.fill(UNDEFINED, first, last + 1);
  }
  for (const [first, text] of source.patches ?? []) {
    let cell = first;
    for (let index = 0; index < text.length; index++) {
      table[cell] = text.charCodeAt(index);
      cell = nextCell(cell, source.firstTrail);
    }
  }
  if (source.maxBytes === 3) addIbmCharacters(table);
  return table;
}

/**
 * The table from code units to cells. Where a character has several cells, the
 * lowest is taken.
 *
 * @param table The table from cells to code units.
 * @returns For each code unit a cell, or 0.
 */
export function inverseTable(table: Uint16Array): Uint16Array {
  const inverse = new Uint16Array(0x10000);
  for (let cell = 0xffff; cell > 0; cell--) {
    const unit = table[cell]!;
    if (unit !== UNDEFINED) inverse[unit] = cell;
  }
  return inverse;
}

type Bounds = readonly [number, number];

function cellsBetween(leads: Bounds, trails: Bounds): number[] {
  const cells: number[] = [];
  for (let lead = leads[0]; lead <= leads[1]; lead++) {
    for (let trail = trails[0]; trail <= trails[1]; trail++) {
      cells.push(lead << 8 | trail);
    }
  }
  return cells;
}

/** Trails 7F to A0 are free in the encodings that have patches over rows. */
function nextCell(cell: number, firstTrail: number): number {
  const trail = cell & 0xff;
  if (trail === 0x7e) return (cell & 0xff00) | 0xa1;
  return trail < 0xfe ? cell + 1 : (cell & 0xff00) + 0x100 + firstTrail;
}

/** Decodes all cells at once, each on a line of its own. */
function fill(
  table: Uint16Array,
  source: CellSource,
  cells: readonly number[],
  prefix: readonly number[],
): void {
  const bytes: number[] = [];
  for (const cell of cells) {
    if (prefix.length > 0) bytes.push(...prefix, cell >> 8, cell | 0x80);
    else if (cell > 0xff) bytes.push(cell >> 8, cell & 0xff);
    else bytes.push(cell);
    bytes.push(LINE_FEED);
  }
  const text = new TextDecoder(source.platform, { ignoreBOM: true })
    .decode(Uint8Array.from(bytes, (byte) => byte & 0xff));
  let at = 0;
  for (const cell of cells) {
    const end = text.indexOf("\n", at);
    const unit = text.charCodeAt(at);
    const isPrivate = unit >= 0xe000 && unit <= 0xf8ff;
    // Anything but one code unit: the bytes are no character, or not one of the
    // basic plane, which PostgreSQL's encodings of this kind do not leave.
    if (
      end === at + 1 && unit !== 0xfffd && (!isPrivate || source.privateUse)
    ) table[cell] = unit;
    at = end + 1;
  }
}

/**
 * PostgreSQL's EUC_JP has the characters of IBM that JIS lacks from 8FF3F3 on,
 * in the order in which Shift JIS has them. The platform knows them in Shift
 * JIS only.
 */
function addIbmCharacters(table: Uint16Array): void {
  const known = new Set(
    table.filter((_, cell) => cell >> 8 !== 0xad), // row 13, which is NEC's
  );
  known.delete(0x2116); // the numero sign is there twice
  const shiftJis = cellTable({
    encoding: "SJIS",
    label: "shift_jis",
    platform: "shift_jis",
    maxBytes: 2,
    leads: [0xfa, 0xfc],
    firstTrail: 0x40,
  });
  let cell = 0xf373;
  for (const unit of shiftJis.subarray(0xfa40)) {
    if (unit === UNDEFINED || known.has(unit)) continue;
    table[cell] = unit;
    cell += (cell & 0xff) === 0x7e ? 0x100 - 0x5d : 1;
  }
}
