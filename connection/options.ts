/**
 * The parameters of a connection from all their sources: options, connection
 * string, environment, defaults.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { PasswordSource } from "../protocol/auth_password.ts";
import type { ScramSecret } from "../protocol/auth_scram.ts";
import type { AdaptersMap } from "../types/adapters_map.ts";
import { conninfoToDict, environmentParameters } from "./conninfo.ts";
import {
  checkParameters,
  type Naming,
  parseInteger,
  parsePort,
} from "./conninfo_check.ts";
import { PARAMETERS } from "./conninfo_table.ts";
import { checkText, parametersFromObject } from "./conninfo_values.ts";
import { osUserName, readEnv } from "./environment.ts";
import type { ConnectionParameters } from "./parameters.ts";
import { parseScramKeys } from "./scram_keys.ts";

export type {
  AnyText,
  ConnectionParameters,
  LibpqKeyword,
  LibpqParameters,
  ParameterValue,
  PasswordOption,
} from "./parameters.ts";

/** Where adapters can be taken from: a connection, a cursor, `adapters` itself. */
export interface AdaptContext {
  /** The loaders and dumpers. */
  readonly adapters: AdaptersMap;
}

/** Settings of the driver that a connection is made with. */
export interface DriverSettings {
  /**
   * Whether every statement is a transaction of its own.
   *
   * @default {false}
   */
  autocommit?: boolean | undefined;
  /**
   * How often a statement is run before it is prepared: 0 prepares at once,
   * `null` never. What a name in it means may change meanwhile, by
   * `set search_path` or by another table of this name: it then means what it
   * means now. Only inside a transaction that can be an error, once: a
   * FeatureNotSupported if its columns are others.
   *
   * @default {5}
   */
  prepareThreshold?: number | null | undefined;
  /**
   * The most statements that are prepared at a time; `null` for no limit.
   *
   * @default {100}
   */
  preparedMax?: number | null | undefined;
  /** Whose adapters to begin with. By default the global ones. */
  context?: AdaptContext | undefined;
  /**
   * What int8 values are read as. As `number` a value outside of the safe range
   * is a DataError.
   *
   * @default {"bigint"}
   */
  int8?: "bigint" | "number" | undefined;
  /** Aborts connecting. */
  signal?: AbortSignal | undefined;
  /** Gets warnings. By default they go to `console.warn`. */
  onWarning?: ((message: string) => void) | undefined;
  /**
   * How many seconds a statement may take to end after its signal was aborted,
   * before the connection is given up. `Infinity` waits without an end.
   *
   * @default {10}
   */
  cancelTimeout?: number | undefined;
  /** The most bytes that a message from the server may have. */
  maxMessageSize?: number | undefined;
  /**
   * The most rows that the results of a statement may have: ResultTooLarge if
   * there are more, and the connection goes on. By default there is no limit.
   */
  maxRows?: number | undefined;
  /**
   * The most bytes that the rows of a statement's results may have, as the
   * server sends them: ResultTooLarge if there are more, and the connection goes
   * on. By default there is no limit.
   */
  maxResultBytes?: number | undefined;
  /**
   * How many notifications may wait to be read by `notifies()`. What comes while
   * so many wait is dropped, and one warning says so. A server must not be made
   * to wait instead: it keeps what one session does not take for all of them.
   *
   * @default {10_000}
   */
  maxPendingNotifies?: number | undefined;
  /**
   * The most SCRAM iterations that the server may ask for.
   *
   * @default {100_000}
   */
  scramMaxIterations?: number | undefined;
  /**
   * The parameters that the connection string may set, in camelCase or in
   * libpq's spelling, where it comes from somebody who is not trusted, such as a
   * tenant. A string that sets another is refused, and what this process has of
   * its own is left out, so that none of its secrets goes to a host that the
   * string names: `PG*` variables, the password file, service files and the
   * client certificate in the home directory. What the options give holds as
   * ever, and wins over the string.
   */
  allowedParameters?: readonly string[] | undefined;
}

