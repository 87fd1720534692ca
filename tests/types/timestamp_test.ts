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
  registerDateLoader,
  registerInfinity,
  registerZonedDateTime,
} from "../../types/datetime_loaders.ts";
import { OID } from "../../types/oids.ts";
import { registerTimestamp } from "../../types/timestamp.ts";
import { int64, Registered, withoutTemporal } from "./datetime_support.ts";

const map = new Registered(registerTimestamp);
const UNIX_TO_PG = 946_684_800_000_000n;
const INFINITE = "7fffffffffffffff";
const NEGATIVE_INFINITE = "8000000000000000";

const plain = (iso: string): Temporal.PlainDateTime =>
  Temporal.PlainDateTime.from(iso);
const instant = (iso: string): Temporal.Instant => Temporal.Instant.from(iso);

/** Microseconds since 2000 by Temporal's own arithmetic. */
function micros(value: Temporal.Instant): bigint {
  return value.epochNanoseconds / 1000n - UNIX_TO_PG;
}

function assertPlain(actual: unknown, iso: string): void {
  assertInstanceOf(actual, Temporal.PlainDateTime);
  assertEquals(actual.toString(), iso);
}

function assertInstant(actual: unknown, iso: string): void {
  assertInstanceOf(actual, Temporal.Instant);
  assertEquals(actual.toString(), iso);
}

/** Checks a timestamp, and the same reading of the clock in UTC, everywhere. */
function assertExact(text: string, iso: string): void {
  const hex = int64(micros(instant(`${iso}Z`)));
  const utc = text.endsWith(" BC")
    ? `${text.slice(0, -3)}+00 BC`
    : `${text}+00`;
  assertPlain(map.text(OID.TIMESTAMP, text), iso);
  assertPlain(map.binary(OID.TIMESTAMP, hex), iso);
  assertEquals(map.dumpText(plain(iso)), text);
  assertEquals(map.dumpBinary(plain(iso)), hex);
  assertInstant(map.text(OID.TIMESTAMPTZ, utc), `${iso}Z`);
  assertInstant(map.binary(OID.TIMESTAMPTZ, hex), `${iso}Z`);
  assertEquals(map.dumpText(instant(`${iso}Z`)), utc);
  assertEquals(map.dumpBinary(instant(`${iso}Z`)), hex);
}

Deno.test("DT-04 timestamps: exact to the microsecond, in both formats and directions", () => {
  assertExact("0258-01-08 01:12:32.358261", "0258-01-08T01:12:32.358261");
  for (const year of ["2200", "2300", "7000"]) {
    assertExact(
      `${year}-01-01 00:00:00.000001`,
      `${year}-01-01T00:00:00.000001`,
    );
  }
  assertExact("9999-12-31 23:59:59.999999", "9999-12-31T23:59:59.999999");
});

Deno.test("timestamps: the ends of eras, of the range, and of what a number holds", () => {
  assertExact("2000-01-01 00:00:00", "2000-01-01T00:00:00");
  assertExact("1999-12-31 23:59:59.999999", "1999-12-31T23:59:59.999999");
  assertExact("1970-01-01 00:00:00.1", "1970-01-01T00:00:00.1");
  assertExact("0001-01-01 00:00:00", "0001-01-01T00:00:00");
  assertExact("0001-02-29 23:59:59.5 BC", "0000-02-29T23:59:59.5");
  assertExact("4714-11-24 00:00:00 BC", "-004713-11-24T00:00:00");
  assertExact("275760-09-12 23:59:59.999999", "+275760-09-12T23:59:59.999999");
  const last = "275760-09-13 00:00:00";
  assertExact(last, "+275760-09-13T00:00:00");
  assertPlain(
    map.text(OID.TIMESTAMP, "275760-09-13 23:59:59.999999"),
    "+275760-09-13T23:59:59.999999",
  );
  // 2 ** 53 microseconds on either side of 2000.
  for (const edge of [1n << 53n, -(1n << 53n)]) {
    for (let step = -2n; step <= 2n; step++) {
      const iso = Temporal.Instant.fromEpochNanoseconds(
        (edge + step + UNIX_TO_PG) * 1000n,
      ).toString();
      const hex = int64(edge + step);
      assertInstant(map.binary(OID.TIMESTAMPTZ, hex), iso);
      assertPlain(map.binary(OID.TIMESTAMP, hex), iso.slice(0, -1));
      assertEquals(map.dumpBinary(instant(iso)), hex);
      assertEquals(map.dumpBinary(plain(iso.slice(0, -1))), hex);
    }
  }
});

