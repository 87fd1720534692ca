/** Two-phase commit that fails, that loses its connection, or its server. */

import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  OperationalError,
  TransactionOutcomeUnknown,
  TransactionStatus,
  withConnection,
  Xid,
} from "../../mod.ts";
import { FeatureNotSupported, ForeignKeyViolation } from "../../errors/mod.ts";
import { startServer } from "../../scripts/server.ts";
import * as b from "../support/backend.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertDead,
  assertError,
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
  "tpc: after a failure nothing is stored, and tpcRollback() leaves it",
  quiet(async () => {
    await using conn = await openTpc();
    await conn.execute("create temp table tpc_temp ()");
    await conn.execute(
      "create table if not exists tpc_tree (id int primary key, parent int references tpc_tree initially deferred)",
    );
    await conn.commit();
    const failed = {
      async "a statement"() {
        await rejection(conn.execute("select 1 / 0"));
        return OperationalError;
      },
      async "a temporary table"() {
        await conn.execute("insert into tpc_temp default values");
        return FeatureNotSupported;
      },
      async "a deferred constraint"() {
        await conn.execute("insert into tpc_tree values (1, 2)");
        return ForeignKeyViolation;
      },
    };
    for (const [what, fail] of Object.entries(failed)) {
      for (const name of ["tpcPrepare", "tpcCommit"] as const) {
        if (what === "a temporary table" && name === "tpcCommit") continue;
        const id = unique();
        await write(conn, id);
        const expected = await fail();
        const error = await rejection(conn[name]());
        assertEquals((error as Error).constructor, expected, what);
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
        await assertMisuse(conn.execute("select 1"), "is over");
        await assertMisuse(conn.tpcPrepare(), "is over");
        await assertMisuse(conn.tpcCommit(), "is over");
        await conn.tpcRollback();
        await assertFree(conn);
        assertEquals(await count(id), 0);
      }
    }
  }),
);

Deno.test(
  "tpc: a COMMIT or ROLLBACK that is run as a statement does not become another transaction's",
  quiet(async () => {
    await using conn = await openTpc();
    for (const end of ["commit", "rollback"]) {
      const id = unique();
      await write(conn, id);
      await conn.execute(end);
      await assertMisuse(conn.execute("begin"), "is over");
      await assertMisuse(conn.tpcPrepare(), "is over");
      await assertMisuse(conn.tpcCommit(), "is over");
      await conn.tpcRollback();
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      await assertFree(conn);
    }
  }),
);

Deno.test(
  "withConnection: ends a two-phase transaction that is not prepared, and leaves one that is",
  quiet(async () => {
    await using conn = await openTpc();
    const id = unique();
    const run = (act: (conn: Connection) => Promise<void>) =>
      withConnection(testDsn(), {}, async (inner: Connection) => {
        await write(inner, id);
        await act(inner);
      });
    const failure = new Error("of the function");
    assertEquals(await rejection(run(() => Promise.reject(failure))), failure);
    assertEquals([await count(id), await recovered(conn, id)], [0, []]);

    await run((inner) => inner.tpcPrepare());
    await conn.tpcRollback(id);
    const thrown = await rejection(run(async (inner) => {
      await inner.tpcPrepare();
      throw failure;
    }));
    assertEquals(thrown, failure);
    await conn.tpcCommit(id);
    assertEquals(await count(id), 1);
  }),
);

Deno.test(
  "prepared statements: those of a transaction that is prepared are prepared again",
  quiet(async () => {
    await using conn = await openTpc({ prepareThreshold: 0 });
    await using other = await openTpc();
    const id = unique();
    await conn.tpcBegin(id);
    await conn.execute("create table tpc_made (n int)");
    await conn.execute("select n from tpc_made");
    await conn.tpcPrepare();
    await other.tpcRollback(id);
    await rejection(conn.tpcRollback());
    await conn.tpcRollback();
    await conn.execute("create table tpc_made (n text)");
    await conn.execute("insert into tpc_made values ('a')");
    const query = conn.execute("select n from tpc_made");
    assertEquals(await query.fetchAll(), [{ n: "a" }]);
    await conn.rollback();
  }),
);