/** What there is beside options and connection string. */
export interface AmbientSources {
  /** The parameters of the service, if there is one. */
  readonly service?: Readonly<Record<string, string>>;
  /**
   * Whether the environment and the files in the home directory count.
   *
   * @default {true}
   */
  readonly ambient?: boolean;
}

/** What a connection is to be made with. */
export interface ResolvedParameters {
  /**
   * The parameters by libpq's keyword: `host` or `hostaddr`, `user` and
   * `dbname` always, of the others those that are neither empty nor as built
   * in. Integers are in canonical form. Without the password and other secrets.
   */
  readonly parameters: Record<string, string>;
  /** The password, apart from the rest so that nobody prints it. */
  readonly password: PasswordSource;
  /** The password file, and whether it was named explicitly. */
  readonly passwordFile: {
    readonly passfile: string | undefined;
    readonly explicit: boolean;
  };
  /** The keys that SCRAM uses instead of the password. */
  readonly scramKeys: ScramSecret | null;
  /** The password of the client's key, apart for the same reason. */
  readonly sslPassword: string | null;
  /** The parameters as they were given, with those that are as built in. */
  readonly given: Readonly<Record<string, string>>;
  /** The most seconds that connecting may take; `null` for no limit. */
  readonly connectTimeout: number | null;
  /** Settings of the server for the session, from PGDATESTYLE, PGTZ and PGGEQO. */
  readonly settings: Record<string, string>;
}

/** Seconds to wait where no connect_timeout is given. */
export const DEFAULT_CONNECT_TIMEOUT = 130;
/** What a timer can hold, in seconds: 24 days. */
const MAX_TIMEOUT = 2 ** 31 / 1000 - 1;
/** Where to connect if nothing says so. libpq would take its socket directory. */
const DEFAULT_HOST = "localhost";

const SETTINGS_BY_VARIABLE = [
  ["PGDATESTYLE", "datestyle"],
  ["PGTZ", "timezone"],
  ["PGGEQO", "geqo"],
] as const;

/**
 * Works out what to connect with. Options win over the connection string, which
 * wins over the service, which wins over the environment.
 *
 * @param conninfo A connection string, if one was given.
 * @param options Parameters, and among them settings of the driver.
 * @param driverKeys The names of those settings.
 * @param sources Where else parameters come from.
 * @returns The parameters, checked.
 * @throws {ProgrammingError} If a parameter is malformed or unknown. Neither
 * this nor the others quote what may be a secret.
 * @throws {DataError} If a parameter contains a NUL character.
 * @throws {NotSupportedError} If a parameter asks for what pgts cannot do.
 */
export function resolveParameters(
  conninfo: string | URL | undefined,
  options: ConnectionParameters,
  driverKeys: ReadonlySet<string>,
  { service = {}, ambient = true }: AmbientSources = {},
): ResolvedParameters {
  const { password: given } = options;
  const ignored = typeof given === "function"
    ? new Set([...driverKeys, "password"])
    : driverKeys;
  // The first source that has a parameter wins.
  const fromEnvironment = ambient ? environmentParameters() : {};
  const sources = [
    parametersFromObject(options, ignored),
    conninfoToDict(conninfo),
    service,
    fromEnvironment,
  ];
  const all: Record<string, string> = Object.assign(
    {},
    ...sources.toReversed(),
  );
  const nameOf: Naming = (keyword) => {
    const source = sources.find((one) => one[keyword] !== undefined);
    const { envvar } = PARAMETERS.get(keyword) ?? {};
    return source === fromEnvironment
      ? `the parameter "${keyword}" from the environment variable ${envvar}`
      : `the parameter "${keyword}"`;
  };
  const {
    password: text,
    connect_timeout: timeout,
    passfile,
    sslpassword: sslPassword = null,
    scram_client_key: scramClientKey = "",
    scram_server_key: scramServerKey = "",
    ...rest
  } = all;
  // Else the client certificate in the home directory would be shown.
  if (!ambient && !rest.sslcert) rest.sslcertmode ??= "disable";
  const passwordFile = {
    passfile,
    explicit: sources.some((one) =>
      one !== fromEnvironment && one.passfile !== undefined
    ),
  };
  const password = typeof given === "function" ? given : text || null;
  // As a number from an object, and only there, it may have a fraction.
  const seconds = options.connectTimeout ?? options.connect_timeout;
  const connectTimeout = connectTimeoutSeconds(
    typeof seconds === "number" ? seconds : timeout,
    nameOf("connect_timeout"),
  );
  checkParameters(rest, nameOf);
  const parameters = withDefaults(rest, nameOf);
  if (timeout !== undefined) {
    parameters.connect_timeout = String(connectTimeout ?? 0);
  }
  return {
    parameters,
    password,
    passwordFile,
    scramKeys: parseScramKeys(scramClientKey, scramServerKey, nameOf),
    sslPassword,
    given: rest,
    connectTimeout,
    settings: ambient ? sessionSettings() : {},
  };
}

