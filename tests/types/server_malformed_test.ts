/**
 * Malformed values for every loader there is. What a loader makes of them is
 * compared with what the server makes of them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  CompositeInfo,
  EnumInfo,
  PgError,
  RangeInfo,
  registerComposite,
  registerDateLoader,
  registerDateTimeText,
  registerEnum,
  registerInfinity,
  registerRange,
  registerZonedDateTime,
  TypeInfo,
} from "../../mod.ts";
import { UndefinedFunction } from "../../errors/mod.ts";
import { Format } from "../../types/adapt.ts";
import {
  AdaptersMap,
  Int8AsNumberBinaryLoader,
  Int8AsNumberLoader,
  NumericAsNumberBinaryLoader,
  NumericAsNumberLoader,
} from "../../types/mod.ts";
import { Transformer } from "../../types/transformer.ts";
import {
  BUILTIN_SOURCES,
  NO_VALUES,
  TEXT_TELLS_MORE,
} from "../support/builtin_sources.ts";
import { malformed, OneColumn, show } from "../support/malformed.ts";
import {
  exact,
  open,
  Random,
  type TupleConnection,
} from "../support/values.ts";

/** A type to be tested, and how values of it are made. */
interface Subject {
  readonly name: string;
  readonly sql: string;
  readonly oid: number;
  readonly values: readonly string[];
}

/** Types of the user, registered on the connection. */
async function makeTypes(conn: TupleConnection): Promise<Subject[]> {
  await conn.execute(`
    create type pg_temp.mood as enum ('sad', 'so so', 'h"a,p(p)y');
    create domain pg_temp.short as varchar(10);
    create type pg_temp.pair as (a int4, "B c" text, d short);
    create type pg_temp.nest as (p pair, ps pair[], r int4range, m mood);
    create type pg_temp.floats as range (subtype = float8)`);
  registerEnum(await EnumInfo.fetch(conn, "mood"), conn, {
    sad: 1,
    "so so": 2,
    'h"a,p(p)y': 3,
  });
  (await TypeInfo.fetch(conn, "short"))?.register(conn);
  registerComposite(await CompositeInfo.fetch(conn, "pair"), conn);
  registerComposite(await CompositeInfo.fetch(conn, "nest"), conn);
  registerRange(await RangeInfo.fetch(conn, "floats"), conn);
  const values: Record<string, string[]> = {
    mood: ["'sad'", "'so so'"],
    short: ["'abc'", "''"],
    pair: ["(1, 'x \"y\\', null)", "(null, null, '')"],
    nest: [
      "((1, 'a,b', 'c'), array[(2, null, 'd')::pair, null], '[1,5)', 'sad')",
    ],
    floats: ["'[0.5,1e300)'", "'empty'", "'(,)'"],
    "floats[]": ["array['[1,2)'::floats, null, 'empty']"],
    "nest[]": [
      "array[((1, '\"', null), '{}', 'empty', null)::nest]",
    ],
  };
  const subjects: Subject[] = [];
  for (const [name, expressions] of Object.entries(values)) {
    const info = conn.adapters.types.mustGet(name);
    subjects.push({
      name,
      sql: name,
      oid: name.endsWith("[]") ? info.arrayOid : info.oid,
      values: expressions.map((text) => `${text}::${name}`),
    });
  }
  return subjects;
}

/** Every built-in type that there are values of, and an array of each. */
async function builtin(
  conn: TupleConnection,
  random: Random,
): Promise<Subject[]> {
  const found = await conn.execute(`
    select typname::text, oid, typarray from pg_type t
    where typnamespace = 'pg_catalog'::regnamespace
      and typtype in ('b', 'r', 'm')
      and not exists (select from pg_type e where e.typarray = t.oid)
    order by typname`).fetchAll() as [string, number, number][];
  return found.flatMap(([name, oid, arrayOid]): Subject[] => {
    const source = BUILTIN_SOURCES[name];
    if (source === undefined || name in NO_VALUES || name === "xml") return [];
    const type = `pg_catalog.${JSON.stringify(name)}`;
    // Not the longest ones: each byte of a sample is changed.
    const values = [
      ...source.extremes.filter((text) => text.length < 60),
      source.random(random),
      source.random(random),
    ].slice(-3);
    const element = values.at(-1)!;
    return [
      { name, sql: type, oid, values },
      ...(arrayOid === 0 ? [] : [{
        name: `${name}[]`,
        sql: `${type}[]`,
        oid: arrayOid,
        values: [
          `array[${element}, null, ${element}]`,
          `array[[${element}], [${element}]]`,
        ],
      }]),
    ];
  });
}

/** Asks the server what it makes of values that it gets as they are. */
class Oracle {
  readonly #conn: TupleConnection;
  #count = 0;

  constructor(conn: TupleConnection) {
    this.#conn = conn;
  }

  /**
   * Prepares the question for a type.
   *
   * @returns What asks it: it gives the text that the server writes, or `null` if
   * it refuses the value.
   */
  async about(
    { sql: type, oid }: Subject,
    format: Format,
  ): Promise<(bytes: Uint8Array) => Promise<Uint8Array | null>> {
    const { pgconn } = this.#conn;
    const name = `oracle_${this.#count++}`;
    await pgconn.prepare(name, `select $1::${type}`, [oid]);
    return async (bytes) => {
      try {
        const result = await pgconn.execPrepared(name, [bytes], {
          formats: [format],
        });
        return result.getValue(0, 0);
      } catch (error) {
        if (error instanceof PgError && error.sqlstate !== null) return null;
        throw error;
      }
    };
  }

