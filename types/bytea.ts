/**
 * The type bytea as `Uint8Array`, and bytes of several kinds as parameters.
 *
 * @module
 */

import { encodeHex } from "@std/encoding/hex";
import { DataError } from "../errors/base.ts";
import { ReadBuffer } from "../protocol/read_buffer.ts";
import { latin1Slice } from "../protocol/text.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { OID } from "./oids.ts";

const SMALL = 1024;
const FIRST_SLAB = 1024;
const LAST_SLAB = 16 * 1024;
const SET_FROM_HEX_FROM = 64; // bench/micro: a table wins below
const HEX_CHUNK = 64 * 1024;

const BACKSLASH = 0x5c;
const LOWER_X = 0x78;
const ZERO = 0x30;

/** The value of a hexadecimal digit, 255 for all else. */
const VALUE: Uint8Array = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  const character = digit.toString(16);
  VALUE[character.charCodeAt(0)] = digit;
  VALUE[character.toUpperCase().charCodeAt(0)] = digit;
}

// Runtimes of before 2025 have neither of the two.
const hasSetFromHex = typeof Uint8Array.prototype.setFromHex === "function";
const hasToHex = typeof Uint8Array.prototype.toHex === "function";

/**
 * Reads the text of a bytea, in the hex and in the escape format.
 *
 * Each value is a copy. Values of up to 1 KiB are views of memory of up to
 * 16 KiB that a few of them share: `value.buffer` then holds others besides,
 * and stays as long as one of them does. Use `value.slice()` where the buffer
 * itself matters: to send it to a worker, or to keep one value of many.
 */
export class ByteaLoader implements Loader<Uint8Array> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  #slab = new ArrayBuffer(0);
  #used = 0;
  #nextSize = 0;

  /**
   * The bytes that the text between the bounds stands for.
   *
   * @throws {DataError} If it is malformed.
   */
  load(
    source: ReadBuffer,
    start: number,
    end: number,
  ): Uint8Array<ArrayBuffer> {
    const bytes = source.bytes;
    if (
      end - start < 2 || bytes[start] !== BACKSLASH ||
      bytes[start + 1] !== LOWER_X
    ) {
      const out = this.allocate(escapedLength(bytes, start, end));
      decodeEscapes(bytes, start, end, out);
      return out;
    }
    const digits = end - start - 2;
    if (digits % 2 !== 0) throw malformedHex();
    const out = this.allocate(digits / 2);
    if (out.length < SET_FROM_HEX_FROM || !hasSetFromHex) {
      decodeHexByTable(bytes, start + 2, out);
    } else decodeHexBySlices(bytes, start + 2, out);
    return out;
  }

  /**
   * Zeroed memory for a value. Small values share a slab, whose places are
   * given out once and never again (bench/micro: a sixth of the cost of memory
   * of their own). The first value gets memory of its own, which is what a
   * result of one row wants.
   */
  protected allocate(length: number): Uint8Array<ArrayBuffer> {
    if (length > SMALL || length === 0 || this.#nextSize === 0) {
      this.#nextSize ||= FIRST_SLAB;
      return new Uint8Array(length);
    }
    let at = this.#used;
    // A slab that was transferred to a worker has no length left.
    if (at + length > this.#slab.byteLength) {
      this.#slab = new ArrayBuffer(this.#nextSize);
      this.#nextSize = Math.min(LAST_SLAB, this.#nextSize * 2);
      at = 0;
    }
    // Aligned, so that other kinds of arrays can be laid over a value.
    this.#used = (at + length + 7) & ~7;
    return new Uint8Array(this.#slab, at, length);
  }
}

/**
 * The bytes that the text of a bytea stands for.
 *
 * @param text The text, in the hex or the escape format.
 * @returns The bytes.
 * @throws {DataError} If it is malformed.
 */
export function parseBytea(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  return new ByteaLoader().load(new ReadBuffer(bytes), 0, bytes.length);
}

/** Reads the bytes of a bytea. As for memory, see {@linkcode ByteaLoader}. */
export class ByteaBinaryLoader extends ByteaLoader {
  /** Binary. */
  static override readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = ByteaLoader;

  /** A copy of the bytes between the bounds. */
  override load(
    source: ReadBuffer,
    start: number,
    end: number,
  ): Uint8Array<ArrayBuffer> {
    const length = end - start;
    if (length > SMALL) return source.bytes.slice(start, end);
    const out = this.allocate(length);
    out.set(source.bytes.subarray(start, end));
    return out;
  }
}

function malformedHex(): DataError {
  return new DataError(
    "Cannot read a bytea: the hex format wants pairs of hexadecimal digits",
  );
}

