/**
 * The types that are measured one by one, and the tables that have them.
 *
 * @module
 */

import type { Connection } from "../mod.ts";

/** A type to be measured. */
export interface BenchType {
  /** The name, also that of the workload. */
  readonly name: string;
  /** Makes the value of the row `i` in SQL. */
  readonly value: string;
}

/** How often a row has the value: the more, the less the row itself costs. */
export const TYPE_COLUMNS = 5;

/** How many rows are fetched; not below 32768, see `workloads.ts`. */
export const TYPE_ROWS = { full: 200_000, quick: 40_000 } as const;

const at = "(timestamptz '2024-01-01 00:00+00' + i * interval '1.5 s')";

/** The types. */
export const TYPES: readonly BenchType[] = [
  { name: "bool", value: "i % 3 = 0" },
  { name: "int2", value: "(i % 30000)::int2" },
  { name: "int4", value: "i" },
  { name: "int8", value: "i * 1000003::int8" },
  { name: "float4", value: "(i / 7.0)::float4" },
  { name: "float8", value: "i / 7.0::float8" },
  { name: "numeric", value: "(i * 12.3457)::numeric(18, 4)" },
  { name: "text", value: "lpad(i::text, 20, 'abcdefghij')" },
  { name: "bytea", value: "sha256(i::text::bytea)" },
  { name: "uuid", value: "md5(i::text)::uuid" },
  { name: "date", value: "date '2000-01-01' + i % 10000" },
  { name: "time", value: `${at}::time` },
  { name: "timetz", value: `${at}::timetz` },
  { name: "timestamp", value: `${at}::timestamp` },
  { name: "timestamptz", value: at },
  { name: "interval", value: "i * interval '1 day 1.5 s'" },
  { name: "json", value: `('{"id": ' || i || ', "tags": ["a", "b"]}')::json` },
  {
    name: "jsonb",
    value: `('{"id": ' || i || ', "tags": ["a", "b"]}')::jsonb`,
  },
  { name: "int4[]", value: "array[i, i + 1, i * 2, -i, 0]" },
  { name: "float8[]", value: "array[i / 7.0, i, 0.5]::float8[]" },
  { name: "text[]", value: "array['a' || i, 'b,c', null, i::text]" },
  { name: "timestamptz[]", value: `array[${at}, ${at}]` },
  { name: "int4range", value: "int4range(i, i + 10)" },
  { name: "tstzrange", value: `tstzrange(${at}, null)` },
  { name: "int4multirange", value: "int4multirange(int4range(i, i + 5))" },
  { name: "inet", value: "'10.0.0.0'::inet + i" },
  { name: "macaddr", value: "substr(md5(i::text), 1, 12)::macaddr" },
  { name: "point", value: "point(i / 7.0, i)" },
  { name: "polygon", value: "polygon(box(point(0, 0), point(i, i)))" },
];

function tableOf({ name }: BenchType): string {
  return `pgts_bench."type_${name}"`;
}

/**
 * The statement that fetches a type.
 *
 * @param type The type.
 * @param limit How many rows, `$1` by default.
 * @returns The text.
 */
export function typeQuery(type: BenchType, limit = "$1"): string {
  const columns = Array.from(
    { length: TYPE_COLUMNS },
    (_, i) => `v as v${i}`,
  );
  return `select ${columns} from ${tableOf(type)} limit ${limit}`;
}

/**
 * Makes the tables of some types, in the schema of `dataset.ts`.
 *
 * @param conn An open connection in autocommit mode.
 * @param types The types.
 * @param count How many rows each table gets.
 */
export async function createTypeTables(
  conn: Connection,
  types: readonly BenchType[],
  count: number,
): Promise<void> {
  for (const type of types) {
    await conn.execute(`
      create unlogged table ${tableOf(type)} as
      select ${type.value} as v from generate_series(1, ${count}) as i`);
    await conn.execute(`vacuum (freeze, analyze) ${tableOf(type)}`);
  }
}
