/**
 * Connection strings: taken apart, put together, and the defaults of what they
 * leave out.
 *
 * The two forms are parsed in `conninfo_keywords.ts` and `conninfo_uri.ts`; what
 * a connection makes of the parameters is in `options.ts`.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { formatKeywords, parseKeywords } from "./conninfo_keywords.ts";
import {
  type ConninfoParameter,
  type ParameterRow,
  PARAMETERS,
  sslModeOfRequireSsl,
} from "./conninfo_table.ts";
import { isUri, parseUri } from "./conninfo_uri.ts";
import { checkText, parametersFromObject } from "./conninfo_values.ts";
import { environmentReader, osUserName } from "./environment.ts";
import type { ConnectionParameters } from "./parameters.ts";

export type { ConninfoParameter } from "./conninfo_table.ts";

/** A connection parameter, and the value it has where nothing is given. */
export interface ConninfoDefault extends ConninfoParameter {
  /**
   * The value from the environment, else the built-in one, else `null`. That
   * of a secret is there but not enumerable, so that printing does not show it.
   */
  readonly val: string | null;
}

/**
 * Takes a connection string apart, by libpq's rules.
 *
 * @param conninfo A string of keywords and values, or a URI.
 * @param overrides Parameters that win over those in the string, in either
 * spelling; `null` and `undefined` leave a parameter as it is.
 * @returns The parameters by libpq's keyword. Nothing is added to what is given.
 * @throws {ProgrammingError} If the string is malformed or names an unknown
 * parameter. The message never quotes the string.
 * @throws {DataError} If there is a NUL character in it.
 *
 * @example
 * ```ts
 * import { conninfoToDict } from "@x/pgts";
 *
 * console.log(conninfoToDict("postgresql://ann@h1,h2:5433/shop", { port: 5432 }));
 * // { user: "ann", host: "h1,h2", port: "5432", dbname: "shop" }
 * ```
 */
export function conninfoToDict(
  conninfo: string | URL = "",
  overrides: ConnectionParameters = {},
): Record<string, string> {
  const text = conninfo instanceof URL ? conninfo.href : conninfo;
  if (typeof text !== "string") {
    throw new ProgrammingError(
      `Cannot parse the connection string: it must be a string or a URL, not of type "${typeof text}"`,
    );
  }
  checkText(text, "the connection string");
  const parameters = isUri(text) ? parseUri(text) : parseKeywords(text);
  return Object.assign(parameters, parametersFromObject(overrides));
}

/**
 * Puts a connection string together.
 *
 * @param conninfo A connection string to begin with.
 * @param parameters Parameters that are added to it or win over those in it;
 * `null` and `undefined` leave a parameter as it is.
 * @returns `conninfo` as it is if there are no other parameters, else a string
 * of keywords and values.
 * @throws {ProgrammingError} If the string is malformed, or a parameter unknown.
 * @throws {DataError} If there is a NUL character in it.
 *
 * @example
 * ```ts
 * import { makeConninfo } from "@x/pgts";
 *
 * console.log(makeConninfo("dbname=shop", { user: "ann", connectTimeout: 5 }));
 * // dbname=shop user=ann connect_timeout=5
 * ```
 */
export function makeConninfo(
  conninfo: string | URL = "",
  parameters: ConnectionParameters = {},
): string {
  const all = conninfoToDict(conninfo, parameters);
  const added = Object.values(parameters).some((value) =>
    value !== null && value !== undefined
  );
  return added ? formatKeywords(all) : String(conninfo);
}

/**
 * Every connection parameter with its default, as the environment has it now.
 * Variables that pgts has no permission to read count as not set.
 *
 * @returns The parameters in libpq's order.
 *
 * @example
 * ```ts
 * import { conninfoDefaults } from "@x/pgts";
 *
 * const port = conninfoDefaults().find(({ keyword }) => keyword === "port");
 * console.log(port?.envvar, port?.compiled); // PGPORT 5432
 * ```
 */
export function conninfoDefaults(): ConninfoDefault[] {
  const environment = environmentParameters();
  return [...PARAMETERS.values()].map((row) => withValue(row, environment));
}

function withValue(
  row: ParameterRow,
  environment: Readonly<Record<string, string>>,
): ConninfoDefault {
  const { keyword, envvar, compiled, label, dispchar, dispsize } = row;
  const val = environment[keyword] ?? compiled ??
    (keyword === "user" ? osUserName() : null);
  const out = { keyword, envvar, compiled, val, label, dispchar, dispsize };
  if (dispchar === "*") {
    Object.defineProperty(out, "val", { enumerable: false });
  }
  return out;
}

/**
 * The parameters that the environment gives.
 *
 * @returns The parameters by keyword.
 */
export function environmentParameters(): Record<string, string> {
  const out: Record<string, string> = {};
  const read = environmentReader();
  for (const { keyword, envvar } of PARAMETERS.values()) {
    const value = envvar === null ? null : read(envvar);
    if (value !== null) out[keyword] = value;
  }
  // Older than PGSSLMODE, and of use only without it.
  if (out.sslmode === undefined) {
    const required = read("PGREQUIRESSL");
    if (required !== null) out.sslmode = sslModeOfRequireSsl(required);
  }
  return out;
}
