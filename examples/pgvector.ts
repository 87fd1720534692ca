// deno-lint-ignore-file no-console -- it shows what it does
/**
 * A type of one's own: `vector` of the extension pgvector, in text and in binary,
 * both ways. Copy `Vector` and `registerVector()`, or run the file against a
 * server that has the extension:
 *
 *     deno run --allow-net=localhost:5432 examples/pgvector.ts "host=localhost user=me dbname=test"
 */

import { connect, type Connection, DataError, sql, TypeInfo } from "@x/pgts";
import {
  BinaryDumper,
  Format,
  type Loader,
  type LoaderClass,
  type ReadBuffer,
  TextDumper,
  type WriteBuffer,
} from "@x/pgts/types";

/** A value of the type vector. */
export class Vector {
  /** The elements, in single precision as pgvector has them. */
  readonly values: Float32Array;

  /**
   * Makes a vector.
   *
   * @param values The elements.
   */
  constructor(values: Iterable<number>) {
    this.values = Float32Array.from(values);
  }

  /** As pgvector writes it: `[1,2,3]`. */
  toString(): string {
    return `[${this.values.join(",")}]`;
  }
}

/** Reads the text of a vector. */
class VectorLoader implements Loader<Vector> {
  static readonly format: Format = Format.TEXT;

  load(source: ReadBuffer, start: number, end: number): Vector {
    const text = source.text(start, end);
    // Elements as pgvector writes them: finite, and one at least.
    if (!/^\[[-+.\de]+(,[-+.\de]+)*\]$/.test(text)) throw malformed();
    const numbers = text.slice(1, -1).split(",").map(Number);
    if (numbers.some(Number.isNaN)) throw malformed();
    return new Vector(numbers);
  }
}

/** Reads the bytes of a vector: how many elements, two bytes of zero, the elements. */
class VectorBinaryLoader implements Loader<Vector> {
  static readonly format: Format = Format.BINARY;
  // Equal values, so that pgts may ask for whichever format is cheaper.
  static readonly twin: LoaderClass = VectorLoader;

  load({ view }: ReadBuffer, start: number, end: number): Vector {
    if (end - start < 4) throw malformed();
    const count = view.getUint16(start);
    if (end - start !== 4 + 4 * count) throw malformed();
    const values = new Float32Array(count);
    for (let index = 0; index < count; index++) {
      values[index] = view.getFloat32(start + 4 + 4 * index);
    }
    return new Vector(values);
  }
}

function malformed(): DataError {
  return new DataError("Cannot read a vector: it is malformed");
}

/**
 * Has vectors be read and sent on a connection: alone, in arrays, and by COPY.
 *
 * @param conn The connection.
 * @param name The name of the type, with its schema where that is not searched.
 * @throws {Error} If the database does not have the type.
 */
export async function registerVector<Row>(
  conn: Connection<Row>,
  name: string = "vector",
): Promise<void> {
  // The type has another OID in each database, so the catalogue is asked.
  const info = await TypeInfo.fetch(conn, name);
  if (info === null) {
    throw new Error(
      `Cannot register "${name}": the database has no such type, run "create extension vector" first`,
    );
  }
  const { oid, regtype } = info;

  class VectorDumper extends TextDumper<Vector> {
    override readonly oid: number = oid;
    override readonly cast: string = regtype;

    override text(value: Vector): string {
      return String(value);
    }
  }

  class VectorBinaryDumper extends BinaryDumper<Vector> {
    override readonly oid: number = oid;
    override readonly cast: string = regtype;

    override dump({ values }: Vector, out: WriteBuffer): void {
      out.int16(values.length);
      out.int16(0);
      for (let index = 0; index < values.length; index++) {
        out.float32(values[index]!);
      }
    }

    override text(value: Vector): string {
      return String(value);
    }
  }

  info.register(conn); // arrays of it follow
  conn.adapters.registerLoader(oid, VectorLoader);
  conn.adapters.registerLoader(oid, VectorBinaryLoader);
  conn.adapters.registerDumper(Vector, VectorDumper);
  conn.adapters.registerDumper(Vector, VectorBinaryDumper); // last: `%s` takes it
}

if (import.meta.main) {
  await using conn = await connect(Deno.args[0] ?? "", { autocommit: true });
  await conn.execute("create extension if not exists vector");
  await registerVector(conn);
  await conn.execute("create temp table item (name text, place vector(3))");
  for (const [name, ...place] of [["near", 1, 2, 3], ["far", 7, 8, 9]]) {
    const values = new Vector(place as number[]);
    await conn.execute(sql`insert into item values (${name}, ${values})`);
  }
  const here = new Vector([1, 2, 2]);
  for await (
    const { name, place, distance } of conn.execute(
      sql`select name, place, place <-> ${here} as distance from item order by distance`,
    )
  ) {
    console.log(`${name} at ${place}, ${distance} away`);
  }
}
