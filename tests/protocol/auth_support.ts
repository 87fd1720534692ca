/**
 * The server's side of authentication, made independently of the client's.
 *
 * @module
 */

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import {
  Authenticator,
  type AuthenticatorOptions,
} from "../../protocol/auth.ts";

export const NONCE = "Wk3Tz1yQb8mYcVh2Rf6LpX0s";
export const SALT = "W22ZaJ0SNY7soEsUEjb6gQ==";

/** An Authenticator for the user "ann" with the password "pencil". */
export function authenticator(
  options: Partial<AuthenticatorOptions> = {},
): Authenticator {
  return new Authenticator({
    user: "ann",
    password: "pencil",
    cleartextAllowed: false,
    scramNonce: NONCE,
    ...options,
  });
}

/** The body of an authentication message. */
export function request(
  code: number,
  data: string | readonly number[] = [],
): Uint8Array {
  const rest = typeof data === "string"
    ? new TextEncoder().encode(data)
    : Uint8Array.from(data);
  const body = new Uint8Array(4 + rest.length);
  new DataView(body.buffer).setInt32(0, code);
  body.set(rest, 4);
  return body;
}

/** AuthenticationSASL with these mechanisms. */
export function sasl(...mechanisms: string[]): Uint8Array {
  return request(10, mechanisms.map((name) => `${name}\0`).join("") + "\0");
}

/** AuthenticationOk. */
export function ok(): Uint8Array {
  return request(0);
}

/** What was sent, as text with NUL shown as a middle dot. */
export function text(body: Uint8Array | null): string | null {
  return body && new TextDecoder().decode(body).replaceAll("\0", "·");
}

/** A SCRAM server that remembers the first messages. */
export class ScramServer {
  firstBare = "";
  header = "";
  first = "";
  #signature = "";
  readonly #iterations: number;
  readonly #password: string;

  constructor(iterations = 4096, password = "pencil") {
    this.#iterations = iterations;
    this.#password = password;
  }

  /** Takes the body of SASLInitialResponse, returns AuthenticationSASLContinue. */
  begin(body: Uint8Array | null, first?: string): Uint8Array {
    if (!body) throw new Error("no SASLInitialResponse");
    const nul = body.indexOf(0);
    const length = new DataView(body.buffer).getInt32(nul + 1);
    if (length !== body.length - nul - 5) throw new Error("wrong length");
    const message = new TextDecoder().decode(body.subarray(nul + 5));
    const [, header = "", bare = ""] = /^(.*?,,)(.*)$/.exec(message) ?? [];
    this.header = header;
    this.firstBare = bare;
    this.first = first ?? `${bare.slice(3)}Srv,s=${SALT},i=${this.#iterations}`;
    return request(11, this.first);
  }

  /**
   * Checks the body of SASLResponse, returns AuthenticationSASLFinal.
   *
   * @param binding The bytes of the channel, where it is bound.
   */
  finish(body: Uint8Array | null, binding: number[] = []): Uint8Array {
    const message = new TextDecoder().decode(body ?? new Uint8Array());
    const [, without = "", channel = "", proof = ""] =
      /^(c=([^,]*),r=[^,]*),p=(.*)$/.exec(message) ?? [];
    const expected = [...new TextEncoder().encode(this.header), ...binding];
    if (channel !== btoa(String.fromCharCode(...expected))) {
      throw new Error("wrong channel binding");
    }
    const salted = pbkdf2Sync(
      this.#password,
      Uint8Array.from(atob(SALT), (c) => c.charCodeAt(0)),
      this.#iterations,
      32,
      "sha256",
    );
    const authMessage = `${this.firstBare},${this.first},${without}`;
    const clientKey = hmac(salted, "Client Key");
    const storedKey = createHash("sha256").update(clientKey).digest();
    const signature = hmac(storedKey, authMessage);
    const wanted = clientKey.map((byte, index) => byte ^ signature[index]!);
    if (btoa(String.fromCharCode(...wanted)) !== proof) {
      throw new Error("wrong proof");
    }
    this.#signature = hmac(hmac(salted, "Server Key"), authMessage)
      .toString("base64");
    return this.final;
  }

  /** AuthenticationSASLFinal with the right signature. */
  get final(): Uint8Array {
    return request(12, `v=${this.#signature}`);
  }

  /** The signature that the server sends. */
  get signature(): string {
    return this.#signature;
  }
}

function hmac(key: Uint8Array, data: string) {
  return createHmac("sha256", key).update(data).digest();
}

/** A server and a client that have exchanged all but the last two messages. */
export async function exchanged(
  options: Partial<AuthenticatorOptions> = {},
  iterations = 4096,
): Promise<{ client: Authenticator; server: ScramServer }> {
  const client = authenticator(options);
  const server = new ScramServer(iterations);
  const first = await client.receive(sasl("SCRAM-SHA-256"));
  server.finish(await client.receive(server.begin(first)));
  return { client, server };
}
