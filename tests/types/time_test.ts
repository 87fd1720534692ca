import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DataError, NotSupportedError } from "../../errors/base.ts";
import { Format } from "../../types/adapt.ts";
import { registerDateTimeText } from "../../types/datetime_loaders.ts";
import { OID } from "../../types/oids.ts";
import { registerTime } from "../../types/time.ts";
import { TimeTz } from "../../types/timetz.ts";
import {
  int32,
  int64,
  Registered,
  withoutTemporal,
} from "./datetime_support.ts";

const map = new Registered(registerTime);
const time = (text: string): Temporal.PlainTime =>
  Temporal.PlainTime.from(text);

function assertTime(actual: unknown, expected: string): void {
  assertInstanceOf(actual, Temporal.PlainTime);
  assertEquals(actual.toString(), expected);
}

/** Checks a time with offset in both directions and formats. */
function assertTimeTz(text: string, micros: bigint, offset: number): void {
  const hex = int64(micros) + int32(-offset);
  for (
    const value of [map.text(OID.TIMETZ, text), map.binary(OID.TIMETZ, hex)]
  ) {
    assertInstanceOf(value, TimeTz);
    assertStrictEquals(value.offsetSeconds, offset);
    assertEquals(value.toString(), text);
    assertEquals(map.dumpText(value), text);
    assertEquals(map.dumpBinary(value), hex);
  }
}

Deno.test("DT-20 time loaders: microseconds exact in both formats", () => {
  const times: [text: string, micros: bigint, iso: string][] = [
    ["00:00:00", 0n, "00:00:00"],
    ["00:00:00.1", 100_000n, "00:00:00.1"],
    ["00:00:00.000001", 1n, "00:00:00.000001"],
    ["00:00:00.29", 290_000n, "00:00:00.29"],
    ["00:00:00.000029", 29n, "00:00:00.000029"],
    ["01:02:03.456789", 3_723_456_789n, "01:02:03.456789"],
    ["12:34:56.7", 45_296_700_000n, "12:34:56.7"],
    ["23:59:59.999999", 86_399_999_999n, "23:59:59.999999"],
  ];
  for (const [text, micros, iso] of times) {
    assertTime(map.text(OID.TIME, text), iso);
    assertTime(map.binary(OID.TIME, int64(micros)), iso);
    assertEquals(map.dumpText(time(iso)), text);
    assertEquals(map.dumpBinary(time(iso)), int64(micros));
  }
  // Every fraction of a second that floating point could spoil.
  for (let micros = 0; micros < 1_000_000; micros += 997) {
    const text = `13:14:15.${String(micros).padStart(6, "0")}`;
    const loaded = map.text(OID.TIME, text);
    assertInstanceOf(loaded, Temporal.PlainTime);
    assertEquals(loaded.millisecond * 1000 + loaded.microsecond, micros);
    const { second, minute, hour, nanosecond } = loaded;
    assertEquals([hour, minute, second, nanosecond], [13, 14, 15, 0]);
    assertTime(
      map.binary(OID.TIME, int64(47_655_000_000n + BigInt(micros))),
      loaded.toString(),
    );
  }
});

Deno.test("PlainTime dumpers: nanoseconds go to the nearest microsecond alike in both formats", () => {
  const cases: [value: string, text: string][] = [
    ["00:00:00.000000499", "00:00:00"],
    ["00:00:00.0000005", "00:00:00.000001"],
    ["00:00:00.0000015", "00:00:00.000002"],
    ["00:00:00.9999995", "00:00:01"],
    ["09:59:59.9999999", "10:00:00"],
    ["23:59:59.999999499", "23:59:59.999999"],
    ["23:59:59.9999999", "24:00:00"],
  ];
  for (const [value, text] of cases) {
    assertEquals(map.dumpText(time(value)), text);
    if (text === "24:00:00") {
      assertEquals(map.dumpBinary(time(value)), int64(86_400_000_000n));
    } else {assertEquals(
        map.dumpBinary(time(value)),
        map.dumpBinary(time(text)),
      );}
  }
});

Deno.test("time loaders: 24:00 is a DataError that names the loader for it", () => {
  for (
    const load of [
      () => map.text(OID.TIME, "24:00:00"),
      () => map.binary(OID.TIME, int64(86_400_000_000n)),
      () => map.text(OID.TIMETZ, "24:00:00+02"),
      () => map.binary(OID.TIMETZ, int64(86_400_000_000n) + int32(-7200)),
    ]
  ) {
    const error = assertThrows(load, DataError, "24:00");
    assert(error.message.includes("registerDateTimeText()"));
  }
  const chosen = new Registered(registerTime, registerDateTimeText);
  assertEquals(chosen.text(OID.TIME, "24:00:00"), "24:00:00");
  assertEquals(chosen.text(OID.TIMETZ, "24:00:00+02"), "24:00:00+02");
});

