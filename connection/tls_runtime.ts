/**
 * What the runtime's TLS can be relied on for.
 *
 * @module
 */

import process from "node:process";
import type * as tls from "node:tls";
import { isGranted } from "./environment.ts";
import { type Certificate, readCertificate } from "./tls_certificate.ts";
import { readPem } from "./tls_der.ts";

/**
 * `node:tls`, which takes some ten milliseconds to load: connections that do
 * without it never do.
 *
 * @returns The module.
 */
export function nodeTls(): typeof tls {
  return process.getBuiltinModule("node:tls");
}

/**
 * Whether `node:tls` tells the truth about a server and the state of a
 * handshake. Until Deno 2.7 it calls every server authorized.
 *
 * @returns Whether it can be used.
 */
export function canUseNodeTls(): boolean {
  const { prototype } = nodeTls().TLSSocket;
  return typeof prototype.getProtocol === "function" &&
    typeof prototype.getPeerCertificate === "function";
}

/**
 * The certificates that the runtime trusts, as far as it tells.
 *
 * @returns The certificates, without those that cannot be read; `null` where
 * the permission to ask is missing.
 */
export function runtimeRoots(): Certificate[] | null {
  if (!isGranted({ name: "sys" })) return null;
  try {
    // Asks the environment which of them are in use.
    const texts = isGranted({ name: "env" })
      ? nodeTls().getCACertificates("default")
      : nodeTls().rootCertificates;
    return texts.flatMap(readRoot);
  } catch {
    return null;
  }
}

function readRoot(text: string): Certificate[] {
  try {
    return readPem(text, /^CERTIFICATE$/).map(readCertificate);
  } catch {
    return [];
  }
}
