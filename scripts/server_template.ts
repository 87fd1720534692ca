// deno-lint-ignore-file no-console -- progress goes to standard error
/**
 * The cluster that every server starts from: made once per version, copied
 * afterwards, which takes a fraction of the time.
 *
 * @module
 */

import { join } from "node:path";
import type { Binaries } from "./server_binaries.ts";
import {
  asServerUser,
  cacheFolder,
  cleanEnvironment,
  exists,
  giveToServerUser,
  removeAll,
  run,
  withCacheLock,
} from "./server_cache.ts";

/** The roles whose passwords the server asks for, by authentication method. */
const ROLES = [
  { name: "pgts_scram", password: "scram pass", method: "scram-sha-256" },
  { name: "pgts_md5", password: "md5 pass", method: "md5" },
  { name: "pgts_clear", password: "clear pass", method: "password" },
] as const;

/** Durability is of no use to a test; speed is. */
const SETTINGS = `
# What pgts adds
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
max_prepared_transactions = 20
wal_level = logical
shared_buffers = 128MB
lc_messages = 'C'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
logging_collector = off
`;

/** pg_hba.conf: passwords for our roles, trust for everyone else, local only. */
const HBA = [
  ...ROLES.flatMap(({ name, method }) => local(name, method)),
  ...local("all", "trust"),
  ...local("all", "trust", "replication"),
].join("\n") + "\n";

function local(user: string, method: string, database = "all"): string[] {
  return [
    `local ${database} ${user} ${method}`,
    `host ${database} ${user} 127.0.0.1/32 ${method}`,
    `host ${database} ${user} ::1/128 ${method}`,
  ];
}

/** One statement per line: the single-user mode ends a statement there. */
const BOOTSTRAP = ROLES.map(({ name, password, method }) =>
  `set password_encryption = '${
    method === "md5" ? "md5" : "scram-sha-256"
  }'\n` +
  `create role ${name} login password '${password}'\n`
).join("");

/**
 * The template cluster of a version, made if it is not there yet.
 *
 * @param programs the programs of that version
 * @returns the folder to copy
 */
export async function templateCluster(programs: Binaries): Promise<string> {
  // A changed recipe makes another template.
  const recipe = await digest(SETTINGS + HBA + BOOTSTRAP);
  const path = join(
    await cacheFolder("template"),
    `${programs.packageVersion}-${recipe}`,
  );
  if (await exists(path)) return path;
  await withCacheLock(async () => {
    if (!await exists(path)) await build(programs, path);
  });
  return path;
}

async function build(programs: Binaries, path: string): Promise<void> {
  console.error(`Preparing a PostgreSQL ${programs.version} cluster …`);
  const work = await cacheFolder("tmp", crypto.randomUUID());
  const data = join(work, "data");
  const options = { ...asServerUser, ...cleanEnvironment, cwd: work };
  try {
    await Deno.mkdir(data, { mode: 0o700 });
    await giveToServerUser(data);
    await run(programs.initdb, {
      ...options,
      // deno-fmt-ignore
      args: [
        "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
        "--locale=C", "--no-sync",
      ],
    });
    await Deno.writeTextFile(join(data, "postgresql.conf"), SETTINGS, {
      append: true,
    });
    await Deno.writeTextFile(join(data, "pg_hba.conf"), HBA);
    await run(programs.postgres, {
      ...options,
      args: ["--single", "-D", data, "postgres"],
      input: BOOTSTRAP,
    });
    await Deno.rename(data, path);
  } finally {
    await removeAll(work);
  }
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  return new Uint8Array(bytes, 0, 4).toHex();
}
