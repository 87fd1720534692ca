/**
 * The one buffer that a connection reads into: space for the transport to fill,
 * framing of messages, and primitive reads. It knows no message by name.
 *
 * @module
 */

import { ProtocolError } from "../errors/base.ts";
import { type TextCodec, UTF8 } from "./text.ts";

const INITIAL_SIZE = 64 * 1024;
const SHRINK_ABOVE = 1024 * 1024;
const MIN_REGION = 16 * 1024;
const HEADER_SIZE = 5;
const lenient = new TextDecoder();

/** The largest message body that is accepted unless told otherwise: 1 GiB. */
export const DEFAULT_MAX_MESSAGE_SIZE = 0x4000_0000;

/**
 * Bytes from the server, read in place.
 *
 * The transport fills {@linkcode ReadBuffer.region} and says how much by
 * {@linkcode ReadBuffer.filled}; {@linkcode ReadBuffer.nextMessage} then steps
 * from message to message. Loaders get the buffer with the bounds of a value;
 * what they return must not alias {@linkcode ReadBuffer.bytes}, which the next
 * read overwrites.
 */
export class ReadBuffer {
  /** The bytes, valid between the bounds that a reader is given. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The same memory, for numbers. */
  view: DataView<ArrayBuffer>;
  /** How text is read. */
  codec: TextCodec = UTF8;
  /** The tag byte of the current message. */
  tag = 0;
  /** Where the body of the current message starts. */
  start = 0;
  /** Where the body of the current message ends. */
  end = 0;

  #unread = 0;
  #filled = 0;
  readonly #maxMessageSize: number;

  /**
   * Makes a buffer.
   *
   * @param bytes Bytes to start with; the buffer takes them over.
   * @param maxMessageSize The largest message body that is accepted, in bytes.
   */
  constructor(
    bytes?: Uint8Array<ArrayBuffer>,
    maxMessageSize: number = DEFAULT_MAX_MESSAGE_SIZE,
  ) {
    this.bytes = bytes ?? new Uint8Array(INITIAL_SIZE);
    this.view = viewOf(this.bytes);
    this.#filled = bytes?.length ?? 0;
    this.#maxMessageSize = maxMessageSize;
  }

  /** How many bytes are there that no message has consumed. */
  get unreadLength(): number {
    return this.#filled - this.#unread;
  }

  /** Text from `start` to `end` in the encoding of the session. */
  text(start: number, end: number): string {
    return this.codec.decode(this.bytes, start, end);
  }

