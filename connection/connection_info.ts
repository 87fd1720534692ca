/**
 * What can be told about a connection.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import { Status } from "../protocol/tags.ts";
import type { Session } from "./session.ts";
import type { Wire } from "./wire.ts";

/** Whether a connection works, numbered as libpq numbers it. */
export const ConnStatus = {
  /** It works. */
  OK: 0,
  /** It is closed or lost. */
  BAD: 1,
} as const;
/** Whether a connection works, numbered as libpq numbers it. */
export type ConnStatus = (typeof ConnStatus)[keyof typeof ConnStatus];

/** The state of a connection's transaction, numbered as libpq numbers it. */
export const TransactionStatus = {
  /** No transaction is open. */
  IDLE: 0,
  /** A statement is being run. */
  ACTIVE: 1,
  /** A transaction is open. */
  INTRANS: 2,
  /** A transaction is open, and a statement in it has failed. */
  INERROR: 3,
  /** The connection is closed or lost. */
  UNKNOWN: 4,
} as const;
/** The state of a connection's transaction, numbered as libpq numbers it. */
export type TransactionStatus =
  (typeof TransactionStatus)[keyof typeof TransactionStatus];

/** Whether a connection is in a pipeline, numbered as libpq numbers it. */
export const PipelineStatus = {
  /** It is not. */
  OFF: 0,
  /** It is. */
  ON: 1,
} as const;
/** Whether a connection is in a pipeline, numbered as libpq numbers it. */
export type PipelineStatus =
  (typeof PipelineStatus)[keyof typeof PipelineStatus];

/** The parameters that a connection was made with, without the password. */
export type ConnectedParameters = Readonly<Record<string, string>>;

/** What can be told about a connection. Ask `conn.info` for it. */
export class ConnectionInfo {
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #parameters: ConnectedParameters;
  readonly #inPipeline: () => boolean;

  /** @internal */
  constructor(
    wire: Wire,
    session: Session,
    parameters: ConnectedParameters,
    inPipeline: () => boolean,
  ) {
    this.#wire = wire;
    this.#session = session;
    this.#parameters = parameters;
    this.#inPipeline = inPipeline;
  }

  /** Whether the connection works. */
  get status(): ConnStatus {
    return this.#wire.engine.failure === null ? ConnStatus.OK : ConnStatus.BAD;
  }

  /** The state of the transaction. */
  get transactionStatus(): TransactionStatus {
    const { engine } = this.#wire;
    if (engine.failure !== null) return TransactionStatus.UNKNOWN;
    if (engine.busy) return TransactionStatus.ACTIVE;
    if (engine.transactionStatus === Status.IDLE) return TransactionStatus.IDLE;
    return engine.transactionStatus === Status.FAILED
      ? TransactionStatus.INERROR
      : TransactionStatus.INTRANS;
  }

  /** Whether the connection is in a pipeline. */
  get pipelineStatus(): PipelineStatus {
    return this.#inPipeline() ? PipelineStatus.ON : PipelineStatus.OFF;
  }

  /** The client encoding by the name that the Encoding Standard or Python gives it. */
  get encoding(): string {
    return this.#session.codec.label;
  }

  /** A parameter that the server reports, such as `TimeZone`, or `null`. */
  parameterStatus(name: string): string | null {
    return this.#session.parameterStatus(name);
  }

  /** All parameters that the server reports, as they are now. */
  get parameterStatuses(): Record<string, string> {
    return this.#session.parameterStatuses;
  }

  /** The version of the server as a number: 180004 for 18.4, 90624 for 9.6.24. */
  get serverVersion(): number {
    const text = this.#session.parameterStatus("server_version") ?? "";
    const [major = 0, minor = 0, patch = 0] = (/^[\d.]+/.exec(text)?.[0] ?? "")
      .split(".").map(Number);
    return major >= 10
      ? major * 10000 + minor
      : major * 10000 + minor * 100 + patch;
  }

  /** The process ID of the session on the server. 0 where the server did not tell. */
  get backendPid(): number {
    this.#checkOpen();
    return this.#wire.processId ?? 0;
  }

  /** The parameters that the connection was made with, without the password. */
  getParameters(): Record<string, string> {
    return { ...this.#parameters };
  }

  /** The host that was asked for: a name, an address or the directory of a socket. */
  get host(): string {
    return this.#parameter("host");
  }

  /** The IP address of the server, or `""` for a Unix socket. */
  get hostaddr(): string {
    this.#checkOpen();
    return this.#wire.transport.hostaddr ?? "";
  }

  /** The port. */
  get port(): number {
    return Number(this.#parameter("port") || 5432);
  }

  /** The database. */
  get dbname(): string {
    return this.#parameter("dbname");
  }

  /** The user. */
  get user(): string {
    return this.#parameter("user");
  }

  /** The command-line options that were asked for at the start. */
  get options(): string {
    return this.#parameter("options");
  }

  #parameter(name: string): string {
    this.#checkOpen();
    return this.#parameters[name] ?? "";
  }

  #checkOpen(): void {
    if (this.#wire.engine.failure !== null) {
      throw new OperationalError(
        "Cannot tell about the connection: it is closed",
      );
    }
  }
}
