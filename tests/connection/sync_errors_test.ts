import { assert, assertEquals } from "@std/assert";
import { IsolationLevel, PipelineAborted, ProtocolError } from "../../mod.ts";
import {
  AdminShutdown,
  DeadlockDetected,
  DivisionByZero,
  ForeignKeyViolation,
  UndefinedTable,
} from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  assertFails,
  ONE,
  open,
  openScripted,
  quiet,
  rejection,
} from "./support.ts";

Deno.test(
  "L7 Connection: an error in answer to a Sync is a typed error, of two FATALs the first counts",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      let failing = true;
      await session.serve((burst) => {
        const messages = answer(burst, ONE);
        if (!failing || burst.at(-1)?.tag !== "S") return messages;
        failing = false;
        const error = b.errorResponse({ code: "23503", message: "late" });
        return messages.toSpliced(-1, 0, error);
      });
    });
    // The Sync that ends the pipeline, one that was asked for, one behind what is answered.
    for (const sync of ["end", "asked", "answered"]) {
      await using conn = await openScripted(server);
      const rows: unknown[] = [];
      const block = conn.pipeline(async (p) => {
        const all = [1, 2].map((n) => p.execute("select %s", [n]).fetchOne());
        if (sync === "asked") await p.sync();
        else if (sync === "answered") {
          rows.push(...await Promise.all(all));
          rows.push(await p.execute("select 3").fetchOne());
        }
      });
      assertError(await rejection(block), {
        class: ForeignKeyViolation,
        says: ["late"],
        usable: true,
        reached: true,
      });
      if (sync === "answered") assertEquals(rows.length, 3);
      assertEquals(await conn.execute("select 4").fetchOne(), { one: 1 });
      assertEquals(
        await conn.pipeline((p) => p.execute("select 5").fetchOne()),
        {
          one: 1,
        },
      );
    }

    await using fatal = new ScriptedServer(async (session) => {
      await session.startup();
      await session.readUntilSync();
      await session.send(
        b.errorResponse({ severity: "FATAL", code: "57P01", message: "one" }),
        b.errorResponse({ severity: "FATAL", code: "57P02", message: "two" }),
      );
      session.close();
    });
    const conn = await openScripted(fatal);
    await assertFails(conn, conn.execute("select 1"), {
      class: AdminShutdown,
      says: ["one"],
      usable: false,
      reached: true,
    });
  }),
);

Deno.test(
  "L7 Connection: two errors that are not FATAL in answer to one statement end the connection",
  quiet(async () => {
    const error = b.errorResponse({ code: "40P01", message: "twice" });
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.readUntilSync();
      await session.send(error, error, b.readyForQuery("I"));
      await session.silence();
    });
    const conn = await openScripted(server);
    const first = await rejection(conn.execute("select 1"));
    assertError(first, { class: DeadlockDetected, usable: false });
    const dead = assertError(await rejection(conn.execute("select 2")), {
      class: ProtocolError,
      usable: false,
    });
    assert(dead.message.startsWith("Cannot go on"));
    await conn.close();
  }),
);

Deno.test(
  "pipeline: what only fails when it is committed fails the pipeline",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table target (id int primary key)");
    await conn.execute(
      "create temp table pointer (id int references target initially deferred)",
    );
    const insert = "insert into pointer values (%s)";
    for (const awaited of [true, false]) {
      const block = conn.pipeline(async (p) => {
        const inserting = p.execute(insert, [7]);
        if (awaited) await inserting;
      });
      assertError(await rejection(block), {
        class: ForeignKeyViolation,
        usable: true,
        reached: true,
      });
    }
    const left = await conn.execute("select id from pointer").fetchAll();
    assertEquals(left, []);
    const skipped = await conn.pipeline((p) =>
      Promise.allSettled([
        p.execute("select 1/0"),
        p.execute(insert, [8]),
      ])
    );
    const reasons = skipped.map((one) =>
      one.status === "rejected" && one.reason.constructor
    );
    assertEquals(reasons, [DivisionByZero, PipelineAborted]);
  }),
);

Deno.test(
  "execute: a BEGIN that fails fails the statement that it was for",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      let first = true;
      await session.serve((burst) => {
        if (!first) return answer(burst, ONE);
        first = false;
        return [
          b.errorResponse({ code: "42P01", message: "not today" }),
          b.readyForQuery("I"),
        ];
      });
    });
    for (const isolationLevel of [null, IsolationLevel.SERIALIZABLE]) {
      for (const params of [undefined, [1]]) {
        await using scripted = await openScripted(server, {
          autocommit: false,
        });
        scripted.isolationLevel = isolationLevel;
        assertError(await rejection(scripted.execute("select %s", params)), {
          class: UndefinedTable,
          says: ["not today"],
          usable: true,
          reached: true,
        });
        assertEquals(await scripted.execute("select 1").fetchOne(), { one: 1 });
      }
    }
  }),
);
