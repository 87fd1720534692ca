/** Two-phase commit: its states, and what may be done in them. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  DataError,
  NotSupportedError,
  ProgrammingError,
  scalarRow,
  TransactionStatus,
  Xid,
} from "../../mod.ts";
import {
  InvalidParameterValue,
  ObjectNotInPrerequisiteState,
  QueryCanceled,
  UndefinedObject,
} from "../../errors/mod.ts";
import { startServer } from "../../scripts/server.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  open,
  openScripted,
  quiet,
  rejection,
} from "./support.ts";
import {
  assertFree,
  assertMisuse,
  count,
  openTpc,
  recovered,
  unique,
  VERSION,
  write,
} from "./tpc_support.ts";

Deno.test(
  "TPC-01 xid: checks its parts; a string is as good",
  quiet(async () => {
    await using conn = await openTpc();
    assertEquals([...conn.xid(42, "gtrid", "bqual")], [42, "gtrid", "bqual"]);
    assertEquals([...conn.xid(0, "", "")], [0, "", ""]);
    assertEquals([...conn.xid(null, "text")], [null, "text", null]);
    const { xid } = conn;
    for (const formatId of [-1, 2147483648]) {
      assertThrows(() => xid(formatId, "g", "b"), RangeError, `is ${formatId}`);
    }
    assertEquals(xid(2147483647, "g", "b").formatId, 2147483647);
    const fits = "x".repeat(64);
    assertEquals([...xid(1, fits, fits)], [1, fits, fits]);
    assertThrows(() => xid(1, fits + "x", "b"), RangeError, "gtrid");
    assertThrows(() => xid(1, "g", fits + "x"), RangeError, "bqual");
    assertThrows(() => xid(1, "g"), TypeError, "without bqual");
    assertEquals([...new Xid(1, "g")], [1, "g", ""]);

    const id = unique();
    for (const each of [id, xid(7, id.slice(0, 64), "b")]) {
      await conn.tpcBegin(each);
      await conn.tpcPrepare();
      await conn.pgconn.reset();
      const [found] = await recovered(conn, String(each));
      assertEquals([found?.owner, found?.database], [
        conn.info.user,
        conn.info.dbname,
      ]);
      const since = Temporal.Now.instant().since(found!.prepared!);
      assert(Math.abs(since.total("seconds")) < 60, String(since));
      await conn.tpcRollback(each);
      assertEquals(await recovered(conn, String(each)), []);
    }
    assertError(await rejection(conn.tpcBegin("a\0b")), {
      class: DataError,
      says: ["NUL"],
    });
    await assertRejects(() => conn.tpcBegin(7 as never), TypeError, "neither");
    await assertFree(conn);
  }),
);

Deno.test(
  "TPC-03 tpcBegin: begins at once, only in no transaction and not in autocommit mode",
  quiet(async () => {
    await using conn = await openTpc();
    const id = unique();
    await conn.tpcBegin(id);
    assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
    await assertMisuse(conn.tpcBegin(id), "tpcBegin()", "two-phase");
    await conn.tpcRollback();
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);

    await conn.execute("select 1");
    await assertMisuse(conn.tpcBegin(id), "a transaction is open");
    await conn.rollback();
    await conn.transaction(async () => {
      await assertMisuse(conn.tpcBegin(id), "a transaction is open");
    });
    conn.autocommit = true;
    await assertMisuse(conn.tpcBegin(id), "autocommit");
    await assertFree(conn);

    await using server = new ScriptedServer(async (session) => {
      await session.startup({ parameters: { server_version: "8.0.26" } });
      await session.serve((burst) => answer(burst));
    });
    await using old = await openScripted(server, { autocommit: false });
    assertError(await rejection(old.tpcBegin(id)), {
      class: NotSupportedError,
      says: ["80026", "80100"],
      usable: true,
      reached: false,
    });
  }),
);

Deno.test(
  "TPC-04 tpcPrepare: only in a two-phase transaction; then no statement until its end",
  quiet(async () => {
    await using conn = await openTpc();
    await assertMisuse(conn.tpcPrepare(), "tpcPrepare()", "call tpcBegin()");
    await conn.execute("select 1");
    await assertMisuse(conn.tpcPrepare(), "call tpcBegin()");
    await conn.rollback();

    const id = unique();
    await write(conn, id);
    await conn.tpcPrepare();
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    const named = conn.cursor("tpc");
    const refused: (() => PromiseLike<unknown>)[] = [
      () => conn.execute("select 1"),
      () => conn.execute("select %s", [1]),
      () => conn.execute("select 1; select 2"),
      () => conn.executeMany("select %s", [[1], [2]]),
      () => conn.stream("select 1").next(),
      () => conn.copy("copy tpc_note to stdout", () => {}),
      () => conn.pipeline((p) => p.execute("select 1")),
      () => named.execute("select 1"),
      () => conn.transaction(() => {}),
      () => conn.begin(),
    ];
    for (const attempt of refused) {
      await assertMisuse(
        Promise.resolve().then(attempt),
        "the two-phase transaction is prepared",
      );
    }
    assertThrows(() => conn.autocommit = true, ProgrammingError);
    await assertMisuse(conn.tpcPrepare(), "prepared already");
    await conn.tpcCommit();
    assertEquals(await count(id), 1);
    await assertFree(conn);
  }),
);

Deno.test(
  "TP-01 TPC-04 tpcPrepare: a NotSupportedError where prepared transactions are disabled",
  quiet(async () => {
    await using server = await startServer({
      version: VERSION,
      settings: { max_prepared_transactions: "0" },
    });
    await using conn = await connect(server.dsn);
    await conn.tpcBegin("x");
    await conn.execute("create table t ()");
    const error = assertError(await rejection(conn.tpcPrepare()), {
      class: NotSupportedError,
      says: ["Cannot prepare", "disabled", "max_prepared_transactions"],
      sqlstate: "55000",
      usable: true,
      reached: true,
    });
    assert(error.cause instanceof ObjectNotInPrerequisiteState);
    await conn.tpcRollback();
    await assertFree(conn);
    const found = await conn.execute("select to_regclass('t') as t").fetchOne();
    assertEquals(found, { t: null });
  }),
);

Deno.test(
  "TPC-05 TP-03 tpcCommit, tpcRollback: in one phase, in two, or of another connection",
  quiet(async () => {
    await using conn = await openTpc();
    await using other = await openTpc();
    for (
      const [finish, rows] of [["tpcCommit", 1], ["tpcRollback", 0]] as const
    ) {
      const one = unique();
      await write(conn, one);
      await conn[finish]();
      assertEquals(await count(one), rows);

      const two = unique();
      await write(conn, two);
      await conn.tpcPrepare();
      assertEquals((await recovered(other, two)).length, 1);
      assertEquals(await count(two), 0);
      await conn[finish]();
      assertEquals(await count(two), rows);
      assertEquals(await recovered(other, two), []);

      const three = unique();
      await write(conn, three);
      await conn.tpcPrepare();
      const [xid] = await recovered(other, three);
      await other.rollback();
      await other[finish](xid);
      assertEquals(other.info.transactionStatus, TransactionStatus.IDLE);
      assertEquals(await count(three), rows);

      // What another has ended cannot be ended, and is left by tpcRollback().
      assertError(await rejection(conn[finish]()), {
        class: UndefinedObject,
        says: [three],
        usable: true,
      });
      await assertMisuse(conn.execute("select 1"), "is over");
      await conn.tpcRollback();
      await assertFree(conn);

      assertError(await rejection(conn[finish](three)), {
        class: UndefinedObject,
        usable: true,
        reached: true,
      });
      assert(UndefinedObject.prototype instanceof ProgrammingError);
      await assertMisuse(conn[finish](), `${finish}()`, "call tpcBegin()");
      await conn.execute("select 1");
      await assertMisuse(conn[finish](three), "a transaction is open");
      await conn.rollback();
    }
  }),
);

Deno.test(
  "TPC-06 commit, rollback, cancel: refused in a two-phase transaction, cancel once it is prepared",
  quiet(async () => {
    await using conn = await openTpc();
    const id = unique();
    await write(conn, id);
    await assertMisuse(conn.commit(), "commit()", "use tpcCommit()");
    await assertMisuse(conn.rollback(), "rollback()", "use tpcRollback()");
    await conn.tpcPrepare();
    await assertMisuse(conn.commit(), "commit()", "use tpcCommit()");
    await assertMisuse(conn.rollback(), "rollback()", "use tpcRollback()");
    await assertMisuse(conn.cancelSafe(), "cancelSafe()", "prepared");
    assertThrows(() => conn.cancel(), ProgrammingError, "cancel()");
    await conn.tpcRollback();
    assertEquals(await count(id), 0);

    // Before, what runs can be cancelled as ever.
    await conn.tpcBegin(id);
    const slow = rejection(conn.execute("select pg_sleep(60)"));
    await conn.cancelSafe();
    assertError(await slow, {
      class: QueryCanceled,
      usable: true,
    });
    await conn.tpcRollback();
    await assertFree(conn);
  }),
);

Deno.test(
  "TPC-07 TP-05 TP-13 tpcRecover: leaves the transaction as it is, whatever the rows are made of",
  quiet(async () => {
    await using conn = await openTpc();
    const id = unique();
    await write(conn, id);
    await conn.tpcPrepare();
    for (const autocommit of [false, true]) {
      await using other = await connect(testDsn(), {
        autocommit,
        rowFactory: scalarRow,
        options: "-c DateStyle=German -c TimeZone=Asia/Tokyo",
      });
      other.adapters.registerLoader("text", () => "not this");
      assertEquals((await recovered(other, id)).length, 1);
      assertEquals(other.info.transactionStatus, TransactionStatus.IDLE);

      await other.transaction(async (tx) => {
        await tx.execute("select 1");
        const [xid] = await recovered(other, id);
        assertEquals(other.info.transactionStatus, TransactionStatus.INTRANS);
        assertEquals(xid?.gtrid, id);
        assertEquals(xid?.owner, conn.info.user);
        assertEquals(xid?.database, conn.info.dbname);
        const when = await tx.execute(
          "select (extract(epoch from prepared) * 1000000)::int8 from pg_prepared_xacts where gid = %s",
          [id],
        ).fetchOne();
        assertEquals(xid!.prepared!.epochNanoseconds, when as bigint * 1000n);
      });
    }
    await conn.tpcCommit();
  }),
);

Deno.test(
  "TP-07 xid: is stored as JDBC stores it",
  quiet(async () => {
    await using conn = await openTpc();
    const stored = "42_Z3RyaWQ=_YnF1YWw=";
    await conn.tpcBegin(conn.xid(42, "gtrid", "bqual"));
    await conn.tpcPrepare();
    await using other = await open();
    const row = await other.execute(
      "select gid from pg_prepared_xacts where gid = %s",
      [stored],
    ).fetchOne();
    assertEquals(row, { gid: stored });
    const [xid] = await recovered(other, stored);
    assertEquals([...xid!], [42, "gtrid", "bqual"]);
    await other.tpcRollback(xid);
  }),
);

Deno.test(
  "TP-09 tpcRecover: ids of any form come back whole",
  quiet(async () => {
    const ids = ["", "hello, world!", "x".repeat(199), "a'b\\c\n\"é🦕"];
    await using conn = await openTpc();
    for (const id of ids) {
      await conn.tpcBegin(id);
      await conn.tpcPrepare();
      const all = await conn.tpcRecover();
      const xid = all.find((each) => each.gtrid === id);
      assertEquals([...xid!], [null, id, null]);
      await conn.pgconn.reset();
      await conn.tpcCommit(xid);
    }
    await conn.tpcBegin("x".repeat(200));
    assertError(await rejection(conn.tpcPrepare()), {
      class: InvalidParameterValue,
      says: ["too long"],
      usable: true,
    });
    await conn.tpcRollback();
    await assertFree(conn);
  }),
);

Deno.test(
  "TP-11 tpc: what is tried in the wrong state is a ProgrammingError",
  quiet(async () => {
    await using conn = await openTpc();
    const id = unique();
    await conn.execute("select 1");
    await assertMisuse(conn.tpcBegin(id), "a transaction is open");
    await conn.rollback();
    conn.autocommit = true;
    await assertMisuse(conn.tpcBegin(id), "autocommit");
    conn.autocommit = false;
    await assertMisuse(conn.tpcPrepare(), "call tpcBegin()");

    await write(conn, id);
    for (const phase of ["begun", "prepared"]) {
      if (phase === "prepared") await conn.tpcPrepare();
      await assertMisuse(conn.commit(), "tpcCommit()");
      await assertMisuse(conn.rollback(), "tpcRollback()");
      await assertMisuse(conn.tpcBegin(unique()), "two-phase");
      await assertMisuse(conn.tpcCommit(id), "of another transaction");
      await assertMisuse(conn.tpcRollback(id), "of another transaction");
    }
    await assertMisuse(conn.tpcPrepare(), "prepared already");
    await conn.tpcCommit();
    assertEquals(await count(id), 1);
  }),
);

Deno.test(
  "tpc: blocks inside are savepoints, and end before the transaction does",
  quiet(async () => {
    await using conn = await openTpc();
    const [id, undone] = [unique(), unique()];
    await write(conn, id);
    await conn.transaction(async () => {
      for (const name of ["tpcPrepare", "tpcCommit", "tpcRollback"] as const) {
        await assertMisuse(conn[name](), "a block of transaction()");
      }
    });
    await conn.transaction(async (tx) => {
      await tx.execute("insert into tpc_note values (%s)", [undone]);
    }, { forceRollback: true });
    await conn.pipeline(async (p) => {
      p.execute("insert into tpc_note values (%s)", [id]);
      await conn.tpcPrepare(); // which waits for it
      await conn.tpcCommit();
    });
    assertEquals([await count(id), await count(undone)], [2, 0]);
  }),
);
