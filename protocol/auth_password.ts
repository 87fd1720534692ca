/**
 * The password itself: where it comes from, its bytes, and the message of the
 * cleartext method.
 *
 * @module
 */

import {
  DataError,
  OperationalError,
  ProgrammingError,
} from "../errors/base.ts";

/**
 * A password: text, or a function that is asked for it when the server wants
 * one, or `null` where there is none.
 */
export type PasswordSource = string | (() => string | Promise<string>) | null;

const encoder = new TextEncoder();

/**
 * Asks for the password.
 *
 * @param source Where the password comes from.
 * @returns The password, or `""` where none was given.
 * @throws {OperationalError} If the function that was to give it failed.
 * @throws {ProgrammingError} If the function gave something that is not text.
 * @throws {DataError} If the password cannot be sent: it contains a NUL or half
 * of a surrogate pair.
 */
export async function readPassword(source: PasswordSource): Promise<string> {
  let password: unknown = source ?? "";
  if (typeof source === "function") {
    try {
      password = await source();
    } catch (cause) {
      throw new OperationalError(
        "Cannot authenticate: the function that was to give the password failed",
        { cause },
      );
    }
  }
  if (typeof password !== "string") {
    throw new ProgrammingError(
      `Cannot authenticate: the password is of type ${
        password === null ? "null" : typeof password
      }, it must be a string`,
    );
  }
  if (password.includes("\0")) {
    throw new DataError("Cannot authenticate: the password contains a NUL");
  }
  if (!password.isWellFormed()) {
    throw new DataError(
      "Cannot authenticate: the password contains a surrogate that is not part of a pair",
    );
  }
  return password;
}

/**
 * The body of a PasswordMessage.
 *
 * @param text What is to be sent, without its end mark.
 * @returns The text as UTF-8, and a NUL.
 */
export function passwordMessage(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${text}\0`);
}
