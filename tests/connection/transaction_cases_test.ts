/** Transaction blocks on the real server: nesting, names, status, order. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Connection,
  ProgrammingError,
  Rollback,
  TraceFlags,
  type Transaction,
  TransactionBlockStatus,
  TransactionStatus,
} from "../../mod.ts";
import { NoActiveSqlTransaction } from "../../errors/mod.ts";
import {
  assertError,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
} from "./support.ts";

/** A table of its own that is there until the function has ended. */
async function withTable(
  run: (name: string, watcher: Connection) => Promise<void>,
): Promise<void> {
  const name = `block_${crypto.randomUUID().slice(0, 8)}`;
  await using watcher = await open();
  await watcher.execute(`create table ${name} (n int primary key)`);
  try {
    await run(name, watcher);
  } finally {
    await watcher.execute(`drop table ${name}`);
  }
}

async function numbers(conn: Connection, name: string): Promise<unknown[]> {
  const rows = await conn.execute(`select n from ${name} order by n`);
  return (await rows.fetchAll()).map(({ n }) => n);
}

/** The texts of the statements that go to the server while a function runs. */
async function commandsOf(
  conn: Connection,
  run: () => Promise<unknown>,
): Promise<string[]> {
  const lines: string[] = [];
  conn.pgconn.trace((line) => lines.push(line), {
    flags: TraceFlags.SUPPRESS_TIMESTAMPS,
  });
  await run();
  conn.pgconn.untrace();
  const text = /^F\t\d+\t(?:Query\t |Parse\t "" )"(.*)"/;
  return lines.flatMap((line) => text.exec(line)?.[1] ?? []);
}

function mine(): never {
  throw new TypeError("mine");
}

Deno.test(
  "TX-08 transaction: without autocommit and with nothing begun, the block commits for real",
  quiet(() =>
    withTable(async (name, watcher) => {
      await using conn = await open({ autocommit: false });
      await conn.transaction(async (tx) => {
        await tx.execute(`insert into ${name} values (1)`);
        assertEquals(await numbers(watcher, name), []);
      });
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      assertEquals(await numbers(watcher, name), [1]);
    })
  ),
);

Deno.test(
  "TX-10 transaction: three levels keep all rows, and what an outer block catches loses the inner rows alone",
  quiet(() =>
    withTable(async (name, watcher) => {
      await using conn = await open();
      const insert = (tx: Transaction<unknown>, n: number) =>
        tx.execute(`insert into ${name} values (%s)`, [n]);
      await conn.transaction(async (outer) => {
        await insert(outer, 1);
        await outer.transaction(async (middle) => {
          await insert(middle, 2);
          await middle.transaction((inner) => insert(inner, 3));
        });
      });
      assertEquals(await numbers(watcher, name), [1, 2, 3]);
      await conn.transaction(async (outer) => {
        await insert(outer, 4);
        const inner = outer.transaction(async (tx) => {
          await insert(tx, 5);
          mine();
        });
        assert(await rejection(inner) instanceof TypeError);
        await insert(outer, 6);
      });
      assertEquals(await numbers(watcher, name), [1, 2, 3, 4, 6]);
    })
  ),
);

Deno.test(
  "J9 transaction: a throw at each of four depths, caught at each, leaves exactly the rows outside of it",
  quiet(() =>
    withTable(async (name, watcher) => {
      const DEPTH = 4;
      await using conn = await open();
      for (let thrown = 0; thrown < DEPTH; thrown++) {
        for (let caught = 0; caught <= thrown; caught++) {
          const expected: number[] = [];
          const enter = async (tx: Transaction<unknown>, depth: number) => {
            const inside = caught <= depth && depth <= thrown;
            const lost = caught > 0 ? inside || depth > thrown : true;
            await tx.execute(`insert into ${name} values (%s)`, [depth * 2]);
            if (!lost) expected.push(depth * 2);
            if (depth === thrown) mine();
            const inner = tx.transaction((next) => enter(next, depth + 1));
            if (depth + 1 === caught) {
              assert(await rejection(inner) instanceof TypeError);
            } else await inner;
            await tx.execute(`insert into ${name} values (%s)`, [
              depth * 2 + 1,
            ]);
            if (!lost) expected.push(depth * 2 + 1);
          };
          const block = conn.transaction((tx) => enter(tx, 0));
          if (caught === 0) assert(await rejection(block) instanceof TypeError);
          else await block;
          assertEquals(
            await numbers(watcher, name),
            expected.sort(),
            `thrown at ${thrown}, caught at ${caught}`,
          );
          await watcher.execute(`delete from ${name}`);
        }
      }
    })
  ),
);

