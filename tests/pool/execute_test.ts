/**
 * What `pool.execute()` costs: that one statement is one exchange with the server.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { DivisionByZero } from "../../errors/mod.ts";
import { IsolationLevel } from "../../mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  quiet,
  rejection,
} from "../connection/support.ts";
import { assertWarned, at, openPool } from "./support.ts";

Deno.test(
  "execute: a statement is one round trip, whatever is set for transactions, and no other follows it",
  quiet(async () => {
    const bursts: string[] = [];
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => {
        bursts.push(burst.map(({ tag }) => tag).join(""));
        const fails = burst.some((message) =>
          message.tag === "P" && message.text.includes("/ 0")
        );
        if (!fails) return answer(burst, ONE);
        return [
          b.errorResponse({ code: "22012", message: "division by zero" }),
          b.readyForQuery("I"),
        ];
      });
    });
    for (const autocommit of [false, true]) {
      const { pool, warnings } = await openPool({
        ...at(server),
        connectOptions: { autocommit },
        configure: (conn) => {
          conn.isolationLevel = IsolationLevel.SERIALIZABLE;
        },
      });
      await using _ = pool;
      bursts.length = 0;
      for (let run = 0; run < 7; run++) {
        const row = await pool.execute("select %s as one", [1]).fetchOne();
        assertEquals(row, { one: 1 });
      }
      // Described until its columns are known, parsed until it is prepared.
      const parsed = "PBDES";
      assertEquals(bursts.splice(0), [...Array(6).fill(parsed), "BES"]);
      await pool.execute("select 1 as one");
      // Now that its columns are known they come in binary.
      await pool.execute("select 1 as one", undefined, { prepare: false });
      assertEquals(bursts.splice(0), ["Q", parsed]);
      assertError(await rejection(pool.execute("select %s / 0", [1])), {
        class: DivisionByZero,
        usable: true,
      });
      await Promise.all([1, 2, 3].map((n) => pool.execute("select %s", [n])));
      assertEquals(bursts.splice(0).length, 4);
      assertWarned(warnings);
    }
  }),
);
