import { assert, assertEquals } from "@std/assert";
import {
  OperationalError,
  PgError,
  Rollback,
  TransactionStatus,
} from "../../mod.ts";
import { DivisionByZero, InFailedSqlTransaction } from "../../errors/mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
  runScript,
  statementsOf,
} from "./support.ts";

Deno.test(
  "CC-05 close: called by another task during a statement, the statement is an error and nothing hangs",
  quiet(async () => {
    for (const query of ["select pg_sleep(10)", "select %s, pg_sleep(10)"]) {
      const conn = await open();
      const params = query.includes("%s") ? [1] : undefined;
      const running = rejection(conn.execute(query, params));
      const waiting = rejection(conn.execute("select 2"));
      await pause(10);
      const start = performance.now();
      await conn.close();
      const expected = {
        class: OperationalError,
        says: ["closed"],
        usable: false,
      };
      assertError(await running, { ...expected, reached: true });
      assertError(await waiting, { ...expected, reached: false });
      assert(performance.now() - start < 1000);
      assertEquals([conn.closed, conn.broken], [true, false]);
      assertError(await rejection(conn.execute("select 3")), expected);
    }
    // The server ends the statement by itself when it sees that nobody waits; we do not wait for it.
    await using conn = await open({ autocommit: false });
    const closings = [conn.close(), conn.close(), conn.close()];
    await Promise.all(closings);
    assertEquals(conn.closed, true);
  }),
);

Deno.test(
  "D-18 execute: 200 tasks on one connection, each gets its own answer, errors among them",
  quiet(async () => {
    await using conn = await open();
    const started: number[] = [];
    const task = async (i: number): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        const nonce = `${i}/${round}/${crypto.randomUUID()}`;
        switch (i % 4) {
          case 0: {
            const row = conn.execute(`select '${nonce}' as nonce`).fetchOne();
            assertEquals(await row, { nonce });
            break;
          }
          case 1: {
            const query = "select %s as nonce, n from generate_series(1, 20) n";
            const rows = await conn.execute(query, [nonce]).fetchAll();
            assertEquals(rows.length, 20);
            assert(rows.every((row) => row.nonce === nonce));
            break;
          }
          case 2: {
            const query = `do $$ begin raise exception '${nonce}'; end $$`;
            const error = await rejection(conn.execute(query));
            assert(error instanceof PgError);
            assertEquals(error.message, nonce);
            assertEquals(error.connectionUsable, true);
            break;
          }
          default: {
            const query = "select %s as nonce, 1/%s as q";
            const error = await rejection(conn.execute(query, [nonce, 0]));
            assertError(error, { class: DivisionByZero, usable: true });
          }
        }
        if (round === 0) started.push(i);
      }
    };
    await Promise.all(Array.from({ length: 200 }, (_, i) => task(i)));
    assertEquals(started, Array.from({ length: 200 }, (_, i) => i));
  }),
);

Deno.test(
  "D-18 execute: statements leave one at a time, in the order of asking",
  quiet(async () => {
    let waiting = 0;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve(async (burst) => {
        assertEquals(++waiting, 1);
        await pause(1);
        waiting--;
        return answer(burst, ONE);
      });
    });
    await using conn = await openScripted(server);
    const texts = Array.from({ length: 30 }, (_, i) => `select ${i}`);
    await Promise.all(texts.map((text) => conn.execute(text)));
    assertEquals(statementsOf(server.sessions[0]), texts);
    // Each was sent when the one before it had been answered: no burst had two.
    const tags = server.sessions[0]!.received.map(({ tag }) => tag);
    assertEquals(
      tags.slice(tags.indexOf("startup") + 1).slice(0, 30).join(""),
      "Q".repeat(30),
    );
  }),
);