Deno.test(
  "J9 transaction: of two blocks opened at once in one block the second is refused, and the first is whole",
  quiet(() =>
    withTable(async (name, watcher) => {
      await using conn = await open();
      await conn.transaction(async (tx) => {
        const first = tx.transaction(async (one) => {
          await one.execute(`insert into ${name} values (1)`);
          await pause(10);
          await one.execute(`insert into ${name} values (2)`);
        });
        const second = tx.transaction(async (two) => {
          await two.execute(`insert into ${name} values (3)`);
        });
        assertError(await rejection(second), {
          class: ProgrammingError,
          says: ["another block inside of it is open"],
        });
        await first;
        // One after the other they are fine.
        await tx.transaction((three) =>
          three.execute(`insert into ${name} values (4)`)
        );
      });
      assertEquals(await numbers(watcher, name), [1, 2, 4]);
      // In the block of the first, its outer block is no place either: no deadlock.
      const wrong = conn.transaction((tx) =>
        tx.transaction(() => tx.transaction(() => {}))
      );
      assertError(await rejection(wrong), { class: ProgrammingError });
      await assertUsable(conn);
    })
  ),
);

Deno.test(
  "TX-12 transaction: what is sent on failure is ROLLBACK TO and RELEASE, of the outermost ROLLBACK alone",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      const sent = await commandsOf(conn, async () => {
        const block = conn.transaction(async (tx) => {
          await tx.execute("select 1");
          await tx.transaction(mine, { savepointName: "bar" });
        });
        assert(await rejection(block) instanceof TypeError);
      });
      assertEquals(sent.filter((text) => !text.startsWith("select")), [
        "BEGIN",
        'SAVEPOINT "bar"',
        'ROLLBACK TO "bar"',
        'RELEASE "bar"',
        "ROLLBACK",
      ]);
      const named = await commandsOf(
        conn,
        () =>
          conn.transaction((tx) => tx.execute("select 1"), {
            savepointName: 'out"er',
          }),
      );
      assertEquals(named.filter((text) => !text.startsWith("select")), [
        "BEGIN",
        'SAVEPOINT "out""er"',
        "COMMIT",
      ]);
    }
  }),
);

Deno.test(
  "TX-14 transaction: one savepoint name three deep, rolled back in the middle, leaves the outer row",
  quiet(() =>
    withTable(async (name, watcher) => {
      const options = { savepointName: "same" };
      await using conn = await open();
      await conn.transaction(async (outer) => {
        await outer.execute(`insert into ${name} values (1)`);
        await outer.transaction(async (middle) => {
          await middle.execute(`insert into ${name} values (2)`);
          await middle.transaction(async (inner) => {
            await inner.execute(`insert into ${name} values (3)`);
          }, options);
          throw new Rollback(middle);
        }, options);
      }, options);
      assertEquals(await numbers(watcher, name), [1]);
    })
  ),
);