Deno.test("timestamps: random ones are the same in both formats", () => {
  let seed = 20_240_229n;
  const low = -211_813_488_000_000_000n;
  const high = 8_639_053_315_200_000_000n;
  for (let i = 0; i < 3000; i++) {
    seed = (seed * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) &
      0xffff_ffff_ffff_ffffn;
    const span = i % 2 === 0 ? high - low : 9_000_000_000_000_000n;
    const total = (i % 2 === 0 ? low : -span / 2n) + seed % span;
    const value = Temporal.Instant.fromEpochNanoseconds(
      (total + UNIX_TO_PG) * 1000n,
    );
    const hex = int64(total);
    assertEquals(map.dumpBinary(value), hex);
    assertInstant(map.roundTripText(value), value.toString());
    assertInstant(map.binary(OID.TIMESTAMPTZ, hex), value.toString());
    const clock = value.toZonedDateTimeISO("UTC").toPlainDateTime();
    assertEquals(map.dumpBinary(clock), hex);
    assertPlain(map.roundTripText(clock), clock.toString());
    assertPlain(map.roundTripBinary(clock), clock.toString());
  }
});

Deno.test("timestamps: bytes that are written out", () => {
  assertPlain(map.binary(OID.TIMESTAMP, "00".repeat(8)), "2000-01-01T00:00:00");
  assertPlain(
    map.binary(OID.TIMESTAMP, "ff".repeat(8)),
    "1999-12-31T23:59:59.999999",
  );
  assertInstant(
    map.binary(OID.TIMESTAMPTZ, "fffca2fec4c82000"),
    "1970-01-01T00:00:00Z",
  );
});

Deno.test("DT-06 timestamps: year 10000 and BC load; infinity and what is beyond Temporal are DataErrors", () => {
  assertExact("10000-01-01 00:00:00", "+010000-01-01T00:00:00");
  assertExact("0044-03-15 12:00:00 BC", "-000043-03-15T12:00:00");
  for (const [oid, zone] of [[OID.TIMESTAMP, ""], [OID.TIMESTAMPTZ, "+00"]]) {
    if (typeof oid !== "number") throw new Error("unreachable");
    const large = [
      () => map.text(oid, "infinity"),
      () => map.binary(oid, INFINITE),
      () => map.text(oid, `275760-09-14 00:00:00${zone}`),
      () => map.text(oid, `294276-12-31 23:59:59.999999${zone}`),
      () => map.binary(oid, int64(9_223_371_331_199_999_999n)),
      () => map.binary(oid, "7ffffffffffffffe"),
    ];
    for (const load of large) {
      const error = assertThrows(load, DataError, "too large");
      assert(/timestamp(tz)? too large/.test(error.message));
      assert(error.message.includes("registerDateTimeText()"));
    }
    const small = [
      () => map.text(oid, "-infinity"),
      () => map.binary(oid, NEGATIVE_INFINITE),
      () => map.binary(oid, "8000000000000001"),
    ];
    for (const load of small) {
      const error = assertThrows(load, DataError, "too small");
      assert(/timestamp(tz)? too small/.test(error.message));
      assert(error.message.includes("registerDateTimeText()"));
    }
  }
  // An instant ends at midnight, where a plain timestamp has the day left.
  assertThrows(
    () => map.text(OID.TIMESTAMPTZ, "275760-09-13 00:00:00.000001+00"),
    DataError,
    "timestamptz too large",
  );
});

