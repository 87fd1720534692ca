/**
 * Postgres.js (`npm:postgres`), used as its README advises: tagged templates,
 * which it prepares and pipelines by itself.
 *
 * @module
 */

import type { Driver, Row, Rows, Target } from "./driver.ts";
import { type BenchType, typeQuery } from "./types.ts";

// Named at run time only: the specifier of an import would get into deno.lock,
// and its packages into the first download of everything else.
const PACKAGE = "npm:postgres@3.4.9";

/** The part of it that is used here. */
interface Sql {
  (
    strings: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Promise<Row[]>;
  unsafe(
    text: string,
    values: readonly unknown[],
    options: { prepare: boolean },
  ): Promise<Row[]>;
  end(): Promise<void>;
}

/** Postgres.js with a pool of one connection. */
export class PostgresDriver implements Driver {
  #target: Target | null = null;
  #sql: Sql | null = null;

  async connect(target: Target): Promise<void> {
    this.#target = target;
    this.#sql = await this.#open();
    await this.#sql`select 1`; // It connects on first use.
  }

  async sessions(count: number): Promise<Rows> {
    const rows: Row[] = [];
    for (let n = 1; n <= count; n++) {
      const sql = await this.#open();
      const [row] = await sql`select ${n}::int4 + 1 as n`;
      rows.push(row!);
      await sql.end();
    }
    return rows;
  }

  async #open(): Promise<Sql> {
    const { default: postgres } = await import(PACKAGE) as {
      default: (options: Record<string, unknown>) => Sql;
    };
    const { host, port, user, password, database, tls } = this.#target!;
    return postgres({
      host,
      port,
      user,
      ...(password === null ? {} : { password }),
      database,
      max: 1,
      ...(tls ? { ssl: { rejectUnauthorized: false } } : {}),
    });
  }

  async sequential(count: number): Promise<Rows> {
    const sql = this.#sql!;
    const rows: Row[] = [];
    for (let n = 1; n <= count; n++) {
      const [row] = await sql`select ${n}::int4 + 1 as n`;
      rows.push(row!);
    }
    return rows;
  }

  async burst(count: number): Promise<Rows> {
    const sql = this.#sql!;
    const pending: Promise<Row>[] = [];
    for (let n = 1; n <= count; n++) {
      pending.push(
        sql`select ${n}::int4 + 1 as n`.then((result) => result[0]!),
      );
    }
    return await Promise.all(pending);
  }

  async fetchRows(count: number): Promise<Rows> {
    return await this.#sql!`
      select id, big, ratio, label, at, flag from pgts_bench.plain limit ${count}`;
  }

  async fetchMixed(count: number): Promise<Rows> {
    return await this.#sql!`
      select amount, doc, numbers, digest, key, day from pgts_bench.mixed limit ${count}`;
  }

  async fetchType(type: BenchType, count: number): Promise<Rows> {
    // A name of a table cannot be a parameter.
    return await this.#sql!.unsafe(typeQuery(type), [count], { prepare: true });
  }

  async close(): Promise<void> {
    await this.#sql!.end();
  }
}
