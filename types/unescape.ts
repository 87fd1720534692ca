/**
 * Quoted text without its escapes, for the loader of what is in it.
 *
 * @module
 */

import { ReadBuffer } from "../protocol/read_buffer.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Takes the escapes out of the parts of one value: a backslash, or a quote
 * before a quote. The parts lie one after the other, so that none is
 * overwritten, and together are never longer than the value.
 */
export class Unescaper {
  /** Where {@linkcode Unescaper.take} writes. */
  readonly buffer: ReadBuffer;
  readonly #source: ReadBuffer;
  /** Where the part taken last starts in the buffer. */
  start = 0;
  /** Where it ends. */
  end = 0;

  /**
   * Makes one for a value.
   *
   * @param source What the value is in.
   * @param length How many bytes the value has at most.
   */
  constructor(source: ReadBuffer, length: number) {
    this.#source = source;
    this.buffer = new ReadBuffer(new Uint8Array(length));
    this.buffer.codec = source.codec;
  }

  /**
   * Takes the escapes out of `source.bytes[start..end)`.
   *
   * @param start Where the part starts, after its quote.
   * @param end Where it ends, before its quote.
   */
  take(start: number, end: number): void {
    const { bytes } = this.#source;
    const target = this.buffer.bytes;
    this.start = this.end;
    let to = this.end;
    for (let at = start; at < end; at++) {
      if (bytes[at] === BACKSLASH || bytes[at] === QUOTE) at++;
      target[to++] = bytes[at]!;
    }
    this.end = to;
  }
}
