/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) as far as the
 * client goes. Which of them is used, and when, is decided in `auth.ts`.
 *
 * @module
 */

import { createHash, createHmac } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import {
  NotSupportedError,
  OperationalError,
  ProtocolError,
} from "../errors/base.ts";
import { saslprep } from "./saslprep.ts";
import { UTF8 } from "./text.ts";

/** The most iterations that a server may ask for unless told otherwise. */
export const DEFAULT_MAX_ITERATIONS = 100_000;

const HASH_SIZE = 32;
const NONCE_SIZE = 18;
const encoder = new TextEncoder();

type Bytes = Uint8Array<ArrayBuffer>;

/** Proof of which TLS channel the exchange runs through. */
export interface ChannelBinding {
  /** How the channel is told apart. */
  type: "tls-server-end-point";
  /** The hash of the certificate of the server. */
  data: Uint8Array;
}

/** What stands in for a password: keys that were derived from it. */
export type ScramSecret = Pick<ScramKeys, "clientKey" | "serverKey">;

/** Derives from a password, a salt and a number of iterations what stands in for it. */
export type DeriveScramKeys = (
  password: string,
  salt: Uint8Array,
  iterations: number,
) => Promise<ScramSecret>;

/** What a SCRAM exchange needs. */
export interface ScramOptions {
  /** The password, as the user gave it, or what stands in for it. */
  password: string | ScramSecret;
  /** Derives the keys from the password; {@linkcode scramKeys} by default. */
  deriveKeys?: DeriveScramKeys | undefined;
  /** The most iterations that the server may ask for. */
  maxIterations: number;
  /** The channel to bind to; SCRAM-SHA-256-PLUS is then used. */
  channelBinding: ChannelBinding | null;
  /** Whether to tell the server that the client could have bound the channel. */
  couldBind: boolean;
  /** For tests: the nonce, otherwise random. */
  nonce?: string | undefined;
}

/** One SCRAM exchange, from the first message to the signature of the server. */
export class ScramExchange {
  /** The name of the mechanism. */
  readonly mechanism: "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS";
  #password: string | ScramSecret | null;
  readonly #deriveKeys: DeriveScramKeys;
  readonly #maxIterations: number;
  readonly #nonce: string;
  readonly #header: string;
  readonly #bindingData: Uint8Array;
  #expectedSignature: Bytes | null = null;

  /** @param options The password and what is known about the channel. */
  constructor(options: ScramOptions) {
    const binding = options.channelBinding;
    this.mechanism = binding ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
    this.#password = options.password;
    this.#deriveKeys = options.deriveKeys ?? scramKeys;
    this.#maxIterations = options.maxIterations;
    this.#nonce = options.nonce ??
      encodeBase64(crypto.getRandomValues(new Uint8Array(NONCE_SIZE)));
    this.#header = binding
      ? `p=${binding.type},,`
      : options.couldBind
      ? "y,,"
      : "n,,";
    this.#bindingData = binding?.data ?? new Uint8Array();
  }

  /**
   * The first message to the server.
   *
   * @returns Its bytes.
   */
  first(): Bytes {
    return encoder.encode(this.#header + this.#firstBare);
  }

  /** The user name stays empty: the server takes that of the startup message. */
  get #firstBare(): string {
    return `n=,r=${this.#nonce}`;
  }

