/**
 * {@linkcode Typed}: values that are sent as a type of choice.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  adapters,
  DataError,
  Inet,
  Jsonb,
  ProgrammingError,
  Range,
  sql,
  Tuple,
  Typed,
  TypeInfo,
} from "../../mod.ts";
import { NO_SESSION } from "../../types/adapt.ts";
import { Transformer } from "../../types/transformer.ts";
import { assertExact, assertLoads, open } from "../support/values.ts";

/** A value, the type it is sent as, and what comes back. */
const CASES: readonly (readonly [unknown, string, unknown])[] = [
  ["7", "int4", 7],
  [7, "int8", 7n],
  [7n, "numeric", "7"],
  [1, "float8", 1],
  [7, "text", "7"],
  ["a", "varchar", "a"],
  ["abc", "bpchar", "abc"],
  [["abc", null], "bpchar[]", ["abc", null]],
  ["1010", "bit", "1010"],
  [["1010", null], "bit[]", ["1010", null]],
  ["08-00-2b-01-02-03", "macaddr", "08:00:2b:01:02:03"],
  ["0101", "varbit", "0101"],
  ["10.1.2.3/8", "inet", new Inet("10.1.2.3/8")],
  [new Inet("10.1.2.3/8"), "inet", new Inet("10.1.2.3/8")],
  ["18446744073709551615", "xid8", "18446744073709551615"],
  ["0/1", "pg_lsn", "0/1"],
  ["b a", "tsvector", "'a' 'b'"],
  ["$.a", "jsonpath", '$."a"'],
  ["<a/>", "xml", "<a/>"],
  ["it's \\", "text", "it's \\"],
  ['{"a": 1}', "jsonb", { a: 1 }],
  [new Jsonb([1]), "jsonb", [1]],
  [{ a: 1 }, "json", { a: 1 }],
  [true, "text", "t"],
  ["2000-01-02", "date", Temporal.PlainDate.from("2000-01-02")],
  [
    Temporal.PlainDateTime.from("2000-01-02T03:04"),
    "timestamp",
    Temporal.PlainDateTime.from("2000-01-02T03:04"),
  ],
  [new Range(1, 5), "int8range", new Range(1n, 5n)],
  [["1", null, 2], "int8[]", [1n, null, 2n]],
  [[[1], [2]], "numeric[]", [["1"], ["2"]]],
  ["{1,2}", "int2[]", [1, 2]],
  [["0101", null], "varbit[]", ["0101", null]],
  [[new Inet("::1"), "10.0.0.1"], "inet[]", [
    new Inet("::1"),
    new Inet("10.0.0.1"),
  ]],
  [[], "int4[]", []],
  [null, "int4", null],
  [null, "macaddr[]", null],
];

Deno.test("Typed: a parameter, a literal and an element of an array, of the type that it says", async () => {
  await using conn = await open();
  for (const [value, type, expected] of CASES) {
    const name = `${value} as ${type}`;
    const { regtype } = adapters.types.mustGet(type);
    const shown = type.endsWith("[]") ? `${regtype}[]` : regtype;
    const oid = adapters.types.getOid(type);
    for (const typed of [new Typed(value, type), new Typed(value, oid)]) {
      for (const kind of ["s", "t"]) {
        assertEquals(
          await conn.execute(`select pg_typeof(%${kind})::text`, [typed])
            .fetchOne(),
          [shown],
          name,
        );
        await assertLoads(conn, `%${kind}`, expected, [typed]);
      }
      const row = await conn.execute(
        sql`select ${sql.literal(typed)}, pg_typeof(${
          sql.literal(typed)
        })::text`,
      ).fetchOne();
      assertExact(row, [expected, shown], name);
    }
    if (type.endsWith("[]")) continue;
    const array = [new Typed(value, type), null, new Typed(value, oid)];
    assertExact(
      await conn.execute("select %s, pg_typeof(%s)::text", [array, array])
        .fetchOne(),
      [[expected, null, expected], `${shown}[]`],
      name,
    );
  }
});

Deno.test("Typed: in binary where the value has such a form, else a DataError that says how to send it", async () => {
  await using conn = await open();
  const binary: [unknown, string, unknown][] = [
    [7, "int8", 7n],
    [7n, "int2", 7],
    [7, "numeric", "7"],
    [1, "float4", 1],
    ["a", "text", "a"],
    ["a", "varchar", "a"],
    ["08002b010203", "macaddr", "08:00:2b:01:02:03"],
    ["0101", "varbit", "0101"],
    ["17", "xid8", "17"],
    [17, "xid", "17"],
    ["16/B374D848", "pg_lsn", "16/B374D848"],
    ["$", "jsonpath", "$"],
    [new Inet("::1"), "inet", new Inet("::1")],
    [null, "macaddr", null],
  ];
  for (const [value, type, expected] of binary) {
    const typed = new Typed(value, type);
    await assertLoads(conn, "%b", expected, [typed]);
    await assertLoads(conn, "%b", [expected, null], [[typed, null]]);
    const [shown] = await conn.execute("select pg_typeof(%b)::oid", [typed])
      .fetchOne() ?? [];
    assertEquals(shown, adapters.types.getOid(type));
  }
  for (
    const [value, type] of [
      ["7", "int4"],
      ["2000-01-01", "date"],
      ["a", "tsvector"],
      ["1", "money"],
    ]
  ) {
    const error = await assertRejects(
      () => conn.execute("select %b", [new Typed(value, type!)]),
      DataError,
      "use %s",
    );
    assertEquals(error.connectionUsable, true);
  }
});

