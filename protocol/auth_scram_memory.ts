/**
 * Keys of SCRAM that are kept, so that who opens many sessions with one password
 * derives them once: PBKDF2 is slow on purpose.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { scramKeys, type ScramSecret } from "./auth_scram.ts";

/** How many are kept: one for each password and salt. */
const KEPT = 8;

/** The keys that one user of the driver has derived lately. */
export class ScramMemory {
  readonly #kept = new Map<string, Promise<ScramSecret>>();

  /**
   * The keys that follow from a password.
   *
   * @param password The password, as the user gave it.
   * @param salt The salt that the server stores.
   * @param iterations How often to hash.
   * @returns The keys; who asks for the same at once waits for the same.
   */
  derive(
    password: string,
    salt: Uint8Array,
    iterations: number,
  ): Promise<ScramSecret> {
    const place = placeOf(password, salt, iterations);
    let keys = this.#kept.get(place);
    if (keys === undefined) keys = scramKeys(password, salt, iterations);
    else this.#kept.delete(place);
    this.#kept.set(place, keys);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    keys.catch(() => this.#kept.delete(place));
    return keys;
  }
}

/** Not the password itself: it may come from a function, and is then kept by nobody. */
function placeOf(
  password: string,
  salt: Uint8Array,
  iterations: number,
): string {
  return createHash("sha256")
    .update(`${iterations}:${salt.length}:`)
    .update(salt)
    .update(password)
    .digest("hex");
}
