import { assert, assertEquals } from "@std/assert";
import type { FrontendMessage } from "../support/frontend_reader.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { answer, ONE, openScripted, pause, quiet } from "./support.ts";

Deno.test(
  "K6 execute: statements of many tasks never overlap on the wire, as poolers may mix up the answers",
  quiet(async () => {
    let overlaps = 0;
    let bursts = 0;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      let next = session.read();
      for (;;) {
        const burst: FrontendMessage[] = [];
        for (;;) {
          const message = await next;
          if (message === null || message.tag === "X") return;
          burst.push(message);
          next = session.read();
          if (message.tag === "Q" || message.tag === "S") break;
        }
        bursts++;
        const early = await Promise.race([next, pause(5).then(() => null)]);
        if (early !== null) overlaps++;
        await session.send(...answer(burst, ONE));
      }
    });
    const conn = await openScripted(server);
    const runs = Array.from(
      { length: 30 },
      (_, i) =>
        i % 2 === 0
          ? conn.execute("select 1 as one").fetchAll()
          : conn.execute("select %s::int4 as one", [1]).fetchAll(),
    );
    for (const rows of await Promise.all(runs)) {
      assertEquals(rows, [{ one: 1 }]);
    }
    assertEquals(overlaps, 0);
    assert(bursts >= 30);
    await conn.close();
  }),
);
