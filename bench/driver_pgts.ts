/**
 * pgts, used as its README shows: templates of the `sql` tag, a pipeline for many
 * statements at once.
 *
 * @module
 */

import { connect, type Connection, type DictRow, sql } from "../mod.ts";
import { TextLoader } from "../types/mod.ts";
import type { Driver, Row, Rows, Target } from "./driver.ts";
import { type BenchType, typeQuery } from "./types.ts";

/** The driver that all this is about. */
export class PgtsDriver implements Driver {
  #target: Target | null = null;
  #conn: Connection<DictRow> | null = null;

  async connect(target: Target): Promise<void> {
    this.#target = target;
    this.#conn = await open(target);
  }

  async sessions(count: number): Promise<Rows> {
    const rows: Row[] = [];
    for (let n = 1; n <= count; n++) {
      await using conn = await open(this.#target!);
      const row = await conn.execute(sql`select ${n}::int4 + 1 as n`)
        .fetchOne();
      rows.push(row!);
    }
    return rows;
  }

  async sequential(count: number): Promise<Rows> {
    const conn = this.#conn!;
    const rows: Row[] = [];
    for (let n = 1; n <= count; n++) {
      const row = await conn.execute(sql`select ${n}::int4 + 1 as n`)
        .fetchOne();
      rows.push(row!);
    }
    return rows;
  }

  async burst(count: number): Promise<Rows> {
    return await this.#conn!.pipeline(async (pipeline) => {
      const pending: Promise<DictRow | null>[] = [];
      for (let n = 1; n <= count; n++) {
        pending.push(
          pipeline.execute(sql`select ${n}::int4 + 1 as n`).fetchOne(),
        );
      }
      return await Promise.all(pending) as Row[];
    });
  }

  async fetchRows(count: number): Promise<Rows> {
    return await this.#conn!.execute(
      sql`select id, big, ratio, label, at, flag from pgts_bench.plain limit ${count}`,
    ).fetchAll();
  }

  async fetchMixed(count: number): Promise<Rows> {
    return await this.#conn!.execute(
      sql`select amount, doc, numbers, digest, key, day from pgts_bench.mixed limit ${count}`,
    ).fetchAll();
  }

  async fetchType(type: BenchType, count: number): Promise<Rows> {
    return await this.#conn!.execute(
      sql`${sql.raw(typeQuery(type, ""))} ${count}`,
    ).fetchAll();
  }

  /** Reads every type as text from now on. */
  protected readText(): void {
    const { adapters } = this.#conn!;
    for (const { oid, arrayOid } of adapters.types) {
      for (const each of [oid, arrayOid]) {
        if (each !== 0) adapters.registerLoader(each, TextLoader);
      }
    }
  }

  async close(): Promise<void> {
    await this.#conn!.close();
  }
}

/** pgts with every type read as text, to see what its own classes cost. */
export class PgtsTextDriver extends PgtsDriver {
  override async connect(target: Target): Promise<void> {
    await super.connect(target);
    this.readText();
  }
}

function open({ dsn, user, password, tls }: Target): Promise<Connection> {
  return connect(dsn, {
    autocommit: true,
    user,
    password,
    sslMode: tls ? "require" : "disable",
  });
}