Deno.test(
  "TX-16 transaction: status tells what has become of a block",
  quiet(async () => {
    const {
      ACTIVE,
      COMMITTED,
      ROLLED_BACK_WITH_ERROR,
      ROLLED_BACK_EXPLICITLY,
      FAILED,
    } = TransactionBlockStatus;
    await using conn = await open();
    const statusAfter = async (
      run: (tx: Transaction<unknown>) => unknown,
      options = {},
    ) => {
      let block: Transaction<unknown> | undefined;
      await conn.transaction(async (tx) => {
        block = tx;
        assertEquals(tx.status, ACTIVE);
        await tx.execute("select 1");
        assertEquals(tx.status, ACTIVE);
        await run(tx);
      }, options).catch(() => {});
      return block!.status;
    };
    assertEquals(await statusAfter(() => {}), COMMITTED);
    assertEquals(await statusAfter(mine), ROLLED_BACK_WITH_ERROR);
    const rollBack = () => {
      throw new Rollback();
    };
    assertEquals(await statusAfter(rollBack), ROLLED_BACK_EXPLICITLY);
    assertEquals(
      await statusAfter((tx) => tx.rollback()),
      ROLLED_BACK_EXPLICITLY,
    );
    assertEquals(
      await statusAfter(() => {}, { forceRollback: true }),
      ROLLED_BACK_EXPLICITLY,
    );
    assertEquals(
      await statusAfter((tx) => tx.execute("select 1/0").catch(() => {})),
      ROLLED_BACK_WITH_ERROR,
    );
    assertEquals(
      await statusAfter(async (tx) => {
        await conn.close();
        assertEquals(tx.status, FAILED);
      }),
      FAILED,
    );
  }),
);

Deno.test(
  "TX-18 transaction: connection and savepointName cannot be set",
  quiet(async () => {
    await using conn = await open();
    await conn.transaction((tx) => {
      assertEquals(tx.savepointName, "mine");
      assert(tx.connection as unknown === conn);
      for (const name of ["connection", "savepointName", "status"]) {
        assertThrows(() => Reflect.set(tx, name, "other") || mine(), TypeError);
        assertThrows(
          () => (tx as unknown as Record<string, unknown>)[name] = "other",
          TypeError,
        );
      }
      assertEquals(tx.savepointName, "mine");
    }, { savepointName: "mine" });
  }),
);

Deno.test(
  "TX-20 transaction: blocks of two tasks that end out of order are an error, and nothing of them is kept",
  quiet(() =>
    withTable(async (name, watcher) => {
      for (const failing of [true, false]) {
        await using conn = await open();
        const opened = Promise.withResolvers<void>();
        const nested = Promise.withResolvers<void>();
        const over = Promise.withResolvers<void>();
        const reason = new RangeError("of the first");
        const first = conn.transaction(async (tx) => {
          await tx.execute(`insert into ${name} values (1)`);
          opened.resolve();
          await nested.promise;
          if (failing) throw reason;
        });
        await opened.promise;
        let late: unknown;
        let handle: Transaction<unknown> | undefined;
        const second = conn.transaction(async (tx) => {
          handle = tx;
          await tx.execute(`insert into ${name} values (2)`);
          nested.resolve();
          await over.promise;
          late = await rejection(tx.execute(`insert into ${name} values (3)`));
        });
        const error = assertError(await rejection(first), {
          class: ProgrammingError,
          says: ["transaction commit or rollback at the wrong nesting level"],
        });
        assertEquals(error.cause, failing ? reason : undefined);
        over.resolve();
        assertError(await rejection(second), {
          class: ProgrammingError,
          says: ["wrong nesting level"],
        });
        // What the other task tried afterwards did not run outside.
        assertError(late, { class: ProgrammingError, says: ["ended"] });
        assertEquals(handle?.status, TransactionBlockStatus.FAILED);
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
        assertEquals(await numbers(watcher, name), []);
        await conn.transaction((tx) => tx.execute("select 1"));
        await assertUsable(conn);
      }
    })
  ),
);

Deno.test(
  "L9 transaction: a pipeline and a block of two tasks that overlap are refused, whichever came first",
  quiet(() =>
    withTable(async (name, watcher) => {
      for (const pipelineFirst of [true, false]) {
        await using conn = await open();
        const [one, two, three] = [0, 0, 0].map(() =>
          Promise.withResolvers<void>()
        );
        const pipeline = async () => {
          if (!pipelineFirst) await one!.promise;
          await conn.pipeline(async (p) => {
            await p.execute("select 1");
            one!.resolve();
            two!.resolve();
            if (pipelineFirst) await three!.promise;
            else await rejection(block);
          });
        };
        const transact = async () => {
          if (pipelineFirst) await one!.promise;
          await conn.transaction(async (tx) => {
            await tx.execute(`insert into ${name} values (1)`);
            three!.resolve();
            one!.resolve();
            await (pipelineFirst ? running : two!.promise);
          });
        };
        const running = pipeline();
        const block = transact();
        assertError(await rejection(block), {
          class: ProgrammingError,
          says: ["blocks and pipelines of the same connection overlap"],
        });
        await running;
        assertEquals(await numbers(watcher, name), []);
        await assertUsable(conn);
      }
      // One inside of the other is fine, either way.
      await using conn = await open();
      await conn.pipeline(() =>
        conn.transaction((tx) => tx.execute(`insert into ${name} values (1)`))
      );
      await conn.transaction(() =>
        conn.pipeline((p) => p.execute(`insert into ${name} values (2)`))
      );
      assertEquals(await numbers(watcher, name), [1, 2]);
    })
  ),
);

