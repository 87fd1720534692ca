/**
 * numeric on a real server: the digits and the scale that it has, in both
 * formats.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { IntNumeric } from "../../types/mod.ts";
import { assertLoads, assertTrips, KINDS, open } from "../support/values.ts";
import {
  NumericAsNumberBinaryLoader,
  NumericAsNumberLoader,
} from "../../types/mod.ts";

Deno.test("NU-10 numeric: the digits and the scale that the server has", async () => {
  await using conn = await open();
  const cases: [string, string][] = [
    ["0", "0"],
    ["-0", "0"],
    ["0.0", "0.0"],
    ["-0.0", "0.0"],
    ["0.000000000000000000001", "0.000000000000000000001"],
    ["NaN", "NaN"],
    ["1.10", "1.10"],
    ["-1.500", "-1.500"],
    ["10000", "10000"],
    ["100000000.0001", "100000000.0001"],
    ["9999.9999", "9999.9999"],
    ["0.00010", "0.00010"],
    [
      "12345678901234567890.12345678901234567890",
      "12345678901234567890.12345678901234567890",
    ],
    ["Infinity", "Infinity"],
    ["-Infinity", "-Infinity"],
  ];
  for (const [text, expected] of cases) {
    await assertLoads(conn, `'${text}'::numeric`, expected);
    await assertTrips(conn, text, "numeric", { expected });
  }
  await assertTrips(conn, 2n ** 80n, "numeric", {
    expected: String(2n ** 80n),
  });
  await assertTrips(conn, -(10n ** 50n), "numeric", {
    expected: `-1${"0".repeat(50)}`,
  });
  await assertTrips(conn, new IntNumeric(7), "numeric", { expected: "7" });
});

Deno.test("P2 numeric: as many digits as PostgreSQL has", async () => {
  await using conn = await open();
  const long = `${"9".repeat(131_072)}.${"1".repeat(16_383)}`;
  for (const binary of [true, false]) {
    const rows = await conn.execute(
      "select %s::numeric, ('1e131071'::numeric), ('1e-16383'::numeric)",
      [long],
      { binary },
    ).fetchAll();
    assertEquals(rows[0]?.[0] === long, true);
    assertEquals(rows[0]?.[1], `1${"0".repeat(131_071)}`);
    assertEquals(rows[0]?.[2], `0.${"0".repeat(16_382)}1`);
  }
  const integer = BigInt("9".repeat(20_000));
  for (const kind of KINDS) {
    const row = await conn.execute(`select %${kind}`, [integer]).fetchOne();
    assertEquals(row?.[0] === String(integer), true);
  }
});

Deno.test("NU-12 numeric: every pattern of digits in both formats is the server's text", async () => {
  await using conn = await open();
  const patterns: string[] = [];
  for (let i = 0; i < 100; i++) {
    const nines = "9".repeat(i + 1);
    patterns.push(
      `1${"0".repeat(i)}`,
      `0.${"0".repeat(i)}1`,
      `1.${"0".repeat(i + 1)}`,
      `1${"0".repeat(i)}.0`,
      `0.${"0".repeat(i + 1)}`,
      nines,
      `${nines}.${nines}`,
      `0.${nines}`,
      `1.1e${i}`,
      `1.1e-${i}`,
      `1.10e${i}`,
      `123456789e-${i}`,
    );
  }
  const all = patterns.flatMap((text) => [text, `-${text}`]);
  const query =
    "select n, n::text from unnest(%s::numeric[]) with ordinality as u (n, i) order by i";
  for (const binary of [true, false]) {
    const rows = await conn.execute(query, [all], { binary }).fetchAll();
    assertEquals(rows.length, all.length);
    for (const [index, [value, text]] of rows.entries()) {
      assertEquals(value, text, all[index]);
    }
    const array = await conn.execute(
      "select %s::numeric[], (%s::numeric[])::text[]",
      [all, all],
      { binary },
    ).fetchOne();
    assertEquals(array?.[0], array?.[1]);
  }
  // As a bigint or a wrapper: written by us, as text and in binary.
  for (const kind of KINDS) {
    for (let i = 0; i < 100; i++) {
      const digits = 10n ** BigInt(i);
      for (const n of [digits, digits - 1n, digits * 9999n, -digits]) {
        const row = await conn.execute(
          `select %${kind}, (%${kind})::text, %${kind} = ${n}::numeric`,
          [new IntNumeric(n), new IntNumeric(n), new IntNumeric(n)],
        ).fetchOne();
        assertEquals(row, [String(n), String(n), true]);
      }
    }
  }
});

Deno.test("NU-14 numeric as numbers: by another loader, in arrays as well, NaN kept", async () => {
  await using conn = await open();
  conn.adapters.registerLoader("numeric", NumericAsNumberLoader);
  conn.adapters.registerLoader("numeric", NumericAsNumberBinaryLoader);
  for (const value of [0, 1.5, -0.001, 1e20, NaN, Infinity, 123456.789]) {
    await assertLoads(conn, `'${value}'::numeric`, value);
    await assertLoads(conn, `array['${value}'::numeric, null]`, [value, null]);
  }
  // A function is enough where rounding is wanted.
  const cursor = conn.cursor();
  cursor.adapters.registerLoader("numeric", Number);
  for (let run = 0; run < 3; run++) {
    await cursor.execute("select 0.1234567890123456789, array['NaN'::numeric]");
    assertEquals(await cursor.fetchOne(), [0.12345678901234568, [NaN]]);
  }
});
