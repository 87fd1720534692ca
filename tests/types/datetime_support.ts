/**
 * What the tests of the date and time types share: a registrar that keeps what
 * is registered, and the way from values to bytes and back without a server.
 *
 * @module
 */

import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  type DumperClass,
  type DumperKey,
  type DumperLike,
  Format,
  type Loader,
  type LoaderClass,
  type LoaderLike,
  type Registrar,
} from "../../types/adapt.ts";

/** Parameters that a session reports. */
export type Parameters = Record<string, string>;

/** A session that reports these parameters, which a test may change at any time. */
export function adaptation(parameters: Parameters = {}): Adaptation {
  return {
    session: {
      encoding: "UTF8",
      parameterStatus: (name) => parameters[name] ?? null,
    },
    getLoader: () => {
      throw new Error("No loader of another type is needed here");
    },
    getDumper: () => {
      throw new Error("No dumper of another class is needed here");
    },
    arrayOidOf: () => 0,
  };
}

/** Keeps what a register function registers. */
export class Registered implements Registrar {
  readonly loaders: Map<string, LoaderClass> = new Map();
  readonly dumpers: Map<DumperKey, DumperClass[]> = new Map();

  constructor(...register: ((map: Registrar) => void)[]) {
    for (const each of register) each(this);
  }

  registerLoader(type: number | string, loader: LoaderLike): void {
    if (typeof loader !== "function" || !("format" in loader)) {
      throw new Error("Only classes are expected here");
    }
    this.loaders.set(`${type} ${loader.format}`, loader);
  }

  registerDumper(key: DumperKey, dumper: DumperLike<never>): void {
    if (typeof dumper !== "function" || !("format" in dumper)) {
      throw new Error("Only classes are expected here");
    }
    const known = this.dumpers.get(key) ?? [];
    this.dumpers.set(key, [...known, dumper as DumperClass]);
  }

  loaderClass(oid: number, format: Format): LoaderClass {
    const found = this.loaders.get(`${oid} ${format}`);
    if (found === undefined) throw new Error(`No loader for ${oid}`);
    return found;
  }

  loader(oid: number, format: Format, parameters?: Parameters): Loader {
    return new (this.loaderClass(oid, format))(oid, adaptation(parameters));
  }

  /** Loads a value from text. */
  text(oid: number, text: string, parameters?: Parameters): unknown {
    return loadFrom(
      this.loader(oid, Format.TEXT, parameters),
      new TextEncoder().encode(text),
    );
  }

  /** Loads a value from the bytes that hexadecimal digits give. */
  binary(oid: number, hex: string, parameters?: Parameters): unknown {
    return loadFrom(
      this.loader(oid, Format.BINARY, parameters),
      Uint8Array.fromHex(hex.replaceAll(" ", "")),
    );
  }

  /** The dumper of a value: text first, binary last. */
  dumper(value: object, format: Format): Dumper {
    const classes = this.dumpers.get(value.constructor as DumperKey);
    const found = classes?.findLast((each) => each.format === format);
    if (found === undefined) throw new Error("No dumper is registered");
    return new found(adaptation());
  }

  /** The text that a value is sent as. */
  dumpText(value: object): string {
    return new TextDecoder().decode(
      dumpBytes(this.dumper(value, Format.TEXT), value),
    );
  }

  /** The bytes that a value is sent as, as hexadecimal digits. */
  dumpBinary(value: object): string {
    return dumpBytes(this.dumper(value, Format.BINARY), value).toHex();
  }

  /** Sends a value in binary and loads it again. */
  roundTripBinary(value: object): unknown {
    const dumper = this.dumper(value, Format.BINARY);
    return this.binary(dumper.oid, dumpBytes(dumper, value).toHex());
  }

  /** Sends a value as text and loads it again. */
  roundTripText(value: object): unknown {
    const dumper = this.dumper(value, Format.TEXT);
    return this.text(dumper.oid, this.dumpText(value));
  }
}

/** Loads a value that stands amid other bytes, which the loader must not touch. */
export function loadFrom(loader: Loader, bytes: Uint8Array): unknown {
  const framed = new Uint8Array(bytes.length + 12).fill(0x39);
  framed.set(bytes, 5);
  const before = framed.slice();
  const loaded = loader.load(new ReadBuffer(framed), 5, 5 + bytes.length);
  if (framed.some((byte, i) => byte !== before[i])) {
    throw new Error("The loader wrote into the buffer");
  }
  return loaded;
}

function dumpBytes(dumper: Dumper, value: unknown): Uint8Array {
  const out = new WriteBuffer(4);
  out.uint8(0x58);
  if (dumper.dump(value, out) === null) throw new Error("It became NULL");
  return out.written().slice(1);
}

/** An int8 as hexadecimal digits. */
export function int64(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, "0");
}

/** An int4 as hexadecimal digits. */
export function int32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

/** Runs a block in which the runtime has no Temporal. */
export async function withoutTemporal(
  block: () => void | Promise<void>,
): Promise<void> {
  const kept = Object.getOwnPropertyDescriptor(globalThis, "Temporal");
  Reflect.deleteProperty(globalThis, "Temporal");
  try {
    if ("Temporal" in globalThis) throw new Error("Temporal is still there");
    await block();
  } finally {
    if (kept !== undefined) Object.defineProperty(globalThis, "Temporal", kept);
  }
}
