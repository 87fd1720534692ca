import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  type Connection,
  IsolationLevel,
  OperationalError,
  PgError,
  ProgrammingError,
  Rollback,
  scalarRow,
  type Transaction,
  TransactionBlockStatus,
  TransactionStatus,
  withConnection,
} from "../../mod.ts";
import {
  DivisionByZero,
  InFailedSqlTransaction,
  UniqueViolation,
} from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";

/** What was warned of in the tests below. */
const warnings: string[] = [];

async function open(
  options: { autocommit?: boolean } = {},
): Promise<Connection<unknown>> {
  const conn = await connect<unknown>(testDsn(), {
    ...options,
    rowFactory: scalarRow,
    onWarning: (message) => void warnings.push(message),
  });
  await conn.execute("create temp table entry (n int primary key)");
  await conn.commit();
  return conn;
}

async function entries(conn: Connection<unknown>): Promise<unknown[]> {
  return await conn.execute("select n from entry order by n").fetchAll();
}

Deno.test("connection: autocommit is off, commit() and rollback() end the transaction", async () => {
  await using conn = await open();
  assertEquals(conn.autocommit, false);
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  await conn.execute("insert into entry values (1)");
  assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
  await conn.commit();
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  await conn.execute("insert into entry values (2)");
  await conn.rollback();
  assertEquals(await entries(conn), [1]);
  await conn.rollback();
  await conn.commit();
  await conn.rollback();
});

Deno.test("CN-11 connection: after a failed statement only commit() or rollback() go on, and nothing is stored", async () => {
  await using conn = await open();
  await conn.execute("insert into entry values (1)");
  await assertRejects(() => conn.execute("select 1/0"), DivisionByZero);
  assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
  const error = await assertRejects(
    () => conn.execute("select 1"),
    InFailedSqlTransaction,
  );
  assertEquals(error.connectionUsable, true);
  await conn.commit();
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  assertEquals(await entries(conn), []);
  await conn.rollback();
  // Not silently: what commit() could not store, a warning tells.
  assertEquals(warnings.splice(0).map((each) => each.slice(0, 23)), [
    "commit() stored nothing",
  ]);
});

Deno.test("connection: settings of transactions are set when none is open", async () => {
  await using conn = await open();
  conn.isolationLevel = IsolationLevel.SERIALIZABLE;
  conn.readOnly = true;
  conn.deferrable = true;
  const show = (name: string) => conn.execute(`show ${name}`).fetchOne();
  assertEquals(await show("transaction_isolation"), "serializable");
  assertEquals(await show("transaction_read_only"), "on");
  assertEquals(await show("transaction_deferrable"), "on");
  for (
    const set of [
      () => conn.autocommit = true,
      () => conn.isolationLevel = null,
      () => conn.readOnly = false,
      () => conn.deferrable = null,
    ]
  ) assertThrows(set, ProgrammingError, "a transaction is open");
  await conn.rollback();
  await conn.setIsolationLevel(null);
  await conn.setReadOnly(null);
  await conn.setDeferrable(null);
  assertEquals(await show("transaction_isolation"), "read committed");
  assertEquals(await show("transaction_read_only"), "off");
  await conn.rollback();
  await conn.setAutocommit(true);
  await conn.execute("select 1");
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  for (const level of ["asdf", 0, 5]) {
    assertThrows(() => conn.isolationLevel = level as never, RangeError);
  }
});

Deno.test("TX-02 transaction: commits, and rolls back what threw", async () => {
  for (const autocommit of [true, false]) {
    await using conn = await open({ autocommit });
    const result = await conn.transaction(async (tx) => {
      await tx.execute("insert into entry values (1)");
      assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
      return "done";
    });
    assertEquals(result, "done");
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    const thrown = new Error("mine");
    const caught = await assertRejects(() =>
      conn.transaction(async (tx) => {
        await tx.execute("insert into entry values (2)");
        throw thrown;
      })
    );
    assert(caught === thrown);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
    assertEquals(await entries(conn), [1]);
    await conn.rollback();
  }
});

Deno.test("transaction: a block without statements sends nothing", async () => {
  await using conn = await open();
  await conn.transaction(() => {});
  await assertRejects(() =>
    conn.transaction(() => {
      throw new Error("mine");
    })
  );
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  await conn.setAutocommit(true);
  await conn.execute("select 1");
  assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
});

