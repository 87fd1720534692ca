/**
 * What can be told about the TLS of a connection.
 *
 * @module
 */

import type { ChannelBinding } from "../protocol/auth_scram.ts";

/** The TLS of a connection, after its handshake. */
export interface TlsDetails {
  /** What does it. */
  readonly library: "Deno.startTls" | "node:tls";
  /** The version, such as `TLSv1.3`; `null` where the runtime does not tell. */
  readonly protocol: string | null;
  /** The cipher suite; `null` where the runtime does not tell. */
  readonly cipher: string | null;
  /** The protocol that was agreed on for what is inside; `null` for none. */
  readonly alpn: string | null;
  /** The certificate of the server, as DER; `null` where the runtime does not tell. */
  readonly certificate: Uint8Array | null;
  /**
   * What SCRAM can be bound to; `null` where the certificate has nothing for that.
   * Worked out when it is first asked for.
   */
  readonly channelBinding: ChannelBinding | null;
}

/** The names of the attributes, as libpq has them. */
export const ATTRIBUTE_NAMES: readonly string[] = [
  "library",
  "key_bits",
  "cipher",
  "compression",
  "protocol",
  "alpn",
];

/**
 * An attribute of a connection's TLS, by libpq's name.
 *
 * @param details The TLS of the connection.
 * @param name The name.
 * @returns The value; `null` if there is no such attribute or it is not known.
 */
export function tlsAttribute(details: TlsDetails, name: string): string | null {
  switch (name) {
    case "library":
    case "cipher":
    case "protocol":
      return details[name];
    case "key_bits":
      return keyBits(details.cipher);
    case "compression":
      return "off";
    case "alpn":
      return details.alpn ?? "";
    default:
      return null;
  }
}

function keyBits(cipher: string | null): string | null {
  const [, bits] = /AES[-_]?(128|256)/.exec(cipher ?? "") ?? [];
  return bits ?? (cipher?.includes("CHACHA20") ? "256" : null);
}
