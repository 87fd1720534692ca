import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DataError, NotSupportedError } from "../../errors/base.ts";
import { Format } from "../../types/adapt.ts";
import { registerDate } from "../../types/date.ts";
import { dayNumber, Moment, setCivil } from "../../types/datetime_parts.ts";
import {
  registerDateTimeText,
  registerInfinity,
} from "../../types/datetime_loaders.ts";
import { OID } from "../../types/oids.ts";
import { int32, Registered, withoutTemporal } from "./datetime_support.ts";

const map = new Registered(registerDate);
const date = (text: string): Temporal.PlainDate =>
  Temporal.PlainDate.from(text);

/** Days since 2000-01-01 by Temporal's own arithmetic. */
function days(value: Temporal.PlainDate): number {
  return date("2000-01-01").until(value).days;
}

function assertDate(actual: unknown, expected: string): void {
  assertInstanceOf(actual, Temporal.PlainDate);
  assertEquals(actual.toString(), expected);
}

Deno.test("DT-02 DateTextLoader: one date under every DateStyle", () => {
  const texts: [style: string, text: string][] = [
    ["ISO, MDY", "2000-03-14"],
    ["ISO, DMY", "2000-03-14"],
    ["ISO, YMD", "2000-03-14"],
    ["Postgres, MDY", "03-14-2000"],
    ["Postgres, DMY", "14-03-2000"],
    ["Postgres, YMD", "03-14-2000"],
    ["SQL, MDY", "03/14/2000"],
    ["SQL, DMY", "14/03/2000"],
    ["SQL, YMD", "03/14/2000"],
    ["German, MDY", "14.03.2000"],
    ["German, DMY", "14.03.2000"],
    ["German, YMD", "14.03.2000"],
  ];
  for (const [DateStyle, text] of texts) {
    assertDate(map.text(OID.DATE, text, { DateStyle }), "2000-03-14");
  }
});

Deno.test("DateTextLoader: day and month keep their places when both could be either", () => {
  const read = (DateStyle: string, text: string): unknown =>
    map.text(OID.DATE, text, { DateStyle });
  assertDate(read("SQL, DMY", "03/04/0044 BC"), "-000043-04-03");
  assertDate(read("SQL, MDY", "03/04/10000"), "+010000-03-04");
  assertDate(read("Postgres, DMY", "03-04-2000"), "2000-04-03");
  assertDate(read("Postgres, MDY", "03-04-2000"), "2000-03-04");
  assertDate(read("German, MDY", "03.04.2000"), "2000-04-03");
});

Deno.test("DateTextLoader: one loader follows a session that changes its DateStyle", () => {
  const parameters = { DateStyle: "SQL, MDY" };
  const one = new Registered(registerDate);
  const loader = one.loader(OID.DATE, Format.TEXT, parameters);
  one.loader = () => loader;
  assertDate(one.text(OID.DATE, "03/04/2000"), "2000-03-04");
  parameters.DateStyle = "SQL, DMY";
  assertDate(one.text(OID.DATE, "03/04/2000"), "2000-04-03");
  parameters.DateStyle = "Postgres, DMY";
  assertThrows(
    () => one.text(OID.DATE, "03/04/2000"),
    DataError,
    'does not fit the DateStyle "Postgres, DMY"',
  );
});

Deno.test("DateTextLoader: an order that is not known is not guessed", () => {
  assertThrows(
    () => map.text(OID.DATE, "03/04/2000"),
    NotSupportedError,
    "DateStyle",
  );
  assertThrows(
    () => map.text(OID.DATE, "03/04/2000", { DateStyle: "ISO, MDY" }),
    DataError,
    "DateStyle",
  );
});

