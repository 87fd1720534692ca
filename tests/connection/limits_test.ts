import { assertEquals } from "@std/assert";
import { ResultTooLarge } from "../../mod.ts";
import { assertFails, assertUsable, open, quiet } from "./support.ts";

const ROWS = "select n, repeat('x', 100) as text from generate_series(1, %s) n";

Deno.test(
  "G3 maxRows, maxResultBytes: a larger result is a ResultTooLarge, and the connection is usable",
  quiet(async () => {
    for (const inPipeline of [false, true]) {
      await using conn = await open({ maxRows: 100 });
      await using small = await open({ maxResultBytes: 10_000 });
      const run = async (count: number, other = conn): Promise<unknown> => {
        const rows = () => other.execute(ROWS, [count]).fetchAll();
        return (await (inPipeline ? other.pipeline(rows) : rows())).length;
      };
      for (let round = 0; round < 2; round++) {
        assertEquals(await run(100), 100);
        await assertFails(conn, run(101), {
          class: ResultTooLarge,
          says: ["maxRows", "100"],
          usable: true,
          reached: true,
        });
        await assertFails(conn, run(200_000), {
          class: ResultTooLarge,
          usable: true,
        });
        assertEquals(await run(80, small), 80);
        await assertFails(small, run(1000, small), {
          class: ResultTooLarge,
          says: ["maxResultBytes", "10000"],
          usable: true,
        });
      }
    }
  }),
);

Deno.test(
  "G3 maxRows: of a single call it wins, and it counts all results of a text",
  quiet(async () => {
    await using conn = await open({ maxRows: 10 });
    const { rowCount } = await conn.execute(ROWS, [50], { maxRows: 50 });
    assertEquals(rowCount, 50);
    const text = "select generate_series(1, 6) as n; select 1 as n";
    const cursor = conn.cursor();
    await cursor.execute(text);
    await assertFails(conn, cursor.execute(text, undefined, { maxRows: 6 }), {
      class: ResultTooLarge,
      usable: true,
    });
    await assertUsable(conn);
  }),
);
