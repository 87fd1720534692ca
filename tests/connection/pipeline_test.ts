import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  NotSupportedError,
  OperationalError,
  Pipeline,
  PipelineAborted,
  PipelineStatus,
  ProgrammingError,
  Rollback,
  TransactionStatus,
  tupleRow,
} from "../../mod.ts";
import {
  DivisionByZero,
  QueryCanceled,
  SyntaxError,
  UndefinedTable,
  UniqueViolation,
} from "../../errors/mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  assertUsable,
  ONE,
  open,
  openScripted,
  quiet,
  rejection,
  until,
} from "./support.ts";

/** Runs something on a scripted server; gives the tags of what was sent, without goodbye. */
async function tagsOf(
  run: (conn: Connection) => Promise<void>,
): Promise<string> {
  await using server = new ScriptedServer(async (session) => {
    await session.startup();
    // Each message is answered by itself, as a real server may do at a Flush.
    for (;;) {
      const message = await session.read();
      if (message === null || message.tag === "X") return;
      await session.send(...answer([message], ONE));
    }
  });
  {
    await using conn = await openScripted(server);
    await run(conn);
  }
  return server.sessions[0]!.received.map(({ tag }) => tag).join("")
    .replace(/^.*startup/, "").replace(/X$/, "");
}

async function count(conn: Connection, table: string): Promise<unknown> {
  const query = `select count(*)::int as n from ${table}`;
  return (await conn.execute(query).fetchOne())?.n;
}

Deno.test(
  "PL-01 pipeline: on a closed connection it is an OperationalError, in both forms",
  quiet(async () => {
    const conn = await open();
    await conn.close();
    const expected = { class: OperationalError, says: ["closed"] };
    assertError(await rejection(conn.pipeline(() => 1)), expected);
    assertError(await rejection(conn.pipeline()), expected);
  }),
);

Deno.test(
  "PL-03 pipeline: an empty one is one Sync, a nested empty one two, and both are the same pipeline",
  quiet(async () => {
    assertEquals(await tagsOf((conn) => conn.pipeline(() => {})), "S");
    const nested = await tagsOf((conn) =>
      conn.pipeline((p) =>
        conn.pipeline((q) => {
          assert(p === q);
        })
      )
    );
    assertEquals(nested, "SS");
    const scopes = await tagsOf(async (conn) => {
      await using p = await conn.pipeline();
      await using q = await conn.pipeline();
      assert(p === q);
      assertEquals(p.open, true);
    });
    assertEquals(scopes, "SS");
    // What waits is synchronised where the inner one begins.
    const within = await tagsOf((conn) =>
      conn.pipeline(async (p) => {
        p.execute("select 1 as one");
        await conn.pipeline(() => {});
      })
    );
    assertEquals(within, "PBDESSS");
    assertEquals(Pipeline.isSupported(), true);
  }),
);

Deno.test(
  "pipeline: at its end it refuses further statements, and the connection goes on",
  quiet(async () => {
    await using conn = await open();
    const p = await conn.pipeline((p) => p);
    const expected = { class: ProgrammingError, says: ["has ended"] };
    assertEquals(p.open, false);
    assertError(await rejection(p.execute("select 1")), expected);
    assertError(await rejection(p.executeMany("select %s", [[1]])), expected);
    assertError(await rejection(p.sync()), expected);
    await p[Symbol.asyncDispose]();
    assertEquals(conn.info.pipelineStatus, PipelineStatus.OFF);
    await assertUsable(conn);
  }),
);

Deno.test(
  "PL-05 pipeline: fetching flushes, gives the rows, and does not end it",
  quiet(async () => {
    const tags = await tagsOf((conn) =>
      conn.pipeline(async (p) => {
        const rows = await p.execute("select 1 as one").fetchAll();
        assertEquals(rows, [{ one: 1 }]);
        assertEquals(conn.info.pipelineStatus, PipelineStatus.ON);
      })
    );
    assertEquals(tags, "PBDEHS");
    await using conn = await open();
    await conn.pipeline(async (p) => {
      const cursor = conn.cursor();
      cursor.execute("select n from generate_series(1, 3) n");
      // Not awaited: fetching waits for it.
      assertEquals(await cursor.fetchOne(), { n: 1 });
      assertEquals(await cursor.fetchMany(1), [{ n: 2 }]);
      assertEquals(await Array.fromAsync(cursor), [{ n: 3 }]);
      assertEquals(conn.info.pipelineStatus, PipelineStatus.ON);
      assertEquals(await p.execute("select 4 as n").fetchOne(), { n: 4 });
    });
  }),
);

