/**
 * How values find their type on a real server: arrays, untyped text, JSON.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { DataError, Json, Jsonb, RawCursor, sql } from "../../mod.ts";
import { DatatypeMismatch } from "../../errors/mod.ts";
import { Box, Point } from "../../types/mod.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  everyWay,
  KINDS,
  open,
} from "../support/values.ts";

Deno.test("AD-13 arrays: the type comes from the elements, an empty one has none, none contains itself", async () => {
  await using conn = await open();
  for (const kind of KINDS) {
    for (const value of [[0], [1], [null, [1]], [[null], [1]], [null, 1]]) {
      // PostgreSQL has no array whose items differ in depth.
      if (JSON.stringify(value) === "[null,[1]]") {
        const error = await assertRejects(
          () => conn.execute(`select %${kind}`, [value]),
          DataError,
        );
        assertEquals(error.connectionUsable, true);
        continue;
      }
      await assertLoads(conn, `%${kind}`, value, [value]);
      await assertLoads(conn, `pg_typeof(%${kind})::text`, "smallint[]", [
        value,
      ]);
    }
    await assertLoads(conn, `%${kind}::text`, "{}", [[]]);
    for (const type of ["int4", "text", "timestamptz", "jsonb", "box"]) {
      await assertLoads(conn, `%${kind}::${type}[]`, [], [[]]);
      await assertLoads(conn, `%${kind}::${type}[]`, [], [[[], []]]);
      await assertLoads(conn, `%${kind}::${type}[]`, [null], [[null]]);
    }
    const self: unknown[] = [1];
    self.push(self);
    const deep: unknown[] = [];
    deep.push([deep]);
    for (const value of [self, deep]) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}`, [value]),
        DataError,
      );
      assertEquals(error.reachedServer, false);
      assertEquals(error.connectionUsable, true);
    }
  }
  const self: unknown[] = [];
  self.push(self);
  await assertRejects(
    () => conn.execute(sql`select ${sql.literal(self)}`),
    DataError,
  );
});

Deno.test("P6 arrays: NULL, empty, nested, bounds, quotes, bytea, box", async () => {
  await using conn = await open();
  const words = [
    "",
    "NULL",
    "null",
    " ",
    "a b",
    "a,b",
    "{}",
    '"',
    "\\",
    '\\"',
    "\n",
    "\t",
    "é",
    "\u{1f600}",
  ];
  await assertTrips(conn, words, "text[]", { arrays: false });
  await assertTrips(conn, [...words, null], "text[]", { arrays: false });
  await assertTrips(conn, [words, words], "text[]", { arrays: false });
  await assertTrips(conn, [], "text[]", { arrays: false });
  await assertTrips(conn, [[[[[[1, null], [3, 4]]]]]], "int4[]", {
    arrays: false,
  });
  await assertLoads(conn, "'[-1:1]={1,NULL,3}'::int4[]", [1, null, 3]);
  await assertLoads(conn, "'[0:1][5:5]={{1},{2}}'::int4[]", [[1], [2]]);
  await assertLoads(conn, "'[3:3]={\"a=b\"}'::text[]", ["a=b"]);
  await assertLoads(conn, "'{}'::int4[]", []);
  await assertLoads(conn, "null::int4[]", null);
  await assertLoads(conn, "array[[true, null], [false, true]]", [[true, null], [
    false,
    true,
  ]]);
  const bytes = [Uint8Array.of(), Uint8Array.of(0x5c, 0x22, 0x2c), null];
  await assertTrips(conn, bytes, "bytea[]", { arrays: false });
  // The boxes of an array have a semicolon between them.
  const boxes = [
    new Box(new Point(3, 4), new Point(1, 2)),
    new Box(new Point(7, 8), new Point(5, 6)),
  ];
  for (let run = 0; run < 7; run++) {
    assertEquals(
      await conn.execute(
        "select '{(3,4),(1,2);NULL;(7,8),(5,6)}'::box[], '{(1,2),(3,4)}'::box[]",
      ).fetchOne(),
      [[boxes[0], null, boxes[1]], [boxes[0]]],
    );
  }
  const ragged = [[[1], [2, 3]], [1, [2]], [[1], 2]];
  for (const value of ragged) {
    for (const kind of KINDS) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}`, [value]),
        DataError,
      );
      assertEquals(error.connectionUsable, true);
    }
  }
  const large = Array.from({ length: 10_000 }, (_, index) => index * 1e6);
  await assertTrips(conn, large.map(BigInt), "int8[]", { arrays: false });
});

Deno.test("AD-15 untyped text: a string is text where nothing says otherwise, JSON where jsonb is", async () => {
  await using conn = await open({ cursorFactory: RawCursor });
  const plain = await everyWay(conn, "select $1", ["hello"]);
  for (const [way, value] of plain) assertEquals(value, "hello", way);
  await conn.execute("create temp table documents (data jsonb)");
  await conn.execute("insert into documents values ($1)", ["{}"]);
  assertEquals(await conn.execute("select data from documents").fetchOne(), [
    {},
  ]);
  await using other = await open();
  await other.execute("create temp table documents (data jsonb)");
  await other.execute("insert into documents values (%s)", ["{}"]);
  await other.execute("insert into documents values (%t)", ["{}"]);
  const error = await assertRejects(
    () => other.execute("insert into documents values (%b)", ["{}"]),
    DatatypeMismatch,
  );
  assertEquals(error.connectionUsable, true);
  assertEquals(error.reachedServer, true);
  assertEquals(
    await other.execute("select data from documents").fetchAll(),
    [[{}], [{}]],
  );
  for (const kind of KINDS) {
    const values = await everyWay(other, `select %${kind}`, ["hello"]);
    for (const [way, value] of values) assertEquals(value, "hello", way);
  }
});

const DOCUMENTS: readonly unknown[] = [
  {},
  [],
  null,
  true,
  false,
  0,
  -1.5,
  1e300,
  "",
  "text",
  "it's \\ \" {},",
  "\u{1f600}\u2028\u0001",
  [1, "a", null, { b: [] }],
  { a: 1, b: { c: [null, true] }, "é": "ü", "": 0 },
  JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
  { raw: "1; drop table users", text: ["'", '"'] },
];

Deno.test("P5 json and jsonb: one encoding for every value, and back", async () => {
  await using conn = await open();
  for (const document of DOCUMENTS) {
    await assertTrips(conn, new Json(document), "json", { expected: document });
    await assertTrips(conn, new Jsonb(document), "jsonb", {
      expected: document,
    });
    for (const kind of KINDS) {
      const json = await everyWay(conn, `select %${kind}`, [
        new Json(document),
      ]);
      for (const value of json.values()) assertExact(value, document);
      const jsonb = await everyWay(conn, `select %${kind}`, [
        new Jsonb(document),
      ]);
      for (const value of jsonb.values()) assertExact(value, document);
      assertEquals(
        await conn.execute(
          `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, pg_typeof(%${kind})::text`,
          [new Json(document), new Jsonb(document), [new Jsonb(document)]],
        ).fetchOne(),
        ["json", "jsonb", "jsonb[]"],
      );
    }
  }
  assertEquals(({} as { polluted?: boolean }).polluted, undefined);
  // A plain object is a jsonb without a word.
  for (const kind of KINDS) {
    await assertLoads(conn, `%${kind}`, { a: [1, null] }, [{ a: [1, null] }]);
    await assertLoads(conn, `pg_typeof(%${kind})::text`, "jsonb", [{}]);
    await assertLoads(conn, `%${kind}`, [{ a: 1 }, null], [[{ a: 1 }, null]]);
    await assertLoads(conn, `%${kind}->>'then'`, "1", [
      Object.assign(Object.create(null), { then: 1 }),
    ]);
    // What JSON.stringify drops is dropped.
    await assertLoads(conn, `%${kind}`, { a: [null] }, [
      { a: [undefined], b: undefined },
    ]);
  }
});
