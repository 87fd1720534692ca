/**
 * Loading many rows into a table: by COPY, or by INSERT with arrays where COPY
 * cannot do what is wanted. Neither has the limit of 65,535 parameters.
 *
 * @module
 */

import { DataError, ProgrammingError } from "../errors/base.ts";
import { OID } from "../types/oids.ts";
import type { Transformer } from "../types/transformer.ts";
import {
  allBinary,
  type BulkColumn,
  type BulkRecords,
  findColumns,
  nameList,
  peek,
  type TableName,
  tableName,
} from "./bulk_table.ts";
import { Cursor } from "./cursor.ts";
import type { CursorConnection } from "./cursor_core.ts";
import { type DictRow, dictRow } from "./rows.ts";

/** Options of {@linkcode copyRecords}. */
export interface CopyRecordsOptions {
  /**
   * The columns that the values are for. By default the names of the first
   * record, or all columns of the table but generated ones.
   */
  columns?: readonly string[] | undefined;
  /**
   * Whether to send binary values, each as the type of its column, or text, which
   * also takes strings for dates and the like. By default binary where all types
   * are known.
   */
  binary?: boolean | undefined;
  /** Aborts it; nothing is stored then. */
  signal?: AbortSignal | undefined;
}

/** Options of {@linkcode insertMany}. */
export interface InsertManyOptions extends CopyRecordsOptions {
  /**
   * What to do with rows that are there already: nothing, or with `update` to set
   * columns of the row to the new values.
   */
  onConflict?:
    | "nothing"
    | {
      readonly columns: readonly string[];
      readonly update: readonly string[];
    }
    | undefined;
  /** The columns to return of the rows that were inserted or updated. */
  returning?: readonly string[] | undefined;
}

/** What {@linkcode insertMany} did. */
export interface InsertManyResult {
  /** How many rows were inserted or updated. */
  readonly rowCount: number;
  /** What `returning` asked for; without it nothing. */
  readonly rows: DictRow[];
}

/**
 * Loads rows into a table by COPY: the fastest way there is.
 *
 * @param conn The connection.
 * @param table The table; names are always quoted.
 * @param records The rows: arrays, or objects keyed by column name. They may come
 * from an async iterable, which is read no faster than the server stores.
 * @param options See {@linkcode CopyRecordsOptions}.
 * @returns How many rows were stored.
 * @throws {ProgrammingError} If a column does not exist, or a value is missing or
 * cannot be adapted; then nothing is stored.
 * @throws {DataError} If a type cannot hold a value; then nothing is stored.
 * @throws {DatabaseError} What the server says of the data.
 *
 * @example
 * ```ts
 * import { connect, copyRecords } from "@x/pgts";
 *
 * await using conn = await connect({ autocommit: true });
 * await conn.execute("create temp table item (id int, name text)");
 * const items = [{ id: 1, name: "hammer" }, { id: 2, name: null }];
 * console.log(await copyRecords(conn, "item", items)); // 2
 * ```
 */
export async function copyRecords(
  conn: CursorConnection,
  table: TableName,
  records: BulkRecords,
  options: CopyRecordsOptions = {},
): Promise<number> {
  const name = tableName(table);
  const peeked = await peek(records);
  const columns = await findColumns(
    conn,
    name,
    options.columns ?? peeked.names,
  );
  const names = columns.map((column) => column.name);
  const cursor = new Cursor(conn);
  const binary = options.binary ?? allBinary(columns, cursor.adapters);
  const list = names.length > 0 ? ` (${nameList(names)})` : "";
  await cursor.copy(
    `COPY ${name}${list} FROM STDIN${binary ? " (FORMAT binary)" : ""}`,
    async (copy) => {
      if (binary) copy.setTypes(columns.map((column) => column.oid));
      await copy.writeRows(peeked.rows(names));
    },
    { signal: options.signal },
  );
  return cursor.rowCount;
}

