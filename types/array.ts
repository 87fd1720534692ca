/**
 * Arrays from the server, of whatever elements there is a loader for. How arrays
 * are sent is in `array_dumper.ts`.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  type Adaptation,
  Format,
  type Loader,
  type LoaderClass,
} from "./adapt.ts";
import { malformed, MAX_DIMENSIONS, TextArrayReader } from "./array_text.ts";
import { asciiSafe } from "./ascii_safe.ts";

const UNKNOWN_TYPE = 705;
const COMMA = ",";

/**
 * Reads arrays in text format, with the loader of their elements. The bounds of
 * an array are not kept.
 */
export class ArrayLoader implements Loader<unknown[]> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #element: Loader;
  readonly #delimiter: number;

  /**
   * Makes the loader of an array type.
   *
   * @param oid The OID of the array type.
   * @param adaptation What knows the type and the loader of the elements.
   */
  constructor(oid: number, adaptation: Adaptation) {
    const info = adaptation.typeInfoOf?.(oid) ?? null;
    this.#element = adaptation.getLoader(
      info?.oid ?? UNKNOWN_TYPE,
      Format.TEXT,
    );
    this.#delimiter = (info?.delimiter ?? COMMA).charCodeAt(0);
  }

  /**
   * The array.
   *
   * @throws {DataError} If the text is malformed, or an element is.
   */
  load(source: ReadBuffer, start: number, end: number): unknown[] {
    const text = asciiSafe(source, start, end);
    return new TextArrayReader(
      this.#element,
      this.#delimiter,
      text ?? source,
      text === null ? start : 0,
      text === null ? end : text.bytes.length,
    ).read();
  }
}

const HEADER_SIZE = 12;
const DIMENSION_SIZE = 8;
const LENGTH_SIZE = 4;

/** Reads the elements of one binary array. */
class BinaryArrayReader {
  readonly #element: Loader;
  readonly #source: ReadBuffer;
  readonly #end: number;
  readonly #dimensions: readonly number[];
  #at: number;

  constructor(
    element: Loader,
    source: ReadBuffer,
    start: number,
    end: number,
    dimensions: readonly number[],
  ) {
    this.#element = element;
    this.#source = source;
    this.#at = start;
    this.#end = end;
    this.#dimensions = dimensions;
  }

  read(): unknown[] {
    const result = this.#level(0);
    if (this.#at !== this.#end) throw malformed("something follows its end");
    return result;
  }

  #level(depth: number): unknown[] {
    const length = this.#dimensions[depth] ?? 0;
    const result: unknown[] = [];
    if (depth + 1 < this.#dimensions.length) {
      for (let index = 0; index < length; index++) {
        result.push(this.#level(depth + 1));
      }
      return result;
    }
    const source = this.#source;
    const { view } = source;
    const element = this.#element;
    const end = this.#end;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      if (at + LENGTH_SIZE > end) throw malformed("it ends too early");
      const size = view.getInt32(at);
      at += LENGTH_SIZE;
      if (size === -1) {
        result.push(null);
        continue;
      }
      if (size < 0 || at + size > end) {
        throw malformed("an element is longer than the array");
      }
      result.push(element.load(source, at, at + size));
      at += size;
    }
    this.#at = at;
    return result;
  }
}

/**
 * Reads arrays in binary format, with the loader of their elements. The bounds
 * of an array are not kept.
 */
export class ArrayBinaryLoader implements Loader<unknown[]> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values where the elements give them. */
  static readonly twin: LoaderClass = ArrayLoader;
  readonly #adaptation: Adaptation;
  #oid: number;
  #element: Loader;

  /**
   * Makes the loader of an array type.
   *
   * @param oid The OID of the array type.
   * @param adaptation What knows the type and the loader of the elements.
   */
  constructor(oid: number, adaptation: Adaptation) {
    this.#adaptation = adaptation;
    this.#oid = adaptation.typeInfoOf?.(oid)?.oid ?? 0;
    this.#element = adaptation.getLoader(this.#oid, Format.BINARY);
  }

  /**
   * The array.
   *
   * @throws {DataError} If the bytes are malformed, or an element is.
   */
  load(source: ReadBuffer, start: number, end: number): unknown[] {
    if (end - start < HEADER_SIZE) throw malformed("it ends too early");
    const { view } = source;
    const count = view.getInt32(start);
    const oid = view.getUint32(start + 8);
    if (count < 0 || count > MAX_DIMENSIONS) {
      throw malformed(`it says it has ${count} dimensions`);
    }
    const body = start + HEADER_SIZE + count * DIMENSION_SIZE;
    if (body > end) throw malformed("it ends too early");
    const dimensions: number[] = [];
    let elements = count === 0 ? 0 : 1;
    for (let index = 0; index < count; index++) {
      const length = view.getInt32(
        start + HEADER_SIZE + index * DIMENSION_SIZE,
      );
      if (length < 0) throw malformed("it has a dimension below zero");
      dimensions.push(length);
      elements *= length;
    }
    // Before anything is allocated: each element has at least its length.
    if (elements > (end - body) / LENGTH_SIZE) {
      throw malformed("it has fewer elements than it says");
    }
    if (elements === 0) {
      if (body !== end) throw malformed("something follows its end");
      return [];
    }
    if (oid !== this.#oid) {
      this.#oid = oid;
      this.#element = this.#adaptation.getLoader(oid, Format.BINARY);
    }
    return new BinaryArrayReader(this.#element, source, body, end, dimensions)
      .read();
  }
}
