/**
 * Rows as values that nobody described: `row(1, 'a')`. They become arrays. Types
 * with a name are in `composite.ts`.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  type Adaptation,
  Format,
  type Loader,
  type Registrar,
} from "./adapt.ts";
import { OID } from "./oids.ts";
import { malformed, readRecordText } from "./record_text.ts";
import { Tuple, TupleBinaryDumper, TupleDumper } from "./tuple.ts";

const COUNT_SIZE = 4;
const HEADER_SIZE = 8;

/**
 * Reads a row in binary format.
 *
 * @param source What the row is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @param loaderOf Tells the loader of a field by its position and its type.
 * @returns The values of the fields.
 * @throws {DataError} If the bytes are malformed, or a field is.
 */
export function readRecordBinary(
  source: ReadBuffer,
  start: number,
  end: number,
  loaderOf: (index: number, oid: number) => Loader,
): unknown[] {
  const { view } = source;
  if (end - start < COUNT_SIZE) throw malformed("it ends too early");
  const count = view.getInt32(start);
  let at = start + COUNT_SIZE;
  if (count < 0 || count > (end - at) / HEADER_SIZE) {
    throw malformed("it has fewer fields than it says");
  }
  const values: unknown[] = [];
  for (let index = 0; index < count; index++) {
    if (at + HEADER_SIZE > end) throw malformed("it ends too early");
    const oid = view.getUint32(at);
    const size = view.getInt32(at + 4);
    at += HEADER_SIZE;
    if (size === -1) {
      values.push(null);
      continue;
    }
    if (size < 0 || at + size > end) {
      throw malformed("a field is longer than the value");
    }
    values.push(loaderOf(index, oid).load(source, at, at + size));
    at += size;
  }
  if (at !== end) throw malformed("something follows its end");
  return values;
}

/**
 * Reads a row without a name in text format: an array of strings and nulls, as
 * the text does not tell the types.
 */
export class RecordLoader implements Loader<unknown[]> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #field: Loader;

  /**
   * Called by the driver.
   *
   * @param _oid The OID of the type.
   * @param adaptation What knows the loader of text.
   */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#field = adaptation.getLoader(OID.UNKNOWN, Format.TEXT);
  }

  /**
   * The fields.
   *
   * @throws {DataError} If the text is malformed.
   */
  load(source: ReadBuffer, start: number, end: number): unknown[] {
    return readRecordText(source, start, end, () => this.#field);
  }
}

/**
 * Reads a row without a name in binary format: an array of values of the types
 * that the row says it has. It has no twin, as the text does not say them.
 */
export class RecordBinaryLoader implements Loader<unknown[]> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  readonly #adaptation: Adaptation;

  /**
   * Called by the driver.
   *
   * @param _oid The OID of the type.
   * @param adaptation What knows the loaders of the fields.
   */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#adaptation = adaptation;
  }

  /**
   * The fields.
   *
   * @throws {DataError} If the bytes are malformed, or a field is.
   */
  load(source: ReadBuffer, start: number, end: number): unknown[] {
    return readRecordBinary(
      source,
      start,
      end,
      (_, oid) => this.#adaptation.getLoader(oid, Format.BINARY),
    );
  }
}

/**
 * Registers the loaders and dumpers of rows without a name.
 *
 * @param map Where to register them.
 */
export function registerRecord(map: Registrar): void {
  map.registerLoader(OID.RECORD, RecordLoader);
  map.registerLoader(OID.RECORD, RecordBinaryLoader);
  map.registerDumper(Tuple, TupleBinaryDumper);
  map.registerDumper(Tuple, TupleDumper);
}
