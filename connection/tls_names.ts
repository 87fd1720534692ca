/**
 * Whether a certificate names the host that was asked for, by libpq's rules:
 * see the section "SSL Support" of its documentation.
 *
 * @module
 */

import { equals } from "@std/bytes/equals";
import type { Certificate } from "./tls_certificate.ts";

/**
 * Whether a certificate is for a host.
 *
 * The alternative names count first; the common name only where none of them is
 * of the host's kind. An address may stand among the names of hosts too.
 *
 * @param certificate The certificate.
 * @param host A name or an IP address, as the user gave it.
 * @returns Whether it is.
 */
export function isForHost(certificate: Certificate, host: string): boolean {
  const address = parseAddress(host);
  const { dnsNames, ipAddresses, commonName } = certificate;
  if (dnsNames.some((pattern) => matchesHost(pattern, host))) return true;
  if (address !== null && ipAddresses.some((one) => equals(one, address))) {
    return true;
  }
  const ofSameKind = address === null ? dnsNames : ipAddresses;
  return ofSameKind.length === 0 && commonName !== null &&
    matchesHost(commonName, host);
}

/** Names for a message: what a certificate is for. */
export function namesOf(certificate: Certificate): string {
  const { dnsNames, ipAddresses, commonName } = certificate;
  const names = [...dnsNames, ...ipAddresses.map(printAddress)];
  if (names.length === 0 && commonName !== null) names.push(commonName);
  if (names.length === 0) return "no host";
  const shown = names.slice(0, 5)
    .map((name) => JSON.stringify(name.slice(0, 255)));
  return shown.join(", ") + (names.length > shown.length ? ", …" : "");
}

/** A wildcard stands for the leftmost label alone, and for one label only. */
function matchesHost(pattern: string, host: string): boolean {
  const wanted = host.toLowerCase();
  const given = pattern.toLowerCase();
  if (given.includes("\0") || given === "") return false;
  if (given === wanted) return true;
  if (!given.startsWith("*.") || given.length < 3) return false;
  const rest = given.slice(1);
  return wanted.length > rest.length && wanted.endsWith(rest) &&
    !wanted.slice(0, -rest.length).includes(".");
}

/**
 * The bytes of an IP address.
 *
 * @param text Text that may be one.
 * @returns 4 or 16 bytes, or `null` if it is something else.
 */
export function parseAddress(text: string): Uint8Array | null {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    return parts.every((part) => part < 256) ? Uint8Array.from(parts) : null;
  }
  if (!text.includes(":") || !/^[0-9a-f:.]+$/i.test(text)) return null;
  const host = URL.parse(`http://[${text}]/`)?.hostname;
  if (host === undefined) return null;
  // The parser has left nothing but groups of four digits and one "::".
  const [head = "", tail] = host.slice(1, -1).split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":");
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array(Math.max(0, 8 - left.length - right.length)).fill("0");
  return Uint8Array.from(
    [...left, ...zeros, ...right].flatMap((group) => {
      const value = parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

function printAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return "?";
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((bytes[i]! * 256 + bytes[i + 1]!).toString(16));
  }
  return URL.parse(`http://[${groups.join(":")}]/`)?.hostname.slice(1, -1) ??
    groups.join(":");
}
