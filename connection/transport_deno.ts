/**
 * TCP and Unix sockets by `Deno.connect`.
 *
 * @module
 */

import { InterfaceError, OperationalError } from "../errors/base.ts";
import { isGranted } from "./environment.ts";
import type { Transport } from "./transport.ts";

/** Where to connect: a host and a port, or the path of a Unix socket. */
export type Address =
  | {
    readonly hostname: string;
    readonly port: number;
    readonly keepAlive: boolean;
  }
  | { readonly path: string };

/** A socket that has been opened, and how to open another like it. */
export interface OpenSocket {
  /** The connection, on which nothing has been sent. */
  readonly conn: Deno.TcpConn | Deno.UnixConn;
  /** The address that was asked for, for messages. */
  readonly address: string;
  /** The IP address that was reached, or `null` for a Unix socket. */
  readonly hostaddr: string | null;
  /** The address of the server that was reached. */
  readonly again: Address;
}

/**
 * Connects.
 *
 * @param address Where to.
 * @param signal Aborts the attempt.
 * @param connected Called in the moment in which the connection is open.
 * @returns The open transport.
 * @throws {OperationalError} If nobody listens there, or the name is unknown.
 * @throws {InterfaceError} If a permission is missing.
 */
export async function dial(
  address: Address,
  signal: AbortSignal,
  connected?: () => void,
): Promise<Transport> {
  return plainTransport(await dialSocket(address, signal, connected));
}

/**
 * Connects, and leaves to the caller what becomes of the socket.
 *
 * @param address Where to.
 * @param signal Aborts the attempt.
 * @param connected Called in the moment in which the connection is open.
 * @returns The open socket, which the caller closes.
 * @throws {OperationalError} If nobody listens there, or the name is unknown.
 * @throws {InterfaceError} If a permission is missing.
 */
export async function dialSocket(
  address: Address,
  signal: AbortSignal,
  connected?: () => void,
): Promise<OpenSocket> {
  signal.throwIfAborted();
  try {
    const socket = "path" in address
      ? await dialUnix(address, signal)
      : await dialTcp(address, signal);
    // Whoever aborts from now on finds the caller watching.
    if (!signal.aborted) connected?.();
    return socket;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw dialFailure(address, error);
  }
}

/**
 * A transport that talks in clear text.
 *
 * @param socket An open socket; the transport closes it.
 * @returns The transport.
 */
export function plainTransport(socket: OpenSocket): Transport {
  return new DenoTransport(
    socket.conn,
    socket,
    (signal) => dial(socket.again, signal),
  );
}

async function dialTcp(
  address: Extract<Address, { port: number }>,
  signal: AbortSignal,
): Promise<OpenSocket> {
  const { hostname, port, keepAlive } = address;
  const conn = await connectTcp({ hostname, port }, signal);
  try {
    // Off by default, and without it a statement in two writes waits for a delayed ACK.
    // Runtimes at the edge may have neither.
    conn.setNoDelay?.(true);
    if (keepAlive) conn.setKeepAlive?.(true);
  } catch (error) {
    conn.close();
    throw error;
  }
  const remote = conn.remoteAddr.hostname;
  return {
    conn,
    address: printAddress(address),
    hostaddr: remote,
    again: sameServer(address, remote),
  };
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
): Promise<OpenSocket> {
  const connecting = Deno.connect({ transport: "unix", path: address.path });
  // Deno.connect does not look at a signal here; a socket that opens too late is closed.
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const conn = await Promise.race([connecting, aborted]);
    return { conn, address: address.path, hostaddr: null, again: address };
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
  return isGranted({ name: "net", host })
    ? { ...address, hostname: remote }
    : address;
}

function printAddress(address: Address): string {
  return "path" in address
    ? address.path
    : `${address.hostname}:${address.port}`;
}

function dialFailure(address: Address, error: unknown): Error {
  const where = printAddress(address);
  const reason = "path" in address && error instanceof TypeError
    ? "the path is too long for a Unix socket, use a directory with a shorter one"
    : error instanceof Error
    ? error.message
    : String(error);
  const options = {
    cause: error,
    connectionUsable: false,
    reachedServer: false,
  };
  if (error instanceof Deno.errors.NotCapable) {
    const grants = "path" in address
      ? missingGrants(address.path)
      : `--allow-net=${where}`;
    return new InterfaceError(
      `Cannot connect to "${where}": a permission is missing, run Deno with ${grants}`,
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

/** What a Unix socket needs and has not: Deno itself tells of one at a time. */
function missingGrants(path: string): string {
  const needed: [string, Deno.PermissionDescriptor][] = [
    [`--allow-net=unix:${path}`, { name: "net", host: `unix:${path}` }],
    [`--allow-read=${path}`, { name: "read", path }],
    [`--allow-write=${path}`, { name: "write", path }],
  ];
  return needed.filter(([, descriptor]) => isMissing(descriptor))
    .map(([flag]) => flag).join(" ");
}

function isMissing(descriptor: Deno.PermissionDescriptor): boolean {
  try {
    return Deno.permissions.querySync(descriptor).state !== "granted";
  } catch {
    // Deno 2.7 knows no net permission for Unix sockets, and asks for none.
    return false;
  }
}

/** A connection of Deno's as a transport. */
export class DenoTransport implements Transport {
  readonly address: string;
  readonly hostaddr: string | null;
  readonly #conn: Deno.TcpConn | Deno.UnixConn | Deno.TlsConn;
  readonly #dialAgain: (signal: AbortSignal) => Promise<Transport>;
  #closed = false;

  /**
   * @param conn The connection; the transport closes it.
   * @param socket Where it leads.
   * @param dialAgain Opens another one.
   */
  constructor(
    conn: Deno.TcpConn | Deno.UnixConn | Deno.TlsConn,
    socket: Pick<OpenSocket, "address" | "hostaddr">,
    dialAgain: (signal: AbortSignal) => Promise<Transport>,
  ) {
    this.#conn = conn;
    this.address = socket.address;
    this.hostaddr = socket.hostaddr;
    this.#dialAgain = dialAgain;
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
    this.#conn.ref?.();
  }

  unref(): void {
    this.#conn.unref?.();
  }

  dialAgain(signal: AbortSignal): Promise<Transport> {
    return this.#dialAgain(signal);
  }
}
