// deno-lint-ignore-file no-console -- a command-line tool
/**
 * `deno task demo`: runs `examples/quickstart.ts` against a PostgreSQL of its
 * own, with the permission to reach that server and no other.
 *
 * @module
 */

import { deno } from "./child.ts";
import { startServer } from "./server.ts";

if (import.meta.main) {
  await using server = await startServer();
  const allowed = `--allow-net=127.0.0.1:${server.port}`;
  console.error(`deno run ${allowed} examples/quickstart.ts "${server.dsn}"\n`);
  Deno.exitCode = await deno([
    "run",
    "--no-prompt",
    allowed,
    "examples/quickstart.ts",
    server.dsn,
  ]);
}
