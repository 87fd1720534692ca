/** Running a transaction again after it got into the way of another. */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Connection,
  IsolationLevel,
  ProgrammingError,
  Rollback,
  type Transaction,
  TransactionBlockStatus,
} from "../../mod.ts";
import {
  DeadlockDetected,
  SerializationFailure,
  UniqueViolation,
} from "../../errors/mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertError,
  assertUsable,
  open,
  openScripted,
  quiet,
  rejection,
  serveOnes,
} from "./support.ts";

const QUICK = { delay: 0.001, maxDelay: 0.002 };
const { SERIALIZABLE, REPEATABLE_READ } = IsolationLevel;

/** A table of accounts with two rows, of 100 each, until the function has ended. */
async function withAccounts(
  run: (name: string, other: Connection) => Promise<void>,
): Promise<void> {
  const name = `account_${crypto.randomUUID().slice(0, 8)}`;
  await using other = await open();
  await other.execute(`create table ${name} (id int primary key, n int)`);
  await other.execute(`insert into ${name} values (1, 100), (2, 100)`);
  try {
    await run(name, other);
  } finally {
    await other.execute(`drop table ${name}`);
  }
}

/** Has the server fail with an SQLSTATE. */
async function fail(
  tx: Pick<Connection, "execute"> | Transaction<unknown>,
  sqlstate: string,
): Promise<void> {
  await tx.execute(
    `do $$ begin raise exception 'as asked' using errcode = '${sqlstate}'; end $$`,
  );
}

Deno.test(
  "J10 transaction: after a serialization failure the whole block runs again, with a fresh snapshot",
  quiet(() =>
    withAccounts(async (name, other) => {
      await using conn = await open();
      const seen: unknown[] = [];
      const blocks: Transaction<unknown>[] = [];
      const result = await conn.transaction(async (tx) => {
        blocks.push(tx);
        const row = await tx.execute(`select n from ${name} where id = 1`)
          .fetchOne() as { n: number };
        seen.push(row.n);
        if (seen.length < 3) {
          await other.execute(`update ${name} set n = n + 1 where id = 1`);
        }
        await tx.execute(`update ${name} set n = %s where id = 1`, [
          row.n * 2,
        ]);
        return row.n;
      }, { isolationLevel: REPEATABLE_READ, retry: { attempts: 5, ...QUICK } });
      assertEquals(result, 102);
      assertEquals(seen, [100, 101, 102]);
      const { ROLLED_BACK_WITH_ERROR, COMMITTED } = TransactionBlockStatus;
      assertEquals(blocks.map((tx) => tx.status), [
        ROLLED_BACK_WITH_ERROR,
        ROLLED_BACK_WITH_ERROR,
        COMMITTED,
      ]);
      const row = await other.execute(`select n from ${name} where id = 1`);
      assertEquals(await row.fetchOne(), { n: 204 });
    })
  ),
);

Deno.test(
  "J10 transaction: a serialization failure that only COMMIT tells of is one too",
  quiet(() =>
    withAccounts(async (name, other) => {
      await using conn = await open();
      const sum = `select sum(n)::int as n from ${name}`;
      let runs = 0, ended = 0;
      await conn.transaction(async (tx) => {
        runs++;
        await tx.execute(sum);
        await tx.execute(`update ${name} set n = n - 10 where id = 1`);
        if (runs === 1) {
          // The other one reads what this one writes, writes what it read, and is first.
          await other.transaction(async (theirs) => {
            await theirs.execute(sum);
            await theirs.execute(`update ${name} set n = n - 20 where id = 2`);
          }, { isolationLevel: SERIALIZABLE });
        }
        ended++;
      }, { isolationLevel: SERIALIZABLE, retry: { attempts: 3, ...QUICK } });
      assertEquals([runs, ended], [2, 2]);
      const row = await other.execute(sum).fetchOne();
      assertEquals(row, { n: 170 });
    })
  ),
);

Deno.test(
  "J10 transaction: of two that deadlock the server gives one up, and it runs again",
  quiet(() =>
    withAccounts(async (name, other) => {
      await using conn = await open();
      await conn.execute("set deadlock_timeout = '10ms'");
      await other.execute("set deadlock_timeout = '10ms'");
      const both = [0, 0].map(() => Promise.withResolvers<void>());
      let runs = 0;
      const move = (by: Connection, from: number, to: number) =>
        by.transaction(async (tx) => {
          runs++;
          const update = `update ${name} set n = n + %s where id = %s`;
          await tx.execute(update, [-10, from]);
          both[from - 1]!.resolve();
          await Promise.all(both.map(({ promise }) => promise));
          await tx.execute(update, [10, to]);
        }, { retry: { attempts: 10, ...QUICK } });
      await Promise.all([move(conn, 1, 2), move(other, 2, 1)]);
      assert(runs >= 3, `${runs} runs`);
      const rows = other.execute(`select n from ${name} order by id`);
      assertEquals(await rows.fetchAll(), [{ n: 100 }, { n: 100 }]);
    })
  ),
);

