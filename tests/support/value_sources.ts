/**
 * Values of every type that comes in either format, as SQL expressions: extreme
 * ones and random ones.
 *
 * @module
 */

import { sql } from "../../mod.ts";
import { quoteString } from "../../types/quote.ts";
import {
  DATETIME_SOURCES,
  intervalSource,
  type Source,
} from "./datetime_sources.ts";
import { GEOMETRIC_SOURCES } from "./geometric_sources.ts";
import type { Random, TupleConnection } from "./values.ts";

/** The types that come in binary once a statement is known, arrays of them as well. */
export const TWINS: readonly string[] = [
  "bool",
  "box",
  "bpchar",
  "bytea",
  "cidr",
  "circle",
  "date",
  "datemultirange",
  "daterange",
  "float4",
  "float8",
  "inet",
  "int2",
  "int2vector",
  "int4",
  "int4multirange",
  "int4range",
  "int8",
  "int8multirange",
  "int8range",
  "interval",
  "json",
  "jsonb",
  "line",
  "lseg",
  "name",
  "oid",
  "oidvector",
  "path",
  "point",
  "polygon",
  "text",
  "time",
  "timestamp",
  "timestamptz",
  "timetz",
  "tsmultirange",
  "tsrange",
  "tstzmultirange",
  "tstzrange",
  "unknown",
  "uuid",
  "varchar",
];

/** How many random values of each type are made. */
export const COUNT = 400;

const CHARACTERS: readonly ((random: Random) => number)[] = [
  (random) => random.between(1, 127),
  (random) => random.between(0x20, 0x7e),
  (random) => random.between(0x80, 0x7ff),
  (random) => random.between(0x800, 0xd7ff),
  (random) => random.between(0xe000, 0xffff),
  (random) => random.between(0x1_0000, 0x10_ffff),
  (random) =>
    random.pick([
      0xfeff,
      0xfffd,
      0x22,
      0x27,
      0x2c,
      0x5c,
      0x7b,
      0x7d,
      0x20,
      0x0a,
    ]),
];

/**
 * Text of any characters but NUL.
 *
 * @param random Where the random numbers come from.
 * @param longest How many characters it has at most.
 * @returns The text.
 */
export function randomText(random: Random, longest: number = 40): string {
  return random.list(
    longest,
    () => String.fromCodePoint(random.pick(CHARACTERS)(random)),
  ).join("");
}

const TEXTS: readonly string[] = [
  "",
  " ",
  "NULL",
  "null",
  "{}",
  '""',
  '"',
  "\\",
  "\\\\",
  ",",
  "{a,b}",
  "\ufeff",
  "\ufeffabc",
  "\ufffd",
  "\u{10ffff}",
  "\r\n",
  "x".repeat(4000),
  "€".repeat(4000),
  "a".repeat(15),
  "a".repeat(16),
  "a".repeat(17),
];

function textSource(type: string): Source {
  return {
    extremes: TEXTS.map((text) => `${quoteString(text)}::${type}`),
    random: (random) => `${quoteString(randomText(random))}::${type}`,
  };
}

function integerSource(type: string, least: bigint, greatest: bigint): Source {
  return {
    extremes: [least, least + 1n, 0n, 1n, 9n, 10n, greatest - 1n, greatest]
      .map((value) => `'${value}'::${type}`),
    random: (random) => `'${random.bigBetween(least, greatest)}'::${type}`,
  };
}

/** Vectors of one integer at least: the server takes no empty one in binary. */
function vectorSource(type: string, least: number, greatest: number): Source {
  const write = (numbers: readonly number[]) =>
    `'${numbers.join(" ")}'::${type}`;
  const any = (random: Random) => random.between(least, greatest);
  return {
    extremes: [[least], [greatest], [0, least, greatest]].map(write),
    random: (random) =>
      write([any(random), ...random.list(8, () => any(random))]),
  };
}

const view = new DataView(new ArrayBuffer(8));

/**
 * A double of any bits.
 *
 * @param random Where the random numbers come from.
 * @returns The number.
 */
export function randomFloat8(random: Random): number {
  view.setBigInt64(0, random.bits64());
  return view.getFloat64(0);
}

/**
 * A single of any bits.
 *
 * @param random Where the random numbers come from.
 * @returns The number.
 */
export function randomFloat4(random: Random): number {
  view.setUint32(0, random.bits());
  return view.getFloat32(0);
}

const FLOATS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.1,
  1e15,
  1e16,
  1e21,
  1e-6,
  1e-7,
  123456.789,
  NaN,
  Infinity,
  -Infinity,
  16777217,
];

