/**
 * Files that parameters of the connection name or imply: read and looked at
 * without ever prompting for a permission.
 *
 * @module
 */

import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { OperationalError } from "../errors/base.ts";
import { isGranted, isWindows } from "./environment.ts";

/** What the checks of owners and modes need to know of a file. */
export interface FileStatus {
  /** Whether it is an ordinary file. */
  readonly isFile: boolean;
  /** The permission bits, or `null` where the system has none. */
  readonly mode: number | null;
  /** The user ID of the owner, or `null` where the system has none. */
  readonly uid: number | null;
}

/**
 * Reads a file that may be there, such as a password file in the home directory.
 *
 * @param path Where it would be.
 * @returns Its text, or `null` if it does not exist or must not be read.
 */
export async function readOptionalFile(path: string): Promise<string | null> {
  try {
    return isGranted({ name: "read", path })
      ? await readFile(path, "utf8")
      : null;
  } catch {
    return null;
  }
}

/**
 * Reads a file that a parameter names.
 *
 * @param path Where it is.
 * @param keyword The parameter, for the message. The path is left out of it: it
 * may be part of a password in a connection string that was taken apart wrongly.
 * @returns Its text.
 * @throws {OperationalError} If it cannot be read, naming the grant if that is why.
 */
export async function readNamedFile(
  path: string,
  keyword: string,
): Promise<string> {
  const what = `Cannot read the file that "${keyword}" names`;
  if (!isGranted({ name: "read", path })) {
    throw new OperationalError(
      `${what}: a permission is missing, run Deno with --allow-read for that file`,
    );
  }
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    // The error itself is not kept as the cause, because it names the path.
    const { code } = error as { code?: string };
    const reason = code === "ENOENT"
      ? "it does not exist"
      : code === "EACCES"
      ? "the operating system does not allow it"
      : code === "EISDIR"
      ? "it is a directory"
      : "the operating system reports an error";
    throw new OperationalError(`${what}: ${reason}`);
  }
}

/**
 * Looks at a file.
 *
 * @param path Where it is.
 * @returns What it is like, or `null` if it does not exist or must not be looked at.
 */
// deno-lint-ignore require-await -- how it looks is not for callers to rely on
export async function statOptionalFile(
  path: string,
): Promise<FileStatus | null> {
  try {
    if (!isGranted({ name: "read", path })) return null;
    // At once: most often there is none, and each hop would delay the connection.
    // An error that nobody sees would cost more than the question.
    if (!existsSync(path)) return null;
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return null;
    const isFile = status.isFile();
    return isWindows()
      ? { isFile, mode: null, uid: null }
      : { isFile, mode: status.mode & 0o7777, uid: status.uid };
  } catch {
    return null;
  }
}
