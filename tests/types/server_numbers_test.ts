/**
 * Integers, floats, booleans and NULL on a real server, by every kind of
 * placeholder and in both formats of results.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sql } from "../../mod.ts";
import {
  Float4,
  Float8,
  Int2,
  Int4,
  Int8,
  IntNumeric,
  Oid,
} from "../../types/mod.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  everyWay,
  KINDS,
  open,
} from "../support/values.ts";

Deno.test("NU-02 numbers go out as the smallest integer type that holds them", async () => {
  await using conn = await open();
  const ladder: [number | bigint, string][] = [
    [0, "smallint"],
    [1, "smallint"],
    [-1, "smallint"],
    [32767, "smallint"],
    [-32768, "smallint"],
    [32768, "integer"],
    [-32769, "integer"],
    [2147483647, "integer"],
    [-2147483648, "integer"],
    [2147483648, "bigint"],
    [-2147483649, "bigint"],
    [Number.MAX_SAFE_INTEGER, "bigint"],
    [Number.MIN_SAFE_INTEGER, "bigint"],
    [2n ** 63n - 1n, "bigint"],
    [-(2n ** 63n), "bigint"],
    [9223372036854775808n, "numeric"],
    [-(2n ** 63n) - 1n, "numeric"],
    [10n ** 40n, "numeric"],
    [0.5, "double precision"],
    [-0, "double precision"],
    [2 ** 53, "double precision"],
    [NaN, "double precision"],
  ];
  for (const [value, type] of ladder) {
    // A bigint is int8 at least, however small it is.
    const asBigint =
      typeof value === "bigint" || !Number.isSafeInteger(value) ||
        Object.is(value, -0)
        ? []
        : [BigInt(value)];
    for (const kind of KINDS) {
      for (const sent of [value, ...asBigint]) {
        const expected = typeof sent === "bigint" && type !== "numeric"
          ? "bigint"
          : type;
        const [row] = await conn.execute(
          `select pg_typeof(%${kind})::text, (%${kind})::text`,
          [sent, sent],
        ).fetchAll();
        assertEquals(row?.[0], expected, `%${kind} ${sent}`);
        assertEquals(Number(row?.[1]), Number(sent));
        assertEquals(
          (await conn.execute(`select pg_typeof(%${kind})::text`, [[
            sent,
            null,
          ]])
            .fetchOne())?.[0],
          `${expected}[]`,
        );
      }
    }
  }
  // Of several the widest.
  for (const kind of KINDS) {
    const cases: [unknown[], string, unknown[]][] = [
      [[1, 32768], "integer[]", [1, 32768]],
      [[1, 2147483648], "bigint[]", [1n, 2147483648n]],
      [[1, 2n ** 63n], "numeric[]", ["1", "9223372036854775808"]],
      [[1, 0.5], "double precision[]", [1, 0.5]],
    ];
    for (const [sent, type, expected] of cases) {
      assertEquals(
        await conn.execute(`select pg_typeof(%${kind})::text`, [sent])
          .fetchOne(),
        [type],
      );
      await assertLoads(conn, `%${kind}`, expected, [sent]);
    }
  }
});

Deno.test("NU-04 P1 integers: the bounds of each type load exactly", async () => {
  await using conn = await open();
  const bounds: [string, string, number | bigint][] = [
    ["int2", "-32768", -32768],
    ["int2", "32767", 32767],
    ["int4", "-2147483648", -2147483648],
    ["int4", "2147483647", 2147483647],
    ["oid", "0", 0],
    ["oid", "2147483648", 2147483648],
    ["oid", "4294967295", 4294967295],
    ["int8", "-9223372036854775808", -9223372036854775808n],
    ["int8", "9223372036854775807", 9223372036854775807n],
    ["int8", "9007199254740993", 9007199254740993n],
    ["int8", "0", 0n],
    ["int8", "-1", -1n],
  ];
  for (const [type, text, expected] of bounds) {
    await assertLoads(conn, `'${text}'::${type}`, expected);
    await assertLoads(conn, `array['${text}'::${type}, null]`, [
      expected,
      null,
    ]);
    await assertTrips(conn, expected, type);
  }
  await assertLoads(conn, "count(*) from generate_series(1, 10)", 10n);
  await assertLoads(conn, "sum(n) from generate_series(1, 10::int8) n", "55");
});

Deno.test("P1 int8: as a checked number where asked for", async () => {
  await using conn = await open({ int8: "number" });
  await assertLoads(conn, "count(*) from generate_series(1, 10)", 10);
  await assertLoads(conn, "9007199254740991::int8", 9007199254740991);
  await assertLoads(conn, "array[-9007199254740991::int8]", [
    -9007199254740991,
  ]);
  for (const binary of [true, false]) {
    for (const text of ["9007199254740992", "-9223372036854775808"]) {
      let message = "";
      await conn.execute(`select '${text}'::int8 as big`, undefined, { binary })
        .then(() => {}, (error) => message = String(error));
      assertStringIncludes(message, "DataError");
      assertStringIncludes(message, '"big"');
    }
  }
});

Deno.test("NU-06 floats: NaN and the infinities", async () => {
  await using conn = await open();
  for (const value of [NaN, Infinity, -Infinity]) {
    for (const type of ["float4", "float8"]) {
      await assertTrips(conn, value, type);
      await assertLoads(conn, `'${value}'::${type}`, value);
    }
    await assertTrips(conn, new Float4(value), "float4", { expected: value });
    await assertTrips(conn, new Float8(value), "float8", { expected: value });
    for (const kind of KINDS) {
      await assertLoads(conn, `%${kind}`, value, [value]);
      await assertLoads(conn, `%${kind}`, [value], [[value]]);
    }
  }
});

Deno.test("NU-08 floats: large and small ones come back", async () => {
  await using conn = await open();
  for (const value of [1e30, 1e-30, -1e30, -1e-30]) {
    await assertTrips(conn, value, "float8");
    for (const kind of KINDS) {
      for (const sent of [value, new Float4(value)]) {
        const values = await everyWay(conn, `select %${kind}::float4`, [sent]);
        for (const [way, loaded] of values) {
          assert(typeof loaded === "number", way);
          assert(Math.abs(loaded / value - 1) <= 1e-6, way);
          assertEquals(loaded, Math.fround(value), way);
        }
      }
    }
  }
});

const FLOATS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.1,
  0.1 + 0.2,
  1 / 3,
  Math.PI,
  5e-324,
  -5e-324,
  2.2250738585072009e-308,
  2.2250738585072014e-308,
  1.7976931348623157e308,
  -1.7976931348623157e308,
  123456789012345680,
  1e21,
  1e22,
  1.5e300,
  9007199254740993,
  4.35,
  1e-7,
  1e-6,
  NaN,
  Infinity,
  -Infinity,
];

Deno.test("P8 floats: bit exact, zeros with their sign, subnormals, the shortest form", async () => {
  await using conn = await open();
  for (const value of FLOATS) {
    await assertTrips(conn, value, "float8", { arrays: false });
    await assertTrips(conn, new Float8(value), "float8", {
      expected: value,
      arrays: false,
    });
  }
  await assertTrips(conn, [...FLOATS], "float8[]", { arrays: false });
  // What a single precision can hold: bit exact; float4 as the nearest.
  const singles = [
    -0,
    0.5,
    1.401298464324817e-45,
    1.1754942106924411e-38,
    1.1754943508222875e-38,
    3.4028234663852886e38,
    Math.fround(0.1),
    Math.fround(1 / 3),
    16777216,
    NaN,
    -Infinity,
  ];
  for (const value of singles) {
    await assertTrips(conn, value, "float4", { arrays: false });
    await assertTrips(conn, new Float4(value), "float4", { expected: value });
  }
  await assertTrips(conn, new Float4(0.1), "float4", {
    expected: Math.fround(0.1),
  });
  const sent = singles.map((value) => new Float4(value));
  await assertTrips(conn, sent, "float4[]", {
    expected: singles,
    arrays: false,
  });
});

Deno.test("NU-16 wrappers: Int2, Int4, Int8, Oid, Float4, Float8 and IntNumeric force the type", async () => {
  await using conn = await open();
  const wrappers: [unknown, string, unknown][] = [
    [new Int2(1), "smallint", 1],
    [new Int4(1), "integer", 1],
    [new Int8(1), "bigint", 1n],
    [new Int8(-(2n ** 63n)), "bigint", -(2n ** 63n)],
    [new Oid(4294967295), "oid", 4294967295],
    [new Float4(1.5), "real", 1.5],
    [new Float8(1), "double precision", 1],
    [new IntNumeric(1), "numeric", "1"],
  ];
  for (const [wrapper, type, expected] of wrappers) {
    const literal = await conn.execute(
      sql`select pg_typeof(${sql.literal(wrapper)})::text, ${
        sql.literal(wrapper)
      }, pg_typeof(${sql.literal([wrapper])})::text`,
    ).fetchOne();
    assertExact(literal, [type, expected, `${type}[]`]);
    for (const kind of KINDS) {
      assertEquals(
        await conn.execute(
          `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text`,
          [wrapper, [wrapper, null]],
        ).fetchOne(),
        [type, `${type}[]`],
      );
      await assertLoads(conn, `%${kind}`, expected, [wrapper]);
      await assertLoads(conn, `%${kind}`, [expected, null, expected], [
        [wrapper, null, wrapper],
      ]);
      await assertLoads(conn, `%${kind}`, [[expected], [null]], [
        [[wrapper], [null]],
      ]);
    }
  }
});

Deno.test("NU-18 null is NULL as a parameter, as a literal and in a column of integers", async () => {
  await using conn = await open();
  for (const kind of KINDS) {
    await assertLoads(conn, `%${kind}::int4`, null, [null]);
    await assertLoads(conn, `%${kind}`, null, [null]);
    await assertLoads(conn, `%${kind}::text is null`, true, [null]);
    await assertLoads(conn, `%${kind}::int4[]`, [null], [[null]]);
  }
  assertEquals(
    await conn.execute(
      sql`select ${sql.literal(null)}, ${sql.literal(null)} is null, ${
        sql.literal([null])
      }::int4[]`,
    ).fetchOne(),
    [null, true, [null]],
  );
  await conn.execute("create temp table nulls (id serial, n int4)");
  let id = 0;
  for (const kind of KINDS) {
    for (const binary of [undefined, true, false, undefined]) {
      const options = binary === undefined ? {} : { binary };
      const row = await conn.execute(
        `insert into nulls (n) values (%${kind}) returning id`,
        [null],
        options,
      ).fetchOne();
      assertEquals(row, [++id]);
    }
  }
  const literal = sql`insert into nulls (n) values (${
    sql.literal(null)
  }) returning id, n`;
  assertEquals(await conn.execute(literal).fetchOne(), [++id, null]);
  assertEquals(
    await conn.execute("select count(*) from nulls where n is null").fetchOne(),
    [BigInt(id)],
  );
});

Deno.test("booleans come back by every way", async () => {
  await using conn = await open();
  for (const value of [true, false]) {
    await assertTrips(conn, value, "bool");
    for (const kind of KINDS) {
      await assertLoads(conn, `pg_typeof(%${kind})::text`, "boolean", [value]);
    }
  }
});
