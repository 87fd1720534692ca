/**
 * Random types: base types, and what can be made of them in any combination -
 * arrays, enums, domains, composites, ranges and multiranges of the user - with
 * random values of each. The base types are in `random_values.ts`.
 *
 * @module
 */

import { assert } from "@std/assert";
import {
  CompositeInfo,
  DateMultirange,
  DateRange,
  EnumInfo,
  Int4Multirange,
  Int4Range,
  Int8Multirange,
  Int8Range,
  Multirange,
  type MultirangeClass,
  MultirangeInfo,
  NumMultirange,
  NumRange,
  Range,
  type RangeBounds,
  type RangeClass,
  RangeInfo,
  registerComposite,
  registerEnum,
  registerMultirange,
  registerRange,
  sql,
  TsMultirange,
  TsRange,
  TstzMultirange,
  TstzRange,
  Tuple,
  TypeInfo,
} from "../../mod.ts";
import { Identifier } from "../../sql/mod.ts";
import { BASE_VALUES, type BaseValues } from "./random_values.ts";
import { randomText } from "./value_sources.ts";
import type { Random, TupleConnection } from "./values.ts";

/** A type, and what makes values of it. */
export interface RandomType {
  /** What it is made of, for messages. */
  readonly description: string;
  /** The name in SQL. */
  readonly sql: string;
  /** The OID, or the name that the registry has. */
  readonly key: number | string;
  /** Whether its values are JavaScript arrays, so that there are no arrays of it. */
  readonly isArray: boolean;
  /** Whether some part of it has no dumper of bytes. */
  readonly textOnly: boolean;
  /** A random value, as it is loaded; never `null`. */
  random(random: Random): unknown;
  /** The value as it is sent. */
  send(value: unknown): unknown;
}

/** What stands for a range type and its multirange type. */
interface RangeKind {
  /** The type of the bounds. */
  readonly subtype: string;
  /** Whether the server writes all of them as `[)`. */
  readonly discrete: boolean;
  readonly range: RangeClass;
  readonly multirange: MultirangeClass;
}

