/**
 * Values that do not tell their type as exactly as the place that they go to
 * does: which of them the dumper of that type takes all the same.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Adaptation, Dumper, PlaceholderFormat } from "./adapt.ts";
import { OID } from "./oids.ts";
import { StringTypeBinaryDumper, StringTypeDumper } from "./string_type.ts";

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

/** Types that are loaded as strings, beside those of `string_type.ts`. */
const STRINGS: ReadonlySet<number> = new Set([
  OID.BPCHAR,
  OID.NAME,
  OID.NUMERIC,
  OID.TEXT,
  OID.UUID,
  OID.VARCHAR,
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
 * Finds the dumper of a type that takes strings, as values of this type are
 * loaded as strings.
 *
 * @param oid The OID of the type.
 * @param adaptation What finds dumpers.
 * @param format What is asked for.
 * @returns The dumper, or `null` if there is none that takes them.
 */
export function stringDumperOf(
  oid: number,
  adaptation: Adaptation,
  format: PlaceholderFormat,
): Dumper | null {
  const dumper = dumperOfType(oid, adaptation, format);
  const takes = STRINGS.has(oid) || dumper instanceof StringTypeBinaryDumper ||
    dumper instanceof StringTypeDumper;
  return takes ? dumper : null;
}

/**
 * Finds the dumper of a type.
 *
 * @param oid The OID of the type.
 * @param adaptation What finds dumpers.
 * @param format What is asked for.
 * @returns The dumper, or `null` if there is none.
 */
export function dumperOfType(
  oid: number,
  adaptation: Adaptation,
  format: PlaceholderFormat,
): Dumper | null {
  try {
    return adaptation.getDumperByOid?.(oid, format) ?? null;
  } catch (error) {
    if (error instanceof ProgrammingError) return null;
    throw error;
  }
}