  /**
   * Answers the first message of the server with the proof that the client
   * knows the password.
   *
   * @param message What the server sent.
   * @returns The bytes of the second message to the server.
   * @throws {ProtocolError} If the message is malformed or its nonce is not an
   * extension of ours.
   * @throws {OperationalError} If the server asks for too many iterations.
   * @throws {NotSupportedError} If the server demands an extension.
   */
  async continue(message: Uint8Array): Promise<Bytes> {
    const serverFirst = decode(message);
    const { nonce, salt, iterations } = this.#parseServerFirst(serverFirst);
    const header = encoder.encode(this.#header);
    const binding = new Uint8Array(header.length + this.#bindingData.length);
    binding.set(header);
    binding.set(this.#bindingData, header.length);
    const withoutProof = `c=${encodeBase64(binding)},r=${nonce}`;
    const secret = this.#password ?? "";
    this.#password = null;
    const { clientKey, serverKey } = typeof secret === "string"
      ? await this.#deriveKeys(secret, salt, iterations)
      : secret;
    const storedKey = sha256(clientKey);
    const authMessage = encoder.encode(
      `${this.#firstBare},${serverFirst},${withoutProof}`,
    );
    const signature = hmac(storedKey, authMessage);
    const proof = clientKey.map((byte, index) => byte ^ signature[index]!);
    this.#expectedSignature = hmac(serverKey, authMessage);
    return encoder.encode(`${withoutProof},p=${encodeBase64(proof)}`);
  }

  #parseServerFirst(
    text: string,
  ): { nonce: string; salt: Bytes; iterations: number } {
    throwServerError(text);
    if (text.startsWith("m=")) {
      throw new NotSupportedError(
        "Cannot authenticate with SCRAM: the server demands an extension, and none is supported",
      );
    }
    const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=(\d+)$/.exec(text);
    if (!match) throw malformed("the first message of the server");
    const [, nonce = "", salt64 = "", digits = ""] = match;
    if (!nonce.startsWith(this.#nonce) || nonce.length <= this.#nonce.length) {
      throw new ProtocolError(
        "Cannot authenticate with SCRAM: the nonce of the server does not extend the one of the client",
      );
    }
    const salt = base64(salt64, "the salt");
    const iterations = Number(digits);
    if (iterations < 1) throw malformed("the iteration count");
    if (iterations > this.#maxIterations) {
      throw new OperationalError(
        `Cannot authenticate with SCRAM: the server asks for ${digits} iterations, more than the ${this.#maxIterations} that are allowed, raise scramMaxIterations if it is to be trusted`,
      );
    }
    return { nonce, salt, iterations };
  }

  /**
   * Checks the last message of the server. It does not wait for anything, so
   * that AuthenticationOk may follow in the same read.
   *
   * @param message What the server sent.
   * @throws {ProtocolError} If the message is malformed.
   * @throws {OperationalError} If the server reports an error, or does not
   * prove that it knows the password.
   */
  finish(message: Uint8Array): void {
    const text = decode(message);
    throwServerError(text);
    const expected = this.#expectedSignature;
    this.#expectedSignature = null;
    if (!text.startsWith("v=")) throw malformed("the last message");
    const signature = base64(text.slice(2), "the signature of the server");
    if (signature.length !== HASH_SIZE) {
      throw malformed("the signature of the server");
    }
    if (!expected || !timingSafeEqual(signature, expected)) {
      throw new OperationalError(
        "Cannot trust the server: its SCRAM signature is wrong, so it does not know the password",
      );
    }
  }
}

/** The keys that follow from a password. */
export interface ScramKeys {
  /** The key that the client proves to know. */
  clientKey: Bytes;
  /** The hash of it that the server stores. */
  storedKey: Bytes;
  /** The key that the server proves to know. */
  serverKey: Bytes;
}

/**
 * Derives the keys from a password, off the event loop.
 *
 * @param password The password, as the user gave it.
 * @param salt The salt that the server stores.
 * @param iterations How often to hash.
 * @returns The keys.
 */
export async function scramKeys(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramKeys> {
  const base = await crypto.subtle.importKey(
    "raw",
    encoder.encode(saslprep(password)),
    "PBKDF2",
    false,
    ["deriveBits"],
  );
  const salted = new Uint8Array(
    await crypto.subtle.deriveBits(
      {
        name: "PBKDF2",
        hash: "SHA-256",
        salt: new Uint8Array(salt),
        iterations,
      },
      base,
      HASH_SIZE * 8,
    ),
  );
  const clientKey = hmac(salted, encoder.encode("Client Key"));
  const serverKey = hmac(salted, encoder.encode("Server Key"));
  return { clientKey, storedKey: sha256(clientKey), serverKey };
}

/**
 * A password in the form in which the server stores it.
 *
 * @param password The password.
 * @param salt The salt, usually 16 random bytes.
 * @param iterations How often to hash; servers take 4096 unless told otherwise.
 * @returns `SCRAM-SHA-256$`, the iterations, the salt and the two keys.
 */
export async function scramVerifier(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<string> {
  const { storedKey, serverKey } = await scramKeys(password, salt, iterations);
  return `SCRAM-SHA-256$${iterations}:${encodeBase64(salt)}$${
    encodeBase64(storedKey)
  }:${encodeBase64(serverKey)}`;
}

/** On the spot: a hop to another thread and back would cost more than the hash. */
function hmac(key: Bytes, data: Bytes): Bytes {
  return new Uint8Array(createHmac("sha256", key).update(data).digest());
}

function sha256(data: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

function decode(message: Uint8Array): string {
  try {
    return UTF8.decode(message, 0, message.length);
  } catch (cause) {
    throw malformed("a message of the server", { cause });
  }
}

/** Strict where `decodeBase64` is not: no white space, no missing padding. */
function base64(text: string, what: string): Bytes {
  if (
    text === "" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)
  ) throw malformed(what);
  return new Uint8Array(decodeBase64(text));
}

function throwServerError(text: string): void {
  if (text.startsWith("e=")) {
    throw new OperationalError(
      `Cannot authenticate with SCRAM: the server says ${
        JSON.stringify(text.slice(2))
      }`,
    );
  }
}

function malformed(what: string, options: ErrorOptions = {}): ProtocolError {
  return new ProtocolError(
    `Cannot authenticate with SCRAM: ${what} is malformed`,
    options,
  );
}
