/**
 * Keys that stand in for the password in SCRAM: libpq's parameters
 * `scram_client_key` and `scram_server_key`.
 *
 * @module
 */

import { decodeBase64 } from "@std/encoding/base64";
import { ProgrammingError } from "../errors/base.ts";
import type { ScramSecret } from "../protocol/auth_scram.ts";
import type { Naming } from "./conninfo_check.ts";

const KEY_SIZE = 32;

/**
 * Reads the keys.
 *
 * @param clientKey The value of `scram_client_key`.
 * @param serverKey The value of `scram_server_key`.
 * @param nameOf How to name the parameters in messages.
 * @returns The keys; `null` if there are none.
 * @throws {ProgrammingError} If one is missing, or is not base64 of 32 bytes.
 */
export function parseScramKeys(
  clientKey: string,
  serverKey: string,
  nameOf: Naming,
): ScramSecret | null {
  if (clientKey === "" && serverKey === "") return null;
  // With one alone nothing could prove that the server is the right one.
  if (clientKey === "" || serverKey === "") {
    throw new ProgrammingError(
      'Cannot use the parameters "scram_client_key" and "scram_server_key": one is given without the other',
    );
  }
  return {
    clientKey: parseKey(clientKey, nameOf("scram_client_key")),
    serverKey: parseKey(serverKey, nameOf("scram_server_key")),
  };
}

function parseKey(text: string, name: string): Uint8Array<ArrayBuffer> {
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  if (!isBase64) {
    throw new ProgrammingError(
      `Cannot use ${name}: invalid SCRAM key, it must be the base64 form of ${KEY_SIZE} bytes`,
    );
  }
  const key = new Uint8Array(decodeBase64(text));
  if (key.length === KEY_SIZE) return key;
  throw new ProgrammingError(
    `Cannot use ${name}: invalid SCRAM key length ${key.length}, it must be the base64 form of ${KEY_SIZE} bytes`,
  );
}