/**
 * Inserts many rows, however many parameters that would be.
 *
 * Without `onConflict` and `returning` it is {@linkcode copyRecords}: COPY. With
 * one of them it is a single `INSERT … SELECT … FROM unnest(…)` with an array for
 * each column, for which all rows are held in memory.
 *
 * @param conn The connection.
 * @param table The table; names are always quoted.
 * @param records The rows: arrays, or objects keyed by column name.
 * @param options See {@linkcode InsertManyOptions}.
 * @returns How many rows were inserted or updated, and what they return.
 * @throws {ProgrammingError} If a column does not exist, or a value is missing or
 * cannot be adapted.
 * @throws {DatabaseError} What the server says of the data.
 *
 * @example
 * ```ts
 * import { connect, insertMany } from "@x/pgts";
 *
 * await using conn = await connect({ autocommit: true });
 * await conn.execute("create temp table item (id int primary key, name text)");
 * await insertMany(conn, "item", [[1, "hammer"], [2, "saw"]]);
 * const { rows } = await insertMany(conn, "item", [{ id: 2, name: "axe" }], {
 *   onConflict: { columns: ["id"], update: ["name"] },
 *   returning: ["id", "name"],
 * });
 * console.log(rows); // [{ id: 2, name: "axe" }]
 * ```
 */
export async function insertMany(
  conn: CursorConnection,
  table: TableName,
  records: BulkRecords,
  options: InsertManyOptions = {},
): Promise<InsertManyResult> {
  const { onConflict, returning } = options;
  if (onConflict === undefined && returning === undefined) {
    return {
      rowCount: await copyRecords(conn, table, records, options),
      rows: [],
    };
  }
  const name = tableName(table);
  const peeked = await peek(records);
  const columns = await findColumns(
    conn,
    name,
    options.columns ?? peeked.names,
  );
  const names = columns.map((column) => column.name);
  const arrays = await toArrays(columns, peeked.rows(names), conn.transformer);
  const aliases = columns.map((_, i) => `c${i + 1}`);
  const query = [
    `INSERT INTO ${name} (${nameList(names)})`,
    `SELECT ${
      aliases.map((alias, i) => `${alias}::${columns[i]!.type}`).join(", ")
    }`,
    `FROM unnest(${aliases.map(() => "%s::text[]").join(", ")}) AS r(${
      aliases.join(", ")
    })`,
    conflictClause(onConflict),
    returning === undefined ? "" : `RETURNING ${nameList(returning)}`,
  ];
  const cursor = new Cursor<DictRow>(conn, { rowFactory: dictRow });
  // A percent sign in a name is none of a placeholder.
  const text = query.map((part, i) =>
    i === 2 ? part : part.replaceAll("%", "%%")
  );
  await cursor.execute(text.join("\n"), arrays, { signal: options.signal });
  return {
    rowCount: cursor.rowCount,
    rows: returning === undefined ? [] : await cursor.fetchAll(),
  };
}

function conflictClause(onConflict: InsertManyOptions["onConflict"]): string {
  if (onConflict === undefined) return "";
  if (onConflict === "nothing") return "ON CONFLICT DO NOTHING";
  const { columns, update } = onConflict;
  if (columns.length === 0 || update.length === 0) {
    throw new ProgrammingError(
      'Cannot insert: onConflict needs the columns of a unique index and those to update, or "nothing"',
    );
  }
  const sets = update.map((name) =>
    `${nameList([name])} = EXCLUDED.${nameList([name])}`
  );
  return `ON CONFLICT (${nameList(columns)}) DO UPDATE SET ${sets.join(", ")}`;
}

/**
 * An array of text for each column. Text takes all: an array of arrays would be
 * one array to unnest(), and values of one column may be of several classes.
 */
async function toArrays(
  columns: readonly BulkColumn[],
  rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  transformer: Transformer,
): Promise<(string | null)[][]> {
  const arrays: (string | null)[][] = columns.map(() => []);
  let count = 0;
  for await (const row of rows) {
    count++;
    if (row.length !== columns.length) {
      throw new DataError(
        `Cannot insert row ${count}: it has ${row.length} values for ${columns.length} columns`,
      );
    }
    for (let i = 0; i < row.length; i++) {
      arrays[i]!.push(textOf(row[i], columns[i]!, transformer));
    }
  }
  return arrays;
}

function textOf(
  value: unknown,
  { name, oid }: BulkColumn,
  transformer: Transformer,
): string | null {
  if (value === null) return null;
  if (value === undefined) {
    throw new ProgrammingError(
      `Cannot insert: the value for column ${
        JSON.stringify(name)
      } is undefined, pass null for NULL`,
    );
  }
  const isJson = oid === OID.JSON || oid === OID.JSONB;
  const dumper = isJson
    ? transformer.getDumperByOid(oid)
    : transformer.getDumper(value);
  return dumper.text(value);
}