/** What may be lost, and what is to be said then. */
const LOSSES = [
  ["PREPARE TRANSACTION 'lost'", "tpcPrepare", "is prepared", "tpcRecover()"],
  ["COMMIT PREPARED 'lost'", "tpcCommit", "is committed", "tpcRecover()"],
  ["ROLLBACK PREPARED 'lost'", "tpcRollback", "rolled back", "tpcRecover()"],
] as const;

for (const [command, name, ...says] of LOSSES) {
  Deno.test(
    `TransactionOutcomeUnknown: ${name}() is lost before it is answered`,
    quiet(async () => {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        await session.serve((burst) => {
          const [first] = burst;
          const text = first?.tag === "Q" ? first.text : "";
          if (text === command) {
            session.close();
            return null;
          }
          const [tag = ""] = /^PREPARE TRANSACTION|^\w+/.exec(text) ?? [];
          return answer(burst, {
            tag,
            status: tag === "PREPARE TRANSACTION" ? "I" : "T",
          });
        });
      });
      const conn = await openScripted(server, { autocommit: false });
      await conn.tpcBegin("lost");
      if (name !== "tpcPrepare") await conn.tpcPrepare();
      const error = assertError(await rejection(conn[name]()), {
        class: TransactionOutcomeUnknown,
        says: [...says],
        sqlstate: "08007",
        usable: false,
        reached: true,
      });
      assert(error.cause instanceof OperationalError);
      await assertDead(conn);
    }),
  );
}

Deno.test(
  "tpcCommit: a loss in one phase is an unknown outcome too, an ERROR is none",
  quiet(async () => {
    for (const severity of ["ERROR", "FATAL"]) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        await session.serve(async (burst) => {
          const [first] = burst;
          if (first?.tag !== "Q" || first.text !== "COMMIT") {
            return answer(burst, { status: "T" });
          }
          await session.send(
            b.errorResponse({ severity, code: "57P01", message: "the end" }),
            ...(severity === "ERROR" ? [b.readyForQuery("I")] : []),
          );
          return severity === "ERROR" ? [] : null;
        });
      });
      const conn = await openScripted(server, { autocommit: false });
      await conn.tpcBegin("lost");
      const error = await rejection(conn.tpcCommit());
      assertEquals(
        error instanceof TransactionOutcomeUnknown,
        severity === "FATAL",
      );
      await conn.close();
    }
  }),
);

Deno.test(
  "J20 tpcRecover: after a crash exactly what was prepared is there, for another connection to finish",
  quiet(async () => {
    await using server = await startServer({
      version: VERSION,
      settings: { fsync: "on" },
    });
    {
      await using conn = await connect(server.dsn, { autocommit: true });
      await conn.execute("create table note (word text)");
    }
    const xids = [
      new Xid(1, "crash", "kept"),
      new Xid(1, "crash", "undone"),
      new Xid(null, "of another form"),
    ];
    for (const stop of ["SIGKILL", "immediate"] as const) {
      const conns: Connection[] = [];
      for (const xid of [...xids, "never prepared", "ended before"]) {
        const conn = await connect(server.dsn, { onWarning: () => {} });
        conns.push(conn);
        await conn.tpcBegin(xid);
        await conn.execute("insert into note values (%s)", [String(xid)]);
        if (xid !== "never prepared") await conn.tpcPrepare();
        if (xid === "ended before") await conn.tpcRollback();
      }
      if (stop === "SIGKILL") server.kill("SIGKILL");
      await server.restart("immediate");
      for (const conn of conns) {
        assertEquals(await conn.tpcRollback().catch(() => "lost"), "lost");
        await conn.close();
      }
      await using conn = await connect(server.dsn);
      const found = await conn.tpcRecover();
      assertEquals(found.map((xid) => [...xid]), xids.map((xid) => [...xid]));
      assertEquals(
        found.map(({ owner, database }) => [owner, database]),
        xids.map(() => ["postgres", "postgres"]),
      );
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      for (const xid of found) {
        if (xid.bqual === "undone") await conn.tpcRollback(xid);
        else await conn.tpcCommit(xid);
      }
      assertEquals(await conn.tpcRecover(), []);
      const words = await conn.execute("select word from note order by word")
        .fetchAll();
      assertEquals(words, [
        { word: "1_Y3Jhc2g=_a2VwdA==" },
        { word: "of another form" },
      ]);
      await conn.execute("delete from note");
      await conn.commit();
    }
  }),
);