Deno.test("TimestampTextLoader: one timestamp under every DateStyle", () => {
  const texts: [style: string, text: string][] = [
    ["ISO, MDY", "2000-03-04 01:02:03.4"],
    ["Postgres, MDY", "Sat Mar 04 01:02:03.4 2000"],
    ["Postgres, DMY", "Sat 04 Mar 01:02:03.4 2000"],
    ["SQL, MDY", "03/04/2000 01:02:03.4"],
    ["SQL, DMY", "04/03/2000 01:02:03.4"],
    ["German, DMY", "04.03.2000 01:02:03.4"],
  ];
  for (const [DateStyle, text] of texts) {
    assertPlain(
      map.text(OID.TIMESTAMP, text, { DateStyle }),
      "2000-03-04T01:02:03.4",
    );
  }
  assertPlain(
    map.text(OID.TIMESTAMP, "Fri Mar 15 12:00:00 0044 BC"),
    "-000043-03-15T12:00:00",
  );
  assertPlain(
    map.text(OID.TIMESTAMP, "15.03.10000 12:00:00"),
    "+010000-03-15T12:00:00",
  );
});

Deno.test("DT-08 timestamptz: text in another DateStyle is a NotSupportedError, binary is not affected", () => {
  const texts: [style: string, text: string][] = [
    ["Postgres, MDY", "Sat Mar 04 01:02:03 2000 CET"],
    ["SQL, DMY", "04/03/2000 01:02:03 CET"],
    ["German, DMY", "04.03.2000 01:02:03 CET"],
  ];
  for (const [DateStyle, text] of texts) {
    for (const register of [registerTimestamp, registerDateLoader]) {
      const error = assertThrows(
        () =>
          new Registered(register).text(OID.TIMESTAMPTZ, text, { DateStyle }),
        NotSupportedError,
        "DateStyle",
      );
      assert(error.message.includes(`"${DateStyle}"`));
    }
    assertInstant(
      map.binary(OID.TIMESTAMPTZ, "00".repeat(8), { DateStyle }),
      "2000-01-01T00:00:00Z",
    );
  }
  assertThrows(
    () => map.text(OID.TIMESTAMPTZ, "04/03/2000 01:02:03 CET"),
    NotSupportedError,
    "DateStyle",
  );
  assertThrows(
    () => map.text(OID.TIMESTAMPTZ, "04/03/2000", { DateStyle: "ISO, MDY" }),
    DataError,
    "DateStyle",
  );
});

Deno.test("DT-10 timestamptz: the edges of the years 1 and 9999 load with their offsets, and a day further", () => {
  const cases: [text: string, iso: string][] = [
    ["9999-12-31 23:59:59-06", "+010000-01-01T05:59:59Z"],
    ["0001-01-01 00:00:00+09:18:59", "0000-12-31T14:41:01Z"],
    ["10000-01-01 23:59:59-06", "+010000-01-02T05:59:59Z"],
    ["0001-12-31 00:00:00+09:18:59 BC", "0000-12-30T14:41:01Z"],
    ["2000-01-01 01:02:03.123456-10:20", "2000-01-01T11:22:03.123456Z"],
    ["2000-03-01 00:00:00+15:59:59", "2000-02-29T08:00:01Z"],
  ];
  for (const [text, iso] of cases) {
    assertInstant(map.text(OID.TIMESTAMPTZ, text), iso);
    assertInstant(
      map.binary(OID.TIMESTAMPTZ, int64(micros(instant(iso)))),
      iso,
    );
  }
});

