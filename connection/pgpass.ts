/**
 * The password file: where it is, whether it may be trusted, and which of its
 * lines is for a server.
 *
 * Chapter "The Password File" of PostgreSQL's documentation.
 *
 * @module
 */

import { homeDirectory, isGranted, isWindows, readEnv } from "./environment.ts";
import { readNamedFile, readOptionalFile, statOptionalFile } from "./files.ts";
import type { WarningHandler } from "./warnings.ts";

/** What a password is looked up by. */
export interface PasswordKey {
  /** The name of the host as it was given, or the directory of its socket. */
  readonly host: string;
  /** Its IP address, which counts only where there is no name. */
  readonly hostaddr?: string | null | undefined;
  /** The port. */
  readonly port: number;
  /** The name of the database. */
  readonly dbname: string;
  /** The name of the role. */
  readonly user: string;
}

/**
 * Finds the password for a server, `null` where there is none. It is a function
 * so that nobody prints the passwords with the object that holds them.
 */
export type PasswordLookup = (key: PasswordKey) => string | null;

/** Which password file to read. */
export interface PasswordFileOptions {
  /** The parameter `passfile`, from whatever source. */
  readonly passfile?: string | undefined;
  /** Whether it was given explicitly rather than by PGPASSFILE. */
  readonly explicit?: boolean | undefined;
  /** Gets a warning if there is a file that must not be used. */
  readonly warn: WarningHandler;
}

/** Directories that builds of libpq have as the default one for sockets. */
const DEFAULT_SOCKET_DIRECTORIES: ReadonlySet<string> = new Set([
  "/tmp",
  "/var/run/postgresql",
]);
/** The permission bits that nobody but the owner may have. */
const GROUP_AND_WORLD = 0o077;
/** Text up to a colon that is not escaped. */
const UNTIL_COLON = /^(?:[^\\:]|\\.)*(?=:)/s;

/**
 * Reads the password file.
 *
 * @param options Which file, and where warnings go.
 * @returns The look-up; one that finds nothing where there is no file, where it
 * must not be read, or where others than its owner could have read it.
 * @throws {OperationalError} If a file was named explicitly and the permission
 * to read it is missing.
 */
export async function openPasswordFile(
  options: PasswordFileOptions,
): Promise<PasswordLookup> {
  const { passfile, explicit = false, warn } = options;
  const path = passfile || defaultPasswordFile();
  if (path === null) return findNothing;
  const named = explicit && Boolean(passfile);
  if (named && !isGranted({ name: "read", path })) {
    await readNamedFile(path, "passfile");
  }
  const status = await statOptionalFile(path);
  if (status === null) return findNothing;
  // A path from a connection string may be a piece of a password.
  const what = named ? 'that "passfile" names' : JSON.stringify(path);
  if (status.mode !== null && !status.isFile) {
    warn(`The password file ${what} is ignored: it is not a plain file`);
    return findNothing;
  }
  if (status.mode !== null && (status.mode & GROUP_AND_WORLD) !== 0) {
    warn(
      `The password file ${what} is ignored: others than its owner have access, set its permissions to 0600 or less`,
    );
    return findNothing;
  }
  const text = await readOptionalFile(path);
  return text === null ? findNothing : (key) => findPassword(text, key);
}

function findNothing(): null {
  return null;
}

function defaultPasswordFile(): string | null {
  if (isWindows()) {
    const data = readEnv("APPDATA");
    return data ? `${data}\\postgresql\\pgpass.conf` : null;
  }
  const home = homeDirectory();
  return home === null ? null : `${home}/.pgpass`;
}

/**
 * Finds the password for a server in the text of a password file. The first
 * line that fits wins, even if its password is empty.
 *
 * @param text The text of the file.
 * @param key What to look up.
 * @returns The password, or `null` if no line fits.
 */
export function findPassword(text: string, key: PasswordKey): string | null {
  const { dbname, user } = key;
  if (dbname === "" || user === "") return null;
  const host = key.host || key.hostaddr || "";
  const isDefault = host === "" || DEFAULT_SOCKET_DIRECTORIES.has(host);
  const wanted = [
    isDefault ? "localhost" : host,
    String(key.port),
    dbname,
    user,
  ];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const rest = afterFields(line.replace(/\r+$/, ""), wanted);
    if (rest !== null) return passwordIn(rest);
  }
  return null;
}

/** What stands behind the fields of a line, or `null` if one of them differs. */
function afterFields(line: string, wanted: readonly string[]): string | null {
  let at = 0;
  for (const value of wanted) {
    at = afterField(line, at, value);
    if (at < 0) return null;
  }
  return line.slice(at);
}

/**
 * Where the next field begins, or -1 if this one differs. It is compared with
 * what it should be rather than cut at a colon: as in libpq, a colon that the
 * value has need not be escaped, which lets a plain `::1` stand for itself.
 */
function afterField(line: string, start: number, value: string): number {
  if (line.startsWith("*:", start)) return start + 2;
  let at = start;
  for (let index = 0; index < value.length; index++, at++) {
    if (line[at] === "\\") at++;
    if (line[at] !== value[index]) return -1;
  }
  return line[at] === ":" ? at + 1 : -1;
}

/**
 * The password, up to a colon that is not escaped: what follows is ignored. A
 * backslash at the very end stands for itself.
 */
function passwordIn(rest: string): string {
  const [password = rest] = UNTIL_COLON.exec(rest) ?? [];
  return password.replace(/\\(.)/gs, "$1");
}
