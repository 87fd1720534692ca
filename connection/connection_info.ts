/**
 * What can be told about a connection.
 *
 * @module
 */

import { Status } from "../protocol/tags.ts";
import { makeConninfo } from "./conninfo.ts";
import { PARAMETERS } from "./conninfo_table.ts";
import {
  ConnStatus,
  PipelineStatus,
  TransactionStatus,
} from "./connection_status.ts";
import { SessionInfo, type SessionSource } from "./session_info.ts";
import {
  ATTRIBUTE_NAMES,
  tlsAttribute,
  type TlsDetails,
} from "./tls_details.ts";

/** The parameters that a connection was made with, without the password. */
export type ConnectedParameters = Readonly<Record<string, string>>;

/** What {@linkcode ConnectionInfo} gets its answers from. */
export interface InfoSource extends SessionSource {
  /** Its TLS, or `null`. */
  readonly tls: TlsDetails | null;
  /** What it was connected with, without the password. */
  readonly parameters: ConnectedParameters;
  /** The password, where it was given as text. */
  readonly password: string | null;
  /** Whether the server asked for a password, and got one. */
  readonly usedPassword: boolean;
}

/** What {@linkcode ConnectionInfo} asks the connection. */
export interface InfoQuestions {
  /** Whether a pipeline is open. */
  inPipeline(): boolean;
  /** The text of the last error; `""` if there was none. */
  lastError(): string;
}

/**
 * What can be told about a connection. Ask `conn.info` for it.
 *
 * The getters that say where and as whom the session runs throw an
 * OperationalError once the connection is closed or lost; the others go on to
 * answer. Neither the password nor the key to cancel with shows when it is
 * printed or turned into JSON.
 *
 * @example Where am I?
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const { info } = conn;
 * console.log(`${info.vendor} ${info.serverVersion}, process ${info.backendPid}`);
 * console.log(info.dsn); // without the password
 * ```
 */
export class ConnectionInfo extends SessionInfo {
  readonly #source: InfoSource;
  readonly #questions: InfoQuestions;

  /** @internal */
  constructor(source: InfoSource, questions: InfoQuestions) {
    super(source);
    this.#source = source;
    this.#questions = questions;
  }

  /** Whether the connection works. */
  get status(): ConnStatus {
    return this.closed ? ConnStatus.BAD : ConnStatus.OK;
  }

  /** The state of the transaction. */
  get transactionStatus(): TransactionStatus {
    const { engine } = this.#source.wire;
    if (engine.failure !== null) return TransactionStatus.UNKNOWN;
    if (engine.busy) return TransactionStatus.ACTIVE;
    if (engine.transactionStatus === Status.IDLE) return TransactionStatus.IDLE;
    return engine.transactionStatus === Status.FAILED
      ? TransactionStatus.INERROR
      : TransactionStatus.INTRANS;
  }

  /** Whether the connection is in a pipeline. */
  get pipelineStatus(): PipelineStatus {
    if (!this.#questions.inPipeline()) return PipelineStatus.OFF;
    return this.#source.wire.engine.skipping
      ? PipelineStatus.ABORTED
      : PipelineStatus.ON;
  }

  /** The text of the last error on the connection, or `""` if there was none. */
  get errorMessage(): string {
    return this.#questions.lastError();
  }

  /**
   * The connection string that leads to the same server, for logs and for
   * connecting again: the parameters that differ from the built-in ones,
   * wherever they came from, without the password.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ applicationName: "night shift" });
   * console.log(conn.info.dsn); // … application_name='night shift' …
   * ```
   */
  get dsn(): string {
    return makeConninfo("", this.getParameters());
  }

  /**
   * The parameters that the connection was made with, by libpq's keyword: those
   * that differ from the built-in ones, without the password. What the server
   * reports is in {@linkcode ConnectionInfo.parameterStatuses}.
   *
   * @returns A new object.
   */
  getParameters(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.#source.parameters).filter(([keyword, value]) => {
        const { compiled, dispchar } = PARAMETERS.get(keyword) ?? {};
        return value !== "" && value !== compiled && dispchar !== "*";
      }),
    );
  }

  /**
   * The host that was asked for: a name, an address or the directory of a socket.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get host(): string {
    return this.#parameter("host") || this.#parameter("hostaddr");
  }

  /**
   * The IP address of the server, or `""` for a Unix socket.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get hostaddr(): string {
    this.checkOpen();
    return this.#source.wire.transport.hostaddr ?? "";
  }

  /**
   * The port.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get port(): number {
    return Number(this.#parameter("port") || 5432);
  }

  /**
   * The database.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get dbname(): string {
    return this.#parameter("dbname");
  }

  /**
   * The user.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get user(): string {
    return this.#parameter("user");
  }

  /**
   * The password, in clear text. `""` if there was none, or if a function gave
   * it: what a function gives is not kept.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get password(): string {
    this.checkOpen();
    return this.#source.password ?? "";
  }

  /**
   * The command-line options that were asked for at the start.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get options(): string {
    return this.#parameter("options");
  }

  /**
   * Whether the server asked for a password and there was none. Never so on a
   * connection: connecting fails then.
   */
  get needsPassword(): boolean {
    return false;
  }

  /** Whether the server asked for a password, and got one. */
  get usedPassword(): boolean {
    return this.#source.usedPassword;
  }

  /** Whether GSSAPI was used. Never so. */
  get usedGssapi(): boolean {
    return false;
  }

  /** Whether the connection is encrypted by TLS. */
  get sslInUse(): boolean {
    return this.#source.tls !== null;
  }

  /**
   * An attribute of the connection's TLS.
   *
   * @param name One of {@linkcode ConnectionInfo.sslAttributeNames}.
   * @returns Its value; `null` without TLS, if there is no such attribute, or if
   * the runtime does not tell.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * console.log(conn.info.sslInUse && conn.info.sslAttribute("protocol"));
   * ```
   */
  sslAttribute(name: string): string | null {
    const { tls } = this.#source;
    return tls === null ? null : tlsAttribute(tls, name);
  }

  /** The names of the attributes that TLS has; none where it is not in use. */
  get sslAttributeNames(): readonly string[] {
    return this.sslInUse ? [...ATTRIBUTE_NAMES] : [];
  }

  /** The state, and who is connected where. */
  override toString(): string {
    const { host, hostaddr, dbname, user } = this.#source.parameters;
    const { transactionStatus } = this;
    const [status = ""] = this.closed ? ["BAD"] : Object
      .entries(TransactionStatus).find(([, number]) =>
        number === transactionStatus
      ) ?? [];
    return `[${status}] (host=${
      host || hostaddr
    } user=${user} database=${dbname})`;
  }

  /**
   * What may be written down: no password, and no key to cancel with.
   *
   * @returns A plain object, for `JSON.stringify`.
   */
  toJSON(): Record<string, unknown> {
    return {
      status: this.status,
      transactionStatus: this.transactionStatus,
      pipelineStatus: this.pipelineStatus,
      dsn: this.dsn,
      vendor: this.vendor,
      serverVersion: this.serverVersion,
      encoding: this.encoding,
      sslInUse: this.sslInUse,
    };
  }

  static {
    for (const symbol of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
      Object.defineProperty(this.prototype, Symbol.for(symbol), {
        value(this: ConnectionInfo): string {
          return `<ConnectionInfo ${this}>`;
        },
      });
    }
  }

  #parameter(name: string): string {
    this.checkOpen();
    return this.#source.parameters[name] ?? "";
  }
}
