/**
 * Names of channels, as LISTEN takes them.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { quoteIdentifier } from "../types/quote.ts";

/** How long a name may be. LISTEN cuts longer ones off, and then listens to another channel. */
const MAX_BYTES = 63;

/**
 * The commands that have a session listen to some channels and to others no more,
 * in one text, which the server runs as a whole or not at all.
 *
 * @param listen Names of channels, which may hold any characters.
 * @param unlisten Names of channels.
 * @returns SQL.
 */
export function listenCommands(
  listen: readonly string[],
  unlisten: readonly string[],
): string {
  return [
    ...listen.map((name) => `LISTEN ${quoteIdentifier(name)}`),
    ...unlisten.map((name) => `UNLISTEN ${quoteIdentifier(name)}`),
  ].join("; ");
}

/**
 * Checks that a channel can have a name.
 *
 * @param name The name.
 * @throws {ProgrammingError} If it is empty or longer than 63 bytes in UTF-8.
 * @throws {DataError} If it contains a NUL character or half a surrogate pair.
 */
export function checkChannel(name: string): void {
  if (typeof name !== "string" || name === "") {
    throw new ProgrammingError(
      "Cannot listen to the channel: its name must be a string that is not empty",
    );
  }
  quoteIdentifier(name); // which checks the characters
  const size = new TextEncoder().encode(name).length;
  if (size > MAX_BYTES) {
    throw new ProgrammingError(
      `Cannot listen to the channel "${name}": its name has ${size} bytes, PostgreSQL allows ${MAX_BYTES}`,
    );
  }
}