Deno.test(
  "CC-01 execute: one task commits in a loop while another runs 1000 statements, the server has nothing to say",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const notices: unknown[] = [];
    conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary));
    let running = true;
    let commits = 0;
    const committing = (async () => {
      while (running) {
        await conn.commit();
        commits++;
      }
    })();
    for (let i = 0; i < 1000; i++) {
      const row = i % 2 === 0
        ? await conn.execute("select %s::int as n", [i]).fetchOne()
        : await conn.execute(`select ${i} as n`).fetchOne();
      assertEquals(row, { n: i });
    }
    running = false;
    await committing;
    assert(commits > 100, `${commits} commits`);
    assertEquals(notices, []);
  }),
);

Deno.test(
  "execute: the BEGIN that tasks race for goes out once",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const notices: unknown[] = [];
    conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary));
    for (const joinBegin of [true, false]) {
      await using other = await open({ autocommit: false, joinBegin });
      other.addNoticeHandler((diag) => notices.push(diag.messagePrimary));
      for (let round = 0; round < 5; round++) {
        const xacts = await Promise.all(
          Array.from(
            { length: 20 },
            (_, i) =>
              other.execute("select now()::text as at, %s::int as n", [i])
                .fetchOne(),
          ),
        );
        assertEquals(xacts.map((row) => row?.n), [...Array(20).keys()]);
        assertEquals(new Set(xacts.map((row) => row?.at)).size, 1);
        assertEquals(other.info.transactionStatus, TransactionStatus.INTRANS);
        await (round % 2 === 0 ? other.commit() : other.rollback());
        assertEquals(other.info.transactionStatus, TransactionStatus.IDLE);
      }
      // When the first of them fails, the others are in its transaction.
      const mixed = await Promise.allSettled([
        other.execute("select 1/0"),
        other.execute("select 1"),
      ]);
      const classes = mixed.map((one) =>
        one.status === "rejected" && one.reason.constructor
      );
      assertEquals(classes, [DivisionByZero, InFailedSqlTransaction]);
      await other.rollback();
      // Several tasks that commit at once: one COMMIT.
      await other.execute("select 1");
      await Promise.all([other.commit(), other.commit(), other.rollback()]);
    }
    assertEquals(notices, []);
  }),
);

Deno.test(
  "execute: in a transaction block statements of several tasks are all inside",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table many (n int)");
    await conn.transaction(async () => {
      await Promise.all(
        Array.from(
          { length: 20 },
          (_, i) => conn.execute("insert into many values (%s)", [i]),
        ),
      );
      throw new Rollback();
    });
    const count = "select count(*)::int as n from many";
    assertEquals(await conn.execute(count).fetchOne(), { n: 0 });
  }),
);

Deno.test(
  "cursor: two runs of one cursor at once, each answer is whole",
  quiet(async () => {
    await using conn = await open();
    const cursor = conn.cursor();
    const runs = [1, 2, 3].map((n) =>
      cursor.execute("select %s::int as n from generate_series(1, 3)", [n])
    );
    await Promise.all(runs);
    assertEquals(await cursor.fetchAll(), [{ n: 3 }, { n: 3 }, { n: 3 }]);
  }),
);

Deno.test(
  "CC-09 execute: waiting a second for a result is no busy loop, whatever the number of the socket",
  quiet(async () => {
    // Its own process, so that the time of the processor is its alone; with more
    // files open than a set of descriptors of the old kind can tell apart.
    const { code, stdout, stderr } = await runScript(`
      const files = [];
      for (let i = 0; i < 1100; i++) files.push(Deno.openSync("/dev/null"));
      await using conn = await connect(Deno.args[0], { autocommit: true });
      await conn.execute("select pg_sleep(0)");
      const before = process.cpuUsage();
      await conn.execute("select pg_sleep(1)");
      const { user, system } = process.cpuUsage(before);
      console.log((user + system) / 1000);
    `);
    assertEquals([code, stderr], [0, ""]);
    const milliseconds = Number(stdout);
    assert(milliseconds > 0, stdout);
    assert(milliseconds < 200, `${milliseconds} ms of the processor in 1 s`);
  }),
);
