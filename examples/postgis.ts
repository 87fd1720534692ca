// deno-lint-ignore-file no-console -- it shows what it does
/**
 * PostGIS: its types `geometry` and `geography` as objects in the manner of
 * GeoJSON, read and sent in PostGIS's binary form, EWKB. Copy `Geometry` and
 * `registerGeometry()`, or run the file against a server that has the extension:
 *
 *     deno run --allow-net=localhost:5432 examples/postgis.ts "host=localhost user=me dbname=test"
 */

import { connect, type Connection, DataError, sql, TypeInfo } from "@x/pgts";
import {
  BinaryDumper,
  Format,
  type Loader,
  type LoaderClass,
  ReadBuffer,
  TextDumper,
  WriteBuffer,
} from "@x/pgts/types";

/** Two coordinates, or three with the height. */
export type Position = readonly number[];

/** Positions, in lists as deep as the shape needs. */
export type Coordinates = Position | readonly Coordinates[];

/** What shapes there are, each at its number in EWKB. */
const TYPES = [
  "",
  "Point",
  "LineString",
  "Polygon",
  "MultiPoint",
  "MultiLineString",
  "MultiPolygon",
] as const;

/** The name of a shape. */
export type GeometryType = Exclude<typeof TYPES[number], "">;

/** How deep the positions of a shape are in lists. */
const DEPTHS: Readonly<Record<string, number>> = {
  Point: 0,
  LineString: 1,
  Polygon: 2,
};

/** A value of the type geometry, with the properties that GeoJSON has. */
export class Geometry {
  /** The name of the shape. */
  readonly type: GeometryType;
  /** Its positions, as in GeoJSON. */
  readonly coordinates: Coordinates;
  /** The number of the reference system, for example 4326; 0 for none. */
  readonly srid: number;

  /**
   * Makes a geometry.
   *
   * @param type The name of the shape.
   * @param coordinates Its positions.
   * @param srid The number of the reference system.
   */
  constructor(type: GeometryType, coordinates: Coordinates, srid: number = 0) {
    this.type = type;
    this.coordinates = coordinates;
    this.srid = srid;
  }

  /** EWKB in hexadecimal digits, as PostGIS writes it. */
  toString(): string {
    const out = new WriteBuffer(256);
    writeGeometry(this, out);
    return out.written().toHex().toUpperCase();
  }
}

const HAS_Z = 0x8000_0000;
const HAS_SRID = 0x2000_0000;

function malformed(why: string): DataError {
  return new DataError(
    `Cannot read a geometry: ${why}, select it by st_asgeojson() instead`,
  );
}

/** Reads EWKB, number by number. */
class EwkbReader {
  readonly #view: DataView;
  readonly #end: number;
  #at: number;
  #little = true;

  constructor({ view }: ReadBuffer, start: number, end: number) {
    this.#view = view;
    this.#at = start;
    this.#end = end;
  }

  read(): Geometry {
    const geometry = this.#geometry(TYPES.length);
    if (this.#at !== this.#end) throw malformed("something follows its end");
    return geometry;
  }

  /** A shape whose number is below `limit`: the parts of others are simple ones. */
  #geometry(limit: number): Geometry {
    const order = this.#view.getUint8(this.#step(1));
    if (order > 1) throw malformed("its byte order is neither of the two");
    this.#little = order === 1;
    const head = this.#uint32();
    const code = (head & ~(HAS_Z | HAS_SRID)) >>> 0;
    const type = code < limit ? TYPES[code] : undefined;
    if (!type) throw malformed("it is of a kind that is not read here");
    const srid = (head & HAS_SRID) === 0 ? 0 : this.#uint32();
    const size = (head & HAS_Z) === 0 ? 2 : 3;
    const depth = DEPTHS[type];
    const coordinates = depth === undefined
      ? this.#list(5, () => {
        const part = this.#geometry(code - 2);
        if (!type.endsWith(part.type)) throw malformed("a part is another one");
        return part.coordinates;
      })
      : this.#positions(depth, size);
    return new Geometry(type, coordinates, srid);
  }

  #positions(depth: number, size: number): Coordinates {
    if (depth > 0) {
      const least = depth === 1 ? 8 * size : 4;
      return this.#list(least, () => this.#positions(depth - 1, size));
    }
    const at = this.#step(8 * size);
    const numbers = Array.from(
      { length: size },
      (_, index) => this.#view.getFloat64(at + 8 * index, this.#little),
    );
    // An empty point is written so.
    return numbers.every(Number.isNaN) ? [] : numbers;
  }

  /** A list whose elements have so many bytes at least, which must be there. */
  #list<T>(least: number, read: () => T): T[] {
    const count = this.#uint32();
    if (count * least > this.#end - this.#at) throw malformed("it is cut off");
    return Array.from({ length: count }, read);
  }

  #uint32(): number {
    return this.#view.getUint32(this.#step(4), this.#little);
  }

  #step(size: number): number {
    const at = this.#at;
    if (at + size > this.#end) throw malformed("it is cut off");
    this.#at = at + size;
    return at;
  }
}