Deno.test("transaction: blocks inside are savepoints, at any depth", async () => {
  await using conn = await open({ autocommit: true });
  await conn.transaction(async (outer) => {
    await outer.execute("insert into entry values (1)");
    await outer.transaction(async (middle) => {
      await middle.execute("insert into entry values (2)");
      await assertRejects(
        () =>
          middle.transaction(async (inner) => {
            await inner.execute("insert into entry values (3)");
            await inner.execute("insert into entry values (3)");
          }),
        UniqueViolation,
      );
      await middle.execute("insert into entry values (4)");
    });
  });
  assertEquals(await entries(conn), [1, 2, 4]);
});

Deno.test("transaction: in an open transaction a block is only a savepoint", async () => {
  await using conn = await open();
  await conn.execute("insert into entry values (1)");
  await conn.transaction((tx) => tx.execute("insert into entry values (2)"));
  assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
  await conn.rollback();
  assertEquals(await entries(conn), []);
  await conn.rollback();
});

Deno.test("TX-04 transaction: Rollback ends the block it names, without an error", async () => {
  await using conn = await open({ autocommit: true });
  let inner: Transaction<unknown> | undefined;
  const result = await conn.transaction(async (outer) => {
    await outer.execute("insert into entry values (1)");
    await outer.transaction(async (tx) => {
      inner = tx;
      await tx.execute("insert into entry values (2)");
      throw new Rollback(outer as Transaction<unknown>);
    });
    assert(false, "the outer block went on");
  });
  assertEquals(result, undefined);
  assertEquals(inner?.status, TransactionBlockStatus.ROLLED_BACK_EXPLICITLY);
  assertEquals(await entries(conn), []);
  await conn.transaction(async (tx) => {
    await tx.execute("insert into entry values (3)");
    throw new Rollback();
  });
  await conn.transaction((tx) => tx.execute("insert into entry values (4)"), {
    forceRollback: true,
  });
  assertEquals(await entries(conn), []);
});

Deno.test("TX-06 transaction: commit(), rollback() and settings are refused inside, and allowed again after it", async () => {
  await using conn = await open();
  await conn.transaction(async (tx) => {
    await assertRejects(() => conn.commit(), ProgrammingError, "block");
    await assertRejects(() => conn.rollback(), ProgrammingError, "block");
    assertThrows(() => conn.autocommit = true, ProgrammingError);
    await assertRejects(() => conn.setAutocommit(true), ProgrammingError);
    await tx.execute("insert into entry values (1)");
    await assertRejects(() => conn.commit(), ProgrammingError, "block");
    await assertRejects(() => conn.rollback(), ProgrammingError, "block");
    await assertRejects(() => conn.setAutocommit(true), ProgrammingError);
  });
  await conn.commit();
  await conn.rollback();
  await conn.setAutocommit(true);
  await conn.setAutocommit(false);
  assertEquals(await entries(conn), [1]);
  await conn.rollback();
});

Deno.test("transaction: characteristics belong to the block that opens it", async () => {
  await using conn = await open({ autocommit: true });
  await conn.transaction(async (tx) => {
    const level = await tx.execute("show transaction_isolation").fetchOne();
    assertEquals(level, "repeatable read");
    await assertRejects(
      () => tx.transaction(() => {}, { readOnly: true }),
      ProgrammingError,
      "inside a transaction",
    );
  }, { isolationLevel: IsolationLevel.REPEATABLE_READ });
});

Deno.test("transaction: J7 a COMMIT that the server made a ROLLBACK is an error", async () => {
  await using conn = await open({ autocommit: true });
  let block: Transaction<unknown> | undefined;
  await assertRejects(
    () =>
      conn.transaction(async (tx) => {
        block = tx;
        await tx.execute("insert into entry values (1)");
        await tx.execute("select 1/0").catch(() => {});
      }),
    OperationalError,
    "so it is rolled back",
  );
  assertEquals(block?.status, TransactionBlockStatus.ROLLED_BACK_WITH_ERROR);
  assertEquals(await entries(conn), []);
});

