/**
 * Every built-in type of the server: what is loaded in binary is what is loaded
 * as text, and sent back it becomes the text that the server had for it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type BaseCursor, Json, Jsonb, sql } from "../../mod.ts";
import { Format } from "../../types/adapt.ts";
import { Int2Vector, OidVector } from "../../types/mod.ts";
import {
  BUILTIN_SOURCES,
  NO_VALUES,
  TEXT_TELLS_MORE,
} from "../support/builtin_sources.ts";
import { intervalSource, type Source } from "../support/datetime_sources.ts";
import {
  exact,
  KINDS,
  open,
  Random,
  type TupleConnection,
} from "../support/values.ts";

/** How many random values of each type there are beside the extreme ones. */
const COUNT = 30;

/** The base types, ranges and multiranges of the server itself, arrays left out. */
async function typesOf(conn: TupleConnection): Promise<[string, number][]> {
  return await conn.execute(`
    select typname::text, oid from pg_type t
    where typnamespace = 'pg_catalog'::regnamespace
      and typtype in ('b', 'r', 'm')
      and not exists (select from pg_type e where e.typarray = t.oid)
    order by typname`).fetchAll() as [string, number][];
}

async function hasXml(conn: TupleConnection): Promise<boolean> {
  const [row] = await conn.execute(
    "select count(*) > 0 from pg_config where name = 'CONFIGURE' and setting like '%with-libxml%'",
  ).fetchAll();
  return row?.[0] === true;
}

/** What has to be said of values for the server to find their type. */
const SENT_AS: Readonly<Record<string, (value: unknown) => unknown>> = {
  json: (value) => new Json(value),
  jsonb: (value) => new Jsonb(value),
  int2vector: (value) => new Int2Vector(value as number[]),
  oidvector: (value) => new OidVector(value as number[]),
};

function isJson(name: string): boolean {
  return name === "json" || name === "jsonb";
}

function keepText(
  cursor: BaseCursor<unknown[]>,
  oids: readonly number[],
): void {
  for (const oid of oids) {
    cursor.adapters.registerLoader(oid, (text: string) => text);
  }
}

/** What the server itself writes for the rows of a query. */
async function textsOf(
  conn: TupleConnection,
  oids: readonly number[],
  query: string,
): Promise<unknown[][]> {
  const cursor = conn.cursor();
  keepText(cursor, oids);
  return await cursor.execute(query, undefined, { binary: false }).fetchAll();
}

/** The values of a type that a version of the server has. */
function sourceOf(name: string, version: number): Source {
  if (name === "interval" && version < 150000) return intervalSource(4n);
  const source = BUILTIN_SOURCES[name]!;
  return name.startsWith("num") && version < 140000
    ? {
      ...source,
      extremes: source.extremes.filter((text) => !text.includes("Infinity")),
    }
    : source;
}

/** Checks one type. Returns how many values were compared. */
async function checkType(
  conn: TupleConnection,
  name: string,
  oid: number,
  random: Random,
): Promise<number> {
  const source = sourceOf(name, conn.info.serverVersion);
  const type = `pg_catalog.${JSON.stringify(name)}`;
  const message = `${name}, PGTS_TEST_SEED=${random.seed}`;
  const values = [
    ...source.extremes,
    ...Array.from({ length: COUNT }, () => source.random(random)),
  ];
  await conn.execute(
    sql`create temp table differential (n serial, v ${sql.raw(type)})`,
  );
  const list = values.map((value) => `(${value})`).join(",\n");
  await conn.execute(`insert into differential (v) values ${list}`);

  const columns = "v, array[v, null], array[[v], [v]]";
  const query = `select ${columns} from differential order by n`;
  const arrayOid = conn.adapters.types.get(oid)?.arrayOid ?? 0;
  const oids = arrayOid === 0 ? [oid] : [oid, arrayOid];
  const expected = await textsOf(conn, oids, query);
  const loaded = await conn.execute(query, undefined, { binary: false })
    .fetchAll();
  assertEquals(loaded.length, values.length, message);
  for (const [value, one, two] of loaded.map((row) => row.map(exact))) {
    assertEquals([one, two], [[value, null], [[value], [value]]], message);
  }

  // Without a loader of its own a binary value is the bytes themselves.
  const hasLoader = conn.adapters.getLoader(oid, Format.BINARY) !== null;
  if (hasLoader && !(name in TEXT_TELLS_MORE)) {
    const binary = await conn.execute(query, undefined, { binary: true })
      .fetchAll();
    for (const [row, found] of binary.entries()) {
      assertEquals(exact(found), exact(loaded[row]), `${message}, row ${row}`);
    }
  }

  const casts = [type, `${type}[]`, `${type}[]`];
  const send = SENT_AS[name] ?? ((value) => value);
  for (const kind of [...KINDS, "literal"]) {
    const cursor = conn.cursor();
    if (!isJson(name)) keepText(cursor, oids);
    for (const [row, found] of loaded.entries()) {
      const value = send(found[0]);
      const sent = [value, [value, null], [[value], [value]]];
      const query = kind === "literal"
        ? sql`select ${
          sql.join(sent.map((value, i) =>
            sql`(${sql.literal(value)})::${sql.raw(casts[i]!)}`
          ))
        }`
        : `select ${casts.map((cast) => `%${kind}::${cast}`).join(", ")}`;
      const params = kind === "literal" ? undefined : sent;
      const where = `${message}, row ${row} sent back by %${kind}: ${
        Deno.inspect(found[0], { strAbbreviateSize: 200 })
      }`;
      const back = await cursor.execute(query, params, { binary: false })
        .fetchOne().catch((cause) => {
          throw new Error(where, { cause });
        });
      // JavaScript has JSON's values, not its text, and writes -0 as 0.
      if (isJson(name)) {
        assertEquals(JSON.stringify(back), JSON.stringify(found), where);
      } else assertEquals(back, expected[row], where);
    }
  }
  await conn.execute("drop table differential");
  return values.length;
}

Deno.test("P3 every built-in type: text and binary give the same, and go back as the server's own text", async () => {
  const random = new Random();
  await using conn = await open();
  const xml = await hasXml(conn);
  const unknown: string[] = [];
  let checked = 0;
  for (const [name, oid] of await typesOf(conn)) {
    if (name in NO_VALUES || (name === "xml" && !xml)) continue;
    if (!(name in BUILTIN_SOURCES)) unknown.push(name);
    else checked += await checkType(conn, name, oid, random);
  }
  assertEquals(unknown, [], "types without values");
  assertEquals(checked > 60 * COUNT, true);
});
