/**
 * Ranges and multiranges of the user: types made by CREATE TYPE ... AS RANGE.
 *
 * @module
 */

import { Multirange } from "./multirange_value.ts";
import {
  MultirangeBinaryLoader,
  MultirangeLoader,
  RangeBinaryLoader,
  RangeLoader,
} from "./range.ts";
import { registerPair } from "./range_defaults.ts";
import { typedDumpers } from "./range_dumper.ts";
import { MULTIRANGE, RANGE } from "./range_shape.ts";
import { Range, type RangeBounds } from "./range_value.ts";
import { mapOf, type RegisterContext } from "./register_context.ts";
import type { MultirangeInfo, RangeInfo } from "./type_info.ts";

/** A class of ranges that are sent as the type that it was made for. */
export type RangeClass = new <T>(
  lower?: T | null,
  upper?: T | null,
  bounds?: RangeBounds,
) => Range<T>;

/** A class of multiranges that are sent as the type that it was made for. */
export type MultirangeClass = new <T>(
  ranges?: Iterable<Range<T>>,
) => Multirange<T>;

/**
 * Has the values of a range type loaded as {@linkcode Range}, with the loader of
 * its bounds, and ranges whose bounds are of that type sent as it.
 *
 * @param info The type.
 * @param context A connection, a cursor, or a map of adapters; by default the
 * global one, for the connections that are opened later.
 * @returns A class of ranges that are sent as this type whatever their bounds
 * are, such as strings.
 * @throws {TypeError} If there is no type.
 *
 * @example
 * ```ts
 * import { connect, Range, RangeInfo, registerRange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect({ autocommit: true });
 * await conn.execute("create type pg_temp.span as range (subtype = float8)");
 * const row = await conn.execute(
 *   `select t.oid, t.typarray from pg_type t where t.oid = 'pg_temp.span'::regtype`,
 * ).fetchOne();
 * const info = new RangeInfo("span", Number(row?.oid), Number(row?.typarray), {
 *   subtypeOid: 701,
 *   regtype: "pg_temp.span",
 * });
 * registerRange(info, conn);
 * const back = await conn.execute("select %s as span", [new Range(0.5, 1.5)]).fetchOne();
 * assertEquals(back?.span, new Range(0.5, 1.5));
 * ```
 */
export function registerRange(
  info: RangeInfo | null,
  context?: RegisterContext | null,
): RangeClass {
  if (info == null) {
    throw new TypeError(
      "Cannot register the range: there is no such type, pass a RangeInfo",
    );
  }
  const map = mapOf(context);
  map.types.add(info);
  map.registerLoader(info.oid, RangeLoader);
  map.registerLoader(info.oid, RangeBinaryLoader);
  class CustomRange<T> extends Range<T> {}
  registerPair(map, CustomRange, typedDumpers(RANGE, info));
  return CustomRange;
}

/**
 * Has the values of a multirange type loaded as {@linkcode Multirange}, with the
 * loader of its bounds, and multiranges whose bounds are of that type sent as
 * it. The range type that it is made of is registered by itself.
 *
 * @param info The type.
 * @param context A connection, a cursor, or a map of adapters; by default the
 * global one, for the connections that are opened later.
 * @returns A class of multiranges that are sent as this type whatever their
 * bounds are, such as strings.
 * @throws {TypeError} If there is no type.
 */
export function registerMultirange(
  info: MultirangeInfo | null,
  context?: RegisterContext | null,
): MultirangeClass {
  if (info == null) {
    throw new TypeError(
      "Cannot register the multirange: there is no such type, pass a MultirangeInfo",
    );
  }
  const map = mapOf(context);
  map.types.add(info);
  map.registerLoader(info.oid, MultirangeLoader);
  map.registerLoader(info.oid, MultirangeBinaryLoader);
  class CustomMultirange<T> extends Multirange<T> {}
  registerPair(map, CustomMultirange, typedDumpers(MULTIRANGE, info));
  return CustomMultirange;
}
