/**
 * Ranges and multiranges on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DataError,
  DateMultirange,
  DateRange,
  Int4Multirange,
  Int4Range,
  Int8Multirange,
  Int8Range,
  Multirange,
  MultirangeInfo,
  NumMultirange,
  NumRange,
  Range,
  type RangeBounds,
  RangeInfo,
  registerMultirange,
  registerRange,
  sql,
  TsMultirange,
  TsRange,
  TstzMultirange,
  TstzRange,
} from "../../mod.ts";
import { IndeterminateDatatype } from "../../errors/mod.ts";
import { Identifier } from "../../sql/mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  openScripted,
  rejection,
} from "../connection/support.ts";
import {
  assertExact,
  assertLoads,
  assertRefused,
  assertTrips,
  everyWay,
  KINDS,
  open,
  Random,
  type TupleConnection,
} from "../support/values.ts";

const ALL_BOUNDS: readonly RangeBounds[] = ["[)", "[]", "(]", "()"];
const EPOCH = Temporal.PlainDate.from("2000-01-01");

/** A built-in range type, its classes, and bounds of it: `make(n)` grows with `n`. */
interface Kind {
  readonly name: string;
  readonly subtype: string;
  readonly wrap: new (
    lower?: never,
    upper?: never,
    bounds?: RangeBounds,
  ) => Range;
  readonly wrapMulti: new (ranges?: Iterable<never>) => Multirange;
  readonly discrete: boolean;
  readonly make: (n: number) => unknown;
}

const TYPES: readonly Kind[] = [
  {
    name: "int4range",
    subtype: "int4",
    wrap: Int4Range,
    wrapMulti: Int4Multirange,
    discrete: true,
    make: (n) => n,
  },
  {
    name: "int8range",
    subtype: "int8",
    wrap: Int8Range,
    wrapMulti: Int8Multirange,
    discrete: true,
    make: (n) => BigInt(n) * 4_000_000_000n,
  },
  {
    name: "numrange",
    subtype: "numeric",
    wrap: NumRange,
    wrapMulti: NumMultirange,
    discrete: false,
    make: (n) => (n / 8).toFixed(3),
  },
  {
    name: "daterange",
    subtype: "date",
    wrap: DateRange,
    wrapMulti: DateMultirange,
    discrete: true,
    make: (n) => EPOCH.add({ days: n }),
  },
  {
    name: "tsrange",
    subtype: "timestamp",
    wrap: TsRange,
    wrapMulti: TsMultirange,
    discrete: false,
    make: (n) => EPOCH.toPlainDateTime().add({ seconds: n, microseconds: n }),
  },
  {
    name: "tstzrange",
    subtype: "timestamptz",
    wrap: TstzRange,
    wrapMulti: TstzMultirange,
    discrete: false,
    make: (n) => Temporal.Instant.fromEpochMilliseconds(n * 1_000_001),
  },
];

function multiOf(name: string): string {
  return name.replace("range", "multirange");
}

function randomRange(
  random: Random,
  { make }: Kind,
  least: number,
  greatest: number,
): Range {
  if (random.between(0, 9) === 0) return new Range(null, null, "empty");
  const from = random.between(least, greatest - 2);
  // Far enough apart that not even "()" of integers is empty.
  const to = random.between(from + 2, greatest);
  return new Range(
    random.between(0, 7) === 0 ? null : make(from),
    random.between(0, 7) === 0 ? null : make(to),
    random.pick(ALL_BOUNDS),
  );
}

/** A range as the server gives it back: those of integers and dates as `[)`. */
function canonical(range: Range, { discrete }: Kind): Range {
  if (!discrete || range.isEmpty) return range;
  const next = (bound: unknown): unknown => {
    if (typeof bound === "number") return bound + 1;
    if (typeof bound === "bigint") return bound + 1n;
    return (bound as Temporal.PlainDate).add({ days: 1 });
  };
  const { lower, upper, lowerInc, upperInc } = range;
  return new Range(
    lower === null || lowerInc ? lower : next(lower),
    upper !== null && upperInc ? next(upper) : upper,
  );
}

