/**
 * Asking a server for TLS, before anything else is said: see the chapter
 * "Message Flow", section "SSL Session Encryption".
 *
 * @module
 */

import { OperationalError, ProtocolError } from "../errors/base.ts";

/** What is needed of a connection for this. */
export interface RequestStream {
  /** Fills the start of a buffer; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes, or all: it tells how many, or nothing if all. */
  write(bytes: Uint8Array): Promise<number | void>;
}

/** What the server answers: TLS begins, or there is none. */
export type TlsAnswer = "accepted" | "refused";

const ACCEPTED = 0x53; // S
const REFUSED = 0x4e; // N
const ERROR = 0x45; // E

/**
 * Sends SSLRequest and reads the answer, which must be one byte and nothing
 * else: what came after it in clear text could be taken for something that came
 * through TLS.
 *
 * @param stream The connection, on which nothing has been sent.
 * @param address The server, for messages.
 * @returns Whether TLS begins.
 * @throws {OperationalError} If the server sent an error, whose text is not
 * passed on: anybody in between may have written it.
 * @throws {ProtocolError} If it sent anything but the one byte.
 */
export async function requestTls(
  stream: RequestStream,
  address: string,
): Promise<TlsAnswer> {
  const request = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);
  let written = 0;
  while (written < request.length) {
    written += await stream.write(request.subarray(written)) ?? request.length;
  }
  // More room than is needed, to see whether more has come.
  const answer = new Uint8Array(16);
  const count = await stream.read(answer);
  const what = `Cannot connect to "${address}"`;
  if (count === null) {
    throw new OperationalError(
      `${what}: the server closed the connection when it was asked for TLS`,
    );
  }
  const [first] = answer;
  if (first === ERROR) {
    throw new OperationalError(
      `${what}: the server sent an error when it was asked for TLS; its text is not shown, because nothing tells who wrote it, see the log of the server`,
    );
  }
  if (first !== ACCEPTED && first !== REFUSED) {
    throw new ProtocolError(
      `${what}: the other side is not a PostgreSQL server, its answer to the request for TLS makes no sense, check host and port`,
    );
  }
  if (count > 1) {
    throw new ProtocolError(
      `${what}: data before TLS, the other side sent more than its answer to the request for TLS`,
    );
  }
  return first === ACCEPTED ? "accepted" : "refused";
}
