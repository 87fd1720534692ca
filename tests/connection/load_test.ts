import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../mod.ts";
import { testDsn } from "../support/database.ts";
import { open, quiet } from "./support.ts";

/** Which share of the time something takes the event loop did not go round for long. */
async function shareHeld(run: () => Promise<unknown>): Promise<number> {
  let held = 0;
  const began = performance.now();
  let last = began;
  const tick = () => {
    const now = performance.now();
    if (now - last > 50) held += now - last;
    last = now;
  };
  const timer = setInterval(tick, 1);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  tick();
  return held / (last - began);
}

const MILLION =
  "select generate_series(1, 1000000) as n, 'some text here' as t, 1.5::float8 as f";

async function fetchAll(conn: Connection): Promise<void> {
  assertEquals((await conn.execute(MILLION).fetchAll()).length, 1_000_000);
}

async function stream(conn: Connection): Promise<void> {
  let count = 0;
  for await (const _ of conn.stream(MILLION)) count++;
  assertEquals(count, 1_000_000);
}

Deno.test(
  "G12 a million rows: other tasks get their turns meanwhile",
  quiet(async () => {
    await using conn = await open();
    for (const run of [fetchAll, stream]) {
      const share = await shareHeld(() => run(conn));
      // A busy machine and the collecting of garbage hold it too. Without a
      // break between reads it is nearly all of the time.
      assert(share < 0.5, `${run.name} held the event loop ${share}`);
    }
  }),
);

Deno.test({
  name:
    "G10 a text of 600 MB, a bytea of 1 GB: a clean error, and the process and the connection live",
  ignore: Deno.systemMemoryInfo().available < 4 * 2 ** 30,
  async fn() {
    const mod = new URL("../../mod.ts", import.meta.url).href;
    const script = `
      import { connect } from "${mod}";
      await using conn = await connect(Deno.args[0], { autocommit: true });
      for (const query of [
        "select repeat('x', 600000000) as huge",
        "select convert_to(repeat('x', 1000000000), 'UTF8') as huge",
      ]) {
        const error = await conn.execute(query).fetchOne().catch((e) => e);
        const [row] = await conn.execute("select 1 as one").fetchAll();
        console.log(JSON.stringify([
          error?.constructor.name, error?.message, error?.connectionUsable, row.one,
        ]));
      }`;
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/huge.ts`, script);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--config=deno.json",
        `${folder}/huge.ts`,
        testDsn(),
      ],
      cwd: new URL("../..", import.meta.url),
      env: { NO_COLOR: "1" },
    }).output();
    await Deno.remove(folder, { recursive: true });
    const text = new TextDecoder();
    assertEquals(code, 0, text.decode(stderr));
    const [huge, larger] = text.decode(stdout).trim().split("\n")
      .map((line) => JSON.parse(line));
    assertEquals([huge[0], huge[2], huge[3]], ["DataError", true, 1]);
    assert(huge[1].includes("more than a string can hold"), huge[1]);
    // The server itself cannot send it.
    assert(larger[1].includes("invalid memory alloc request size"), larger[1]);
    assertEquals([larger[2], larger[3]], [true, 1]);
  },
});
