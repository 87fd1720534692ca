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
  /** The certificates above it, as DER; none where nothing is verified. */
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
 * A handshake that waits for its beginning: all that it needs is made while the
 * server has yet to say whether it has TLS.
 */
export class PreparedHandshake {
  readonly #below: HeldStream;
  readonly #address: string;
  readonly #socket: tls.TLSSocket | null;
  readonly #isJudged: boolean;
  readonly #done = Promise.withResolvers<void>();

  /**
   * @param open The connection, which belongs to the stream once the handshake
   * has begun.
   * @param settings What to show and which versions to speak.
   * @param host The name of the server.
   */
  constructor(open: OpenSocket, settings: TlsSettings, host: string) {
    const { reject } = this.#done;
    this.#done.promise.catch(() => {}); // Who does the handshake is told.
    this.#address = open.address;
    this.#isJudged = settings.verify !== "nothing";
    this.#below = new HeldStream(open.conn);
    this.#socket = this.#connect(settings, host);
    this.#socket?.on("secureConnect", this.#done.resolve);
    // Errors after the handshake come to this listener too, and to the reader.
    this.#socket?.on("error", reject);
  }

  #connect(
    { plan, roots, identity }: TlsSettings,
    host: string,
  ): tls.TLSSocket | null {
    const named = plan.sni && host !== "" && parseAddress(host) === null;
    try {
      return nodeTls().connect({
        socket: this.#below.duplex,
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
    } catch (error) {
      this.#done.reject(error);
      return null;
    }
  }

  /**
   * Does the handshake. The certificate of the server is not judged yet: the
   * caller does that, and sends nothing before.
   *
   * @param signal Aborts.
   * @returns The stream.
   * @throws {OperationalError} If the handshake fails.
   */
  async run(signal: AbortSignal): Promise<SecureStream> {
    const socket = this.#socket;
    const { promise, reject } = this.#done;
    const abort = () => reject(signal.reason);
    const lost = () => reject(new Error("the server closed the connection"));
    signal.addEventListener("abort", abort, { once: true });
    socket?.on("close", lost);
    this.#below.release();
    try {
      await promise;
      return {
        socket: socket!,
        peer: peerOf(socket!, this.#isJudged),
        close: () => this.discard(),
      };
    } catch (error) {
      this.discard();
      if (signal.aborted) throw signal.reason;
      throw handshakeFailure(this.#address, failureReason(error), error);
    } finally {
      signal.removeEventListener("abort", abort);
      socket?.off("close", lost);
    }
  }

  /** Closes the stream, and the connection if the handshake has begun. Never throws. */
  discard(): void {
    this.#socket?.destroy();
    this.#below.duplex.destroy();
  }
}

function peerOf(socket: tls.TLSSocket, isJudged: boolean): Peer {
  const [leaf, ...others] = isJudged ? chainOf(socket) : leafOf(socket);
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

/** The certificate alone, which the runtime gives in half the time. */
function leafOf(socket: tls.TLSSocket): Uint8Array[] {
  const raw = socket.getPeerX509Certificate()?.raw;
  return raw === undefined ? [] : [new Uint8Array(raw)];
}

function chainOf(socket: tls.TLSSocket): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  const seen = new Set<object>();
  let one: Partial<tls.DetailedPeerCertificate> | undefined = socket
    .getPeerCertificate(true);
  while (one?.raw !== undefined && !seen.has(one)) {
    seen.add(one);
    certificates.push(new Uint8Array(one.raw));
    one = one.issuerCertificate;
  }
  return certificates;
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

/** A connection of Deno's as a stream of node's, which leaves it alone at first. */
class HeldStream {
  readonly duplex: Duplex;
  readonly #conn: OpenSocket["conn"];
  #slab = new Uint8Array(SLAB);
  #used = 0;
  /** What is to be done with the connection; `null` once it may be used. */
  #held: (() => void)[] | null = [];

  constructor(conn: OpenSocket["conn"]) {
    this.#conn = conn;
    this.duplex = new Duplex({
      read: () => this.#use(() => this.#read()),
      write: (chunk: Uint8Array, _encoding, done) => {
        this.#use(() => writeAll(conn, chunk).then(() => done(), done));
      },
      final: (done) => {
        if (this.#held !== null) done();
        else conn.closeWrite().then(() => done(), () => done());
      },
      destroy: (error, done) => {
        if (this.#held === null) closeQuietly(conn);
        done(error);
      },
    });
  }

  /** From now on the connection is used, and closed in the end. */
  release(): void {
    const held = this.#held;
    this.#held = null;
    for (const use of held ?? []) use();
  }

  #use(run: () => void): void {
    if (this.#held === null) run();
    else this.#held.push(run);
  }

  #read(): void {
    // What has been pushed must stay as it is, so every read gets new memory.
    if (SLAB - this.#used < LEAST_ROOM) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    this.#conn.read(this.#slab.subarray(this.#used)).then((count) => {
      const from = this.#used;
      this.#used += count ?? 0;
      this.duplex.push(
        count === null ? null : this.#slab.subarray(from, this.#used),
      );
    }, (error) => this.duplex.destroy(error));
  }
}

function closeQuietly(conn: OpenSocket["conn"]): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
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
    this.#conn.ref?.();
  }

  unref(): void {
    this.#conn.unref?.();
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