for (const kind of TYPES) {
  Deno.test(`P10 ${kind.name}: random ranges come back by every kind of placeholder and as literals`, async () => {
    const random = new Random();
    const { name, wrap, wrapMulti } = kind;
    await using conn = await open();
    try {
      const range = new Range(null, null, "empty");
      const ranges = [range, new Range()];
      for (let run = 0; run < 8; run++) {
        ranges.push(randomRange(random, kind, -1000, 1000));
      }
      for (const range of ranges) {
        const expected = canonical(range, kind);
        await assertTrips(conn, range, name, {
          expected,
          arrays: ranges.indexOf(range) < 4,
        });
        const { lower, upper, bounds } = range;
        const wrapped = new wrap(lower as never, upper as never, bounds);
        for (const placeholder of KINDS) {
          await assertLoads(conn, `%${placeholder}`, expected, [wrapped]);
          const type = `pg_typeof(%${placeholder})::text`;
          await assertLoads(conn, type, name, [wrapped]);
        }
      }
      for (let run = 0; run < (hasMultiranges(conn) ? 6 : 0); run++) {
        // Apart from one another, in order: nothing is to be merged.
        const items = Array.from({ length: run }, (_, index) => {
          const { make } = kind;
          const [from, to] = [index * 100, index * 100 + random.between(2, 90)];
          return new Range(make(from), make(to), random.pick(ALL_BOUNDS));
        });
        const multi = new Multirange(items);
        const expected = new Multirange(
          items.map((item) => canonical(item, kind)),
        );
        await assertTrips(conn, multi, multiOf(name), {
          expected,
          arrays: run < 3,
        });
        const wrapped = new wrapMulti(items as never[]);
        for (const placeholder of KINDS) {
          await assertLoads(conn, `%${placeholder}`, expected, [wrapped]);
          const type = `pg_typeof(%${placeholder})::text`;
          await assertLoads(conn, type, multiOf(name), [wrapped]);
        }
      }
    } catch (error) {
      throw new Error(`${name}, PGTS_TEST_SEED=${random.seed}`, {
        cause: error,
      });
    }
  });
}

Deno.test("RG-09 int4range: comes back in the server's form", async () => {
  await using conn = await open();
  for (const kind of KINDS) {
    for (
      const range of [new Range(10, 20, "[]"), new Int4Range(10, 20, "[]")]
    ) {
      await assertLoads(conn, `%${kind}`, new Range(10, 21), [range]);
    }
  }
  const values = await everyWay(conn, "select int4range(10, 20, '[]')");
  for (const value of values.values()) assertEquals(value, new Range(10, 21));
});

Deno.test("RG-11 ranges in arrays: empty and unbounded ones load, and go out by their wrapper, or where the server knows the type", async () => {
  await using conn = await open();
  const mixed = [new Range(null, null, "empty"), new Range(), null];
  for (const { name, wrap } of TYPES) {
    await assertLoads(conn, `'{empty,"(,)",NULL}'::${name}[]`, mixed);
    const wrapped = mixed.map((range) =>
      range === null
        ? null
        : new wrap(null as never, null as never, range.bounds)
    );
    for (const kind of KINDS) {
      await assertLoads(conn, `%${kind}::${name}[]`, mixed, [mixed]);
      await assertLoads(conn, `%${kind}`, mixed, [wrapped]);
      await assertLoads(conn, `pg_typeof(%${kind})::text`, `${name}[]`, [
        wrapped,
      ]);
    }
  }
  // Without bounds nothing tells the type, and in binary nothing can be sent:
  // it goes as text by every placeholder, and the server must know the type.
  for (const kind of KINDS) {
    assertError(
      await rejection(conn.execute(`select pg_typeof(%${kind})`, [mixed])),
      { class: IndeterminateDatatype, usable: true, reached: true },
    );
    await conn.execute(`create temp table spans_${kind} (r int4range[])`);
    await conn.execute(`insert into spans_${kind} values (%${kind})`, [mixed]);
    const rows = await conn.execute(`select r from spans_${kind}`).fetchAll();
    assertExact(rows, [[mixed]]);
  }
  const wide = [new Range(), new Range(1, 2), new Range(1, 2 ** 40)];
  const back = [new Range(), new Range(1n, 2n), new Range(1n, 2n ** 40n)];
  for (const kind of KINDS) {
    await assertLoads(conn, `%${kind}`, back, [wide]);
  }
});

