/**
 * The types inet and cidr as {@linkcode Inet} and {@linkcode Cidr}.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { latin1Slice } from "../protocol/text.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { IPV4_SIZE, IPV6_SIZE } from "./inet_address.ts";
import { Cidr, Inet, type IpValue } from "./inet_value.ts";
import { OID } from "./oids.ts";

// What the server sends before the bytes of the address: the family, the prefix,
// whether it is a cidr, and the number of bytes.
const HEADER_SIZE = 4;
const IPV4_FAMILY = 2;
const IPV6_FAMILY = 3;

/** What the dumpers of inet and cidr take: strings are read as the classes read them. */
export type IpLike = IpValue | string;

function readBinary<T>(
  name: string,
  make: new (bytes: Uint8Array, prefix: number) => T,
  source: ReadBuffer,
  start: number,
  end: number,
): T {
  const { bytes } = source;
  const at = start + HEADER_SIZE;
  const size = bytes[start] === IPV4_FAMILY
    ? IPV4_SIZE
    : bytes[start] === IPV6_FAMILY
    ? IPV6_SIZE
    : -1;
  // A value without a header is shorter than any size plus the header.
  if (size < 0 || end - at !== size || bytes[start + 3] !== size) {
    throw new DataError(
      `Cannot read ${name}: its ${
        end - start
      } bytes are no IPv4 or IPv6 address`,
    );
  }
  return new make(bytes.subarray(at, end), bytes[start + 1]!);
}

function writeBinary(value: IpValue, isCidr: boolean, out: WriteBuffer): void {
  const bytes = value.bytes();
  out.uint8(value.family === 4 ? IPV4_FAMILY : IPV6_FAMILY);
  out.uint8(value.prefix);
  out.uint8(isCidr ? 1 : 0);
  out.uint8(bytes.length);
  out.raw(bytes);
}

function toInet(value: IpLike): Inet {
  if (value instanceof Inet) return value;
  return new Inet(String(value));
}

function toCidr(value: IpLike): Cidr {
  if (value instanceof Cidr) return value;
  return new Cidr(String(value));
}

/** Reads an inet in text format. */
export class InetLoader implements Loader<Inet> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /**
   * The address between the bounds.
   *
   * @throws {DataError} If it is malformed.
   */
  load(source: ReadBuffer, start: number, end: number): Inet {
    return new Inet(latin1Slice(source.bytes, start, end));
  }
}

/** Reads an inet in binary format. */
export class InetBinaryLoader implements Loader<Inet> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = InetLoader;

  /**
   * The address between the bounds.
   *
   * @throws {DataError} If it is malformed.
   */
  load(source: ReadBuffer, start: number, end: number): Inet {
    return readBinary("an inet", Inet, source, start, end);
  }
}

/** Reads a cidr in text format. */
export class CidrLoader implements Loader<Cidr> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /**
   * The network between the bounds.
   *
   * @throws {DataError} If it is malformed.
   */
  load(source: ReadBuffer, start: number, end: number): Cidr {
    return new Cidr(latin1Slice(source.bytes, start, end));
  }
}

/** Reads a cidr in binary format. */
export class CidrBinaryLoader implements Loader<Cidr> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** Equal values. */
  static readonly twin: LoaderClass = CidrLoader;

  /**
   * The network between the bounds.
   *
   * @throws {DataError} If it is malformed.
   */
  load(source: ReadBuffer, start: number, end: number): Cidr {
    return readBinary("a cidr", Cidr, source, start, end);
  }
}

/** Sends an {@linkcode Inet}, or what can be made one, as text. */
export class InetDumper extends TextDumper<IpLike> {
  /** The OID of inet. */
  override readonly oid: number = OID.INET;
  /** The cast after a literal. */
  override readonly cast: string = "inet";

  /**
   * The address, with its prefix where that is not the whole address.
   *
   * @throws {DataError} If it is none.
   */
  override text(value: IpLike): string {
    return toInet(value).toString();
  }
}

/** Sends an {@linkcode Inet}, or what can be made one, as bytes: the default for `%s`. */
export class InetBinaryDumper extends BinaryDumper<IpLike> {
  /** The OID of inet. */
  override readonly oid: number = OID.INET;
  /** The cast after a literal. */
  override readonly cast: string = "inet";

  /**
   * Appends the address.
   *
   * @throws {DataError} If it is none.
   */
  override dump(value: IpLike, out: WriteBuffer): void {
    writeBinary(toInet(value), false, out);
  }

  /**
   * The address, with its prefix where that is not the whole address.
   *
   * @throws {DataError} If it is none.
   */
  override text(value: IpLike): string {
    return toInet(value).toString();
  }
}

/** Sends a {@linkcode Cidr}, or what can be made one, as text. */
export class CidrDumper extends TextDumper<IpLike> {
  /** The OID of cidr. */
  override readonly oid: number = OID.CIDR;
  /** The cast after a literal. */
  override readonly cast: string = "cidr";

  /**
   * The network.
   *
   * @throws {DataError} If it is none.
   */
  override text(value: IpLike): string {
    return toCidr(value).toString();
  }
}

/** Sends a {@linkcode Cidr}, or what can be made one, as bytes: the default for `%s`. */
export class CidrBinaryDumper extends BinaryDumper<IpLike> {
  /** The OID of cidr. */
  override readonly oid: number = OID.CIDR;
  /** The cast after a literal. */
  override readonly cast: string = "cidr";

  /**
   * Appends the network.
   *
   * @throws {DataError} If it is none.
   */
  override dump(value: IpLike, out: WriteBuffer): void {
    writeBinary(toCidr(value), true, out);
  }

  /**
   * The network.
   *
   * @throws {DataError} If it is none.
   */
  override text(value: IpLike): string {
    return toCidr(value).toString();
  }
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerInet(map: Registrar): void {
  map.registerLoader(OID.INET, InetLoader);
  map.registerLoader(OID.INET, InetBinaryLoader);
  map.registerLoader(OID.CIDR, CidrLoader);
  map.registerLoader(OID.CIDR, CidrBinaryLoader);
  map.registerDumper(Inet, InetDumper);
  map.registerDumper(Cidr, CidrDumper);
  // Last, so that `%s` takes them.
  map.registerDumper(Inet, InetBinaryDumper);
  map.registerDumper(Cidr, CidrBinaryDumper);
}
