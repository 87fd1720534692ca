/**
 * Times of day and intervals on a real server, in both formats.
 *
 * @module
 */

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DataError, NotSupportedError, sql } from "../../mod.ts";
import { Interval, TimeTz } from "../../types/mod.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  everyWay,
  KINDS,
  open,
} from "../support/values.ts";
import { assertRefused } from "../support/values.ts";

const { PlainTime, PlainDateTime, Instant } = Temporal;

Deno.test("DT-14 timetz: offsets in both directions, none beyond PostgreSQL's", async () => {
  await using conn = await open();
  const texts = [
    "12:00:00-10:00",
    "12:00:00.000001+12:00",
    "23:59:59.999999+02:30",
    "00:00:00Z",
    "00:00:00-15:59:59",
    "01:02:03.040506+15:59:59",
    "12:00:00+00:00:01",
    "12:00:00-00:30",
  ];
  for (const style of ["ISO, MDY", "German, DMY", "SQL, YMD"]) {
    await conn.execute(sql`set datestyle to ${sql.literal(style)}`);
    for (const text of texts) {
      const value = TimeTz.from(text);
      await assertTrips(conn, value, "timetz");
      await assertLoads(conn, `'${text}'::timetz`, value);
      for (const kind of KINDS) {
        await assertLoads(
          conn,
          `pg_typeof(%${kind})::text`,
          "time with time zone",
          [value],
        );
        await assertLoads(conn, `%${kind} = '${text}'::timetz`, true, [value]);
      }
    }
  }
  for (const zone of ["12:00:00 Europe/Berlin", "12:00:00[Europe/Berlin]"]) {
    assertThrows(() => TimeTz.from(zone), DataError, "zone");
  }
  const noon = new PlainTime(12);
  for (const offset of [24 * 3600, -24 * 3600, 25 * 3600, 16 * 3600]) {
    assertThrows(() => new TimeTz(noon, offset), RangeError, "offset");
  }
  await assertRefused(conn, "'24:00'::time", "24:00");
  await assertRefused(conn, "'24:00+02'::timetz", "24:00");
});

Deno.test("DT-16 interval: the parts as the server has them, and their days as psycopg counts them", async () => {
  await using conn = await open();
  const cases: [string, Interval, number][] = [
    ["1 year", new Interval(12, 0, 0n), 365],
    ["-2 years", new Interval(-24, 0, 0n), -730],
    ["1 month", new Interval(1, 0, 0n), 30],
    ["-1 month", new Interval(-1, 0, 0n), -30],
    ["6 mons -6 days", new Interval(6, -6, 0n), 174],
    ["2 years -6 days", new Interval(24, -6, 0n), 724],
    ["1 year -1 month", new Interval(11, 0, 0n), 330],
    [
      "12:34:56.789",
      new Interval(0, 0, 45_296_789_000n),
      45_296_789_000 / 864e8,
    ],
    ["1 day -00:00:00.000001", new Interval(0, 1, -1n), 1 - 1 / 864e8],
    ["0", new Interval(0, 0, 0n), 0],
  ];
  for (const [text, value, days] of cases) {
    await assertLoads(conn, `'${text}'::interval`, value);
    await assertTrips(conn, value, "interval");
    const [loaded] = await conn.execute(`select '${text}'::interval`)
      .fetchOne() ?? [];
    assertInstanceOf(loaded, Interval);
    assertEquals(loaded.toApproximateDays(), days, text);
  }
  const mixed = new Interval(6, -6, 0n);
  assertThrows(() => mixed.toDuration(), RangeError, "signs");
  for (const text of ["P1Y2M3DT4H5M6.789S", "-P3D", "PT0.000001S", "P2W"]) {
    const duration = Temporal.Duration.from(text);
    for (const kind of KINDS) {
      for (
        const value of (await everyWay(conn, `select %${kind}`, [duration]))
          .values()
      ) {
        assertInstanceOf(value, Interval);
        assertExact(value, Interval.fromDuration(duration));
        assertEquals(
          value.toDuration().total({
            unit: "seconds",
            relativeTo: "2001-01-01",
          }),
          duration.total({ unit: "seconds", relativeTo: "2001-01-01" }),
        );
      }
    }
  }
});

Deno.test("P7 interval: under another IntervalStyle in binary, and text that is forced is refused", async () => {
  await using conn = await open();
  const value = new Interval(14, -3, 14_706_500_000n);
  const query = "select '14 months -3 days 04:05:06.5'::interval";
  for (
    const style of ["postgres", "sql_standard", "iso_8601", "postgres_verbose"]
  ) {
    await conn.execute(sql`set intervalstyle to ${sql.literal(style)}`);
    for (const kind of KINDS) {
      for (let run = 0; run < 3; run++) {
        const row = await conn.execute(
          `select %${kind}, array[%${kind}, null], %${kind} = make_interval(months => 14, days => -3, secs => 14706.5)`,
          [value, value, value],
        ).fetchOne();
        assertExact(row, [value, [value, null], true]);
      }
    }
    assertExact(
      await conn.execute(
        sql`select ${sql.literal(value)}, ${sql.literal([value])}`,
      ).fetchOne(),
      [value, [value]],
      style,
    );
    for (const options of [{}, { binary: true }, { prepare: true }, {}]) {
      const cursor = await conn.execute(query, undefined, options);
      assertExact(await cursor.fetchOne(), [value]);
    }
    if (style === "postgres") continue;
    const error = await assertRejects(
      () => conn.execute(query, undefined, { binary: false }),
      NotSupportedError,
    );
    assertStringIncludes(error.message, "IntervalStyle");
    assertEquals(error.connectionUsable, true);
  }
});

