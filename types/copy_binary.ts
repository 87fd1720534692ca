/**
 * Rows in the binary format of COPY: see the reference page of COPY, section
 * "Binary Format".
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Dumper,
  Format,
  type Loader,
  PlaceholderFormat,
} from "./adapt.ts";
import {
  checkFields,
  type CopyRowReader,
  type CopyRowWriter,
  fieldError,
  loaderAt,
  loadError,
  undefinedField,
} from "./copy_rows.ts";
import type { Transformer } from "./transformer.ts";

/** `PGCOPY\n\377\r\n\0`, as the first eleven bytes of any binary COPY. */
const SIGNATURE = Uint8Array.of(
  ...[0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00],
);
/** The signature, the flags, and the length of the header's extension. */
const HEADER_SIZE = SIGNATURE.length + 8;
/** The flags that a reader must understand: none is known. */
const CRITICAL_FLAGS = 0xffff_0000;

/** Writes binary rows. */
export class CopyBinaryWriter implements CopyRowWriter {
  /** The dumpers of the fields; `null` has each value choose its own. */
  dumpers: readonly Dumper[] | null = null;
  readonly #transformer: Transformer;

  /** @param transformer Where to look for dumpers. */
  constructor(transformer: Transformer) {
    this.#transformer = transformer;
  }

  /** Appends the header. */
  begin(out: WriteBuffer): void {
    out.raw(SIGNATURE);
    out.int32(0);
    out.int32(0);
  }

  /** Appends a row. */
  row(values: readonly unknown[], out: WriteBuffer): void {
    const { dumpers } = this;
    out.int16(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === null) {
        out.int32(-1);
        continue;
      }
      try {
        if (value === undefined) throw undefinedField();
        const dumper = dumpers === null
          ? this.#transformer.getDumper(value, PlaceholderFormat.BINARY)
          : dumpers[i]!;
        const at = out.beginValue();
        if (dumper.dump(value, out) === null) out.nullValue(at);
        else out.endValue(at);
      } catch (error) {
        throw fieldError(i, error);
      }
    }
  }

  /** Appends the trailer. */
  end(out: WriteBuffer): void {
    out.int16(-1);
  }
}

/** Reads binary rows. */
export class CopyBinaryReader implements CopyRowReader {
  /** The loaders of the fields; `null` reads all as bytes. */
  loaders: readonly Loader[] | null = null;
  readonly #untyped: Loader;

  /** @param transformer Where to look for loaders. */
  constructor(transformer: Transformer) {
    this.#untyped = transformer.getLoader(0, Format.BINARY);
  }

  /**
   * Steps over the header.
   *
   * @throws {DataError} If it is none.
   */
  begin({ bytes, view }: ReadBuffer, start: number, end: number): number {
    if (end - start < HEADER_SIZE) return -1;
    if (SIGNATURE.some((byte, i) => bytes[start + i] !== byte)) {
      throw malformed("it does not start with the signature of binary COPY");
    }
    const flags = view.getUint32(start + SIGNATURE.length);
    if ((flags & CRITICAL_FLAGS) !== 0) {
      throw malformed(`its header has flags that nobody knows (${flags})`);
    }
    const extension = view.getInt32(start + SIGNATURE.length + 4);
    if (extension < 0) {
      throw malformed(`its header is ${extension} bytes longer`);
    }
    const first = start + HEADER_SIZE + extension;
    return first > end ? -1 : first;
  }

  /** The sizes of the fields say where a row ends, and -1 fields end the rows. */
  endOf({ view }: ReadBuffer, start: number, end: number): number {
    if (end - start < 2) return -1;
    const count = view.getInt16(start);
    if (count === -1) return -2;
    if (count < 0) throw malformed(`a row announces ${count} fields`);
    let at = start + 2;
    for (let i = 0; i < count; i++) {
      if (end - at < 4) return -1;
      const size = view.getInt32(at);
      if (size < -1) throw malformed(`a field announces ${size} bytes`);
      at += 4 + (size < 0 ? 0 : size);
    }
    return at > end ? -1 : at;
  }

  /** The fields of a row. */
  row(source: ReadBuffer, start: number, _end: number): unknown[] {
    const { view } = source;
    const { loaders } = this;
    const count = view.getInt16(start);
    checkFields(loaders, count);
    const values: unknown[] = [];
    let at = start + 2;
    for (let i = 0; i < count; i++) {
      const size = view.getInt32(at);
      at += 4;
      if (size === -1) {
        values.push(null);
        continue;
      }
      const loader = loaderAt(loaders, i, this.#untyped);
      try {
        values.push(loader.load(source, at, at + size));
      } catch (error) {
        throw loadError(i, error);
      }
      at += size;
    }
    return values;
  }
}

function malformed(what: string): DataError {
  return new DataError(`Cannot read the rows of COPY: ${what}`);
}