Deno.test(
  "transaction: a block that swallowed a failed statement is rolled back by itself, and the one around it goes on",
  quiet(() =>
    withTable(async (name, watcher) => {
      await using conn = await open();
      await conn.transaction(async (tx) => {
        await tx.execute(`insert into ${name} values (1)`);
        let inner: Transaction<unknown> | undefined;
        const block = tx.transaction(async (nested) => {
          inner = nested;
          await nested.execute(`insert into ${name} values (2)`);
          await nested.execute("select 1/0").catch(() => {});
        });
        const error = await rejection(block);
        assert(String(error).includes("is rolled back"), String(error));
        assertEquals(
          inner?.status,
          TransactionBlockStatus.ROLLED_BACK_WITH_ERROR,
        );
        await tx.execute(`insert into ${name} values (3)`);
      });
      assertEquals(await numbers(watcher, name), [1, 3]);
    })
  ),
);

Deno.test(
  "J8 transaction: a block inside that is not awaited is an error, and nothing of it runs outside",
  quiet(() =>
    withTable(async (name, watcher) => {
      for (const by of ["tx", "conn"]) {
        await using conn = await open();
        let stray: Promise<unknown> | undefined;
        const block = conn.transaction(async (tx) => {
          await tx.execute(`insert into ${name} values (1)`);
          stray = rejection(
            (by === "tx" ? tx : conn).transaction(async (inner) => {
              await pause(5);
              await inner.execute(`insert into ${name} values (2)`);
            }),
          );
        });
        assertError(await rejection(block), { class: ProgrammingError });
        assert(await stray instanceof ProgrammingError);
        assertEquals(await numbers(watcher, name), []);
        await assertUsable(conn);
      }
    })
  ),
);

Deno.test(
  "transaction: one that a statement ended by hand is an error of the savepoint inside, and opens no other",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      const block = conn.transaction(async (tx) => {
        await tx.execute("select 1");
        await tx.transaction((inner) => inner.execute("rollback"));
      });
      assertError(await rejection(block), { class: NoActiveSqlTransaction });
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    }
  }),
);

Deno.test(
  "transaction, begin: what is no function and what is no option is refused, and nothing is opened",
  quiet(async () => {
    await using conn = await open();
    const isFunction = /must be a function/;
    const isOption = /no option "isolation_level"/;
    const misspelt = { isolation_level: 4 } as never;
    const tries: [RegExp, () => Promise<unknown>][] = [
      [isFunction, () => conn.transaction({} as never)],
      [isFunction, () => conn.transaction(undefined as never, { retry: 2 })],
      [isOption, () => conn.transaction(() => {}, misspelt)],
      [isOption, () => conn.begin(misspelt)],
    ];
    for (const [pattern, run] of tries) {
      const error = await rejection(run());
      assert(error instanceof TypeError && pattern.test(error.message));
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    }
    await conn.transaction(async (tx) => {
      for (
        const [pattern, run] of [
          [isFunction, () => tx.transaction(undefined as never)],
          [isOption, () => tx.transaction(() => {}, misspelt)],
          [isOption, () => tx.begin(misspelt)],
        ] as const
      ) {
        const error = await rejection(run());
        assert(error instanceof TypeError && pattern.test(error.message));
      }
      await tx.execute("select 1");
    });
    await assertUsable(conn);
  }),
);
