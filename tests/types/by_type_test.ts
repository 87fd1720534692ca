/**
 * Values whose type is given in advance: in COPY, in the fields of rows, in the
 * bounds of ranges.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  copyRecords,
  DataError,
  EnumInfo,
  Interval,
  Json,
  Multirange,
  ProgrammingError,
  Range,
  RangeInfo,
  registerComposite,
  registerEnum,
  registerRange,
  Tuple,
  TypeInfo,
} from "../../mod.ts";
import { CompositeInfo, Int4, Uuid, WriteBuffer } from "../../types/mod.ts";
import { NO_SESSION, PlaceholderFormat } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { Transformer } from "../../types/transformer.ts";
import { assertExact, assertLoads, KINDS, open } from "../support/values.ts";

const UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

/** A value of every class that there is a dumper for, and of some others. */
const ZOO: readonly unknown[] = [
  true,
  1,
  1.5,
  NaN,
  10n,
  "",
  "x",
  "12",
  new Date(0),
  Temporal.PlainDate.from("2000-01-01"),
  Temporal.PlainTime.from("10:00"),
  Temporal.PlainDateTime.from("2000-01-01T00:00"),
  Temporal.Instant.from("2000-01-01T00:00Z"),
  new Interval(1),
  new Range(1, 2),
  new Range("a", "b"),
  new Multirange(),
  new Uint8Array(2),
  new ArrayBuffer(1),
  [],
  [1],
  ["x"],
  [[true]],
  { a: 1 },
  new Json(1),
  new Tuple([1]),
  new Uuid(UUID),
  new Int4(4),
  new Map(),
  () => 1,
  Symbol("s"),
];

const transformer = new Transformer(adapters, NO_SESSION);

Deno.test("getDumperByOid: a value of another class is an error that says so, whatever the type", () => {
  let refused = 0;
  for (const { name, oid, arrayOid } of adapters.types) {
    for (const type of [oid, arrayOid]) {
      for (const format of [PlaceholderFormat.TEXT, PlaceholderFormat.BINARY]) {
        if (type === 0 || !adapters.hasDumperByOid(oid, format)) continue;
        const dumper = transformer.getDumperByOid(type, format);
        for (const value of ZOO) {
          const ways = [
            () => dumper.dump(value, new WriteBuffer(16)),
            () => assertEquals(typeof dumper.text(value), "string"),
            () => assertEquals(typeof dumper.quote(value), "string"),
          ];
          for (const way of ways) {
            try {
              way();
            } catch (error) {
              assert(
                error instanceof DataError || error instanceof ProgrammingError,
                `${name} ${format}: ${Deno.inspect(value)}: ${error}`,
              );
              refused++;
            }
          }
        }
      }
    }
  }
  assert(refused > 1000);
});

Deno.test("getDumperByOid: nothing is made a boolean, a number or bytes that is none", () => {
  const wrong: [string, unknown[]][] = [
    ["bool", ["false", "", 0, 1, [], null]],
    ["float4", ["", "1", true, [], new Date(0)]],
    ["float8", ["", "1", true, [], new Date(0)]],
    ["bytea", ["", "text", 3, 0n, true, [1, 2], {}]],
    ["int4", ["1", true, 1.5]],
    ["text", [1, true, 1n, {}]],
    ["uuid", ["x", 1, {}, ""]],
    ['"char"', ["ab", "é", "\\400", 1]],
  ];
  for (const [name, values] of wrong) {
    for (const format of [PlaceholderFormat.TEXT, PlaceholderFormat.BINARY]) {
      // In text format any string goes as it is where the server reads it.
      if (name === '"char"' && format === PlaceholderFormat.TEXT) continue;
      const oid = adapters.types.getOid(name.replaceAll('"', ""));
      const dumper = transformer.getDumperByOid(oid, format);
      for (const value of values) {
        assertThrows(
          () => dumper.dump(value, new WriteBuffer(16)),
          DataError,
          "",
          `${name} ${Deno.inspect(value)}`,
        );
      }
    }
  }
});

