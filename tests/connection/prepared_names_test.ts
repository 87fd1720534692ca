import { assertEquals } from "@std/assert";
import { connect, type Connection } from "../../mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { testDsn } from "../support/database.ts";
import {
  assertUsable,
  open,
  openScripted,
  quiet,
  serveOnes,
} from "./support.ts";

/** The texts that are prepared on the server, in the order of their preparation. */
async function prepared(conn: Connection): Promise<unknown[]> {
  const rows = await conn.execute(
    "select statement from pg_prepared_statements order by prepare_time, name",
    undefined,
    { prepare: false },
  ).fetchAll();
  return rows.map((row) => row.statement);
}

Deno.test(
  "PR-07 prepareThreshold: with 0 every kind of statement is prepared at its first use",
  quiet(async () => {
    for (const prepareThreshold of [0]) {
      await using conn = await open({ prepareThreshold });
      const texts = [
        "create temp table kinds (n int)",
        "notify kinds, 'x'",
        "set timezone to utc",
        "select 1 as n",
        "insert into kinds values (1)",
        "update kinds set n = 2",
        "delete from kinds",
      ];
      for (const text of texts) {
        await conn.execute(text);
        assertEquals((await prepared(conn)).at(-1), text);
      }
      assertEquals(await prepared(conn), texts);
      for (const text of texts.slice(1)) await conn.execute(text);
      assertEquals(await prepared(conn), texts);
    }
  }),
);

Deno.test(
  "K13 prepareThreshold: names are unique over 100 clients and their reconnects",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 100 }, async () => {
        await using conn = await openScripted(server, { prepareThreshold: 0 });
        await conn.execute("select %s", [1]);
        await conn.execute("select %s + 1", [1]);
      }));
    }
    const names = server.sessions.flatMap(({ received }) =>
      received.flatMap((message) => message.tag === "P" ? message.name : [])
    );
    assertEquals(names.length, 400);
    assertEquals(new Set(names).size, 400);
    assertEquals(names.includes(""), false);
  }),
);

Deno.test(
  "K16 preparedMax: what is evicted while other tasks use it is nobody else's statement",
  quiet(async () => {
    await using conn = await connect(testDsn(), {
      autocommit: true,
      prepareThreshold: 0,
      preparedMax: 2,
    });
    const run = async (task: number): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const kind = (task + round) % 7;
        const query = `select %s::int + ${kind} as n, '${kind}' as kind`;
        const row = await conn.execute(query, [task]).fetchOne();
        assertEquals(row, { n: task + kind, kind: String(kind) });
      }
    };
    const all = () =>
      Promise.all(Array.from({ length: 30 }, (_, task) => run(task)));
    await all();
    await conn.pipeline(all);
    await all();
    await assertUsable(conn);
    const { length } = await prepared(conn);
    assertEquals(length <= 3, true, `${length} are prepared`);
  }),
);

Deno.test(
  "K8 execute: after SET search_path a prepared text means what it means now",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit, prepareThreshold: 0 });
      await conn.execute("create schema if not exists pgts_k8_a");
      await conn.execute("create schema if not exists pgts_k8_b");
      await conn.execute("create table pgts_k8_a.t as select 1 as n");
      await conn.execute("create table pgts_k8_b.t as select 'b' as n, 2 as m");
      if (!autocommit) await conn.commit();
      try {
        const expected = { a: { n: 1 }, b: { n: "b", m: 2 } };
        for (let round = 0; round < 3; round++) {
          for (const name of ["a", "b"] as const) {
            const path = `pgts_k8_${name}`;
            await (round === 1
              ? conn.execute("select set_config('search_path', %s, false)", [
                path,
              ])
              : conn.execute(`set search_path to ${path}`));
            if (!autocommit) await conn.commit();
            for (let run = 0; run < 2; run++) {
              const rows = await conn.execute("select * from t where %s", [
                true,
              ]).fetchAll();
              assertEquals(rows, [expected[name]]);
            }
            if (!autocommit) await conn.commit();
          }
        }
      } finally {
        await conn.rollback();
        await conn.execute("drop schema pgts_k8_a, pgts_k8_b cascade");
        if (!autocommit) await conn.commit();
      }
    }
  }),
);
