/**
 * Whether the parameters of a connection are such that pgts can connect with
 * them: every value of the form that `conninfo_table.ts` tells, nothing asked
 * for that is not there. All of it before anything is sent.
 *
 * Messages name the parameter, never its value, unless that is one of a closed
 * set: in a malformed connection string any parameter may hold a piece of the
 * password.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import {
  type Handling,
  type ParameterRow,
  PARAMETERS,
  TLS_VERSIONS,
} from "./conninfo_table.ts";
import { PROTOCOL_3_0, PROTOCOL_3_2 } from "../protocol/tags.ts";
import { parseRequireAuth } from "./require_auth.ts";

type Parameters = Readonly<Record<string, string>>;

/** Tells how to name a parameter in a message, with the variable it came from. */
export type Naming = (keyword: string) => string;

const CASE_FREE: ReadonlySet<readonly string[]> = new Set([TLS_VERSIONS]);
const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);

/**
 * Checks the values of all parameters, and that none asks for what pgts cannot do.
 *
 * @param parameters The parameters by keyword, from all sources.
 * @param nameOf How to name them in messages.
 * @throws {ProgrammingError} If a value is not of the form it must have.
 * @throws {NotSupportedError} If a value asks for what pgts cannot do.
 */
export function checkParameters(
  parameters: Parameters,
  nameOf: Naming,
): void {
  for (const [keyword, value] of Object.entries(parameters)) {
    const { form } = rowOf(keyword).handling;
    if (form === "integer") parseInteger(value, nameOf(keyword));
    else if (form !== "text" && indexIn(form, value) < 0) {
      throw new ProgrammingError(
        `Cannot use ${nameOf(keyword)}: invalid value, it must be ${
          list(form, "or")
        }`,
      );
    }
  }
  checkRange(
    parameters,
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
  );
  const { asked, minimum } = protocolVersions(parameters);
  if (minimum > asked) {
    throw new ProgrammingError(
      'Cannot use the parameters "min_protocol_version" and "max_protocol_version" together: the minimum is greater than the maximum',
    );
  }
  checkHosts(parameters, nameOf);
  parseRequireAuth(parameters.require_auth ?? "", nameOf("require_auth"));
  for (const [keyword, value] of Object.entries(parameters)) {
    if (isRefused(rowOf(keyword).handling, value)) {
      throw refusal(rowOf(keyword), value, nameOf);
    }
  }
}

function rowOf(keyword: string): ParameterRow {
  const row = PARAMETERS.get(keyword);
  if (row === undefined) throw new TypeError(`No parameter "${keyword}"`);
  return row;
}

function list(values: readonly string[], conjunction: string): string {
  const named = values.filter((value) => value !== "")
    .map((value) => `"${value}"`);
  const last = named.pop() ?? '""';
  return named.length === 0
    ? last
    : `${named.join(", ")} ${conjunction} ${last}`;
}

function indexIn(form: readonly string[], value: string): number {
  if (!CASE_FREE.has(form)) return form.indexOf(value);
  const lower = value.toLowerCase();
  return form.findIndex((candidate) => candidate.toLowerCase() === lower);
}

/**
 * An integer as libpq reads it: decimal, white space around it allowed, 32 bits.
 *
 * @param value The text.
 * @param name How to name the parameter.
 * @returns The number.
 * @throws {ProgrammingError} If it is anything else.
 */
