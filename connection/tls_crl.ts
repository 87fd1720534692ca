/**
 * Revocation lists: reading them, and asking them about the certificates of a
 * server. The runtime does not do this, so it is done here, after the handshake
 * and before anything else is sent.
 *
 * Whatever cannot be told counts against the server: each certificate of the
 * chain, the root included, needs a list of its issuer that is signed by it and
 * in force, and that does not name the certificate.
 *
 * @module
 */

import { equals } from "@std/bytes/equals";
import {
  type Certificate,
  readExtensions,
  readSerial,
} from "./tls_certificate.ts";
import {
  DerError,
  DerReader,
  isPem,
  readBitString,
  readPem,
  readTime,
  Tag,
} from "./tls_der.ts";
import {
  isSignedBy,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
} from "./tls_signature.ts";

/** A revocation list. */
export interface RevocationList {
  /** Who issued it, as DER. */
  readonly issuer: Uint8Array;
  /** The part that is signed. */
  readonly signed: Uint8Array;
  /** How it is signed. */
  readonly algorithm: SignatureAlgorithm;
  /** The signature. */
  readonly signature: Uint8Array;
  /** From when on it is in force, in milliseconds since 1970. */
  readonly thisUpdate: number;
  /** When the next one is due; `null` if it does not say. */
  readonly nextUpdate: number | null;
  /** The serial numbers of the certificates that are revoked, as hexadecimal digits. */
  readonly serials: ReadonlySet<string>;
  /** Whether it is a plain list of everything that its issuer has revoked. */
  readonly isComplete: boolean;
}

/**
 * Reads revocation lists.
 *
 * @param data PEM text with one list or more, or one list as DER.
 * @returns The lists.
 * @throws {DerError} If there is none, or one is malformed.
 */
export function readRevocationLists(data: Uint8Array): RevocationList[] {
  const text = new TextDecoder("latin1").decode(data);
  const isText = isPem(text) || text.includes("\n-----BEGIN ");
  const lists = isText ? readPem(text, /^X509 CRL$/) : [data];
  if (lists.length === 0) throw new DerError("there is no list in it");
  return lists.map(readList);
}

function readList(der: Uint8Array): RevocationList {
  const outer = new DerReader(der);
  const parts = outer.enter(Tag.SEQUENCE);
  outer.end();
  const signed = parts.read(Tag.SEQUENCE);
  const algorithm = parts.read(Tag.SEQUENCE);
  const signature = readBitString(parts.read(Tag.BIT_STRING).content);
  parts.end();

  const fields = new DerReader(signed.content);
  fields.readIf(Tag.INTEGER); // the version
  if (!equals(fields.read(Tag.SEQUENCE).content, algorithm.content)) {
    throw new DerError("two algorithms");
  }
  const issuer = fields.read(Tag.SEQUENCE);
  const thisUpdate = readTime(fields.read());
  const hasNext = fields.nextTag === Tag.UTC_TIME ||
    fields.nextTag === Tag.GENERALIZED_TIME;
  const nextUpdate = hasNext ? readTime(fields.read()) : null;
  const serials = new Set<string>();
  // Deltas, lists for some certificates only and lists on behalf of others
  // all say so in a critical extension.
  let isComplete = true;
  const entries = fields.readIf(Tag.SEQUENCE);
  if (entries !== null) {
    const list = new DerReader(entries.content);
    while (!list.atEnd) {
      const entry = list.enter(Tag.SEQUENCE);
      serials.add(readSerial(entry.read(Tag.INTEGER)));
      readTime(entry.read());
      if (entry.nextTag === Tag.SEQUENCE) {
        isComplete &&= !readExtensions(entry).some((one) => one.critical);
      }
      entry.end();
    }
  }
  const extensions = fields.readIf(0xa0);
  if (extensions !== null) {
    isComplete &&= !readExtensions(new DerReader(extensions.content))
      .some((one) => one.critical);
  }
  fields.end();
  return {
    issuer: issuer.whole,
    signed: signed.whole,
    algorithm: readSignatureAlgorithm(algorithm.content),
    signature,
    thisUpdate,
    nextUpdate,
    serials,
    isComplete,
  };
}

/**
 * Asks the lists about every certificate of a chain.
 *
 * @param chain The certificate of the server first, the root last.
 * @param lists What has been read.
 * @param now The time, in milliseconds since 1970.
 * @returns Why the server is not to be trusted, as the end of a sentence;
 * `null` if nothing is wrong.
 */
export function findRevoked(
  chain: readonly Certificate[],
  lists: readonly RevocationList[],
  now: number,
): string | null {
  for (const [index, certificate] of chain.entries()) {
    // The last is a root, and its own issuer.
    const issuer = chain[index + 1] ?? certificate;
    const reason = judge(certificate, issuer, lists, now);
    if (reason === null) continue;
    const which = index === 0
      ? "it"
      : "a certificate between it and the trusted root";
    const root = index > 0 && index === chain.length - 1;
    return `${root ? "the trusted root above it" : which} ${reason}`;
  }
  return null;
}

function judge(
  certificate: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  now: number,
): string | null {
  const own = lists.filter((list) => equals(list.issuer, certificate.issuer));
  if (own.length === 0) {
    return "is on no revocation list: none is by its issuer";
  }
  let doubt: string | null = null;
  let cleared = false;
  for (const list of own) {
    const flaw = flawOf(list, issuer, now);
    if (flaw !== null) doubt ??= flaw;
    else if (list.serials.has(certificate.serial)) return "has been revoked";
    else cleared = true;
  }
  if (cleared) return null;
  return `cannot be checked: the revocation list of its issuer ${doubt}`;
}

/** What keeps a list from being believed. */
function flawOf(
  list: RevocationList,
  issuer: Certificate,
  now: number,
): string | null {
  if (!equals(list.issuer, issuer.subject)) {
    return "is by somebody who is not in the chain of certificates";
  }
  if (
    !isSignedBy(list.algorithm, list.signed, list.signature, issuer.publicKey)
  ) return "is not signed by it";
  if (!issuer.maySignLists) return "is signed with a key that may not sign any";
  if (!list.isComplete) return "is of a kind that pgts cannot judge";
  if (list.thisUpdate > now) return "is not in force yet";
  if (list.nextUpdate !== null && list.nextUpdate < now) {
    return `has expired on ${printDate(list.nextUpdate)}, get a new one`;
  }
  return null;
}

/** A date for a message. */
export function printDate(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
