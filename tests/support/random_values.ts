/**
 * Random values of base types, in the form in which they are loaded. A base type
 * that gets a loader and a dumper gets one line here.
 *
 * @module
 */

import { type Cidr, Inet, Interval, Json, Jsonb, TimeTz } from "../../mod.ts";
import {
  Box,
  Circle,
  Int2Vector,
  Line,
  LineSegment,
  OidVector,
  Path,
  Point,
  Polygon,
} from "../../types/mod.ts";
import {
  randomFloat4,
  randomFloat8,
  randomJson,
  randomText,
} from "./value_sources.ts";
import type { Random } from "./values.ts";

/** How values of a base type are made, sent and put into order. */
export interface BaseValues {
  /** A random value, as it is loaded; never `null`. */
  random(random: Random): unknown;
  /** The value as it has to be sent everywhere, where that is not as it is loaded. */
  readonly send?: (value: never) => unknown;
  /** The server's order; without it there are no ranges over the type. */
  readonly compare?: (one: never, other: never) => number;
  /** What stands behind `subtype =` in a range over the type, if more than its name. */
  readonly rangeOptions?: string;
  /** Whether no dumper of bytes is there, so that COPY takes it as text only. */
  readonly textOnly?: boolean;
}

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

/** Sometimes an extreme value, else what `make` makes. */
function or<T>(
  extremes: readonly T[],
  make: (random: Random) => T,
): (random: Random) => T {
  return (random) =>
    random.between(0, 7) === 0 ? random.pick(extremes) : make(random);
}

