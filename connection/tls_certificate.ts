/**
 * What pgts needs to know of an X.509 certificate beside what the runtime
 * tells: whom it names, who signed it how, for what it may be used.
 *
 * @module
 */

import { equals } from "@std/bytes/equals";
import {
  type DerElement,
  DerError,
  DerReader,
  readBitString,
  readOid,
  readText,
  readTime,
  Tag,
} from "./tls_der.ts";
import {
  isSignedBy,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
} from "./tls_signature.ts";

/** A certificate. */
export interface Certificate {
  /** The certificate itself. */
  readonly der: Uint8Array;
  /** The part that is signed. */
  readonly signed: Uint8Array;
  /** How it is signed. */
  readonly algorithm: SignatureAlgorithm;
  /** The signature. */
  readonly signature: Uint8Array;
  /** The serial number, in hexadecimal digits. */
  readonly serial: string;
  /** Who issued it, as DER. */
  readonly issuer: Uint8Array;
  /** Whose it is, as DER. */
  readonly subject: Uint8Array;
  /** From when on it is valid, in milliseconds since 1970. */
  readonly notBefore: number;
  /** Until when it is valid, in milliseconds since 1970. */
  readonly notAfter: number;
  /** The SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** The first common name of the subject, `null` where there is none that can be read. */
  readonly commonName: string | null;
  /** The alternative names that are names of hosts. */
  readonly dnsNames: readonly string[];
  /** The alternative names that are IP addresses, of 4 or 16 bytes. */
  readonly ipAddresses: readonly Uint8Array[];
  /** Whether it may sign revocation lists. */
  readonly maySignLists: boolean;
  /** Whether it may be used by servers. */
  readonly isForServers: boolean;
}

const COMMON_NAME = "2.5.4.3";
const KEY_USAGE = "2.5.29.15";
const ALTERNATIVE_NAMES = "2.5.29.17";
const EXTENDED_USAGE = "2.5.29.37";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const ANY_USAGE = "2.5.29.37.0";
/** The bit of the key usage that allows to sign revocation lists. */
const CRL_SIGN = 0x02;
const LONGEST_CHAIN = 10;

/**
 * Reads a certificate.
 *
 * @param der Its bytes.
 * @returns What is in it.
 * @throws {DerError} If it is malformed.
 */
export function readCertificate(der: Uint8Array): Certificate {
  const outer = new DerReader(der);
  const parts = outer.enter(Tag.SEQUENCE);
  outer.end();
  const signed = parts.read(Tag.SEQUENCE);
  const algorithm = parts.read(Tag.SEQUENCE);
  const signature = readBitString(parts.read(Tag.BIT_STRING).content);
  parts.end();

  const fields = new DerReader(signed.content);
  fields.readIf(0xa0); // the version
  const serial = readSerial(fields.read(Tag.INTEGER));
  const inner = fields.read(Tag.SEQUENCE);
  if (!equals(inner.content, algorithm.content)) {
    throw new DerError("two algorithms");
  }
  const issuer = fields.read(Tag.SEQUENCE);
  const validity = fields.enter(Tag.SEQUENCE);
  const notBefore = readTime(validity.read());
  const notAfter = readTime(validity.read());
  const subject = fields.read(Tag.SEQUENCE);
  const publicKey = fields.read(Tag.SEQUENCE);
  const extensions = new Map<string, Uint8Array>();
  while (!fields.atEnd) {
    const { tag, content } = fields.read();
    if (tag !== 0xa3) continue;
    for (const { oid, value } of readExtensions(new DerReader(content))) {
      extensions.set(oid, value);
    }
  }
  return {
    der,
    signed: signed.whole,
    algorithm: readSignatureAlgorithm(algorithm.content),
    signature,
    serial,
    issuer: issuer.whole,
    subject: subject.whole,
    notBefore,
    notAfter,
    publicKey: publicKey.whole,
    commonName: readCommonName(subject.content),
    ...readAlternativeNames(extensions.get(ALTERNATIVE_NAMES)),
    maySignLists: allowsToSignLists(extensions.get(KEY_USAGE)),
    isForServers: allowsServers(extensions.get(EXTENDED_USAGE)),
  };
}

/**
 * A serial number as text.
 *
 * @param element The integer.
 * @returns Hexadecimal digits, without zeros in front.
 */
