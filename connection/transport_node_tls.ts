/**
 * TLS by `node:tls` over a connection that Deno has opened.
 *
 * @module
 */

import { Duplex } from "node:stream";
import type * as tls from "node:tls";
import { OperationalError } from "../errors/base.ts";
import type { TlsSettings } from "./tls_material.ts";
import { parseAddress } from "./tls_names.ts";
import { nodeTls } from "./tls_runtime.ts";
import { handshakeFailure } from "./tls_verdict.ts";
import type { Transport } from "./transport.ts";
import type { OpenSocket } from "./transport_deno.ts";

/** What the server has shown and what was agreed on. */
export interface Peer {
  /** Its certificate, as DER. */
  readonly leaf: Uint8Array;
  /** The certificates above it, as DER. */
  readonly others: readonly Uint8Array[];
  /** Whether the runtime found a chain to what is trusted. */
  readonly authorized: boolean;
  /** The version of TLS. */
  readonly protocol: string | null;
  /** The cipher suite. */
  readonly cipher: string | null;
  /** The protocol within, or `null`. */
  readonly alpn: string | null;
}

const SLAB = 64 * 1024;
const LEAST_ROOM = 4096;
/** How many bytes may wait for a reader before the server has to wait. */
const HIGH_WATER = 256 * 1024;

/** A stream after its handshake. */
export interface SecureStream {
  /** The stream. */
  readonly socket: tls.TLSSocket;
  /** Who is at the other end. */
  readonly peer: Peer;
  /** Closes the stream and what is below it. Never throws. */
  close(): void;
}

/**
 * Does the handshake. The certificate of the server is not judged yet: the
 * caller does that, and sends nothing before.
 *
 * @param open The connection, which the stream closes.
 * @param settings What to show and which versions to speak.
 * @param host The name of the server.
 * @param signal Aborts.
 * @returns The stream.
 * @throws {OperationalError} If the handshake fails.
 */