/**
 * The service that a connection is made with, if one is given explicitly.
 *
 * @param conninfo A connection string, if one was given.
 * @param options Parameters.
 * @returns The name of the service.
 * @throws {ProgrammingError} If the connection string is malformed.
 */
export function explicitService(
  conninfo: string | URL | undefined,
  options: ConnectionParameters,
): string | undefined {
  return conninfoToDict(conninfo, { service: options.service }).service;
}

/**
 * The seconds that a `connect_timeout` stands for.
 *
 * @param value Text as libpq reads it, a number with any fraction, or nothing.
 * @param name How to name the parameter in the error.
 * @returns The seconds; `null` if there is no limit.
 * @throws {ProgrammingError} If the text is not an integer, or the number NaN.
 */
export function connectTimeoutSeconds(
  value: string | number | undefined,
  name = 'the parameter "connect_timeout"',
): number | null {
  if (value === undefined) return DEFAULT_CONNECT_TIMEOUT;
  const seconds = typeof value === "string" ? parseInteger(value, name) : value;
  if (Number.isNaN(seconds)) {
    throw new ProgrammingError(`Cannot use ${name}: its value is NaN`);
  }
  return seconds > 0 && seconds <= MAX_TIMEOUT ? seconds : null;
}

/** What libpq fills in by itself, and without what says nothing. */
function withDefaults(
  all: Readonly<Record<string, string>>,
  nameOf: Naming,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [keyword, value] of Object.entries(all)) {
    const row = PARAMETERS.get(keyword);
    if (row === undefined || row.dispchar === "*" || value === "") continue;
    const text = row.handling.form === "integer"
      ? String(parseInteger(value, nameOf(keyword)))
      : keyword === "port"
      ? value.split(",").map((one) =>
        one === "" ? "" : String(parsePort(one, nameOf))
      ).join(",")
      : value;
    if (text !== row.compiled) out[keyword] = text;
  }
  // The encoding of the locale means nothing to strings of JavaScript.
  if (out.client_encoding === "auto") delete out.client_encoding;
  if (!out.host && !out.hostaddr) out.host = DEFAULT_HOST;
  out.user ??= defaultUser();
  out.dbname ??= out.user;
  return out;
}

function defaultUser(): string {
  const user = osUserName();
  if (user !== null) {
    checkText(user, "the name of the operating system's user");
    return user;
  }
  throw new ProgrammingError(
    'Cannot connect: no user is given and the name of the operating system\'s user is not known, set "user", or run Deno with --allow-env=PGUSER,USER',
  );
}

function sessionSettings(): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [variable, setting] of SETTINGS_BY_VARIABLE) {
    const value = readEnv(variable);
    if (value !== null && value.toLowerCase() !== "default") {
      out[setting] = value;
    }
  }
  return out;
}