  /** The samples of a type in a format, as the server sends them. */
  async samples(
    { values }: Subject,
    format: Format,
  ): Promise<Uint8Array[]> {
    const { pgconn } = this.#conn;
    const samples: Uint8Array[] = [];
    for (const value of values) {
      try {
        const result = await pgconn.execParams(`select ${value}`, [], {
          resultFormat: format,
        });
        samples.push(result.getValue(0, 0)!);
      } catch (error) {
        // Such as aclitem, which has no binary form.
        if (!(error instanceof UndefinedFunction)) throw error;
      }
    }
    return samples;
  }
}

/** Whether the server writes a type in a form of its own, so that values differ. */
function isRewritten(name: string): boolean {
  return name in TEXT_TELLS_MORE ||
    ["money", "jsonb", "jsonpath", "floats", "tsvector", "tsquery"].includes(
      name,
    ) ||
    name.endsWith("range");
}

/** Whether a string, which may be spelled otherwise, is or is in a value. */
function hasString(value: unknown): boolean {
  return typeof value === "string" ||
    (typeof value === "object" && value !== null &&
      Object.values(value).some(hasString));
}

/** Whether bytes are in a value: what is read of a type that nobody knows. */
function hasBytes(value: unknown): boolean {
  return value instanceof Uint8Array ||
    (typeof value === "object" && value !== null &&
      Object.values(value).some(hasBytes));
}

/** Gives the server one malformed value in this many. */
const ASK_ONE_IN = 60;

Deno.test("A13 A14 every loader: malformed values are DataErrors that name column and type, and never wrong values", async () => {
  const random = new Random();
  await using conn = await open();
  await conn.execute("set time zone 'UTC'");
  const subjects = [...await makeTypes(conn), ...await builtin(conn, random)];
  const oracle = new Oracle(conn);
  const transformer = new Transformer(conn.adapters, conn.transformer.session);
  const counts = { loaded: 0, refused: 0, asked: 0, compared: 0 };
  for (const subject of subjects) {
    const { name, oid } = subject;
    const column = (format: Format) =>
      new OneColumn(transformer.getLoader(oid, format), name);
    const text = column(Format.TEXT);
    for (const format of [Format.TEXT, Format.BINARY]) {
      const tested = column(format);
      const ask = await oracle.about(subject, format);
      const samples = await oracle.samples(subject, format);
      for (const bytes of malformed(samples, random)) {
        const verdict = tested.load(bytes);
        if ("error" in verdict) {
          counts.refused++;
          continue;
        }
        counts.loaded++;
        if (random.between(1, ASK_ONE_IN) > 1) continue;
        counts.asked++;
        const answer = await ask(bytes);
        if (answer === null || isRewritten(name.replace("[]", ""))) continue;
        const { value } = verdict;
        const server = text.load(answer);
        if (
          "error" in server ||
          (format === Format.TEXT && hasString(value)) ||
          (hasBytes(value) && !hasBytes(server.value))
        ) continue;
        counts.compared++;
        assertEquals(
          exact(value),
          exact(server.value),
          `PGTS_TEST_SEED=${random.seed}, ${name} ${format}: ${show(bytes)}`,
        );
      }
    }
  }
  assert(counts.refused > 40_000 && counts.loaded > 8_000);
  assert(counts.compared > 50, Deno.inspect(counts));
});

/** Loaders that are registered on demand, and the types that they are for. */
const ON_DEMAND: readonly [string[], (map: AdaptersMap) => void][] = [
  [
    ["date", "time", "timetz", "timestamp", "timestamptz", "interval"],
    (map) => registerDateTimeText(map),
  ],
  [["date", "timestamp", "timestamptz"], registerInfinity],
  [["timestamptz"], registerDateLoader],
  [["timestamptz"], registerZonedDateTime],
  [["numeric", "numrange"], (map) => {
    map.registerLoader("numeric", NumericAsNumberLoader);
    map.registerLoader("numeric", NumericAsNumberBinaryLoader);
  }],
  [["int8", "int8range"], (map) => {
    map.registerLoader("int8", Int8AsNumberLoader);
    map.registerLoader("int8", Int8AsNumberBinaryLoader);
  }],
];

Deno.test("A13 loaders that are registered on demand: malformed values are DataErrors", async () => {
  const random = new Random();
  await using conn = await open();
  const oracle = new Oracle(conn);
  const subjects = await builtin(conn, random);
  let refused = 0;
  for (const [names, register] of ON_DEMAND) {
    const map = new AdaptersMap(conn.adapters);
    register(map);
    const transformer = new Transformer(map, conn.transformer.session);
    for (const subject of subjects) {
      if (!names.includes(subject.name.replace("[]", ""))) continue;
      for (const format of [Format.TEXT, Format.BINARY]) {
        const loader = transformer.getLoader(subject.oid, format);
        const column = new OneColumn(loader, subject.name);
        const samples = await oracle.samples(subject, format);
        for (const bytes of malformed(samples, random)) {
          if ("error" in column.load(bytes)) refused++;
        }
      }
    }
  }
  assert(refused > 10_000);
});
