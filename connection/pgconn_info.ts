/**
 * What the low level of a connection can be asked, after libpq's status
 * functions.
 *
 * @module
 */

import type { ConnectionInfo } from "./connection_info.ts";
import type {
  ConnStatus,
  PipelineStatus,
  TransactionStatus,
} from "./connection_status.ts";

/** The part of the low level of a connection that tells about it. */
export abstract class PgConnInfo {
  readonly #info: ConnectionInfo;

  /** @internal */
  constructor(info: ConnectionInfo) {
    this.#info = info;
  }

  /** Whether the connection works. */
  get status(): ConnStatus {
    return this.#info.status;
  }

  /** The state of the transaction. */
  get transactionStatus(): TransactionStatus {
    return this.#info.transactionStatus;
  }

  /** Whether the connection is in a pipeline. */
  get pipelineStatus(): PipelineStatus {
    return this.#info.pipelineStatus;
  }

  /** The text of the last error, or `""` if there was none. */
  get errorMessage(): string {
    return this.#info.errorMessage;
  }

  /**
   * A parameter that the server reports.
   *
   * @param name Its name, such as `TimeZone`.
   * @returns Its value now, or `null` if the server does not report it.
   */
  parameterStatus(name: string): string | null {
    return this.#info.parameterStatus(name);
  }

  /** The version of the server as a number: 180004 for 18.4. */
  get serverVersion(): number {
    return this.#info.serverVersion;
  }

  /** The version of the protocol. */
  get protocolVersion(): number {
    return this.#info.protocolVersion;
  }

  /**
   * The process ID of the session on the server. 0 where the server did not tell.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get backendPid(): number {
    return this.#info.backendPid;
  }

  /**
   * The database.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get db(): string {
    return this.#info.dbname;
  }

  /**
   * The user.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get user(): string {
    return this.#info.user;
  }

  /**
   * The host, or the folder of the socket.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get host(): string {
    return this.#info.host;
  }

  /**
   * The port.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get port(): number {
    return this.#info.port;
  }

  /** The class, and the state of the connection. */
  toString(): string {
    return `<PgConn ${this.#info}>`;
  }
}