function writeGeometry(
  { type, coordinates, srid }: Geometry,
  out: WriteBuffer,
): void {
  let first: unknown = coordinates;
  while (Array.isArray(first) && Array.isArray(first[0])) first = first[0];
  const size = (first as Position).length || 2;
  const flags = (size === 3 ? HAS_Z : 0) + (srid === 0 ? 0 : HAS_SRID);
  out.uint8(0); // the byte order that pgts writes
  out.int32(flags + TYPES.indexOf(type));
  if (srid !== 0) out.int32(srid);
  const depth = DEPTHS[type];
  if (depth !== undefined) return writePositions(coordinates, depth, size, out);
  const part = type.slice("Multi".length) as GeometryType;
  out.int32(coordinates.length);
  for (const item of coordinates as readonly Coordinates[]) {
    out.uint8(0);
    out.int32((size === 3 ? HAS_Z : 0) + TYPES.indexOf(part));
    writePositions(item, DEPTHS[part]!, size, out);
  }
}

function writePositions(
  item: Coordinates | number,
  depth: number,
  size: number,
  out: WriteBuffer,
): void {
  if (!Array.isArray(item)) throw misshapen();
  if (depth > 0) {
    out.int32(item.length);
    for (const inner of item) writePositions(inner, depth - 1, size, out);
    return;
  }
  const numbers = item.length === 0 ? Array(size).fill(NaN) : item;
  if (numbers.length !== size || size < 2 || size > 3) throw misshapen();
  for (const number of numbers) {
    if (typeof number !== "number") throw misshapen();
    out.float64(number);
  }
}

function misshapen(): DataError {
  return new DataError(
    "Cannot send a geometry: its coordinates are not lists as deep as its type needs, of positions of two numbers each or of three each",
  );
}

/** Reads the text of a geometry: EWKB in hexadecimal digits. */
class GeometryLoader implements Loader<Geometry> {
  static readonly format: Format = Format.TEXT;

  load(source: ReadBuffer, start: number, end: number): Geometry {
    const text = source.text(start, end);
    if (!/^(?:[0-9A-F]{2})+$/i.test(text)) {
      throw malformed("it is not in digits");
    }
    const bytes = Uint8Array.fromHex(text);
    return new EwkbReader(new ReadBuffer(bytes), 0, bytes.length).read();
  }
}

/** Reads the bytes of a geometry: EWKB. */
class GeometryBinaryLoader implements Loader<Geometry> {
  static readonly format: Format = Format.BINARY;
  // Equal values, so that pgts may ask for whichever format is cheaper.
  static readonly twin: LoaderClass = GeometryLoader;

  load(source: ReadBuffer, start: number, end: number): Geometry {
    return new EwkbReader(source, start, end).read();
  }
}

/**
 * Has geometries be read and sent on a connection: alone, in arrays, and by
 * COPY. Without this they come as text, and cannot be sent.
 *
 * @param conn The connection.
 * @param name The name of the type; `geography` works the same way.
 * @throws {Error} If the database does not have the type.
 */
export async function registerGeometry<Row>(
  conn: Connection<Row>,
  name: string = "geometry",
): Promise<void> {
  // The type has another OID in each database, so the catalogue is asked.
  const info = await TypeInfo.fetch(conn, name);
  if (info === null) {
    throw new Error(
      `Cannot register "${name}": the database has no such type, run "create extension postgis" first`,
    );
  }
  const { oid, regtype } = info;

  class GeometryDumper extends TextDumper<Geometry> {
    override readonly oid: number = oid;
    override readonly cast: string = regtype;

    override text(value: Geometry): string {
      return String(value);
    }
  }

  class GeometryBinaryDumper extends BinaryDumper<Geometry> {
    override readonly oid: number = oid;
    override readonly cast: string = regtype;

    override dump(value: Geometry, out: WriteBuffer): void {
      writeGeometry(value, out);
    }

    override text(value: Geometry): string {
      return String(value);
    }
  }

  info.register(conn); // arrays of it follow
  conn.adapters.registerLoader(oid, GeometryLoader);
  conn.adapters.registerLoader(oid, GeometryBinaryLoader);
  conn.adapters.registerDumper(Geometry, GeometryDumper);
  conn.adapters.registerDumper(Geometry, GeometryBinaryDumper); // `%s` takes it
}

if (import.meta.main) {
  await using conn = await connect(Deno.args[0] ?? "", { autocommit: true });
  await conn.execute("create extension if not exists postgis");
  await registerGeometry(conn);
  const square = [[[0, 0], [4, 0], [4, 3], [0, 3], [0, 0]]];
  const area = new Geometry("Polygon", square, 3857);
  console.log(
    await conn.execute(
      sql`select st_area(${area}) as area, st_centroid(${area}) as centre`,
    ).fetchOne(),
  );
}