Deno.test("DT-22 Date: goes out as timestamptz to the millisecond, an invalid one not at all", () => {
  const cases: [millis: number, text: string][] = [
    [0, "1970-01-01 00:00:00+00"],
    [1, "1970-01-01 00:00:00.001+00"],
    [-1, "1969-12-31 23:59:59.999+00"],
    [951_782_400_123, "2000-02-29 00:00:00.123+00"],
    [8_640_000_000_000_000, "275760-09-13 00:00:00+00"],
    [-62_135_596_800_001, "0001-12-31 23:59:59.999+00 BC"],
    [-210_866_803_200_000, "4714-11-24 00:00:00+00 BC"],
  ];
  for (const [millis, text] of cases) {
    const value = new Date(millis);
    assertEquals(map.dumper(value, Format.BINARY).oid, OID.TIMESTAMPTZ);
    assertEquals(map.dumpText(value), text);
    assertEquals(
      map.dumpBinary(value),
      int64(BigInt(millis) * 1000n - UNIX_TO_PG),
    );
  }
  for (const format of [Format.TEXT, Format.BINARY]) {
    const dumper = map.dumper(new Date(), format);
    assertThrows(() => dumper.text(new Date(NaN)), DataError, "invalid date");
    assertThrows(() => dumper.quote(new Date(NaN)), DataError, "invalid date");
  }
  assertThrows(() => map.dumpBinary(new Date(NaN)), DataError, "invalid date");
});

Deno.test("timestamp dumpers: nanoseconds go to the nearest microsecond, and carry over", () => {
  const cases: [iso: string, text: string][] = [
    ["2000-01-01T00:00:00.000000499", "2000-01-01 00:00:00"],
    ["2000-01-01T00:00:00.0000005", "2000-01-01 00:00:00.000001"],
    ["1969-12-31T23:59:59.0000005", "1969-12-31 23:59:59.000001"],
    ["1969-12-31T23:59:59.000000499", "1969-12-31 23:59:59"],
    ["1999-12-31T23:59:59.9999995", "2000-01-01 00:00:00"],
    ["-000001-12-31T23:59:59.9999999", "0001-01-01 00:00:00 BC"],
  ];
  for (const [iso, text] of cases) {
    const rounded = map.text(OID.TIMESTAMP, text);
    assertInstanceOf(rounded, Temporal.PlainDateTime);
    assertEquals(map.dumpText(plain(iso)), text);
    assertEquals(map.dumpBinary(plain(iso)), map.dumpBinary(rounded));
    assertEquals(
      map.dumpBinary(instant(`${iso}Z`)),
      map.dumpBinary(plain(iso)),
    );
    assertEquals(map.dumpText(instant(`${iso}Z`)).replace("+00", ""), text);
  }
});

Deno.test("timestamp dumpers: types, literals, zones, calendars, other classes", () => {
  const berlin = Temporal.ZonedDateTime.from(
    "2000-07-01T12:00+02:00[Europe/Berlin]",
  );
  const clock = plain("2000-07-01T12:00");
  for (const format of [Format.TEXT, Format.BINARY]) {
    const local = map.dumper(clock, format);
    assertEquals([local.oid, local.format], [OID.TIMESTAMP, format]);
    assertEquals(local.quote(clock), "'2000-07-01 12:00:00'::timestamp");
    for (
      const value of [
        berlin,
        berlin.toInstant(),
        new Date(berlin.epochMilliseconds),
      ]
    ) {
      const dumper = map.dumper(value, format);
      assertEquals([dumper.oid, dumper.format], [OID.TIMESTAMPTZ, format]);
      assertEquals(
        dumper.quote(value),
        "'2000-07-01 10:00:00+00'::timestamptz",
      );
      assertEquals(map.dumpBinary(value), map.dumpBinary(berlin));
    }
    for (const wrong of ["2000-01-01", 1, {}, new Date(0)]) {
      assertThrows(() => local.text(wrong), DataError, "as timestamp");
    }
    for (const wrong of ["2000-01-01", 1, {}, clock]) {
      const dumper = map.dumper(berlin, format);
      assertThrows(() => dumper.text(wrong), DataError, "as timestamptz");
    }
  }
  const hebrew = clock.withCalendar("hebrew");
  assertEquals(map.dumpText(hebrew), "2000-07-01 12:00:00");
  assertEquals(map.dumpBinary(hebrew), map.dumpBinary(clock));
  const early = "-004713-11-23T23:59:59.999";
  const values = [
    plain(early),
    instant(`${early}Z`),
    new Date(instant(`${early}Z`).epochMilliseconds),
  ];
  for (const value of values) {
    assertThrows(() => map.dumpText(value), DataError, "4714-11-24 BC");
    assertThrows(() => map.dumpBinary(value), DataError, "4714-11-24 BC");
  }
  const keys = [
    Date,
    Temporal.PlainDateTime,
    Temporal.Instant,
    Temporal.ZonedDateTime,
  ];
  for (const key of keys) {
    assertEquals(map.dumpers.get(key)?.at(-1)?.format, Format.BINARY);
  }
});

