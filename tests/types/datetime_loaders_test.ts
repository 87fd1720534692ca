import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { DataError, NotSupportedError } from "../../errors/base.ts";
import { Format } from "../../types/adapt.ts";
import {
  registerDateLoader,
  registerDateTimeText,
  registerInfinity,
  registerZonedDateTime,
} from "../../types/datetime_loaders.ts";
import { OID } from "../../types/oids.ts";
import { registerTimestamp } from "../../types/timestamp.ts";
import { loadFrom, Registered } from "./datetime_support.ts";

const map = new Registered(registerTimestamp);
const INFINITE = "7fffffffffffffff";
const NEGATIVE_INFINITE = "8000000000000000";

function assertPlain(actual: unknown, iso: string): void {
  assertInstanceOf(actual, Temporal.PlainDateTime);
  assertEquals(actual.toString(), iso);
}

function assertInstant(actual: unknown, iso: string): void {
  assertInstanceOf(actual, Temporal.Instant);
  assertEquals(actual.toString(), iso);
}

Deno.test("registerInfinity: infinite timestamps are numbers, others as by default", () => {
  const chosen = new Registered(registerTimestamp, registerInfinity);
  for (const oid of [OID.TIMESTAMP, OID.TIMESTAMPTZ]) {
    assertEquals(chosen.text(oid, "infinity"), Infinity);
    assertEquals(chosen.text(oid, "-infinity"), -Infinity);
    assertEquals(chosen.binary(oid, INFINITE), Infinity);
    assertEquals(chosen.binary(oid, NEGATIVE_INFINITE), -Infinity);
  }
  assertPlain(
    chosen.text(OID.TIMESTAMP, "2000-01-02 03:04:05.6"),
    "2000-01-02T03:04:05.6",
  );
  assertPlain(
    chosen.binary(OID.TIMESTAMP, "ff".repeat(8)),
    "1999-12-31T23:59:59.999999",
  );
  assertInstant(
    chosen.text(OID.TIMESTAMPTZ, "2000-01-02 03:04:05.6+01"),
    "2000-01-02T02:04:05.6Z",
  );
  assertThrows(
    () => chosen.text(OID.TIMESTAMP, "275760-09-14 00:00:00"),
    DataError,
    "registerDateTimeText()",
  );
});

Deno.test("registerDateTimeText: only the types that are asked for", () => {
  const chosen = new Registered(
    registerTimestamp,
    (to) => registerDateTimeText(to, ["timestamp"]),
  );
  assertEquals(chosen.text(OID.TIMESTAMP, "infinity"), "infinity");
  assertThrows(() => chosen.text(OID.TIMESTAMPTZ, "infinity"), DataError);
});

Deno.test("registerDateLoader: timestamptz as Date, cut to milliseconds, both formats alike", () => {
  const chosen = new Registered(registerTimestamp, registerDateLoader);
  const cases: [text: string, millis: number][] = [
    ["1970-01-01 00:00:00+00", 0],
    ["1970-01-01 00:00:00.001999+00", 1],
    ["1969-12-31 23:59:59.999999+00", -1],
    ["2000-02-29 01:00:00.123+01", 951_782_400_123],
    ["275760-09-13 00:00:00+00", 8_640_000_000_000_000],
  ];
  for (const [text, millis] of cases) {
    const exact = map.text(OID.TIMESTAMPTZ, text);
    assertInstanceOf(exact, Temporal.Instant);
    const expected = new Date(millis);
    assertEquals(chosen.text(OID.TIMESTAMPTZ, text), expected);
    assertEquals(
      chosen.binary(OID.TIMESTAMPTZ, map.dumpBinary(exact)),
      expected,
    );
  }
  assertThrows(
    () => chosen.text(OID.TIMESTAMPTZ, "275760-09-13 00:00:00.000001+00"),
    DataError,
    "too large for Date",
  );
  assertThrows(
    () => chosen.binary(OID.TIMESTAMPTZ, INFINITE),
    DataError,
    "too large (infinity) for Date",
  );
});

Deno.test("registerZonedDateTime: in the zone of the session, whatever that is now", () => {
  const chosen = new Registered(registerTimestamp, registerZonedDateTime);
  const parameters = { TimeZone: "Asia/Tokyo" };
  const loader = chosen.loader(OID.TIMESTAMPTZ, Format.BINARY, parameters);
  const load = (): string => {
    const value = loadFrom(loader, new Uint8Array(8));
    assertInstanceOf(value, Temporal.ZonedDateTime);
    return value.toString();
  };
  assertEquals(load(), "2000-01-01T09:00:00+09:00[Asia/Tokyo]");
  parameters.TimeZone = "UTC";
  assertEquals(load(), "2000-01-01T00:00:00+00:00[UTC]");
  // What SET TIME ZONE gives for a number: the sign is that of POSIX.
  parameters.TimeZone = "<+03>-03";
  assertEquals(load(), "2000-01-01T03:00:00+03:00[+03:00]");
  parameters.TimeZone = "<-08:30>+08:30";
  assertEquals(load(), "1999-12-31T15:30:00-08:30[-08:30]");
  for (const zone of ["Nowhere/Land", "posixrules", ""]) {
    parameters.TimeZone = zone;
    assertThrows(load, NotSupportedError, "TimeZone");
  }
  parameters.TimeZone = "Europe/Berlin";
  assertEquals(load(), "2000-01-01T01:00:00+01:00[Europe/Berlin]");
  const text = chosen.text(
    OID.TIMESTAMPTZ,
    "2000-07-01 12:00:00.000001+02",
    parameters,
  );
  assertEquals(
    String(text),
    "2000-07-01T12:00:00.000001+02:00[Europe/Berlin]",
  );
  assertThrows(
    () => chosen.binary(OID.TIMESTAMPTZ, "00".repeat(8)),
    NotSupportedError,
    "TimeZone",
  );
  assertThrows(
    () => chosen.text(OID.TIMESTAMPTZ, "infinity", parameters),
    DataError,
    "too large (infinity)",
  );
});
