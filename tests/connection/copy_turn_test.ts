import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Copy,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
} from "../../mod.ts";
import {
  assertError,
  assertUsable,
  open,
  quiet,
  rejection,
} from "./support.ts";

const QUERIES = [
  "copy t from stdin",
  "copy (select generate_series(1, 1000000)) to stdout",
];

/** A connection with a table `t`, and the warnings it gives. */
async function prepared(autocommit = true) {
  const warnings: string[] = [];
  const conn = await open({
    autocommit,
    onWarning: (message) => warnings.push(message),
  });
  await conn.execute("create temp table t (n int)");
  return { conn, warnings };
}

Deno.test(
  "PgConn.reset: refused inside a block of copy(), which goes on",
  quiet(async () => {
    const { conn } = await prepared();
    await using _ = conn;
    const rowCount = await conn.copy("copy t from stdin", async (copy) => {
      await copy.writeRow([1]);
      const error = await rejection(conn.pgconn.reset());
      assertError(error, { class: ProgrammingError, says: ["copy()"] });
      await copy.writeRow([2]);
      await copy.end();
      return copy.rowCount;
    });
    assertEquals(rowCount, 2);
    await conn.pgconn.reset();
    await assertUsable(conn);
  }),
);

Deno.test(
  "PgConn.reset: ends a COPY without a block, and what is left of that harms none in the new session",
  quiet(async () => {
    for (const query of QUERIES) {
      const { conn, warnings } = await prepared();
      await using _ = conn;
      const old = await conn.copy(query);
      await conn.pgconn.reset();
      await conn.execute("create temp table t (n int)");
      await conn.copy("copy t from stdin", (copy) => copy.write("1\n"));
      const use = old.direction === "in" ? old.end() : drained(old);
      assertError(await rejection(use), { class: OperationalError });

      const other = await conn.copy("copy t from stdin");
      await old.abort();
      await conn.transaction(() => {}); // Gives up the other, not the old one.
      assertEquals(warnings.length, 1);
      assertEquals(other.rowCount, -1);
      await conn.commit();
      assertEquals(warnings.length, 1);
      const rows = await conn.execute("select n from t").fetchAll();
      assertEquals(rows, [{ n: 1 }]);
    }
  }),
);

Deno.test(
  "copy: without a block, given up with a warning by commit(), rollback() and the begin of a block, before what is asked for later",
  quiet(async () => {
    for (const query of QUERIES) {
      for (const autocommit of [false, true]) {
        const { conn, warnings } = await prepared(autocommit);
        await using _ = conn;
        await conn.commit();
        const enders = [
          () => conn.commit(),
          () => conn.rollback(),
          // Otherwise the block is a savepoint in a transaction that has failed.
          ...(autocommit ? [() => conn.transaction(() => {})] : []),
        ];
        for (const end of enders) {
          await conn.copy(query);
          const ended = end();
          const later = conn.execute("select 1 as one").fetchOne();
          await ended;
          assertEquals(await later, { one: 1 });
          const [first] = warnings.splice(0); // A commit() that stored nothing has one, too.
          assertEquals(first?.startsWith("a COPY was given up"), true);
          await conn.rollback();
        }
      }
    }
  }),
);

Deno.test(
  "PIPE-05 copy: not supported in a pipeline that began while it waited",
  quiet(async () => {
    const { conn } = await prepared();
    await using _ = conn;
    const before = conn.execute("select pg_sleep(0.05)").fetchOne();
    const block = conn.pipeline(async (p) =>
      await p.execute("select 1 as one").fetchOne()
    );
    const error = await rejection(conn.copy("copy t from stdin", () => {}));
    assertError(error, {
      class: NotSupportedError,
      usable: true,
      reached: false,
    });
    assertEquals(await block, { one: 1 });
    await before;
    await assertUsable(conn);
  }),
);

Deno.test(
  "copy: a block that throws is no longer open for reset()",
  quiet(async () => {
    const { conn } = await prepared();
    await using _ = conn;
    const reason = new RangeError("mine");
    const error = await rejection(conn.copy("copy t from stdin", () => {
      throw reason;
    }));
    assertStrictEquals(error, reason);
    await conn.pgconn.reset();
    await assertUsable(conn);
  }),
);

async function drained(copy: Copy): Promise<void> {
  while (await copy.read() !== null);
}
