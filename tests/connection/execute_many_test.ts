import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  DatabaseError,
  DataError,
  NotSupportedError,
  ProgrammingError,
  sql,
  TransactionStatus,
} from "../../mod.ts";
import {
  DivisionByZero,
  SyntaxError,
  UndefinedTable,
  UniqueViolation,
} from "../../errors/mod.ts";
import {
  assertError,
  assertFails,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
} from "./support.ts";

async function withTable(autocommit = true): Promise<Connection> {
  const conn = await open({ autocommit });
  await conn.execute(
    "create temp table item (id serial, n int check (n < 1000000), name text)",
  );
  if (!autocommit) await conn.commit();
  return conn;
}

async function items(conn: Connection): Promise<unknown> {
  const query = "select count(*)::int as n from item";
  return (await conn.execute(query).fetchOne())?.n;
}

/** Gives one set, and never another. */
async function* slow(): AsyncGenerator<unknown[]> {
  yield [1];
  await new Promise(() => {});
}

const INSERT = "insert into item (n) values (%s)";

Deno.test(
  "CU-28 J7 executeMany: without sets it does nothing",
  quiet(async () => {
    await using conn = await open();
    const cursor = conn.cursor();
    await cursor.executeMany("insert into nosuchtable values (%s)", []);
    assertEquals([cursor.rowCount, cursor.statusMessage], [0, null]);
    async function* none(): AsyncGenerator<unknown[]> {}
    await cursor.executeMany("wat", none());
    assertEquals([cursor.rowCount, cursor.statusMessage], [0, null]);
    assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
  }),
);

Deno.test(
  "executeMany: rowCount is that of all runs, sets may be lazy, named, and of other types",
  quiet(async () => {
    await using conn = await withTable();
    const cursor = conn.cursor();
    let given = 0;
    function* sets(): Generator<unknown[]> {
      for (const n of [1, 100_000, null, "7", 2n]) {
        given++;
        yield [n];
      }
    }
    await cursor.executeMany(INSERT, sets());
    assertEquals([cursor.rowCount, given], [5, 5]);
    assertEquals(cursor.statusMessage, "INSERT 0 1");
    const named = [{ n: 8 }, { n: 9 }];
    await cursor.executeMany("insert into item (n) values (%(n)s)", named);
    assertEquals(cursor.rowCount, 2);
    const { rowCount } = await conn.executeMany(
      "update item set name = 'x' where n > %s",
      [[5], [8]],
    );
    assertEquals(rowCount, 4 + 2);
    const rows = await conn.execute("select n from item order by id")
      .fetchAll();
    assertEquals(rows.map(({ n }) => n), [1, 100_000, null, 7, 2, 8, 9]);
  }),
);

Deno.test(
  "CU-30 executeMany: with returning each set has its result",
  quiet(async () => {
    await using conn = await withTable();
    const cursor = conn.cursor();
    const query = "insert into item (n) values (%s) returning id";
    await cursor.executeMany(query, [[1], [2]], { returning: true });
    assertEquals(cursor.rowCount, 1);
    assertEquals(await cursor.fetchOne(), { id: 1 });
    assertEquals(cursor.nextSet(), true);
    assertEquals(cursor.rowCount, 1);
    assertEquals(await cursor.fetchOne(), { id: 2 });
    assertEquals(cursor.nextSet(), false);
  }),
);

Deno.test(
  "CU-32 executeMany: with returning a command has a result without rows",
  quiet(async () => {
    await using conn = await withTable();
    const cursor = conn.cursor();
    await cursor.executeMany(INSERT, [[1], [2]], { returning: true });
    for (const more of [true, false]) {
      assertEquals([cursor.rowCount, cursor.description], [1, null]);
      assertError(await rejection(cursor.fetchOne()), {
        class: ProgrammingError,
      });
      assertEquals(cursor.nextSet(), more);
    }
  }),
);

