/**
 * Ranges and multiranges that carry the PostgreSQL type they are to be sent as.
 *
 * @module
 */

import { Multirange } from "./multirange_value.ts";
import { asDecimals, Range, type RangeBounds } from "./range_value.ts";

/**
 * A range to be sent as int4range, of integers that int4 holds.
 *
 * @example Choose the type
 * ```ts
 * import { connect, Int4Range } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const range = new Int4Range(1, 5);
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [range]).fetchOne();
 * assertEquals(row?.t, "int4range");
 * ```
 */
export class Int4Range extends Range<number | bigint> {}

/**
 * A range to be sent as int8range, of integers that int8 holds.
 *
 * @example Choose the type
 * ```ts
 * import { connect, Int8Range } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const range = new Int8Range(1, 5);
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [range]).fetchOne();
 * assertEquals(row?.t, "int8range");
 * ```
 */
export class Int8Range extends Range<number | bigint> {}

/**
 * A range to be sent as numrange, of decimals, as numbers or as exact strings;
 * they compare by their value.
 *
 * @example Choose the type
 * ```ts
 * import { connect, NumRange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const range = new NumRange("1.50", "10");
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [range]).fetchOne();
 * assertEquals(row?.t, "numrange");
 * ```
 */
export class NumRange extends Range<string | number | bigint> {
  /**
   * Makes a range.
   *
   * @param args The lower bound, the upper one, and whether they belong to it,
   * as of {@linkcode Range}.
   */
  constructor(
    ...args: [
      lower?: string | number | bigint | null,
      upper?: string | number | bigint | null,
      bounds?: RangeBounds,
    ]
  ) {
    super(...args);
    asDecimals(this);
  }
}

/**
 * A range to be sent as daterange, of dates, as Temporal.PlainDate or as text
 * for the server.
 *
 * @example Choose the type
 * ```ts
 * import { connect, DateRange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const range = new DateRange(null, null);
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [range]).fetchOne();
 * assertEquals(row?.t, "daterange");
 * ```
 */
export class DateRange extends Range<Temporal.PlainDate | string> {}

/**
 * A range to be sent as tsrange, of timestamps, as Temporal.PlainDateTime or
 * as text for the server.
 *
 * @example Choose the type
 * ```ts
 * import { connect, TsRange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const range = new TsRange(null, null);
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [range]).fetchOne();
 * assertEquals(row?.t, "tsrange");
 * ```
 */
export class TsRange extends Range<Temporal.PlainDateTime | string> {}

/**
 * A range to be sent as tstzrange, of points in time, as Temporal.Instant,
 * Temporal.ZonedDateTime, Date, or as text for the server.
 *
 * @example Choose the type
 * ```ts
 * import { connect, TstzRange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const range = new TstzRange(new Date(0), null);
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [range]).fetchOne();
 * assertEquals(row?.t, "tstzrange");
 * ```
 */
export class TstzRange
  extends Range<Temporal.Instant | Temporal.ZonedDateTime | Date | string> {}

/**
 * A multirange to be sent as int4multirange.
 *
 * @example Choose the type
 * ```ts
 * import { connect, Int4Multirange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [new Int4Multirange()]).fetchOne();
 * assertEquals(row?.t, "int4multirange");
 * ```
 */
export class Int4Multirange extends Multirange<number | bigint> {}

/**
 * A multirange to be sent as int8multirange.
 *
 * @example Choose the type
 * ```ts
 * import { connect, Int8Multirange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [new Int8Multirange()]).fetchOne();
 * assertEquals(row?.t, "int8multirange");
 * ```
 */
export class Int8Multirange extends Multirange<number | bigint> {}

/**
 * A multirange to be sent as nummultirange.
 *
 * @example Choose the type
 * ```ts
 * import { connect, NumMultirange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [new NumMultirange()]).fetchOne();
 * assertEquals(row?.t, "nummultirange");
 * ```
 */
export class NumMultirange extends Multirange<string | number | bigint> {}

/**
 * A multirange to be sent as datemultirange.
 *
 * @example Choose the type
 * ```ts
 * import { connect, DateMultirange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [new DateMultirange()]).fetchOne();
 * assertEquals(row?.t, "datemultirange");
 * ```
 */
export class DateMultirange extends Multirange<Temporal.PlainDate | string> {}

/**
 * A multirange to be sent as tsmultirange.
 *
 * @example Choose the type
 * ```ts
 * import { connect, TsMultirange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [new TsMultirange()]).fetchOne();
 * assertEquals(row?.t, "tsmultirange");
 * ```
 */
export class TsMultirange extends Multirange<Temporal.PlainDateTime | string> {}

/**
 * A multirange to be sent as tstzmultirange.
 *
 * @example Choose the type
 * ```ts
 * import { connect, TstzMultirange } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select pg_typeof(%s)::text as t", [new TstzMultirange()]).fetchOne();
 * assertEquals(row?.t, "tstzmultirange");
 * ```
 */
export class TstzMultirange extends Multirange<
  Temporal.Instant | Temporal.ZonedDateTime | Date | string
> {}
