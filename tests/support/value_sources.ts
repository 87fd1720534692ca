/**
 * Values of every type that comes in either format, as SQL expressions: extreme
 * ones and random ones.
 *
 * @module
 */

import { sql } from "../../mod.ts";
import { quoteString } from "../../types/quote.ts";
import type { Random, TupleConnection } from "./values.ts";

/** The types that come in binary once a statement is known, arrays of them as well. */
export const TWINS: readonly string[] = [
  "bool",
  "bpchar",
  "bytea",
  "date",
  "float4",
  "float8",
  "int2",
  "int4",
  "int8",
  "interval",
  "json",
  "jsonb",
  "name",
  "oid",
  "text",
  "time",
  "timestamp",
  "timestamptz",
  "timetz",
  "unknown",
  "uuid",
  "varchar",
];

/** How many random values of each type are made. */
export const COUNT = 400;

/** Makes SQL expressions of a type: extreme ones, and any number of random ones. */
export interface Source {
  /** Expressions that are worth a look whatever chance says. */
  readonly extremes: readonly string[];
  /** A random expression. */
  random(random: Random): string;
}

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

function randomText(random: Random, longest: number = 40): string {
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

const view = new DataView(new ArrayBuffer(8));

function randomFloat8(random: Random): number {
  view.setBigInt64(0, random.bits64());
  return view.getFloat64(0);
}

function randomFloat4(random: Random): number {
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

function randomJson(random: Random, depth: number = 3): unknown {
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
      return Number.isFinite(value) ? value : 0;
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

/** Days since 2000-01-01 of the first and the last date that both sides can hold. */
const FIRST_DAY = -2_451_545;
const LAST_DAY = 100_000_000 - 10_957;
/** The same in microseconds, with room for time zones of the session. */
const FIRST_MICROS = BigInt(FIRST_DAY) * 86_400_000_000n;
const LAST_MICROS = BigInt(LAST_DAY) * 86_400_000_000n;

/** Microseconds as an interval, in parts that every version of the server reads. */
function span(micros: bigint): string {
  const hours = micros / 3_600_000_000n;
  const rest = micros % 3_600_000_000n;
  const seconds = rest < 0n ? -rest : rest;
  const fraction = String(seconds % 1_000_000n).padStart(6, "0");
  return `'${hours / 2n} hours'::interval + '${
    hours - hours / 2n
  } hours'::interval + '${rest < 0n ? "-" : ""}${
    seconds / 1_000_000n
  }.${fraction} seconds'::interval`;
}

function stampSource(type: string, zone: string): Source {
  const write = (micros: bigint) => {
    const days = micros / 86_400_000_000n;
    return `('2000-01-01 00:00${zone}'::${type} + '${days} days'::interval + ${
      span(micros % 86_400_000_000n)
    })`;
  };
  return {
    extremes: [
      FIRST_MICROS,
      FIRST_MICROS + 1n,
      0n,
      1n,
      -1n,
      -946_684_800_000_000n,
      -946_684_800_000_001n,
      2n ** 53n,
      2n ** 53n + 1n,
      -(2n ** 53n) - 1n,
      LAST_MICROS,
    ].map(write),
    random: (random) => {
      const micros = random.bigBetween(FIRST_MICROS, LAST_MICROS);
      return write(
        random.pick([
          micros,
          micros - micros % 1000n,
          micros - micros % 1_000_000n,
        ]),
      );
    },
  };
}

const DAY_END = 86_399_999_999;

function clock(random: Random): string {
  const micros = random.between(0, 3) > 0
    ? random.between(0, DAY_END)
    : random.between(0, 86_399) * 1_000_000;
  return `'00:00'::time + ${span(BigInt(micros))}`;
}

function offset(random: Random): string {
  const seconds = random.between(0, 16 * 3600 - 1);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${random.pick(["+", "-"])}${two(seconds / 3600)}:${
    two(seconds / 60 % 60)
  }${random.pick([`:${two(seconds % 60)}`, ""])}`;
}

function intervalOf(months: number, days: number, micros: bigint): string {
  return `('${months} months'::interval + '${days} days'::interval + ${
    span(micros)
  })`;
}

const INT4_MAX = 2147483647;

/**
 * @param smaller By how many bits the parts below a day are shortened: servers
 * before PostgreSQL 15 cannot write more than 2^31 hours.
 */
function intervalSource(smaller: bigint): Source {
  return {
    extremes: [
      "'0'::interval",
      intervalOf(INT4_MAX, INT4_MAX, (2n ** 63n - 2n) >> smaller),
      intervalOf(-INT4_MAX - 1, -INT4_MAX - 1, (-(2n ** 63n) + 1n) >> smaller),
      intervalOf(INT4_MAX, 0, 0n),
      intervalOf(0, -INT4_MAX - 1, 0n),
      intervalOf(0, 0, (2n ** 63n - 1n) >> smaller),
      intervalOf(0, 0, -(2n ** 63n) >> smaller),
      intervalOf(11, -1, 1n),
      intervalOf(-11, 1, -1n),
      intervalOf(-1, 0, 86_400_000_000n),
    ],
    random: (random) =>
      intervalOf(
        random.pick([
          0,
          random.between(-100, 100),
          random.between(-INT4_MAX, INT4_MAX),
        ]),
        random.pick([
          0,
          random.between(-100, 100),
          random.between(-INT4_MAX, INT4_MAX),
        ]),
        random.pick([0n, random.bits64() >> smaller, random.bits64() >> 30n]),
      ),
  };
}

/** The values of each type. */
export const SOURCES: Readonly<Record<string, Source>> = {
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
  date: {
    extremes: [
      "'4714-11-24 BC'::date",
      "'0001-12-31 BC'::date",
      "'0001-02-29 BC'::date",
      "'0001-01-01'::date",
      "'9999-12-31'::date",
      "'10000-01-01'::date",
      "'275760-09-13'::date",
      "'2000-02-29'::date",
      "'1900-02-28'::date",
      "'1970-01-01'::date",
    ],
    random: (random) =>
      `('2000-01-01'::date + (${
        random.pick([
          random.between(FIRST_DAY, LAST_DAY),
          random.between(-800_000, 800_000),
          random.between(-20_000, 20_000),
        ])
      }))`,
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
  oid: integerSource("oid", 0n, 2n ** 32n - 1n),
  interval: intervalSource(0n),
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
  time: {
    extremes: [
      "'00:00'::time",
      "'23:59:59.999999'::time",
      "'00:00:00.000001'::time",
    ],
    random: (random) => `(${clock(random)})`,
  },
  timetz: {
    extremes: [
      "'00:00:00+15:59:59'::timetz",
      "'23:59:59.999999-15:59:59'::timetz",
      "'12:00:00+00'::timetz",
      "'12:00:00-00:00:01'::timetz",
      "'12:00:00-00:30'::timetz",
    ],
    random: (random) =>
      `((${clock(random)})::text || '${offset(random)}')::timetz`,
  },
  timestamp: stampSource("timestamp", ""),
  timestamptz: stampSource("timestamptz", "Z"),
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