function byOrder(one: number | bigint, other: number | bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** NaN is the greatest, and zeros are equal. */
function byFloat(one: number, other: number): number {
  if (Number.isNaN(one) || Number.isNaN(other)) {
    return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
  }
  return byOrder(one, other);
}

/** Strings in the collation "C": by code points, not by UTF-16 units. */
function byCodePoint(one: string, other: string): number {
  const [a, b] = [[...one], [...other]];
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = a[i]!.codePointAt(0)! - b[i]!.codePointAt(0)!;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function byBytes(one: Uint8Array, other: Uint8Array): number {
  for (let i = 0; i < one.length && i < other.length; i++) {
    if (one[i] !== other[i]) return one[i]! - other[i]!;
  }
  return one.length - other.length;
}

/** Decimals of the form that {@linkcode randomDecimal} makes; NaN is the greatest. */
function byDecimal(one: string, other: string): number {
  if (one === "NaN" || other === "NaN") {
    return Number(one === "NaN") - Number(other === "NaN");
  }
  const scaled = (text: string) => {
    const [whole = "", fraction = ""] = text.split(".");
    return BigInt(whole + fraction.padEnd(MAX_FRACTION, "0"));
  };
  return byOrder(scaled(one), scaled(other));
}

const MAX_FRACTION = 30;

/** Digits as the server writes them: its scale, no zeros in front. */
function randomDecimal(random: Random): string {
  const digits = (count: number) =>
    Array.from({ length: count }, () => random.between(0, 9)).join("");
  const whole = random.between(0, 3) === 0
    ? "0"
    : `${random.between(1, 9)}${digits(random.between(0, 40))}`;
  const fraction = digits(
    random.pick([0, random.between(1, 4), random.between(1, MAX_FRACTION)]),
  );
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  const isZero = !/[1-9]/.test(text);
  return !isZero && random.between(0, 1) === 0 ? `-${text}` : text;
}

function randomBytes(random: Random): Uint8Array {
  return Uint8Array.from(random.list(40, () => random.between(0, 255)));
}

const DAY = 86_400_000_000n;
/** Microseconds since 1970 of the ends of what both sides hold, a day inside. */
const FIRST = -210_866_716_800_000_000n;
const LAST = 8_640_000_000_000_000_000n - DAY;

function randomInstant(random: Random): Temporal.Instant {
  const micros = random.pick([
    random.bigBetween(FIRST, LAST),
    random.bigBetween(-(2n ** 50n), 2n ** 52n),
  ]);
  return Temporal.Instant.fromEpochNanoseconds(micros * 1000n);
}

function randomDateTime(random: Random): Temporal.PlainDateTime {
  return randomInstant(random).toZonedDateTimeISO("UTC").toPlainDateTime();
}

function randomTime(random: Random): Temporal.PlainTime {
  return randomDateTime(random).toPlainTime();
}

function randomTimeTz(random: Random): TimeTz {
  return new TimeTz(
    randomTime(random),
    random.pick([0, 3600, -1800, random.between(-57_599, 57_599)]),
  );
}

const INT4_MAX = 2 ** 31 - 1;

function randomInterval(random: Random): Interval {
  const part = () =>
    random.pick([
      0,
      random.between(-20, 20),
      random.between(-INT4_MAX, INT4_MAX),
    ]);
  // Servers before PostgreSQL 15 cannot write more than 2^31 hours.
  return new Interval(part(), part(), random.bits64() >> 6n);
}

function randomUuid(random: Random): string {
  const hex = Array.from(
    { length: 4 },
    () => random.bits().toString(16).padStart(8, "0"),
  ).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** As long as the server keeps it, whole characters only. */
function randomName(random: Random): string {
  const encoder = new TextEncoder();
  let text = randomText(random, 30);
  while (encoder.encode(text).length > 63) text = [...text].slice(1).join("");
  return text;
}

function randomHex(bytes: number): (random: Random) => string {
  return (random) =>
    Array.from(
      { length: bytes },
      () => random.between(0, 255).toString(16).padStart(2, "0"),
    ).join(":");
}

function randomBits(random: Random): string {
  return random.list(70, () => random.between(0, 1)).join("");
}

function randomInet(random: Random): Inet {
  const bytes = Uint8Array.from(
    { length: random.pick([4, 16]) },
    () => random.pick([0, 0, 255, random.between(0, 255)]),
  );
  return new Inet(bytes, random.between(0, 8 * bytes.length));
}

function randomPoint(random: Random): Point {
  return new Point(coordinate(random), coordinate(random));
}

const coordinate = or(
  [0, -0, NaN, Infinity, -Infinity],
  (random) =>
    random.pick([randomFloat8(random), random.between(-1000, 1000) / 8]),
);

function randomPoints(random: Random): Point[] {
  return [randomPoint(random), ...random.list(5, () => randomPoint(random))];
}

/** As the server writes it: no leading zeros. */
function randomLsn(random: Random): string {
  const half = () => random.bits().toString(16).toUpperCase();
  return `${half()}/${half()}`;
}

function randomSnapshot(random: Random): string {
  const first = random.between(1, 1000);
  return random.pick([
    `${first}:${first}:`,
    `${first}:${first + 9}:${first + 1},${first + 5}`,
  ]);
}

const TEXTS: readonly string[] = [
  "",
  " ",
  "NULL",
  "null",
  '"',
  "\\",
  "\\N",
  "\\.",
  "'",
  ",",
  "{}",
  "(,)",
  '{"a"}',
  "\t\n\r\v\f\b",
  "\u0085\u00a0\u2028",
];

/** The base types, by the names that the catalogue has for them. */
export const BASE_VALUES: Readonly<Record<string, BaseValues>> = {
  bool: {
    random: (random) => random.pick([true, false]),
    compare: (one: boolean, other: boolean) => Number(one) - Number(other),
  },
  int2: {
    random: or([-32768, 32767, 0], (random) => random.between(-32768, 32767)),
    compare: byOrder,
  },
  int4: {
    random: or(
      [-(2 ** 31), INT4_MAX, 0],
      (random) => Number(random.bigBetween(-(2n ** 31n), 2n ** 31n - 1n)),
    ),
    compare: byOrder,
  },
  int8: {
    random: or(
      [-(2n ** 63n), 2n ** 63n - 1n, 0n],
      (random) => random.bigBetween(-(2n ** 63n), 2n ** 63n - 1n),
    ),
    compare: byOrder,
  },
  oid: {
    random: or(
      [0, 2 ** 32 - 1],
      (random) => Number(random.bigBetween(0n, 2n ** 32n - 1n)),
    ),
    compare: byOrder,
  },
  float4: {
    random: or([0, -0, NaN, Infinity, -Infinity], randomFloat4),
    compare: byFloat,
  },
  float8: {
    random: or([0, -0, NaN, Infinity, -Infinity, 5e-324], randomFloat8),
    compare: byFloat,
  },
  numeric: {
    random: or(["NaN", "0", "0.000"], randomDecimal),
    compare: byDecimal,
  },
  text: {
    random: or(TEXTS, randomText),
    compare: byCodePoint,
    rangeOptions: 'collation = "C"',
  },
  varchar: { random: or(TEXTS, randomText) },
  bpchar: { random: or(TEXTS, randomText) },
  name: { random: or(TEXTS, randomName) },
  // ASCII, as servers before PostgreSQL 16 write any other byte as it is.
  '"char"': {
    random: (random) =>
      random.pick(["", String.fromCharCode(random.between(1, 127))]),
  },
  bytea: {
    random: or([new Uint8Array(), Uint8Array.of(0x5c, 0x78)], randomBytes),
    compare: byBytes,
  },
  uuid: {
    random: randomUuid,
    compare: byCodePoint,
  },
  date: {
    random: (random) => randomDateTime(random).toPlainDate(),
    compare: Temporal.PlainDate.compare,
  },
  time: { random: randomTime, compare: Temporal.PlainTime.compare },
  timetz: { random: randomTimeTz },
  timestamp: {
    random: randomDateTime,
    compare: Temporal.PlainDateTime.compare,
  },
  timestamptz: {
    random: randomInstant,
    compare: Temporal.Instant.compare,
  },
  interval: { random: randomInterval },
  inet: { random: randomInet },
  cidr: { random: (random): Cidr => randomInet(random).network },
  macaddr: { random: randomHex(6), compare: byCodePoint },
  macaddr8: { random: randomHex(8), compare: byCodePoint },
  '"bit"': { random: randomBits },
  varbit: { random: randomBits, compare: byCodePoint },
  point: { random: randomPoint },
  line: {
    random: (random) =>
      new Line(random.between(1, 9), coordinate(random), coordinate(random)),
  },
  lseg: {
    random: (random) =>
      new LineSegment(randomPoint(random), randomPoint(random)),
  },
  box: {
    random: (random) => new Box(randomPoint(random), randomPoint(random)),
  },
  path: {
    random: (random) =>
      new Path(randomPoints(random), random.pick([true, false])),
  },
  polygon: { random: (random) => new Polygon(randomPoints(random)) },
  circle: {
    random: (random) =>
      new Circle(randomPoint(random), Math.abs(coordinate(random))),
  },
  // Never empty: the server takes no empty ones in binary.
  int2vector: {
    random: (random) => [
      0,
      ...random.list(4, () => random.between(-32768, 32767)),
    ],
    send: (value: number[]) => new Int2Vector(value),
  },
  oidvector: {
    random: (random) => [0, ...random.list(4, () => random.bits())],
    send: (value: number[]) => new OidVector(value),
  },
  tid: {
    random: (random) => `(${random.bits()},${random.between(0, 65535)})`,
  },
  xid: { random: (random) => String(random.bits()) },
  cid: { random: (random) => String(random.bits()) },
  xid8: {
    random: (random) => String(BigInt.asUintN(64, random.bits64())),
    compare: (one: string, other: string) =>
      byOrder(BigInt(one), BigInt(other)),
  },
  pg_lsn: { random: randomLsn },
  pg_snapshot: { random: randomSnapshot },
  txid_snapshot: { random: randomSnapshot },
  json: { random: randomJson, send: (value) => new Json(value) },
  jsonb: { random: randomJson, send: (value) => new Jsonb(value) },
};
