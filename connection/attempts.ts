/**
 * The attempts that connecting takes: hosts, their addresses, and the kind of
 * session that is wanted of each, in the order in which they are tried.
 *
 * How they are tried is in `attempt_runner.ts`.
 *
 * @module
 */

import { OperationalError, ProgrammingError } from "../errors/base.ts";
import { parsePort } from "./conninfo_check.ts";
import type { TargetSessionAttrs } from "./session_attrs.ts";

/** One attempt: a host, one of its addresses, and what is wanted there. */
export interface Attempt {
  /**
   * The name of the host as it was given, which certificates and the password
   * file are checked against, or the directory of a Unix socket. Empty where
   * only an address was given.
   */
  readonly host: string;
  /** The IP address to connect to; `null` to connect to `host` as it is. */
  readonly hostaddr: string | null;
  /** The port, or the number in the name of a Unix socket. */
  readonly port: number;
  /** The kind of session that will do. */
  readonly targetSessionAttrs: TargetSessionAttrs;
  /** What the addresses of one host have in common. */
  readonly group: number;
}

/** An attempt that failed, and why. */
export interface AttemptError {
  /** The name of the host as it was given, or the directory of its socket. */
  readonly host: string;
  /** The IP address that was tried, or `null` if there was none. */
  readonly hostaddr: string | null;
  /** The port. */
  readonly port: number;
  /** What went wrong. */
  readonly reason: string;
  /** The error of this attempt alone. */
  readonly error: Error;
}

/** What there is to try. */
export interface AttemptPlan {
  /** The attempts, in order. */
  readonly attempts: readonly Attempt[];
  /** The hosts whose names could not be looked up. */
  readonly unresolved: readonly AttemptError[];
}

/** What attempts are worked out with. */
export interface AttemptOptions {
  /**
   * Looks up the addresses of a host. One that is not an IP address, such as
   * the name itself, is left to whoever connects.
   */
  readonly resolve: (host: string, port: number) => Promise<readonly string[]>;
  /**
   * Gives a number from 0 to below 1.
   *
   * @default {Math.random}
   */
  readonly random?: (() => number) | undefined;
}

/** A host before its name has been looked up. */
interface Host {
  readonly host: string;
  readonly hostaddr: string;
  readonly port: number;
}

/** A host and what there is to connect to; `null` for the host as it is. */
interface FoundHost extends Host {
  readonly addresses: readonly (string | null)[];
}

/** What a host stands for that has neither a name nor an address. */
const DEFAULT_HOST = "localhost";

/**
 * Works out the attempts that connecting takes.
 *
 * @param parameters The parameters of the connection by keyword, of which
 * `host`, `hostaddr`, `port`, `load_balance_hosts` and `target_session_attrs`
 * count.
 * @param options How names are looked up and what is drawn by lot.
 * @returns The attempts. There are none if no name could be looked up.
 * @throws {ProgrammingError} If the numbers of hosts, addresses and ports do not
 * fit together, or a port is no port.
 */
export async function connectionAttempts(
  parameters: Readonly<Record<string, string>>,
  options: AttemptOptions,
): Promise<AttemptPlan> {
  const { resolve, random = Math.random } = options;
  const isRandom = parameters.load_balance_hosts === "random";
  const order = <T>(items: readonly T[]) =>
    isRandom ? shuffle(items, random) : items;
  const hosts = order(splitHosts(parameters));
  const unresolved: AttemptError[] = [];
  const looked = await Promise.all(
    hosts.map((one) => lookUp(one, resolve).catch(toFailure)),
  );
  const found: FoundHost[] = [];
  for (const [index, result] of looked.entries()) {
    const host = hosts[index];
    if (host === undefined) continue;
    if (result instanceof Error) unresolved.push(lookupFailure(host, result));
    else found.push({ ...host, addresses: order(result) });
  }
  const passes = passesOf(parameters.target_session_attrs);
  const attempts = passes.flatMap((targetSessionAttrs, pass) =>
    found.flatMap(({ host, port, addresses }, index) =>
      addresses.map((hostaddr): Attempt => ({
        host: hostaddr === null ? host || DEFAULT_HOST : host,
        hostaddr,
        port,
        targetSessionAttrs,
        group: pass * found.length + index,
      }))
    )
  );
  return { attempts, unresolved };
}

/**
 * Splits the lists of hosts, addresses and ports.
 *
 * @param parameters The parameters of the connection by keyword.
 * @returns The hosts in the order given.
 * @throws {ProgrammingError} If the lists do not fit together, or a port is no port.
 */
function splitHosts(parameters: Readonly<Record<string, string>>): Host[] {
  const { host = "", hostaddr = "", port = "" } = parameters;
  const hosts = host.split(",");
  const addresses = hostaddr === "" ? hosts.map(() => "") : hostaddr.split(",");
  if (host !== "" && hosts.length !== addresses.length) {
    throw new ProgrammingError(
      `Cannot connect: could not match ${hosts.length} host names to ${addresses.length} hostaddr values`,
    );
  }
  const ports = port.split(",").map((one) =>
    parsePort(one, (keyword) => `the parameter "${keyword}"`)
  );
  const [first = 0] = ports;
  if (ports.length !== 1 && ports.length !== addresses.length) {
    throw new ProgrammingError(
      `Cannot connect: could not match ${ports.length} port numbers to ${addresses.length} hosts`,
    );
  }
  return addresses.map((hostaddr, index) => ({
    host: hosts[index] || "",
    hostaddr,
    port: ports[index] ?? first,
  }));
}

/** What there is to connect to at a host. */
async function lookUp(
  { host, hostaddr, port }: Host,
  resolve: AttemptOptions["resolve"],
): Promise<(string | null)[]> {
  if (hostaddr !== "") return [hostaddr];
  if (host === "" || /^[/@]/.test(host)) return [null];
  if (isIpLiteral(host)) return [host];
  const addresses = await resolve(host, port);
  if (addresses.length === 0) {
    throw new OperationalError(
      `Cannot connect to "${host}": the name has no address`,
    );
  }
  return addresses.map((address) => isIpLiteral(address) ? address : null);
}

function isIpLiteral(host: string): boolean {
  return host.includes(":") ||
    /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(host);
}

function toFailure(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function lookupFailure({ host, port }: Host, error: Error): AttemptError {
  return { host, hostaddr: null, port, reason: error.message, error };
}

/** The kinds of session to look for, one pass over all hosts for each. */
function passesOf(wanted: string | undefined): readonly TargetSessionAttrs[] {
  return wanted === "prefer-standby"
    ? ["standby", "any"]
    : [(wanted || "any") as TargetSessionAttrs];
}

/** By Fisher and Yates: every order is as likely as any other. */
function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const out: T[] = [];
  for (const item of items) {
    const index = Math.floor(random() * (out.length + 1));
    const moved = out[index];
    if (moved === undefined) out.push(item);
    else {
      out.push(moved);
      out[index] = item;
    }
  }
  return out;
}