function floatSource(
  type: string,
  extremes: readonly number[],
  make: (random: Random) => number,
): Source {
  const write = (value: number) =>
    `'${Object.is(value, -0) ? "-0" : value}'::${type}`;
  return {
    extremes: [...FLOATS, ...extremes].map(write),
    random: (random) =>
      write(
        random.pick([
          make,
          make,
          (random: Random) => random.between(-1e6, 1e6) / 100,
          (random: Random) =>
            random.between(1, 10 ** 6) / 10 ** random.between(0, 20),
        ])(random),
      ),
  };
}

/**
 * What JSON can hold, without a zero below zero.
 *
 * @param random Where the random numbers come from.
 * @param depth How deep it is nested at most.
 * @returns The value.
 */
export function randomJson(random: Random, depth: number = 3): unknown {
  const kind = random.between(0, depth > 0 ? 7 : 5);
  switch (kind) {
    case 0:
      return null;
    case 1:
      return random.pick([true, false]);
    case 2:
      return random.between(-1000, 1000);
    case 3: {
      const value = randomFloat8(random);
      return Number.isFinite(value) ? value + 0 : 0;
    }
    case 6:
      return random.list(4, () => randomJson(random, depth - 1));
    case 7:
      return Object.fromEntries(
        random.list(
          4,
          () => [randomText(random, 5), randomJson(random, depth - 1)],
        ),
      );
    default:
      return randomText(random, 10);
  }
}

function jsonSource(type: string): Source {
  const write = (text: string) => `${quoteString(text)}::${type}`;
  return {
    extremes: [
      "null",
      "[]",
      "{}",
      '""',
      "0",
      "-0.0",
      "1e300",
      "12345678901234567890.123456789",
      '{"__proto__": {"a": 1}, "constructor": 2, "toString": null}',
      '{"a": 1, "a": 2}',
      ' { "b" : [ 1 , 2 ] , "a" : "\\u00e9\\n" } ',
      '"\\ud83d\\ude00\\"\\\\"',
      `[${"[".repeat(200)}${"]".repeat(200)}]`,
      JSON.stringify("x".repeat(5000)),
    ].map(write),
    random: (random) => write(JSON.stringify(randomJson(random))),
  };
}

/** Ranges of these bounds, which are in order. */
function rangeSource(type: string, bounds: readonly string[]): Source {
  const one = (random: Random): string => {
    const from = random.between(0, bounds.length - 1);
    const to = random.between(from, bounds.length - 1);
    const lower = random.between(0, 5) === 0 ? "" : `"${bounds[from]}"`;
    const upper = random.between(0, 5) === 0 ? "" : `"${bounds[to]}"`;
    return random.pick("[(".split("")) + `${lower},${upper}` +
      random.pick("])".split(""));
  };
  const multi = type.includes("multi");
  return {
    extremes: (multi ? ["{}", "{(,)}", "{empty}"] : ["empty", "(,)"])
      .map((text) => `'${text}'::${type}`),
    random: (random) =>
      `'${
        multi ? `{${random.list(5, () => one(random)).join(",")}}` : one(random)
      }'::${type}`,
  };
}

/** Any address, with groups of zeros in it; as a network it is cut off at its prefix. */
function addressSource(type: string): Source {
  const write = (text: string) =>
    type === "cidr" ? `network('${text}'::inet)` : `'${text}'::inet`;
  return {
    extremes: [
      "0.0.0.0",
      "255.255.255.255",
      "10.1.2.3/0",
      "10.1.2.3/31",
      "::",
      "::1",
      "::ffff:1.2.3.4",
      "::1.2.3.4/120",
      "1:0:0:2:0:0:0:3",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      "ffff::/0",
    ].map(write),
    random(random) {
      if (random.between(0, 1) === 0) {
        const numbers = Array.from({ length: 4 }, () => random.between(0, 255));
        return write(`${numbers.join(".")}/${random.between(0, 32)}`);
      }
      const groups = Array.from(
        { length: 8 },
        () => (random.pick([0, 0, 1, 0xffff]) & random.bits()).toString(16),
      );
      return write(`${groups.join(":")}/${random.between(0, 128)}`);
    },
  };
}

const INTEGERS = ["-2147483648", "-7", "0", "1", "2", "500", "2147483646"];
const BIG_INTEGERS = [
  "-9223372036854775808",
  ...INTEGERS,
  "9007199254740993",
  "9223372036854775806",
];
const DAYS = [
  "4713-01-01 BC",
  "0001-02-03",
  "1999-12-31",
  "2000-01-01",
  "2024-02-29",
  "9999-12-31",
];
const TIMES = DAYS.map((day) => day.replace(/^[-\d]+/, "$& 12:34:56.789012"));

