/**
 * PgBouncer in front of a test server. It is Debian's package `pgbouncer`, which
 * `.ci/run` installs where it can; without it the tests that need it are left
 * out, unless they run under CI.
 *
 * @module
 */

import { join } from "node:path";
import {
  asServerUser,
  cacheFolder,
  cleanEnvironment,
  exists,
  giveToServerUser,
  isAlive,
  removeAll,
  run,
  startedAt,
  waitFor,
} from "../../scripts/server_cache.ts";
import { PGBOUNCER } from "../../scripts/pgbouncer_program.ts";
import { sendSignal } from "../../scripts/server_registry.ts";
import { SUPERVISOR } from "../../scripts/server_supervisor.ts";
import { parseDsn, testDsn } from "./database.ts";

/** When a connection to the server is given to another client. */
export type PoolMode = "session" | "transaction" | "statement";

/** What can be asked of a PgBouncer. */
export interface PgBouncerOptions {
  /** When a connection to the server is given to another client. */
  poolMode: PoolMode;
  /** The server; the test server if none is given. */
  dsn?: string;
  /** More lines of its configuration, by name. */
  settings?: Record<string, string>;
}

/** A running PgBouncer. */
export interface PgBouncer extends AsyncDisposable {
  /** Its port on 127.0.0.1. */
  readonly port: number;
  /** A connection string to the server through it. */
  readonly dsn: string;
  /** A connection string to its console. */
  readonly consoleDsn: string;
  /** The folder of its Unix socket. */
  readonly socketDir: string;
  /** What it has logged. */
  log(): Promise<string>;
}

/** Roles that the template cluster of the test server has, and their passwords. */
const USERS = '"postgres" ""\n"pgts_scram" "scram pass"\n';

/**
 * Registers a test that needs PgBouncer. Where there is none it is left out, and
 * under CI it fails.
 *
 * @param name The name of the test.
 * @param fn The test.
 */
export function testPooler(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name,
    ignore: PGBOUNCER === null && !Deno.env.get("CI"),
    fn,
  });
}

/**
 * Starts a PgBouncer.
 *
 * @param options What is wanted of it.
 * @returns The PgBouncer, ready for connections.
 * @throws {Error} If there is none, or it does not start.
 */
export async function startPgBouncer(
  options: PgBouncerOptions,
): Promise<PgBouncer> {
  if (PGBOUNCER === null) {
    throw new Error(
      'Failed to start PgBouncer: it is not installed, run "apt-get install pgbouncer"',
    );
  }
  // The watcher that removes a folder runs as the server's user.
  await giveToServerUser(await cacheFolder("poolers"));
  const folder = await cacheFolder("poolers", crypto.randomUUID());
  const log = join(folder, "log");
  const config = join(folder, "pgbouncer.ini");
  const port = freePort();
  const { host, port: serverPort } = parseDsn(options.dsn ?? testDsn());
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: String(port),
    unix_socket_dir: folder,
    auth_type: "trust",
    auth_file: join(folder, "users"),
    admin_users: "postgres",
    pool_mode: options.poolMode,
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([key, value]) =>
    `${key} = ${value}`
  );
  await Deno.writeTextFile(settings.auth_file, USERS);
  await Deno.writeTextFile(
    config,
    `[databases]\n* = host=${host} port=${serverPort}\n[pgbouncer]\n${
      lines.join("\n")
    }\n`,
  );
  await giveToServerUser(folder);
  const pid = Number(
    await run("/bin/sh", {
      ...asServerUser,
      ...cleanEnvironment,
      cwd: folder,
      detached: true,
      // deno-fmt-ignore
      args: [
        "-c", SUPERVISOR, "pgts", folder, folder, log, String(Deno.pid),
        PGBOUNCER, config,
      ],
    }),
  );
  const started = startedAt(pid);
  const pooler = {
    port,
    dsn: `host=127.0.0.1 port=${port} user=postgres dbname=postgres`,
    consoleDsn: `host=127.0.0.1 port=${port} user=postgres dbname=pgbouncer`,
    socketDir: folder,
    log: () => Deno.readTextFile(log),
    async [Symbol.asyncDispose]() {
      const exit = join(folder, `exit-${pid}`);
      if (isAlive(pid) && startedAt(pid) === started) {
        sendSignal(pid, "SIGTERM");
      }
      await waitFor(() => exists(exit), 10_000);
      await removeAll(folder);
    },
  };
  const isReady = async () => (await pooler.log()).includes("process up");
  if (await waitFor(async () => !isAlive(pid) || await isReady(), 10_000)) {
    if (isAlive(pid)) return pooler;
  }
  const text = await pooler.log();
  await pooler[Symbol.asyncDispose]();
  throw new Error(`Failed to start PgBouncer: its log says\n${text}`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
