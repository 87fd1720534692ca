/**
 * A pool whose primary becomes a standby, or read-only.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, type Connection } from "../../mod.ts";
import { ReadOnlySqlTransaction } from "../../errors/mod.ts";
import { ConnectionPool } from "../../pool/mod.ts";
import { type PostgresVersion, startServer } from "../../scripts/server.ts";
import {
  answer,
  assertError,
  open,
  pause,
  quiet,
  rejection,
  until,
} from "../connection/support.ts";
import * as b from "../support/backend.ts";
import { assertRecovered, bankUnderLoad } from "../support/bank_load.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  follow,
  listOf,
  switchOver,
  untilStreaming,
} from "../support/standby.ts";
import { assertWarned, makePool } from "./support.ts";

const VERSION = (Deno.env.get("PGTS_TEST_VERSION") ?? "18") as PostgresVersion;

Deno.test(
  "H13 ConnectionPool: when the primary becomes a standby, a read-write pool moves to the other host",
  quiet(async () => {
    const settings = { synchronous_commit: "on" };
    await using one = await startServer({ version: VERSION, settings });
    await using two = await startServer({ version: VERSION, settings });
    await follow(two, one);
    await untilStreaming(one);
    const conninfo = `${listOf(one, two)} target_session_attrs=read-write`;
    let before: unknown;
    const report = await bankUnderLoad({
      conninfo,
      async disturb(pool) {
        before = await pool.connection((conn) => conn.info.port);
        await switchOver(one, two);
      },
    });
    assertRecovered(report);
    assertEquals(before, one.port);
    await using now = await connect(conninfo);
    assertEquals(now.info.port, two.port);
    await using old = await connect(one.dsn);
    const row = await old.execute("select pg_is_in_recovery() as standby")
      .fetchOne();
    assertEquals(row, { standby: true });
  }),
);

Deno.test({
  name:
    "H13 ConnectionPool: sessions whose server becomes read-only are replaced on another host, with `check` before they are used",
  ignore: Number(VERSION) < 14, // which do not report it
  fn: quiet(async () => {
    await using one = await startServer({ version: VERSION });
    await using two = await startServer({ version: VERSION });
    await using admin = await connect(one.dsn, { autocommit: true });
    for (const check of [undefined, ConnectionPool.checkConnection]) {
      const { pool, warnings } = makePool({
        conninfo: `${listOf(one, two)} target_session_attrs=read-write`,
        check,
      });
      await using _pool = pool;
      await pool.open(true);
      const port = (): Promise<number> =>
        pool.connection((conn) => conn.info.port);
      const write = () => pool.execute("create table if not exists t ()");
      assertEquals(await port(), one.port);
      await setReadOnly(admin, one.dsn, "on");
      // A server tells it with the answer to the next statement.
      if (check === undefined) {
        const error = await rejection(write());
        assertError(error, { class: ReadOnlySqlTransaction, usable: true });
      }
      await write();
      assertEquals(await port(), two.port);
      assertWarned(warnings, ...check ? ["the session is read-only"] : []);
      await setReadOnly(admin, one.dsn, "off");
      assertEquals(pool.getStats().connectionsNum, 2);
    }
  }),
});

/** Has a server write, or not, and waits until its sessions know. */
async function setReadOnly(
  admin: Connection,
  dsn: string,
  value: "on" | "off",
): Promise<void> {
  await admin.execute(
    `alter system set default_transaction_read_only = ${value}`,
  );
  await admin.execute("select pg_reload_conf()");
  await until(async () => {
    await using fresh = await connect(dsn);
    const row = await fresh.execute("show default_transaction_read_only")
      .fetchOne();
    return row?.default_transaction_read_only === value;
  }, `the server is read-only: ${value}`);
  // Its other sessions are told in the moment after it has read its files.
  await pause(50);
}

/** A server that has become a standby and says so, or only refuses to write. */
function demoted(tells: boolean): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.startup({
      parameters: {
        in_hot_standby: "off",
        default_transaction_read_only: "off",
      },
    });
    let isDemoted = false;
    await session.serve((burst) => {
      const played = isDemoted
        ? [
          ...tells ? [b.parameterStatus("in_hot_standby", "on")] : [],
          b.errorResponse({
            code: "25006",
            message: "cannot execute INSERT in a read-only transaction",
          }),
          b.readyForQuery("I"),
        ]
        : answer(burst);
      isDemoted = true;
      return played;
    });
  });
}

Deno.test(
  "H13 ConnectionPool: an error 25006, or in_hot_standby, costs the session its place in a pool that writes",
  quiet(async () => {
    for (
      const [tells, wanted, isReplaced] of [
        [true, "read-write", true],
        [true, "primary", true],
        [true, "any", false],
        [false, "read-write", true],
        [false, "primary", true],
        [false, "any", false],
      ] as const
    ) {
      await using server = demoted(tells);
      const { pool, warnings } = makePool({
        conninfo: server.dsn,
        connectOptions: { targetSessionAttrs: wanted },
      });
      await using _pool = pool;
      await pool.open(true);
      await pool.execute("insert");
      const error = await rejection(pool.execute("insert"));
      assertError(error, { class: ReadOnlySqlTransaction, usable: true });
      if (!isReplaced) {
        assertError(await rejection(pool.execute("insert")), {
          class: ReadOnlySqlTransaction,
        });
        assertEquals(server.sessions.length, 1);
      } else {
        await pool.execute("insert"); // on another session
        assertEquals(server.sessions.length, 2);
      }
      assertWarned(warnings);
    }
  }),
);

Deno.test(
  "ConnectionPool: a transaction of the user's own that is read-only is no reason to replace a session that need not write",
  quiet(async () => {
    await using admin = await open();
    const { pool, warnings } = makePool();
    await using _pool = pool;
    await pool.open(true);
    const write = pool.connection(async (conn) => {
      conn.readOnly = true;
      await conn.execute("create table never ()");
    });
    assertError(await rejection(write), { class: ReadOnlySqlTransaction });
    assert(!admin.closed);
    assertEquals(pool.getStats().connectionsNum, 1);
    assertWarned(warnings);
  }),
);
