/**
 * Text in the encoding of a session: the contract that the buffers use, and
 * UTF-8, which every session of pgts asks for. The other encodings are in
 * `encodings.ts`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DataError } from "../errors/base.ts";

/** Reads and writes text in one encoding. */
export interface TextCodec {
  /** The name that PostgreSQL gives the encoding, for example `UTF8`. */
  readonly encoding: string;
  /** The name that JavaScript runtimes give it, for example `utf-8`. */
  readonly label: string;
  /**
   * The text of `bytes[start..end)`.
   *
   * @throws {DataError} If the bytes are not valid in this encoding.
   */
  decode(bytes: Uint8Array, start: number, end: number): string;
  /** The most bytes that one UTF-16 code unit can become. */
  readonly maxBytesPerUnit: number;
  /** How many bytes `text` becomes, where that can be told cheaply. */
  byteLength?(text: string): number;
  /**
   * Writes `text` to `out` from `at` on, where `maxBytesPerUnit` bytes for each
   * code unit are free.
   *
   * @returns The number of bytes written.
   * @throws {DataError} If a character does not exist in this encoding.
   */
  encodeInto(text: string, out: Uint8Array, at: number): number;
}

const TEXT_DECODER_FROM = 256; // bench/micro: TextDecoder wins above
const ENCODE_INTO_FROM = 48;
const MAX_STRING = 0x1fff_ffe8; // V8's limit, in code units
type Slice = (this: Uint8Array, start: number, end: number) => string;
const slices = Buffer.prototype as unknown as Record<
  "utf8Slice" | "latin1Slice",
  Slice
>;
const utf8Slice = slices.utf8Slice;
const latin1SliceOf = slices.latin1Slice;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

function decodeFatally(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch (cause) {
    if (end - start > MAX_STRING) {
      throw new DataError(
        `Cannot decode text from the server: its ${
          end - start
        } bytes are more than a string can hold, read it as bytea or in parts`,
        { cause },
      );
    }
    throw new DataError(
      "Cannot decode text from the server: it is not valid UTF-8, read it as bytea or ask for the client_encoding it is in",
      { cause },
    );
  }
}

/** UTF-8, strict in both directions. */
export const UTF8: TextCodec = {
  encoding: "UTF8",
  label: "utf-8",
  maxBytesPerUnit: 3,

  byteLength(text) {
    return Buffer.byteLength(text, "utf8");
  },

  decode(bytes, start, end) {
    if (end - start >= TEXT_DECODER_FROM) {
      return decodeFatally(bytes, start, end);
    }
    const text = utf8Slice.call(bytes, start, end);
    // Invalid bytes come out as U+FFFD; one that the server meant passes the second look.
    return text.includes("\uFFFD") ? decodeFatally(bytes, start, end) : text;
  },

  encodeInto(text, out, at) {
    const length = text.length;
    if (length < ENCODE_INTO_FROM) {
      let index = 0;
      for (; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) break;
        out[at + index] = unit;
      }
      if (index === length) return length;
    }
    if (!text.isWellFormed()) {
      throw new DataError(
        "Cannot encode text as UTF-8: it contains a surrogate that is not part of a pair",
      );
    }
    return encoder.encodeInto(text, out.subarray(at)).written;
  },
};

/**
 * The bytes as characters of the same numbers: the fastest way to a string of
 * what is ASCII in any encoding, such as the digits of a UUID (bench/micro).
 *
 * @param bytes The bytes.
 * @param start Where the text starts.
 * @param end Where it ends.
 * @returns The text, one character for each byte.
 */
export function latin1Slice(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  return latin1SliceOf.call(bytes, start, end);
}
