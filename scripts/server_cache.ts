/**
 * The one folder on this machine in which PostgreSQL binaries, template
 * clusters and running clusters live, and what is asked of the operating
 * system about processes and users.
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import process from "node:process";

/** The user that PostgreSQL runs as when Deno runs as root. */
const UNPRIVILEGED_UID = 65534;

/** Whether PostgreSQL must run as another user, because it refuses root. */
export const runsAsRoot: boolean = Deno.build.os !== "windows" &&
  Deno.uid() === 0;

/** What `Deno.Command` needs to run something as the server's user. */
export const asServerUser: { uid?: number; gid?: number } = runsAsRoot
  ? { uid: UNPRIVILEGED_UID, gid: UNPRIVILEGED_UID }
  : {};

/** An environment without PG* variables and with a fixed locale. */
export const cleanEnvironment: {
  clearEnv: true;
  env: Record<string, string>;
} = {
  clearEnv: true,
  env: {
    PATH: Deno.env.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin",
    LC_ALL: "C",
    TZ: "UTC",
  },
};

/**
 * Where everything is kept: `PGTS_CACHE_DIR`, or else a folder in the user's
 * cache. Root's own cache is closed to the user that the server runs as, so
 * root uses the machine's.
 *
 * @returns an absolute path, whether or not it exists yet
 */
export function cacheDir(): string {
  const given = Deno.env.get("PGTS_CACHE_DIR");
  if (given) return resolve(given);
  if (runsAsRoot) return "/var/cache/pgts";
  const home = Deno.env.get("HOME");
  const xdg = Deno.env.get("XDG_CACHE_HOME");
  if (xdg) return join(xdg, "pgts");
  if (!home) {
    throw new Error(
      "Failed to find a cache folder: neither PGTS_CACHE_DIR nor HOME is set",
    );
  }
  return Deno.build.os === "darwin"
    ? join(home, "Library", "Caches", "pgts")
    : join(home, ".cache", "pgts");
}

/**
 * Makes a folder inside the cache, and its parents.
 *
 * @param parts the path below the cache folder
 * @returns the path of the folder
 * @throws {Error} if the server's user could not reach the folder
 */
export async function cacheFolder(...parts: string[]): Promise<string> {
  const path = join(cacheDir(), ...parts);
  await Deno.mkdir(path, { recursive: true });
  if (runsAsRoot) await mustBePublic(cacheDir());
  return path;
}

async function mustBePublic(path: string): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o001) === 0) {
    throw new Error(
      `Failed to use the cache folder "${cacheDir()}": "${path}" is closed to ` +
        `the unprivileged user that PostgreSQL runs as, set PGTS_CACHE_DIR to ` +
        `a folder below public ones`,
    );
  }
  const parent = dirname(path);
  if (parent !== path) await mustBePublic(parent);
}

/**
 * Gives a path to the server's user. Does nothing for an ordinary user.
 *
 * @param path the file or folder, not what is below it
 */
export async function giveToServerUser(path: string): Promise<void> {
  if (runsAsRoot) await Deno.chown(path, UNPRIVILEGED_UID, UNPRIVILEGED_UID);
}

/**
 * Runs a task while no other process is in one. The lock is the operating
 * system's, so it ends with the process that holds it.
 *
 * @param task what to run
 * @returns what the task returns
 */
export async function withCacheLock<T>(task: () => Promise<T>): Promise<T> {
  const folder = await cacheFolder();
  using file = await Deno.open(join(folder, "lock"), {
    write: true,
    create: true,
  });
  await file.lock(true);
  return await task();
}

/**
 * Runs a program to its end.
 *
 * @param path the program
 * @param options its arguments and what `Deno.Command` takes beside them
 * @returns its standard output
 * @throws {Error} with its output, if it fails
 */
export async function run(
  path: string,
  options: Deno.CommandOptions & { input?: string },
): Promise<string> {
  const { input, ...rest } = options;
  const child = new Deno.Command(path, {
    ...rest,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    // A program that ends early breaks the pipe; its exit code says why.
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return text;
  const name = path.slice(path.lastIndexOf("/") + 1);
  throw new Error(
    `Failed to run "${name}": it ended with code ${code}\n` +
      text + new TextDecoder().decode(stderr),
  );
}

/**
 * Tells whether a process exists and is not merely waiting to be reaped.
 *
 * @param pid the process
 * @returns whether it is alive
 */
export function isAlive(pid: number): boolean {
  if (Deno.build.os === "linux") {
    const fields = statFields(pid);
    return fields !== undefined && fields[0] !== "Z" && fields[0] !== "X";
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as { code?: string }).code === "EPERM";
  }
}

/**
 * When a process began, in a unit of the operating system's: a process id
 * alone does not name a process, since ids are used again.
 *
 * @param pid the process
 * @returns the time, or "" where it cannot be known
 */
export function startedAt(pid: number): string {
  return Deno.build.os === "linux" ? statFields(pid)?.[19] ?? "" : "";
}

/** The fields of /proc/PID/stat from the third on, the state. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/**
 * Waits for a condition by asking again and again.
 *
 * @param condition what is waited for
 * @param timeout after how many milliseconds to give up
 * @returns whether the condition came true
 */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  timeout: number,
): Promise<boolean> {
  const end = performance.now() + timeout;
  while (!await condition()) {
    if (performance.now() > end) return false;
    await new Promise((done) => setTimeout(done, 10));
  }
  return true;
}

/**
 * Tells whether something is at a path.
 *
 * @param path the path
 * @returns whether it is there and can be looked at
 */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Removes a file or a folder with all that is in it, if it is there. Another
 * process may be removing the same.
 *
 * @param path what to remove
 */
export async function removeAll(path: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await Deno.remove(path, { recursive: true });
      return;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        if (!await exists(path)) return;
      } else if (attempt >= 10) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}