Deno.test("DateTextLoader, DateBinaryLoader: equal dates from both formats", () => {
  const dates: [text: string, iso: string][] = [
    ["2000-01-01", "2000-01-01"],
    ["1999-12-31", "1999-12-31"],
    ["1970-01-01", "1970-01-01"],
    ["1900-02-28", "1900-02-28"],
    ["2000-02-29", "2000-02-29"],
    ["0001-01-01", "0001-01-01"],
    ["0001-12-31 BC", "0000-12-31"],
    ["0001-02-29 BC", "0000-02-29"],
    ["0044-03-15 BC", "-000043-03-15"],
    ["4714-11-24 BC", "-004713-11-24"],
    ["9999-12-31", "9999-12-31"],
    ["10000-01-01", "+010000-01-01"],
    ["275760-09-13", "+275760-09-13"],
  ];
  for (const [text, iso] of dates) {
    assertDate(map.text(OID.DATE, text), iso);
    assertDate(map.binary(OID.DATE, int32(days(date(iso)))), iso);
    assertEquals(map.dumpText(date(iso)), text);
    assertEquals(map.dumpBinary(date(iso)), int32(days(date(iso))));
  }
});

Deno.test("DateBinaryLoader: bytes that are written out", () => {
  assertDate(map.binary(OID.DATE, "00000000"), "2000-01-01");
  assertDate(map.binary(OID.DATE, "ffffffff"), "1999-12-31");
  assertDate(map.binary(OID.DATE, "ffffd533"), "1970-01-01");
});

Deno.test("dayNumber, setCivil: as Temporal counts, over the whole range", () => {
  const moment = new Moment();
  for (let day = -2_451_545; day < 99_989_043; day += 9_973) {
    const expected = date("2000-01-01").add({ days: day });
    moment.days = day;
    setCivil(moment);
    const { year, month } = moment;
    assertEquals(
      [year, month, moment.day],
      [expected.year, expected.month, expected.day],
    );
    assertEquals(dayNumber(year, month, moment.day), day);
  }
});

Deno.test("DateTextLoader, DateBinaryLoader: what Temporal cannot hold names a loader that can", () => {
  const high = [
    () => map.text(OID.DATE, "infinity"),
    () => map.binary(OID.DATE, "7fffffff"),
    () => map.text(OID.DATE, "275760-09-14"),
    () => map.text(OID.DATE, "5874897-12-31"),
    () => map.binary(OID.DATE, int32(99_989_044)),
    () => map.binary(OID.DATE, "7ffffffe"),
  ];
  for (const load of high) {
    const error = assertThrows(load, DataError, "date too large");
    assert(error.message.includes("registerDateTimeText()"));
  }
  for (
    const load of [
      () => map.text(OID.DATE, "-infinity", { DateStyle: "SQL, DMY" }),
      () => map.binary(OID.DATE, "80000000"),
    ]
  ) {
    const error = assertThrows(load, DataError, "date too small");
    assert(error.message.includes("registerInfinity()"));
  }
});

Deno.test("DateTextLoader, DateBinaryLoader: what is no date is a DataError", () => {
  const bad = [
    "",
    " ",
    "2000",
    "2000-01",
    "2000-01-",
    "2000-01-0",
    "2000-1-01",
    "2000-13-01",
    "2000-00-01",
    "2000-01-00",
    "2000-01-32",
    "2001-02-29",
    "1900-02-29",
    "0000-01-01",
    "00002000-01-01",
    "2000-01-01x",
    "2000-01-01 00:00:00",
    "x2000-01-01",
    "2000/01/01",
    "20a0-01-01",
    "infinit",
    "infinitx",
    "--infinity",
    "2000-01-01 BC BC",
    "Fri Mar 14 01:02:03 2000",
  ];
  for (const text of bad) {
    const error = assertThrows(
      () => map.text(OID.DATE, text, { DateStyle: "ISO, MDY" }),
      DataError,
      "Cannot load a date",
      `for "${text}"`,
    );
    assert(text.length < 4 || !error.message.includes(text));
  }
  for (const hex of ["", "00", "000000", "0000000000"]) {
    assertThrows(() => map.binary(OID.DATE, hex), DataError, "4 bytes");
  }
});

