/**
 * What came in goes out again: random values of every type as parameters of
 * each kind, in arrays, and as literals.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Json, Jsonb, sql } from "../../mod.ts";
import { exact, KINDS, open, Random } from "../support/values.ts";
import { Int2Vector, OidVector, parseJson } from "../../types/mod.ts";
import { fill, SOURCES, TWINS } from "../support/value_sources.ts";

/** What goes out for a value that came in, where it is not the value itself. */
function outgoing(type: string, value: unknown): unknown {
  if (type === "json") return new Json(value);
  if (type === "int2vector") return new Int2Vector(value as number[]);
  if (type === "oidvector") return new OidVector(value as number[]);
  return type === "jsonb" ? new Jsonb(value) : value;
}

for (const type of TWINS) {
  if (type === "unknown") continue;
  Deno.test(`K12 ${type}: what came in goes out again, by each kind of placeholder and as a literal`, async () => {
    const random = new Random();
    const message = `${type}, PGTS_TEST_SEED=${random.seed}`;
    await using conn = await open();
    await fill(conn, type, random);
    const rows = await conn.execute("select v from twins order by n")
      .fetchAll();
    const sent = rows.map(([value]) =>
      value === null ? null : outgoing(type, value)
    );
    // JSON.stringify knows no -0.
    const expected = rows.map(([value]) =>
      exact(type.startsWith("json") ? parseJson(JSON.stringify(value)) : value)
    );
    const unnested = (array: string) =>
      `select v from unnest(${array}::${type}[]) with ordinality as u (v, n) order by n`;
    for (const kind of KINDS) {
      for (const binary of [true, false]) {
        const back = await conn.execute(unnested(`%${kind}`), [sent], {
          binary,
        })
          .fetchAll();
        assertEquals(back.map((row) => exact(row[0])), expected, message);
      }
      // One by one as well, because an array is written by other code.
      for (const [index, value] of sent.entries()) {
        if (index % 7 !== 0) continue;
        const row = await conn.execute(`select %${kind}::${type}`, [value])
          .fetchOne();
        assertEquals(exact(row?.[0]), expected[index], `${message} ${index}`);
      }
    }
    const [before = "", after = ""] = unnested("\0").split("\0");
    const array = sql`${sql.raw(before)}${sql.literal(sent)}${sql.raw(after)}`;
    const back = await conn.execute(array).fetchAll();
    assertEquals(back.map((row) => exact(row[0])), expected, message);
    const literals = sql.join(
      sent.map((value) => sql`((${sql.literal(value)})::${sql.raw(type)})`),
    );
    const listed = await conn.execute(sql`values ${literals}`).fetchAll();
    assertEquals(listed.map((row) => exact(row[0])), expected, message);
  });
}

Deno.test("AD-17 a random table of 20 columns and 50 rows: equal rows whatever the formats", async () => {
  const random = new Random();
  const message = `PGTS_TEST_SEED=${random.seed}`;
  await using conn = await open();
  await conn.execute("set time zone 'UTC'");
  // array[...] of vectors is an array of two dimensions on some versions.
  const absent = ["unknown", "int2vector", "oidvector"];
  if (conn.info.serverVersion < 150000) absent.push("interval");
  const known = TWINS.filter((type) => !absent.includes(type));
  const types = Array.from({ length: 20 }, () => random.pick(known));
  const columns = types.map((type, index) => {
    const array = random.between(0, 3) === 0;
    return { name: `c${index}`, type, array, sql: array ? `${type}[]` : type };
  });
  const definition = columns.map(({ name, sql }) => `${name} ${sql}`).join();
  await conn.execute(`create temp table made (n int4, ${definition})`);
  await conn.execute(`create temp table sent (n int4, ${definition})`);
  for (let n = 0; n < 50; n++) {
    const values = columns.map(({ type, array }) => {
      const source = SOURCES[type]!;
      const item = () =>
        random.between(0, 9) === 0
          ? "null"
          : random.between(0, 4) === 0
          ? random.pick(source.extremes)
          : source.random(random);
      return array
        ? `array[${random.list(4, item).join()}]::${type}[]`
        : item();
    });
    await conn.execute(`insert into made values (${n}, ${values.join(", ")})`);
  }
  const query = "select * from made order by n";
  const rows = await conn.execute(query, undefined, { binary: false })
    .fetchAll();
  assertEquals(rows.length, 50);
  for (const options of [{ binary: true }, {}, {}, { prepare: true }]) {
    const again = await conn.execute(query, undefined, options).fetchAll();
    assertEquals(again.map(exact), rows.map(exact), message);
  }
  for (const kind of KINDS) {
    await conn.execute("truncate sent");
    const marks = columns.map((column) => `%${kind}::${column.sql}`).join();
    for (const [n, ...values] of rows) {
      const params = values.map((value, index) => {
        const { type } = columns[index]!;
        return Array.isArray(value) && columns[index]!.array
          ? value.map((item) => item === null ? null : outgoing(type, item))
          : value === null
          ? null
          : outgoing(type, value);
      });
      await conn.execute(`insert into sent values (%${kind}, ${marks})`, [
        n,
        ...params,
      ]);
    }
    for (const options of [{ binary: true }, { binary: false }, {}, {}]) {
      const back = await conn.execute(
        "select * from sent order by n",
        undefined,
        options,
      ).fetchAll();
      // JSON.stringify knows no -0, which is the one difference.
      const told = (value: unknown) =>
        JSON.stringify(exact(value)).replaceAll("number -0", "number 0");
      assertEquals(back.map(told), rows.map(told), `%${kind}, ${message}`);
    }
  }
});
