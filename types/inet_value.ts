/**
 * {@linkcode Inet} and {@linkcode Cidr}: the values of the types inet and cidr.
 * How they travel is in `inet.ts`.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import {
  formatAddress,
  IPV4_SIZE,
  IPV6_SIZE,
  parseAddress,
} from "./inet_address.ts";

const ZERO = 0x30;

/** The number behind the slash, -1 if there is none. */
function parsePrefix(text: string, from: number): number {
  const { length } = text;
  if (length === from || length > from + 3) return -1;
  let prefix = 0;
  for (let index = from; index < length; index++) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9 || (prefix === 0 && index > from)) return -1;
    prefix = prefix * 10 + digit;
  }
  return prefix;
}

/** Compares the first bits of two addresses of the same length. */
function compareBits(
  one: Uint8Array,
  other: Uint8Array,
  count: number,
): number {
  const whole = count >> 3;
  for (let index = 0; index < whole; index++) {
    const difference = one[index]! - other[index]!;
    if (difference !== 0) return difference;
  }
  const rest = count & 7;
  if (rest === 0) return 0;
  const mask = 0xff << (8 - rest) & 0xff;
  return (one[whole]! & mask) - (other[whole]! & mask);
}

/** The address with nothing to the right of the prefix. */
function masked(bytes: Uint8Array, prefix: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes);
  const whole = prefix >> 3;
  if (whole < result.length) {
    result[whole] = result[whole]! & 0xff << (8 - (prefix & 7));
    result.fill(0, whole + 1);
  }
  return result;
}

/** Whether there is nothing to the right of the prefix. */
function isMasked(bytes: Uint8Array, prefix: number): boolean {
  let index = prefix >> 3;
  if ((prefix & 7) !== 0) {
    if ((bytes[index]! & 0xff >> (prefix & 7)) !== 0) return false;
    index++;
  }
  while (index < bytes.length) if (bytes[index++] !== 0) return false;
  return true;
}

/** What {@linkcode Inet} and {@linkcode Cidr} have in common. They cannot be changed. */
export abstract class IpValue {
  /** The address without the prefix, as the server writes it. */
  readonly address: string;
  /** How many bits of the address are those of the network. */
  readonly prefix: number;
  /** The version of the protocol. */
  readonly family: 4 | 6;

  /** Called by the classes that extend this one. */
  protected constructor(
    name: string,
    address: string | Uint8Array,
    prefix: number | undefined,
  ) {
    let bytes: Uint8Array | null;
    let bits = prefix;
    if (typeof address === "string") {
      const slash = bits === undefined ? address.indexOf("/") : -1;
      if (slash >= 0) bits = parsePrefix(address, slash + 1);
      bytes = parseAddress(slash < 0 ? address : address.slice(0, slash));
    } else {
      const { length } = address;
      bytes = length === IPV4_SIZE || length === IPV6_SIZE ? address : null;
    }
    if (bytes === null) {
      throw new DataError(
        `Cannot make ${name}: it is no IPv4 or IPv6 address, such as "10.1.2.3" or "2001:db8::1"`,
      );
    }
    const most = 8 * bytes.length;
    bits ??= most;
    if (!Number.isInteger(bits) || bits < 0 || bits > most) {
      throw new DataError(
        `Cannot make ${name}: the prefix is no number from 0 to ${most}`,
      );
    }
    this.address = formatAddress(bytes);
    // Adding 0 turns -0, which is equal but not the same, into 0.
    this.prefix = bits + 0;
    this.family = bytes.length === IPV4_SIZE ? 4 : 6;
    this.check(bytes);
    Object.freeze(this);
  }

  /**
   * What a class has to say against an address.
   *
   * @internal
   */
  protected check(_bytes: Uint8Array): void {}

  /** Whether it is the address of a host alone: whether the prefix is the whole address. */
  get isHost(): boolean {
    return this.prefix === (this.family === 4 ? 32 : 128);
  }

  /**
   * The bytes of the address.
   *
   * @returns 4 or 16 bytes of their own.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    return parseAddress(this.address)!.slice();
  }

  /**
   * Whether another one is in this network, or is this network: `>>=` in SQL.
   *
   * @param other An address or network.
   * @returns Whether it is; no IPv4 address is in an IPv6 network.
   */
  contains(other: IpValue): boolean {
    return this.family === other.family && this.prefix <= other.prefix &&
      compareBits(this.bytes(), other.bytes(), this.prefix) === 0;
  }

