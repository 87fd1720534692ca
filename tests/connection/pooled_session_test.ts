import { assertEquals, assertStringIncludes } from "@std/assert";
import { connect, type Connection, type Notify } from "../../mod.ts";
import { startPgBouncer, testPooler } from "../support/pgbouncer.ts";
import { open, pause, quiet } from "./support.ts";

/** The only value of the only row. */
async function value(conn: Connection, query: string): Promise<unknown> {
  const row = await conn.execute(query).fetchOne();
  return Object.values(row ?? {})[0];
}

async function readme(): Promise<string> {
  const text = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  const [, section = ""] = text.split("### Through PgBouncer");
  return section.split("\n## ")[0]!.replaceAll(/\s+/g, " ");
}

testPooler(
  "K15 connect: through PgBouncer in transaction mode, what the README says to do without ends up at others or nowhere, and what it says of transactions holds",
  quiet(async () => {
    const documented = await readme();
    const without = documented.split("do without")[1]!.split(". ")[0]!;
    const options = { autocommit: true, prepareThreshold: null };
    {
      // All clients of the pooler have one session of the server.
      await using pooler = await startPgBouncer({
        poolMode: "transaction",
        settings: { default_pool_size: "1" },
      });
      await using one = await connect(pooler.dsn, options);
      await using other = await connect(pooler.dsn, options);
      await using outside = await open();

      assertStringIncludes(without, "`SET`");
      await one.execute("set statement_timeout = '1234ms'");
      assertEquals(await value(other, "show statement_timeout"), "1234ms");
      await other.execute("reset statement_timeout");

      assertStringIncludes(without, "`LISTEN`");
      const heard: Notify[] = [];
      one.addNotifyHandler((notify) => heard.push(notify));
      await one.execute("listen pooled");
      await outside.execute("notify pooled");
      await pause(200);
      assertEquals(heard, []);
      await other.execute("unlisten *");

      assertStringIncludes(without, "advisory locks of the session");
      await one.execute("select pg_advisory_lock(15)");
      const lock = "select pg_try_advisory_lock(15)";
      assertEquals(await value(other, lock), true);
      await other.execute("select pg_advisory_unlock_all()");

      assertStringIncludes(without, "temporary tables");
      await one.execute("create temp table pooled as select 7 as n");
      assertEquals(await value(other, "select n from pooled"), 7);
      await other.execute("drop table pooled");

      assertStringIncludes(without, "cursors `WITH HOLD`");
      await one.execute("declare held cursor with hold for select 8 as n");
      assertEquals(await value(other, "fetch from held"), 8);
      await other.execute("close held");
    }
    await using pooler = await startPgBouncer({
      poolMode: "transaction",
      settings: { default_pool_size: "2" },
    });
    await using one = await connect(pooler.dsn, options);
    await using other = await connect(pooler.dsn, options);
    assertStringIncludes(
      documented,
      "`SET LOCAL`, `pg_advisory_xact_lock()`, cursors and temporary tables `ON COMMIT DROP` last as long as a transaction",
    );
    await one.transaction(async (tx) => {
      await tx.execute("set local statement_timeout = '1234ms'");
      await tx.execute("select pg_advisory_xact_lock(15)");
      await tx.execute("create temp table pooled on commit drop as select 7");
      await using cursor = tx.cursor("walked");
      await cursor.execute("select generate_series(1, 3) as n");
      for (let n = 1; n <= 3; n++) {
        assertEquals(await cursor.fetchOne(), { n });
        assertEquals(await value(other, "show statement_timeout"), "0");
        const lock = "select pg_try_advisory_xact_lock(15)";
        assertEquals(await value(other, lock), false);
        const table = "select to_regclass('pooled')";
        assertEquals(await value(other, table), null);
      }
      const timeout = await tx.execute("show statement_timeout").fetchOne();
      assertEquals(timeout, { statement_timeout: "1234ms" });
    });
    for (const conn of [one, other, one, other]) {
      assertEquals(await value(conn, "show statement_timeout"), "0");
      assertEquals(await value(conn, "select to_regclass('pooled')"), null);
    }
  }),
);
