/**
 * Files of certificates, keys and revocation lists: read as bytes, with the
 * rules about who else may read a key.
 *
 * @module
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { OperationalError } from "../errors/base.ts";
import { homeDirectory, isGranted, isWindows, readEnv } from "./environment.ts";
import { statOptionalFile } from "./files.ts";
import type { PemSource } from "./tls_options.ts";

/** What is read for a parameter. */
export interface Loaded {
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** How to name it in a message, for example `the file that "sslcert" names`. */
  readonly name: string;
}

/** A parameter and the file in the home directory that stands for it. */
export interface DefaultFile {
  /** The parameter. */
  readonly keyword: string;
  /** The name of the file in `~/.postgresql`. */
  readonly file: string;
}

/** The names of the files that are used by default. */
export const DEFAULT_FILES: Readonly<
  Record<"roots" | "certificate" | "key" | "revoked", DefaultFile>
> = {
  roots: { keyword: "sslrootcert", file: "root.crt" },
  certificate: { keyword: "sslcert", file: "postgresql.crt" },
  key: { keyword: "sslkey", file: "postgresql.key" },
  revoked: { keyword: "sslcrl", file: "root.crl" },
};

/**
 * Reads what a parameter gives, names or implies.
 *
 * @param source Where it is.
 * @param parameter Which one.
 * @returns What was read; `null` if there is only a default and no such file.
 * @throws {OperationalError} If a file that is there or is named cannot be read.
 */
export async function loadSource(
  source: PemSource,
  { keyword, file }: DefaultFile,
): Promise<Loaded | null> {
  switch (source.kind) {
    case "text":
      return {
        bytes: new TextEncoder().encode(source.text),
        name: `the text of "${keyword}"`,
      };
    case "file":
      return {
        bytes: await readNamed(
          source.path,
          `the file that "${keyword}" names`,
          "for that file",
        ),
        name: `the file that "${keyword}" names`,
      };
    default: {
      const path = defaultPath(file);
      if (path === null || await statOptionalFile(path) === null) return null;
      const name = `"${path}"`;
      return { bytes: await readNamed(path, name, "for that file"), name };
    }
  }
}

/** The path of a file in the user's directory for PostgreSQL; `null` without a home. */
export function defaultPath(file: string): string | null {
  if (isWindows()) {
    const data = readEnv("APPDATA");
    return data ? `${data}\\postgresql\\${file}` : null;
  }
  const home = homeDirectory();
  return home ? `${home}/.postgresql/${file}` : null;
}

async function readNamed(
  path: string,
  name: string,
  grant: string,
): Promise<Uint8Array> {
  if (!isGranted({ name: "read", path })) throw missingGrant(name, grant);
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(name, error);
  }
}

function missingGrant(name: string, grant: string): OperationalError {
  return new OperationalError(
    `Cannot read ${name}: a permission is missing, run Deno with --allow-read ${grant}`,
  );
}

/** The error itself is not kept as the cause, because it names the path. */
function fileError(name: string, error: unknown): OperationalError {
  const { code } = error as { code?: string };
  const reason = code === "ENOENT" || code === "ENOTDIR"
    ? "it does not exist"
    : code === "EACCES"
    ? "the operating system does not allow it"
    : code === "EISDIR"
    ? "it is a directory"
    : "the operating system reports an error";
  return new OperationalError(`Cannot read ${name}: ${reason}`);
}

/**
 * Reads the files of a directory of revocation lists: those that end in `.crl`,
 * `.pem`, or as OpenSSL names them, `.r0` and on.
 *
 * @param path The directory.
 * @returns What is in the files.
 * @throws {OperationalError} If the directory or one of the files cannot be read.
 */
export async function loadDirectory(path: string): Promise<Loaded[]> {
  const name = 'the directory that "sslcrldir" names';
  if (!isGranted({ name: "read", path })) {
    throw missingGrant(name, "for that directory");
  }
  let files: string[];
  try {
    files = await readdir(path);
  } catch (error) {
    throw fileError(name, error);
  }
  const lists = files.filter((file) => /\.(crl|pem|r\d+)$/i.test(file)).sort();
  return await Promise.all(lists.map(async (file) => {
    const one = `${JSON.stringify(file)} in ${name}`;
    const bytes = await readNamed(`${path}/${file}`, one, "for that directory");
    return { bytes, name: one };
  }));
}

/**
 * Checks that nobody but its owner may use the file of a key, as libpq does:
 * a group may read it if the file belongs to root.
 *
 * @param source Where the key is.
 * @param name How to name it in the message.
 * @throws {OperationalError} If others may, or it is no ordinary file.
 */
export async function checkKeyFile(
  source: PemSource,
  name: string,
): Promise<void> {
  const path = source.kind === "file"
    ? source.path
    : source.kind === "default"
    ? defaultPath(DEFAULT_FILES.key.file)
    : null;
  if (path === null) return;
  let status;
  try {
    status = await stat(path);
  } catch (error) {
    throw fileError(name, error);
  }
  if (!status.isFile()) {
    throw new OperationalError(`Cannot use ${name}: it is no ordinary file`);
  }
  if (isWindows()) return;
  const forbidden = status.uid === 0 ? 0o037 : 0o077;
  if (status.mode & forbidden) {
    throw new OperationalError(
      `Cannot use ${name}: others than its owner have access to the file, set its mode to 0600, or to 0640 if it belongs to root`,
    );
  }
}
