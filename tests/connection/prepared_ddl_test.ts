import { assertEquals } from "@std/assert";
import { open, quiet, rejection } from "./support.ts";

Deno.test(
  "PR-15 execute: types that come and go by rollback do not confuse what is prepared",
  quiet(async () => {
    await using conn = await open({ autocommit: false, prepareThreshold: 0 });
    const insert = "insert into pgts_pr15 (mood) values (%s::pgts_mood[])";
    for (let round = 0; round < 3; round++) {
      await conn.execute("create type pgts_mood as enum ('sad', 'ok')");
      await conn.execute("create table pgts_pr15 (id int, mood pgts_mood[])");
      for (let i = 0; i < 3; i++) await conn.execute(insert, [["sad", "ok"]]);
      const rows = await conn.execute(
        "select mood::text as mood from pgts_pr15",
      ).fetchAll();
      assertEquals(rows, Array(3).fill({ mood: "{sad,ok}" }));
      const one = await conn.execute("select 'ok'::pgts_mood as m").fetchOne();
      assertEquals(one, { m: "ok" });
      await conn.rollback();
    }
  }),
);

Deno.test(
  "PR-17 execute: after ALTER TABLE of the same connection the new column is there",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      for (const prepareThreshold of [null, 0, 5]) {
        await using conn = await open({ autocommit, prepareThreshold });
        await conn.execute("create temp table pr17 (a int, b text)");
        await conn.execute("insert into pr17 values (1, 'x')");
        for (const column of ["c", "d"]) {
          for (let i = 0; i < 7; i++) await conn.execute("select * from pr17");
          await conn.execute(`alter table pr17 add ${column} int default 5`);
          const row = await conn.execute("select * from pr17").fetchOne();
          assertEquals(row?.[column], 5);
        }
        const wide = await conn.execute("select * from pr17").fetchAll();
        assertEquals(wide, [{ a: 1, b: "x", c: 5, d: 5 }]);
        await conn.rollback();
      }
    }
  }),
);

Deno.test(
  "PR-19 transaction: DDL in a nested block that is rolled back, round after round",
  quiet(async () => {
    await using conn = await open({ prepareThreshold: 0 });
    await conn.execute("create temp table pr19 (a int)");
    await conn.execute("insert into pr19 values (1)");
    const reason = new Error("back");
    for (let round = 0; round < 3; round++) {
      await conn.transaction(async (tx) => {
        assertEquals(await tx.execute("select * from pr19").fetchAll(), [
          { a: 1 },
        ]);
        const inner = tx.transaction(async (nested) => {
          await nested.execute("alter table pr19 add b int default 2");
          const changed = nested.execute("select * from pr19");
          assertEquals(await changed.fetchAll(), [{ a: 1, b: 2 }]);
          throw reason;
        });
        assertEquals(await rejection(inner), reason);
        assertEquals(await tx.execute("select * from pr19").fetchAll(), [
          { a: 1 },
        ]);
      });
    }
  }),
);