export async function handshake(
  open: OpenSocket,
  settings: TlsSettings,
  host: string,
  signal: AbortSignal,
): Promise<SecureStream> {
  const { plan, roots, identity } = settings;
  const below = duplexOf(open.conn);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const named = plan.sni && host !== "" && parseAddress(host) === null;
  let socket: tls.TLSSocket | null = null;
  const close = () => {
    socket?.destroy();
    below.destroy();
  };
  const abort = () => reject(signal.reason);
  const lost = () => reject(new Error("the server closed the connection"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    socket = nodeTls().connect({
      socket: below,
      // Every check is ours, made on what the runtime says after the handshake,
      // so that it can be told what is wrong. That the server has the key of its
      // certificate is proved by the handshake in any case.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      servername: named ? host : "",
      ALPNProtocols: ["postgresql"],
      minVersion: plan.minVersion,
      maxVersion: plan.maxVersion,
      ...(roots === null ? {} : { ca: [...roots] }),
      ...identity?.options(),
    });
    socket.on("secureConnect", resolve);
    // Errors after the handshake come to this listener too, and to the reader.
    socket.on("error", reject);
    socket.on("close", lost);
    await promise;
    return { socket, peer: peerOf(socket), close };
  } catch (error) {
    close();
    if (signal.aborted) throw signal.reason;
    throw handshakeFailure(open.address, failureReason(error), error);
  } finally {
    signal.removeEventListener("abort", abort);
    socket?.off("close", lost);
  }
}

function peerOf(socket: tls.TLSSocket): Peer {
  const certificates: Uint8Array[] = [];
  const seen = new Set<object>();
  let one: Partial<tls.DetailedPeerCertificate> | undefined = socket
    .getPeerCertificate(true);
  while (one?.raw !== undefined && !seen.has(one)) {
    seen.add(one);
    certificates.push(new Uint8Array(one.raw));
    one = one.issuerCertificate;
  }
  const [leaf, ...others] = certificates;
  if (leaf === undefined) throw new Error("no certificate");
  return {
    leaf,
    others,
    authorized: socket.authorized === true && !socket.authorizationError,
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.name ?? null,
    alpn: socket.alpnProtocol || null,
  };
}

function failureReason(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  if (/UnexpectedEof|disconnected|closed the conn|hang up/i.test(text)) {
    return "the server closed the connection during the TLS handshake";
  }
  if (/NoApplicationProtocol|no_application_protocol/i.test(text)) {
    return "the TLS handshake failed, the server does not speak PostgreSQL's protocol within TLS";
  }
  if (/version|PeerIncompatible|HandshakeFailure/i.test(text)) {
    return "the TLS handshake failed, the server and this runtime have no version or cipher of TLS in common, see ssl_min_protocol_version and ssl_max_protocol_version";
  }
  const alert = alertReason(error);
  if (alert !== null) return `the TLS handshake failed, ${alert}`;
  if (/certificate/i.test(text)) {
    return "the TLS handshake failed, the server has not proved that it has the key of its certificate";
  }
  return "the TLS handshake failed";
}

/** What an alert means that the server ends TLS with; `null` if it is none. */
function alertReason(error: unknown): string | null {
  const text = error instanceof Error ? error.message : "";
  const [, alert] = /received fatal alert: (\w+)/.exec(text) ?? [];
  if (alert === undefined) return null;
  return /certificate|UnknownCA|AccessDenied/i.test(alert)
    ? `the server does not accept the certificate of the client (${alert}), see "sslcert"`
    : `the server broke it off (${alert})`;
}

/** A connection of Deno's as a stream of node's. */
function duplexOf(conn: Deno.Conn): Duplex {
  let slab = new Uint8Array(SLAB);
  let used = 0;
  return new Duplex({
    read() {
      // What has been pushed must stay as it is, so every read gets new memory.
      if (SLAB - used < LEAST_ROOM) {
        slab = new Uint8Array(SLAB);
        used = 0;
      }
      conn.read(slab.subarray(used)).then((count) => {
        const from = used;
        used += count ?? 0;
        this.push(count === null ? null : slab.subarray(from, used));
      }, (error) => this.destroy(error));
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(conn, chunk).then(() => done(), done);
    },
    final(done) {
      conn.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
      done(error);
    },
  });
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let written = await conn.write(bytes);
  while (written < bytes.length) {
    written += await conn.write(bytes.subarray(written));
  }
}

interface Reader {
  readonly into: Uint8Array;
  resolve(count: number | null): void;
  reject(error: unknown): void;
}

/** A stream of `node:tls` as a transport. */
export class NodeTlsTransport implements Transport {
  readonly address: string;
  readonly hostaddr: string | null;
  readonly #stream: SecureStream;
  readonly #conn: OpenSocket["conn"];
  readonly #dialAgain: (signal: AbortSignal) => Promise<Transport>;
  readonly #chunks: Uint8Array[] = [];
  #waiting = 0;
  #reader: Reader | null = null;
  /** `null` at the end of the stream, an error if it was lost. */
  #end: { error: unknown } | null = null;

  /**
   * @param stream The stream; the transport closes it.
   * @param open The connection below it.
   * @param dialAgain Opens another one.
   */
  constructor(
    stream: SecureStream,
    open: OpenSocket,
    dialAgain: (signal: AbortSignal) => Promise<Transport>,
  ) {
    this.address = open.address;
    this.hostaddr = open.hostaddr;
    this.#stream = stream;
    this.#conn = open.conn;
    this.#dialAgain = dialAgain;
    const { socket } = stream;
    socket.on("data", (chunk: Uint8Array) => this.#arrived(chunk));
    socket.on("end", () => this.#ended(null));
    socket.on("error", (error) => this.#ended(this.#failure(error)));
    socket.on("close", () => this.#ended(null));
    // It may have ended with the handshake, before anybody listened.
    if (socket.destroyed) {
      this.#ended(socket.errored ? this.#failure(socket.errored) : null);
    }
  }

  read(into: Uint8Array): Promise<number | null> {
    const chunk = this.#chunks[0];
    if (chunk !== undefined) {
      return Promise.resolve(this.#take(chunk, into));
    }
    if (this.#end !== null) {
      const { error } = this.#end;
      return error === null ? Promise.resolve(null) : Promise.reject(error);
    }
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    this.#reader = { into, resolve, reject };
    return promise;
  }

  write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream.socket.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
    return promise;
  }

  close(): void {
    this.#ended(new Deno.errors.Interrupted("operation canceled"));
    this.#stream.close();
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  dialAgain(signal: AbortSignal): Promise<Transport> {
    return this.#dialAgain(signal);
  }

  #arrived(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    const reader = this.#reader;
    if (reader !== null) {
      this.#reader = null;
      reader.resolve(this.#take(chunk, reader.into));
    }
    if (this.#waiting > HIGH_WATER) this.#stream.socket.pause();
  }

  /** Copies from the first chunk, which is `chunk`. */
  #take(chunk: Uint8Array, into: Uint8Array): number {
    const count = Math.min(chunk.length, into.length);
    into.set(count === chunk.length ? chunk : chunk.subarray(0, count));
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
    const before = this.#waiting;
    this.#waiting -= count;
    if (before > HIGH_WATER && this.#waiting <= HIGH_WATER) {
      this.#stream.socket.resume();
    }
    return count;
  }

  /** With TLS 1.3 the server judges the client after the client's handshake. */
  #failure(error: Error): Error {
    const reason = alertReason(error);
    return reason === null ? error : new OperationalError(
      `Connection to "${this.address}" lost: TLS has ended, ${reason}`,
      { cause: error },
    );
  }

  #ended(error: unknown): void {
    this.#end ??= { error };
    const reader = this.#reader;
    this.#reader = null;
    if (reader === null) return;
    if (this.#end.error === null) reader.resolve(null);
    else reader.reject(this.#end.error);
  }
}
