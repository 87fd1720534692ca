/**
 * What a server tells about itself and about a session on it.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import type { Session } from "./session.ts";
import { zoneOf } from "./timezone.ts";
import type { WarningHandler } from "./warnings.ts";
import type { Wire } from "./wire.ts";

/** What {@linkcode SessionInfo} gets its answers from. */
export interface SessionSource {
  /** The connection. */
  readonly wire: Wire;
  /** What the server told. */
  readonly session: Session;
  /** Gets warnings. */
  readonly warn: WarningHandler;
}

/** The part of a connection's info that the server tells. */
export abstract class SessionInfo {
  readonly #source: SessionSource;
  readonly #unknownZones = new Set<string>();

  /** @internal */
  constructor(source: SessionSource) {
    this.#source = source;
  }

  /** What the server is: `PostgreSQL` or `CockroachDB`. */
  get vendor(): string {
    return this.parameterStatus("crdb_version") === null
      ? "PostgreSQL"
      : "CockroachDB";
  }

  /** The version of the server as a number: 180004 for 18.4, 90624 for 9.6.24. */
  get serverVersion(): number {
    const text = this.parameterStatus("server_version") ?? "";
    const [major = 0, minor = 0, patch = 0] = (/^[\d.]+/.exec(text)?.[0] ?? "")
      .split(".").map(Number);
    return major >= 10
      ? major * 10000 + minor
      : major * 10000 + minor * 100 + patch;
  }

  /**
   * A parameter that the server reports.
   *
   * @param name Its name, such as `TimeZone`.
   * @returns Its value now, or `null` if the server does not report it.
   */
  parameterStatus(name: string): string | null {
    return this.#source.session.parameterStatus(name);
  }

  /** All parameters that the server reports, as they are now. */
  get parameterStatuses(): Record<string, string> {
    return this.#source.session.parameterStatuses;
  }

  /** The client encoding by the name that the Encoding Standard or Python gives it. */
  get encoding(): string {
    return this.#source.session.codec.label;
  }

  /**
   * The time zone of the session, as Temporal and Intl take it: a name, or an
   * offset from UTC. Where the platform does not know the zone it is `UTC`, and
   * a warning says so once for each name.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * await conn.execute("set time zone 3");
   * console.log(conn.info.timezone); // +03:00
   * ```
   */
  get timezone(): string {
    const setting = this.parameterStatus("TimeZone");
    if (setting === null) return "UTC";
    const zone = zoneOf(setting);
    if (zone === null && !this.#unknownZones.has(setting)) {
      this.#unknownZones.add(setting);
      this.#source.warn(
        `this runtime does not know the time zone "${setting}" of the session, info.timezone is UTC: set TimeZone to a name such as "Europe/Berlin"`,
      );
    }
    return zone ?? "UTC";
  }

  /**
   * The process ID of the session on the server. 0 where the server did not tell.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get backendPid(): number {
    this.checkOpen();
    return this.#source.wire.processId ?? 0;
  }

  /**
   * The key that a request to cancel must show: a number if it has four bytes,
   * as in version 3.0 of the protocol, else the bytes. `null` where the server
   * did not tell. Who has it can cancel the statements of the session.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get secretKey(): number | Uint8Array | null {
    const bytes = this.secretKeyBytes;
    return bytes?.length === 4 ? new DataView(bytes.buffer).getInt32(0) : bytes;
  }

  /**
   * The bytes of {@linkcode SessionInfo.secretKey}.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get secretKeyBytes(): Uint8Array | null {
    this.checkOpen();
    const { secretKey } = this.#source.wire;
    return secretKey === null ? null : new Uint8Array(secretKey);
  }

  /**
   * The version of the protocol with its minor number: 30000 is 3.0, 30002 is 3.2.
   *
   * @throws {OperationalError} If the connection is closed.
   */
  get fullProtocolVersion(): number {
    this.checkOpen();
    const { protocolVersion } = this.#source.wire;
    return (protocolVersion >>> 16) * 10000 + (protocolVersion & 0xffff);
  }

  /** The version of the protocol. */
  get protocolVersion(): number {
    return 3;
  }

  /** @internal */
  protected get closed(): boolean {
    return this.#source.wire.engine.failure !== null;
  }

  /** @internal */
  protected checkOpen(): void {
    if (this.closed) {
      throw new OperationalError(
        "Cannot tell about the connection: it is closed",
      );
    }
  }
}
