import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../mod.ts";
import { DivisionByZero, InvalidTextRepresentation } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  answer,
  assertError,
  ONE,
  open,
  openScripted,
  quiet,
  rejection,
  serveOnes,
  statementsOf,
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

/** The texts that a session was asked to prepare under a name. */
function preparedIn(session: ScriptedSession | undefined): string[] {
  return (session?.received ?? []).flatMap((message) =>
    message.tag === "P" && message.name !== "" ? message.text : []
  );
}

Deno.test("PR-01 prepareThreshold: as given to connect()", async () => {
  for (const prepareThreshold of [null, 0, 3]) {
    await using conn = await open({ prepareThreshold });
    assertEquals(conn.prepareThreshold, prepareThreshold);
  }
  await using conn = await open();
  assertEquals(conn.prepareThreshold, 5);
  assertEquals(conn.preparedMax, 100);
  conn.prepareThreshold = 1;
  conn.preparedMax = null;
  assertEquals([conn.prepareThreshold, conn.preparedMax], [1, null]);
});

Deno.test(
  "prepareThreshold: a statement is prepared after so many runs, with null never",
  quiet(async () => {
    for (const autocommit of [true, false]) {
      for (const threshold of [0, 1, 5]) {
        await using conn = await open({
          autocommit,
          prepareThreshold: threshold,
        });
        for (let i = 0; i < threshold; i++) {
          await conn.execute("select %s::int", [i]);
        }
        assertEquals(await prepared(conn), []);
        await conn.execute("select %s::int", [1]);
        assertEquals(await prepared(conn), ["select $1::int"]);
      }
      await using never = await open({ autocommit, prepareThreshold: null });
      for (let i = 0; i < 20; i++) await never.execute("select %s::int", [i]);
      assertEquals(await prepared(never), []);
    }
  }),
);

Deno.test(
  "PR-03 execute: prepare false never prepares, prepare true does at once",
  quiet(async () => {
    await using conn = await open();
    for (let i = 0; i < 10; i++) {
      await conn.execute("select 1", undefined, { prepare: false });
    }
    assertEquals(await prepared(conn), []);
    await conn.execute("select 1", undefined, { prepare: true });
    assertEquals(await prepared(conn), ["select 1"]);
    await conn.execute("select %s::int", [1], { prepare: true });
    assertEquals(await prepared(conn), ["select 1", "select $1::int"]);
  }),
);

Deno.test(
  "PR-05 execute: several statements in one text are never prepared",
  quiet(async () => {
    for (const prepareThreshold of [1, 5]) {
      await using conn = await open({ prepareThreshold });
      for (let i = 0; i < 10; i++) {
        const cursor = await conn.execute("select 1 as a; select 2 as b");
        assertEquals(await cursor.fetchAll(), [{ a: 1 }]);
        cursor.nextSet();
        assertEquals(await cursor.fetchAll(), [{ b: 2 }]);
      }
      assertEquals(await prepared(conn), []);
    }
  }),
);

Deno.test(
  "PR-09 preparedMax: what comes once does not push out what comes often",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    await using conn = await openScripted(server, { preparedMax: 5 });
    for (let i = 0; i < 10; i++) {
      await conn.execute("select 'a'");
      await conn.execute(`select ${i}`);
    }
    const [session] = server.sessions;
    assertEquals(preparedIn(session), ["select 'a'"]);
    // The last four have been counted once: four runs more, and it is the threshold.
    for (const i of [6, 7, 8, 9]) {
      for (let run = 0; run < 4; run++) await conn.execute(`select ${i}`);
    }
    assertEquals(preparedIn(session), ["select 'a'"]);
    for (const i of [6, 7, 8, 9]) await conn.execute(`select ${i}`);
    assertEquals(preparedIn(session), [
      "select 'a'",
      ...[6, 7, 8, 9].map((i) => `select ${i}`),
    ]);
    // The one before them has been forgotten.
    for (let run = 0; run < 5; run++) await conn.execute("select 5");
    assertEquals(preparedIn(session).includes("select 5"), false);
    await conn.execute("select 5");
    assertEquals(preparedIn(session).at(-1), "select 5");

    await using real = await open({ preparedMax: 5 });
    for (let i = 0; i < 10; i++) {
      await real.execute("select 'a'");
      await real.execute(`select ${i}`);
    }
    assertEquals(await prepared(real), ["select 'a'"]);
  }),
);

