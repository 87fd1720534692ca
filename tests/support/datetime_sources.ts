/**
 * Dates, times and intervals as SQL expressions: extreme ones and random ones.
 *
 * @module
 */

import type { Random } from "./values.ts";

/** Makes SQL expressions of a type: extreme ones, and any number of random ones. */
export interface Source {
  /** Expressions that are worth a look whatever chance says. */
  readonly extremes: readonly string[];
  /** A random expression. */
  random(random: Random): string;
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
 * Intervals of every size.
 *
 * @param smaller By how many bits the parts below a day are shortened: servers
 * before PostgreSQL 15 cannot write more than 2^31 hours.
 * @returns What makes their expressions.
 */
export function intervalSource(smaller: bigint): Source {
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

/** The values of each type of dates and times. */
export const DATETIME_SOURCES: Readonly<Record<string, Source>> = {
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
  interval: intervalSource(0n),
};
