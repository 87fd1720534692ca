/**
 * Typed arrays on their way out, as arrays of the smallest type that holds
 * whatever can be in them. Those of bytes are a bytea, see `bytea.ts`.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Adaptation, DumperClass, Registrar } from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { floatText } from "./float.ts";
import { OID } from "./oids.ts";

/** The typed arrays that are sent as arrays. */
export type NumericTypedArray =
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float16Array
  | Float32Array
  | Float64Array;

/** How the elements of one class are sent. */
interface Kind {
  readonly of: new () => NumericTypedArray;
  /** The type of the elements. */
  readonly oid: number;
  /** The name of the type of the array. */
  readonly cast: string;
  /** How many bytes an element has. */
  readonly size: number;
  /** Appends elements and their lengths; there is room for them. */
  readonly write: (array: never, view: DataView, at: number) => void;
}

const LENGTH_SIZE = 4;

// One function for each size, so that each loop knows its numbers.

function writeInt2(
  array: Int8Array | Int16Array,
  view: DataView,
  at: number,
): void {
  for (let index = 0; index < array.length; index++, at += 6) {
    view.setInt32(at, 2);
    view.setInt16(at + 4, array[index]!);
  }
}

function writeInt4(
  array: Int32Array | Uint16Array,
  view: DataView,
  at: number,
): void {
  for (let index = 0; index < array.length; index++, at += 8) {
    view.setInt32(at, 4);
    view.setInt32(at + 4, array[index]!);
  }
}

function writeUnsigned(array: Uint32Array, view: DataView, at: number): void {
  for (let index = 0; index < array.length; index++, at += 12) {
    view.setInt32(at, 8);
    view.setInt32(at + 4, 0);
    view.setUint32(at + 8, array[index]!);
  }
}

function writeInt8(array: BigInt64Array, view: DataView, at: number): void {
  for (let index = 0; index < array.length; index++, at += 12) {
    view.setInt32(at, 8);
    view.setBigInt64(at + 4, array[index]!);
  }
}

function writeFloat4(
  array: Float16Array | Float32Array,
  view: DataView,
  at: number,
): void {
  for (let index = 0; index < array.length; index++, at += 8) {
    view.setInt32(at, 4);
    view.setFloat32(at + 4, array[index]!);
  }
}

function writeFloat8(array: Float64Array, view: DataView, at: number): void {
  for (let index = 0; index < array.length; index++, at += 12) {
    view.setInt32(at, 8);
    view.setFloat64(at + 4, array[index]!);
  }
}

const INT2 = {
  oid: OID.INT2,
  cast: "int2[]",
  size: 2,
  write: writeInt2,
};
const INT4 = {
  oid: OID.INT4,
  cast: "int4[]",
  size: 4,
  write: writeInt4,
};
const INT8 = {
  oid: OID.INT8,
  cast: "int8[]",
  size: 8,
};
const FLOAT4 = {
  oid: OID.FLOAT4,
  cast: "float4[]",
  size: 4,
  write: writeFloat4,
};
const FLOAT8 = {
  oid: OID.FLOAT8,
  cast: "float8[]",
  size: 8,
  write: writeFloat8,
};

const KINDS: readonly Kind[] = [
  { of: Int8Array, ...INT2 },
  { of: Int16Array, ...INT2 },
  { of: Uint16Array, ...INT4 },
  { of: Int32Array, ...INT4 },
  { of: Uint32Array, ...INT8, write: writeUnsigned },
  { of: BigInt64Array, ...INT8, write: writeInt8 },
  { of: Float32Array, ...FLOAT4 },
  { of: Float64Array, ...FLOAT8 },
  // Not every runtime has it.
  ...(typeof Float16Array === "function"
    ? [{ of: Float16Array, ...FLOAT4 }]
    : []),
];

function kindOf(value: ArrayBufferView): Kind | undefined {
  return KINDS.find(({ of }) => value instanceof of);
}

/**
 * The type that the elements of a typed array are sent as.
 *
 * @param value Any value.
 * @returns The OID of the type; 0 if the value is no such array.
 */
export function elementOidOf(value: unknown): number {
  return ArrayBuffer.isView(value) ? kindOf(value)?.oid ?? 0 : 0;
}

