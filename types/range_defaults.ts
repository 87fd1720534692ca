/**
 * The loaders and dumpers of the built-in ranges and multiranges.
 *
 * @module
 */

import type { DumperClass, DumperKey, Registrar } from "./adapt.ts";
import { Multirange } from "./multirange_value.ts";
import { OID } from "./oids.ts";
import {
  MultirangeBinaryLoader,
  MultirangeLoader,
  RangeBinaryLoader,
  RangeLoader,
} from "./range.ts";
import { type DumperPair, typedDumpers } from "./range_dumper.ts";
import { foundDumpers } from "./range_finder.ts";
import { MULTIRANGE, RANGE } from "./range_shape.ts";
import { Range } from "./range_value.ts";
import {
  DateMultirange,
  DateRange,
  Int4Multirange,
  Int4Range,
  Int8Multirange,
  Int8Range,
  NumMultirange,
  NumRange,
  TsMultirange,
  TsRange,
  TstzMultirange,
  TstzRange,
} from "./range_wrappers.ts";

/** A range or multirange type: its class, OID, name, and the type of its bounds. */
type Row = readonly [DumperKey, number, string, number];

const RANGES: readonly Row[] = [
  [Int4Range, OID.INT4RANGE, "int4range", OID.INT4],
  [Int8Range, OID.INT8RANGE, "int8range", OID.INT8],
  [NumRange, OID.NUMRANGE, "numrange", OID.NUMERIC],
  [DateRange, OID.DATERANGE, "daterange", OID.DATE],
  [TsRange, OID.TSRANGE, "tsrange", OID.TIMESTAMP],
  [TstzRange, OID.TSTZRANGE, "tstzrange", OID.TIMESTAMPTZ],
];

const MULTIRANGES: readonly Row[] = [
  [Int4Multirange, OID.INT4MULTIRANGE, "int4multirange", OID.INT4],
  [Int8Multirange, OID.INT8MULTIRANGE, "int8multirange", OID.INT8],
  [NumMultirange, OID.NUMMULTIRANGE, "nummultirange", OID.NUMERIC],
  [DateMultirange, OID.DATEMULTIRANGE, "datemultirange", OID.DATE],
  [TsMultirange, OID.TSMULTIRANGE, "tsmultirange", OID.TIMESTAMP],
  [TstzMultirange, OID.TSTZMULTIRANGE, "tstzmultirange", OID.TIMESTAMPTZ],
];

/**
 * Registers the dumpers of a class. Binary comes last, so that `%s` takes it.
 *
 * @param map Where to register them.
 * @param key The class.
 * @param dumpers In text format, and in binary.
 */
export function registerPair<V>(
  map: Registrar,
  key: DumperKey,
  [text, binary]: DumperPair<V>,
): void {
  map.registerDumper(key, text as DumperClass<never>);
  map.registerDumper(key, binary as DumperClass<never>);
}

/**
 * Registers the loaders and dumpers of the built-in ranges and multiranges.
 *
 * @param map Where to register them.
 */
export function registerRanges(map: Registrar): void {
  registerPair(map, Range, foundDumpers(RANGE));
  for (const [key, oid, regtype, subtypeOid] of RANGES) {
    map.registerLoader(oid, RangeLoader);
    map.registerLoader(oid, RangeBinaryLoader);
    const type = { oid, regtype, subtypeOid };
    registerPair(map, key, typedDumpers(RANGE, type));
  }
  registerPair(map, Multirange, foundDumpers(MULTIRANGE));
  for (const [key, oid, regtype, subtypeOid] of MULTIRANGES) {
    map.registerLoader(oid, MultirangeLoader);
    map.registerLoader(oid, MultirangeBinaryLoader);
    const type = { oid, regtype, subtypeOid };
    registerPair(map, key, typedDumpers(MULTIRANGE, type));
  }
}
