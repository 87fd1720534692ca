/**
 * One table of a round trip: filled by every way that values can go out, and
 * read by every way that they can come back.
 *
 * @module
 */

import { sql } from "../../mod.ts";
import type { RandomType } from "./random_values.ts";
import { exact, type Random, type TupleConnection } from "./values.ts";

/** The ways by which values go out. */
export const WAYS_OUT = [
  "text parameter",
  "binary parameter",
  "default parameter",
  "literal",
  "COPY text",
  "COPY binary",
] as const;

/** A way by which values go out. */
export type WayOut = typeof WAYS_OUT[number];

/** What a run did. */
export interface RoundTripFigures {
  /** The tables that were made. */
  tables: number;
  /** The values that went out by each way, NULL not counted. */
  values: Record<WayOut, number>;
  /** The values that were read and compared. */
  compared: number;
  /** How many columns had a type whose description starts with a word. */
  kinds: Record<string, number>;
}

/** What a table belongs to. */
export interface TripRun {
  /** Where the random numbers come from. */
  readonly random: Random;
  /** What has been done so far. */
  readonly figures: RoundTripFigures;
}

/** A column of the table. */
export interface Column {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: RandomType;
}

/** A table. */
export class Table {
  readonly #conn: TupleConnection;
  readonly #columns: readonly Column[];
  readonly #rows: readonly (readonly unknown[])[];
  readonly #expected: readonly (readonly unknown[])[];
  readonly #run: TripRun;

  /**
   * Plans a table.
   *
   * @param conn Where it is made.
   * @param columns Its columns.
   * @param rows The values for them.
   * @param run What it belongs to.
   */
  constructor(
    conn: TupleConnection,
    columns: readonly Column[],
    rows: readonly (readonly unknown[])[],
    run: TripRun,
  ) {
    this.#conn = conn;
    this.#columns = columns;
    this.#rows = rows;
    this.#expected = rows.map((row) => row.map(exact));
    this.#run = run;
  }

