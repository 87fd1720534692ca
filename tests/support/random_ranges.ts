/**
 * Random ranges and multiranges, of PostgreSQL's own types and of the user's.
 *
 * @module
 */

import {
  DateMultirange,
  DateRange,
  Int4Multirange,
  Int4Range,
  Int8Multirange,
  Int8Range,
  Multirange,
  type MultirangeClass,
  NumMultirange,
  NumRange,
  Range,
  type RangeBounds,
  type RangeClass,
  TsMultirange,
  TsRange,
  TstzMultirange,
  TstzRange,
} from "../../mod.ts";
import {
  BASE_VALUES,
  type BaseValues,
  type RandomType,
} from "./random_values.ts";
import type { Random } from "./values.ts";

/** What stands for a range type and its multirange type. */
export interface RangeKind {
  /** The type of the bounds. */
  readonly subtype: string;
  /** Whether the server writes all of them as `[)`. */
  readonly discrete: boolean;
  /** What ranges are sent in. */
  readonly range: RangeClass;
  /** What multiranges are sent in. */
  readonly multirange: MultirangeClass;
}

/** The range types of PostgreSQL. */
export const RANGES: Readonly<Record<string, RangeKind>> = {
  int4range: {
    subtype: "int4",
    discrete: true,
    range: Int4Range as RangeClass,
    multirange: Int4Multirange as MultirangeClass,
  },
  int8range: {
    subtype: "int8",
    discrete: true,
    range: Int8Range as RangeClass,
    multirange: Int8Multirange as MultirangeClass,
  },
  numrange: {
    subtype: "numeric",
    discrete: false,
    range: NumRange as RangeClass,
    multirange: NumMultirange as MultirangeClass,
  },
  daterange: {
    subtype: "date",
    discrete: true,
    range: DateRange as RangeClass,
    multirange: DateMultirange as MultirangeClass,
  },
  tsrange: {
    subtype: "timestamp",
    discrete: false,
    range: TsRange as RangeClass,
    multirange: TsMultirange as MultirangeClass,
  },
  tstzrange: {
    subtype: "timestamptz",
    discrete: false,
    range: TstzRange as RangeClass,
    multirange: TstzMultirange as MultirangeClass,
  },
};

const ALL_BOUNDS: readonly RangeBounds[] = ["[)", "[]", "(]", "()"];
/** Values of a type, in the server's order, no two alike. */
function sorted(values: BaseValues, count: number, random: Random): unknown[] {
  const compare = values.compare as (one: unknown, other: unknown) => number;
  const made = Array.from({ length: count }, () => values.random(random))
    .sort(compare);
  return made.filter((value, index) =>
    index === 0 || compare(made[index - 1], value) !== 0
  );
}

/** A range in the form that the server gives it. */
function randomRange(
  values: BaseValues,
  discrete: boolean,
  random: Random,
): Range {
  if (random.between(0, 9) === 0) return new Range(null, null, "empty");
  const [lower, upper] = sorted(values, 2, random);
  if (upper === undefined) {
    return discrete ? new Range(lower, null) : new Range(lower, lower, "[]");
  }
  const bounds = discrete ? "[)" : random.pick(ALL_BOUNDS);
  return new Range(
    random.between(0, 7) === 0 ? null : lower,
    random.between(0, 7) === 0 ? null : upper,
    bounds,
  );
}

/** A multirange in the form that the server gives it: in order, with gaps. */
function randomMultirange(
  values: BaseValues,
  discrete: boolean,
  random: Random,
): Multirange {
  const bounds = sorted(values, random.between(0, 8), random);
  const ranges: Range[] = [];
  for (let at = 0; at + 1 < bounds.length; at += 2) {
    const first = at === 0 && random.between(0, 7) === 0;
    const last = at + 3 >= bounds.length && random.between(0, 7) === 0;
    ranges.push(
      new Range(
        first ? null : bounds[at],
        last ? null : bounds[at + 1],
        discrete ? "[)" : random.pick(ALL_BOUNDS),
      ),
    );
  }
  return new Multirange(ranges);
}

/**
 * A type of ranges, of the server or of the user, sent in the class for it.
 *
 * @param sql The name in SQL.
 * @param key The OID, or the name that the registry has.
 * @param kind What stands for it.
 * @returns The type.
 */
export function rangeType(
  sql: string,
  key: number | string,
  kind: RangeKind,
): RandomType {
  const { subtype, discrete, range: Wrapper } = kind;
  const values = BASE_VALUES[subtype]!;
  return {
    description: `range over ${subtype}`,
    sql,
    key,
    isArray: false,
    textOnly: values.textOnly ?? false,
    random: (random) => randomRange(values, discrete, random),
    send: (value) => {
      const { lower, upper, bounds } = value as Range;
      return new Wrapper(lower, upper, bounds);
    },
  };
}

/**
 * A type of multiranges, likewise.
 *
 * @param sql The name in SQL.
 * @param key The OID, or the name that the registry has.
 * @param kind What stands for it.
 * @returns The type.
 */
export function multirangeType(
  sql: string,
  key: number | string,
  kind: RangeKind,
): RandomType {
  const { subtype, discrete, multirange: Wrapper } = kind;
  const values = BASE_VALUES[subtype]!;
  return {
    description: `multirange over ${subtype}`,
    sql,
    key,
    isArray: false,
    textOnly: values.textOnly ?? false,
    random: (random) => randomMultirange(values, discrete, random),
    send: (value) => new Wrapper((value as Multirange).ranges),
  };
}
