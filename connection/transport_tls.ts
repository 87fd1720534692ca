/**
 * Connections that are protected by TLS: dialled by `Deno.connect`, asked for
 * TLS, and handed to `Deno.startTls` or `node:tls`, as the settings say. All
 * that is checked of a server is checked before the connection is given out.
 *
 * @module
 */

import { OperationalError, ProtocolError } from "../errors/base.ts";
import type { ChannelBinding } from "../protocol/auth_scram.ts";
import { bindingOf } from "./tls_binding.ts";
import type { TlsDetails } from "./tls_details.ts";
import type { TlsSettings } from "./tls_material.ts";
import { requestTls, type TlsAnswer } from "./tls_request.ts";
import { handshakeFailure, judgeServer } from "./tls_verdict.ts";
import type { Transport } from "./transport.ts";
import {
  type Address,
  DenoTransport,
  dialSocket,
  type OpenSocket,
  plainTransport,
} from "./transport_deno.ts";
import { NodeTlsTransport, PreparedHandshake } from "./transport_node_tls.ts";

/** How to connect. */
export interface SecureDialOptions {
  /** The settings. */
  readonly settings: TlsSettings;
  /**
   * The name or address that the user gave as the host, which the certificate
   * must be for; `""` if only `hostaddr` was given.
   */
  readonly host: string;
  /** Whether a server that has no TLS is talked to in clear text. */
  readonly plainAllowed: boolean;
  /** Called in the moment in which the connection is open. */
  readonly connected?: () => void;
  /** Called when the server has begun to talk. */
  readonly answered?: () => void;
}

/** A transport, and what is known of its TLS. */
export interface DialledTransport {
  /** The open transport. */
  readonly transport: Transport;
  /** Its TLS; `null` if the server has none and clear text is allowed. */
  readonly tls: TlsDetails | null;
}

/**
 * Connects with TLS.
 *
 * @param address Where to.
 * @param options How.
 * @param signal Aborts the attempt, at any of its stages. Nothing stays open.
 * @returns The transport, ready for the startup message.
 * @throws {OperationalError} If nobody listens there, the server has no TLS, or
 * it is not to be trusted. What `isHandshakeFailure` tells apart happened during
 * or after the handshake.
 * @throws {ProtocolError} If the other side does not keep to the protocol.
 * @throws {InterfaceError} If a permission is missing.
 */
