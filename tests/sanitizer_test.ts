/**
 * The flags under which the tests run must catch a test that leaks.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";

async function runFixture(
  name: string,
): Promise<{ code: number; output: string }> {
  const path = new URL(`support/fixtures/${name}`, import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // The flags of scripts/test.ts.
    args: ["test", "-A", "--sanitize-ops", "--sanitize-resources"]
      .concat("--no-config", "--no-check", path),
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("Q1 sanitizers: a test that leaves a connection open fails", async () => {
  const { code, output } = await runFixture("leaks_socket.ts");
  assertEquals(code, 1, output);
  assertMatch(output, /leaves a connection open \.\.\. FAILED/);
  assertMatch(output, /Leaks detected/);
  assertMatch(output, /TCP connection/i);
});

Deno.test("Q1 sanitizers: a test that leaves a timer behind fails", async () => {
  const { code, output } = await runFixture("leaks_timer.ts");
  assertEquals(code, 1, output);
  assertMatch(output, /leaves a timer behind \.\.\. FAILED/);
  assertMatch(output, /Leaks detected/);
  assertMatch(output, /timer/i);
});

Deno.test("Q1 sanitizers: a test that closes what it opened passes", async () => {
  const { code, output } = await runFixture("leaks_nothing.ts");
  assertEquals(code, 0, output);
  assertMatch(output, /1 passed/);
});

Deno.test("Q1 sanitizers: the test runner asks for both", async () => {
  const url = new URL("../scripts/test.ts", import.meta.url);
  const source = await Deno.readTextFile(url);
  assertMatch(source, /"--sanitize-ops",\s+"--sanitize-resources",/);
});