Deno.test("copyRecords: what is loaded as a string goes back into its column, in binary as well", async () => {
  await using conn = await open();
  await conn.execute(`
    create temp table strings (
      u uuid, n numeric, v varchar(5), b char(3), m name, c "char", us uuid[], vs varchar[])`);
  const row = [UUID, "1.50", "añb", "a  ", "name", "x", [UUID, null], [
    "",
    "z",
  ]];
  for (const binary of [undefined, true, false]) {
    await copyRecords(conn, "strings", [row, row.map(() => null)], { binary });
    const rows = await conn.execute("select * from strings").fetchAll();
    assertExact(rows, [row, row.map(() => null)], `binary: ${binary}`);
    await conn.execute("truncate strings");
  }
});

Deno.test("copyRecords: enums, domains and composites, in binary as well", async () => {
  await using conn = await open();
  await conn.execute(`
    create type pg_temp.mood as enum ('sad', 'ok');
    create domain pg_temp.age as int2 check (value >= 0);
    create type pg_temp.person as (id int8, mood mood, age age, ages age[], score numeric, span int8range, key uuid);
    create temp table people (m mood, ms mood[], a age, "as" age[], p person, ps person[])`);
  registerEnum(await EnumInfo.fetch(conn, "mood"), conn);
  (await TypeInfo.fetch(conn, "age"))?.register(conn);
  const info = await CompositeInfo.fetch(conn, "person");
  assert(info !== null);
  registerComposite(info, conn);
  const person = {
    id: 7n,
    mood: "ok",
    age: 3,
    ages: [1, null],
    score: "-0.10",
    span: new Range(1n, 5n),
    key: UUID,
  };
  const sent = Tuple.of(info, { ...person, span: new Range(1, 5) });
  const row = ["sad", ["ok", null], 1, [2, 3], sent, [sent, null]];
  const expected = ["sad", ["ok", null], 1, [2, 3], person, [person, null]];
  for (const binary of [undefined, true, false]) {
    await copyRecords(conn, "people", [row], { binary });
    const rows = await conn.execute("select * from people").fetchAll();
    assertExact(rows, [expected], `binary: ${binary}`);
    await conn.execute("truncate people");
  }
  for (const kind of KINDS) {
    await assertLoads(conn, `%${kind}`, person, [sent]);
    await assertLoads(conn, `%${kind}`, [person, null], [[sent, null]]);
  }
  const transformer = new Transformer(conn.adapters, NO_SESSION);
  for (
    const [type, value] of [["mood", "happy"], ["person", person]] as const
  ) {
    const { oid } = conn.adapters.types.mustGet(type);
    for (const format of [PlaceholderFormat.TEXT, PlaceholderFormat.BINARY]) {
      const dumper = transformer.getDumperByOid(oid, format);
      assertThrows(() => dumper.dump(value, new WriteBuffer(16)), DataError);
    }
  }
});

Deno.test("registerEnum: members and labels are sent as they are where the type is given", async () => {
  await using conn = await open();
  await conn.execute(`
    create type pg_temp.size as enum ('small', 'large');
    create temp table sizes (s size)`);
  const Size = { small: 1, large: 2 } as const;
  const sizes = registerEnum(await EnumInfo.fetch(conn, "size"), conn, Size);
  const rows = [[1], ["large"], [sizes.of(1)]];
  for (const binary of [true, false]) {
    await conn.cursor().copy(
      `copy sizes from stdin (format ${binary ? "binary" : "text"})`,
      async (copy) => {
        copy.setTypes(["size"]);
        await copy.writeRows(rows);
      },
    );
    assertEquals(await conn.execute("select s from sizes").fetchAll(), [
      [1],
      [2],
      [1],
    ]);
    await conn.execute("truncate sizes");
  }
});

Deno.test("registerRange: bounds of oid and uuid as they are loaded", async () => {
  await using conn = await open();
  await conn.execute(`
    create type pg_temp.oids as range (subtype = oid);
    create type pg_temp.keys as range (subtype = uuid)`);
  const Oids = registerRange(await RangeInfo.fetch(conn, "oids"), conn);
  const Keys = registerRange(await RangeInfo.fetch(conn, "keys"), conn);
  for (const kind of KINDS) {
    const expression = `%${kind}`;
    await assertLoads(conn, expression, new Range(1, 2 ** 32 - 1), [
      new Oids(1, 2 ** 32 - 1),
    ]);
    await assertLoads(conn, expression, new Range(UUID, null), [
      new Keys(UUID),
    ]);
  }
});
