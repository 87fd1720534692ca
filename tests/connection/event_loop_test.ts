import { assert, assertEquals } from "@std/assert";
import { connect, tupleRow } from "../../mod.ts";

Deno.test("G12 execute: timers run while many rows are decoded", async () => {
  await using conn = await connect({
    autocommit: true,
    rowFactory: tupleRow,
  });
  const gaps: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }, 1);
  const started = performance.now();
  const rows = await conn.execute(
    "select g, g::int8, g::float8, 'text of twenty chars', now(), true from generate_series(1, 500000) g",
  ).fetchAll();
  const took = performance.now() - started;
  clearInterval(timer);
  assertEquals(rows.length, 500_000);
  // Collecting garbage holds everybody for longer now and then, the reader never does.
  const long = gaps.filter((gap) => gap > 60);
  const held = long.reduce((sum, gap) => sum + gap, 0);
  assert(
    held < took / 2,
    `${Math.round(held)} of ${
      Math.round(took)
    } ms passed in ${long.length} gaps of more than 60 ms`,
  );
});
