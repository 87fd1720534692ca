/**
 * The start of a session: authentication, the server's parameters, the key to
 * cancel with. See the chapter "Message Flow", section "Start-up".
 *
 * @module
 */

import { OperationalError, ProtocolError } from "../errors/base.ts";
import { errorFromPlainText } from "../errors/from_response.ts";
import type { Authenticator } from "./auth.ts";
import { readBackendKeyData, readNegotiateProtocolVersion } from "./backend.ts";
import { type Conversation, Exchange, illegalMessage } from "./exchange.ts";
import {
  type StartupParameters,
  writeAuthentication,
  writeStartup,
} from "./frontend.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { Backend, PROTOCOL_3_0 } from "./tags.ts";

const MAX_PLAIN_ERROR = 30_000;

/** From the StartupMessage to the first ReadyForQuery. */
export class StartupExchange extends Exchange {
  /** The process ID of the session, or `null` where the server does not tell. */
  processId: number | null = null;
  /** The key to cancel with, or `null` where the server does not tell. */
  secretKey: Uint8Array | null = null;

  /** The version of the protocol: what is asked for, then what the server has. */
  version: number;

  readonly #minimum: number;
  readonly #authenticator: Authenticator;
  #answers: Promise<void> = Promise.resolve();
  #refusal: { readonly error: unknown } | null = null;
  #authenticated = false;
  #negotiated = false;

  /**
   * @param authenticator Answers the requests for a password and the like.
   * @param versions The version to ask for, and the lowest to be content with.
   */
  constructor(
    authenticator: Authenticator,
    versions: { readonly asked: number; readonly minimum: number } = {
      asked: PROTOCOL_3_0,
      minimum: PROTOCOL_3_0,
    },
  ) {
    super(true);
    this.#authenticator = authenticator;
    this.version = versions.asked;
    this.#minimum = versions.minimum;
  }

  /** Whether the server has said that the authentication is over. */
  get authenticated(): boolean {
    return this.#authenticated;
  }

  /** Appends the StartupMessage. */
  start(conversation: Conversation, parameters: StartupParameters): void {
    writeStartup(conversation.output, parameters, this.version);
  }

  override row(source: ReadBuffer): void {
    throw illegalMessage(source.tag, "before the session had started");
  }

  override receive(source: ReadBuffer, conversation: Conversation): boolean {
    if (this.failed) {
      throw illegalMessage(source.tag, "after an error, before ReadyForQuery");
    }
    switch (source.tag) {
      case Backend.AUTHENTICATION:
        if (this.#authenticated) {
          throw illegalMessage(source.tag, "after the authentication was over");
        }
        this.#authenticate(source.copy(source.left), conversation);
        return false;
      case Backend.BACKEND_KEY_DATA:
        if (!this.#authenticated) {
          throw illegalMessage(source.tag, "before the authentication");
        }
        ({ processId: this.processId, secretKey: this.secretKey } =
          readBackendKeyData(source));
        return false;
      case Backend.NEGOTIATE_PROTOCOL_VERSION:
        this.#negotiate(source);
        return false;
      default:
        throw illegalMessage(source.tag, "before the session had started");
    }
  }

  override mayBeReady(): boolean {
    return this.#authenticated;
  }

  /** Waits for the end of the exchange and for the proof that the server gave. */
  async finish(): Promise<void> {
    await this.done;
    if (this.error !== null) return; // A function that is to give the password may take for ever.
    await this.#answers;
    // The session may have begun in the same read as what is refused.
    if (this.#refusal !== null) throw this.#refusal.error;
    if (this.error === null && !this.#authenticator.finished) {
      throw new ProtocolError(
        "Cannot connect: the server started the session before the authentication was over",
      );
    }
  }

  /** Answers one after the other: deriving keys takes its time. */
  #authenticate(body: Uint8Array, conversation: Conversation): void {
    this.#authenticated = body.every((byte) => byte === 0) && body.length === 4;
    this.#answers = this.#answers
      .then(() => this.#authenticator.receive(body))
      .then((answer) => {
        if (answer === null || this.error !== null) return;
        writeAuthentication(conversation.output, answer);
        conversation.flush();
      })
      .catch((error) => {
        this.#refusal ??= { error };
        conversation.fail(error);
      });
  }

  /** The server has a lower version, or does not know an option; it goes on all the same. */
  #negotiate(source: ReadBuffer): void {
    const { version } = readNegotiateProtocolVersion(source);
    if (
      this.#negotiated || this.#authenticated || version > this.version ||
      version < PROTOCOL_3_0
    ) {
      throw new ProtocolError(
        `Cannot connect: the server wants protocol version ${
          printVersion(version)
        } where ${printVersion(this.version)} was asked for`,
      );
    }
    if (version < this.#minimum) {
      throw new OperationalError(
        `Cannot connect: the server has protocol version ${
          printVersion(version)
        } at most, which "min_protocol_version" rules out`,
      );
    }
    this.version = version;
    this.#negotiated = true;
  }
}

function printVersion(version: number): string {
  return `${version >>> 16}.${version & 0xffff}`;
}

/**
 * Looks at the first bytes from the other side, before they are taken for
 * messages.
 *
 * @param source What has been read so far.
 * @returns The error if they do not come from a PostgreSQL server that can serve
 * this session, or `null`.
 */
export function inspectFirstBytes(source: ReadBuffer): OperationalError | null {
  const bytes = source.unread();
  switch (bytes[0]) {
    case undefined:
    case Backend.AUTHENTICATION:
    case Backend.NOTICE_RESPONSE:
    case Backend.NEGOTIATE_PROTOCOL_VERSION:
      return null;
    case Backend.ERROR_RESPONSE: {
      if (bytes.length < 5) return null;
      const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(1);
      if (length >= 8 && length <= MAX_PLAIN_ERROR) return null;
      // A server that could not even start a process answers in plain text.
      const end = bytes.indexOf(0);
      const text = new TextDecoder().decode(
        bytes.subarray(1, end < 0 ? bytes.length : end),
      );
      return errorFromPlainText(text.slice(0, MAX_PLAIN_ERROR));
    }
    default:
      return new ProtocolError(
        "Cannot connect: the other side is not a PostgreSQL server, or wants TLS from the first byte on: check host and port",
      );
  }
}
