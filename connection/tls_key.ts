/**
 * The certificate and the key that a client shows: read, decrypted and checked
 * before any of it is needed. The runtime itself would pass over a key that it
 * cannot decrypt, and log in as nobody.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { equals } from "@std/bytes/equals";
import { OperationalError } from "../errors/base.ts";
import { readCertificate } from "./tls_certificate.ts";
import { isPem, readPem } from "./tls_der.ts";
import type { Loaded } from "./tls_files.ts";

/** What a client shows; nothing of it is seen by who prints the object. */
export class ClientIdentity {
  readonly #certificate: string;
  readonly #key: string;

  /**
   * @param certificate The certificate and those above it, as PEM text.
   * @param key The key, not encrypted, as PEM text.
   */
  constructor(certificate: string, key: string) {
    this.#certificate = certificate;
    this.#key = key;
  }

  /** What the runtime takes. */
  options(): { cert: string; key: string } {
    return { cert: this.#certificate, key: this.#key };
  }
}

/**
 * Makes the identity of a client.
 *
 * @param certificate What was read for the certificate.
 * @param key What was read for the key.
 * @param password The password of the key, if there is one.
 * @returns The identity.
 * @throws {OperationalError} If either is malformed, the key is encrypted and
 * the password is missing or wrong, or the two do not belong together.
 */
export function clientIdentity(
  certificate: Loaded,
  key: Loaded,
  password: string | null,
): ClientIdentity {
  const text = new TextDecoder().decode(certificate.bytes);
  const own = ownKey(certificate, text);
  const object = readKey(key, password);
  if (!equals(own, publicKeyOf(object))) {
    throw new OperationalError(
      `Cannot use ${certificate.name}: its first certificate does not belong to the key in ${key.name}`,
    );
  }
  return new ClientIdentity(
    text,
    object.export({ type: "pkcs8", format: "pem" }).toString(),
  );
}

/** The public key in the first certificate. */
function ownKey({ name }: Loaded, text: string): Uint8Array {
  try {
    const [first] = readPem(text, /CERTIFICATE$/);
    if (first === undefined) {
      throw new OperationalError(
        `Cannot use ${name}: there is no certificate in it, it must be PEM text`,
      );
    }
    // Read by the runtime, so that both are written the same way.
    const { publicKey } = readCertificate(first);
    return exportPublic(createPublicKey({
      key: Buffer.from(publicKey),
      format: "der",
      type: "spki",
    }));
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    throw new OperationalError(
      `Cannot use ${name}: the certificate in it is malformed`,
    );
  }
}

function publicKeyOf(key: KeyObject): Uint8Array {
  // The types know no way from key object to key object.
  return exportPublic(
    createPublicKey(key as unknown as Parameters<typeof createPublicKey>[0]),
  );
}

function exportPublic(key: KeyObject): Uint8Array {
  return key.export({ type: "spki", format: "der" }) as unknown as Uint8Array;
}

function readKey({ bytes, name }: Loaded, password: string | null): KeyObject {
  const text = new TextDecoder("latin1").decode(bytes);
  const isText = isPem(text) || text.includes("\n-----BEGIN ");
  const encrypted = isText
    ? /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(
      text,
    )
    : null;
  if (encrypted && password === null) {
    throw new OperationalError(
      `Cannot use ${name}: the key in it is encrypted, give its password as "sslpassword"`,
    );
  }
  const passphrase = password === null || encrypted === false
    ? {}
    : { passphrase: password };
  const forms = isText
    ? [{ key: keyBlock(text), format: "pem" as const }]
    : (["pkcs8", "pkcs1", "sec1"] as const).map((type) => ({
      key: Buffer.from(bytes),
      format: "der" as const,
      type,
    }));
  for (const form of forms) {
    try {
      return createPrivateKey({ ...form, ...passphrase });
    } catch {
      // What the runtime says does not tell a wrong password from a broken key.
    }
  }
  throw new OperationalError(
    encrypted
      ? `Cannot use ${name}: the key in it cannot be decrypted, is "sslpassword" right?`
      : `Cannot use ${name}: there is no key in it that can be read${
        isText ? "" : ', if it is encrypted give its password as "sslpassword"'
      }`,
  );
}

/** The block of the key alone: a file may hold parameters or certificates too. */
function keyBlock(text: string): string {
  const block =
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[^]*?-----END [A-Z ]+-----/
      .exec(text);
  return block?.[0] ?? text;
}
