/**
 * Values that are not what they should be: samples that are cut off, extended or
 * changed, and bytes that never were anything.
 *
 * @module
 */

import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import type { Loader } from "../../types/adapt.ts";
import { RowPlan } from "../../types/row_decoder.ts";
import type { Random } from "./values.ts";

const encoder = new TextEncoder();

/** What the texts of values are made of. */
const SOUP = [
  ..."{}[]()<>\"',;:\\/.-+ \t\n",
  ..."0123456789eE",
  "é",
  "€",
  "\u{1f600}",
]
  .concat([
    "NULL",
    "null",
    "NaN",
    "Infinity",
    "-infinity",
    "empty",
    "epoch",
    "true",
    "BC",
    "mons",
    "days",
    "24:00:00",
    "\\x",
    '""',
  ]);

/** Lengths, counts and dimensions that nobody means well with. */
const HOSTILE = [-1, -2, 2 ** 31 - 1, -(2 ** 31), 1_000_000, 0x7fff_0000, 0];

/** Bytes that are a value of no type in particular. */
function* noise(random: Random): Generator<Uint8Array> {
  for (const byte of [0x00, 0x01, 0x30, 0x7f, 0x80, 0xff]) {
    for (const length of [0, 1, 2, 4, 8, 12, 16, 24, 32]) {
      yield new Uint8Array(length).fill(byte);
    }
  }
  for (let i = 0; i < 25; i++) {
    yield Uint8Array.from(random.list(40, () => random.between(0, 255)));
    yield encoder.encode(random.list(24, () => random.pick(SOUP)).join(""));
  }
  // A binary array, row or range whose header promises too much.
  for (const count of HOSTILE) {
    for (const second of HOSTILE) {
      const bytes = new Uint8Array(24);
      const view = new DataView(bytes.buffer);
      view.setInt32(0, count);
      view.setInt32(4, random.pick([0, 1, 25]));
      view.setInt32(8, random.pick([23, 25, second]));
      view.setInt32(12, second);
      view.setInt32(16, random.pick(HOSTILE));
      yield bytes;
    }
  }
}

/** A value of a type, with something wrong. */
function* damaged(
  sample: Uint8Array,
  random: Random,
): Generator<Uint8Array> {
  const { length } = sample;
  for (let end = 0; end < Math.min(length, 64); end++) {
    yield sample.slice(0, end);
  }
  for (const more of [[0], [0x20], [0x7d], [0xff], [0, 0, 0, 0]]) {
    yield Uint8Array.of(...sample, ...more);
    yield Uint8Array.of(...more, ...sample);
  }
  yield Uint8Array.of(...sample, ...sample);
  const places = Math.min(length, 40);
  for (let at = 0; at < places; at++) {
    for (const byte of [0, 0xff, random.pick([0x22, 0x5c, 0x7b])]) {
      const changed = sample.slice();
      changed[at] = byte;
      yield changed;
    }
  }
  for (let at = 0; at + 4 <= places; at++) {
    const changed = sample.slice();
    new DataView(changed.buffer).setInt32(at, random.pick(HOSTILE));
    yield changed;
  }
}

/**
 * Malformed values, and some that are well-formed by chance.
 *
 * @param samples Values of the type, in the format.
 * @param random Where the random numbers come from.
 */
export function* malformed(
  samples: readonly Uint8Array[],
  random: Random,
): Generator<Uint8Array> {
  yield* noise(random);
  for (const sample of samples) yield* damaged(sample, random);
}

/** What came of a value: what was loaded, or that it was refused. */
export type Verdict = { readonly value: unknown } | {
  readonly error: DataError;
};

/** One column of one type, whose rows are given as bytes. */
export class OneColumn {
  readonly #plan: RowPlan;
  readonly #typeName: string;

  /**
   * Makes a column.
   *
   * @param loader What loads its values.
   * @param typeName What it is called in messages.
   */
  constructor(loader: Loader, typeName: string) {
    this.#typeName = typeName;
    this.#plan = new RowPlan([{ name: "bad", typeName, loader }], "scalar");
  }

  /**
   * Decodes a row with a value.
   *
   * @param bytes The value.
   * @returns What came of it.
   * @throws {Error} If it was neither loaded nor refused as it has to be.
   */
  load(bytes: Uint8Array): Verdict {
    const row = new Uint8Array(bytes.length + 11);
    const view = new DataView(row.buffer);
    row[0] = 0x44;
    view.setInt32(1, bytes.length + 10);
    view.setInt16(5, 1);
    view.setInt32(7, bytes.length);
    row.set(bytes, 11);
    const source = new ReadBuffer(row);
    source.nextMessage();
    let value: unknown;
    try {
      value = this.#plan.decode(source);
    } catch (error) {
      const start = `Cannot load column "bad" of type ${this.#typeName}: `;
      if (error instanceof DataError && error.message.startsWith(start)) {
        return { error };
      }
      throw new Error(`${this.#typeName}: ${show(bytes)} ended in ${error}`, {
        cause: error,
      });
    }
    if (value === undefined || aliases(value, row)) {
      throw new Error(`${this.#typeName}: ${show(bytes)} gave ${show(value)}`);
    }
    return { value };
  }
}

function aliases(value: unknown, { buffer }: Uint8Array): boolean {
  return Array.isArray(value)
    ? value.some((item) => item instanceof Uint8Array && item.buffer === buffer)
    : value instanceof Uint8Array && value.buffer === buffer;
}

/**
 * A value for messages.
 *
 * @param value The value.
 * @returns What it looks like.
 */
export function show(value: unknown): string {
  const shown = value instanceof Uint8Array
    ? `${JSON.stringify(new TextDecoder().decode(value))} (${value.toHex()})`
    : Deno.inspect(value, { depth: 8, strAbbreviateSize: 200 });
  return shown.slice(0, 2000);
}