export function parseInteger(value: string, name: string): number {
  const number = /^[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*$/.test(value)
    ? Number(value)
    : NaN;
  if (number >= MIN_INT32 && number <= MAX_INT32) return number;
  throw new ProgrammingError(`Cannot use ${name}: invalid integer value`);
}

function checkRange(parameters: Parameters, min: string, max: string): void {
  const low = parameters[min];
  const high = parameters[max];
  const { form } = rowOf(min).handling;
  // An empty maximum is none.
  if (!low || !high || typeof form === "string") return;
  if (indexIn(form, low) > indexIn(form, high)) {
    throw new ProgrammingError(
      `Cannot use the parameters "${min}" and "${max}" together: the minimum is greater than the maximum`,
    );
  }
}

/**
 * Whether the host is the directory of a Unix socket, or an abstract one.
 *
 * @param parameters The parameters, of one host.
 * @returns Whether it is.
 */
export function usesUnixSocket(
  { host = "", hostaddr = "" }: Parameters,
): boolean {
  return hostaddr === "" && (host.startsWith("/") || host.startsWith("@"));
}

const PROTOCOL: Readonly<Record<string, number>> = {
  "3.0": PROTOCOL_3_0,
  "3.2": PROTOCOL_3_2,
  "latest": PROTOCOL_3_2,
};

/**
 * The version of the protocol to ask for, and the lowest to be content with. As
 * in libpq it is 3.0, which every pooler knows, unless another is asked for.
 *
 * @param parameters The parameters.
 * @returns The versions, as numbers of the protocol.
 */
export function protocolVersions(
  parameters: Parameters,
): { readonly asked: number; readonly minimum: number } {
  const minimum = PROTOCOL[parameters.min_protocol_version ?? ""] ??
    PROTOCOL_3_0;
  const asked = PROTOCOL[parameters.max_protocol_version ?? ""] ??
    (minimum > PROTOCOL_3_0 ? PROTOCOL_3_2 : PROTOCOL_3_0);
  return { asked, minimum };
}

function checkHosts(parameters: Parameters, nameOf: Naming): void {
  const { host = "", hostaddr = "", port = "" } = parameters;
  const hosts = host.split(",");
  const addresses = hostaddr.split(",");
  const ports = port.split(",");
  if (hostaddr !== "" && host !== "" && hosts.length !== addresses.length) {
    throw new ProgrammingError(
      `Cannot connect: could not match ${hosts.length} host names to ${addresses.length} hostaddr values`,
    );
  }
  const count = hostaddr === "" ? hosts.length : addresses.length;
  if (ports.length !== 1 && ports.length !== count) {
    throw new ProgrammingError(
      `Cannot connect: could not match ${ports.length} port numbers to ${count} hosts`,
    );
  }
  for (const one of ports) parsePort(one, nameOf);
  for (const one of hosts) checkHost(one, nameOf);
  for (const one of addresses) checkAddress(one, nameOf);
}

/**
 * The number of a port.
 *
 * @param value One port, or nothing for the default.
 * @param nameOf How to name parameters.
 * @returns The number.
 * @throws {ProgrammingError} If it is no number from 1 to 65535.
 */
export function parsePort(value: string, nameOf: Naming): number {
  if (value === "") return 5432;
  const number = parseInteger(value, nameOf("port"));
  if (number >= 1 && number <= 65535) return number;
  throw new ProgrammingError(
    `Cannot use ${
      nameOf("port")
    }: invalid port number, it must be from 1 to 65535`,
  );
}

/** A host that no look-up can find is most often the end of a password. */
function checkHost(host: string, nameOf: Naming): void {
  if (/^[/@]/.test(host) || !/[\s@/\\?#[\]]/.test(host)) return;
  throw new ProgrammingError(
    `Cannot use ${
      nameOf("host")
    }: it contains a character that no name of a host has; in a URI, write such a character of the user or the password in percent encoding, "@" as %40`,
  );
}

function checkAddress(address: string, nameOf: Naming): void {
  if (address === "" || isIpAddress(address)) return;
  throw new ProgrammingError(
    `Cannot use ${
      nameOf("hostaddr")
    }: could not parse it as an IP address, put the name of a host into "host"`,
  );
}

function isIpAddress(address: string): boolean {
  if (!address.includes(":")) {
    // One to four numbers, as getaddrinfo takes them.
    const host = /^[0-9a-fx.]+$/i.test(address)
      ? URL.parse(`http://${address}/`)?.hostname ?? ""
      : "";
    return /^[0-9]+(\.[0-9]+){3}$/.test(host);
  }
  // A zone is the affair of the operating system.
  const [plain = ""] = address.split("%", 1);
  return /^[0-9a-f:.]+$/i.test(plain) && URL.canParse(`http://[${plain}]/`);
}

function isRefused(
  { status, accepted = [] }: Handling,
  value: string,
): boolean {
  return status === "refused" && !accepted.includes(value);
}

function refusal(
  row: ParameterRow,
  value: string,
  nameOf: Naming,
): NotSupportedError {
  const { form, accepted = [] } = row.handling;
  const closed = typeof form !== "string";
  const what = closed
    ? `${nameOf(row.keyword)} with the value "${value}"`
    : nameOf(row.keyword);
  const advice = closed ? `use ${list(accepted, "or")}` : "leave it out";
  return new NotSupportedError(
    `Cannot use ${what}: pgts does not have that yet, ${advice}`,
  );
}
