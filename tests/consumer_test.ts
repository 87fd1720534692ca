import { assertEquals, assertStringIncludes } from "@std/assert";
import { testDsn, testServer } from "./support/database.ts";

const ROOT = new URL("..", import.meta.url);

async function deno(
  args: string[],
  cwd: string | URL,
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("consumer: jsr:@x/pgts linked to the repository type-checks and runs", async () => {
  const folder = await Deno.makeTempDir({ prefix: "pgts_consumer_" });
  try {
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ links: [new URL(".", ROOT).pathname] }),
    );
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { connect, sql, tupleRow } from "jsr:@x/pgts";
import { UndefinedTable } from "jsr:@x/pgts/errors";
import { ConnectionPool } from "jsr:@x/pgts/pool";

await using conn = await connect(Deno.args[0], { rowFactory: tupleRow });
const row: unknown[] | null = await conn.execute(sql\`select \${20}::int + 22\`).fetchOne();
console.log("the answer is", row?.[0]);
try {
  await conn.execute("select * from nosuchtable");
} catch (error) {
  console.log(error instanceof UndefinedTable);
}
await using pool = await new ConnectionPool({ conninfo: Deno.args[0], minSize: 1 }).open();
const found: { n: number } | null = await pool.execute<{ n: number }>("select 7 as n").fetchOne();
console.log("from the pool:", found?.n);
`,
    );
    const checked = await deno(["check", "main.ts"], folder);
    assertEquals(checked.code, 0, checked.text);
    const { host, port } = testServer();
    const ran = await deno(
      [
        "run",
        "--no-prompt",
        `--allow-net=${host}:${port}`,
        "main.ts",
        testDsn(),
      ],
      folder,
    );
    assertEquals(ran.code, 0, ran.text);
    assertStringIncludes(ran.text, "the answer is 42");
    assertStringIncludes(ran.text, "true");
    assertStringIncludes(ran.text, "from the pool: 7");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Q3 quickstart: needs no grant but the network's", async () => {
  const { host, port } = testServer();
  const ran = await deno(
    [
      "run",
      "--no-prompt",
      `--allow-net=${host}:${port}`,
      "examples/quickstart.ts",
      testDsn(),
    ],
    ROOT,
  );
  assertEquals(ran.code, 0, ran.text);
  assertStringIncludes(ran.text, "CheckViolation (23514)");
  assertStringIncludes(ran.text, "people: 2437367n");
});

Deno.test("Q3 listen: misses no job, and needs no grant but the network's", async () => {
  const { host, port } = testServer();
  const ran = await deno(
    [
      "run",
      "--no-prompt",
      `--allow-net=${host}:${port}`,
      "examples/listen.ts",
      testDsn(),
    ],
    ROOT,
  );
  assertEquals(ran.code, 0, ran.text);
  const jobs = ran.text.match(/^ {2}done: .*$/gm);
  assertEquals(jobs, [
    "  done: before anybody listened",
    "  done: announced",
    "  done: while nobody listened",
    "  done: after all that",
  ]);
  assertStringIncludes(ran.text, "A gap, ");
  assertStringIncludes(ran.text, "Warning: the listener has lost its session");
});