Deno.test(
  "PL-07 pipeline: in autocommit mode an error aborts it up to sync(), and earlier results stay",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table undone (n int)");
    await conn.pipeline(async (p) => {
      const before = p.execute("select 1 as n");
      const insert = p.execute("insert into undone values (1)");
      const failed = p.execute("select * from nosuchtable");
      const skipped = p.execute("select 2 as n");
      const error = assertError(await rejection(failed.fetchAll()), {
        class: UndefinedTable,
        usable: true,
      });
      const aborted = assertError(await rejection(skipped.fetchAll()), {
        class: PipelineAborted,
        usable: true,
      });
      assertEquals((aborted.cause as Error).message, error.message);
      assertEquals(conn.info.pipelineStatus, PipelineStatus.ABORTED);
      // Also what is run by now.
      const later = await rejection(p.execute("select 3 as n"));
      assertError(later, { class: PipelineAborted });
      await p.sync();
      assertEquals(conn.info.pipelineStatus, PipelineStatus.ON);
      assertEquals(await p.execute("select 4 as n").fetchAll(), [{ n: 4 }]);
      assertEquals(await before.fetchAll(), [{ n: 1 }]);
      assertEquals((await insert).statusMessage, "INSERT 0 1");
    });
    // All up to the Sync was one transaction.
    assertEquals(await count(conn, "undone"), 0);
  }),
);

Deno.test(
  "PL-09 pipeline: commit() raises what nobody awaited, and after rollback() statements work",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    await conn.pipeline(async (p) => {
      p.execute("create temp table lost (n int)");
      p.execute("select * from nosuchtable");
      p.execute("insert into lost values (1)");
      assertError(await rejection(conn.commit()), { class: UndefinedTable });
      assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
      await conn.rollback();
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      assertEquals(await p.execute("select 1 as n").fetchOne(), { n: 1 });
      await conn.commit();
      // rollback() is not kept from it, nor is the error lost.
      p.execute("select 1/0");
      await conn.rollback();
      assertError(await rejection(p.sync()), { class: DivisionByZero });
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "PL-11 transaction: in a pipeline an error that nobody awaits surfaces at the end of the block, and the pipeline goes on",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      await conn.pipeline(async (p) => {
        const inner = conn.transaction((tx) => {
          tx.execute("select * from nosuchtable");
        });
        assertError(await rejection(inner), { class: UndefinedTable });
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
        assertEquals(await p.execute("select 1 as n").fetchOne(), { n: 1 });
        await conn.rollback();
        const value = await conn.transaction(async (tx) => {
          tx.execute("create temp table kept (n int)");
          const nested = tx.transaction((inside) => {
            inside.execute("insert into kept values (1)");
            inside.execute("select 1/0");
          });
          assertError(await rejection(nested), { class: DivisionByZero });
          tx.execute("insert into kept values (2)");
          return "done";
        });
        assertEquals(value, "done");
      });
      const rows = await conn.execute("select n from kept").fetchAll();
      assertEquals(rows, [{ n: 2 }]);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "PL-13 transaction: in a pipeline a Rollback is swallowed, and the server has nothing to say",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      const notices: unknown[] = [];
      conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary));
      await conn.pipeline(async (p) => {
        await conn.transaction((tx) => {
          tx.execute("create temp table gone (n int)");
          throw new Rollback();
        });
        await conn.transaction(() => {
          throw new Rollback(); // with no statement inside
        });
        const query = "select to_regclass('gone') as name";
        assertEquals(await p.execute(query).fetchOne(), { name: null });
        await conn.rollback();
      });
      assertEquals(notices, []);
    }
  }),
);

Deno.test(
  "PL-15 pipeline: several statements in one text are a SyntaxError of the server",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline(async (p) => {
      const error = await rejection(p.execute("select 1; select 2"));
      assertError(error, { class: SyntaxError, usable: true });
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "PL-17 pipeline: fetching where there is no result is a ProgrammingError",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline(async (p) => {
      const cursor = conn.cursor();
      assertError(await rejection(cursor.fetchOne()), {
        class: ProgrammingError,
      });
      const fetched = p.execute("set timezone to utc").fetchOne();
      assertError(await rejection(fetched), {
        class: ProgrammingError,
        says: ["command status: SET"],
      });
    });
  }),
);

