/**
 * The two formats of hstore, read in one pass.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { asciiSafe } from "./ascii_safe.ts";
import { Unescaper } from "./unescape.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;
const NULL = /^null$/i;

/** Gets a pair. */
export type PairSink = (key: string, value: string | null) => void;

function malformed(why: string): DataError {
  return new DataError(`Cannot read an hstore: ${why}`);
}

/** Reads one hstore in text format. */
class TextHstoreReader {
  readonly #source: ReadBuffer;
  readonly #end: number;
  #at: number;
  #unescaper: Unescaper | null = null;

  constructor(source: ReadBuffer, start: number, end: number) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  read(sink: PairSink): void {
    this.#skipSpaces();
    if (this.#at === this.#end) return;
    while (true) {
      const key = this.#string("a key");
      this.#skipSpaces();
      this.#expect(EQUALS, "a key is not followed by =>");
      this.#expect(GREATER, "a key is not followed by =>");
      this.#skipSpaces();
      sink(key, this.#value());
      this.#skipSpaces();
      if (this.#at === this.#end) return;
      this.#expect(COMMA, "a value is not followed by a comma");
      this.#skipSpaces();
    }
  }

  #skipSpaces(): void {
    const { bytes } = this.#source;
    while (this.#at < this.#end && bytes[this.#at]! <= SPACE) this.#at++;
  }

  #expect(byte: number, otherwise: string): void {
    if (this.#at >= this.#end || this.#source.bytes[this.#at] !== byte) {
      throw malformed(otherwise);
    }
    this.#at++;
  }

  #value(): string | null {
    const { bytes } = this.#source;
    if (bytes[this.#at] === QUOTE) return this.#string("a value");
    const end = this.#at + 4;
    if (end > this.#end || !NULL.test(this.#source.text(this.#at, end))) {
      throw malformed("a value is neither quoted nor NULL");
    }
    this.#at = end;
    return null;
  }

  #string(what: string): string {
    this.#expect(QUOTE, `${what} is not quoted`);
    const { bytes } = this.#source;
    const start = this.#at;
    let escaped = false;
    let at = start;
    while (at < this.#end && bytes[at] !== QUOTE) {
      if (bytes[at] === BACKSLASH) {
        escaped = true;
        at++;
      }
      at++;
    }
    if (at >= this.#end) throw malformed("a quote is not closed");
    this.#at = at + 1;
    if (!escaped) return this.#source.text(start, at);
    const unescaper = this.#unescaper ??= new Unescaper(
      this.#source,
      this.#end - start,
    );
    unescaper.take(start, at);
    return unescaper.buffer.text(unescaper.start, unescaper.end);
  }
}

/**
 * Reads an hstore in text format.
 *
 * @param source What it is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @param sink Gets the pairs.
 * @throws {DataError} If the text is malformed.
 */
export function readHstoreText(
  source: ReadBuffer,
  start: number,
  end: number,
  sink: PairSink,
): void {
  const text = asciiSafe(source, start, end);
  const reader = text === null
    ? new TextHstoreReader(source, start, end)
    : new TextHstoreReader(text, 0, text.bytes.length);
  reader.read(sink);
}

const LENGTH_SIZE = 4;

/**
 * Reads an hstore in binary format.
 *
 * @param source What it is in.
 * @param start Where it starts.
 * @param end Where it ends.
 * @param sink Gets the pairs.
 * @throws {DataError} If the bytes are malformed.
 */
export function readHstoreBinary(
  source: ReadBuffer,
  start: number,
  end: number,
  sink: PairSink,
): void {
  const { view } = source;
  let at = start;
  const int32 = (): number => {
    if (at + LENGTH_SIZE > end) throw malformed("it ends too early");
    at += LENGTH_SIZE;
    return view.getInt32(at - LENGTH_SIZE);
  };
  const text = (size: number): string => {
    if (size < 0 || at + size > end) {
      throw malformed("a key or value is longer than the hstore");
    }
    at += size;
    return source.text(at - size, at);
  };
  const count = int32();
  if (count < 0) throw malformed(`it says it has ${count} pairs`);
  for (let index = 0; index < count; index++) {
    const key = text(int32());
    const size = int32();
    sink(key, size === -1 ? null : text(size));
  }
  if (at !== end) throw malformed("something follows its end");
}
