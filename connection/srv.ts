/**
 * Hosts that DNS tells by SRV records (RFC 2782): which hosts of the parameters
 * mean that, and the order in which what is found is tried.
 *
 * @module
 */

import { OperationalError, ProgrammingError } from "../errors/base.ts";
import { conninfoToDict, environmentParameters } from "./conninfo.ts";
import type { ConnectionParameters } from "./parameters.ts";
import { lookupSrv, type SrvOptions, type SrvRecord } from "./transport_dns.ts";

export type { NameServer, SrvOptions, SrvRecord } from "./transport_dns.ts";

/** The place of one host among the parameters. */
interface Place {
  readonly host: string;
  readonly port: string;
}

const SERVICE_NAME = /^_[^.]+\._[^.]+\../;

/**
 * Replaces the hosts of a connection that stand for services by what DNS tells
 * of them, best first: those of the form `_service._proto.target`, and those
 * whose port is `SRV`. Servers of the same priority are drawn by lot, by weight.
 *
 * `connect()` does not do so by itself: give it what comes out. What is not
 * found is left out as long as other hosts are left. Where `hostaddr` is given,
 * nothing is looked up. Reading SRV records needs `--allow-net` for the name
 * server. With `sslmode=verify-full` it is the names that DNS gave that
 * certificates are checked against, so whoever can forge them decides.
 *
 * @param params A connection string or URI, or options of `connect()`. Host and
 * port that are not in them are taken from PGHOST and PGPORT.
 * @param options Whom to ask.
 * @returns The parameters with other hosts and ports, ready for `connect()`.
 * @throws {OperationalError} If no host is left.
 * @throws {ProgrammingError} If the string is malformed, or the numbers of hosts
 * and ports do not fit together.
 *
 * @example
 * ```ts
 * import { resolveSrv } from "@x/pgts";
 *
 * const params = await resolveSrv("host=/run/postgresql,localhost dbname=shop");
 * console.log(params.host); // /run/postgresql,localhost: no service among them
 * // await connect(await resolveSrv("host=_postgresql._tcp.example.com dbname=shop"));
 * ```
 */
export async function resolveSrv(
  params: string | URL,
  options?: SrvOptions,
): Promise<Record<string, string>>;
/**
 * Replaces the hosts of options of `connect()`.
 *
 * @param params The options.
 * @param options Whom to ask.
 * @returns The options with other hosts and ports.
 * @throws {OperationalError} If no host is left.
 * @throws {ProgrammingError} If the numbers of hosts and ports do not fit together.
 */
export async function resolveSrv<P extends ConnectionParameters>(
  params: P,
  options?: SrvOptions,
): Promise<P>;
export async function resolveSrv(
  params: string | URL | ConnectionParameters,
  options: SrvOptions = {},
): Promise<Record<string, string> | ConnectionParameters> {
  const given = typeof params === "string" || params instanceof URL
    ? conninfoToDict(params)
    : params;
  const places = placesOf(given);
  if (!places.some(isService)) return given;
  const found = await Promise.all(
    places.map((place) => lookUp(place, options)),
  );
  const left = found.flatMap((one) => one instanceof Error ? [] : one);
  if (left.length === 0) {
    const failures = found.filter((one) => one instanceof Error);
    throw new OperationalError(
      `Cannot connect: ${failures.map(({ message }) => message).join("; ")}`,
      { cause: failures[0], connectionUsable: false, reachedServer: false },
    );
  }
  return {
    ...given,
    host: left.map(({ host }) => host).join(","),
    port: left.map(({ port }) => port).join(","),
  };
}

function isService({ host, port }: Place): boolean {
  return SERVICE_NAME.test(host) || (host !== "" && /^srv$/i.test(port));
}

/** The hosts with their ports; none if there is nothing to look up. */
function placesOf(given: ConnectionParameters): Place[] {
  const { hostaddr, host, port } = {
    ...environmentParameters(),
    ...conninfoToDict("", {
      hostaddr: given.hostaddr,
      host: given.host,
      port: given.port,
    }),
  };
  if (hostaddr || !host) return [];
  const hosts = host.split(",");
  const ports = (port ?? "").split(",");
  if (ports.length !== 1 && ports.length !== hosts.length) {
    throw new ProgrammingError(
      `Cannot look up services: could not match ${ports.length} port numbers to ${hosts.length} hosts`,
    );
  }
  return hosts.map((host, index) => ({
    host,
    port: (ports.length === 1 ? ports[0] : ports[index]) ?? "",
  }));
}

/** What a host stands for, in order, or why nothing is known of it. */
async function lookUp(
  place: Place,
  options: SrvOptions,
): Promise<Place[] | Error> {
  if (!isService(place)) return [place];
  try {
    const records = await lookupSrv(place.host, options);
    return orderSrv(records, options.random).map(({ target, port }) => ({
      host: target,
      port: String(port),
    }));
  } catch (error) {
    if (error instanceof OperationalError) return error;
    throw error;
  }
}

/**
 * The order in which servers are tried: lower priorities first, and among those
 * of one priority by lot, where a server with twice the weight is twice as
 * likely to come first.
 *
 * @param records What DNS told, in any order.
 * @param random Gives a number from 0 to below 1.
 * @returns The records in order.
 */
export function orderSrv(
  records: readonly SrvRecord[],
  random: () => number = Math.random,
): SrvRecord[] {
  const out: SrvRecord[] = [];
  // Those without weight first, where they have their small chance: see the RFC.
  const left = records.toSorted((a, b) =>
    a.priority - b.priority || a.weight - b.weight
  );
  while (left.length > 0) {
    const group = left.filter(({ priority }) => priority === left[0]?.priority);
    const total = group.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = Math.floor(random() * (total + 1));
    let sum = 0;
    const index = group.findIndex(({ weight }) => (sum += weight) >= drawn);
    out.push(...left.splice(index, 1));
  }
  return out;
}
