import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DataError, NotSupportedError } from "../../errors/base.ts";
import { Format } from "../../types/adapt.ts";
import {
  registerDateTimeText,
  registerInfinity,
} from "../../types/datetime_loaders.ts";
import { registerInterval } from "../../types/interval.ts";
import { Interval } from "../../types/interval_value.ts";
import { OID } from "../../types/oids.ts";
import {
  int32,
  int64,
  Registered,
  withoutTemporal,
} from "./datetime_support.ts";

const map = new Registered(registerInterval);
const POSTGRES = { IntervalStyle: "postgres" };
const MAX32 = 0x7fff_ffff;
const MIN32 = -0x8000_0000;
const MAX64 = 0x7fff_ffff_ffff_ffffn;
const MIN64 = -MAX64 - 1n;

function bytesOf({ months, days, microseconds }: Interval): string {
  return int64(microseconds) + int32(days) + int32(months);
}

function load(text: string): Interval {
  const loaded = map.text(OID.INTERVAL, text, POSTGRES);
  assertInstanceOf(loaded, Interval);
  assertEquals(map.text(OID.INTERVAL, text), loaded);
  assertEquals(map.binary(OID.INTERVAL, bytesOf(loaded)), loaded);
  return loaded;
}

const CASES: [text: string, months: number, days: number, micros: bigint][] = [
  ["00:00:00", 0, 0, 0n],
  ["1 year", 12, 0, 0n],
  ["-1 years", -12, 0, 0n],
  ["1 mon", 1, 0, 0n],
  ["1 day", 0, 1, 0n],
  ["-1 days", 0, -1, 0n],
  ["1 year 2 mons 3 days 04:05:06.789", 14, 3, 14_706_789_000n],
  ["1 year 2 mons -3 days +04:05:06.000007", 14, -3, 14_706_000_007n],
  ["-1 years -2 mons +3 days -04:05:06", -14, 3, -14_706_000_000n],
  ["-1 mons +1 day", -1, 1, 0n],
  ["6 mons -6 days", 6, -6, 0n],
  ["-00:00:00.000001", 0, 0, -1n],
  ["1 day -00:00:00.5", 0, 1, -500_000n],
  ["-1 days +00:00:00.5", 0, -1, 500_000n],
  ["100:00:00", 0, 0, 360_000_000_000n],
  ["2000001:59:59.999999", 0, 0, 7_200_007_199_999_999n],
  ["2562047788:00:54.775807", 0, 0, MAX64],
  ["-2562047788:00:54.775808", 0, 0, MIN64],
  ["178956970 years 7 mons 2147483647 days", MAX32, MAX32, 0n],
  ["-178956970 years -8 mons -2147483648 days", MIN32, MIN32, 0n],
];

Deno.test("interval loaders: the same values from text and bytes, and back", () => {
  for (const [text, months, days, micros] of CASES) {
    const value = load(text);
    assertStrictEquals(value.months, months, text);
    assertStrictEquals(value.days, days, text);
    assertStrictEquals(value.microseconds, micros, text);
    assertEquals(value.toString(), text);
    assertEquals(
      map.dumpText(value),
      // The server would not read its own text of this one.
      micros === MIN64 ? `+0 mons +0 days ${MIN64} us` : text,
    );
    assertEquals(map.dumpBinary(value), bytesOf(value));
  }
});

Deno.test("interval loaders: bytes that are written out", () => {
  const value = map.binary(
    OID.INTERVAL,
    "0000 0000 0000 0001  ffff ffff  0000 000e",
  );
  assertEquals(value, new Interval(14, -1, 1n));
});

Deno.test("DT-16 Interval: approximate days as psycopg counts them, and durations exact", () => {
  const days: [text: string, days: number][] = [
    ["1 year", 365],
    ["-2 years", -730],
    ["1 mon", 30],
    ["-1 mons", -30],
    ["6 mons -6 days", 174],
    ["2 years -6 days", 724],
    // The server counts "1 year -1 month" as eleven months.
    ["11 mons", 330],
    ["1 day 12:00:00", 1.5],
    ["-06:00:00", -0.25],
    ["-1 years -1 mons +1 day", -394],
  ];
  for (const [text, expected] of days) {
    assertEquals(load(text).toApproximateDays(), expected, text);
  }
  const durations: [text: string, duration: string][] = [
    ["1 year", "P1Y"],
    ["-2 years", "-P2Y"],
    ["1 mon", "P1M"],
    ["1 year 2 mons 3 days 04:05:06.789", "P1Y2M3DT4H5M6.789S"],
    ["-1 mons -1 days -00:00:00.000001", "-P1M1DT0.000001S"],
    ["2562047788:00:54.775807", "PT2562047788H54.775807S"],
    ["00:00:00", "PT0S"],
  ];
  for (const [text, expected] of durations) {
    const duration = load(text).toDuration();
    assertInstanceOf(duration, Temporal.Duration);
    assertEquals(duration.toString(), expected);
    assert(Interval.fromDuration(duration).equals(load(text)));
  }
  for (
    const text of [
      "6 mons -6 days",
      "1 day -00:00:00.000001",
      "-1 mons +00:00:01",
    ]
  ) {
    assertThrows(() => load(text).toDuration(), RangeError, "different signs");
  }
});