  /**
   * Compares as the server does: IPv4 first, then by the network, the larger one
   * first, then by the address.
   *
   * @param other An address or network.
   * @returns Below zero if this one comes first, 0 if they are equal, else above.
   */
  compare(other: IpValue): number {
    if (this.family !== other.family) return this.family - other.family;
    const bytes = this.bytes();
    const others = other.bytes();
    const common = Math.min(this.prefix, other.prefix);
    return compareBits(bytes, others, common) || this.prefix - other.prefix ||
      compareBits(bytes, others, 8 * bytes.length);
  }

  /**
   * Whether a value is of the same class, with the same address and prefix.
   *
   * @param other Any value.
   * @returns Whether it is.
   */
  equals(other: unknown): boolean {
    return other instanceof IpValue && other.constructor === this.constructor &&
      other.address === this.address && other.prefix === this.prefix;
  }

  /** The text, as the server writes it. */
  abstract toString(): string;

  /**
   * The text, for `JSON.stringify`.
   *
   * @returns The text, as the server writes it.
   */
  toJSON(): string {
    return this.toString();
  }
}

/**
 * A value of the type inet: the address of a host, with or without the network
 * that it is in.
 *
 * @example Send and receive addresses
 * ```ts
 * import { connect, Inet } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select %s + 1 as next", [new Inet("10.1.2.3/24")]).fetchOne();
 * assertEquals(row?.next, new Inet("10.1.2.4/24"));
 * ```
 *
 * @example What it is made of
 * ```ts
 * import { Inet } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * const inet = new Inet("10.1.2.3/24");
 * assertEquals([inet.address, inet.prefix, inet.family], ["10.1.2.3", 24, 4]);
 * assertEquals(String(inet.network), "10.1.2.0/24");
 * assertEquals(String(new Inet("2001:0DB8::0001")), "2001:db8::1");
 * ```
 */
export class Inet extends IpValue {
  /**
   * Makes an address.
   *
   * @param address The text of an address, with or without `/` and a prefix, or
   * its 4 or 16 bytes.
   * @param prefix How many bits are those of the network, where the text does
   * not say so. By default all.
   * @throws {DataError} If it is no address, or the prefix is longer than it.
   */
  constructor(address: string | Uint8Array, prefix?: number) {
    super("an Inet", address, prefix);
  }

  /** The network that the host is in. */
  get network(): Cidr {
    return new Cidr(masked(this.bytes(), this.prefix), this.prefix);
  }

  /**
   * The text.
   *
   * @returns The address, and the prefix where that is not the whole address.
   */
  override toString(): string {
    return this.isHost ? this.address : `${this.address}/${this.prefix}`;
  }
}

/**
 * A value of the type cidr: a network.
 *
 * @example What is in a network
 * ```ts
 * import { Cidr, Inet } from "@x/pgts";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const network = new Cidr("10.1.0.0/16");
 * assertEquals(network.contains(new Inet("10.1.2.3")), true);
 * assertThrows(() => new Cidr("10.1.2.3/16"));
 * ```
 */
export class Cidr extends IpValue {
  /**
   * Makes a network.
   *
   * @param address The text of an address, with or without `/` and a prefix, or
   * its 4 or 16 bytes.
   * @param prefix How many bits are those of the network, where the text does
   * not say so. By default all.
   * @throws {DataError} If it is no address, the prefix is longer than it, or
   * there are bits to the right of the prefix.
   */
  constructor(address: string | Uint8Array, prefix?: number) {
    super("a Cidr", address, prefix);
  }

  /**
   * Refuses the address of a host in a network.
   *
   * @internal
   */
  protected override check(bytes: Uint8Array): void {
    if (!isMasked(bytes, this.prefix)) {
      throw new DataError(
        "Cannot make a Cidr: the address has bits to the right of the prefix, use an Inet for a host in a network",
      );
    }
  }

  /**
   * The text.
   *
   * @returns The address and the prefix.
   */
  override toString(): string {
    return `${this.address}/${this.prefix}`;
  }
}
