/**
 * What the tests of two-phase commit share.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  type Connection,
  type ConnectOptions,
  type DictRow,
  ProgrammingError,
  TransactionStatus,
  type Xid,
} from "../../mod.ts";
import type { PostgresVersion } from "../../scripts/server.ts";
import { assertError, assertUsable, open, rejection } from "./support.ts";

/** The version of PostgreSQL that is tested. */
export const VERSION =
  (Deno.env.get("PGTS_TEST_VERSION") ?? "18") as PostgresVersion;

/** A connection that opens transactions, and the table that they write to. */
export async function openTpc(
  options: ConnectOptions<DictRow> = {},
): Promise<Connection> {
  const conn = await open({ autocommit: false, ...options });
  await conn.execute("create table if not exists tpc_note (word text)");
  await conn.commit();
  return conn;
}

/** An identifier that no other test has. */
export function unique(): string {
  return `tpc_test ${crypto.randomUUID()}`;
}

/** Opens a two-phase transaction that writes its identifier into the table. */
export async function write(conn: Connection, id: string): Promise<void> {
  await conn.tpcBegin(id);
  await conn.execute("insert into tpc_note values (%s)", [id]);
}

/** How often a word is in the table, for everybody to see. */
export async function count(word: string): Promise<number> {
  await using conn = await open();
  const rows = await conn.execute(
    "select 1 from tpc_note where word = %s",
    [word],
  ).fetchAll();
  return rows.length;
}

/** The identifiers that are prepared and have a text in them. */
export async function recovered(
  conn: Pick<Connection, "tpcRecover">,
  part: string,
): Promise<Xid[]> {
  const all = await conn.tpcRecover();
  return all.filter((xid) => xid.toString().includes(part));
}

/** That a connection works, and nothing is open on it. */
export async function assertFree(conn: Connection): Promise<void> {
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  await assertUsable(conn);
  await conn.rollback();
}

/** That something is misuse of a connection that stays as it is. */
export async function assertMisuse(
  promise: PromiseLike<unknown>,
  ...says: string[]
): Promise<void> {
  assertError(await rejection(promise), {
    class: ProgrammingError,
    says,
    usable: true,
    reached: false,
  });
}
