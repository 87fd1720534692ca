/**
 * What the Python DB-API asks of a module: its constants, and its type objects,
 * which are coarse kinds of types to compare the type of a column with.
 *
 * @module
 */

import { OID } from "./oids.ts";

/** The version of the Python DB-API whose terms this is in, as psycopg says it. */
export const apiLevel = "2.0";

/** What tasks may share, in the terms of the Python DB-API: 2 is connections too. */
export const threadSafety = 2;

/**
 * The placeholders of the default cursor, in the terms of the Python DB-API:
 * `%s` and `%(name)s`.
 */
export const paramStyle = "pyformat";

/**
 * A kind of types.
 *
 * @example Which columns are numbers?
 * ```ts
 * import { connect, NUMBER } from "@x/pgts";
 *
 * await using conn = await connect();
 * const cursor = await conn.execute("select 1 as n, 'x' as t");
 * const names = cursor.description?.filter((column) => NUMBER.has(column.typeCode));
 * console.log(names?.map((column) => column.name)); // [ "n" ]
 * ```
 */
export class DbApiType {
  /** What the kind is called, such as `NUMBER`. */
  readonly name: string;
  readonly #oids: ReadonlySet<number>;

  /** @internal */
  constructor(name: string, oids: readonly number[]) {
    this.name = name;
    this.#oids = new Set(oids);
  }

  /**
   * Whether a type is of this kind.
   *
   * @param oid The OID of the type, such as `column.typeCode`.
   * @returns Whether it is.
   */
  has(oid: number): boolean {
    return this.#oids.has(oid);
  }

  /** The OIDs of the types that are of this kind. */
  [Symbol.iterator](): IterableIterator<number> {
    return this.#oids.values();
  }

  /** The name. */
  toString(): string {
    return this.name;
  }
}

/** Types of text: text, varchar, char(n), "char" and name. */
export const STRING: DbApiType = new DbApiType("STRING", [
  OID.TEXT,
  OID.VARCHAR,
  OID.BPCHAR,
  OID.CHAR,
  OID.NAME,
]);

/** The type of bytes: bytea. */
export const BINARY: DbApiType = new DbApiType("BINARY", [OID.BYTEA]);

/** Types of numbers: smallint, integer, bigint, real, double precision and numeric. */
export const NUMBER: DbApiType = new DbApiType("NUMBER", [
  OID.INT2,
  OID.INT4,
  OID.INT8,
  OID.FLOAT4,
  OID.FLOAT8,
  OID.NUMERIC,
]);

/** Types of date and time: date, time and timestamp with and without zone, interval. */
export const DATETIME: DbApiType = new DbApiType("DATETIME", [
  OID.DATE,
  OID.TIME,
  OID.TIMETZ,
  OID.TIMESTAMP,
  OID.TIMESTAMPTZ,
  OID.INTERVAL,
]);

/** The type of what numbers the objects of the database: oid. */
export const ROWID: DbApiType = new DbApiType("ROWID", [OID.OID]);