  /**
   * A free region at the end for the transport to fill. Invalidates what was
   * read before: call it only when all complete messages are dealt with.
   */
  region(): Uint8Array<ArrayBuffer> {
    if (this.#unread === this.#filled) {
      this.#unread = this.#filled = 0;
      if (this.bytes.length > SHRINK_ABOVE) this.#replace(INITIAL_SIZE);
    }
    if (this.bytes.length - this.#filled < MIN_REGION) this.#makeRoom();
    return this.bytes.subarray(this.#filled);
  }

  /** Says that the first `count` bytes of the region are filled. */
  filled(count: number): void {
    this.#filled += count;
  }

  /** Adds bytes at the end. For tests, and for transports that bring their own memory. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      const region = this.region();
      const part = chunk.subarray(offset, offset + region.length);
      region.set(part);
      this.#filled += part.length;
      offset += part.length;
    }
  }

  /**
   * Steps to the next message, if it is there whole: sets `tag`, `start` and
   * `end`.
   *
   * @returns Whether there is one.
   * @throws {ProtocolError} If its length cannot be right.
   */
  nextMessage(): boolean {
    const at = this.#unread;
    const available = this.#filled - at;
    if (available < HEADER_SIZE) return false;
    const length = this.view.getInt32(at + 1);
    if (length < 4 || length - 4 > this.#maxMessageSize) {
      throw new ProtocolError(
        `Cannot read from the server: a message of type ${
          printTag(this.bytes[at]!)
        } announces ${length} bytes`,
      );
    }
    if (available <= length) return false;
    this.tag = this.bytes[at]!;
    this.start = at + HEADER_SIZE;
    this.end = this.#unread = at + 1 + length;
    return true;
  }

  /** The next unread byte, without consuming it, or `null`. */
  peek(): number | null {
    return this.#unread < this.#filled ? this.bytes[this.#unread]! : null;
  }

  /** Consumes one byte that is not part of a message: the answer to SSLRequest. */
  takeByte(): number | null {
    return this.#unread < this.#filled ? this.bytes[this.#unread++]! : null;
  }

  /** The unread bytes, for error texts. Not a copy. */
  unread(): Uint8Array {
    return this.bytes.subarray(this.#unread, this.#filled);
  }

  /** Takes an Int16 from the body. */
  int16(): number {
    const at = this.#advance(2);
    return this.view.getInt16(at);
  }

  /** Takes an Int32 from the body. */
  int32(): number {
    const at = this.#advance(4);
    return this.view.getInt32(at);
  }

  /** Takes an Int32 from the body, read as unsigned: an OID. */
  uint32(): number {
    const at = this.#advance(4);
    return this.view.getUint32(at);
  }

  /** Takes a byte from the body. */
  uint8(): number {
    return this.bytes[this.#advance(1)]!;
  }

  /** Takes `count` bytes from the body, as a copy. */
  copy(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#advance(count);
    return this.bytes.slice(at, at + count);
  }

  /** Takes text up to its terminating zero byte from the body. */
  cstring(): string {
    const start = this.start;
    return this.text(start, this.#pastZero());
  }

  /**
   * Takes text like {@linkcode ReadBuffer.cstring}, for people to read: what the
   * encoding does not allow becomes U+FFFD, because a message of the server that
   * is partly readable is better than none.
   */
  messageText(): string {
    const start = this.start;
    const stop = this.#pastZero();
    try {
      return this.text(start, stop);
    } catch {
      return lenient.decode(this.bytes.subarray(start, stop));
    }
  }

  /** How many bytes of the body are left. */
  get left(): number {
    return this.end - this.start;
  }

  /** Checks that the body has been read to its end. */
  expectEnd(): void {
    if (this.start !== this.end) {
      throw new ProtocolError(
        `Cannot read a message of type ${
          printTag(this.tag)
        }: ${this.left} bytes too many`,
      );
    }
  }

  /** Steps over the next zero byte of the body. Returns where it is. */
  #pastZero(): number {
    const stop = this.bytes.indexOf(0, this.start);
    if (stop < 0 || stop >= this.end) {
      throw new ProtocolError(
        `Cannot read a message of type ${
          printTag(this.tag)
        }: a string in it has no end`,
      );
    }
    this.start = stop + 1;
    return stop;
  }

  #advance(count: number): number {
    const at = this.start;
    if (count < 0 || at + count > this.end) {
      throw new ProtocolError(
        `Cannot read a message of type ${
          printTag(this.tag)
        }: it ends too early`,
      );
    }
    this.start = at + count;
    return at;
  }

  /** Moves the unread tail to the front, into larger memory if its message needs it. */
  #makeRoom(): void {
    const unread = this.#filled - this.#unread;
    let needed = unread + MIN_REGION;
    if (unread >= HEADER_SIZE) {
      needed = Math.max(needed, this.view.getInt32(this.#unread + 1) + 1);
    }
    let size = this.bytes.length;
    // Growing by what has come, not by what is announced, keeps a lying header cheap.
    if (needed > size) {
      size = Math.min(roundUp(needed), Math.max(size * 2, unread + MIN_REGION));
    }
    if (size === this.bytes.length) {
      this.bytes.copyWithin(0, this.#unread, this.#filled);
      this.#unread = 0;
      this.#filled = unread;
    } else this.#replace(size);
  }

  #replace(size: number): void {
    const tail = this.bytes.subarray(this.#unread, this.#filled);
    this.bytes = new Uint8Array(size);
    this.bytes.set(tail);
    this.view = viewOf(this.bytes);
    this.#unread = 0;
    this.#filled = tail.length;
  }
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function roundUp(size: number): number {
  return Math.ceil(size / 4096) * 4096;
}

/**
 * A tag byte for error texts.
 *
 * @param tag The byte.
 * @returns The letter in quotes, or the number.
 */
export function printTag(tag: number): string {
  return tag > 0x20 && tag < 0x7f
    ? `"${String.fromCharCode(tag)}"`
    : `0x${tag.toString(16).padStart(2, "0")}`;
}
