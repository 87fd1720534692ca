/**
 * Passwords in the form in which a server stores them, worked out here so that
 * the password itself is in no statement and in no log.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { md5Verifier } from "../protocol/auth_md5.ts";
import { scramVerifier } from "../protocol/auth_scram.ts";
import { quoteIdentifier, quoteString } from "../types/quote.ts";
import { checkText } from "./conninfo_values.ts";

/** How a server may store a password. */
export type PasswordAlgorithm = "md5" | "scram-sha-256";

/** What the form of a password depends on beside itself. */
export interface EncryptOptions {
  /**
   * How often SCRAM hashes. The server's own number is in the parameter
   * `scram_iterations`, which it reports since 16.
   *
   * @default {4096}
   */
  readonly iterations?: number | undefined;
  /**
   * For tests: the salt of SCRAM. By default 16 random bytes.
   *
   * @internal
   */
  readonly salt?: Uint8Array | undefined;
}

const DEFAULT_ITERATIONS = 4096;
const SALT_SIZE = 16;
const MAX_INT32 = 2 ** 31 - 1;

/**
 * The algorithm that a name or a value of the setting `password_encryption`
 * stands for.
 *
 * @param name `md5`, `scram-sha-256`, or `on` and `off`, which old servers have for MD5.
 * @returns The algorithm.
 * @throws {ProgrammingError} If there is no such algorithm.
 */
export function passwordAlgorithm(name: string): PasswordAlgorithm {
  switch (name) {
    case "scram-sha-256":
      return "scram-sha-256";
    case "md5":
    case "on":
    case "off":
      return "md5";
    default:
      throw new ProgrammingError(
        'Cannot encrypt the password: unknown algorithm, it must be "md5" or "scram-sha-256"',
      );
  }
}

/**
 * A password in the form in which a server stores it. `ALTER ROLE … PASSWORD`
 * takes it in place of the password.
 *
 * @param password The password.
 * @param user The name of the role, which MD5 hashes too.
 * @param algorithm How the server is to store it.
 * @param options What else the form depends on.
 * @returns The form: `md5…` or `SCRAM-SHA-256$…`.
 * @throws {ProgrammingError} If there is no such algorithm, the password is not
 * a string, or the number of iterations is not a positive integer.
 * @throws {DataError} If the password or the name contains a NUL or half of a surrogate pair.
 */
export async function encryptPassword(
  password: string,
  user: string,
  algorithm: PasswordAlgorithm,
  options: EncryptOptions = {},
): Promise<string> {
  const chosen = passwordAlgorithm(algorithm);
  if (typeof password !== "string") {
    throw new ProgrammingError(
      "Cannot encrypt the password: it must be a string",
    );
  }
  checkText(password, "the new password");
  checkText(user, "the name of the role");
  if (chosen === "md5") return md5Verifier(password, user);
  const { iterations = DEFAULT_ITERATIONS } = options;
  if (
    !Number.isInteger(iterations) || iterations < 1 || iterations > MAX_INT32
  ) {
    throw new ProgrammingError(
      "Cannot encrypt the password: the number of iterations must be a positive integer of 32 bits",
    );
  }
  const salt = options.salt ??
    crypto.getRandomValues(new Uint8Array(SALT_SIZE));
  return await scramVerifier(password, salt, iterations);
}

/**
 * The statement that gives a role a new password.
 *
 * @param user The name of the role.
 * @param encrypted What {@linkcode encryptPassword} made of the password.
 * @returns The statement, which does not contain the password.
 * @throws {ProgrammingError} If it is the password itself.
 */
export function changePasswordSql(user: string, encrypted: string): string {
  if (!/^md5[0-9a-f]{32}$|^SCRAM-SHA-256\$/.test(encrypted)) {
    throw new ProgrammingError(
      "Cannot change the password: it must be encrypted before it is sent, use encryptPassword",
    );
  }
  return `ALTER USER ${quoteIdentifier(user)} PASSWORD ${
    quoteString(encrypted)
  }`;
}
