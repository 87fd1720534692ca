/**
 * TCP and Unix sockets by `Deno.connect`.
 *
 * @module
 */

import { InterfaceError, OperationalError } from "../errors/base.ts";
import type { Transport } from "./transport.ts";

/** Where to connect: a host and a port, or the path of a Unix socket. */
export type Address =
  | {
    readonly hostname: string;
    readonly port: number;
    readonly keepAlive: boolean;
  }
  | { readonly path: string };

/**
 * Connects.
 *
 * @param address Where to.
 * @param signal Aborts the attempt.
 * @returns The open transport.
 * @throws {OperationalError} If nobody listens there, or the name is unknown.
 * @throws {InterfaceError} If a permission is missing.
 */
export async function dial(
  address: Address,
  signal: AbortSignal,
): Promise<Transport> {
  signal.throwIfAborted();
  try {
    return "path" in address
      ? await dialUnix(address, signal)
      : await dialTcp(address, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw dialFailure(address, error);
  }
}

async function dialTcp(
  address: Extract<Address, { port: number }>,
  signal: AbortSignal,
): Promise<Transport> {
  const { hostname, port, keepAlive } = address;
  const conn = await connectTcp({ hostname, port }, signal);
  // Off by default, and without it a statement in two writes waits for a delayed ACK.
  conn.setNoDelay(true);
  if (keepAlive) conn.setKeepAlive?.(true);
  const remote = conn.remoteAddr.hostname;
  return new DenoTransport(
    conn,
    printAddress(address),
    remote,
    sameServer(address, remote),
  );
}

/** `Deno.connect` that loses no socket: one that opens in the moment of the abort is closed. */
async function connectTcp(
  address: { hostname: string; port: number },
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const controller = new AbortController();
  // Deno.connect asks for this at its end, and would not give back a socket that is open.
  Object.defineProperty(controller.signal, "throwIfAborted", {
    value: () => {},
  });
  const abort = () => controller.abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const conn = await Deno.connect({
      transport: "tcp",
      ...address,
      signal: controller.signal,
    });
    if (!signal.aborted) return conn;
    conn.close();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function dialUnix(
  address: Extract<Address, { path: string }>,
  signal: AbortSignal,
): Promise<Transport> {
  const connecting = Deno.connect({ transport: "unix", path: address.path });
  // Deno.connect does not look at a signal here; a socket that opens too late is closed.
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const conn = await Promise.race([connecting, aborted]);
    return new DenoTransport(conn, address.path, null, address);
  } catch (error) {
    connecting.then((conn) => conn.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The address of the server that was reached, if the permissions cover it by number. */
function sameServer(
  address: Extract<Address, { port: number }>,
  remote: string,
): Address {
  const host = remote.includes(":")
    ? `[${remote}]:${address.port}`
    : `${remote}:${address.port}`;
  const { state } = Deno.permissions.querySync({ name: "net", host });
  return state === "granted" ? { ...address, hostname: remote } : address;
}

function printAddress(address: Address): string {
  return "path" in address
    ? address.path
    : `${address.hostname}:${address.port}`;
}

function dialFailure(address: Address, error: unknown): Error {
  const where = printAddress(address);
  const reason = error instanceof Error ? error.message : String(error);
  const options = {
    cause: error,
    connectionUsable: false,
    reachedServer: false,
  };
  if (error instanceof Deno.errors.NotCapable) {
    const grant = "path" in address
      ? `--allow-net=unix:${where} --allow-read=${where} --allow-write=${where}`
      : `--allow-net=${where}`;
    return new InterfaceError(
      `Cannot connect to "${where}": a permission is missing, run Deno with ${grant}`,
      options,
    );
  }
  const advice = error instanceof Deno.errors.ConnectionRefused
    ? ", is the server running there?"
    : "";
  return new OperationalError(
    `Cannot connect to "${where}": ${reason}${advice}`,
    options,
  );
}

class DenoTransport implements Transport {
  readonly address: string;
  readonly hostaddr: string | null;
  readonly #conn: Deno.TcpConn | Deno.UnixConn;
  readonly #again: Address;
  #closed = false;

  constructor(
    conn: Deno.TcpConn | Deno.UnixConn,
    address: string,
    hostaddr: string | null,
    again: Address,
  ) {
    this.#conn = conn;
    this.address = address;
    this.hostaddr = hostaddr;
    this.#again = again;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    let written = await this.#conn.write(bytes);
    while (written < bytes.length) {
      written += await this.#conn.write(bytes.subarray(written));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  dialAgain(signal: AbortSignal): Promise<Transport> {
    return dial(this.#again, signal);
  }
}
