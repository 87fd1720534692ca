import { assert, assertEquals } from "@std/assert";
import { testDsn } from "./support/database.ts";

/** What a run prints. */
interface Figures {
  run: string;
  passed: boolean;
  grownMiB: number;
  rows: number;
  gigabytes: number;
  serverWaitsIn?: string;
}

async function soak(...args: string[]): Promise<[number, Figures[]]> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "scripts/soak.ts", ...args],
    cwd: new URL("..", import.meta.url),
    env: { PGTS_TEST_DSN: testDsn(), NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return [code, lines.filter((line) => line).map((line) => JSON.parse(line))];
}

Deno.test({
  name:
    "G4 stream: to a reader that lags, memory stays bounded and the server waits in ClientWrite (deno task soak, a small dose)",
  ignore: Deno.build.os !== "linux", // the figures come from /proc
  async fn() {
    const [code, figures] = await soak(
      "--small",
      "stream-sleeping",
      "stream-trickle",
    );
    assertEquals(code, 0);
    assertEquals(figures.map(({ run }) => run), [
      "stream-sleeping",
      "stream-trickle",
    ]);
    assert(figures.every(({ passed, grownMiB }) => passed && grownMiB < 64));
    assertEquals(figures[0]?.rows, 200_000);
    assertEquals(figures[1]?.serverWaitsIn, "ClientWrite");
  },
});

Deno.test({
  name:
    "copy: in and out, memory stays bounded (a small dose of deno task soak -- --gigabytes=50 --limit-mib=128)",
  ignore: Deno.build.os !== "linux", // the figures come from /proc
  async fn() {
    const [code, figures] = await soak("--small", "copy-in", "copy-out");
    assertEquals(code, 0);
    assertEquals(figures.map(({ run }) => run), ["copy-in", "copy-out"]);
    assert(figures.every(({ passed, grownMiB }) => passed && grownMiB < 64));
    assert(figures.every(({ gigabytes }) => gigabytes > 0.049));
  },
});

Deno.test("soak: a run that takes too much memory, or that is unknown, fails", async () => {
  const [code] = await soak("--small", "--limit-mib=0", "stream-sleeping");
  assertEquals(code, 1);
  const [unknown] = await soak("no-such-run");
  assertEquals(unknown, 1);
});
