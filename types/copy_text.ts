/**
 * Rows in the text format of COPY: see the reference page of COPY, section "Text
 * Format". Not the CSV format, which has the same formats on the wire.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import { ReadBuffer } from "../protocol/read_buffer.ts";
import type { TextCodec } from "../protocol/text.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { type Dumper, Format, type Loader } from "./adapt.ts";
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

const BACKSPACE = 8,
  TAB = 9,
  LINE_FEED = 10,
  CARRIAGE_RETURN = 13,
  DOT = 46,
  BACKSLASH = 92,
  LETTER_N = 78;
/** The letters that stand for the characters from backspace to carriage return. */
const LETTERS = "btnvfr";
/** What has to be escaped. */
const SPECIAL = /[\b\t\n\v\f\r\\]/;
const ALL_SPECIAL = /[\b\t\n\v\f\r\\]/g;
/** Up to here characters are written one by one; above, a regular expression is faster. */
const SHORT = 64;

/** Writes rows of text. */
export class CopyTextWriter implements CopyRowWriter {
  /** The dumpers of the fields; `null` has each value choose its own. */
  dumpers: readonly Dumper[] | null = null;
  readonly #transformer: Transformer;

  /** @param transformer Where to look for dumpers. */
  constructor(transformer: Transformer) {
    this.#transformer = transformer;
  }

  /** Nothing goes before the rows. */
  begin(_out: WriteBuffer): void {}

  /** Appends a line. */
  row(values: readonly unknown[], out: WriteBuffer): void {
    const { dumpers } = this;
    for (let i = 0; i < values.length; i++) {
      if (i > 0) out.uint8(TAB);
      const value = values[i];
      try {
        if (value === undefined) throw undefinedField();
        const text = value === null
          ? null
          : (dumpers === null
            ? this.#transformer.getDumper(value)
            : dumpers[i]!)
            .text(value);
        if (text === null) {
          out.uint8(BACKSLASH);
          out.uint8(LETTER_N);
        } else writeField(text, out);
      } catch (error) {
        throw fieldError(i, error);
      }
    }
    out.uint8(LINE_FEED);
  }

  /** Nothing goes behind the rows. */
  end(_out: WriteBuffer): void {}
}

function writeField(text: string, out: WriteBuffer): void {
  if (typeof text !== "string") {
    throw new DataError("the value does not fit the type of the field");
  }
  const { length } = text;
  if (length > SHORT) return writeLong(text, out);
  out.reserve(2 * length);
  const { bytes } = out;
  let at = out.length;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f || unit === 0) return writeLong(text, out);
    if (
      unit === BACKSLASH || (unit <= CARRIAGE_RETURN && unit >= BACKSPACE)
    ) {
      bytes[at++] = BACKSLASH;
      bytes[at++] = unit === BACKSLASH
        ? BACKSLASH
        : LETTERS.charCodeAt(unit - BACKSPACE);
    } else bytes[at++] = unit;
  }
  out.length = at;
}

function writeLong(text: string, out: WriteBuffer): void {
  out.text(
    SPECIAL.test(text)
      ? text.replace(
        ALL_SPECIAL,
        (c) =>
          c === "\\" ? "\\\\" : `\\${LETTERS[c.charCodeAt(0) - BACKSPACE]}`,
      )
      : text,
  );
}

/** Reads rows of text. */
export class CopyTextReader implements CopyRowReader {
  /** The loaders of the fields; `null` reads all as strings. */
  loaders: readonly Loader[] | null = null;
  readonly #untyped: Loader;
  #scratch: ReadBuffer | null = null;

  /** @param transformer Where to look for loaders. */
  constructor(transformer: Transformer) {
    this.#untyped = transformer.getLoader(0, Format.TEXT);
  }

  /** Nothing goes before the rows. */
  begin(_source: ReadBuffer, start: number, _end: number): number {
    return start;
  }

  /** A line feed ends a row, `\.` ends the rows. */
  endOf({ bytes }: ReadBuffer, start: number, end: number): number {
    const at = bytes.indexOf(LINE_FEED, start);
    if (at < 0 || at >= end) return -1;
    return isEnd(bytes, start, at) ? -2 : at + 1;
  }

  /** The fields of a line. */
  row(source: ReadBuffer, start: number, end: number): unknown[] {
    const { bytes } = source;
    const { loaders } = this;
    const stop = end - 1;
    const values: unknown[] = [];
    // A line without a character is a row without fields only if none are expected.
    if (start === stop && loaders?.length === 0) return values;
    let from = start;
    let escaped = false;
    for (let at = start;; at++) {
      if (at < stop) {
        const byte = bytes[at];
        if (byte === BACKSLASH) escaped = true;
        if (byte !== TAB) continue;
      }
      const index = values.length;
      const loader = loaderAt(loaders, index, this.#untyped);
      try {
        values.push(
          escaped
            ? this.#escaped(source, from, at, loader)
            : loader.load(source, from, at),
        );
      } catch (error) {
        throw loadError(index, error);
      }
      if (at >= stop) break;
      from = at + 1;
      escaped = false;
    }
    checkFields(loaders, values.length);
    return values;
  }

  #escaped(
    source: ReadBuffer,
    from: number,
    to: number,
    loader: Loader,
  ): unknown {
    const { bytes, codec } = source;
    if (to - from === 2 && bytes[from + 1] === LETTER_N) {
      if (bytes[from] === BACKSLASH) return null;
    }
    const length = to - from;
    let scratch = this.#scratch;
    if (scratch === null || scratch.bytes.length < length) {
      scratch = this.#scratch = new ReadBuffer(new Uint8Array(length + 64));
    }
    scratch.codec = codec;
    return loader.load(
      scratch,
      0,
      unescape(bytes, from, to, scratch.bytes, codec),
    );
  }
}

function isEnd(bytes: Uint8Array, start: number, stop: number): boolean {
  return stop - start === 2 && bytes[start] === BACKSLASH &&
    bytes[start + 1] === DOT;
}

/** The encodings in which a byte like that of a backslash can be part of a character. */
const EMBEDS_ASCII = /^(?:BIG5|GBK|GB18030|UHC|JOHAB|SJIS|SHIFT_JIS_2004)$/;

/** Writes a field without its escapes to `into`. Returns its length. */
function unescape(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Uint8Array,
  { encoding }: TextCodec,
): number {
  const embeds = EMBEDS_ASCII.test(encoding);
  const katakana = encoding.startsWith("S"); // Single bytes above ASCII.
  let length = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (embeds && byte > 0x7f && !(katakana && byte > 0xa0 && byte < 0xe0)) {
      into[length++] = byte;
      if (++at < to) into[length++] = bytes[at]!;
    } else if (byte !== BACKSLASH) {
      into[length++] = byte;
    } else {
      const letter = bytes[++at];
      if (at >= to || letter === undefined) {
        throw new DataError("it ends with a backslash");
      }
      const index = LETTERS.indexOf(String.fromCharCode(letter));
      into[length++] = index < 0 ? letter : BACKSPACE + index;
    }
  }
  return length;
}