Deno.test(
  "J10 transaction: no more often than said, and then the error comes out; 5 times unless told",
  quiet(async () => {
    await using conn = await open();
    for (
      const [retry, expected] of [[1, 1], [3, 3], [
        { attempts: 4, ...QUICK },
        4,
      ], [QUICK, 5]] as const
    ) {
      for (
        const [sqlstate, Class] of [
          ["40001", SerializationFailure],
          ["40P01", DeadlockDetected],
        ] as const
      ) {
        let runs = 0;
        const block = conn.transaction(async (tx) => {
          runs++;
          await fail(tx, sqlstate);
        }, { retry });
        assertError(await rejection(block), { class: Class, usable: true });
        assertEquals(runs, expected);
      }
    }
    await assertUsable(conn);
  }),
);

Deno.test(
  "J10 transaction: the waiting doubles up to the limit, half of it by chance",
  quiet(async () => {
    await using conn = await open();
    const real = Math.random;
    try {
      for (const chance of [0, 0.999]) {
        Math.random = () => chance;
        const starts: number[] = [];
        const block = conn.transaction(async (tx) => {
          starts.push(performance.now());
          await fail(tx, "40001");
        }, { retry: { attempts: 7, delay: 0.04, maxDelay: 0.1 } });
        await rejection(block);
        const gaps = starts.slice(1).map((at, i) => at - starts[i]!);
        const most = [40, 80, 100, 100, 100, 100];
        gaps.forEach((gap, i) => {
          const least = most[i]! * (1 + chance) / 2;
          assert(gap > least - 2, `${gap} ms after run ${i + 1}`);
        });
        // Without the limit it would be 640 ms at least.
        assert(gaps.at(-1)! < 500, `${gaps.at(-1)} ms before the last run`);
      }
    } finally {
      Math.random = real;
    }
  }),
);

Deno.test(
  "J10 transaction: nothing else is tried again, and nothing that may be committed",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table once (n int primary key)");
    const reason = Object.assign(new Error("mine"), { sqlstate: "40001" });
    const endings: [(tx: Transaction<unknown>) => unknown, unknown][] = [
      [() => Promise.reject(reason), reason],
      [(tx) => fail(tx, "40003"), "40003"],
      [(tx) => fail(tx, "40000"), "40000"],
      [(tx) => fail(tx, "57014"), "57014"],
      [
        (tx) => tx.execute("insert into once values (2), (2)"),
        UniqueViolation.sqlstate,
      ],
      [async (tx) => {
        await tx.commit();
        await fail(conn, "40001");
      }, "40001"],
    ];
    for (const [end, expected] of endings) {
      let runs = 0;
      const block = conn.transaction(async (tx) => {
        runs++;
        await tx.execute("select 1");
        await end(tx);
      }, { retry: { attempts: 5, ...QUICK } });
      const error = await rejection(block) as { sqlstate: string };
      if (typeof expected === "string") assertEquals(error.sqlstate, expected);
      else assertStrictEquals(error as unknown, expected);
      assertEquals(runs, 1, String(expected));
    }
    let runs = 0;
    await conn.transaction(() => {
      runs++;
      throw new Rollback();
    }, { retry: 5 });
    assertEquals(runs, 1);
  }),
);

Deno.test(
  "J10 transaction: only the block that opens the transaction can run again",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const refused = {
      class: ProgrammingError,
      says: ["Cannot retry a block inside a transaction"],
    };
    let runs = 0;
    const run = () => void runs++;
    await conn.transaction(async (tx) => {
      await tx.execute("select 1");
      assertError(await rejection(tx.transaction(run, { retry: 2 })), refused);
      const inner = rejection(conn.transaction(run, { retry: 2 }));
      assertError(await inner, refused);
    });
    await conn.execute("select 1");
    assertError(await rejection(conn.transaction(run, { retry: 2 })), refused);
    assertEquals(runs, 0);
    await conn.rollback();
    // What an inner block could not do, the outer one does over.
    await conn.transaction(async (tx) => {
      runs++;
      await tx.transaction(async (inner) => {
        if (runs < 3) await fail(inner, "40001");
      });
    }, { retry: { attempts: 3, ...QUICK } });
    assertEquals(runs, 3);
    for (
      const retry of [0, 1.5, NaN, { delay: -1 }, { maxDelay: Infinity }]
    ) {
      assertError(await rejection(conn.transaction(run, { retry })), {
        class: ProgrammingError,
        says: ["Cannot retry the transaction"],
      });
    }
    assertEquals(runs, 3);
  }),
);

Deno.test(
  "J10 transaction: a signal ends the waiting and the trying, and if it is aborted already nothing is sent",
  quiet(async () => {
    await using conn = await open();
    const reason = new Error("enough");
    const controller = new AbortController();
    let runs = 0;
    const start = performance.now();
    const block = conn.transaction(async (tx) => {
      runs++;
      setTimeout(() => controller.abort(reason), 20);
      await fail(tx, "40001");
    }, { retry: { delay: 60, maxDelay: 60, signal: controller.signal } });
    assertStrictEquals(await rejection(block), reason);
    assert(performance.now() - start < 1000);
    assertEquals(runs, 1);
    await assertUsable(conn);

    await using server = new ScriptedServer(serveOnes);
    const scripted = await openScripted(server);
    const never = scripted.transaction(
      (tx) => tx.execute("select 1"),
      { retry: { signal: AbortSignal.abort(reason) }, savepointName: "a" },
    );
    assertStrictEquals(await rejection(never), reason);
    await scripted.close();
    assertEquals(
      server.sessions[0]?.received.filter(({ tag }) => tag === "Q"),
      [],
    );
  }),
);
