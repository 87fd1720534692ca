import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  connect,
  IsolationLevel,
  PipelineAborted,
  ProgrammingError,
  TransactionStatus,
  withConnection,
} from "../../mod.ts";
import { AdminShutdown, DivisionByZero } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  assertUsable,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  statementsOf,
} from "./support.ts";

/** A name for a table that no other test uses. */
let tables = 0;
function table(): string {
  return `pgts_review_${Deno.pid}_${tables++}`;
}

/** How many rows a table has, as another session sees it. */
async function rowsOf(name: string): Promise<unknown> {
  await using conn = await open();
  return (await conn.execute(`select count(*) as n from ${name}`).fetchOne())
    ?.n;
}

Deno.test(
  "pipeline: what is appended while a COMMIT is about to be written gets its Sync before that",
  quiet(async () => {
    // Behind a statement that fails without a Sync, the server would skip the COMMIT.
    const sent: string[] = [];
    const warned: string[] = [];
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      const first = await session.readUntilSync();
      await session.send(...answer(first, { ...ONE, status: "T" }));
      while (!(sent.includes("Q") && sent.includes("S"))) {
        sent.push((await session.read())?.tag ?? "Q");
      }
      await session.send(
        b.errorResponse({ code: "22012" }),
        b.readyForQuery("E"),
        b.commandComplete("ROLLBACK"),
        b.readyForQuery("I"),
      );
      await session.silence();
    });
    await using conn = await openScripted(server, {
      autocommit: false,
      onWarning: (message) => void warned.push(message),
    });
    await conn.pipeline(async (p) => {
      const first = p.execute("select 1 as one").fetchAll();
      const committed = conn.commit();
      const error = await rejection(p.execute("select 1/0"));
      assert(error instanceof DivisionByZero, Deno.inspect(error));
      await committed;
      assertEquals(await first, [{ one: 1 }]);
      await conn.close();
    }).catch(() => {}); // it is closed
    assertEquals(sent, ["P", "B", "D", "E", "H", "S", "Q"]);
    assertEquals(warned.length, 1, "the COMMIT was a ROLLBACK");
  }),
);

Deno.test(
  "pipeline: a BEGIN on its way is not forgotten when an earlier Sync is answered",
  quiet(async () => {
    const notices: (string | null)[] = [];
    await using conn = await open({ autocommit: false });
    conn.isolationLevel = IsolationLevel.SERIALIZABLE;
    conn.addNoticeHandler((diag) => void notices.push(diag.messagePrimary));
    await conn.pipeline(async (p) => {
      const synced = p.sync();
      const first = p.execute("select pg_sleep(0.05)");
      await synced;
      await p.execute("select 2");
      await first;
    });
    assertEquals(notices, []);
    assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
  }),
);

Deno.test(
  "pipeline: a name whose Parse was skipped is not used by the statements behind the next Sync",
  quiet(async () => {
    await using conn = await open();
    const query = "select %s::int as n";
    const [first, second, third] = await conn.pipeline(async (p) => {
      const failed = rejection(p.execute("select 1/0"));
      const skipped = rejection(p.execute(query, [1], { prepare: true }));
      const synced = p.sync();
      const third = p.execute(query, [3]).fetchAll();
      await synced;
      return [await failed, await skipped, await third];
    });
    assert(first instanceof DivisionByZero);
    assert(second instanceof PipelineAborted);
    assertEquals(third, [{ n: 3 }]);
    assertEquals(await conn.execute(query, [4]).fetchAll(), [{ n: 4 }]);
  }),
);

Deno.test(
  "execute: an abort while the server parses leaves no name behind that it does not know",
  quiet(async () => {
    const name = table();
    await using conn = await open();
    await using other = await open();
    await other.execute(`create table ${name} (n int)`);
    const query = `select n from ${name} where n = %s`;
    await other.execute(`begin; lock ${name} in access exclusive mode`);
    const reason = new Error("enough");
    const controller = new AbortController();
    const { signal } = controller;
    const cut = conn.execute(query, [1], { prepare: true, signal });
    setTimeout(() => controller.abort(reason), 30);
    assertEquals(await rejection(cut), reason);
    await other.execute(`rollback`);
    await conn.transaction(async (tx) => {
      await tx.execute("select 1");
      assertEquals(await tx.execute(query, [1]).fetchAll(), []);
    });
    await other.execute(`drop table ${name}`);
  }),
);

Deno.test(
  "D-24 close: an insert that ended although it was aborted is lost with a warning too",
  quiet(async () => {
    const warnings: string[] = [];
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve(async (burst) => {
        await pause(20);
        return answer(burst, { tag: "INSERT 0 1", status: "T" });
      });
    });
    const conn = await openScripted(server, {
      autocommit: false,
      onWarning: (message) => void warnings.push(message),
    });
    const controller = new AbortController();
    const { signal } = controller;
    const cut = conn.execute("insert into t values (1)", undefined, { signal });
    setTimeout(() => controller.abort(), 1);
    await rejection(cut);
    assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
    await conn.close();
    assertEquals(warnings.length, 1);
  }),
);

Deno.test("D-24 close: after COMMIT AND CHAIN nothing is lost, so no warning", async () => {
  const warnings: string[] = [];
  const conn = await open({
    autocommit: false,
    onWarning: (message) => void warnings.push(message),
  });
  await conn.execute("create temp table chained (n int)");
  await conn.execute("commit and chain");
  assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
  await conn.close();
  assertEquals(warnings, []);
});