Deno.test(
  "CU-26 results: once at each result, of a text and of executeMany",
  quiet(async () => {
    await using conn = await withTable();
    const cursor = conn.cursor();
    const seen = async () => {
      const rows = [];
      for (const each of cursor.results()) {
        assert(each === cursor);
        rows.push(await each.fetchAll());
      }
      return rows;
    };
    assertEquals(await seen(), []);
    await cursor.execute("select 1 as n; select 2 as n; select 3 as n");
    assertEquals(await seen(), [[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
    const query = "insert into item (n) values (%s) returning n";
    await cursor.executeMany(query, [[4], [5]], { returning: true });
    const async = [];
    for await (const each of cursor.results()) {
      async.push(await each.fetchAll());
    }
    assertEquals(async, [[{ n: 4 }], [{ n: 5 }]]);
    await cursor.executeMany(query, [[4], [5]]);
    assertEquals(await seen(), []);
    assertEquals(cursor.nextSet(), false);
  }),
);

Deno.test(
  "CU-34 executeMany: a missing table, COPY and bad SQL are DatabaseErrors",
  quiet(async () => {
    await using conn = await withTable();
    const cases = [
      ["insert into nosuchtable values (%s)", UndefinedTable],
      ["copy item (n) from stdin", NotSupportedError],
      ["copy (select %s) to stdout", NotSupportedError],
      ["wat %s", SyntaxError],
    ] as const;
    for (const [query, ErrorClass] of cases) {
      const sets = query.includes("%s") ? [[1], [2]] : [[], []];
      const cursor = conn.cursor();
      const error = await assertFails(conn, cursor.executeMany(query, sets), {
        class: ErrorClass,
        usable: true,
      });
      assert(error instanceof DatabaseError);
      assertEquals([cursor.rowCount, cursor.statusMessage], [-1, null]);
    }
    const template = conn.executeMany(sql`select 1`, [[1]]);
    assertError(await rejection(template), { class: NotSupportedError });
  }),
);

Deno.test(
  "executeMany: an error stops it, and nothing of it stays, wherever it comes from",
  quiet(async () => {
    const thrown = new Error("source");
    function* failing(kind: string): Generator<unknown[]> {
      for (let n = 0; n < 5000; n++) yield [n, "x".repeat(100)];
      if (kind === "source") throw thrown;
      yield kind === "server"
        ? [1_000_000, ""]
        : kind === "value"
        ? [1, "\0"]
        : [1];
    }
    const query = "insert into item (n, name) values (%s, %s)";
    for (const autocommit of [true, false]) {
      await using conn = await withTable(autocommit);
      for (const kind of ["server", "value", "count", "source"]) {
        const error = await rejection(conn.executeMany(query, failing(kind)));
        if (kind === "source") assertEquals(error, thrown);
        else if (kind === "value") assert(error instanceof DataError);
        else assert(error instanceof DatabaseError, Deno.inspect(error));
        if (!autocommit) {
          const { INERROR, INTRANS } = TransactionStatus;
          const status = kind === "server" ? INERROR : INTRANS;
          assertEquals(conn.info.transactionStatus, status);
          await conn.rollback();
        }
        assertEquals(await items(conn), 0, kind);
      }
      await conn.rollback();
    }
  }),
);

Deno.test(
  "CU-36 executeMany: while another task runs 100 selects neither gets in the way of the other",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await withTable(autocommit);
      const sets = (function* () {
        for (let n = 0; n < 3000; n++) yield [n, "y".repeat(200)];
      })();
      const query = "insert into item (n, name) values (%s, %s)";
      const many = conn.executeMany(query, sets);
      // One that fails must not have the others skipped.
      const failing = autocommit
        ? rejection(conn.executeMany("select 1 / %s", [[1], [0], [1]]))
        : null;
      const selects = Array.from(
        { length: 100 },
        (_, n) => conn.execute("select %s::int as n", [n]).fetchOne(),
      );
      const rows = await Promise.all(selects);
      assertEquals(rows.map((row) => row?.n), [...Array(100).keys()]);
      assertEquals((await many).rowCount, 3000);
      if (failing !== null) {
        assertError(await failing, { class: DivisionByZero });
      }
      assertEquals(await items(conn), 3000);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "executeMany: an AsyncIterable is taken in bounded portions, and may use the connection",
  quiet(async () => {
    await using conn = await withTable(false);
    let given = 0;
    let ahead = 0;
    async function* sets(): AsyncGenerator<unknown[]> {
      for (; given < 5000; given++) {
        if (given % 1500 === 0) {
          const before = await items(conn);
          ahead = Math.max(ahead, given - Number(before));
        }
        yield [given];
      }
    }
    const { rowCount } = await conn.executeMany(INSERT, sets());
    assertEquals(rowCount, 5000);
    assert(ahead <= 1000, `${ahead} sets were gathered`);
    await conn.rollback();
    assertEquals(await items(conn), 0);

    let returned = false;
    async function* duplicate(): AsyncGenerator<unknown[]> {
      try {
        for (let n = 0;; n++) yield [n % 2000];
      } finally {
        returned = true;
      }
    }
    await conn.execute("create unique index on item (n)");
    const failed = await rejection(conn.executeMany(INSERT, duplicate()));
    assertError(failed, { class: UniqueViolation, usable: true });
    assertEquals(returned, true);
    await conn.rollback();
  }),
);

Deno.test(
  "executeMany: an abort cancels it, between two sets and while the server works",
  quiet(async () => {
    await using conn = await withTable();
    const reason = new Error("enough");
    for (const kind of ["working", "waiting", "before"]) {
      const controller = new AbortController();
      const { signal } = controller;
      if (kind === "before") controller.abort(reason);
      else setTimeout(() => controller.abort(reason), 50);
      const run = kind === "waiting"
        ? conn.executeMany(INSERT, slow(), { signal })
        : conn.executeMany(
          "insert into item (n) select %s from pg_sleep(%s)",
          [[1, 0], [2, 60], [3, 0]],
          { signal },
        );
      assertEquals(await rejection(run), reason, kind);
      assertEquals(await items(conn), 0);
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "executeMany: sets are taken as they are answered, and the statement is prepared once for each type",
  quiet(async () => {
    await using conn = await withTable();
    let given = 0;
    let most = 0;
    const sets = (function* () {
      for (; given < 50_000; given++) yield [given, "z".repeat(20)];
    })();
    const many = conn.executeMany(
      "insert into item (n, name) values (%s, %s)",
      sets,
    );
    let over = false;
    many.then(() => over = true);
    // What is taken in one go is no more than two groups of messages.
    for (let before = 0; !over; before = given) {
      await pause(0);
      most = Math.max(most, given - before);
    }
    assertEquals((await many).rowCount, 50_000);
    assert(most < 10_000, `${most} sets were taken at once`);
    const query =
      "select count(*)::int as n from pg_prepared_statements where statement like 'insert%'";
    // One for the numbers that go as int2, one for the larger ones.
    assertEquals(await conn.execute(query).fetchOne(), { n: 2 });
  }),
);