Deno.test("RG-15 RangeInfo.fetch: by schema; what is not there cannot be registered", async () => {
  await using conn = await open({ autocommit: false });
  await conn.execute(`
    create schema "Other spans";
    create type "Other spans"."A.span" as range (subtype = float8)`);
  for (
    const name of [
      '"Other spans"."A.span"',
      new Identifier("Other spans", "A.span"),
    ]
  ) {
    const info = await RangeInfo.fetch(conn, name);
    assertEquals([info?.name, info?.subtypeOid], ["A.span", 701]);
    registerRange(info, conn);
    const row = await conn.execute("select %s", [new Range(0.5, 2.25)])
      .fetchOne();
    assertEquals(row, [new Range(0.5, 2.25)]);
  }
  for (const name of ['"A.span"', "public.span", "int4", "nosuch.int4range"]) {
    const info = await RangeInfo.fetch(conn, name);
    assertEquals(info, null, name);
    assertThrows(() => registerRange(info, conn), TypeError, "range");
  }
  assertThrows(() => registerMultirange(null, conn), TypeError, "multirange");
  await conn.rollback();
});

/** Whether the server has multiranges: PostgreSQL 14 and later. */
function hasMultiranges(conn: TupleConnection): boolean {
  return conn.info.serverVersion >= 140000;
}

async function createTextRange(
  conn: TupleConnection,
): Promise<[RangeInfo, MultirangeInfo | null]> {
  const named = hasMultiranges(conn)
    ? ', multirange_type_name = "text ranges"'
    : "";
  await conn.execute(
    `create type pg_temp."text range" as range
      (subtype = text, collation = "C"${named})`,
  );
  const find = async (name: string): Promise<[number, number, string]> => {
    const row = await conn.execute(
      sql`select oid, typarray, oid::regtype::text from pg_type
        where typname = ${name} and pg_type_is_visible(oid)`,
    ).fetchOne();
    return row as [number, number, string];
  };
  const [oid, arrayOid, regtype] = await find("text range");
  const subtypeOid = 25;
  const info = new RangeInfo("text range", oid, arrayOid, {
    regtype,
    subtypeOid,
  });
  if (!hasMultiranges(conn)) return [info, null];
  const [multiOid, multiArrayOid, multiRegtype] = await find("text ranges");
  return [
    info,
    new MultirangeInfo("text ranges", multiOid, multiArrayOid, {
      regtype: multiRegtype,
      subtypeOid,
      rangeOid: oid,
    }),
  ];
}

Deno.test("RG-13 registerRange: a range over text, with every character in its bounds", async () => {
  await using conn = await open();
  const [info, multiInfo] = await createTextRange(conn);
  const TextRange = registerRange(info, conn);
  const cast = sql.raw(info.regtype);
  const top = "\u{10ffff}";
  for (let code = 1; code <= 254; code++) {
    const char = String.fromCharCode(code);
    for (
      const [lower, upper] of [
        [char, top],
        ["", `${char}x`],
        [char, `${char}${char}`],
      ]
    ) {
      const range = new Range(lower, upper);
      // The server's own functions tell what was really understood.
      const [row] = await conn.execute(
        sql`select ${range}::${cast}, lower(${range}::${cast}),
          upper(${range}::${cast}), (${sql.literal(range)})::${cast},
          ${new TextRange(lower, upper)}, ${[new TextRange(lower, upper)]}`,
        undefined,
        { binary: code % 2 === 0 },
      ).fetchAll();
      assertExact(row, [range, lower, upper, range, range, [range]]);
    }
  }
  const literal = sql.literal(new TextRange("a", "b"));
  assertEquals(
    await conn.execute(sql`select pg_typeof(${literal})::text`).fetchOne(),
    [info.regtype],
  );
  if (multiInfo === null) return;
  const TextMultirange = registerMultirange(multiInfo, conn);
  const ranges = [
    new Range("", '"'),
    new Range("(,)", "\\"),
    new Range("a{", "}"),
  ];
  for (const kind of KINDS) {
    await assertLoads(conn, `%${kind}`, new Multirange(ranges), [
      new TextMultirange(ranges),
    ]);
    await assertLoads(conn, `%${kind}`, [new Multirange(ranges)], [
      [new TextMultirange(ranges)],
    ]);
  }
});

