/**
 * Authentication without I/O: the requests of the server go in, the answers
 * come out. The table of methods, the order in which messages may come and what
 * the user allows are here; each method has a file of its own.
 *
 * @module
 */

import { OperationalError, ProtocolError } from "../errors/base.ts";
import { md5Response } from "./auth_md5.ts";
import {
  passwordMessage,
  type PasswordSource,
  readPassword,
} from "./auth_password.ts";
import {
  type ChannelBindingMode,
  chooseChannel,
  type ChosenChannel,
  initialResponse,
  isScram,
  malformed,
  notSupported,
  readMechanisms,
  unbound,
} from "./auth_sasl.ts";
import {
  type ChannelBinding,
  DEFAULT_MAX_ITERATIONS,
  type DeriveScramKeys,
  ScramExchange,
  type ScramSecret,
} from "./auth_scram.ts";

/** The names of methods, as `require_auth` spells them. */
export type AuthMethodName =
  | "none"
  | "password"
  | "md5"
  | "gss"
  | "sspi"
  | "scram-sha-256"
  | "oauth";

/** What an {@linkcode Authenticator} knows and allows. */
export interface AuthenticatorOptions {
  /** The name of the role. */
  user: string;
  /** The password. A function is asked at most once, when the server wants one. */
  password: PasswordSource;
  /** What SCRAM uses instead of the password, where it is given. */
  scramKeys?: ScramSecret | null | undefined;
  /** Derives those keys where they are not given; afresh each time by default. */
  deriveScramKeys?: DeriveScramKeys | undefined;
  /** Whether the password may be sent as it is when the server asks for it. */
  cleartextAllowed: boolean;
  /**
   * The most SCRAM iterations that the server may ask for.
   *
   * @default {100_000}
   */
  scramMaxIterations?: number | undefined;
  /** The TLS channel to bind to, where there is one that can be bound. */
  channelBinding?: ChannelBinding | null | undefined;
  /**
   * Whether the channel must, may or must not be bound.
   *
   * @default {"prefer"}
   */
  channelBindingMode?: ChannelBindingMode | undefined;
  /** The methods that the user allows; `null` for any. */
  allowedMethods?: ReadonlySet<AuthMethodName> | null | undefined;
  /**
   * For tests: the nonce of the SCRAM exchange.
   *
   * @internal
   */
  scramNonce?: string | undefined;
}

/** The codes of the authentication messages that pgts answers. */
const Code = {
  OK: 0,
  CLEARTEXT_PASSWORD: 3,
  MD5_PASSWORD: 5,
  SASL: 10,
  SASL_CONTINUE: 11,
  SASL_FINAL: 12,
} as const;

/** The first requests of methods that pgts does not speak. */
const UNSUPPORTED: ReadonlyMap<number, [string, AuthMethodName | null]> =
  new Map<number, [string, AuthMethodName | null]>([
    [2, ["Kerberos V5", null]],
    [6, ["SCM credentials", null]],
    [7, ["GSSAPI", "gss"]],
    [9, ["SSPI", "sspi"]],
  ]);

/** GSSContinue, which cannot come where GSSAPI has been refused. */
const GSS_CONTINUE = 8;

type State =
  | "start"
  | "password sent"
  | "SCRAM begun"
  | "SCRAM proof sent"
  | "SCRAM done"
  | "finished"
  | "failed";

type Answer = Uint8Array | null;