export function readSerial({ content }: DerElement): string {
  return content.reduce(
    (text, byte) => text + byte.toString(16).padStart(2, "0"),
    "",
  ).replace(/^0+(?=.)/, "");
}

/** An extension of a certificate, of a list or of an entry in a list. */
export interface Extension {
  /** What it is. */
  readonly oid: string;
  /** Whether it must not be ignored. */
  readonly critical: boolean;
  /** What it says, as DER. */
  readonly value: Uint8Array;
}

/**
 * Reads the sequence of extensions.
 *
 * @param reader Stands before the sequence.
 * @returns The extensions.
 * @throws {DerError} If they are malformed.
 */
export function readExtensions(reader: DerReader): Extension[] {
  const found: Extension[] = [];
  const list = reader.enter(Tag.SEQUENCE);
  while (!list.atEnd) {
    const one = list.enter(Tag.SEQUENCE);
    const oid = readOid(one.read(Tag.OID).content);
    const flag = one.readIf(Tag.BOOLEAN);
    const { content } = one.read(Tag.OCTET_STRING);
    found.push({
      oid,
      critical: flag !== null && flag.content[0] !== 0,
      value: content,
    });
  }
  return found;
}

function readCommonName(name: Uint8Array): string | null {
  const sets = new DerReader(name);
  while (!sets.atEnd) {
    const set = sets.enter(Tag.SET);
    while (!set.atEnd) {
      const attribute = set.enter(Tag.SEQUENCE);
      const oid = readOid(attribute.read(Tag.OID).content);
      if (oid === COMMON_NAME) return readText(attribute.read());
    }
  }
  return null;
}

function readAlternativeNames(
  extension: Uint8Array | undefined,
): Pick<Certificate, "dnsNames" | "ipAddresses"> {
  const dnsNames: string[] = [];
  const ipAddresses: Uint8Array[] = [];
  if (extension !== undefined) {
    const names = new DerReader(extension).enter(Tag.SEQUENCE);
    while (!names.atEnd) {
      const { tag, content } = names.read();
      if (tag === 0x82) dnsNames.push(String.fromCharCode(...content));
      if (tag === 0x87) ipAddresses.push(content);
    }
  }
  return { dnsNames, ipAddresses };
}

function allowsToSignLists(extension: Uint8Array | undefined): boolean {
  if (extension === undefined) return true;
  const { content } = new DerReader(extension).read(Tag.BIT_STRING);
  return ((content[1] ?? 0) & CRL_SIGN) !== 0;
}

function allowsServers(extension: Uint8Array | undefined): boolean {
  if (extension === undefined) return true;
  const usages = new DerReader(extension).enter(Tag.SEQUENCE);
  while (!usages.atEnd) {
    const usage = readOid(usages.read(Tag.OID).content);
    if (usage === SERVER_AUTH || usage === ANY_USAGE) return true;
  }
  return false;
}

/** Whether a certificate is its own issuer and has signed itself. */
export function isSelfSigned(certificate: Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

/**
 * Whether a certificate names another as its issuer and is signed with its key.
 *
 * @param certificate The one.
 * @param issuer The other.
 * @returns Whether that is so.
 */
export function isIssuedBy(
  certificate: Certificate,
  issuer: Certificate,
): boolean {
  return equals(certificate.issuer, issuer.subject) && isSignedBy(
    certificate.algorithm,
    certificate.signed,
    certificate.signature,
    issuer.publicKey,
  );
}

/**
 * A chain of signatures from a certificate to one that is trusted.
 *
 * @param leaf The certificate of the server.
 * @param presented What the server sent beside it.
 * @param roots What is trusted.
 * @returns The chain, `leaf` first and the root last; `null` if there is none.
 */
export function buildChain(
  leaf: Certificate,
  presented: readonly Certificate[],
  roots: readonly Certificate[],
): Certificate[] | null {
  const isRoot = (one: Certificate) =>
    roots.some((root) => equals(root.der, one.der));
  const extend = (chain: Certificate[]): Certificate[] | null => {
    const last = chain[chain.length - 1];
    if (last === undefined || chain.length > LONGEST_CHAIN) return null;
    if (isRoot(last)) return chain;
    for (const candidate of [...roots, ...presented]) {
      if (chain.some((one) => equals(one.der, candidate.der))) continue;
      if (!isIssuedBy(last, candidate)) continue;
      const found = extend([...chain, candidate]);
      if (found !== null) return found;
    }
    return null;
  };
  return extend([leaf]);
}