Deno.test("D-16 execute: a view that gets a column in the same transaction is read again as it is", async () => {
  const name = table();
  await using conn = await open({ autocommit: false });
  await conn.execute(`create view ${name} as select 1 as a, '1'::money as m`);
  const query = `select * from ${name}`;
  for (let i = 0; i < 2; i++) await conn.execute(query);
  await conn.execute(
    `create or replace view ${name} as select 1 as a, '1'::money as m, 3 as c`,
  );
  assertEquals(await conn.execute(`${query}`).fetchAll(), [
    { a: 1, m: "$1.00", c: 3 },
  ]);
  await conn.rollback();
});

Deno.test("D-16 execute: a temporary table that hides another is read as it is", async () => {
  const name = table();
  await using conn = await open();
  await conn.execute(`create table ${name} (a int)`);
  const query = `select a from ${name}`;
  for (let i = 0; i < 2; i++) await conn.execute(query);
  await conn.execute(`create temp table ${name} (a money)`);
  await conn.execute(`insert into ${name} values (5)`);
  assertEquals(await conn.execute(query).fetchAll(), [{ a: "$5.00" }]);
  await conn.execute(`drop table pg_temp.${name}; drop table public.${name}`);
});

Deno.test("D-16 execute: where dates cannot be read as text, a semicolon in a string does not matter", async () => {
  await using conn = await open();
  await conn.execute("set datestyle = 'SQL, DMY'");
  const row = await conn.execute(
    "select '; x' as a, timestamptz '2020-01-01 00:00Z' as t, %s::int as n",
    [1],
  ).fetchOne();
  assertEquals(row?.t, Temporal.Instant.from("2020-01-01T00:00Z"));
});

Deno.test(
  "D-18 joinBegin: off, BEGIN goes alone before a description too",
  quiet(async () => {
    const bursts: string[][] = [];
    await using server = new ScriptedServer(async (session) => {
      await session.startup({ parameters: { DateStyle: "SQL, DMY" } });
      await session.serve((burst) => {
        bursts.push(burst.map(({ tag }) => tag));
        return answer(burst, { ...ONE, status: "T" });
      });
    });
    await using conn = await openScripted(server, {
      autocommit: false,
      joinBegin: false,
    });
    await rejection(conn.execute("select 1 as one"));
    assertEquals(bursts[0], ["Q"]);
    assertEquals(statementsOf(server.sessions[0])[0], "BEGIN");
  }),
);

Deno.test(
  "transaction: a statement that waits for its turn since before the block is not part of it",
  quiet(async () => {
    const name = table();
    await using conn = await open();
    await conn.execute(`create table ${name} (n int)`);
    const running = conn.execute("select pg_sleep(0.03)");
    const waiting = conn.execute(`insert into ${name} values (1)`);
    const block = rejection(conn.transaction(async (tx) => {
      await tx.execute(`insert into ${name} values (2)`);
      throw new Error("mine");
    }));
    await running;
    await waiting;
    await block;
    assertEquals(await rowsOf(name), 1n);
    await conn.execute(`drop table ${name}`);
  }),
);

Deno.test(
  "J8 transaction: what is not awaited runs inside the block or not at all",
  quiet(async () => {
    const id = "select pg_current_xact_id()::text as id";
    await using conn = await open();
    let inside = 0, refused = 0;
    for (let depth = 0; depth < 40; depth++) {
      let stray: Promise<unknown> = Promise.resolve();
      const own = await conn.transaction(async (tx) => {
        const row = await tx.execute(id).fetchOne();
        stray = (async () => {
          for (let i = 0; i < depth; i++) await null;
          return (await tx.execute(id).fetchOne())?.id;
        })();
        stray.catch(() => {});
        return row?.id;
      });
      try {
        assertEquals(await stray, own);
        inside++;
      } catch (error) {
        assertError(error, { class: ProgrammingError, says: ["ended"] });
        refused++;
      }
    }
    assert(inside > 0 && refused > 0);
  }),
);

Deno.test(
  "withConnection: a connection that is lost before the commit is an error",
  quiet(async () => {
    await assertRejects(
      () =>
        withConnection(testDsn(), {}, async (conn) => {
          await conn.execute("create temp table lost (n int)");
          await using other = await open();
          await other.execute("select pg_terminate_backend(%s)", [
            conn.info.backendPid,
          ]);
          while (!conn.closed) await pause(5);
        }),
      AdminShutdown,
    );
  }),
);

Deno.test(
  "connect: a server that does without the password it asked for does not make it wait for ever",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(
        b.authenticationCleartextPassword(),
        b.authenticationOk(),
        b.readyForQuery("I"),
      );
      await session.silence();
    });
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    const connecting = connect(server.dsn, {
      password: () => new Promise<string>(() => {}),
      signal: controller.signal,
    });
    assertEquals(await rejection(connecting), reason);
  }),
);

Deno.test(
  "G1 execute: 65,535 parameters, and no more",
  quiet(async () => {
    await using conn = await open();
    const run = (count: number) =>
      conn.execute(
        `select cardinality(array[${
          Array(count).fill("%s::int").join()
        }]) as n`,
        Array(count).fill(1),
      ).fetchOne();
    assertEquals(await run(65_535), { n: 65_535 });
    for (const count of [65_536, 65_537]) {
      assertError(await rejection(run(count)), {
        class: ProgrammingError,
        says: [String(count), "65535"],
        usable: true,
        reached: false,
      });
    }
    await assertUsable(conn);
  }),
);
