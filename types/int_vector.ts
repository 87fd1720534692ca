/**
 * int2vector and oidvector, lists of numbers in the catalogue: as arrays of
 * numbers, and wrappers for parameters that must be of these types.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type DumperClass,
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { Int2BinaryLoader, IntLoader, OidBinaryLoader } from "./integer.ts";
import { OID } from "./oids.ts";
import {
  checkInteger,
  INT2_RANGE,
  type IntegerRange,
  OID_RANGE,
} from "./wrappers.ts";

/** What the two wrappers share. */
export abstract class IntVector implements Iterable<number> {
  /** The numbers. */
  readonly values: readonly number[];

  /**
   * Called by subclasses.
   *
   * @param values The numbers.
   * @param range What the type of each holds.
   * @throws {DataError} If it does not hold one of them.
   */
  constructor(values: Iterable<number>, range: IntegerRange) {
    this.values = check([...values], range);
  }

  /**
   * The numbers.
   *
   * @returns An iterator over them.
   */
  [Symbol.iterator](): IterableIterator<number> {
    return this.values[Symbol.iterator]();
  }

  /** As PostgreSQL writes it: `1 2 3`. */
  toString(): string {
    return this.values.join(" ");
  }
}

/**
 * Numbers to be sent as int2vector.
 *
 * @example The columns of an index
 * ```ts
 * import { connect } from "@x/pgts";
 * import { Int2Vector } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const key = new Int2Vector([1, 2]);
 * const row = await conn.execute("select %s as key", [key]).fetchOne();
 * assertEquals(row?.key, [1, 2]);
 * ```
 */
export class Int2Vector extends IntVector {
  /**
   * Makes a vector.
   *
   * @param values The numbers.
   * @throws {DataError} If one of them is no integer of two bytes.
   */
  constructor(values: Iterable<number>) {
    super(values, INT2_RANGE);
  }
}

/** OIDs to be sent as oidvector. */
export class OidVector extends IntVector {
  /**
   * Makes a vector.
   *
   * @param values The OIDs.
   * @throws {DataError} If one of them is no integer from 0 to 4294967295.
   */
  constructor(values: Iterable<number>) {
    super(values, OID_RANGE);
  }
}

/** What the dumpers take: loaded values are plain arrays. */
type VectorLike = IntVector | readonly number[];

function check(values: unknown, range: IntegerRange): readonly number[] {
  if (!Array.isArray(values)) throw notNumbers(range);
  for (const value of values) {
    if (typeof value !== "number") throw notNumbers(range);
    checkInteger(value, range);
  }
  return values;
}

function notNumbers(range: IntegerRange): DataError {
  return new DataError(
    `Cannot send a value as ${range.name}vector: it is not an array of numbers`,
  );
}

function valuesOf(value: VectorLike, range: IntegerRange): readonly number[] {
  return value instanceof IntVector ? value.values : check(value, range);
}

/** What one of the types is made of. */
interface Kind {
  readonly oid: number;
  readonly of: new (values: Iterable<number>) => IntVector;
  readonly elementOid: number;
  /** The integers of the elements. */
  readonly range: IntegerRange;
  /** How many bytes an element has. */
  readonly size: number;
  readonly element: Loader<number>;
}

const KINDS: readonly Kind[] = [
  {
    oid: OID.INT2VECTOR,
    of: Int2Vector,
    elementOid: OID.INT2,
    range: INT2_RANGE,
    size: 2,
    element: new Int2BinaryLoader(),
  },
  {
    oid: OID.OIDVECTOR,
    of: OidVector,
    elementOid: OID.OID,
    range: OID_RANGE,
    size: 4,
    element: new OidBinaryLoader(),
  },
];

const SPACE = 0x20;
const HEADER_SIZE = 12;
const DIMENSION_SIZE = 8;
const LENGTH_SIZE = 4;
const integers = new IntLoader();

function textLoader(): LoaderClass<number[]> {
  return class implements Loader<number[]> {
    static readonly format: Format = Format.TEXT;

    load(source: ReadBuffer, start: number, end: number): number[] {
      const values: number[] = [];
      if (start === end) return values;
      for (let at = start; at <= end; at++) {
        const from = at;
        while (at < end && source.bytes[at] !== SPACE) at++;
        values.push(integers.load(source, from, at));
      }
      return values;
    }
  };
}

function malformed(why: string): DataError {
  return new DataError(`Cannot read a vector of integers: ${why}`);
}

/** Reads the binary form, which is that of an array whose first index is 0. */
function readBinary(
  { size, elementOid, element }: Kind,
  source: ReadBuffer,
  start: number,
  end: number,
): number[] {
  const { view } = source;
  const values: number[] = [];
  if (end - start < HEADER_SIZE) throw malformed("it ends too early");
  if (view.getUint32(start + 8) !== elementOid) {
    throw malformed("its elements are of another type");
  }
  const dimensions = view.getInt32(start);
  const body = start + HEADER_SIZE + dimensions * DIMENSION_SIZE;
  if (dimensions !== 1 || body > end) {
    if (dimensions === 0 && body === end) return values;
    throw malformed("it does not have one dimension");
  }
  const count = view.getInt32(start + HEADER_SIZE);
  if (count * (LENGTH_SIZE + size) !== end - body) {
    throw malformed("its length is not what it says");
  }
  for (let at = body; at < end; at += LENGTH_SIZE + size) {
    if (view.getInt32(at) !== size) {
      throw malformed("an element has another length");
    }
    values.push(
      element.load(source, at + LENGTH_SIZE, at + LENGTH_SIZE + size),
    );
  }
  return values;
}

function binaryLoader(kind: Kind, twin: LoaderClass): LoaderClass<number[]> {
  return class implements Loader<number[]> {
    static readonly format: Format = Format.BINARY;
    static readonly twin: LoaderClass = twin;

    load(source: ReadBuffer, start: number, end: number): number[] {
      return readBinary(kind, source, start, end);
    }
  };
}

function textDumper(kind: Kind): DumperClass<VectorLike> {
  return class extends TextDumper<VectorLike> {
    override readonly oid: number = kind.oid;
    override readonly cast: string = `${kind.range.name}vector`;

    override text(value: VectorLike): string {
      return valuesOf(value, kind.range).join(" ");
    }
  };
}

function binaryDumper(kind: Kind): DumperClass<VectorLike> {
  return class extends BinaryDumper<VectorLike> {
    override readonly oid: number = kind.oid;
    override readonly cast: string = `${kind.range.name}vector`;

    override dump(value: VectorLike, out: WriteBuffer): void {
      const values = valuesOf(value, kind.range);
      if (values.length === 0) {
        throw new DataError(
          `Cannot send an empty ${this.cast} in binary: the server takes it as text only, use %s`,
        );
      }
      out.int32(1);
      out.int32(0);
      out.int32(kind.elementOid);
      out.int32(values.length);
      out.int32(0);
      for (const element of values) {
        out.int32(kind.size);
        if (kind.size === 2) out.int16(element);
        else out.int32(element);
      }
    }

    override text(value: VectorLike): string {
      return valuesOf(value, kind.range).join(" ");
    }
  };
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerIntVectors(map: Registrar): void {
  for (const kind of KINDS) {
    const loader = textLoader();
    map.registerLoader(kind.oid, loader);
    map.registerLoader(kind.oid, binaryLoader(kind, loader));
    map.registerDumper(kind.of, binaryDumper(kind));
    // Last, so that `%s` takes it: the server reads no empty one in binary.
    map.registerDumper(kind.of, textDumper(kind));
  }
}
