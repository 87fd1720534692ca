import { assertEquals, assertRejects } from "@std/assert";
import { connect, sql } from "../../mod.ts";
import { UndefinedTable } from "../../errors/mod.ts";
import { type PostgresVersion, startServer } from "../../scripts/server.ts";
import { TokenEcho } from "../support/token_echo.ts";

/** Those that `deno task test` does not run everything against. */
const VERSIONS: readonly PostgresVersion[] = ["14", "16", "17"];

for (const version of VERSIONS) {
  Deno.test(`connect: the main job on PostgreSQL ${version}`, async () => {
    await using server = await startServer({ version });
    await using admin = await connect(server.dsn, { autocommit: true });
    await admin.execute("create role clerk login password 'pa ss'");
    await using conn = await connect(server.dsn, {
      user: "clerk",
      password: "pa ss",
    });
    assertEquals(Math.floor(conn.info.serverVersion / 10000), Number(version));
    await conn.execute("create temp table item (id int8, name text)");
    for (let id = 0n; id < 8n; id++) { // the last ones are prepared
      await conn.execute(sql`insert into item values (${id}, ${`é${id}`})`);
    }
    await conn.commit();
    await conn.transaction(async (tx) => {
      await tx.execute("delete from item where id >= %s", [4]);
    });
    await assertRejects(
      () => conn.execute("select * from nowhere"),
      UndefinedTable,
    );
    await conn.rollback();
    const rows = await conn.execute("select * from item order by id")
      .fetchAll();
    assertEquals(rows.at(-1), { id: 3n, name: "é3" });
    assertEquals(rows.length, 4);
    await conn.rollback();
    const echo = new TokenEcho(admin);
    assertEquals((await echo.run(1000)).faults, []);
  });
}
