/**
 * Addresses of hosts, looked up by the operating system.
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
