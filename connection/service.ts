/**
 * Service files: named sets of connection parameters.
 *
 * Chapter "The Connection Service File" of PostgreSQL's documentation. What a
 * service gives stands below what is given explicitly and above the environment.
 *
 * @module
 */

import { NotSupportedError, OperationalError } from "../errors/base.ts";
import { PARAMETERS } from "./conninfo_table.ts";
import { checkText } from "./conninfo_values.ts";
import { homeDirectory, isWindows, readEnv } from "./environment.ts";
import { readOptionalFile } from "./files.ts";

/**
 * The parameters of a service. They are looked for in the file that
 * PGSERVICEFILE names, else in `~/.pg_service.conf`, and if the service is not
 * there in `pg_service.conf` in the directory that PGSYSCONFDIR names.
 *
 * @param service The parameter `service` where it is given explicitly, else PGSERVICE counts.
 * @returns The parameters by keyword; none if no service is asked for.
 * @throws {OperationalError} If there is no such service, or a line of it is malformed.
 * @throws {NotSupportedError} If the service is to be looked up by LDAP.
 * @throws {DataError} If a value cannot be sent to a server.
 */
export async function serviceParameters(
  service: string | undefined,
): Promise<Record<string, string>> {
  const name = service ?? readEnv("PGSERVICE");
  if (name === null) return {};
  const named = readEnv("PGSERVICEFILE");
  for (const path of [named ?? userFile(), systemFile()]) {
    if (path === null) continue;
    const text = await readOptionalFile(path);
    const found = text === null ? null : parseService(text, name, path);
    if (found !== null) return found;
    if (text === null && path === named) {
      throw new OperationalError(
        `Cannot read the service file ${
          JSON.stringify(path)
        }: it does not exist or must not be read, correct PGSERVICEFILE, or run Deno with --allow-read for that file`,
      );
    }
  }
  // The name is not told: in a malformed connection string it may be part of a password.
  const source = service === undefined
    ? "PGSERVICE"
    : 'the parameter "service"';
  throw new OperationalError(
    `Cannot find the service that ${source} names: no service file that can be read defines it, set PGSERVICEFILE, and run Deno with --allow-env and --allow-read for that file`,
  );
}

function userFile(): string | null {
  if (isWindows()) {
    const data = readEnv("APPDATA");
    return data ? `${data}\\postgresql\\.pg_service.conf` : null;
  }
  const home = homeDirectory();
  return home === null ? null : `${home}/.pg_service.conf`;
}

function systemFile(): string | null {
  const directory = readEnv("PGSYSCONFDIR");
  return directory === null ? null : `${directory}/pg_service.conf`;
}

/**
 * Finds a service in the text of a service file.
 *
 * @param text The text of the file.
 * @param service The name of the service.
 * @param path Where the file is, for messages.
 * @returns The parameters by keyword, or `null` if the service is not there.
 * @throws {OperationalError} If a line of the service is malformed, names an
 * unknown parameter or another service.
 * @throws {NotSupportedError} If a line of the service is the address of an LDAP server.
 * @throws {DataError} If a value cannot be sent to a server.
 */
export function parseService(
  text: string,
  service: string,
  path: string,
): Record<string, string> | null {
  const heading = `[${service}]`;
  let out: Record<string, string> | null = null;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = trim(raw);
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (out !== null) return out;
      if (line.startsWith(heading)) out = {};
    } else if (out !== null) {
      addParameter(out, line, `line ${index + 1} of ${JSON.stringify(path)}`);
    }
  }
  return out;
}

/** The white space that libpq knows, around a line and nowhere else. */
function trim(line: string): string {
  return line.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, "");
}

function addParameter(
  out: Record<string, string>,
  line: string,
  where: string,
): void {
  if (line.startsWith("ldap")) {
    throw new NotSupportedError(
      `Cannot use the service: ${where} asks an LDAP server, which pgts cannot do, write the parameters into the file`,
    );
  }
  const end = line.indexOf("=");
  if (end < 0) {
    throw new OperationalError(
      `Cannot use the service: ${where} has no "=", write a parameter, "=" and its value without spaces around it`,
    );
  }
  const keyword = line.slice(0, end);
  if (keyword === "service") {
    throw new OperationalError(
      `Cannot use the service: ${where} names another service, which a service must not do`,
    );
  }
  if (!PARAMETERS.has(keyword)) {
    throw new OperationalError(
      `Cannot use the service: ${where} names an unknown parameter, correct it, without spaces around "="`,
    );
  }
  const value = line.slice(end + 1);
  checkText(value, `the parameter "${keyword}" of the service`);
  // The first one wins.
  out[keyword] ??= value;
}
