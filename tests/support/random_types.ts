/**
 * Random types: base types, and what can be made of them in any combination -
 * arrays, enums, domains, composites, ranges and multiranges of the user - with
 * random values of each. The base types are in `random_values.ts`, the ranges in
 * `random_ranges.ts`.
 *
 * @module
 */

import { assert } from "@std/assert";
import {
  CompositeInfo,
  EnumInfo,
  Multirange,
  type MultirangeClass,
  MultirangeInfo,
  RangeInfo,
  registerComposite,
  registerEnum,
  registerMultirange,
  registerRange,
  sql,
  Tuple,
  TypeInfo,
} from "../../mod.ts";
import { Identifier } from "../../sql/mod.ts";
import { multirangeType, RANGES, rangeType } from "./random_ranges.ts";
import { BASE_VALUES, type RandomType } from "./random_values.ts";
import { randomText } from "./value_sources.ts";
import type { Random, TupleConnection } from "./values.ts";

const LONGEST_NAME = 63;

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