/** The range types of PostgreSQL. */
const RANGES: Readonly<Record<string, RangeKind>> = {
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
const LONGEST_NAME = 63;

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

function baseType(name: string): RandomType {
  const values = BASE_VALUES[name]!;
  return {
    description: name,
    sql: name,
    key: name.replaceAll('"', ""),
    isArray: false,
    textOnly: values.textOnly ?? false,
    random: (random) => values.random(random),
    send: (value) => values.send?.(value as never) ?? value,
  };
}

/** A type of ranges, of the server or of the user, sent in the class for it. */
function rangeType(
  sql: string,
  key: number | string,
  { subtype, discrete, range: Wrapper }: RangeKind,
): RandomType {
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

/** A type of multiranges, likewise. */
function multirangeType(
  sql: string,
  key: number | string,
  { subtype, discrete, multirange: Wrapper }: RangeKind,
): RandomType {
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

/** Arrays of one to three dimensions, all rows as long, some elements NULL. */
function randomArray(
  element: RandomType,
  random: Random,
): { array: unknown[]; dimensions: number } {
  if (random.between(0, 7) === 0) return { array: [], dimensions: 1 };
  const lengths = Array.from(
    { length: random.pick([1, 1, 2, 3]) },
    () => random.between(1, 4),
  );
  const make = (depth: number): unknown =>
    depth < lengths.length
      ? Array.from({ length: lengths[depth]! }, () => make(depth + 1))
      : random.between(0, 5) === 0
      ? null
      : element.random(random);
  return { array: make(0) as unknown[], dimensions: lengths.length };
}

function isOnlyNull(array: unknown[]): boolean {
  return array.length > 0 && array.flat(3).every((item) => item === null);
}

/** Sends the elements of an array. */
function sendArray(
  value: unknown,
  element: RandomType,
  dimensions: number,
): unknown {
  if (value === null) return null;
  return dimensions === 0
    ? element.send(value)
    : (value as unknown[]).map((item) =>
      sendArray(item, element, dimensions - 1)
    );
}

/** Makes types on a connection, in its temporary schema. */
export class TypeMaker {
  readonly #conn: TupleConnection;
  readonly #random: Random;
  /** They came with PostgreSQL 14. */
  readonly #hasMultiranges: boolean;
  #count = 0;

  /**
   * Makes a maker.
   *
   * @param conn Where the types are made and registered.
   * @param random Where the random numbers come from.
   */
  constructor(conn: TupleConnection, random: Random) {
    this.#conn = conn;
    this.#random = random;
    this.#hasMultiranges = conn.info.serverVersion >= 140000;
  }

  /**
   * Makes a type.
   *
   * @param depth How deep it is nested at most.
   * @returns The type, which is registered.
   */
  async make(depth: number): Promise<RandomType> {
    const random = this.#random;
    const kind = random.pick(depth > 0 ? DEEP : FLAT);
    switch (kind) {
      case "range":
      case "multirange": {
        const [name, of] = random.pick(Object.entries(RANGES));
        if (kind === "range" || !this.#hasMultiranges) {
          return rangeType(name, name, of);
        }
        const multi = name.replace("range", "multirange");
        return multirangeType(multi, multi, of);
      }
      case "enum":
        return await this.#enum();
      case "user range":
        return await this.#range();
      case "array":
        return await this.#array(depth - 1);
      case "domain":
        return await this.#domain(depth - 1);
      case "composite":
        return await this.#composite(depth - 1);
      default:
        return baseType(random.pick(Object.keys(BASE_VALUES)));
    }
  }

  /**
   * The types that nothing has to be made for: every base type, arrays of each,
   * and the ranges of PostgreSQL.
   */
  builtin(): RandomType[] {
    const bases = Object.keys(BASE_VALUES).map(baseType);
    const ranges = Object.entries(RANGES).flatMap(([name, kind]) => {
      const range = rangeType(name, name, kind);
      if (!this.#hasMultiranges) return [range];
      const multi = name.replace("range", "multirange");
      return [range, multirangeType(multi, multi, kind)];
    });
    return [...bases, ...ranges].flatMap((type) => [type, this.#arrayOf(type)]);
  }

  /** A name that has to be quoted, and that no other type has. */
  #name(): Identifier {
    return new Identifier("pg_temp", this.#label(`${++this.#count} `));
  }

  /** Text for a name or a label. */
  #label(start: string): string {
    const encoder = new TextEncoder();
    const full = start + randomText(this.#random, 12);
    let text = full;
    while (encoder.encode(text).length > LONGEST_NAME) text = start;
    return text;
  }

  async #enum(): Promise<RandomType> {
    const name = this.#name();
    const labels = [
      ...new Set(
        Array.from(
          { length: this.#random.between(1, 8) },
          () => this.#label(""),
        ),
      ),
    ];
    const list = sql.join(labels.map((label) => sql.literal(label)));
    await this.#conn.execute(sql`create type ${name} as enum (${list})`);
    const info = await EnumInfo.fetch(this.#conn, name);
    assert(info !== null);
    registerEnum(info, this.#conn);
    return {
      description: `enum ${Deno.inspect(labels)}`,
      sql: name.asString(),
      key: info.oid,
      isArray: false,
      textOnly: false,
      random: (random) => random.pick(labels),
      send: (value) => value,
    };
  }

  async #range(): Promise<RandomType> {
    const random = this.#random;
    const subtype = random.pick(
      Object.keys(BASE_VALUES).filter((name) => BASE_VALUES[name]!.compare),
    );
    const name = this.#name();
    const multi = this.#name();
    const more = BASE_VALUES[subtype]!.rangeOptions;
    const options = [`subtype = ${subtype}`, ...(more ? [more] : [])];
    if (this.#hasMultiranges) {
      options.push(`multirange_type_name = ${multi.asString()}`);
    }
    await this.#conn.execute(
      sql`create type ${name} as range (${sql.raw(options.join(", "))})`,
    );
    const info = await RangeInfo.fetch(this.#conn, name);
    assert(info !== null);
    const kind = {
      subtype,
      discrete: false,
      range: registerRange(info, this.#conn),
      multirange: Multirange as MultirangeClass,
    };
    if (!this.#hasMultiranges || random.between(0, 1) === 0) {
      return rangeType(name.asString(), info.oid, kind);
    }
    const multiInfo = await MultirangeInfo.fetch(this.#conn, multi);
    assert(multiInfo !== null);
    kind.multirange = registerMultirange(multiInfo, this.#conn);
    return multirangeType(multi.asString(), multiInfo.oid, kind);
  }

  async #array(depth: number): Promise<RandomType> {
    let element = await this.make(depth);
    while (element.isArray) element = await this.make(depth);
    return this.#arrayOf(element);
  }

  #arrayOf(element: RandomType): RandomType {
    const { key } = element;
    const info = this.#conn.adapters.types.get(key);
    const arrayOid = info?.arrayOid;
    assert(arrayOid, `there is no array of ${element.description}`);
    // Kept, because an element of JSON can be an array too.
    const known = new WeakMap<object, number>();
    return {
      description: `array of ${element.description}`,
      sql: `${element.sql}[]`,
      key: arrayOid,
      isArray: true,
      textOnly: element.textOnly,
      random: (random) => {
        let made = randomArray(element, random);
        // Of NULLs alone nothing tells that there is a delimiter of its own.
        while (info?.delimiter !== "," && isOnlyNull(made.array)) {
          made = randomArray(element, random);
        }
        const { array, dimensions } = made;
        known.set(array, dimensions);
        return array;
      },
      send: (value) => sendArray(value, element, known.get(value as object)!),
    };
  }

  async #domain(depth: number): Promise<RandomType> {
    const base = await this.make(depth);
    const name = this.#name();
    await this.#conn.execute(
      sql`create domain ${name} as ${sql.raw(base.sql)}`,
    );
    const info = await TypeInfo.fetch(this.#conn, name);
    assert(info !== null);
    info.register(this.#conn);
    return {
      ...base,
      description: `domain over ${base.description}`,
      sql: name.asString(),
      key: info.oid,
    };
  }

  async #composite(depth: number): Promise<RandomType> {
    const fields: [string, RandomType][] = [];
    const count = this.#random.between(0, 5);
    for (let i = 0; i < count; i++) {
      fields.push([this.#label(`${i}`), await this.make(depth)]);
    }
    const name = this.#name();
    const list = sql.join(
      fields.map(([field, type]) =>
        sql`${new Identifier(field)} ${sql.raw(type.sql)}`
      ),
    );
    await this.#conn.execute(sql`create type ${name} as (${list})`);
    const info = await CompositeInfo.fetch(this.#conn, name);
    assert(info !== null);
    registerComposite(info, this.#conn);
    return {
      description: `(${
        fields.map(([, { description }]) => description).join(", ")
      })`,
      sql: name.asString(),
      key: info.oid,
      isArray: false,
      textOnly: fields.some(([, type]) => type.textOnly),
      random: (random) =>
        Object.fromEntries(
          fields.map(([field, type]) => [
            field,
            random.between(0, 5) === 0 ? null : type.random(random),
          ]),
        ),
      send: (value) =>
        new Tuple(
          fields.map(([field, type]) => {
            const item = (value as Record<string, unknown>)[field];
            return item === null ? null : type.send(item);
          }),
          info,
        ),
    };
  }
}

const FLAT = ["base", "base", "base", "range", "multirange", "enum"] as const;
const DEEP = [
  "base",
  "range",
  "multirange",
  "enum",
  "user range",
  "array",
  "array",
  "array",
  "domain",
  "composite",
  "composite",
] as const;
