/**
 * Reading DER, the form that certificates and revocation lists have, and PEM,
 * the text around it. What the structures mean is in `tls_certificate.ts` and
 * `tls_crl.ts`.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "@std/encoding/base64";

/** The tags that are needed. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  T61_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** What is malformed; it never leaves the files that read TLS structures. */
export class DerError extends Error {}

/** One element. */
export interface DerElement {
  /** The tag. */
  readonly tag: number;
  /** What is inside. */
  readonly content: Uint8Array;
  /** The element with its tag and length. */
  readonly whole: Uint8Array;
}

/** Reads elements that stand one after the other. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes The elements, from the first byte to the last. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all elements have been read. */
  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The tag of the next element; -1 at the end. */
  get nextTag(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  /**
   * Reads an element.
   *
   * @param tag The tag that it must have.
   * @throws {DerError} If there is none, it has another tag or is malformed.
   */
  read(tag?: number): DerElement {
    const from = this.#at;
    const found = this.#byte();
    if (tag !== undefined && found !== tag) throw new DerError("wrong tag");
    if ((found & 0x1f) === 0x1f) throw new DerError("long tag");
    const length = this.#length();
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new DerError("truncated");
    this.#at = start + length;
    return {
      tag: found,
      content: this.#bytes.subarray(start, this.#at),
      whole: this.#bytes.subarray(from, this.#at),
    };
  }

  /** Reads an element if the next one has this tag. */
  readIf(tag: number): DerElement | null {
    return this.nextTag === tag ? this.read() : null;
  }

  /** Reads an element and returns a reader of what is inside. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** @throws {DerError} If there is more to read. */
  end(): void {
    if (!this.atEnd) throw new DerError("too long");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new DerError("truncated");
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DerError("bad length");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    const shortest = count === 1
      ? length >= 0x80
      : length >= 256 ** (count - 1);
    if (!shortest) throw new DerError("bad length");
    return length;
  }
}

/**
 * An object identifier in dotted form.
 *
 * @param content What is inside the element.
 * @returns For example `2.5.4.3`.
 * @throws {DerError} If it is malformed.
 */
export function readOid(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if (arc > 2 ** 40) throw new DerError("long arc");
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  const last = content[content.length - 1];
  if (last === undefined || last & 0x80) throw new DerError("bad identifier");
  return arcs.join(".");
}

/**
 * A small integer that is not negative.
 *
 * @param content What is inside the element.
 * @returns The number.
 * @throws {DerError} If it is negative or greater than 32 bits allow.
 */
export function readSmallInteger(content: Uint8Array): number {
  if (content.length === 0 || content.length > 5 || content[0]! & 0x80) {
    throw new DerError("bad integer");
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/**
 * The bytes of a bit string whose length is a whole number of bytes.
 *
 * @param content What is inside the element.
 * @returns The bytes.
 * @throws {DerError} If bits are left over.
 */
export function readBitString(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError("bad bit string");
  return content.subarray(1);
}

/**
 * A moment in time.
 *
 * @param element UTCTime or GeneralizedTime, in the form that certificates demand.
 * @returns Milliseconds since 1970.
 * @throws {DerError} If it is malformed.
 */
export function readTime({ tag, content }: DerElement): number {
  const text = String.fromCharCode(...content.subarray(0, 32));
  const digits = tag === Tag.UTC_TIME
    ? /^\d{12}Z$/
    : tag === Tag.GENERALIZED_TIME
    ? /^\d{14}Z$/
    : null;
  if (digits === null || !digits.test(text)) throw new DerError("bad time");
  const full = tag === Tag.GENERALIZED_TIME
    ? text
    : `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}`;
  const [, y, mo, d, h, mi, s] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(full) ?? [];
  const time = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  if (Number.isNaN(time)) throw new DerError("bad time");
  return time;
}

/**
 * Text in one of the forms that names in certificates take.
 *
 * @param element The element.
 * @returns The text, or `null` if it is in another form or malformed.
 */
export function readText({ tag, content }: DerElement): string | null {
  switch (tag) {
    case Tag.UTF8_STRING:
      try {
        return new TextDecoder("utf-8", { fatal: true }).decode(content);
      } catch {
        return null;
      }
    case Tag.PRINTABLE_STRING:
    case Tag.IA5_STRING:
      return content.every((byte) => byte < 0x80)
        ? String.fromCharCode(...content)
        : null;
    case Tag.T61_STRING:
      return String.fromCharCode(...content);
    case Tag.BMP_STRING:
      return new TextDecoder("utf-16be").decode(content);
    default:
      return null;
  }
}

/** Whether a value is PEM text rather than the path of a file. */
export function isPem(value: string): boolean {
  return value.trimStart().startsWith("-----BEGIN");
}

/**
 * The blocks of PEM text.
 *
 * @param text The text, with anything around the blocks.
 * @param label What the blocks that are wanted are called.
 * @returns What is in each.
 * @throws {DerError} If a block does not end or holds no base64.
 */
export function readPem(
  text: string,
  label: RegExp,
): Uint8Array<ArrayBuffer>[] {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/g;
  for (let match; (match = begin.exec(text)) !== null;) {
    const [, name = ""] = match;
    const end = text.indexOf(`-----END ${name}-----`, begin.lastIndex);
    if (end < 0) throw new DerError("a block does not end");
    const body = text.slice(begin.lastIndex, end).replace(/\s+/g, "");
    begin.lastIndex = end;
    if (!label.test(name)) continue;
    try {
      blocks.push(decodeBase64(body));
    } catch {
      throw new DerError("a block is not base64");
    }
  }
  return blocks;
}

/**
 * PEM text around bytes.
 *
 * @param bytes The bytes.
 * @param label What the block is called.
 * @returns The text.
 */
export function writePem(bytes: Uint8Array, label: string): string {
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""]
    .join("\n");
}