/** Memory that went to a worker reads as empty, which is not what was meant. */
function checkMemory({ length, buffer }: NumericTypedArray): void {
  if (length === 0 && "detached" in buffer && buffer.detached) {
    throw new DataError(
      "Cannot send a typed array: its memory is gone, it was transferred",
    );
  }
}

/**
 * Appends a typed array in binary format.
 *
 * @param array The typed array.
 * @param out Where to append it.
 * @throws {DataError} If the memory of the array was transferred away.
 */
export function writeTypedArray(
  array: NumericTypedArray,
  out: WriteBuffer,
): void {
  const kind = kindOf(array)!;
  checkMemory(array);
  const { length } = array;
  out.int32(length === 0 ? 0 : 1);
  out.int32(0);
  out.int32(kind.oid);
  if (length === 0) return;
  out.int32(length);
  out.int32(1);
  const size = length * (LENGTH_SIZE + kind.size);
  out.reserve(size);
  kind.write(array as never, out.view, out.length);
  out.length += size;
}

/**
 * The elements of a typed array.
 *
 * @param value The typed array.
 * @returns A plain array with the same elements.
 * @throws {DataError} If the memory of the array was transferred away.
 */
export function elementsOf(value: NumericTypedArray): (number | bigint)[] {
  checkMemory(value);
  return Array.from<number | bigint>(value);
}

function textOf(value: NumericTypedArray): string {
  const texts = elementsOf(value).map((element) =>
    typeof element === "number" ? floatText(element) : String(element)
  );
  return `{${texts.join(",")}}`;
}

/** What the dumpers of typed arrays in text format share. */
export abstract class TypedArrayDumper extends TextDumper<NumericTypedArray> {
  /** The OID of the array type. */
  override readonly oid: number;
  /** The cast after a literal. */
  override readonly cast: string;
  /** The OID of the type of the elements. */
  readonly elementOid: number;

  /**
   * Called by subclasses.
   *
   * @param kind How the elements are sent.
   * @param adaptation What knows the array type.
   */
  constructor(kind: Kind, adaptation: Adaptation) {
    super();
    this.oid = adaptation.arrayOidOf(kind.oid);
    this.cast = kind.cast;
    this.elementOid = kind.oid;
  }

  /** The array as the server writes arrays. */
  override text(value: NumericTypedArray): string {
    return textOf(value);
  }
}

/** What the dumpers of typed arrays in binary format share. */
export abstract class TypedArrayBinaryDumper
  extends BinaryDumper<NumericTypedArray> {
  /** The OID of the array type. */
  override readonly oid: number;
  /** The cast after a literal. */
  override readonly cast: string;
  /** The OID of the type of the elements. */
  readonly elementOid: number;

  /**
   * Called by subclasses.
   *
   * @param kind How the elements are sent.
   * @param adaptation What knows the array type.
   */
  constructor(kind: Kind, adaptation: Adaptation) {
    super();
    this.oid = adaptation.arrayOidOf(kind.oid);
    this.cast = kind.cast;
    this.elementOid = kind.oid;
  }

  /** Appends the elements in one pass. */
  override dump(value: NumericTypedArray, out: WriteBuffer): void {
    writeTypedArray(value, out);
  }

  /** The array as the server writes arrays. */
  override text(value: NumericTypedArray): string {
    return textOf(value);
  }
}

function textDumper(kind: Kind): DumperClass<NumericTypedArray> {
  return class extends TypedArrayDumper {
    constructor(adaptation: Adaptation) {
      super(kind, adaptation);
    }
  };
}

function binaryDumper(kind: Kind): DumperClass<NumericTypedArray> {
  return class extends TypedArrayBinaryDumper {
    constructor(adaptation: Adaptation) {
      super(kind, adaptation);
    }
  };
}

/**
 * Registers the dumpers of typed arrays.
 *
 * @param map Where to register them.
 */
export function registerTypedArrays(map: Registrar): void {
  for (const kind of KINDS) {
    map.registerDumper(kind.of, textDumper(kind));
    // Last, so that `%s` takes it.
    map.registerDumper(kind.of, binaryDumper(kind));
  }
}