Deno.test("DT-14 timetz: offsets load and dump, zones with names do not", () => {
  assertTimeTz("12:30:00-10", 45_000_000_000n, -36_000);
  assertTimeTz("12:30:00+12", 45_000_000_000n, 43_200);
  assertTimeTz("12:30:00.000001+02:30", 45_000_000_001n, 9000);
  assertTimeTz("00:00:00+00", 0n, 0);
  assertTimeTz("00:00:00-00:00:01", 0n, -1);
  assertTimeTz("23:59:59.999999+15:59:59", 86_399_999_999n, 57_599);
  assertTimeTz("01:02:03-15:59", 3_723_000_000n, -57_540);
  assertEquals(String(TimeTz.from("12:30:00Z")), "12:30:00+00");
  assertEquals(String(TimeTz.from("12:30:00.5-10:00")), "12:30:00.5-10");
  for (const zone of ["Europe/Berlin", " Europe/Berlin", "CET", "[UTC]"]) {
    assertThrows(() => TimeTz.from(`12:30:00${zone}`), DataError, "name");
    assertThrows(() => map.text(OID.TIMETZ, `12:30:00${zone}`), DataError);
  }
  const noon = time("12:00");
  for (const offset of [86_400, -86_400, 90_000, 57_600, -57_600, 0.5, NaN]) {
    assertThrows(() => new TimeTz(noon, offset), RangeError, "offset");
  }
});

Deno.test("timetz: bytes that are written out, the offset counts west", () => {
  const value = map.binary(
    OID.TIMETZ,
    "0000 000a 7a35 8200  ffff dcd8",
  );
  assertInstanceOf(value, TimeTz);
  assertEquals(String(value), "12:30:00+02:30");
});

Deno.test("TimeTz: cannot be changed, compares and prints", () => {
  const one = new TimeTz(time("12:30:00.1"), -0);
  assertStrictEquals(one.offsetSeconds, 0);
  assert(Object.isFrozen(one));
  assert(one.equals(TimeTz.from("12:30:00.1+00")));
  assert(!one.equals(TimeTz.from("12:30:00.1+01")));
  assert(!one.equals(TimeTz.from("12:30:00.2+00")));
  assert(!one.equals("12:30:00.1+00"));
  assertEquals(JSON.stringify({ one }), '{"one":"12:30:00.1+00"}');
});

Deno.test("time loaders: what is no time is a DataError", () => {
  const bad = [
    "",
    "1",
    "12:30",
    "12:30:0",
    "1:30:00",
    "12:60:00",
    "12:30:60",
    "24:00:01",
    "25:00:00",
    "12:30:00.",
    "12:30:00.1234567",
    "12:30:00.1x",
    "12:30:00x",
    "12-30-00",
    "12:30:00 BC",
    "1a:30:00",
    "-1:30:00",
  ];
  for (const text of bad) {
    assertThrows(
      () => map.text(OID.TIME, text),
      DataError,
      "time",
      `for "${text}"`,
    );
    assertThrows(() => map.text(OID.TIMETZ, `${text}+00`), DataError, "timetz");
  }
  for (
    const offset of ["", "+", "+1", "02", "+2:00", "+02:", "+02:60", "+02:0"]
      .concat(["+02:00:", "+02:00:60", "+02:00:00:00", "+02x", "+16", "-16"])
  ) {
    assertThrows(
      () => map.text(OID.TIMETZ, `12:30:00${offset}`),
      DataError,
      "timetz",
      `for "${offset}"`,
    );
  }
  assertThrows(() => map.binary(OID.TIME, "00"), DataError, "8 bytes");
  assertThrows(() => map.binary(OID.TIMETZ, int64(0n)), DataError, "12 bytes");
  for (const micros of [-1n, 86_400_000_001n, 1n << 62n, -(1n << 63n)]) {
    assertThrows(() => map.binary(OID.TIME, int64(micros)), DataError, "day");
  }
  for (const zone of [57_600, -57_600, 0x7fff_ffff, -0x8000_0000]) {
    assertThrows(
      () => map.binary(OID.TIMETZ, int64(0n) + int32(zone)),
      DataError,
      "16 hours",
    );
  }
});

Deno.test("time dumpers: types, literals, values of other classes", () => {
  const noon = time("12:00");
  const fixed = new TimeTz(noon, 3600);
  for (const format of [Format.TEXT, Format.BINARY]) {
    const plain = map.dumper(noon, format);
    assertEquals([plain.oid, plain.format], [OID.TIME, format]);
    assertEquals(plain.quote(noon), "'12:00:00'::time");
    assertThrows(() => plain.text("12:00"), DataError, "as time");
    const withOffset = map.dumper(fixed, format);
    assertEquals([withOffset.oid, withOffset.format], [OID.TIMETZ, format]);
    assertEquals(withOffset.quote(fixed), "'12:00:00+01'::timetz");
    assertThrows(() => withOffset.text(noon), DataError, "as timetz");
  }
  for (const key of [Temporal.PlainTime, TimeTz]) {
    assertEquals(map.dumpers.get(key)?.at(-1)?.format, Format.BINARY);
  }
  for (const oid of [OID.TIME, OID.TIMETZ]) {
    const text = map.loaderClass(oid, Format.TEXT);
    assertStrictEquals(map.loaderClass(oid, Format.BINARY).twin, text);
  }
});

Deno.test("registerTime: without Temporal, loading says what to do", async () => {
  await withoutTemporal(() => {
    const bare = new Registered(registerTime);
    assertEquals([...bare.dumpers.keys()], [TimeTz]);
    const loads = [
      () => bare.text(OID.TIME, "12:00:00"),
      () => bare.binary(OID.TIME, int64(0n)),
      () => bare.text(OID.TIMETZ, "12:00:00+00"),
      () => bare.binary(OID.TIMETZ, int64(0n) + int32(0)),
      () => TimeTz.from("12:00:00+00"),
    ];
    for (const load of loads) {
      assertThrows(load, NotSupportedError, "registerDateTimeText()");
    }
  });
});
