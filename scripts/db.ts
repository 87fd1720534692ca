// deno-lint-ignore-file no-console -- a command-line tool
/**
 * `deno task db`: a PostgreSQL server for development, which stays until it is
 * stopped and keeps its data until it is cleaned.
 *
 * @module
 */

import { startServer } from "./server.ts";
import { type PostgresVersion, VERSIONS } from "./server_binaries.ts";
import { cacheDir, removeAll } from "./server_cache.ts";
import {
  type ClusterFolder,
  endServer,
  listClusters,
  readOwner,
  removeCluster,
  serverPid,
  sweep,
} from "./server_registry.ts";

const USAGE = `Usage: deno task db [COMMAND] [--version ${VERSIONS.join("|")}]

  (none)   start PostgreSQL in the background and print its connection string
  stop     stop it and keep its data
  status   list the servers on this machine
  clean    stop it and empty the cache folder, data included`;

async function main(args: string[]): Promise<number> {
  const words: string[] = [];
  let version: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") continue;
    if (arg === "--version") version = args[++i] ?? "";
    else if (arg.startsWith("--version=")) version = arg.slice(10);
    else words.push(arg);
  }
  const known = VERSIONS.some((each) => each === version);
  const command = words[0] ?? "start";
  if (version !== undefined && !known || words.length > 1) {
    console.error(USAGE);
    return 2;
  }
  switch (command) {
    case "start":
      return await start((version ?? "18") as PostgresVersion);
    case "stop":
      return await stop(version);
    case "status":
      return await status();
    case "clean":
      return await clean();
    default:
      console.error(USAGE);
      return command === "help" || command === "--help" ? 0 : 2;
  }
}

async function start(version: PostgresVersion): Promise<number> {
  const server = await startServer({ version, persistent: true });
  console.error(
    `PostgreSQL ${version} is running (pid ${server.pid}), ` +
      `"deno task db stop" stops it`,
  );
  console.log(server.dsn);
  return 0;
}

async function stop(version: string | undefined): Promise<number> {
  let count = 0;
  for (const folder of await listClusters()) {
    const owner = await readOwner(folder);
    if (!owner || owner.pid !== null) continue;
    if (version !== undefined && owner.version !== version) continue;
    if (await serverPid(folder) === undefined) continue;
    await endServer(folder);
    console.error(`PostgreSQL ${owner.version} has stopped`);
    count++;
  }
  if (count === 0) console.error("No server was running");
  return 0;
}

async function status(): Promise<number> {
  await sweep();
  const folders = await listClusters();
  for (const folder of folders) console.log(await describe(folder));
  if (folders.length === 0) console.log("No server");
  return 0;
}

async function describe(folder: ClusterFolder): Promise<string> {
  const owner = await readOwner(folder);
  if (!owner) return `Being made: ${folder.path}`;
  const pid = await serverPid(folder);
  const state = pid === undefined ? "stopped" : `running (pid ${pid})`;
  const whose = owner.pid === null ? "" : `, belongs to process ${owner.pid}`;
  return `PostgreSQL ${owner.version} ${state}${whose}: ` +
    `host=127.0.0.1 port=${owner.port} user=postgres dbname=postgres`;
}

async function clean(): Promise<number> {
  await sweep();
  const folders = await listClusters();
  for (const folder of folders) {
    const owner = await readOwner(folder);
    if (owner?.pid !== null && owner !== undefined) {
      console.error(
        `Failed to clean "${cacheDir()}": a server in it belongs to the ` +
          `running process ${owner.pid}, end that first`,
      );
      return 1;
    }
  }
  for (const folder of folders) {
    await endServer(folder);
    await removeCluster(folder);
  }
  // Only what is ours: the folder may have been chosen by the user.
  for (const name of ["run", "template", "bin", "tmp", "lock"]) {
    await removeAll(`${cacheDir()}/${name}`);
  }
  console.error(`"${cacheDir()}" is empty`);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exitCode = 1;
  }
}