Deno.test("registerRange: concerns the context alone; without it the type arrives as text", async () => {
  await using conn = await open();
  const [info] = await createTextRange(conn);
  const query = `select '[a,b)'::${info.regtype}`;
  assertEquals(await conn.execute(query).fetchOne(), ["[a,b)"]);
  const cursor = conn.cursor();
  registerRange(info, cursor);
  await cursor.execute(query);
  assertEquals(await cursor.fetchOne(), [new Range("a", "b")]);
  assertEquals(await conn.execute(query).fetchOne(), ["[a,b)"]);
  registerRange(info, conn.adapters);
  assertEquals(await conn.execute(query).fetchOne(), [new Range("a", "b")]);
});

Deno.test("RG-17 daterange[] and tstzrange[] in one insert are not confused", async () => {
  await using conn = await open();
  await conn.execute(
    "create temp table spans (d daterange[], t tstzrange[], e daterange[])",
  );
  const days = [
    new Range(EPOCH, EPOCH.add({ days: 3 })),
    new Range(null, EPOCH),
  ];
  const instant = Temporal.Instant.from("2000-01-01T00:00:00Z");
  const times = [
    new Range(instant, instant.add({ hours: 1 })),
    new Range(instant, null),
  ];
  for (const kind of KINDS) {
    await conn.execute(
      `insert into spans values (%${kind}, %${kind}, %${kind})`,
      [days, times, days],
    );
  }
  const rows = await conn.execute("select * from spans").fetchAll();
  assertEquals(rows.length, KINDS.length);
  for (const row of rows) assertExact(row, [days, times, days]);
});

Deno.test("Range.compare, equals, contains: as the server has them", async () => {
  const random = new Random();
  await using conn = await open();
  for (const kind of TYPES) {
    const message = `${kind.name}, PGTS_TEST_SEED=${random.seed}`;
    const type = sql.raw(kind.name);
    const ranges = Array.from(
      { length: 12 },
      () => canonical(randomRange(random, kind, 0, 5), kind),
    );
    const points = Array.from({ length: 6 }, (_, n) => kind.make(n));
    const loaded = (await conn.execute(
      sql`select r from unnest(${ranges}::${type}[]) r`,
    ).fetchAll()).map((row) => row[0] as Range);
    for (const [i, one] of loaded.entries()) {
      const rows = await conn.execute(
        sql`select (${one}::${type} > r)::int - (${one}::${type} < r)::int
          from unnest(${ranges}::${type}[]) r`,
      ).fetchAll();
      for (const [j, other] of loaded.entries()) {
        const order = rows[j]?.[0] as number;
        assertEquals(
          Math.sign(one.compare(other)),
          order,
          `${message} ${i} ${j}`,
        );
        assertEquals(one.equals(other), order === 0, message);
      }
      for (const point of points) {
        // As a range, which needs no name of the type of its bounds.
        const only = new Range(point, point, "[]");
        const row = await conn.execute(
          sql`select ${one}::${type} @> ${only}::${type}`,
        ).fetchOne();
        assertEquals(row, [one.contains(point)], `${message} ${one} ${point}`);
      }
    }
  }
});

