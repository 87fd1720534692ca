/**
 * Addresses of hosts, looked up by the operating system, and services, looked up
 * in DNS.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { OperationalError } from "../errors/base.ts";
import { isGranted } from "./environment.ts";

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOTFOUND", "there is no such name"],
  ["ENODATA", "the name has no address"],
  ["EAI_AGAIN", "the name server gives no answer"],
]);

/**
 * Looks up the addresses of a host, in the order that the system prefers. Never
 * prompts for a permission.
 *
 * @param host The name.
 * @param port The port that will be connected to.
 * @param signal Ends the wait.
 * @returns The IP addresses. The name itself where the permissions cover the
 * name only and not its addresses: then the runtime looks it up by itself.
 * @throws {OperationalError} If the name is unknown or cannot be looked up.
 */
export async function lookupAddresses(
  host: string,
  port: number,
  signal?: AbortSignal,
): Promise<string[]> {
  signal?.throwIfAborted();
  if (!isGranted({ name: "net", host })) return [host];
  const addresses = await abortable(lookupAll(host), signal);
  const areGranted = addresses.every((address) =>
    isGranted({
      name: "net",
      host: address.includes(":")
        ? `[${address}]:${port}`
        : `${address}:${port}`,
    })
  );
  return areGranted ? addresses : [host];
}

async function lookupAll(host: string): Promise<string[]> {
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (cause) {
    const { code = "" } = cause as { code?: string };
    if (code === "EPERM" || code === "EACCES") return [host];
    throw new OperationalError(
      `Cannot connect to "${host}": its address cannot be looked up, ${
        REASONS.get(code) ?? "the operating system reports an error"
      }`,
      { cause, connectionUsable: false, reachedServer: false },
    );
  }
}

/** A look-up cannot be ended; one that nobody waits for any more is forgotten. */
async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A server that DNS names for a service: see RFC 2782. */
export interface SrvRecord {
  /** The lower, the sooner it is tried. */
  readonly priority: number;
  /** How likely it is to be tried before others of its priority. */
  readonly weight: number;
  /** The port. */
  readonly port: number;
  /** The name of the host. */
  readonly target: string;
}

/** A name server to ask instead of the system's. */
export interface NameServer {
  /** Its address. */
  readonly ipAddr: string;
  /**
   * Its port.
   *
   * @default {53}
   */
  readonly port?: number;
}

/** How services are looked up. */
export interface SrvOptions {
  /** The name server to ask. By default the system's. */
  readonly nameServer?: NameServer | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Gives a number from 0 to below 1.
   *
   * @default {Math.random}
   */
  readonly random?: (() => number) | undefined;
}

/**
 * Asks DNS for the servers of a service.
 *
 * @param name The name, such as `_postgresql._tcp.example.com`.
 * @param options Whom to ask.
 * @returns The servers, of which there is at least one, in no order.
 * @throws {OperationalError} If there are none, or DNS does not tell.
 * @throws The reason of the signal, if it is aborted.
 */
export async function lookupSrv(
  name: string,
  { nameServer, signal }: SrvOptions = {},
): Promise<SrvRecord[]> {
  signal?.throwIfAborted();
  let found: Deno.SrvRecord[];
  try {
    found = await Deno.resolveDns(name, "SRV", {
      ...(nameServer === undefined ? {} : { nameServer }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw noService(
      name,
      cause instanceof Deno.errors.NotCapable
        ? "the name server may not be asked, grant --allow-net for it"
        : cause instanceof Deno.errors.NotFound
        ? "there are no SRV records"
        : "the name server gives no answer",
      cause,
    );
  }
  const records = found.map(({ priority, weight, port, target }) => ({
    priority,
    weight,
    port,
    target: target.replace(/\.$/, ""),
  })).filter(isOffered);
  if (records.length === 0) throw noService(name, "nobody offers the service");
  return records;
}

/** "." says that there is no such service; nor may DNS name a socket, or several hosts. */
function isOffered({ target, port }: SrvRecord): boolean {
  return port > 0 && /^[\w.-]+$/.test(target);
}

function noService(
  name: string,
  reason: string,
  cause?: unknown,
): OperationalError {
  return new OperationalError(
    `the service "${name}" cannot be looked up, ${reason}`,
    { cause, connectionUsable: false, reachedServer: false },
  );
}
