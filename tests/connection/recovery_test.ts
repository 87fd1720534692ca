import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  adapters,
  AdaptersMap,
  type Connection,
  DataError,
  TransactionStatus,
} from "../../mod.ts";
import { DivisionByZero, QueryCanceled } from "../../errors/mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertError,
  open,
  openScripted,
  quiet,
  rejection,
  serveOnes,
  statementsOf,
} from "./support.ts";

Deno.test(
  "L4 execute: a loader or a row factory that throws fails its query alone",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      const reason = new Error("no more");
      const many = "select n, 'x' || n as t from generate_series(1, 5000) n";
      const throwing = (at: number) => () => {
        let count = 0;
        return (values: unknown[]) => {
          if (++count === at) throw reason;
          return values;
        };
      };
      for (const at of [1, 3, 4999]) {
        for (const params of [undefined, []]) {
          const cursor = conn.cursor({ rowFactory: throwing(at) });
          assertStrictEquals(
            await rejection(cursor.execute(many, params)),
            reason,
          );
          await assertNext(conn);
        }
      }
      // The factory itself, which is asked before the first row.
      const broken = conn.cursor({
        rowFactory: () => {
          throw reason;
        },
      });
      assertStrictEquals(await rejection(broken.execute(many)), reason);
      await assertNext(conn);

      const cursor = conn.cursor();
      let calls = 0;
      cursor.adapters.registerLoader("text", (text: string) => {
        if (++calls === 3) throw reason;
        return text;
      });
      const error = assertError(await rejection(cursor.execute(many)), {
        class: DataError,
        says: ['"t"', "text", "no more"],
        usable: true,
        reached: true,
      });
      assertStrictEquals(error.cause, reason);
      assertEquals(calls, 3); // the rest was not decoded any more
      await assertNext(conn);
      // Among others that wait: each gets its own.
      const all = await Promise.allSettled([
        conn.execute("select 1 as n").fetchOne(),
        conn.cursor({ rowFactory: throwing(2) }).execute(many).fetchAll(),
        conn.execute("select 3 as n").fetchOne(),
      ]);
      assertEquals(all.map((one) => one.status === "fulfilled" && one.value), [
        { n: 1 },
        false,
        { n: 3 },
      ]);
      if (!autocommit) {
        // The server knows of no failure.
        assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
      }
    }
  }),
);

let nonce = 0;

/** Checks that the next query gets exactly its own rows, in the same transaction. */
async function assertNext(conn: Connection): Promise<void> {
  const n = ++nonce;
  const own = await conn.execute("select %s::int as own", [n]).fetchAll();
  assertEquals(own, [{ own: n }]);
}

/** A value whose dumper throws. */
class Bomb {}

const dumpBomb = {
  for: new AdaptersMap(adapters),
  reason: new Error("boom"),
};
dumpBomb.for.registerDumper(Bomb, {
  oid: 25,
  format: 0,
  dump(_value, out): void {
    out.text("half of it");
    throw dumpBomb.reason;
  },
  text(): string {
    throw dumpBomb.reason;
  },
  quote(): string {
    throw dumpBomb.reason;
  },
});

const SEVEN = "select %s, %s, %s, %s, %s, %s, %s";

Deno.test(
  "L5 execute: a dumper that throws at parameter 7 leaves nothing of the statement on the wire",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    const context = { adapters: dumpBomb.for };
    const bad = [1, 2, 3, 4, 5, 6, new Bomb()];
    for (const autocommit of [true, false]) {
      await using conn = await openScripted(server, { autocommit, context });
      const before = rejection(conn.execute(SEVEN, bad));
      assertStrictEquals(await before, dumpBomb.reason);
      assertEquals(conn.info.transactionStatus, TransactionStatus.IDLE);
      await conn.execute("select 'good', %s", [1]);
      const both = await Promise.allSettled([
        conn.execute(SEVEN, bad),
        conn.execute("select 'next', %s", [2]),
      ]);
      assertEquals(both.map(({ status }) => status), ["rejected", "fulfilled"]);
      const inPipeline = await conn.pipeline((p) =>
        Promise.allSettled([
          p.execute("select 'first', %s", [1]),
          p.execute(SEVEN, bad),
          p.execute("select 'third', %s", [3]),
        ])
      );
      assertEquals(
        inPipeline.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      // The server answers "idle" to everything, so each statement has a BEGIN if any.
      const sent = statementsOf(server.sessions.at(-1))
        .filter((text) => text !== "BEGIN");
      assertEquals(sent, [
        "select 'good', $1",
        "select 'next', $1",
        "select 'first', $1",
        "select 'third', $1",
      ]);
      for (const message of server.sessions.at(-1)!.received) {
        if (message.tag === "B") assert(message.values.length < 7);
      }
    }
  }),
);