Deno.test("PlainDate dumpers: types, literals, other calendars", () => {
  const ides = date("-000043-03-15");
  for (const format of [Format.TEXT, Format.BINARY]) {
    const dumper = map.dumper(ides, format);
    assertEquals(dumper.oid, OID.DATE);
    assertEquals(dumper.format, format);
    assertEquals(dumper.text(ides), "0044-03-15 BC");
    assertEquals(dumper.quote(ides), "'0044-03-15 BC'::date");
  }
  const hebrew = date("2000-03-14").withCalendar("hebrew");
  assertEquals(map.dumpText(hebrew), "2000-03-14");
  assertEquals(map.dumpBinary(hebrew), map.dumpBinary(date("2000-03-14")));
});

Deno.test("PlainDate dumpers: what PostgreSQL cannot hold is a DataError", () => {
  const early = date("-004713-11-23");
  assertThrows(() => map.dumpText(early), DataError, "4714-11-24 BC");
  assertThrows(() => map.dumpBinary(early), DataError, "4714-11-24 BC");
  for (const wrong of ["2000-01-01", new Date(), 1, {}]) {
    for (const format of [Format.TEXT, Format.BINARY]) {
      const dumper = map.dumper(early, format);
      assertThrows(() => dumper.text(wrong), DataError, "as date");
    }
  }
});

Deno.test("registerDate: binary is what %s takes, and text is its twin", () => {
  const classes = map.dumpers.get(Temporal.PlainDate);
  assertEquals(classes?.at(-1)?.format, Format.BINARY);
  assertStrictEquals(
    map.loaderClass(OID.DATE, Format.BINARY).twin,
    map.loaderClass(OID.DATE, Format.TEXT),
  );
});

Deno.test("registerInfinity: infinite dates are numbers, others dates", () => {
  const chosen = new Registered(registerDate, registerInfinity);
  assertEquals(chosen.text(OID.DATE, "infinity"), Infinity);
  assertEquals(chosen.text(OID.DATE, "-infinity"), -Infinity);
  assertEquals(chosen.binary(OID.DATE, "7fffffff"), Infinity);
  assertEquals(chosen.binary(OID.DATE, "80000000"), -Infinity);
  assertDate(chosen.text(OID.DATE, "2000-02-29"), "2000-02-29");
  assertDate(chosen.binary(OID.DATE, int32(59)), "2000-02-29");
  assertThrows(
    () => chosen.text(OID.DATE, "275760-09-14"),
    DataError,
    "registerDateTimeText()",
  );
  const binary = chosen.loaderClass(OID.DATE, Format.BINARY);
  assert(Object.hasOwn(binary, "twin"));
  assertStrictEquals(binary.twin, chosen.loaderClass(OID.DATE, Format.TEXT));
});

Deno.test("registerDateTimeText: the text of the server, and no binary", () => {
  const chosen = new Registered(registerDate, registerDateTimeText);
  for (const text of ["infinity", "14/03/2000", "5874897-12-31"]) {
    assertEquals(chosen.text(OID.DATE, text), text);
  }
  assert(
    chosen.loaderClass(OID.DATE, Format.BINARY).twin !==
      chosen.loaderClass(OID.DATE, Format.TEXT),
  );
});

Deno.test("date types: modules load and register without Temporal", async () => {
  const names = [
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamp_dumpers",
    "interval",
    "interval_value",
    "interval_text",
    "datetime_parts",
    "datetime_clock",
    "datetime_text",
    "datetime_styles",
    "datetime_readers",
    "datetime_loaders",
  ];
  await withoutTemporal(async () => {
    for (const name of names) {
      // The query makes it a module of its own, evaluated here and now.
      const url = new URL(
        `../../types/${name}.ts?without-temporal`,
        import.meta.url,
      );
      await import(url.href);
    }
    const bare = new Registered(registerDate);
    assertEquals(bare.dumpers.size, 0);
    assertThrows(
      () => bare.text(OID.DATE, "2000-01-01"),
      NotSupportedError,
      "registerDateLoader()",
    );
    assertThrows(
      () => bare.binary(OID.DATE, "00000000"),
      NotSupportedError,
      "registerDateTimeText()",
    );
  });
});