Deno.test("DT-18 interval loaders: infinite ones are DataErrors in both formats", () => {
  const infinite = int64(MAX64) + int32(MAX32) + int32(MAX32);
  const negative = int64(MIN64) + int32(MIN32) + int32(MIN32);
  const cases: [() => unknown, string][] = [
    [() => map.text(OID.INTERVAL, "infinity", POSTGRES), "too large"],
    [() => map.text(OID.INTERVAL, "-infinity", POSTGRES), "too small"],
    [() => map.binary(OID.INTERVAL, infinite), "too large"],
    [() => map.binary(OID.INTERVAL, negative), "too small"],
  ];
  for (const [run, says] of cases) {
    const error = assertThrows(run, DataError, `interval ${says}`);
    assert(error.message.includes("registerInfinity()"));
  }
  const chosen = new Registered(registerInterval, registerInfinity);
  assertEquals(chosen.text(OID.INTERVAL, "infinity", POSTGRES), Infinity);
  assertEquals(chosen.text(OID.INTERVAL, "-infinity"), -Infinity);
  assertEquals(chosen.binary(OID.INTERVAL, infinite), Infinity);
  assertEquals(chosen.binary(OID.INTERVAL, negative), -Infinity);
  assertEquals(chosen.text(OID.INTERVAL, "1 mon"), new Interval(1));
  assertEquals(
    chosen.binary(OID.INTERVAL, bytesOf(new Interval(1))),
    new Interval(1),
  );
  // At the end of one part only, an interval is finite.
  const large = new Interval(MAX32, MAX32, MAX64 - 1n);
  assertEquals(map.binary(OID.INTERVAL, bytesOf(large)), large);
  for (
    const value of [
      new Interval(MAX32, MAX32, MAX64),
      new Interval(MIN32, MIN32, MIN64),
    ]
  ) {
    assertThrows(() => map.dumpText(value), DataError, "infinity");
    assertThrows(() => map.dumpBinary(value), DataError, "infinity");
  }
});

Deno.test("IntervalTextLoader: another IntervalStyle is a NotSupportedError, binary is not affected", () => {
  const texts: [style: string, text: string][] = [
    ["postgres_verbose", "@ 1 year 2 mons"],
    ["iso_8601", "P1Y2M"],
    ["sql_standard", "1-2"],
    ["sql_standard", "10:05:06"],
  ];
  for (const [IntervalStyle, text] of texts) {
    const error = assertThrows(
      () => map.text(OID.INTERVAL, text, { IntervalStyle }),
      NotSupportedError,
      "IntervalStyle",
    );
    assert(error.message.includes(`"${IntervalStyle}"`));
    assertEquals(
      map.binary(OID.INTERVAL, bytesOf(new Interval(14)), { IntervalStyle }),
      new Interval(14),
    );
  }
  assertThrows(
    () => map.text(OID.INTERVAL, "P1Y2M"),
    NotSupportedError,
    "IntervalStyle",
  );
  const chosen = new Registered(registerInterval, registerDateTimeText);
  assertEquals(chosen.text(OID.INTERVAL, "P1Y2M"), "P1Y2M");
});

Deno.test("IntervalTextLoader: text that does not fit the style is a DataError", () => {
  const bad = [
    "",
    " ",
    "1",
    "1 ",
    "0",
    "1 yea",
    "1 yearss",
    "1 years1",
    "1 yesrs",
    "1 mont",
    "1 week",
    "1 day ",
    " 1 day",
    "1  day",
    "1 day  2",
    "1day",
    "- 1 day",
    "--1 days",
    "@ 1 day",
    "1 day ago",
    "P1D",
    "1-2",
    "3 4:05:06",
    "4:05:06",
    "04:05",
    "04:05:6",
    "04:60:00",
    "04:00:60",
    "04:5:06",
    "04:5x:06",
    "04:05:06.",
    "04:05:06.1234567",
    "04:05:06 1 day",
    "04:05:06x",
    "178956970 years 8 mons",
    "2147483648 days",
    "-2147483649 days",
    "2562047788:00:54.775808",
    "99999999999 days",
    "99999999999:00:00",
  ];
  for (const text of bad) {
    assertThrows(
      () => map.text(OID.INTERVAL, text, POSTGRES),
      DataError,
      "interval",
      `for "${text}"`,
    );
  }
  for (const length of [0, 8, 15, 17]) {
    assertThrows(
      () => map.binary(OID.INTERVAL, "00".repeat(length)),
      DataError,
      "16 bytes",
    );
  }
});

