/**
 * Dates and timestamps on a real server: what it writes under every setting is
 * what comes out, in both formats.
 *
 * @module
 */

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DataError, NotSupportedError, sql } from "../../mod.ts";
import {
  Interval,
  registerDateLoader,
  registerDateTimeText,
  registerInfinity,
  registerZonedDateTime,
} from "../../types/mod.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  KINDS,
  open,
} from "../support/values.ts";
import { assertRefused } from "../support/values.ts";

const { PlainDate, PlainDateTime, Instant, ZonedDateTime } = Temporal;

/** Every setting of DateStyle: the style, and the order of day and month. */
const STYLES: readonly string[] = ["ISO", "Postgres", "SQL", "German"]
  .flatMap((style) =>
    ["YMD", "DMY", "MDY"].map((order) => `${style}, ${order}`)
  );

const DATES: readonly string[] = [
  "2000-01-01",
  "2003-04-05",
  "1999-12-31",
  "2024-02-29",
  "0001-01-01",
  "0099-12-31",
  "9999-12-31",
  "1582-10-10",
];

Deno.test("DT-02 P7 date: the same under every DateStyle", async () => {
  await using conn = await open();
  for (const style of STYLES) {
    await conn.execute(sql`set datestyle to ${sql.literal(style)}`);
    for (const text of DATES) {
      const date = PlainDate.from(text);
      await assertTrips(conn, date, "date");
      await assertLoads(
        conn,
        `make_date(${text.split("-").map(Number)})`,
        date,
      );
    }
    await assertLoads(
      conn,
      "array[make_date(2003, 4, 5), null, make_date(-44, 3, 15)]",
      [PlainDate.from("2003-04-05"), null, PlainDate.from("-000043-03-15")],
    );
  }
});

const TIMESTAMPS: readonly string[] = [
  "0258-01-08T01:12:32.358261",
  "2200-01-01T00:00:00.000001",
  "2300-01-01T00:00:00.000001",
  "7000-01-01T00:00:00.000001",
  "9999-12-31T23:59:59.999999",
  "0001-01-01T00:00:00",
  "2000-01-01T00:00:00",
  "1999-12-31T23:59:59.999999",
  "1969-12-31T23:59:59.999999",
  "2003-04-05T06:07:08.090807",
  "2003-04-05T12:00:00.1",
];

Deno.test("DT-04 P7 timestamp: exact to the microsecond in both formats, under every DateStyle", async () => {
  await using conn = await open();
  for (const style of STYLES) {
    await conn.execute(sql`set datestyle to ${sql.literal(style)}`);
    for (const text of TIMESTAMPS) {
      const value = PlainDateTime.from(text);
      await assertTrips(conn, value, "timestamp", {
        arrays: style === "ISO, MDY",
      });
      const seconds = `${value.second}.${text.split(".")[1] ?? "0"}`;
      await assertLoads(
        conn,
        `make_timestamp(${value.year}, ${value.month}, ${value.day}, ${value.hour}, ${value.minute}, 0) + '${seconds} seconds'::interval`,
        value,
      );
    }
  }
});

