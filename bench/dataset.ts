/**
 * The tables that rows are fetched from. Reading a table costs the server the
 * least, so that what is measured is the client.
 *
 * @module
 */

import type { Connection } from "../mod.ts";

/**
 * Makes the schema `pgts_bench`.
 *
 * @param conn An open connection in autocommit mode.
 * @param counts How many rows each table gets.
 */
export async function createDataset(
  conn: Connection,
  counts: { plain: number; mixed: number },
): Promise<void> {
  await dropDataset(conn);
  await conn.execute("create schema pgts_bench");
  await conn.execute(`
    create unlogged table pgts_bench.plain as
    select i as id,
           i * 1000003::int8 as big,
           i / 7.0::float8 as ratio,
           lpad(i::text, 20, 'abcdefghij') as label,
           timestamptz '2024-01-01 00:00+00' + i * interval '1.5 s' as at,
           i % 3 = 0 as flag
    from generate_series(1, ${counts.plain}) as i`);
  await conn.execute(`
    create unlogged table pgts_bench.mixed as
    select (i * 12.3457)::numeric(18, 4) as amount,
           jsonb_build_object('id', i, 'name', 'item ' || i, 'open', i % 2 = 0,
             'tags', jsonb_build_array('one', 'two')) as doc,
           array[i, i + 1, i * 2, -i, 0] as numbers,
           sha256(i::text::bytea) as digest,
           md5(i::text)::uuid as key,
           date '2000-01-01' + i % 10000 as day
    from generate_series(1, ${counts.mixed}) as i`);
  // Otherwise the first reader writes hint bits.
  for (const table of ["plain", "mixed"]) {
    await conn.execute(`vacuum (freeze, analyze) pgts_bench.${table}`);
  }
}

/**
 * Drops the schema.
 *
 * @param conn An open connection in autocommit mode.
 */
export async function dropDataset(conn: Connection): Promise<void> {
  await conn.execute("set client_min_messages to warning");
  await conn.execute("drop schema if exists pgts_bench cascade");
}