Deno.test("DT-18 interval: the ends of its range load, infinite ones are DataErrors", async () => {
  await using conn = await open();
  const ends = [
    new Interval(2147483647, 0, 0n),
    new Interval(-2147483648, 0, 0n),
    new Interval(0, 2147483647, 0n),
    new Interval(0, -2147483648, 0n),
  ];
  const farther = [
    new Interval(2147483647, 2147483647, 2n ** 63n - 2n),
    new Interval(-2147483648, -2147483648, -(2n ** 63n) + 1n),
    new Interval(0, 0, 2n ** 63n - 1n),
    // The server does not read what it writes for these itself.
    new Interval(0, 0, -(2n ** 63n)),
    new Interval(-5, 3, -(2n ** 63n)),
    new Interval(5, -3, -(2n ** 63n)),
  ];
  // Older servers do not read the text of so many hours.
  if (conn.info.serverVersion >= 150000) ends.push(...farther);
  for (const style of ["sql_standard", "iso_8601", "postgres"]) {
    await conn.execute(sql`set intervalstyle to ${sql.literal(style)}`);
    for (const value of ends) {
      for (const kind of KINDS) {
        const cursor = await conn.execute(`select %${kind}`, [value], {
          binary: true,
        });
        assertExact(await cursor.fetchOne(), [value], style);
      }
    }
  }
  for (const value of ends) await assertTrips(conn, value, "interval");
  if (conn.info.serverVersion < 170000) return;
  await assertRefused(conn, "'infinity'::interval", "interval too large");
  await assertRefused(conn, "'-infinity'::interval", "interval too small");
});

Deno.test("DT-20 time: microseconds are exact, nanoseconds are rounded the same way in both formats", async () => {
  await using conn = await open();
  const texts = [
    "00:00:00.1",
    "00:00:00.000001",
    "00:00:00.999999",
    "12:34:56.123456",
    "23:59:59.999999",
    "00:00:00",
    "17:08:09.29",
    "04:05:06.7",
  ];
  for (const text of texts) {
    const value = PlainTime.from(text);
    await assertLoads(conn, `'${text}'::time`, value);
    await assertTrips(conn, value, "time");
    await assertLoads(
      conn,
      `'${text}'::interval`,
      new Interval(
        0,
        0,
        (BigInt(value.hour) * 3600n + BigInt(value.minute) * 60n +
              BigInt(value.second)) * 1_000_000n +
          BigInt(value.millisecond) * 1000n + BigInt(value.microsecond),
      ),
    );
  }
  // Every microsecond digit pattern of a second.
  for (const binary of [true, false]) {
    const rows = await conn.execute(
      "select '2020-01-01 00:00'::timestamp + n * '1 microsecond'::interval, n from generate_series(0, 999999, 997) n",
      undefined,
      { binary },
    ).fetchAll();
    for (const [value, n] of rows) {
      const micros = String(n).padStart(6, "0");
      assertEquals(
        (value as Temporal.PlainDateTime).toString({
          fractionalSecondDigits: 6,
        }),
        `2020-01-01T00:00:00.${micros}`,
      );
    }
  }
  const nanos: [unknown, string][] = [
    [PlainTime.from("01:02:03.000000499"), "01:02:03"],
    [PlainTime.from("01:02:03.000000500"), "01:02:03.000001"],
    [PlainTime.from("01:02:03.000001500"), "01:02:03.000002"],
    [
      PlainDateTime.from("2000-01-01T00:00:00.000000500"),
      "2000-01-01T00:00:00.000001",
    ],
    [
      PlainDateTime.from("1999-01-01T00:00:00.999999500"),
      "1999-01-01T00:00:01",
    ],
    [Instant.from("1969-12-31T23:59:59.999999500Z"), "1970-01-01T00:00:00Z"],
    [
      Instant.from("1969-12-31T23:59:59.999999499Z"),
      "1969-12-31T23:59:59.999999Z",
    ],
  ];
  for (const [value, expected] of nanos) {
    const seen = new Set<string>();
    for (const kind of KINDS) {
      for (
        const loaded of (await everyWay(conn, `select %${kind}`, [value]))
          .values()
      ) {
        seen.add(String(loaded));
      }
    }
    const [literal] = await conn.execute(sql`select ${sql.literal(value)}`)
      .fetchOne() ?? [];
    seen.add(String(literal));
    assertEquals([...seen], [expected]);
  }
});
