import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Connection,
  TransactionBlockStatus,
  TransactionStatus,
} from "../../mod.ts";
import { assertUsable, open, quiet, rejection } from "./support.ts";

/** Runs a statement and aborts it after some milliseconds. Gives what it rejects with. */
async function abortAfter(
  conn: Connection,
  query: string,
  ms: number,
  reason: unknown,
  params?: unknown[],
): Promise<unknown> {
  const controller = new AbortController();
  const { signal } = controller;
  const running = conn.execute(query, params, { signal });
  setTimeout(() => controller.abort(reason), ms);
  return await rejection(running);
}

Deno.test(
  "D-28 execute: outside of transaction() an abort leaves the transaction in error and the connection usable",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    await conn.execute("create temp table kept (n int)");
    const reason = new TypeError("mine");
    const error = await abortAfter(conn, "select pg_sleep(10)", 10, reason);
    assertStrictEquals(error, reason);
    assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
    await conn.rollback();
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    await assertUsable(conn);
  }),
);

Deno.test(
  "I13 D-28 transaction: an abort inside rolls the block back, its handle is dead, the connection clean",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      await conn.execute("create temp table kept (n int)");
      if (!autocommit) await conn.commit();
      const reason = new Error("never mind");
      let late: (() => PromiseLike<unknown>) | undefined;
      let statusOf: (() => unknown) | undefined;
      const block = conn.transaction(async (tx) => {
        late = () => tx.execute("insert into kept values (2)");
        statusOf = () => tx.status;
        await tx.execute("insert into kept values (1)");
        const controller = new AbortController();
        const { signal } = controller;
        setTimeout(() => controller.abort(reason), 10);
        await tx.execute("select pg_sleep(10)", undefined, { signal });
      });
      assertStrictEquals(await rejection(block), reason);
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      assertEquals(
        statusOf?.(),
        TransactionBlockStatus.ROLLED_BACK_WITH_ERROR,
      );
      const ended = await rejection(Promise.try(() => late?.()));
      assert(String(ended).includes("has ended"), String(ended));
      const left = await conn.execute("select n from kept").fetchAll();
      assertEquals(left, []);
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "transaction: an abort in a nested block rolls back to its savepoint alone",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table kept (n int)");
    await conn.transaction(async (tx) => {
      await tx.execute("insert into kept values (1)");
      const inner = tx.transaction(async (nested) => {
        await nested.execute("insert into kept values (2)");
        await nested.execute("select pg_sleep(10)", undefined, {
          signal: AbortSignal.timeout(10),
        });
      });
      const error = await rejection(inner);
      assert(error instanceof DOMException);
      await tx.execute("insert into kept values (3)");
    });
    const left = await conn.execute("select n from kept order by n").fetchAll();
    assertEquals(left, [{ n: 1 }, { n: 3 }]);
  }),
);