/** The values of each type. */
export const SOURCES: Readonly<Record<string, Source>> = {
  ...DATETIME_SOURCES,
  ...GEOMETRIC_SOURCES,
  bool: {
    extremes: ["true", "false"],
    random: (random) => random.pick(["true", "false"]),
  },
  bytea: {
    extremes: [
      "''::bytea",
      "'\\x00'::bytea",
      "'\\x5c27'::bytea",
      "decode(repeat('00ff', 5000), 'hex')",
      "(select string_agg(set_byte('\\x00', 0, n), '' order by n) from generate_series(0, 255) n)",
    ],
    random: (random) =>
      `'\\x${
        random.list(60, () =>
          random.between(0, 255).toString(16).padStart(2, "0"))
          .join("")
      }'::bytea`,
  },
  float4: floatSource(
    "float4",
    [
      1.401298464324817e-45,
      1.1754942106924411e-38,
      1.1754943508222875e-38,
      3.4028234663852886e38,
      -3.4028234663852886e38,
    ],
    randomFloat4,
  ),
  float8: floatSource(
    "float8",
    [
      5e-324,
      2.225073858507201e-308,
      2.2250738585072014e-308,
      1.7976931348623157e308,
      9007199254740993,
      0.1 + 0.2,
      4.35,
    ],
    randomFloat8,
  ),
  int2: integerSource("int2", -32768n, 32767n),
  int4: integerSource("int4", -(2n ** 31n), 2n ** 31n - 1n),
  int8: integerSource("int8", -(2n ** 63n), 2n ** 63n - 1n),
  int2vector: vectorSource("int2vector", -32768, 32767),
  oidvector: vectorSource("oidvector", 0, 2 ** 32 - 1),
  oid: integerSource("oid", 0n, 2n ** 32n - 1n),
  inet: addressSource("inet"),
  cidr: addressSource("cidr"),
  json: jsonSource("json"),
  jsonb: jsonSource("jsonb"),
  text: textSource("text"),
  varchar: textSource("varchar"),
  bpchar: {
    extremes: [
      ...textSource("bpchar").extremes,
      "'ab'::char(10)",
      "' '::char(3)",
    ],
    random: (random) =>
      `${quoteString(randomText(random, 10))}::char(${random.between(1, 12)})`,
  },
  name: textSource("name"),
  int4range: rangeSource("int4range", INTEGERS),
  int8range: rangeSource("int8range", BIG_INTEGERS),
  daterange: rangeSource("daterange", DAYS),
  tsrange: rangeSource("tsrange", TIMES),
  tstzrange: rangeSource("tstzrange", TIMES),
  int4multirange: rangeSource("int4multirange", INTEGERS),
  int8multirange: rangeSource("int8multirange", BIG_INTEGERS),
  datemultirange: rangeSource("datemultirange", DAYS),
  tsmultirange: rangeSource("tsmultirange", TIMES),
  tstzmultirange: rangeSource("tstzmultirange", TIMES),
  uuid: {
    extremes: [
      "'00000000-0000-0000-0000-000000000000'::uuid",
      "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid",
    ],
    random: (random) =>
      `'${
        Array.from({ length: 4 }, () =>
          random.bits().toString(16).padStart(8, "0"))
          .join("")
      }'::uuid`,
  },
};

/**
 * Makes a temporary table `twins (n serial, v)` of values of a type.
 *
 * @param conn The connection.
 * @param type The name of the type.
 * @param random Where the random values come from.
 * @returns How many values are in it; beside them is a NULL.
 */
export async function fill(
  conn: TupleConnection,
  type: string,
  random: Random,
): Promise<number> {
  const source = type === "interval" && conn.info.serverVersion < 150000
    ? intervalSource(4n)
    : SOURCES[type];
  if (source === undefined) throw new Error(`There are no values of ${type}`);
  const expressions = [
    ...source.extremes,
    ...Array.from({ length: COUNT }, () => source.random(random)),
  ];
  await conn.execute(
    sql`create temp table twins (n serial, v ${sql.raw(type)})`,
  );
  const rows = expressions.map((expression) => `(${expression})`).join(",\n");
  await conn.execute(`insert into twins (v) values ${rows}`);
  await conn.execute("insert into twins (v) values (null)");
  return expressions.length;
}
