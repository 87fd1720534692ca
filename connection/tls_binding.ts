/**
 * The data that binds SCRAM to a TLS channel: the hash of the server's
 * certificate, as RFC 5929 defines `tls-server-end-point`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ChannelBinding } from "../protocol/auth_scram.ts";
import { readCertificate } from "./tls_certificate.ts";

/**
 * The binding to the channel whose server has shown a certificate.
 *
 * The hash is the one that the certificate is signed with, and SHA-256 in place
 * of MD5 and SHA-1. Where the signature has no such hash, as with Ed25519, there
 * is no binding.
 *
 * @param certificate The certificate, as DER.
 * @returns The binding, or `null` if the certificate has none.
 */
export function bindingOf(certificate: Uint8Array): ChannelBinding | null {
  let hash: string | null;
  try {
    ({ algorithm: { hash } } = readCertificate(certificate));
  } catch {
    return null;
  }
  if (hash === null) return null;
  const name = hash === "md5" || hash === "sha1" ? "sha256" : hash;
  const digest = createHash(name).update(certificate).digest();
  return { type: "tls-server-end-point", data: new Uint8Array(digest) };
}