Deno.test(
  "PL-19 executeMany: two in one pipeline go forward together, with one Sync",
  quiet(async () => {
    const tags = await tagsOf((conn) =>
      conn.pipeline(async (p) => {
        const query = "insert into t values (%s)";
        await Promise.all([
          conn.cursor().executeMany(query, [[1], [2]]),
          p.executeMany(query, [[3], [4]]),
        ]);
      })
    );
    assertEquals(tags, "PBDE".repeat(4) + "HS");
    await using conn = await open();
    await conn.pipeline(async (p) => {
      p.execute("create temp table many (n int)");
      const query = "insert into many values (%s) returning n";
      const cursor = await p.executeMany(query, [[1], [2]], {
        returning: true,
      });
      const rows = [];
      for (const each of cursor.results()) rows.push(await each.fetchOne());
      assertEquals(rows, [{ n: 1 }, { n: 2 }]);
      // A value that cannot be sent: those before it are on their way.
      const failed = p.executeMany(query, [[3], [Symbol("no")]]);
      assertError(await rejection(failed), { class: ProgrammingError });
      // Sets that come by and by.
      async function* sets(): AsyncGenerator<unknown[]> {
        for (let n = 4; n <= 6; n++) {
          await p.execute("select 1");
          yield [n];
        }
      }
      assertEquals((await p.executeMany(query, sets())).rowCount, 3);
    });
    assertEquals(await count(conn, "many"), 6);
  }),
);

Deno.test(
  "PL-21 cursor: run twice in a pipeline, it has only the second result",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline(async () => {
      const cursor = conn.cursor({ rowFactory: tupleRow });
      const first = cursor.execute("select 1");
      cursor.execute("select 2");
      assertEquals(await cursor.fetchAll(), [[2]]);
      assertEquals((await first) === cursor, true);
      assertEquals(cursor.nextSet(), false);
      assertEquals(cursor.rowCount, 1);
    });
  }),
);

Deno.test(
  "PL-23 pipeline: nine tasks insert in one pipeline, and all rows are there",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    await conn.execute("create temp table summed (task int, n int)");
    const returned = await conn.pipeline((p) =>
      Promise.all(Array.from({ length: 9 }, async (_, task) => {
        let sum = 0;
        const query = "insert into summed values (%s, %s) returning n";
        for (let n = 1; n <= 30; n++) {
          const row = await p.execute<{ n: number }>(query, [task, task * n])
            .fetchOne();
          sum += row!.n;
        }
        return sum;
      }))
    );
    const rows = await conn.execute(
      "select sum(n)::int as n from summed group by task order by task",
    ).fetchAll();
    assertEquals(rows.map((row) => row.n), returned);
    assertEquals(returned, [...Array(9).keys()].map((task) => task * 465));
    await conn.rollback();
  }),
);

Deno.test(
  "pipeline: an error that nobody awaits is told once, by sync() or at the end, and ends no process",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table once (n int primary key)");
    const insert = "insert into once values (1)";
    const atEnd = conn.pipeline((p) => {
      p.execute(insert);
      p.execute(insert);
      p.execute(insert).fetchAll();
    });
    assertError(await rejection(atEnd), { class: UniqueViolation });
    await conn.pipeline(async (p) => {
      p.execute("select 1/0").fetchAll();
      assertError(await rejection(p.sync()), { class: DivisionByZero });
      await p.sync();
      // Awaited one after the other: the second is rejected before anybody looks at it.
      const first = p.execute("select 1/0").fetchAll();
      const second = p.execute("select 1").fetchAll();
      assertError(await rejection(first), { class: DivisionByZero });
      assertError(await rejection(second), { class: PipelineAborted });
    });
    // The block ends with the error of the first, the second is nobody's.
    const cut = conn.pipeline(async (p) => {
      const first = p.execute("select 1/0").fetchAll();
      const second = p.execute("select 1").fetchAll();
      return [await first, await second];
    });
    assertError(await rejection(cut), { class: DivisionByZero });
    // Promise.all() awaits all of them.
    const all = conn.pipeline((p) =>
      Promise.all(
        ["select 1/0", "select 1", "select 2"].map((q) =>
          p.execute(q).fetchAll()
        ),
      )
    );
    assertError(await rejection(all), { class: DivisionByZero });
    // Whoever does not await the skipped one is told that it was skipped.
    const half = conn.pipeline(async (p) => {
      const failed = p.execute("select 1/0");
      p.execute(insert);
      await failed.catch(() => {});
    });
    assertError(await rejection(half), { class: PipelineAborted });
    // Also what cannot be sent at all.
    const unsent = conn.pipeline((p) => {
      p.execute("select %s", []);
    });
    assertError(await rejection(unsent), {
      class: ProgrammingError,
      reached: false,
    });
    const scope = (async () => {
      await using p = await conn.pipeline();
      p.execute("select 1/0");
    })();
    assertError(await rejection(scope), { class: DivisionByZero });
    await assertUsable(conn);
    assertEquals(conn.info.pipelineStatus, PipelineStatus.OFF);
  }),
);

