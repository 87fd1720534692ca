// deno-lint-ignore-file no-console -- a command-line tool
/**
 * `deno task test`: every check there is, and then the tests, against one
 * PostgreSQL of their own. `deno task test -- NAME` runs only the tests whose
 * file path or name contains NAME.
 *
 * `PGTS_TEST_DSN` names a server to use instead; `PGTS_TEST_VERSION` picks
 * another version of PostgreSQL.
 *
 * @module
 */

import { deno, ROOT } from "./child.ts";
import { PGBOUNCER } from "./pgbouncer_program.ts";
import { type PostgresVersion, startServer } from "./server.ts";
import { removeAll } from "./server_cache.ts";
import { parseDsn } from "../tests/support/database.ts";
import { countResults, type Counts } from "./test_report.ts";

const TEST = [
  "test",
  "-A",
  "--sanitize-ops",
  "--sanitize-resources",
  "--permit-no-files",
];

/** Where files with tests or examples are. */
const FOLDERS = [
  "connection",
  "errors",
  "pool",
  "protocol",
  "sql",
  "tests",
  "types",
];

async function checks(): Promise<string | undefined> {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const entries = Object.values<string>(config.exports);
  const steps: [string, string[]][] = [
    ["Formatting", ["fmt", "--check"]],
    ["Lint", ["lint"]],
    ["Types", ["check", "."]],
    ["Documentation", ["doc", "--lint", ...entries]],
    ["Package", ["publish", "--dry-run", "--allow-dirty"]],
  ];
  for (const [title, args] of steps) {
    heading(`${title}: deno ${args.join(" ")}`);
    if (await deno(args) !== 0) return title;
  }
}

function heading(text: string): void {
  console.log(`\n== ${text}`);
}

/** The environment in which `connect()` without arguments finds the server. */
function environment(dsn: string, socketDir: string): Record<string, string> {
  const { host, port, user, dbname, password } = parseDsn(dsn);
  const env: Record<string, string> = {
    PGTS_TEST_DSN: dsn,
    PGTS_TEST_SOCKET_DIR: socketDir,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: dbname,
  };
  if (password !== undefined) env.PGPASSWORD = password;
  return env;
}

/** Every file in which `deno test --doc` may find something. */
async function sources(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(`${ROOT}/${folder}`)) {
      const path = `${folder}/${entry.name}`;
      if (path === "tests/support/fixtures") continue;
      if (entry.isDirectory) found.push(...await sources(path));
      else if (entry.name.endsWith(".ts")) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

/** One run of `deno test`, or several: a filter by path needs its own. */
async function runs(filter: string | undefined): Promise<string[][]> {
  if (filter === undefined) return [["--doc"]];
  const files = (await Promise.all(FOLDERS.map(sources))).flat();
  const isTest = (path: string) => path.endsWith("_test.ts");
  const byPath = files.filter((path) => path.includes(filter));
  const byName = files.filter((path) => isTest(path) && !byPath.includes(path));
  const result: string[][] = [];
  if (byPath.length > 0) result.push(["--doc", ...byPath]);
  if (byName.length > 0) result.push(["--filter", filter, ...byName]);
  return result;
}

async function tests(
  filter: string | undefined,
  env: Record<string, string>,
): Promise<Counts> {
  await Deno.mkdir(`${ROOT}/report`, { recursive: true });
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  let index = 0;
  for (const args of await runs(filter)) {
    const name = index++ === 0 ? "tests.xml" : `tests_${index}.xml`;
    const report = `${ROOT}/report/${name}`;
    await removeAll(report);
    const code = await deno(
      [...TEST, `--junit-path=report/${name}`, ...args],
      env,
    );
    const counts = await countResults(report);
    total.passed += counts.passed;
    // The report calls a test skipped that the filter leaves out.
    if (!args.includes("--filter")) total.skipped += counts.skipped;
    // What breaks outside a test, such as a module that cannot be loaded.
    const broken = code !== 0 && counts.failed === 0 ? 1 : 0;
    total.failed += counts.failed + broken;
  }
  return total;
}

async function main(filter: string | undefined): Promise<Counts> {
  if (filter === undefined) {
    const failed = await checks();
    if (failed !== undefined) {
      console.log(`\nThe step "${failed}" failed`);
      return { passed: 0, failed: 1, skipped: 0 };
    }
  }
  const given = Deno.env.get("PGTS_TEST_DSN");
  if (given) {
    heading("Tests, against the server in PGTS_TEST_DSN");
    const socketDir = Deno.env.get("PGTS_TEST_SOCKET_DIR") ?? "";
    return await tests(filter, environment(given, socketDir));
  }
  const version = Deno.env.get("PGTS_TEST_VERSION") ?? "18";
  await using server = await startServer({
    version: version as PostgresVersion,
  });
  heading(`Tests, against PostgreSQL ${version} (${server.dsn})`);
  return await tests(filter, environment(server.dsn, server.socketDir));
}

if (import.meta.main) {
  const began = performance.now();
  const filter = Deno.args.filter((arg) => arg !== "--").join(" ");
  const counts = await main(filter === "" ? undefined : filter);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const { passed, failed, skipped } = counts;
  const nothing = passed + failed === 0;
  if (nothing) console.log(`\nNo test matches "${filter}"`);
  console.log(`\nThis took ${seconds} s`);
  console.log(
    `${passed} passed, ${failed} failed` +
      (skipped > 0 ? `, ${skipped} skipped` : "") +
      (PGBOUNCER === null ? "; without PgBouncer, which is not installed" : ""),
  );
  Deno.exitCode = failed > 0 || nothing ? 1 : 0;
}
