/** Transactions by `await using`. */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Connection,
  IsolationLevel,
  OperationalError,
  ProgrammingError,
  type Transaction,
  TransactionBlockStatus,
  TransactionStatus,
} from "../../mod.ts";
import { ForeignKeyViolation } from "../../errors/mod.ts";
import {
  assertError,
  assertUsable,
  open,
  quiet,
  rejection,
  until,
} from "./support.ts";

async function openTable(autocommit = true): Promise<Connection> {
  const conn = await open({ autocommit });
  await conn.execute("create temp table entry (n int)");
  await conn.commit();
  return conn;
}

async function entries(conn: Connection): Promise<unknown[]> {
  const rows = await conn.execute("select n from entry order by n").fetchAll();
  await conn.rollback();
  return rows.map(({ n }) => n);
}

const insert = (tx: Transaction<unknown>, n: number) =>
  tx.execute("insert into entry values (%s)", [n]);

Deno.test(
  "begin: what is not committed is rolled back at the end of the scope, whatever ended it",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await openTable(autocommit);
      let kept: Transaction<unknown> | undefined;
      {
        await using tx = await conn.begin();
        assertEquals(tx.status, TransactionBlockStatus.ACTIVE);
        await insert(tx, 1);
        await tx.commit();
        assertEquals(tx.status, TransactionBlockStatus.COMMITTED);
        assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      }
      {
        await using tx = kept = await conn.begin();
        await insert(tx, 2);
      }
      assertEquals(kept.status, TransactionBlockStatus.ROLLED_BACK_WITH_ERROR);
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      const reason = new TypeError("mine");
      const failing = async () => {
        await using tx = await conn.begin();
        await insert(tx, 3);
        throw reason;
      };
      assertStrictEquals(await rejection(failing()), reason);
      {
        await using tx = kept = await conn.begin();
        await insert(tx, 4);
        await tx.rollback();
        await insert(
          await conn.begin().then(async (next) => {
            await insert(next, 5);
            await next.commit();
            return tx;
          }),
          6,
        ).catch((error) => assertError(error, { class: ProgrammingError }));
      }
      assertEquals(kept.status, TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
      assertEquals(await entries(conn), [1, 5]);
      await conn.begin().then((tx) => tx[Symbol.asyncDispose]()); // nothing was run
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "begin: inside a transaction it is a savepoint, and characteristics are for the outermost",
  quiet(async () => {
    await using conn = await openTable();
    {
      await using outer = await conn.begin({
        isolationLevel: IsolationLevel.SERIALIZABLE,
      });
      const level = await outer.execute("show transaction_isolation");
      assertEquals(await level.fetchOne(), {
        transaction_isolation: "serializable",
      });
      await insert(outer, 1);
      {
        await using inner = await outer.begin({ savepointName: "in" });
        assertEquals(inner.savepointName, "in");
        await insert(inner, 2);
      }
      {
        await using inner = await conn.begin();
        await insert(inner, 3);
        await inner.commit();
      }
      await outer.transaction((inner) => insert(inner, 4));
      assertError(await rejection(outer.begin({ readOnly: true })), {
        class: ProgrammingError,
      });
      await outer.commit();
    }
    assertEquals(await entries(conn), [1, 3, 4]);
  }),
);

Deno.test(
  "begin: an inner block that is open makes the end of the outer one an error, and all is rolled back",
  quiet(async () => {
    await using conn = await openTable();
    const outer = await conn.begin();
    await insert(outer, 1);
    const inner = await outer.begin();
    await insert(inner, 2);
    const wrong = { class: ProgrammingError, says: ["wrong nesting level"] };
    assertError(await rejection(outer.commit()), wrong);
    assertError(await rejection(insert(inner, 3)), { class: ProgrammingError });
    assertError(await rejection(inner.commit()), { class: ProgrammingError });
    await inner[Symbol.asyncDispose]();
    await outer[Symbol.asyncDispose]();
    assertEquals(await entries(conn), []);
  }),
);

Deno.test(
  "begin: the second end of a block is a ProgrammingError, and commit() and settings of the connection are refused meanwhile",
  quiet(async () => {
    await using conn = await openTable(false);
    {
      await using tx = await conn.begin();
      await insert(tx, 1);
      const refused = { class: ProgrammingError, says: ["begin()"] };
      assertError(await rejection(conn.commit()), refused);
      assertError(await rejection(conn.rollback()), refused);
      assertError(await rejection(conn.setAutocommit(true)), {
        class: ProgrammingError,
      });
      await tx.commit();
      for (const end of [() => tx.commit(), () => tx.rollback()]) {
        assertError(await rejection(end()), {
          class: ProgrammingError,
          says: ["has ended (committed)"],
        });
      }
    }
    assertEquals(await entries(conn), [1]);
  }),
);

Deno.test(
  "begin: a commit that is not awaited is through before the scope has ended",
  quiet(async () => {
    await using conn = await openTable();
    let commit: Promise<void> | undefined;
    {
      await using tx = await conn.begin();
      insert(tx, 1);
      commit = tx.commit();
    }
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    await commit;
    assertEquals(await entries(conn), [1]);
  }),
);

Deno.test(
  "begin: a commit that fails leaves the block rolled back and the connection usable",
  quiet(async () => {
    await using conn = await openTable();
    await conn.execute(`
      create temp table parent (id int primary key);
      create temp table child (id int references parent deferrable initially deferred)`);
    {
      await using tx = await conn.begin();
      await tx.execute("insert into child values (1)");
      assertError(await rejection(tx.commit()), {
        class: ForeignKeyViolation,
        usable: true,
      });
      assertEquals(tx.status, TransactionBlockStatus.ROLLED_BACK_WITH_ERROR);
    }
    {
      await using tx = await conn.begin();
      await insert(tx, 1);
      await tx.execute("select 1/0").catch(() => {});
      assertError(await rejection(tx.commit()), {
        class: OperationalError,
        says: ["is rolled back"],
        usable: true,
      });
    }
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    assertEquals(await entries(conn), []);
  }),
);

Deno.test(
  "begin: in a scope whose session is killed its own error comes out, and one warning",
  quiet(async () => {
    const warnings: string[] = [];
    const conn = await open({
      onWarning: (message) => void warnings.push(message),
    });
    const reason = new TypeError("mine");
    const scope = async () => {
      await using tx = await conn.begin();
      await tx.execute("select 1");
      await using inner = await tx.begin();
      await inner.execute("select 1");
      await using other = await open();
      await other.execute("select pg_terminate_backend(%s)", [
        conn.info.backendPid,
      ]);
      await until(() => conn.closed, "the loss is seen");
      throw reason;
    };
    assertStrictEquals(await rejection(scope()), reason);
    assertEquals(warnings.length, 1, warnings.join("\n"));
    assert(warnings[0]!.includes("rollback"));
    await conn.close();
  }),
);

Deno.test(
  "transaction: tx.commit() and tx.rollback() end the block at once",
  quiet(async () => {
    await using conn = await openTable();
    const reason = new TypeError("mine");
    const early = conn.transaction(async (tx) => {
      await insert(tx, 1);
      await tx.commit();
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      throw reason;
    });
    assertStrictEquals(await rejection(early), reason);
    const value = await conn.transaction(async (tx) => {
      await insert(tx, 2);
      await tx.rollback();
      assertError(await rejection(insert(tx, 3)), { class: ProgrammingError });
      return "done";
    });
    assertEquals(value, "done");
    assertEquals(await entries(conn), [1]);
  }),
);