export async function dialTls(
  address: Address,
  options: SecureDialOptions,
  signal: AbortSignal,
): Promise<DialledTransport> {
  if (options.settings.verify === "chain and name" && options.host === "") {
    throw new OperationalError(
      'Cannot verify the server as sslmode=verify-full demands: only "hostaddr" is given, give the name that its certificate is for as "host"',
    );
  }
  const socket = await dialSocket(address, signal, options.connected);
  const conn: { close(): void } = socket.conn;
  const close = () => closeQuietly(conn);
  signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    return await secure(socket, options, signal);
  } catch (error) {
    close();
    if (signal.aborted) throw signal.reason;
    throw error instanceof OperationalError ? error : new OperationalError(
      `Cannot connect to "${socket.address}": the connection was lost when TLS was to begin`,
      { cause: error },
    );
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function secure(
  socket: OpenSocket,
  options: SecureDialOptions,
  signal: AbortSignal,
): Promise<DialledTransport> {
  const { settings, host, plainAllowed, answered } = options;
  let request: Promise<TlsAnswer> | null = null;
  if (!settings.plan.direct) {
    request = requestTls(socket.conn, socket.address)
      .finally(() => answered?.());
    request.catch(() => {}); // It is awaited below.
  }
  // While the server starts its process for the session.
  const prepared = settings.stack === "node:tls"
    ? new PreparedHandshake(socket, settings, host)
    : null;
  let answer: TlsAnswer | null;
  try {
    answer = await request;
  } catch (error) {
    prepared?.discard();
    throw error;
  }
  if (answer === "refused") {
    prepared?.discard();
    if (plainAllowed) return { transport: plainTransport(socket), tls: null };
    throw new OperationalError(
      `Cannot connect to "${socket.address}": the server has no TLS and sslmode=${settings.plan.mode} demands it`,
    );
  }
  const again = async (signal: AbortSignal): Promise<Transport> => {
    const { transport } = await dialTls(socket.again, {
      settings,
      host,
      plainAllowed: false,
    }, signal);
    return transport;
  };
  const dialled = prepared === null
    ? await startTls(socket, options, again, signal)
    : await startNodeTls(prepared, socket, options, again, signal);
  answered?.();
  return dialled;
}

async function startNodeTls(
  prepared: PreparedHandshake,
  socket: OpenSocket,
  { settings, host }: SecureDialOptions,
  again: Transport["dialAgain"],
  signal: AbortSignal,
): Promise<DialledTransport> {
  const stream = await prepared.run(signal);
  try {
    const { leaf, others, authorized, protocol, cipher, alpn } = stream.peer;
    checkAlpn(settings, socket.address, alpn);
    judgeServer(settings, host, socket.address, { leaf, others, authorized });
    return {
      transport: new NodeTlsTransport(stream, socket, again),
      tls: detailsOf({
        library: "node:tls",
        protocol,
        cipher,
        alpn,
        certificate: leaf,
      }),
    };
  } catch (error) {
    stream.close();
    throw error;
  }
}

/**
 * A handshake that is cut short leaves its socket to the runtime: `Deno.startTls`
 * has taken it over, so that neither the TCP connection can be closed any more
 * nor does closing that of TLS end it before the server does. PostgreSQL does
 * after its `authentication_timeout`, and nothing keeps the process alive. The
 * handshake of `node:tls` has no such rest, but carries every byte through
 * JavaScript for as long as the connection lives, which is the worse bargain.
 */
async function startTls(
  socket: OpenSocket,
  { settings, host }: SecureDialOptions,
  again: Transport["dialAgain"],
  signal: AbortSignal,
): Promise<DialledTransport> {
  let conn: Deno.TlsConn | null = null;
  const close = () => {
    if (conn !== null) closeQuietly(conn);
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    conn = await Deno.startTls(socket.conn as Deno.TcpConn, {
      hostname: host,
      alpnProtocols: ["postgresql"],
    });
    signal.throwIfAborted();
    const { alpnProtocol } = await conn.handshake();
    checkAlpn(settings, socket.address, alpnProtocol);
    const certificate = shownCertificate(conn);
    return {
      transport: new DenoTransport(conn, socket, again),
      tls: detailsOf({
        library: "Deno.startTls",
        protocol: null,
        cipher: null,
        alpn: alpnProtocol,
        certificate,
      }),
    };
  } catch (error) {
    close();
    if (error instanceof OperationalError) throw error;
    throw handshakeFailure(socket.address, startTlsReason(error), error);
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** The binding is worked out when it is asked for, which not every login does. */
function detailsOf(
  known: Omit<TlsDetails, "channelBinding">,
): TlsDetails {
  let binding: ChannelBinding | null | undefined;
  return {
    ...known,
    get channelBinding(): ChannelBinding | null {
      return binding ??= known.certificate && bindingOf(known.certificate);
    },
  };
}

/**
 * With direct negotiation nothing but this tells that the other side means to
 * speak PostgreSQL's protocol; otherwise a server may leave it out.
 */
function checkAlpn(
  { plan }: TlsSettings,
  address: string,
  alpn: string | null,
): void {
  if (alpn === "postgresql" || (alpn === null && !plan.direct)) return;
  throw new ProtocolError(
    alpn === null
      ? `Cannot connect to "${address}": the server does not say within TLS that it is PostgreSQL 17 or later, which sslnegotiation=direct needs`
      : `Cannot connect to "${address}": the server wants to speak another protocol within TLS`,
  );
}

/** The runtime shows it by a method that is not documented, if at all. */
function shownCertificate(conn: Deno.TlsConn): Uint8Array | null {
  try {
    const prototype = Object.getPrototypeOf(conn);
    const symbol = Object.getOwnPropertySymbols(prototype)
      .find((one) => one.description === "getPeerCertificate");
    if (symbol === undefined) return null;
    const { raw } = prototype[symbol].call(conn);
    return raw instanceof Uint8Array ? new Uint8Array(raw) : null;
  } catch {
    return null;
  }
}

/** The words of rustls, in ours. */
const REASONS: readonly [RegExp, string][] = [
  [/not valid for name|NotValidForName/i, "it is not for this host"],
  [/UnknownIssuer/, "its issuer is not among those that the runtime trusts"],
  [/NotValidYet/i, "it is not valid yet"],
  [/expired/i, "it has expired"],
  [/Revoked/i, "it has been revoked"],
  [/CaUsedAsEndEntity/, "it is that of an authority and not of a server"],
  [/InvalidPurpose/i, "it is not meant for servers"],
];

function startTlsReason(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  for (const [pattern, reason] of REASONS) {
    if (pattern.test(text)) {
      return `the certificate of the server is refused, ${reason}`;
    }
  }
  return /certificate/i.test(text)
    ? "the certificate of the server is refused"
    : "the TLS handshake failed";
}

function closeQuietly(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // It is closed already, or has become part of another one.
  }
}
