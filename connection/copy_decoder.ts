/**
 * From the data of a COPY TO to rows, wherever the blocks of it are cut.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import { ReadBuffer } from "../protocol/read_buffer.ts";
import type { TextCodec } from "../protocol/text.ts";
import { Format } from "../types/adapt.ts";
import { CopyBinaryReader } from "../types/copy_binary.ts";
import { type CopyRowReader, loadersOf, oidsOf } from "../types/copy_rows.ts";
import { CopyTextReader } from "../types/copy_text.ts";
import type { Transformer } from "../types/transformer.ts";

const NOTHING = new Uint8Array();

/** Reads rows. */
export class CopyDecoder {
  /** Whether the data has said that there are no more rows. */
  ended = false;

  readonly #binary: boolean;
  readonly #transformer: Transformer;
  readonly #codec: TextCodec;
  readonly #rows: CopyRowReader;
  #source = new ReadBuffer(NOTHING);
  #at = 0;
  #begun = false;

  /**
   * @param binary Whether the data is in the binary format.
   * @param transformer Where to look for loaders.
   * @param codec How text is read.
   */
  constructor(binary: boolean, transformer: Transformer, codec: TextCodec) {
    this.#binary = binary;
    this.#transformer = transformer;
    this.#codec = codec;
    this.#rows = binary
      ? new CopyBinaryReader(transformer)
      : new CopyTextReader(transformer);
  }

  /** Sets the types of the fields. */
  setTypes(types: readonly (string | number)[]): void {
    const format = this.#binary ? Format.BINARY : Format.TEXT;
    const oids = oidsOf(types, this.#transformer);
    this.#rows.loaders = loadersOf(oids, format, this.#transformer);
  }

  /** Says that the beginning of the data has been read by someone else. */
  skipBeginning(): void {
    this.#begun = true;
  }

  /** Adds data behind that which no row has been made of. */
  add(chunk: Uint8Array<ArrayBuffer>): void {
    const rest = this.#source.bytes.subarray(this.#at);
    let bytes = chunk;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + chunk.length);
      bytes.set(rest);
      bytes.set(chunk, rest.length);
    }
    this.#source = new ReadBuffer(bytes);
    this.#source.codec = this.#codec;
    this.#at = 0;
  }

  /**
   * The next row.
   *
   * @returns The row; `null` if the data says that there are no more, `undefined`
   * if that needs more data.
   */
  next(): unknown[] | null | undefined {
    if (this.ended) return null;
    const source = this.#source;
    const { length } = source.bytes;
    if (!this.#begun) {
      const first = this.#rows.begin(source, this.#at, length);
      if (first < 0) return undefined;
      this.#at = first;
      this.#begun = true;
    }
    if (this.#at >= length) return undefined;
    const start = this.#at;
    const end = this.#rows.endOf(source, start, length);
    if (end === -1) return undefined;
    if (end === -2) {
      this.ended = true;
      this.#at = length;
      return null;
    }
    this.#at = end;
    return this.#rows.row(source, start, end);
  }

  /** What no row has been made of, `null` if nothing is left. */
  takeRest(): Uint8Array<ArrayBuffer> | null {
    const { bytes } = this.#source;
    if (this.#at === bytes.length) return null;
    const rest = bytes.subarray(this.#at);
    this.#at = bytes.length;
    return rest;
  }

  /** @throws {DataError} If the data ends in the middle of a row. */
  expectEnd(): void {
    if (this.#at < this.#source.bytes.length) {
      throw new DataError(
        "Cannot read the row: the data ends in the middle of it",
      );
    }
  }
}