Deno.test("DT-06 P4 timestamp and date: infinity and what Temporal cannot hold are DataErrors, BC and beyond 9999 load", async () => {
  await using conn = await open();
  for (const type of ["date", "timestamp", "timestamptz"]) {
    await assertRefused(conn, `'infinity'::${type}`, `${type} too large`);
    await assertRefused(conn, `'-infinity'::${type}`, `${type} too small`);
  }
  await assertRefused(conn, "'275760-09-14'::date", "date too large");
  await assertRefused(conn, "'5874897-12-31'::date", "date too large");
  await assertRefused(
    conn,
    "'294276-12-31 23:59:59.999999'::timestamp",
    "timestamp too large",
  );
  await assertRefused(
    conn,
    "'294276-12-31 23:59:59.999999Z'::timestamptz",
    "timestamptz too large",
  );
  await conn.execute("set time zone 'UTC'");
  const days: [string, string][] = [
    ["10000-01-01", "+010000-01-01"],
    ["275760-09-13", "+275760-09-13"],
    ["0001-12-31 BC", "0000-12-31"],
    ["0001-02-29 BC", "0000-02-29"],
    ["0005-02-29 BC", "-000004-02-29"],
    ["0044-03-15 BC", "-000043-03-15"],
    ["4713-01-01 BC", "-004712-01-01"],
    ["4714-11-24 BC", "-004713-11-24"],
  ];
  for (const [text, iso] of days) {
    await assertTrips(conn, PlainDate.from(iso), "date");
    await assertLoads(conn, `'${text}'::date`, PlainDate.from(iso));
    const [day = "", era = ""] = text.split(" ");
    const noon = `${day} 00:00:00.000001`;
    if (day.startsWith("275760")) continue;
    const stamp = PlainDateTime.from(`${iso}T00:00:00.000001`);
    await assertTrips(conn, stamp, "timestamp");
    await assertLoads(conn, `'${noon} ${era}'::timestamp`, stamp);
    const instant = Instant.from(`${iso}T00:00:00.000001Z`);
    await assertTrips(conn, instant, "timestamptz");
    await assertLoads(conn, `'${noon}+00 ${era}'::timestamptz`, instant);
  }
  await assertLoads(
    conn,
    "'275760-09-13 23:59:59.999999'::timestamp",
    PlainDateTime.from("+275760-09-13T23:59:59.999999"),
  );
  await assertLoads(
    conn,
    "'275760-09-13 00:00:00Z'::timestamptz",
    Instant.fromEpochMilliseconds(8.64e15),
  );
  await assertRefused(
    conn,
    "'275760-09-13 00:00:00.000001Z'::timestamptz",
    "timestamptz too large",
  );
  // What PostgreSQL cannot hold is refused before or by the server.
  for (
    const value of [
      PlainDate.from("-271821-04-19"),
      PlainDateTime.from("-271821-04-19T00:00:00.000001"),
      Instant.fromEpochMilliseconds(-8.64e15),
    ]
  ) {
    for (const kind of KINDS) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}`, [value]),
        DataError,
      );
      assertEquals(error.connectionUsable, true);
    }
  }
});

Deno.test("P4 P11 infinity and the far ends by the loaders made for them", async () => {
  await using conn = await open();
  const infinite = conn.cursor();
  registerInfinity(infinite);
  const texts = conn.cursor();
  registerDateTimeText(texts.adapters);
  const types = ["date", "timestamp", "timestamptz"];
  if (conn.info.serverVersion >= 170000) types.push("interval");
  const ends: [string, string][] = [
    ["date", "5874897-12-31"],
    ["timestamp", "294276-12-31 23:59:59.999999"],
    ["timestamp", "4714-11-24 00:00:00 BC"],
  ];
  for (let run = 0; run < 3; run++) {
    for (const type of types) {
      for (
        const [text, number] of [["infinity", Infinity], [
          "-infinity",
          -Infinity,
        ]]
      ) {
        const query = `select '${text}'::${type}, array['${text}'::${type}]`;
        await infinite.execute(query);
        assertEquals(await infinite.fetchOne(), [number, [number]]);
        await texts.execute(query);
        assertEquals(await texts.fetchOne(), [text, [text]]);
      }
    }
    for (const [type, text] of ends) {
      await texts.execute(
        `select '${text}'::${type}, array['${text}'::${type}]`,
      );
      assertEquals(await texts.fetchOne(), [text, [text]]);
    }
    await infinite.execute("select '2000-01-02'::date, '1 day'::interval");
    assertExact(await infinite.fetchOne(), [
      PlainDate.from("2000-01-02"),
      new Interval(0, 1, 0n),
    ]);
  }
});

Deno.test("DT-08 P7 timestamptz: under another DateStyle in binary, and text that is forced is refused", async () => {
  await using conn = await open();
  const instant = Instant.from("2003-04-05T06:07:08.090807Z");
  const query = "select '2003-04-05 06:07:08.090807Z'::timestamptz";
  for (const zone of ["UTC", "America/Chicago", "Asia/Kolkata"]) {
    await conn.execute(sql`set time zone ${sql.literal(zone)}`);
    for (const style of STYLES) {
      await conn.execute(sql`set datestyle to ${sql.literal(style)}`);
      for (const kind of KINDS) {
        const { length } = [...KINDS];
        for (let run = 0; run < length; run++) {
          for (
            const sent of [instant, instant.toZonedDateTimeISO("Asia/Tokyo")]
          ) {
            const row = await conn.execute(
              `select %${kind}, %${kind} = %t, array[%${kind}, null]`,
              [sent, sent, instant, sent],
            ).fetchOne();
            assertExact(row, [instant, true, [instant, null]]);
          }
        }
        const array = await conn.execute(`select %${kind}`, [[instant]]);
        assertExact(await array.fetchOne(), [[instant]]);
      }
      for (const options of [{}, { binary: true }, { prepare: true }, {}]) {
        const cursor = await conn.execute(query, undefined, options);
        assertExact(await cursor.fetchOne(), [instant]);
      }
      if (style.startsWith("ISO")) {
        await assertLoads(conn, query.slice("select ".length), instant);
        continue;
      }
      const error = await assertRejects(
        () => conn.execute(query, undefined, { binary: false }),
        NotSupportedError,
      );
      assertStringIncludes(error.message, "DateStyle");
      assertEquals(error.connectionUsable, true);
    }
  }
});

Deno.test("DT-10 timestamptz: the ends of four digits in zones that pass them", async () => {
  await using conn = await open();
  const cases: [string, string, string][] = [
    ["America/Chicago", "9999-12-31 23:59:59-06", "+010000-01-01T05:59:59Z"],
    ["America/Chicago", "10000-01-01 23:59:59-06", "+010000-01-02T05:59:59Z"],
    ["Asia/Tokyo", "0001-01-01 00:00:00+09:18:59", "0000-12-31T14:41:01Z"],
    ["Asia/Tokyo", "0001-12-31 00:00:00+09:18:59 BC", "0000-12-30T14:41:01Z"],
  ];
  for (const [zone, text, iso] of cases) {
    await conn.execute(sql`set time zone ${sql.literal(zone)}`);
    await assertLoads(conn, `'${text}'::timestamptz`, Instant.from(iso));
    await assertLoads(conn, `array['${text}'::timestamptz]`, [
      Instant.from(iso),
    ]);
    await assertTrips(conn, Instant.from(iso), "timestamptz");
    // The server writes it as it was given.
    assertEquals(
      await conn.execute(`select '${text}'::timestamptz::text`).fetchOne(),
      [text],
    );
  }
});

Deno.test("P11 timestamptz: as ZonedDateTime in the zone of the session, and as Date", async () => {
  await using conn = await open();
  const zoned = conn.cursor();
  registerZonedDateTime(zoned.adapters);
  const dates = conn.cursor();
  registerDateLoader(dates);
  const instant = Instant.from("2003-07-05T06:07:08.090807Z");
  const query = "select '2003-07-05 06:07:08.090807Z'::timestamptz";
  for (
    const zone of ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Tokyo"]
  ) {
    await conn.execute(sql`set time zone ${sql.literal(zone)}`);
    for (const options of [{}, {}, { binary: true }, { binary: false }]) {
      await zoned.execute(query, undefined, options);
      const [value] = await zoned.fetchOne() ?? [];
      assertInstanceOf(value, ZonedDateTime);
      assertEquals(String(value), String(instant.toZonedDateTimeISO(zone)));
      await dates.execute(query, undefined, options);
      assertEquals(await dates.fetchOne(), [
        new Date("2003-07-05T06:07:08.090Z"),
      ]);
    }
  }
});

Deno.test("DT-22 Date: goes out as timestamptz, exact to the millisecond; an invalid one not at all", async () => {
  await using conn = await open();
  const dates = [
    new Date(0),
    new Date(1),
    new Date(-1),
    new Date("2003-04-05T06:07:08.999Z"),
    new Date("0001-01-01T00:00:00.001Z"),
    new Date("9999-12-31T23:59:59.999Z"),
    new Date(951_782_400_123),
  ];
  for (const zone of ["UTC", "America/New_York", "Asia/Kathmandu"]) {
    await conn.execute(sql`set time zone ${sql.literal(zone)}`);
    for (const date of dates) {
      const expected = Instant.fromEpochMilliseconds(date.getTime());
      await assertTrips(conn, date, "timestamptz", {
        expected,
        arrays: zone === "UTC",
      });
      for (const kind of KINDS) {
        assertEquals(
          await conn.execute(
            `select pg_typeof(%${kind})::text, (extract(epoch from %${kind}) * 1000)::int8`,
            [date, date],
          ).fetchOne(),
          ["timestamp with time zone", BigInt(date.getTime())],
        );
      }
    }
  }
  for (const kind of KINDS) {
    for (const value of [new Date(NaN), [new Date(NaN)]]) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}`, [value]),
        DataError,
      );
      assertEquals(error.reachedServer, false);
      assertEquals(error.connectionUsable, true);
    }
  }
  await assertRejects(
    () => conn.execute(sql`select ${sql.literal(new Date(NaN))}`),
    DataError,
  );
});

Deno.test("P4 date: never shifts by a zone, of the session or of this machine", async () => {
  await using conn = await open();
  for (const zone of ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]) {
    await conn.execute(sql`set time zone ${sql.literal(zone)}`);
    for (const text of ["2000-01-01", "1970-01-01", "1900-03-01"]) {
      await assertTrips(conn, PlainDate.from(text), "date");
      assertEquals(
        await conn.execute("select %s::text", [PlainDate.from(text)])
          .fetchOne(),
        [text],
      );
    }
  }
});
