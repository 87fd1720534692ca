/**
 * What bulk loading needs to know of a table and of the records for it.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { quote } from "../sql/as_string.ts";
import { Identifier } from "../sql/parts.ts";
import type { AdaptersMap } from "../types/adapters_map.ts";
import { PlaceholderFormat } from "../types/adapt.ts";
import { Cursor } from "./cursor.ts";
import type { CursorConnection } from "./cursor_core.ts";
import { tupleRow } from "./rows.ts";

/** A table: its name, the parts of a qualified name, or an identifier. Always quoted. */
export type TableName = string | readonly [string, ...string[]] | Identifier;

/** A row to load: its values in the order of the columns, or by their names. */
export type BulkRecord = readonly unknown[] | Readonly<Record<string, unknown>>;

/** Rows to load. */
export type BulkRecords = Iterable<BulkRecord> | AsyncIterable<BulkRecord>;

/** A column to load into. */
export interface BulkColumn {
  /** Its name. */
  readonly name: string;
  /** The OID of its type, under a domain that of the domain's. */
  readonly oid: number;
  /** The type as SQL writes it. */
  readonly type: string;
}

/** The quoted name of a table. */
export function tableName(table: TableName): string {
  if (table instanceof Identifier) return table.asString();
  const names = typeof table === "string" ? [table] as const : table;
  return new Identifier(...names).asString();
}

/** Quoted names with commas between them. */
export function nameList(names: readonly string[]): string {
  return names.map((name) => new Identifier(name).asString()).join(", ");
}

/**
 * Finds the columns to load into.
 *
 * @param conn The connection.
 * @param table The quoted name of the table.
 * @param names Their names; without, all columns but generated ones.
 * @returns The columns.
 * @throws {ProgrammingError} If there is no such column.
 */
export async function findColumns(
  conn: CursorConnection,
  table: string,
  names: readonly string[] | null,
): Promise<BulkColumn[]> {
  const cursor = new Cursor<unknown[]>(conn, { rowFactory: tupleRow });
  await cursor.execute(`
    select a.attname::text, b.oid::int8, pg_catalog.format_type(b.oid, -1), a.attgenerated::text
    from pg_catalog.pg_attribute a, lateral (
      with recursive base(oid, next, kind) as (
        select oid, typbasetype, typtype from pg_catalog.pg_type where oid = a.atttypid
        union all
        select t.oid, t.typbasetype, t.typtype
        from base join pg_catalog.pg_type t on t.oid = base.next where base.kind = 'd'
      ) select oid from base where kind <> 'd'
    ) b
    where a.attrelid = ${
    quote(table)
  }::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attnum`);
  const found = (await cursor.fetchAll()).map((
    [name, oid, type, generated],
  ) => ({
    name: String(name),
    oid: Number(oid),
    type: String(type),
    generated: generated !== "",
  }));
  if (names === null) return found.filter(({ generated }) => !generated);
  return names.map((name) => {
    const column = found.find((column) => column.name === name);
    if (column !== undefined) return column;
    throw new ProgrammingError(
      `Cannot load into ${table}: it has no column ${JSON.stringify(name)}`,
      { connectionUsable: true },
    );
  });
}

/** Whether all columns have a dumper of binary values. */
export function allBinary(
  columns: readonly BulkColumn[],
  adapters: AdaptersMap,
): boolean {
  return columns.every(({ oid }) => {
    const info = adapters.types.get(oid);
    const element = info !== null && info.arrayOid === oid ? info.oid : oid;
    try {
      adapters.getDumperByOid(element, PlaceholderFormat.BINARY);
      return true;
    } catch {
      return false;
    }
  });
}

/** Records whose first one has been looked at. */
export interface PeekedRecords {
  /** The names of the first record, if it has names. */
  readonly names: readonly string[] | null;
  /** The values of all records, in the order of the columns. */
  rows(
    columns: readonly string[],
  ): Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>;
}

/** Looks at the first record. */
export async function peek(records: BulkRecords): Promise<PeekedRecords> {
  if (Symbol.asyncIterator in records) {
    const iterator = records[Symbol.asyncIterator]();
    const first = await iterator.next();
    return {
      names: namesOf(first.value),
      rows: (columns) => asyncRows(first, iterator, columns),
    };
  }
  const iterator = records[Symbol.iterator]();
  const first = iterator.next();
  return {
    names: namesOf(first.value),
    rows: (columns) => syncRows(first, iterator, columns),
  };
}

function* syncRows(
  first: IteratorResult<BulkRecord>,
  iterator: Iterator<BulkRecord>,
  columns: readonly string[],
): Generator<readonly unknown[], void, undefined> {
  try {
    for (let item = first; !item.done; item = iterator.next()) {
      yield valuesOf(item.value, columns);
    }
  } finally {
    iterator.return?.();
  }
}

async function* asyncRows(
  first: IteratorResult<BulkRecord>,
  iterator: AsyncIterator<BulkRecord>,
  columns: readonly string[],
): AsyncGenerator<readonly unknown[], void, undefined> {
  try {
    for (let item = first; !item.done; item = await iterator.next()) {
      yield valuesOf(item.value, columns);
    }
  } finally {
    await iterator.return?.();
  }
}

function namesOf(record: BulkRecord | undefined): readonly string[] | null {
  return typeof record === "object" && record !== null && !Array.isArray(record)
    ? Object.keys(record)
    : null;
}

/** The values of a record. A name that it lacks gives `undefined`, which no dumper takes. */
function valuesOf(
  record: BulkRecord,
  columns: readonly string[],
): readonly unknown[] {
  if (Array.isArray(record)) return record;
  const named = record as Readonly<Record<string, unknown>>;
  return columns.map((name) =>
    Object.hasOwn(named, name) ? named[name] : undefined
  );
}
