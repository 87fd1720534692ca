/**
 * What is thought of a server's certificate after the handshake, and what a
 * handshake that failed is called.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import {
  buildChain,
  type Certificate,
  isIssuedBy,
  isSelfSigned,
  readCertificate,
} from "./tls_certificate.ts";
import { findRevoked, printDate } from "./tls_crl.ts";
import type { TlsSettings } from "./tls_material.ts";
import { isForHost, namesOf } from "./tls_names.ts";

/** What a server has shown. */
export interface Shown {
  /** Its certificate, as DER. */
  readonly leaf: Uint8Array;
  /** The certificates beside it, as DER. */
  readonly others: readonly Uint8Array[];
  /** Whether the runtime found a chain to what is trusted. */
  readonly authorized: boolean;
}

const handshakeFailures = new WeakSet<object>();

/**
 * Whether an error says that TLS could not be established with a server that
 * has it: what an explicit `sslmode=prefer` follows with clear text.
 *
 * @param error The error.
 * @returns Whether it does.
 */
export function isHandshakeFailure(error: unknown): boolean {
  return typeof error === "object" && error !== null &&
    handshakeFailures.has(error);
}

/**
 * The error for a handshake that failed.
 *
 * @param address The server.
 * @param reason Why, as the end of a sentence.
 * @param cause What the runtime said, if it did.
 * @returns The error.
 */
export function handshakeFailure(
  address: string,
  reason: string,
  cause?: unknown,
): OperationalError {
  const error = new OperationalError(
    `Cannot connect to "${address}": ${reason}`,
    cause === undefined ? {} : { cause },
  );
  handshakeFailures.add(error);
  return error;
}

/**
 * Judges what a server has shown, before anything is sent to it.
 *
 * @param settings What is to be verified, and with what.
 * @param host The host that was asked for; `""` if only its address was given.
 * @param address The server, for messages.
 * @param shown The certificates.
 * @throws {OperationalError} If the server is not to be trusted, saying why.
 */
export function judgeServer(
  settings: TlsSettings,
  host: string,
  address: string,
  shown: Shown,
): void {
  if (settings.verify === "nothing") return;
  const refuse = (reason: string) => {
    throw handshakeFailure(
      address,
      `the certificate of the server is refused, ${reason}`,
    );
  };
  const leaf = tryRead(shown.leaf);
  if (leaf === null) return refuse("it is malformed");
  const others = shown.others.map(tryRead).filter((one) => one !== null);
  const now = Date.now();
  if (!shown.authorized) {
    return refuse(reasonFor(leaf, others, settings.rootCertificates, now));
  }
  if (settings.verify === "chain and name") {
    const reason = nameReason(leaf, host);
    if (reason !== null) return refuse(reason);
  }
  if (settings.lists !== null) {
    const chain = buildChain(leaf, others, settings.rootCertificates);
    if (chain === null) {
      return refuse(
        "its revocation cannot be checked: the chain of signatures to a trusted root cannot be followed",
      );
    }
    const reason = findRevoked(chain, settings.lists, now);
    if (reason !== null) return refuse(reason);
  }
}

/**
 * Why a certificate is not for a host.
 *
 * @returns The end of a sentence, or `null` if it is.
 */
function nameReason(leaf: Certificate, host: string): string | null {
  if (isForHost(leaf, host)) return null;
  return `it is not for the host ${JSON.stringify(host)} but for ${
    namesOf(leaf)
  }`;
}

function tryRead(der: Uint8Array): Certificate | null {
  try {
    return readCertificate(der);
  } catch {
    return null;
  }
}

/** What is wrong with a certificate that the runtime has refused. */
function reasonFor(
  leaf: Certificate,
  others: readonly Certificate[],
  roots: readonly Certificate[],
  now: number,
): string {
  const chain = buildChain(leaf, others, roots);
  for (const [index, one] of (chain ?? [leaf]).entries()) {
    const which = index === 0 ? "it" : "a certificate above it";
    if (now > one.notAfter) {
      return `${which} has expired on ${printDate(one.notAfter)}`;
    }
    if (now < one.notBefore) {
      return `${which} is not valid before ${printDate(one.notBefore)}`;
    }
  }
  if (chain === null) {
    if (isSelfSigned(leaf)) {
      return "it is self-signed and not among the trusted root certificates";
    }
    const issuer = others.some((one) => isIssuedBy(leaf, one));
    return issuer
      ? "no trusted root certificate stands above it"
      : "its issuer is not known: the trusted root certificates do not have it, or the server does not send the certificates in between";
  }
  if (!leaf.isForServers) return "it is not meant for servers";
  return "the runtime does not accept it, its algorithms may be too old or too new";
}
