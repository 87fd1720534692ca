/**
 * The part of a connection that acts on its session from beside its statements:
 * cancelling, and changing passwords.
 *
 * @module
 */

import { CancelRequests, type CancelSafeOptions } from "./cancel.ts";
import {
  ConnectionSettings,
  type InitialSettings,
} from "./connection_settings.ts";
import type { Executor } from "./executor.ts";
import {
  changePasswordSql,
  encryptPassword,
  type PasswordAlgorithm,
  passwordAlgorithm,
} from "./passwords.ts";
import type { OpenedSession } from "./session_start.ts";

/** The part of a connection that cancels and changes passwords. */
export abstract class ConnectionBase extends ConnectionSettings {
  /**
   * Runs statements.
   *
   * @internal
   */
  abstract readonly executor: Executor;
  /** @internal */
  protected readonly cancelRequests: CancelRequests;
  readonly #opened: OpenedSession;

  /** @internal */
  constructor(opened: OpenedSession, settings: InitialSettings) {
    super(settings);
    this.#opened = opened;
    this.cancelRequests = new CancelRequests(
      opened,
      () => this.executor.hold(),
    );
  }

  /**
   * Asks the server to cancel the statement that is running, and does not wait:
   * the statement fails with QueryCanceled, or it was over already. Statements
   * that come after it begin when the server has dealt with the request. What
   * goes wrong becomes a warning. Does nothing on a closed connection.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * setTimeout(() => conn.cancel(), 100);
   * await conn.execute("select pg_sleep(60)").fetchOne()
   *   .catch((error) => console.log(error.sqlstate)); // 57014
   * ```
   */
  cancel(): void {
    this.cancelRequests.send().catch((error) =>
      this.#opened.warn(
        `cancel() failed: ${
          error instanceof Error ? error.message : String(error)
        }`,
      )
    );
  }

  /**
   * Asks the server to cancel the statement that is running, and waits until the
   * server has dealt with that. The request goes to the address of this very
   * session, inside of TLS if the session is. While it is under way no further
   * statement begins, so that none but the running one can be hit. Does nothing
   * on a closed connection.
   *
   * @param options How long to wait.
   * @throws {CancellationTimeout} If that takes too long. The connection stays
   * open, and a request that the server deals with so late can hit a later statement.
   * @throws {OperationalError} If the server cannot be reached, or gave no key to
   * cancel with.
   * @throws {ProgrammingError} If the timeout is not a positive number.
   * @throws The reason of the signal, if it is aborted.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * const slow = conn.execute("select pg_sleep(60)").fetchOne();
   * const over = slow.catch((error) => error.sqlstate);
   * await conn.cancelSafe({ timeout: 5 });
   * console.log(await over); // 57014
   * ```
   */
  async cancelSafe(options?: CancelSafeOptions): Promise<void> {
    await this.cancelRequests.send(options);
  }

  /**
   * Brings a password into the form in which a server stores it, so that the
   * password itself is in no statement and in no log.
   *
   * @param password The password.
   * @param user The role that it is for.
   * @param algorithm How it is to be stored. By default as the server's setting
   * `password_encryption` says, which is asked for.
   * @returns The form that `ALTER ROLE … PASSWORD` takes.
   * @throws {ProgrammingError} If there is no such algorithm.
   * @throws {DataError} If the password or the name contains a NUL character.
   * @throws {OperationalError} If the server must be asked and the connection is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * console.log(await conn.encryptPassword("secret", "ann", "md5"));
   * // md59d792a3a8853c2411afb9163d088c036
   * ```
   */
  async encryptPassword(
    password: string,
    user: string,
    algorithm?: PasswordAlgorithm | null,
  ): Promise<string> {
    const chosen = algorithm ?? passwordAlgorithm(
      await this.executor.ask("SHOW password_encryption") ?? "",
    );
    const iterations = this.#opened.session.parameterStatus("scram_iterations");
    return await encryptPassword(
      password,
      user,
      chosen,
      iterations === null ? {} : { iterations: Number(iterations) },
    );
  }

  /**
   * Gives a role a new password. Only its encrypted form is sent. It counts at
   * once, or from the commit on if a transaction is open.
   *
   * @param user The role.
   * @param password The new password.
   * @throws {UndefinedObject} If there is no such role.
   * @throws {InsufficientPrivilege} If this is not allowed.
   * @throws {DataError} If the password or the name contains a NUL character.
   * @throws {OperationalError} If the connection is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * await conn.execute("create role clerk login");
   * await conn.changePassword("clerk", "a better one");
   * await conn.rollback();
   * ```
   */
  async changePassword(user: string, password: string): Promise<void> {
    const encrypted = await this.encryptPassword(password, user);
    await this.executor.plainCommand(changePasswordSql(user, encrypted));
  }
}
