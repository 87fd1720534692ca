/**
 * What is left of a connection that could not be made, for whoever looks into
 * why.
 *
 * @module
 */

/** What {@linkcode PgConnSnapshot} tells. */
export interface PgConnFacts {
  /** The host that was tried last, as it was given. */
  readonly host: string;
  /** The address that was tried last; `""` if there was none. */
  readonly hostaddr: string;
  /** The port that was tried last. */
  readonly port: number;
  /** The database that was asked for. */
  readonly db: string;
  /** The role. */
  readonly user: string;
  /** Whether the server wanted a password and there was none. */
  readonly needsPassword: boolean;
  /** Whether the server was given a password. */
  readonly usedPassword: boolean;
  /** The text of the error. */
  readonly errorMessage: string;
}

/**
 * What is left of a connection that could not be made: where it was to lead, and
 * how far it came. Nothing of it is secret.
 *
 * @example Ask for the password only where there is need of one
 * ```ts
 * import { connect, OperationalError } from "@x/pgts";
 *
 * try {
 *   await using conn = await connect({ user: "nobody_knows" });
 * } catch (error) {
 *   if (!(error instanceof OperationalError)) throw error;
 *   console.log(error.pgconn?.user, error.pgconn?.needsPassword); // nobody_knows false
 * }
 * ```
 */
export class PgConnSnapshot implements PgConnFacts {
  /** Always 1, which is `ConnStatus.BAD`. */
  readonly status: 1 = 1;
  /** The host that was tried last, as it was given. */
  readonly host: string;
  /** The address that was tried last; `""` if there was none. */
  readonly hostaddr: string;
  /** The port that was tried last. */
  readonly port: number;
  /** The database that was asked for. */
  readonly db: string;
  /** The role. */
  readonly user: string;
  /** Whether the server wanted a password and there was none. */
  readonly needsPassword: boolean;
  /** Whether the server was given a password. */
  readonly usedPassword: boolean;
  /** The text of the error. */
  readonly errorMessage: string;

  /** @internal */
  constructor(facts: PgConnFacts) {
    this.host = facts.host;
    this.hostaddr = facts.hostaddr;
    this.port = facts.port;
    this.db = facts.db;
    this.user = facts.user;
    this.needsPassword = facts.needsPassword;
    this.usedPassword = facts.usedPassword;
    this.errorMessage = facts.errorMessage;
  }
}
