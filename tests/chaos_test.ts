import { assert, assertEquals } from "@std/assert";

/** What every run prints. */
interface Figures {
  run: string;
  passed: boolean;
  faults: string[];
  [name: string]: unknown;
}

async function chaos(...args: string[]): Promise<[number, Figures[]]> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "scripts/chaos.ts", ...args],
    cwd: new URL("..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stderr: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return [code, lines.filter((line) => line).map((line) => JSON.parse(line))];
}

/** Runs a small dose, which must pass. */
async function small(...args: string[]): Promise<Figures> {
  const [code, [figures]] = await chaos("--small", ...args);
  assertEquals([figures?.faults, code], [[], 0], JSON.stringify(figures));
  return figures!;
}

Deno.test("chaos: every result is one's own behind a network that does what networks do (deno task chaos, a small dose)", async () => {
  const { statements, pooled, steps } = await small("--seconds", "3", "echo");
  assert(Number(statements) > 20 && Number(pooled) > 5);
  assert(Object.keys(steps as object).length > 3);
});

Deno.test({
  name:
    "R2 chaos: the sum of the bank is constant under SIGKILL of backends, a restart and a failover, and every outcome was reported right, the unknown ones as such",
  ignore: Deno.build.os !== "linux", // finds the processes in /proc
  async fn() {
    const { events, committed, unknown } = await small("bank");
    assertEquals(events, { kill: 1, restart: 1, failover: 1 });
    assert(Number(committed) > 20 && Number(unknown) > 0);
  },
});

Deno.test("R3 chaos: 5,000 connects against max_connections 100 are all served, and the server is left in peace meanwhile", async () => {
  const { served, refused, mostPerSecondLater } = await small("storm");
  assertEquals(served, 5000);
  assert(Number(refused) > 0 && Number(mostPerSecondLater) < 200);
});

Deno.test("chaos: the pool recovers from the last restart in a row as it did from the first (deno task chaos, a small dose)", async () => {
  const { restarts } = await small("restarts");
  assertEquals(restarts, 4);
});

Deno.test("R6 chaos: aborts, releases, throws and kills at random leave the pool and its model agreed", async () => {
  const { counts } = await small("model");
  for (const kind of ["abort", "kill", "block: throw", "back: running"]) {
    assert(Number((counts as Record<string, number>)[kind]) > 0, kind);
  }
});

Deno.test("chaos: a run that is unknown, and a number that is none, fail", async () => {
  const runs = [chaos("no-such-run"), chaos("--seconds", "many", "echo")];
  for (const [code] of await Promise.all(runs)) assertEquals(code, 1);
});