Deno.test("Interval: cannot be changed, compares and prints", () => {
  const value = new Interval(14, -3, 5n);
  assert(Object.isFrozen(value));
  assert(value.equals(new Interval(14, -3, 5n)));
  assert(!value.equals(new Interval(14, -3, 6n)));
  assert(!value.equals(new Interval(14, 3, 5n)));
  assert(!value.equals(new Interval(13, -3, 5n)));
  assert(!value.equals({ months: 14, days: -3, microseconds: 5n }));
  assert(!new Interval(1).equals(new Interval(0, 30)));
  assertEquals(
    JSON.stringify({ value }),
    '{"value":"1 year 2 mons -3 days +00:00:00.000005"}',
  );
  assertEquals(
    Deno.inspect(value),
    "Interval { months: 14, days: -3, microseconds: 5n }",
  );
  assertStrictEquals(new Interval(-0, -0).months, 0);
  assertStrictEquals(new Interval(-0, -0).days, 0);
  const bad: [number, number, bigint][] = [
    [0.5, 0, 0n],
    [0, NaN, 0n],
    [MAX32 + 1, 0, 0n],
    [0, MIN32 - 1, 0n],
    [0, 0, MAX64 + 1n],
    [0, 0, MIN64 - 1n],
  ];
  for (const parts of bad) {
    assertThrows(() => new Interval(...parts), RangeError, "Interval");
  }
});

Deno.test("Temporal.Duration: goes out as an interval, rounded to microseconds", () => {
  const cases: [duration: string, text: string][] = [
    ["P1Y2M3W4DT5H6M7.000008S", "1 year 2 mons 25 days 05:06:07.000008"],
    ["-P1DT1H", "-1 days -01:00:00"],
    ["PT36H", "36:00:00"],
    ["PT0.000000499S", "00:00:00"],
    ["PT0.0000005S", "00:00:00.000001"],
    ["-PT0.0000005S", "-00:00:00.000001"],
    ["-PT0.000000499S", "00:00:00"],
    ["PT59.9999999S", "00:01:00"],
  ];
  for (const [iso, text] of cases) {
    const duration = Temporal.Duration.from(iso);
    assertEquals(map.dumpText(duration), text);
    assertEquals(map.dumpBinary(duration), bytesOf(load(text)));
  }
  const tooLong = [
    { months: 2 ** 31 },
    { years: 178_956_971 },
    { days: 2 ** 31 },
    { seconds: 2 ** 53 - 1 },
  ];
  for (const parts of tooLong) {
    const duration = Temporal.Duration.from(parts);
    assertThrows(() => map.dumpText(duration), DataError, "range");
    assertThrows(() => map.dumpBinary(duration), DataError, "range");
  }
});

Deno.test("interval dumpers: types, literals, values of other classes", () => {
  const value = new Interval(1, -1);
  const duration = Temporal.Duration.from("P1D");
  for (const format of [Format.TEXT, Format.BINARY]) {
    const dumper = map.dumper(value, format);
    assertEquals([dumper.oid, dumper.format], [OID.INTERVAL, format]);
    assertEquals(dumper.quote(value), "'1 mon -1 days'::interval");
    assertEquals(dumper.quote(duration), "'1 day'::interval");
    for (const wrong of ["1 day", 1, {}]) {
      assertThrows(() => dumper.text(wrong), DataError, "as interval");
    }
  }
  for (const key of [Interval, Temporal.Duration]) {
    assertEquals(map.dumpers.get(key)?.at(-1)?.format, Format.BINARY);
  }
  for (const set of [map, new Registered(registerInfinity)]) {
    const binary = set.loaderClass(OID.INTERVAL, Format.BINARY);
    assert(Object.hasOwn(binary, "twin"));
    assertStrictEquals(binary.twin, set.loaderClass(OID.INTERVAL, Format.TEXT));
  }
});

Deno.test("registerInterval: Interval needs no Temporal", async () => {
  await withoutTemporal(() => {
    const bare = new Registered(registerInterval);
    assertEquals([...bare.dumpers.keys()], [Interval]);
    assertEquals(bare.text(OID.INTERVAL, "1 mon"), new Interval(1));
    assertEquals(
      bare.roundTripBinary(new Interval(1, 2, 3n)),
      new Interval(1, 2, 3n),
    );
    assertThrows(
      () => new Interval(1).toDuration(),
      NotSupportedError,
      "Temporal",
    );
  });
});
