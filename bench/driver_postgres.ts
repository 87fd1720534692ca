/**
 * Postgres.js (`npm:postgres`), used as its README advises: tagged templates,
 * which it prepares and pipelines by itself.
 *
 * @module
 */

// The published package must not depend on it, so it is not in deno.json.
// deno-lint-ignore no-import-prefix
import postgres from "npm:postgres@3.4.9";
import type { Driver, Row, Rows, Target } from "./driver.ts";

/** Postgres.js with a pool of one connection. */
export class PostgresDriver implements Driver {
  #sql: postgres.Sql | null = null;

  async connect(target: Target): Promise<void> {
    const { host, port, user, password, database } = target;
    this.#sql = postgres({
      host,
      port,
      user,
      ...(password === null ? {} : { password }),
      database,
      max: 1,
    });
    await this.#sql`select 1`; // It connects on first use.
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
    return await this.#sql!<Row[]>`
      select id, big, ratio, label, at, flag from pgts_bench.plain limit ${count}`;
  }

  async fetchMixed(count: number): Promise<Rows> {
    return await this.#sql!<Row[]>`
      select amount, doc, numbers, digest, key, day from pgts_bench.mixed limit ${count}`;
  }

  async close(): Promise<void> {
    await this.#sql!.end();
  }
}