  /** Makes it. */
  async create(): Promise<void> {
    const list = this.#columns.map(({ name, type }) => `${name} ${type.sql}`);
    await this.#conn.execute(
      sql`create temp table trips (way text, n int, ${
        sql.raw(list.join(", "))
      })`,
    );
  }

  /** Fills the table by one way. */
  async send(way: WayOut): Promise<void> {
    const columns = this.#columns.filter(({ type }) =>
      way !== "COPY binary" || !type.textOnly
    );
    const at = columns.map((column) => this.#columns.indexOf(column));
    const names = columns.map(({ name }) => `, ${name}`).join("");
    const into = `trips (way, n${names})`;
    const rows = this.#rows.map((row) =>
      at.map((i) => {
        const value = row[i];
        return value === null ? null : this.#columns[i]!.type.send(value);
      })
    );
    this.#run.figures.values[way] +=
      rows.flat().filter((value) => value !== null).length;
    try {
      switch (way) {
        case "literal":
          await this.#insertLiterals(into, columns, rows);
          break;
        case "COPY text":
        case "COPY binary":
          await this.#copyIn(way, into, columns, rows);
          break;
        default:
          await this.#insert(way, into, columns, rows);
      }
    } catch (error) {
      throw await this.#blame(way, error);
    }
  }

  async #insert(
    way: WayOut,
    into: string,
    columns: readonly Column[],
    rows: readonly (readonly unknown[])[],
  ): Promise<void> {
    const kind = way === "text parameter"
      ? "t"
      : way === "binary parameter"
      ? "b"
      : "s";
    const marks = columns.map(({ type }) =>
      `, %${kind}::${type.sql.replaceAll("%", "%%")}`
    ).join("");
    const query = `insert into ${into} values (%s, %s${marks})`;
    await this.#conn.pipeline(async (pipeline) => {
      const pending = rows.map((row, n) =>
        pipeline.execute(query, [way, n, ...row]).then(() => {})
      );
      await Promise.all(pending);
    });
  }

  async #insertLiterals(
    into: string,
    columns: readonly Column[],
    rows: readonly (readonly unknown[])[],
  ): Promise<void> {
    const lines = rows.map((row, n) => {
      const values = row.map((value, i) =>
        sql`, (${sql.literal(value)})::${sql.raw(columns[i]!.type.sql)}`
      );
      return sql`('literal', ${sql.literal(n)}${sql.join(values, sql` `)})`;
    });
    await this.#conn.execute(
      sql`insert into ${sql.raw(into)} values ${sql.join(lines)}`,
    );
  }

  async #copyIn(
    way: WayOut,
    into: string,
    columns: readonly Column[],
    rows: readonly (readonly unknown[])[],
  ): Promise<void> {
    const format = way === "COPY binary" ? "binary" : "text";
    const cursor = this.#conn.cursor();
    await cursor.copy(
      `copy ${into} from stdin (format ${format})`,
      async (copy) => {
        copy.setTypes(["text", "int4", ...columns.map(({ type }) => type.key)]);
        await copy.writeRows(rows.map((row, n) => [way, n, ...row]));
      },
    );
  }

  /** Every way must have stored the same, in the words of the server itself. */
  async compareOnServer(): Promise<void> {
    for (const { name, type } of this.#columns) {
      const ways = WAYS_OUT.length - Number(type.textOnly);
      const rows = await this.#conn.execute(
        sql`select n, array_agg(way), array_agg(${sql.raw(name)}::text)
          from trips where ${ways} = ${WAYS_OUT.length} or way <> 'COPY binary'
          group by n having count(distinct ${
          sql.raw(name)
        }::text collate "C") > 1
            or count(${sql.raw(name)}::text) not in (0, ${ways})`,
      ).fetchAll();
      const row = rows[0];
      if (row === undefined) continue;
      const [n, found, texts] = row as [number, string[], string[]];
      throw this.#failure(
        "stored differently",
        this.#columns.findIndex((column) => column.name === name),
        n,
        Object.fromEntries(found.map((way, i) => [way, texts[i]])),
      );
    }
  }

  /** Reads what one way has stored, by every way that there is. */
  async receive(): Promise<void> {
    const names = this.#columns.map(({ name }) => name).join(", ");
    const query =
      `select ${names} from trips where way = 'COPY text' order by n`;
    const options = [
      { name: "text result", options: { binary: false } },
      { name: "binary result", options: { binary: true } },
      { name: "first sight", options: {} },
      { name: "second run", options: {} },
    ];
    for (const { name, options: given } of options) {
      const text = Object.keys(given).length === 0
        ? `${query} -- again`
        : query;
      await this.#check(
        name,
        () => this.#conn.execute(text, undefined, given).fetchAll(),
      );
    }
    const types = this.#columns.map(({ type }) => type.key);
    for (const format of ["text", "binary"]) {
      await this.#check(`COPY ${format} out`, async () => {
        const rows: unknown[][] = [];
        await this.#conn.cursor().copy(
          `copy (${query}) to stdout (format ${format})`,
          async (copy) => {
            copy.setTypes(types);
            for await (const row of copy.rows()) rows.push([...row]);
          },
        );
        return rows;
      });
    }
  }

  /** Arrays that start elsewhere than at 1 load as the same arrays. */
  async receiveWithBounds(): Promise<void> {
    const { random } = this.#run;
    for (const [index, { name, type }] of this.#columns.entries()) {
      if (!type.isArray) continue;
      const [least, cast] = [random.between(-5, 5), sql.raw(type.sql)];
      const column = sql.raw(name);
      // '[2:4][2:3]=' before the text of the array.
      const query = sql`select case when array_ndims(${column}) is null
          then ${column} else ((
            select string_agg(format('[%s:%s]', ${least}::int,
              ${least}::int + array_length(${column}, d) - 1), '' order by d)
            from generate_series(1, array_ndims(${column})) d
          ) || '=' || ${column}::text)::${cast} end
        from trips where way = 'COPY text' order by n`;
      for (const binary of [false, true]) {
        const rows = await this.#conn.execute(query, undefined, { binary })
          .fetchAll();
        this.#compare(
          `bounds, ${binary ? "binary" : "text"} result`,
          rows,
          [index],
        );
      }
    }
  }

  async #check(way: string, fetch: () => Promise<unknown[][]>): Promise<void> {
    let rows: unknown[][];
    try {
      rows = await fetch();
    } catch (error) {
      throw new Error(`${way}: ${this.#describe()}`, { cause: error });
    }
    this.#compare(way, rows, this.#columns.map((_, i) => i));
  }

  #compare(
    way: string,
    rows: readonly (readonly unknown[])[],
    columns: readonly number[],
  ): void {
    if (rows.length !== this.#rows.length) {
      throw new Error(`${way}: ${rows.length} rows`);
    }
    for (const [n, row] of rows.entries()) {
      for (const [at, column] of columns.entries()) {
        const value = exact(row[at]);
        this.#run.figures.compared++;
        if (same(value, this.#expected[n]![column])) continue;
        throw this.#failure(`received by ${way}`, column, n, row[at]);
      }
    }
  }

  #failure(what: string, column: number, n: number, found: unknown): Error {
    const { name, type } = this.#columns[column]!;
    return new Error(
      `PGTS_TEST_SEED=${this.#run.random.seed}, ${what}: column ${name} of type ${type.description}, row ${n}\nsent:  ${
        show(this.#rows[n]![column])
      }\nfound: ${show(found)}`,
    );
  }

  #describe(): string {
    return `PGTS_TEST_SEED=${this.#run.random.seed}, table ${this.#run.figures.tables}:\n${
      this.#columns.map(({ name, type }) => `  ${name} ${type.description}`)
        .join("\n")
    }`;
  }

  /** Looks for the value that a way cannot send. */
  async #blame(way: WayOut, error: unknown): Promise<Error> {
    for (const [n, row] of this.#rows.entries()) {
      for (const [column, { name, type }] of this.#columns.entries()) {
        if (way === "COPY binary" && type.textOnly) continue;
        const value = row[column];
        const only = [{ name, type }];
        const sent = [[value === null ? null : type.send(value)]];
        const into = `trips (way, n, ${name})`;
        try {
          if (way === "literal") {
            await this.#insertLiterals(into, only, sent);
          } else if (way === "COPY text" || way === "COPY binary") {
            await this.#copyIn(way, into, only, sent);
          } else await this.#insert(way, into, only, sent);
        } catch (cause) {
          const failure = this.#failure(
            `cannot be sent by ${way}`,
            column,
            n,
            cause,
          );
          failure.cause = cause;
          return failure;
        }
      }
    }
    return new Error(`${way}: ${this.#describe()}`, { cause: error });
  }
}

function show(value: unknown): string {
  return Deno.inspect(value, { depth: 12, strAbbreviateSize: 4000 });
}

/** Whether two values of {@linkcode exact} are the same. */
function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!Array.isArray(one) || !Array.isArray(other)) return false;
  return one.length === other.length &&
    one.every((item, i) => same(item, other[i]));
}
