/**
 * Values that do not tell their type as exactly as the place that they go to
 * does: which of them the dumper of that type takes all the same.
 *
 * @module
 */

import { OID } from "./oids.ts";

/** The types that numbers are sent as. */
const NUMBERS: ReadonlySet<number> = new Set([
  OID.INT2,
  OID.INT4,
  OID.INT8,
  OID.NUMERIC,
  OID.FLOAT4,
  OID.FLOAT8,
  OID.OID,
]);

/** Types that are loaded as strings, and whose dumpers take those. */
const LOADED_AS_STRINGS: ReadonlySet<number> = new Set([
  OID.BIT,
  OID.BPCHAR,
  OID.CHAR,
  OID.MACADDR,
  OID.MACADDR8,
  OID.NAME,
  OID.NUMERIC,
  OID.PG_LSN,
  OID.REFCURSOR,
  OID.TEXT,
  OID.TID,
  OID.UUID,
  OID.VARBIT,
  OID.VARCHAR,
  OID.XML,
]);

/**
 * Whether a type is one that numbers are sent as.
 *
 * @param oid The OID of the type.
 * @returns Whether it is.
 */
export function isNumberType(oid: number): boolean {
  return NUMBERS.has(oid);
}

/**
 * Whether the dumpers of a type take a string, as values of it are loaded as
 * strings.
 *
 * @param oid The OID of the type.
 * @returns Whether they do.
 */
export function takesString(oid: number): boolean {
  return LOADED_AS_STRINGS.has(oid);
}
