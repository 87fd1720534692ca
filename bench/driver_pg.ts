/**
 * node-postgres (`npm:pg`), used as its documents advise: named statements, and
 * its opt-in pipelining for many statements at once.
 *
 * @module
 */

import type { Driver, Row, Rows, Target } from "./driver.ts";
import { type BenchType, typeQuery } from "./types.ts";

// Named at run time only: the specifier of an import would get into deno.lock,
// and its packages into the first download of everything else.
const PACKAGE = "npm:pg@8.23.1";

/** The part of its client that is used here. */
interface PgClient {
  connect(): Promise<void>;
  query(
    query: { name?: string; text: string; values: unknown[] },
  ): Promise<{ rows: Row[] }>;
  end(): Promise<void>;
}

const INCREMENT = {
  name: "increment",
  text: "select $1::int4 + 1 as n",
} as const;

/** A client of node-postgres, without a pool. */
export class PgDriver implements Driver {
  #target: Target | null = null;
  #client: PgClient | null = null;

  async connect(target: Target): Promise<void> {
    this.#target = target;
    this.#client = await this.#open();
  }

  async sessions(count: number): Promise<Rows> {
    const rows: Row[] = [];
    for (let n = 1; n <= count; n++) {
      const client = await this.#open();
      const { text } = INCREMENT;
      const result = await client.query({ text, values: [n] });
      rows.push(result.rows[0]!);
      await client.end();
    }
    return rows;
  }

  async #open(): Promise<PgClient> {
    const { default: pg } = await import(PACKAGE) as {
      default: { Client: new (options: Record<string, unknown>) => PgClient };
    };
    const { host, port, user, password, database, tls } = this.#target!;
    const client = new pg.Client({
      host,
      port,
      user,
      password: password ?? undefined,
      database,
      // Pipelining costs nothing measurable where statements are awaited one by one.
      pipeline: true,
      ...(tls ? { ssl: { rejectUnauthorized: false } } : {}),
    });
    await client.connect();
    return client;
  }

  async sequential(count: number): Promise<Rows> {
    const client = this.#client!;
    const rows: Row[] = [];
    for (let n = 1; n <= count; n++) {
      const result = await client.query({ ...INCREMENT, values: [n] });
      rows.push(result.rows[0]!);
    }
    return rows;
  }

  async burst(count: number): Promise<Rows> {
    const client = this.#client!;
    const pending: Promise<Row>[] = [];
    for (let n = 1; n <= count; n++) {
      pending.push(
        client.query({ ...INCREMENT, values: [n] })
          .then((result) => result.rows[0]!),
      );
    }
    return await Promise.all(pending);
  }

  async fetchRows(count: number): Promise<Rows> {
    const result = await this.#client!.query({
      text:
        "select id, big, ratio, label, at, flag from pgts_bench.plain limit $1",
      values: [count],
    });
    return result.rows;
  }

  async fetchMixed(count: number): Promise<Rows> {
    const result = await this.#client!.query({
      text:
        "select amount, doc, numbers, digest, key, day from pgts_bench.mixed limit $1",
      values: [count],
    });
    return result.rows;
  }

  async fetchType(type: BenchType, count: number): Promise<Rows> {
    const result = await this.#client!.query({
      text: typeQuery(type),
      values: [count],
    });
    return result.rows;
  }

  async close(): Promise<void> {
    await this.#client!.end();
  }
}