Deno.test("A13 ranges: a bound that can not be loaded names the column, in either format", async () => {
  await using conn = await open();
  await assertRefused(conn, "'[infinity,)'::daterange", "infinity");
  await assertRefused(conn, "'[2000-01-01,infinity)'::tstzrange", "infinity");
  if (!hasMultiranges(conn)) return;
  await assertRefused(
    conn,
    "'{[2000-01-01,infinity)}'::tsmultirange",
    "infinity",
  );
});

Deno.test("P7 ranges of dates: DateStyle does not change what is read", async () => {
  await using conn = await open();
  const several = hasMultiranges(conn);
  const expected = [
    new Range(EPOCH, EPOCH.add({ days: 1 })),
    [new Range(Temporal.Instant.from("2000-01-01T00:00:00Z"), null)],
    several && new Multirange([new Range(EPOCH.toPlainDateTime(), null)]),
  ];
  await conn.execute("set time zone 'UTC'");
  for (const style of ["ISO", "German", "SQL, DMY", "Postgres, MDY"]) {
    await conn.execute(sql`set datestyle to ${sql.literal(style)}`);
    for (const options of [{}, {}, { binary: true }, { prepare: true }]) {
      const query =
        `select daterange '[2000-01-01,2000-01-02)', array[tstzrange '[2000-01-01 00:00+00,)'], ${
          several ? "tsmultirange '{[2000-01-01 00:00,)}'" : "false"
        }`;
      const row = await conn.execute(query, undefined, options).fetchOne();
      assertExact(row, expected, style);
    }
  }
});

Deno.test("ranges: refused before anything is sent, the connection goes on", async () => {
  await using conn = await open();
  for (
    const value of [
      new Range<unknown>(1, EPOCH),
      new Int4Range(1, 2 ** 40),
      new DateRange(new Date(0) as never, null),
      [new Range(1, 2), new Range(EPOCH, null)],
    ]
  ) {
    for (const kind of KINDS) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}`, [value]),
        DataError,
      );
      assertEquals(error.reachedServer, false);
      assertEquals(error.connectionUsable, true);
    }
  }
  // What the server alone can judge.
  const error = await assertRejects(
    () => conn.execute("select %s", [new Range(2, 1)]),
    DataError,
    "range lower bound must be less than or equal to range upper bound",
  );
  assert(error.connectionUsable);
  assertEquals(await conn.execute("select 1").fetchOne(), [1]);
});

Deno.test("A13 RG-21 ranges and multiranges: malformed, they are DataErrors that name column and type", async () => {
  const TYPES = [
    { name: "int4range", oid: 3904, text: "[1,2", bytes: [0x02, 0, 0] },
    { name: "int4range", oid: 3904, text: "1,2", bytes: [0xff] },
    { name: "tstzrange", oid: 3910, text: '["x', bytes: [0x02, 0xff, 0, 0, 0] },
    { name: "int4multirange", oid: 4451, text: "{[1,2)", bytes: [0, 0, 0, 9] },
    {
      name: "datemultirange",
      oid: 4535,
      text: "{empty",
      bytes: [0, 0, 0, 1, 0, 0, 0, 1, 0x80],
    },
  ];
  for (const { name, oid, text, bytes } of TYPES) {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) =>
        // Asked for one column of numbers, it answers with that.
        answer(
          burst,
          burst.some((message) => "text" in message && message.text === "good")
            ? ONE
            : {
              columns: [{ name: "bad", oid }],
              rows: [[binary ? Uint8Array.from(bytes) : text]],
              tag: "SELECT 1",
            },
        )
      );
    });
    let binary = false;
    await using conn = await openScripted(server);
    for (binary of [false, true]) {
      const error = assertError(
        await rejection(conn.execute("bad", undefined, { binary })),
        {
          class: DataError,
          says: ['column "bad"', name, "range: "],
          usable: true,
        },
      );
      assert(error.connectionUsable);
      assertEquals(await conn.execute("good").fetchAll(), [{ one: 1 }]);
    }
  }
});
