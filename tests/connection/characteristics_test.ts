/** What transactions are like, deferred constraints, and timeouts by SET LOCAL. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Connection,
  IsolationLevel,
  TraceFlags,
  TransactionStatus,
} from "../../mod.ts";
import {
  ForeignKeyViolation,
  LockNotAvailable,
  QueryCanceled,
  TransactionTimeout,
} from "../../errors/mod.ts";
import {
  assertDead,
  assertError,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
} from "./support.ts";

const LEVELS = [
  [1, "read uncommitted"],
  [2, "read committed"],
  [3, "repeatable read"],
  [4, "serializable"],
] as const;

/** What a parameter is now. */
async function show(conn: Connection, name: string): Promise<unknown> {
  const row = await conn.execute(`show ${name}`).fetchOne();
  return Object.values(row ?? {})[0];
}

Deno.test(
  "CN-09 commit: a deferred foreign key that is violated is ForeignKeyViolation, then IDLE, and the connection works",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    await conn.execute(`
      create temp table parent (id int primary key);
      create temp table child (id int references parent deferrable initially deferred)`);
    await conn.commit();
    await conn.execute("insert into child values (1)");
    assertError(await rejection(conn.commit()), {
      class: ForeignKeyViolation,
      sqlstate: "23503",
      usable: true,
      reached: true,
    });
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    assertEquals(await conn.execute("select id from child").fetchAll(), []);
    await assertUsable(conn);
  }),
);

Deno.test(
  "CN-15 isolationLevel: SHOW transaction_isolation tells it; statements in autocommit mode are not affected",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const standard = await show(conn, "transaction_isolation");
    await conn.rollback();
    for (const [level, name] of LEVELS) {
      conn.isolationLevel = level;
      assertEquals(conn.isolationLevel, level);
      assertEquals(await show(conn, "transaction_isolation"), name);
      await conn.rollback();
      conn.autocommit = true;
      assertEquals(await show(conn, "transaction_isolation"), standard);
      await conn.transaction(async () => {
        assertEquals(await show(conn, "transaction_isolation"), name);
      });
      conn.autocommit = false;
    }
  }),
);

Deno.test(
  "CN-17 isolationLevel: set to null again it is the server's default, whatever that is",
  quiet(async () => {
    await using conn = await open({
      autocommit: false,
      options: "-c default_transaction_isolation=serializable",
    });
    conn.isolationLevel = IsolationLevel.READ_COMMITTED;
    assertEquals(await show(conn, "transaction_isolation"), "read committed");
    await conn.rollback();
    conn.isolationLevel = null;
    assertEquals(conn.isolationLevel, null);
    assertEquals(await show(conn, "transaction_isolation"), "serializable");
    await conn.rollback();
    assertEquals(
      await show(conn, "default_transaction_isolation"),
      "serializable",
    );
    await conn.rollback();
  }),
);

Deno.test(
  "CN-19 isolationLevel: what is no level is a RangeError, 4 is SERIALIZABLE",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    for (const level of ["asdf", 0, 5, "4", undefined]) {
      const wrong = level as IsolationLevel;
      assertThrows(() => conn.isolationLevel = wrong, RangeError);
      const set = rejection(conn.setIsolationLevel(wrong));
      assert(await set instanceof RangeError);
      if (level === undefined) continue; // the connection's own
      const block = conn.transaction(() => {}, { isolationLevel: wrong });
      assert(await rejection(block) instanceof RangeError);
    }
    assertEquals(conn.isolationLevel, null);
    conn.isolationLevel = 4;
    assertEquals(conn.isolationLevel, IsolationLevel.SERIALIZABLE);
    assertEquals(await show(conn, "transaction_isolation"), "serializable");
    await conn.rollback();
  }),
);

Deno.test(
  "CN-23 execute: with binary: true the result is in binary, and the values are the same",
  quiet(async () => {
    await using conn = await open();
    const query = "select 7::int4 as n, 'é'::text as t, null::int8 as nothing";
    const results = [];
    for (const binary of [false, true]) {
      const lines: string[] = [];
      conn.pgconn.trace((line) => lines.push(line), {
        flags: TraceFlags.SUPPRESS_TIMESTAMPS,
      });
      const cursor = await conn.execute(query, [], { binary });
      results.push(await cursor.fetchAll());
      conn.pgconn.untrace();
      const row = lines.find((line) => line.includes("DataRow"));
      const four = String.raw`4 '\x00\x00\x00\x07'`;
      assertEquals(row?.includes(four), binary, row);
    }
    assertEquals(results[0], [{ n: 7, t: "é", nothing: null }]);
    assertEquals(results[1], results[0]);
  }),
);

Deno.test(
  "I11 transaction: timeouts by SET LOCAL or at the start, each with an error that tells it from the others",
  quiet(async () => {
    await using conn = await open();
    await using other = await open();
    const within = async (setting: string, query: string) => {
      const error = await rejection(conn.transaction(async (tx) => {
        await tx.execute(`set local ${setting} = '20ms'`);
        await tx.execute(query);
      }));
      if (!conn.closed) {
        // It was for that transaction alone.
        assertEquals(await show(conn, setting), "0");
        await assertUsable(conn);
      }
      return error;
    };
    const sleep = "select pg_sleep(10)";
    // The server's timeout for a statement.
    assertError(await within("statement_timeout", sleep), {
      class: QueryCanceled,
      says: ["statement timeout"],
      sqlstate: "57014",
      usable: true,
    });
    // Somebody else.
    const running = rejection(conn.execute(sleep));
    await pause(10);
    await other.execute("select pg_cancel_backend(%s)", [conn.info.backendPid]);
    assertError(await running, {
      class: QueryCanceled,
      says: ["user request"],
      sqlstate: "57014",
      usable: true,
    });
    // The client's own timeout, for one call.
    const signal = AbortSignal.timeout(20);
    const ours = await rejection(conn.execute(sleep, undefined, { signal }));
    assert(ours instanceof DOMException && ours.name === "TimeoutError");
    // A lock.
    const name = `locked_${crypto.randomUUID().slice(0, 8)}`;
    await other.execute(`create table ${name} (n int)`);
    await other.transaction(async (tx) => {
      await tx.execute(`lock table ${name}`);
      const select = `select * from ${name}`;
      assertError(await within("lock_timeout", select), {
        class: LockNotAvailable,
        sqlstate: "55P03",
        usable: true,
      });
    });
    await other.execute(`drop table ${name}`);
    // At the start, for all statements.
    await using hasty = await open({ options: "-c statement_timeout=20ms" });
    assertError(await rejection(hasty.execute(sleep)), {
      class: QueryCanceled,
    });
    await assertUsable(hasty);
    // A whole transaction: the server ends the session.
    if (conn.info.serverVersion >= 170000) {
      await using whole = await open({ onWarning: () => {} });
      const error = await rejection(whole.transaction(async (tx) => {
        await tx.execute("set local transaction_timeout = '20ms'");
        await tx.execute(sleep);
      }));
      assertError(error, {
        class: TransactionTimeout,
        sqlstate: "25P04",
        usable: false,
      });
      await assertDead(whole);
    }
  }),
);