Deno.test("transaction: its handle is dead after the block", async () => {
  await using conn = await open({ autocommit: true });
  let kept: Transaction<unknown> | undefined;
  await conn.transaction((tx) => {
    kept = tx;
    assertEquals(tx.status, TransactionBlockStatus.ACTIVE);
  });
  assertEquals(kept!.status, TransactionBlockStatus.COMMITTED);
  await assertRejects(
    () => kept!.execute("select 1"),
    ProgrammingError,
    "ended",
  );
  assertThrows(() => kept!.cursor(), ProgrammingError, "ended");
  await assertRejects(() => kept!.transaction(() => {}), ProgrammingError);
});

Deno.test("transaction: its cursors run nothing after the block, and keep their rows", async () => {
  await using conn = await open({ autocommit: true });
  await conn.execute("create temp table confined (n int)");
  for (const end of ["commit", "rollback"] as const) {
    await using tx = await conn.begin();
    const cursor = tx.cursor();
    await cursor.execute("select generate_series(1, 3) as n");
    const executed = await tx.execute("select 7 as n");
    const held = tx.cursor("held", { withHold: true });
    await held.execute("select 8 as n");
    const unused = tx.cursor("unused");
    const stream = cursor.stream("insert into confined values (1) returning n");
    await tx[end]();
    assertEquals(await cursor.fetchOne(), 1);
    assertEquals(await executed.fetchAll(), [7]);
    if (end === "commit") assertEquals(await held.fetchAll(), [8]);
    const insert = "insert into confined values (1)";
    const runs = [
      () => cursor.execute(insert),
      () => executed.execute(insert),
      () => cursor.executeMany("insert into confined values (%s)", [[1]]),
      () => cursor.copy("copy confined from stdin", (copy) => copy.write("1")),
      () => stream.next(),
      () => unused.execute("select 1"),
      () => held.execute("select 1"),
      () => conn.pipeline(async () => void await executed.execute(insert)),
    ];
    for (const run of runs) {
      await assertRejects(
        async () => void await run(),
        ProgrammingError,
        "Cannot use the transaction block: it has ended",
      );
    }
    assertEquals(await cursor.fetchAll(), [2, 3]);
    await held.close();
  }
  const left = "select count(*)::int4 as n from confined";
  assertEquals(await conn.execute(left).fetchOne(), 0);
});

Deno.test("withConnection: commits, or rolls back and rethrows, and closes", async () => {
  const seen: Connection<unknown>[] = [];
  const name = `with_${crypto.randomUUID().slice(0, 8)}`;
  const create = (then: () => void) =>
    withConnection(testDsn(), { rowFactory: scalarRow }, async (conn) => {
      seen.push(conn);
      await conn.execute(`create table ${name} (n int)`);
      then();
      return 42;
    });
  await assertRejects(
    () =>
      create(() => {
        throw new Error("mine");
      }),
    Error,
    "mine",
  );
  assertEquals(await create(() => {}), 42);
  assert(seen.every((conn) => conn.closed && !conn.broken));
  await withConnection(
    testDsn(),
    {},
    (conn) => conn.execute(`drop table ${name}`),
  );
});

Deno.test("close: an open transaction that changed something is lost with a warning", async () => {
  const told: string[] = [];
  const onWarning = (message: string) => told.push(message);
  const conn = await connect(testDsn(), { onWarning });
  await conn.execute("select 1");
  await conn.close();
  assertEquals(told, []);
  const changing = await connect(testDsn(), { onWarning });
  await changing.execute("create temp table lost (n int)");
  await changing.close();
  await changing.close();
  assertEquals(told.length, 1);
  assert(/commit\(\).*transaction\(\).*autocommit: true/.test(told[0]!));
});

Deno.test("transaction: an error that is thrown says that the connection is usable", async () => {
  await using conn = await open({ autocommit: true });
  const error = await assertRejects(
    () => conn.transaction((tx) => tx.execute("select 1/0")),
    PgError,
  );
  assertEquals(error.connectionUsable, true);
  assertEquals(error.reachedServer, true);
  assertEquals(await conn.execute("select 1").fetchOne(), 1);
});

Deno.test("transaction: nothing above warned of anything else", () => {
  assertEquals(warnings, []);
});