/** Answers the authentication requests of one server, strictly in their order. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  #password: PasswordSource;
  #state: State = "start";
  #busy = false;
  #scram: ScramExchange | null = null;
  #method: AuthMethodName | null = null;
  #usedPassword = false;
  #needsPassword = false;

  /** @param options What is known and what is allowed. */
  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#password = options.password;
  }

  /** Whether the server has accepted the client, and the client the server. */
  get finished(): boolean {
    return this.#state === "finished";
  }

  /** The method that the server asked for; `null` until it has. */
  get method(): AuthMethodName | null {
    return this.#method;
  }

  /** Whether a password was used. */
  get usedPassword(): boolean {
    return this.#usedPassword;
  }

  /** Whether the server wanted a password and there was none. */
  get needsPassword(): boolean {
    return this.#needsPassword;
  }

  /**
   * Takes one authentication message. What needs no waiting, AuthenticationOk
   * and the end of SCRAM among it, is done when this function returns, so that
   * two messages of one read can be given without waiting in between.
   *
   * @param body The message after its length.
   * @returns The body of the message to send, or `null` where none is to be sent.
   * @throws {ProtocolError} If the message is malformed or out of order.
   * @throws {NotSupportedError} If the method is not supported.
   * @throws {OperationalError} If the method is not allowed, the password is
   * missing, or the server does not prove what it has to prove.
   */
  async receive(body: Uint8Array): Promise<Uint8Array | null> {
    if (this.#busy) {
      this.#state = "failed";
      throw new ProtocolError(
        "Cannot authenticate: the server sent a second request before the answer to the first",
      );
    }
    this.#busy = true;
    try {
      const answer = this.#answer(body);
      return answer instanceof Promise ? await answer : answer;
    } catch (error) {
      this.#state = "failed";
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  #answer(body: Uint8Array): Answer | Promise<Answer> {
    if (body.length < 4) throw malformed();
    const code = new DataView(body.buffer, body.byteOffset).getInt32(0);
    const data = body.slice(4); // the caller may reuse the memory
    switch (code) {
      case Code.OK:
        return this.#accept(data);
      case Code.CLEARTEXT_PASSWORD:
        this.#expect("start", code);
        return this.#answerCleartext(data);
      case Code.MD5_PASSWORD:
        this.#expect("start", code);
        return this.#answerMd5(data);
      case Code.SASL:
        this.#expect("start", code);
        return this.#beginScram(data);
      case Code.SASL_CONTINUE:
        this.#expect("SCRAM begun", code);
        return this.#continueScram(data, this.#scram);
      case Code.SASL_FINAL:
        this.#expect("SCRAM proof sent", code);
        this.#scram?.finish(data);
        this.#state = "SCRAM done";
        return null;
      case GSS_CONTINUE:
        throw outOfOrder(code);
      default: {
        this.#expect("start", code);
        const [name, method] = UNSUPPORTED.get(code) ?? [`${code}`, null];
        if (method) this.#choose(method);
        throw notSupported(name);
      }
    }
  }

  #expect(state: State, code: number): void {
    if (this.#state !== state) throw outOfOrder(code);
  }

  /** Notes the method, and refuses what the user does not allow. */
  #choose(method: AuthMethodName): void {
    this.#method = method;
    const allowed = this.#options.allowedMethods;
    if (allowed && !allowed.has(method)) {
      throw new OperationalError(
        method === "none"
          ? "Cannot authenticate: the server asks for no authentication, which requireAuth does not allow"
          : `Cannot authenticate: the server asks for ${method}, which requireAuth does not allow`,
      );
    }
    if (
      this.#options.channelBindingMode === "require" &&
      method !== "scram-sha-256"
    ) throw unbound("the server did not use SCRAM");
  }

  #accept(data: Uint8Array): null {
    if (data.length > 0) throw malformed();
    switch (this.#state) {
      case "start":
        this.#choose("none");
        break;
      case "password sent":
      case "SCRAM done":
        break;
      case "SCRAM begun":
      case "SCRAM proof sent":
        throw new ProtocolError(
          "Cannot trust the server: it ended SCRAM without proving that it knows the password",
        );
      default:
        throw outOfOrder(Code.OK);
    }
    this.#state = "finished";
    this.#password = null;
    return null;
  }

  #answerCleartext(data: Uint8Array): Promise<Answer> {
    if (data.length > 0) throw malformed();
    this.#choose("password");
    if (!this.#options.cleartextAllowed) {
      throw new OperationalError(
        'Cannot send the password in clear text: the connection is not encrypted, use TLS or list "password" in requireAuth',
      );
    }
    return this.#sendPassword(passwordMessage);
  }

  #answerMd5(salt: Uint8Array): Promise<Answer> {
    if (salt.length !== 4) throw malformed();
    this.#choose("md5");
    return this.#sendPassword((password) =>
      md5Response(password, this.#options.user, salt)
    );
  }

  async #sendPassword(
    message: (password: string) => Uint8Array,
  ): Promise<Answer> {
    const answer = message(await this.#takePassword());
    this.#advance("password sent");
    return answer;
  }

  #beginScram(data: Uint8Array): Promise<Answer> {
    const offered = readMechanisms(data);
    if (!offered.some(isScram)) {
      if (offered.includes("OAUTHBEARER")) this.#choose("oauth");
      throw notSupported(offered.join(", "));
    }
    this.#choose("scram-sha-256");

    return this.#sendScramFirst(chooseChannel(offered, this.#options));
  }

  async #sendScramFirst(channel: ChosenChannel): Promise<Answer> {
    const scram = this.#scram = new ScramExchange({
      password: this.#options.scramKeys ?? await this.#takePassword(),
      deriveKeys: this.#options.deriveScramKeys,
      maxIterations: this.#options.scramMaxIterations ?? DEFAULT_MAX_ITERATIONS,
      ...channel,
      nonce: this.#options.scramNonce,
    });
    const answer = initialResponse(scram.mechanism, scram.first());
    this.#advance("SCRAM begun");
    return answer;
  }

  async #continueScram(
    data: Uint8Array,
    scram: ScramExchange | null,
  ): Promise<Answer> {
    const answer = await scram?.continue(data) ?? null;
    this.#advance("SCRAM proof sent");
    return answer;
  }

  /** A message that came during the wait has made the exchange fail. */
  #advance(state: State): void {
    if (this.#state === "failed") {
      throw new ProtocolError(
        "Cannot authenticate: the server did not wait for an answer",
      );
    }
    this.#state = state;
  }

  async #takePassword(): Promise<string> {
    const source = this.#password;
    this.#password = null;
    const password = await readPassword(source);
    if (password === "") {
      this.#needsPassword = true;
      throw new OperationalError(
        `Cannot authenticate: the server wants a password for ${
          JSON.stringify(this.#options.user)
        } and no password was given`,
      );
    }
    this.#usedPassword = true;
    return password;
  }
}

function outOfOrder(code: number): ProtocolError {
  return new ProtocolError(
    `Cannot authenticate: the server sent authentication request ${code} out of order`,
  );
}