Deno.test(
  "pipeline: what the block throws counts, and a connection closed inside is told",
  quiet(async () => {
    const warned: string[] = [];
    const onWarning = (message: string) => void warned.push(message);
    const conn = await open({ onWarning });
    const thrown = new RangeError("mine");
    const both = conn.pipeline((p) => {
      p.execute("select 1/0");
      throw thrown;
    });
    assertEquals(await rejection(both), thrown);
    assertEquals(warned.length, 1);
    assert(warned[0]!.includes("division by zero"), warned[0]);
    const closed = conn.pipeline(() => conn.close());
    assertError(await rejection(closed), {
      class: OperationalError,
      says: ["closed"],
    });
    const other = await open({ onWarning });
    const ended = other.pipeline(async () => {
      await other.close();
      throw thrown;
    });
    assertEquals(await rejection(ended), thrown);
    assertEquals(warned.length, 2);
  }),
);

Deno.test(
  "I14 L2 pipeline: of 20 statements a cancel hits the one that runs, those behind it are skipped, the rest is exact",
  quiet(async () => {
    await using conn = await open();
    await using other = await open();
    const pid = conn.info.backendPid;
    await conn.pipeline(async (p) => {
      const signal = AbortSignal.timeout(10_000);
      const refused = p.execute("select 1", undefined, { signal });
      assertError(await rejection(refused), {
        class: NotSupportedError,
        usable: true,
        reached: false,
      });
      const runs = Array.from(
        { length: 20 },
        (_, n) =>
          p.execute("select %s::int as n, pg_sleep(%s)", [n, n === 5 ? 60 : 0])
            .fetchAll(),
      );
      const outcomes = Promise.allSettled(runs);
      await until(async () => {
        const query = "select wait_event from pg_stat_activity where pid = %s";
        const row = await other.execute(query, [pid]).fetchOne();
        return row?.wait_event === "PgSleep";
      }, "the sixth sleeps");
      await conn.cancelSafe({ timeout: 5 });
      for (const [n, outcome] of (await outcomes).entries()) {
        if (outcome.status === "fulfilled") {
          assert(n < 5, `statement ${n} ran`);
          assertEquals(outcome.value[0]?.n, n);
        } else {
          assertError(outcome.reason, {
            class: n === 5 ? QueryCanceled : PipelineAborted,
            usable: true,
          });
        }
      }
      assertEquals(conn.info.pipelineStatus, PipelineStatus.ABORTED);
      await p.sync();
      assertEquals(await p.execute("select 7 as n").fetchOne(), { n: 7 });
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "pipeline: COPY is refused before it is sent",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table copied (n int)");
    await conn.pipeline(async (p) => {
      for (const copy of ["copy copied from stdin", " COPY copied TO STDOUT"]) {
        assertError(await rejection(p.execute(copy)), {
          class: NotSupportedError,
          usable: true,
          reached: false,
        });
      }
      assertEquals(await p.execute("select 1 as n").fetchOne(), { n: 1 });
    });
  }),
);

Deno.test(
  "G6 pipeline: a huge one does not block while the server floods its output",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("set client_min_messages = debug5");
    let notices = 0;
    conn.addNoticeHandler(() => notices++);
    const text = "x".repeat(2000);
    const lengths = await conn.pipeline((p) =>
      Promise.all(Array.from({ length: 5000 }, async (_, n) => {
        const query = "select %s::int as n, %s || %s::text as text";
        const row = await p.execute(query, [n, text, text]).fetchOne();
        return row?.n === n ? (row.text as string).length : -1;
      }))
    );
    assertEquals(new Set(lengths), new Set([4000]));
    assert(notices > 5000, `${notices} notices`);
    await conn.execute("reset client_min_messages");
    await assertUsable(conn);
  }),
);

Deno.test(
  "PR-21 pipeline: a prepared statement that fails is forgotten, and fails the same way again",
  quiet(async () => {
    await using conn = await open({ prepareThreshold: 0 });
    for (let round = 0; round < 3; round++) {
      await conn.pipeline(async (p) => {
        const failed = p.execute("select * from nosuchtable where n = %s", [1]);
        assertError(await rejection(failed), { class: UndefinedTable });
        await p.sync();
        const again = p.execute("select * from nosuchtable where n = %s", [1]);
        assertError(await rejection(again), { class: UndefinedTable });
      });
    }
    const query = "select * from nosuchtable where n = %s";
    assertError(await rejection(conn.execute(query, [1])), {
      class: UndefinedTable,
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "pipeline: statements sent without waiting count towards prepareThreshold",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline((p) =>
      Promise.all(
        Array.from(
          { length: 8 },
          (_, n) => p.execute("select %s::int as n", [n]),
        ),
      )
    );
    const { length } = await conn.execute(
      "select 1 from pg_prepared_statements",
    ).fetchAll();
    assertEquals(length, 1);
  }),
);