Deno.test("Typed: a number as text in binary is a DataError, in text its digits", async () => {
  await using conn = await open();
  const typed = new Typed(1, "text");
  await assertRejects(
    () => conn.execute("select %b", [typed]),
    DataError,
    "no string",
  );
  assertEquals(await conn.execute("select %s", [typed]).fetchOne(), ["1"]);
});

Deno.test("Typed: money, and what has no literal of its own", async () => {
  await using conn = await open();
  await conn.execute("set lc_monetary to 'C'");
  assertEquals(
    await conn.execute("select %s, %s::oid", [
      new Typed("pg_class", "regclass"),
      new Typed(1259, "regclass"),
    ]).fetchOne(),
    ["pg_class", 1259],
  );
  assertEquals(
    await conn.execute("select %s, %s + %s", [
      new Typed("12.5", "money"),
      new Typed("12.5", "money"),
      new Typed("1", "money"),
    ]).fetchOne(),
    ["$12.50", "$13.50"],
  );
  // The elements of arrays of boxes are separated by semicolons.
  assertEquals(
    await conn.execute("select %s::text", [
      new Typed(["(1,1),(0,0)", "(2,2),(0,0)"], "box[]"),
    ]).fetchOne(),
    ["{(1,1),(0,0);(2,2),(0,0)}"],
  );
});

Deno.test("Typed: in a record, in COPY and in executeMany()", async () => {
  await using conn = await open();
  await conn.execute("create temp table typed (n serial, v macaddr, b varbit)");
  assertEquals(
    await conn.execute("select %s::typed", [
      new Tuple([1, new Typed("08002B010203", "macaddr"), null]),
    ]).fetchOne(),
    ["(1,08:00:2b:01:02:03,)"],
  );
  const rows = [
    [new Typed("08002b010203", "macaddr"), new Typed("01", "varbit")],
    [new Typed(null, "macaddr"), null],
  ];
  await conn.executeMany("insert into typed (v, b) values (%s, %s)", rows);
  for (const format of ["text", "binary"]) {
    await conn.copy(
      `copy typed (v, b) from stdin (format ${format})`,
      async (copy) => {
        for (const row of rows) await copy.writeRow(row);
      },
    );
  }
  const expected = [["08:00:2b:01:02:03", "01"], [null, null]];
  assertEquals(
    await conn.execute("select v, b from typed order by n").fetchAll(),
    [...expected, ...expected, ...expected],
  );
});

Deno.test("Typed: types of the user, once they are registered", async () => {
  await using conn = await open();
  await conn.execute("create type pg_temp.mood as enum ('sad', 'glad')");
  await assertRejects(
    () => conn.execute("select %s", [new Typed("sad", "mood")]),
    ProgrammingError,
    'the type "mood"',
  );
  const info = await TypeInfo.fetch(conn, "pg_temp.mood");
  info?.register(conn);
  const cursor = await conn.execute("select %s, %s, pg_typeof(%s)::text", [
    new Typed("sad", "mood"),
    new Typed(["sad", "glad"], "mood[]"),
    new Typed("sad", info!.oid),
  ]);
  const row = await cursor.fetchOne();
  assertEquals(row?.slice(0, 2), ["sad", ["sad", "glad"]]);
  assertEquals(String(row?.[2]).endsWith("mood"), true);
});

Deno.test("Typed: what cannot be sent is refused", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  const textOf = (value: unknown, type: string | number) => {
    const typed = new Typed(value, type);
    return transformer.getDumper(typed).text(typed);
  };
  assertThrows(() => textOf("a", "nonsense"), ProgrammingError, '"nonsense"');
  assertThrows(() => textOf("a", 999999), ProgrammingError, "OID 999999");
  assertThrows(() => textOf("a", "void[]"), ProgrammingError, "void[]");
  assertThrows(() => textOf(undefined, "int4"), ProgrammingError, "undefined");
  assertThrows(() => textOf([1, undefined], "int4[]"), ProgrammingError);
  assertThrows(() => textOf([1], "jsonb"), DataError, "new Jsonb");
  assertThrows(() => textOf([[1], 2], "int4[]"), DataError, "ragged");
  assertThrows(() => textOf("\0", "text"), DataError, "NUL");
  assertThrows(() => textOf("\ud800", "text"), DataError, "surrogate");
  assertThrows(() => textOf(Symbol(), "text"), ProgrammingError);
  assertEquals(String(new Typed("a", "text")), "a");
});