Deno.test(
  "L6 execute: simple and extended statements interleaved, one by one and many at once",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      const run = async (i: number): Promise<void> => {
        switch (i % 5) {
          case 0: {
            const rows = conn.execute(`select ${i} as n`);
            assertEquals(await rows.fetchAll(), [{ n: i }]);
            break;
          }
          case 1: {
            const rows = conn.execute("select %s::int as n", [i]);
            assertEquals(await rows.fetchAll(), [{ n: i }]);
            break;
          }
          case 2: {
            const cursor = await conn.execute(
              `select ${i} as a; select ${i} as b, 2 as c`,
            );
            assertEquals(await cursor.fetchAll(), [{ a: i }]);
            assertEquals(cursor.nextSet(), true);
            assertEquals(await cursor.fetchAll(), [{ b: i, c: 2 }]);
            assertEquals(cursor.nextSet(), false);
            break;
          }
          case 3: {
            const cursor = await conn.execute(`set pgts.n = '${i}'`);
            assertEquals(cursor.statusMessage, "SET");
            break;
          }
          default: {
            const rows = conn.execute(`select ${i} as n`, undefined, {
              prepare: true,
              binary: i % 2 === 0,
            });
            assertEquals(await rows.fetchAll(), [{ n: i }]);
          }
        }
      };
      for (let i = 0; i < 50; i++) await run(i);
      await Promise.all(Array.from({ length: 100 }, (_, i) => run(i)));
    }
  }),
);

Deno.test(
  "L8 execute: of several statements the results before the one that failed are there, and then the error",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      const cursor = conn.cursor();
      const text =
        "select 1 as a; set pgts.x = '1'; select n as b from generate_series(1, 2) n; select 1/(2-n) as c from generate_series(1, 3) n; select 5 as d";
      assertError(await rejection(cursor.execute(text)), {
        class: DivisionByZero,
        usable: true,
        reached: true,
      });
      assertEquals(await cursor.fetchAll(), [{ a: 1 }]);
      assertEquals(cursor.nextSet(), true);
      assertEquals(cursor.statusMessage, "SET");
      assertEquals(cursor.nextSet(), true);
      assertEquals(await cursor.fetchAll(), [{ b: 1 }, { b: 2 }]);
      assertEquals(cursor.nextSet(), false);
      if (!autocommit) {
        assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
        await conn.rollback();
      }
      await assertNext(conn);
      const syntax = conn.cursor();
      const none = await rejection(syntax.execute("select 1; selec 2"));
      assert(none instanceof Error);
      assertEquals(syntax.description, null);
      if (!autocommit) await conn.rollback();
    }
  }),
);

Deno.test(
  "L10 execute: after an error behind rows the next query gets exactly its own",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      await using conn = await open({ autocommit });
      await conn.execute("set statement_timeout = 0");
      if (!autocommit) await conn.commit();
      const query =
        "select n, repeat('x', 100) as t, 1/(3000 - n) as q from generate_series(%s::int, 9000) n";
      for (let i = 0; i < 8; i++) {
        const cursor = conn.cursor();
        const params = i % 2 === 0 ? [1] : [2990 + i];
        const failing = rejection(cursor.execute(query, params, {
          prepare: i > 5,
          binary: i === 3,
        }));
        assertError(await failing, {
          class: DivisionByZero,
          usable: true,
          reached: true,
        });
        assertEquals(cursor.rowCount, -1);
        if (!autocommit) await conn.rollback();
        await assertNext(conn);
      }
      const failing = conn.execute(
        "select n, 1/(3000 - n) as q from generate_series(1, 9000) n",
      );
      const next = conn.execute("select 7 as own").fetchAll();
      assertError(await rejection(failing), { class: DivisionByZero });
      if (autocommit) assertEquals(await next, [{ own: 7 }]);
      else await rejection(next);
      if (!autocommit) await conn.rollback();

      await conn.execute("set local statement_timeout = 30");
      const slow =
        "set statement_timeout = 30; select n, repeat('x', 9000) as t, pg_sleep(n / 1000.0) from generate_series(1, 90) n";
      assertError(await rejection(conn.execute(slow)), {
        class: QueryCanceled,
        sqlstate: "57014",
        usable: true,
      });
      if (!autocommit) await conn.rollback();
      await assertNext(conn);
    }
  }),
);
