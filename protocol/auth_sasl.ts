/**
 * What surrounds a SASL mechanism: the list that the server offers, the choice
 * from it, the message that begins the exchange, and the errors that methods
 * share. The one mechanism that is spoken is in `auth_scram.ts`.
 *
 * @module
 */

import {
  NotSupportedError,
  OperationalError,
  ProtocolError,
} from "../errors/base.ts";
import { passwordMessage } from "./auth_password.ts";
import type { ChannelBinding } from "./auth_scram.ts";

/** Whether the TLS channel must, may or must not be bound. */
export type ChannelBindingMode = "disable" | "prefer" | "require";

const SCRAM = "SCRAM-SHA-256";
const SCRAM_PLUS = "SCRAM-SHA-256-PLUS";
const LONGEST_LIST = 4096;

/** Which channel a SCRAM exchange binds to. */
export interface ChosenChannel {
  /** The channel, or `null` for none. */
  channelBinding: ChannelBinding | null;
  /**
   * Whether the client could have bound one, had the server offered it. The
   * server refuses when it did offer it, so nobody in between can hide that.
   */
  couldBind: boolean;
}

/**
 * Reads the mechanism names of AuthenticationSASL, each of which ends with a
 * NUL, as does the list.
 *
 * @param data The message after its code.
 * @returns The names, without characters that do not print.
 * @throws {ProtocolError} If the list is malformed.
 */
export function readMechanisms(data: Uint8Array): string[] {
  const text = String.fromCharCode(...data.subarray(0, LONGEST_LIST));
  if (data.length > LONGEST_LIST || !text.endsWith("\0\0")) throw malformed();
  const names = text.slice(0, -2).split("\0");
  if (names.includes("")) throw malformed();
  return names.map((name) => name.replace(/[^\x21-\x7e]/g, "?"));
}

/**
 * Whether a mechanism is one of those that are spoken.
 *
 * @param mechanism Its name.
 * @returns Whether it is SCRAM-SHA-256, with or without channel binding.
 */
export function isScram(mechanism: string): boolean {
  return mechanism === SCRAM || mechanism === SCRAM_PLUS;
}

/**
 * Decides on channel binding.
 *
 * @param offered The mechanisms that the server offers, a SCRAM among them.
 * @param options What the user wants and what the connection has.
 * @returns The channel to bind to.
 * @throws {OperationalError} If binding is required and not possible.
 * @throws {NotSupportedError} If the server insists on binding and there is
 * nothing to bind to.
 */
export function chooseChannel(
  offered: readonly string[],
  options: {
    channelBinding?: ChannelBinding | null | undefined;
    channelBindingMode?: ChannelBindingMode | undefined;
  },
): ChosenChannel {
  const mode = options.channelBindingMode ?? "prefer";
  const channel = mode === "disable" ? null : options.channelBinding ?? null;
  const channelBinding = offered.includes(SCRAM_PLUS) ? channel : null;
  if (mode === "require" && !channelBinding) {
    throw unbound(
      channel
        ? `the server does not offer ${SCRAM_PLUS}`
        : "there is no TLS channel to bind to",
    );
  }
  if (!channelBinding && !offered.includes(SCRAM)) {
    throw new NotSupportedError(
      `Cannot authenticate: the server offers ${SCRAM_PLUS} only, and there is no TLS channel to bind to, or channelBinding is "disable"`,
    );
  }
  return { channelBinding, couldBind: channel !== null };
}

/**
 * The body of a SASLInitialResponse.
 *
 * @param mechanism The mechanism that was chosen.
 * @param first Its first message.
 * @returns The bytes to send.
 */
export function initialResponse(
  mechanism: string,
  first: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const name = passwordMessage(mechanism);
  const body = new Uint8Array(name.length + 4 + first.length);
  body.set(name);
  new DataView(body.buffer).setInt32(name.length, first.length);
  body.set(first, name.length + 4);
  return body;
}

/**
 * The error for a method that is not spoken.
 *
 * @param method What it is called.
 * @returns The error.
 */
export function notSupported(method: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot authenticate: method ${method} is not supported, let the server ask for scram-sha-256`,
  );
}

/**
 * The error for channel binding that is required and did not happen.
 *
 * @param reason Why not.
 * @returns The error.
 */
export function unbound(reason: string): OperationalError {
  return new OperationalError(
    `Cannot authenticate: channelBinding is "require" and ${reason}`,
  );
}

/**
 * The error for a request that cannot be read.
 *
 * @returns The error.
 */
export function malformed(): ProtocolError {
  return new ProtocolError(
    "Cannot authenticate: a request of the server is malformed",
  );
}