Deno.test("timestamp loaders: what is no timestamp is a DataError", () => {
  const bad = [
    "",
    "2000-01-01",
    "2000-01-01 ",
    "2000-01-01T00:00:00",
    "2000-01-01 00:00",
    "2000-01-01 00:00:60",
    "2000-01-01 00:00:00.",
    "2000-01-01 00:00:00 ",
    "2000-02-30 00:00:00",
    "2000-01-01 00:00:00 AD",
    "Sat 04 Mar 04 01:02:03 2000",
    "Sat Mar 01:02:03 2000",
    "Sat Mrz 04 01:02:03 2000",
    "03.04.2000",
    "infinity BC",
  ];
  for (const text of bad) {
    for (const oid of [OID.TIMESTAMP, OID.TIMESTAMPTZ]) {
      const error = assertThrows(
        () => map.text(oid, text, { DateStyle: "ISO, MDY" }),
        DataError,
        "text",
        `for "${text}"`,
      );
      assert(!error.message.includes(" too "));
    }
  }
  for (const oid of [OID.TIMESTAMP, OID.TIMESTAMPTZ]) {
    for (const length of [0, 4, 7, 9]) {
      assertThrows(
        () => map.binary(oid, "00".repeat(length)),
        DataError,
        "8 bytes",
      );
    }
  }
});

Deno.test("timestamp loaders: each of binary has that of text as its twin", () => {
  const sets = [
    map,
    new Registered(registerInfinity),
    new Registered(registerDateLoader),
    new Registered(registerZonedDateTime),
  ];
  for (const set of sets) {
    const binary = set.loaderClass(OID.TIMESTAMPTZ, Format.BINARY);
    assert(Object.hasOwn(binary, "twin"));
    assertStrictEquals(
      binary.twin,
      set.loaderClass(OID.TIMESTAMPTZ, Format.TEXT),
    );
  }
});

Deno.test("registerTimestamp: without Temporal, Date still goes both ways", async () => {
  await withoutTemporal(() => {
    const bare = new Registered(registerTimestamp);
    assertEquals([...bare.dumpers.keys()], [Date]);
    const zero = "00".repeat(8);
    const loads = [
      () => bare.binary(OID.TIMESTAMP, zero),
      () => bare.text(OID.TIMESTAMP, "2000-01-01 00:00:00"),
      () => bare.binary(OID.TIMESTAMPTZ, zero),
      () => bare.text(OID.TIMESTAMPTZ, "2000-01-01 00:00:00+00"),
      () => new Registered(registerZonedDateTime).binary(OID.TIMESTAMPTZ, zero),
    ];
    for (const load of loads) {
      const error = assertThrows(load, NotSupportedError, "Temporal");
      assert(error.message.includes("registerDateLoader()"));
      assert(error.message.includes("registerDateTimeText()"));
    }
    registerDateLoader(bare);
    const loaded = bare.binary(OID.TIMESTAMPTZ, zero);
    assertEquals(loaded, new Date("2000-01-01T00:00:00Z"));
    assertEquals(bare.dumpBinary(new Date("2000-01-01T00:00:00Z")), zero);
  });
});