function decodeHexByTable(
  bytes: Uint8Array,
  start: number,
  out: Uint8Array,
): void {
  let seen = 0;
  for (let index = 0, at = start; index < out.length; index++, at += 2) {
    const high = VALUE[bytes[at]!]!;
    const low = VALUE[bytes[at + 1]!]!;
    seen |= high | low;
    out[index] = high << 4 | low;
  }
  if (seen > 15) throw malformedHex();
}

/** By slices, because a string cannot hold the digits of the largest values. */
function decodeHexBySlices(
  bytes: Uint8Array,
  start: number,
  out: Uint8Array,
): void {
  for (let done = 0; done < out.length; done += HEX_CHUNK) {
    const part = out.subarray(done, done + HEX_CHUNK);
    const at = start + 2 * done;
    try {
      part.setFromHex(latin1Slice(bytes, at, at + 2 * part.length));
    } catch {
      throw malformedHex();
    }
  }
}

/** How many bytes the escape format between the bounds stands for. */
function escapedLength(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let at = start; at < end; length++) {
    if (bytes[at] !== BACKSLASH) at++;
    else at += at + 1 < end && bytes[at + 1] === BACKSLASH ? 2 : 4;
  }
  return length;
}

function decodeEscapes(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): void {
  for (let index = 0, at = start; at < end; index++) {
    const byte = bytes[at]!;
    if (byte !== BACKSLASH) {
      out[index] = byte;
      at++;
    } else if (at + 1 < end && bytes[at + 1] === BACKSLASH) {
      out[index] = BACKSLASH;
      at += 2;
    } else {
      // An octal digit less "0" is 0 to 7; anything else has higher bits set, or is negative.
      const high = at + 3 < end ? bytes[at + 1]! - ZERO : -1;
      const middle = bytes[at + 2]! - ZERO;
      const low = bytes[at + 3]! - ZERO;
      if ((high & ~3) !== 0 || ((middle | low) & ~7) !== 0) {
        throw new DataError(
          "Cannot read a bytea: the escape format wants a backslash or three octal digits after a backslash",
        );
      }
      out[index] = high << 6 | middle << 3 | low;
      at += 4;
    }
  }
}

/** What the dumpers of bytes accept. */
export type Bytes = Uint8Array | ArrayBuffer | SharedArrayBuffer | DataView;

function isMemory(value: unknown): value is ArrayBuffer | SharedArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

/** The same memory as a `Uint8Array`. */
function bytesOf(value: Bytes): Uint8Array {
  try {
    const bytes = value instanceof Uint8Array
      ? value
      : ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : isMemory(value)
      ? new Uint8Array(value)
      : null;
    if (bytes === null) throw unsuitable("bytea");
    // Memory that went to a worker reads as empty, which is not what was meant.
    if (
      bytes.length !== 0 || !("detached" in bytes.buffer) ||
      !bytes.buffer.detached
    ) return bytes;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw detached(cause);
  }
  throw detached();
}

function detached(cause?: unknown): DataError {
  return new DataError(
    "Cannot send bytes: their memory is gone, it was transferred or has shrunk",
    cause === undefined ? {} : { cause },
  );
}

/** The bytes as the hex format. */
function hexOf(value: Bytes): string {
  const bytes = bytesOf(value);
  return `\\x${hasToHex ? bytes.toHex() : encodeHex(bytes)}`;
}

/** Sends bytes in the hex format. */
export class ByteaDumper extends TextDumper<Bytes> {
  /** The OID of bytea. */
  override readonly oid: number = OID.BYTEA;
  /** The cast after a literal. */
  override readonly cast: string = "bytea";

  /**
   * The hex format.
   *
   * @throws {DataError} If the memory was transferred away.
   */
  override text(value: Bytes): string {
    return hexOf(value);
  }
}

/** Sends bytes as they are: the default for `%s`. */
export class ByteaBinaryDumper extends BinaryDumper<Bytes> {
  /** The OID of bytea. */
  override readonly oid: number = OID.BYTEA;
  /** The cast after a literal. */
  override readonly cast: string = "bytea";

  /**
   * Appends the bytes.
   *
   * @throws {DataError} If the memory was transferred away.
   */
  override dump(value: Bytes, out: WriteBuffer): void {
    out.raw(bytesOf(value));
  }

  /**
   * The hex format.
   *
   * @throws {DataError} If the memory was transferred away.
   */
  override text(value: Bytes): string {
    return hexOf(value);
  }
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerBytea(map: Registrar): void {
  map.registerLoader(OID.BYTEA, ByteaLoader);
  map.registerLoader(OID.BYTEA, ByteaBinaryLoader);
  for (const key of [Uint8Array, ArrayBuffer, SharedArrayBuffer, DataView]) {
    map.registerDumper(key, ByteaDumper);
    // Last, so that `%s` takes it.
    map.registerDumper(key, ByteaBinaryDumper);
  }
}
