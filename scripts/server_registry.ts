/**
 * Which clusters are on this machine, who owns each, and how those are ended
 * whose owner is gone.
 *
 * A running cluster is a folder below `run/` in the cache. `owner.json` in it
 * names the process that must be alive for it to stay.
 *
 * @module
 */

import { join } from "node:path";
import {
  cacheDir,
  cacheFolder,
  exists,
  giveToServerUser,
  isAlive,
  removeAll,
  startedAt,
  waitFor,
} from "./server_cache.ts";

/** What is written down about a cluster. */
export interface Owner {
  /** The process that the cluster belongs to, or null if it stays for good. */
  pid: number | null;
  /** When that process began: ids are used again. */
  startedAt: string;
  /** The major version of PostgreSQL. */
  version: string;
  /** The folder of the Unix socket, which may be outside the cluster's. */
  socketDir: string;
  /** The TCP port. */
  port: number;
}

/** The folder of one cluster. */
export interface ClusterFolder {
  /** The folder itself. */
  path: string;
  /** The data directory. */
  data: string;
  /** The file that the server's output goes to. */
  log: string;
}

/** How long a Unix socket's path may be, less the file's own name. */
const SOCKET_DIR_LIMIT = 80;

/**
 * The paths that belong to a cluster.
 *
 * @param path the cluster's folder
 * @returns its parts
 */
export function clusterFolder(path: string): ClusterFolder {
  return { path, data: join(path, "data"), log: join(path, "log") };
}

/**
 * Makes the folder of a cluster. Its name holds the owner's process id, so
 * that there is no moment at which nobody seems to own it.
 *
 * @param name the name of a cluster that stays, or undefined
 * @returns the folder, which belongs to the server's user
 */
export async function makeClusterFolder(
  name?: string,
): Promise<ClusterFolder> {
  const parent = await cacheFolder("run");
  // The watcher that removes a folder runs as the server's user.
  await giveToServerUser(parent);
  const suffix = crypto.randomUUID().slice(0, 8);
  const path = join(parent, name ?? `${Deno.pid}-${suffix}`);
  await Deno.mkdir(path, { recursive: true });
  await giveToServerUser(path);
  return clusterFolder(path);
}

/**
 * The folder for a cluster's Unix socket: in the cluster's own folder, unless
 * that would make the path longer than the system allows.
 *
 * @param folder the cluster
 * @returns the path, which exists
 */
export async function makeSocketDir(folder: ClusterFolder): Promise<string> {
  let path = join(folder.path, "s");
  if (path.length > SOCKET_DIR_LIMIT) {
    const suffix = folder.path.slice(folder.path.lastIndexOf("/") + 1);
    path = `/tmp/pgts-${suffix}`;
  }
  await Deno.mkdir(path, { recursive: true });
  await giveToServerUser(path);
  return path;
}

/**
 * Writes down who owns a cluster.
 *
 * @param folder the cluster
 * @param owner what to write
 */
export async function writeOwner(
  folder: ClusterFolder,
  owner: Owner,
): Promise<void> {
  const path = join(folder.path, "owner.json");
  await Deno.writeTextFile(path, JSON.stringify(owner));
}

/**
 * Reads who owns a cluster.
 *
 * @param folder the cluster
 * @returns what is written there, or undefined
 */
export async function readOwner(
  folder: ClusterFolder,
): Promise<Owner | undefined> {
  try {
    const path = join(folder.path, "owner.json");
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined;
  }
}

/**
 * Every cluster in the cache folder.
 *
 * @returns their folders
 */
export async function listClusters(): Promise<ClusterFolder[]> {
  const parent = join(cacheDir(), "run");
  if (!await exists(parent)) return [];
  const names: string[] = [];
  for await (const entry of Deno.readDir(parent)) names.push(entry.name);
  return names.sort().map((name) => clusterFolder(join(parent, name)));
}

/**
 * The process of a cluster's server.
 *
 * @param folder the cluster
 * @returns the process id, or undefined if no server runs there
 */
export async function serverPid(
  folder: ClusterFolder,
): Promise<number | undefined> {
  const lines = await postmasterLines(folder);
  const pid = Number(lines[0]);
  if (!(pid > 1) || !isAlive(pid)) return undefined;
  if (Deno.build.os !== "linux") return pid;
  // The file outlives a killed server, and its number may be taken by now.
  try {
    const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    return command.includes(folder.data) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The lines of a server's own status file.
 *
 * @param folder the cluster
 * @returns the lines, none if there is no such file
 */
export async function postmasterLines(
  folder: ClusterFolder,
): Promise<string[]> {
  try {
    const path = join(folder.data, "postmaster.pid");
    return (await Deno.readTextFile(path)).split("\n");
  } catch {
    return [];
  }
}

/**
 * Ends a cluster's server, however unwilling it is.
 *
 * @param folder the cluster
 */
export async function endServer(folder: ClusterFolder): Promise<void> {
  const pid = await serverPid(folder);
  if (pid === undefined) return;
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    sendSignal(pid, signal);
    if (await waitFor(() => !isAlive(pid), 5000)) return;
  }
}

/**
 * Sends a signal to a process that may be gone already.
 *
 * @param pid the process
 * @param signal the signal
 */
export function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (isAlive(pid)) throw error;
  }
}

/**
 * Removes a cluster from the disk. Its server must have ended.
 *
 * @param folder the cluster
 */
export async function removeCluster(folder: ClusterFolder): Promise<void> {
  const owner = await readOwner(folder);
  if (owner && !owner.socketDir.startsWith(folder.path)) {
    await removeAll(owner.socketDir);
  }
  await removeAll(folder.path);
}

/**
 * Ends and removes the clusters whose owner is gone.
 *
 * @returns how many there were
 */
export async function sweep(): Promise<number> {
  let count = 0;
  for (const folder of await listClusters()) {
    if (await isOwned(folder)) continue;
    await endServer(folder);
    await removeCluster(folder);
    count++;
  }
  return count;
}

async function isOwned(folder: ClusterFolder): Promise<boolean> {
  const name = folder.path.slice(folder.path.lastIndexOf("/") + 1);
  const owner = await readOwner(folder);
  if (owner?.pid === null) return true;
  const pid = Number.parseInt(name);
  // Not made by an owner that can die, such as one that is being made.
  if (Number.isNaN(pid)) return true;
  if (!isAlive(pid)) return false;
  return owner === undefined || owner.startedAt === startedAt(pid);
}
