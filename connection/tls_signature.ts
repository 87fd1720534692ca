/**
 * The algorithms that certificates and revocation lists are signed with, and
 * the check of such a signature.
 *
 * @module
 */

import {
  constants,
  createPublicKey,
  type KeyObject,
  verify as verifyWith,
} from "node:crypto";
import { DerReader, readOid, readSmallInteger, Tag } from "./tls_der.ts";

/** The hash functions that signatures use. */
export type HashName =
  | "md5"
  | "sha1"
  | "sha224"
  | "sha256"
  | "sha384"
  | "sha512";

/** How something was signed. */
export interface SignatureAlgorithm {
  /** The kind of key and signature. */
  readonly kind: "rsa" | "rsa-pss" | "ecdsa" | "ed25519" | "ed448" | "unknown";
  /** What was hashed with; `null` where it is unknown or part of the scheme. */
  readonly hash: HashName | null;
  /** Of RSA-PSS: how long the salt is, in bytes. */
  readonly saltLength: number;
}

const RSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";

const HASHES: ReadonlyMap<string, HashName> = new Map([
  ["1.2.840.113549.2.5", "md5"],
  ["1.3.14.3.2.26", "sha1"],
  ["2.16.840.1.101.3.4.2.4", "sha224"],
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

const SIGNATURES: ReadonlyMap<
  string,
  readonly [SignatureAlgorithm["kind"], HashName | null]
> = new Map([
  ["1.2.840.113549.1.1.4", ["rsa", "md5"]],
  ["1.2.840.113549.1.1.5", ["rsa", "sha1"]],
  ["1.2.840.113549.1.1.14", ["rsa", "sha224"]],
  ["1.2.840.113549.1.1.11", ["rsa", "sha256"]],
  ["1.2.840.113549.1.1.12", ["rsa", "sha384"]],
  ["1.2.840.113549.1.1.13", ["rsa", "sha512"]],
  ["1.2.840.10045.4.1", ["ecdsa", "sha1"]],
  ["1.2.840.10045.4.3.1", ["ecdsa", "sha224"]],
  ["1.2.840.10045.4.3.2", ["ecdsa", "sha256"]],
  ["1.2.840.10045.4.3.3", ["ecdsa", "sha384"]],
  ["1.2.840.10045.4.3.4", ["ecdsa", "sha512"]],
  ["1.3.101.112", ["ed25519", null]],
  ["1.3.101.113", ["ed448", null]],
]);

/**
 * Reads an AlgorithmIdentifier.
 *
 * @param content What is inside its sequence.
 * @returns The algorithm; of kind `unknown` where it is none that is known.
 * @throws {DerError} If it is malformed.
 */
export function readSignatureAlgorithm(
  content: Uint8Array,
): SignatureAlgorithm {
  const reader = new DerReader(content);
  const oid = readOid(reader.read(Tag.OID).content);
  if (oid === RSA_PSS) {
    // Without parameters everything has its default, which is SHA-1.
    return readPssParameters(
      reader.atEnd ? new DerReader(content.subarray(0, 0)) : reader.enter(
        Tag.SEQUENCE,
      ),
    );
  }
  const [kind, hash] = SIGNATURES.get(oid) ?? ["unknown", null] as const;
  return { kind, hash, saltLength: 0 };
}

function readPssParameters(reader: DerReader): SignatureAlgorithm {
  let hash: HashName | null = "sha1";
  let maskHash: HashName | null = "sha1";
  let saltLength = 20;
  let known = true;
  const hashElement = reader.readIf(0xa0);
  if (hashElement) hash = readHash(new DerReader(hashElement.content));
  const maskElement = reader.readIf(0xa1);
  if (maskElement) {
    const mask = new DerReader(maskElement.content).enter(Tag.SEQUENCE);
    known &&= readOid(mask.read(Tag.OID).content) === MGF1;
    maskHash = readHash(mask);
  }
  const saltElement = reader.readIf(0xa2);
  if (saltElement) {
    saltLength = readSmallInteger(
      new DerReader(saltElement.content).read(Tag.INTEGER).content,
    );
  }
  const trailer = reader.readIf(0xa3);
  if (trailer) {
    known &&= readSmallInteger(
      new DerReader(trailer.content).read(Tag.INTEGER).content,
    ) === 1;
  }
  reader.end();
  // Two hash functions in one signature: nobody does it, and it has no name.
  known &&= hash !== null && hash === maskHash;
  return known
    ? { kind: "rsa-pss", hash, saltLength }
    : { kind: "unknown", hash: null, saltLength: 0 };
}

function readHash(reader: DerReader): HashName | null {
  const algorithm = reader.enter(Tag.SEQUENCE);
  return HASHES.get(readOid(algorithm.read(Tag.OID).content)) ?? null;
}

/**
 * Checks a signature. MD5 and SHA-1 are not trusted, whatever they signed.
 *
 * @param algorithm How it was signed.
 * @param data What was signed.
 * @param signature The signature.
 * @param publicKey The SubjectPublicKeyInfo of who is said to have signed.
 * @returns Whether it is good; `false` for algorithms that cannot be checked too.
 */
export function isSignedBy(
  algorithm: SignatureAlgorithm,
  data: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  const { kind, hash, saltLength } = algorithm;
  if (kind === "unknown" || hash === "md5" || hash === "sha1") return false;
  try {
    const key = createPublicKey(
      {
        key: publicKey as Uint8Array<ArrayBuffer>,
        format: "der",
        type: "spki",
      } as Parameters<typeof createPublicKey>[0],
    );
    if (!fits(kind, key)) return false;
    return verifyWith(
      hash,
      data,
      kind === "rsa-pss"
        ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
        : key,
      signature,
    );
  } catch {
    return false;
  }
}

/** Whether a kind of signature is made with this kind of key. */
function fits(kind: SignatureAlgorithm["kind"], key: KeyObject): boolean {
  switch (kind) {
    case "rsa":
      return key.asymmetricKeyType === "rsa";
    case "rsa-pss":
      return key.asymmetricKeyType === "rsa" ||
        key.asymmetricKeyType === "rsa-pss";
    case "ecdsa":
      return key.asymmetricKeyType === "ec";
    default:
      return key.asymmetricKeyType === kind;
  }
}
