/**
 * The one buffer that a connection writes from: messages with back-patched
 * lengths, primitive writes, and a mark to roll back to. It knows no message by
 * name.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import { type TextCodec, UTF8 } from "./text.ts";

const INITIAL_SIZE = 16 * 1024;
const SHRINK_ABOVE = 1024 * 1024;
const MAX_SIZE = 0x4000_0000;
/** From here on counting the bytes of a text is cheaper than reserving too many. */
const EXACT_ABOVE = 64 * 1024;

/** Bytes on their way to the server. Dumpers append values in place. */
export class WriteBuffer {
  /** The memory. Changes when the buffer grows: read it after each reservation. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The same memory, for numbers. */
  view: DataView<ArrayBuffer>;
  /** How many bytes are written. */
  length = 0;
  /** How text is written. */
  codec: TextCodec = UTF8;

  #message = 0;

  /**
   * Makes an empty buffer.
   *
   * @param size The initial size in bytes.
   */
  constructor(size: number = INITIAL_SIZE) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  /**
   * Makes room for `count` more bytes at `length`.
   *
   * @throws {DataError} If the message would pass 1 GiB, the server's limit.
   */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  /** Appends a byte. */
  uint8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Appends an Int16. */
  int16(value: number): void {
    this.reserve(2);
    this.view.setInt16(this.length, value);
    this.length += 2;
  }

  /** Appends an Int32, signed or unsigned. */
  int32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value);
    this.length += 4;
  }

  /** Appends an Int64. */
  int64(value: bigint): void {
    this.reserve(8);
    this.view.setBigInt64(this.length, value);
    this.length += 8;
  }

  /** Appends a Float32. */
  float32(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.length, value);
    this.length += 4;
  }

  /** Appends a Float64. */
  float64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value);
    this.length += 8;
  }

  /** Appends bytes. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /**
   * Appends text in the encoding of the session.
   *
   * @throws {DataError} If it contains a NUL, a lone surrogate, or a character
   * that the encoding does not have.
   */
  text(text: string): void {
    this.reserve(this.#mostBytesOf(text));
    if (text.includes("\0")) {
      throw new DataError(
        "Cannot send text to the server: it contains a NUL character, which PostgreSQL text cannot hold",
      );
    }
    this.length += this.codec.encodeInto(text, this.bytes, this.length);
  }

  /** Appends text and a terminating zero byte. */
  cstring(text: string): void {
    this.text(text);
    this.uint8(0);
  }

  /** Starts a message: writes its tag and leaves room for its length. */
  beginMessage(tag: number): void {
    this.reserve(5);
    this.bytes[this.length] = tag;
    this.#message = this.length + 1;
    this.length += 5;
  }

  /** Starts a message that has no tag: StartupMessage, CancelRequest and the like. */
  beginUntaggedMessage(): void {
    this.reserve(4);
    this.#message = this.length;
    this.length += 4;
  }

  /** Ends the message begun last: writes its length. */
  endMessage(): void {
    this.view.setInt32(this.#message, this.length - this.#message);
  }

  /** Leaves room for the length of a value. Returns what {@linkcode endValue} wants. */
  beginValue(): number {
    this.reserve(4);
    const at = this.length;
    this.length += 4;
    return at;
  }

  /** Writes the length of the value begun at `at`. */
  endValue(at: number): void {
    this.view.setInt32(at, this.length - at - 4);
  }

  /** Takes back what was written for the value begun at `at` and writes NULL. */
  nullValue(at: number): void {
    this.length = at;
    this.int32(-1);
  }

  /** Drops everything after the first `length` bytes. */
  rollback(length: number): void {
    this.length = length;
  }

  /** Empties the buffer, and gives back memory that a large message needed. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > SHRINK_ABOVE) {
      this.bytes = new Uint8Array(INITIAL_SIZE);
      this.view = new DataView(this.bytes.buffer);
    }
  }

  /** What is written so far. Not a copy. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** How much room a text needs: a guess that is never too low, exact for long texts. */
  #mostBytesOf(text: string): number {
    const most = text.length * this.codec.maxBytesPerUnit;
    if (most <= EXACT_ABOVE) return most;
    return this.codec.byteLength?.(text) ?? most;
  }

  #grow(needed: number): void {
    if (needed > MAX_SIZE) {
      throw new DataError(
        "Cannot send to the server: the values together pass 1 GiB, the most that one message can hold",
      );
    }
    const bytes = new Uint8Array(
      Math.min(MAX_SIZE, Math.max(needed, this.bytes.length * 2)),
    );
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
