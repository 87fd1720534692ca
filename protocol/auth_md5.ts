/**
 * The MD5 method, which servers keep for passwords stored long ago. It stands
 * alone because MD5 is not in WebCrypto.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { passwordMessage } from "./auth_password.ts";

function md5(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/**
 * A password in the form in which a server that stores MD5 hashes keeps it.
 *
 * @param password The password.
 * @param user The name of the role that it belongs to.
 * @returns `md5` and 32 hexadecimal digits.
 */
export function md5Verifier(password: string, user: string): string {
  return `md5${md5(password, user)}`;
}

/**
 * The answer to AuthenticationMD5Password.
 *
 * @param password The password.
 * @param user The name of the role.
 * @param salt The four bytes that the server sent.
 * @returns The body of the message to send.
 */
export function md5Response(
  password: string,
  user: string,
  salt: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return passwordMessage(`md5${md5(md5(password, user), salt)}`);
}