Deno.test(
  "PR-11 preparedMax: what is pushed out is closed by a message, not by DEALLOCATE",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    await using conn = await openScripted(server, {
      preparedMax: 2,
      prepareThreshold: 0,
    });
    for (let i = 0; i < 6; i++) await conn.execute(`select ${i}`);
    const [session] = server.sessions;
    const names = new Map<string, string>();
    const closed: (string | undefined)[] = [];
    for (const message of session!.received) {
      if (message.tag === "P") names.set(message.name, message.text);
      if (message.tag === "C") {
        assertEquals(message.kind, "S");
        closed.push(names.get(message.name));
      }
    }
    assertEquals(names.size, 6);
    assertEquals(closed, [0, 1, 2, 3].map((i) => `select ${i}`));
    for (const text of statementsOf(session)) {
      assert(!/deallocate/i.test(text), text);
    }
    await using real = await open({ preparedMax: 2, prepareThreshold: 0 });
    for (let i = 0; i < 6; i++) await real.execute(`select ${i}`);
    await real.execute("select 6");
    assertEquals(await prepared(real), ["select 5", "select 6"]);
  }),
);

Deno.test(
  "PR-13 execute: a string for a jsonb column is prepared as jsonb",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table doc (data jsonb)");
    for (let i = 0; i < 6; i++) {
      await conn.execute("insert into doc values (%s)", ['{"a": 1}']);
    }
    const [row] = await conn.execute(
      "select statement, parameter_types::text as types from pg_prepared_statements where statement like 'insert%%'",
      [],
      { prepare: false },
    ).fetchAll();
    assertEquals(row?.types, "{jsonb}");
    const docs = await conn.execute("select data from doc").fetchAll();
    assertEquals(docs, Array(6).fill({ data: { a: 1 } }));
  }),
);

Deno.test(
  "G8 preparedMax: 2,000 distinct texts leave no more than it allows, here and on the server",
  quiet(async () => {
    await using conn = await open({ preparedMax: 20, prepareThreshold: 0 });
    for (let i = 0; i < 2000; i++) {
      await conn.execute(`select %s::int + ${i} as sum`, [1]);
      if (i % 400 === 399) {
        assert((await prepared(conn)).length <= 21);
        assert(conn["statements"].preparedNames.length <= 20);
      }
    }
    // The least recently used went: these are the last ones.
    const left = await prepared(conn);
    for (let i = 1985; i < 2000; i++) {
      assert(left.includes(`select $1::int + ${i} as sum`), String(i));
    }
  }),
);

Deno.test(
  "K9 execute: the same text with values of other types",
  quiet(async () => {
    for (const prepareThreshold of [0, 1, null]) {
      await using conn = await open({ prepareThreshold });
      const values = [1, "text", null, [1, 2], 1.5, true, 10n ** 15n];
      for (let round = 0; round < 4; round++) {
        for (const value of values) {
          const row = await conn.execute("select %s as v", [value]).fetchOne();
          assertEquals(row, { v: value });
        }
        // The server takes strings of no type for text, and so it does their array.
        const text = await conn.execute("select %s as v", [["a"]]).fetchOne();
        assertEquals(text, { v: "{a}" });
      }
      const typed = "select %s::int as n";
      for (let round = 0; round < 3; round++) {
        for (const [value, n] of [[1, 1], ["2", 2], [null, null], [3, 3]]) {
          const row = await conn.execute(typed, [value]).fetchOne();
          assertEquals(row, { n });
        }
        assertError(await rejection(conn.execute(typed, ["x"])), {
          class: InvalidTextRepresentation,
          sqlstate: "22P02",
          usable: true,
        });
      }
    }
  }),
);

Deno.test(
  "K10 execute: a statement that fails behind its Parse is neither lost nor half known",
  quiet(async () => {
    await using conn = await open({ prepareThreshold: 0 });
    for (let i = 0; i < 3; i++) {
      assertError(await rejection(conn.execute("select 1/%s as q", [0])), {
        class: DivisionByZero,
        usable: true,
      });
      const row = await conn.execute("select 1/%s as q", [1]).fetchOne();
      assertEquals(row, { q: 1 });
    }
    assertEquals(await prepared(conn), ["select 1/$1 as q"]);

    // The error comes instead of the n-th answer: to Parse, Bind, Describe, Execute.
    for (let at = 0; at < 4; at++) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        let failing = true;
        await session.serve((burst) => {
          const messages = answer(burst, ONE);
          if (!failing) return messages;
          failing = false;
          return [
            ...messages.slice(0, at),
            b.errorResponse({ code: "57014", message: "timeout" }),
            b.readyForQuery("I"),
          ];
        });
      });
      await using scripted = await openScripted(server, {
        prepareThreshold: 0,
      });
      const run = () => scripted.execute("select %s", [1]).fetchAll();
      assertEquals(String(await rejection(run())).includes("timeout"), true);
      for (let i = 0; i < 3; i++) assertEquals(await run(), [{ one: 1 }]);
      const bursts = server.sessions[0]!.received.map(({ tag }) => tag).join(
        "",
      );
      // Parsed again if the server does not have it, described again if it was not.
      const second = ["PBDES", "BDES", "BDES", "BES"][at];
      assertEquals(bursts, `sslstartupPBDES${second}BESBES`);
    }
  }),
);
