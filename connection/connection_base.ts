/**
 * The part of a connection that is not about statements and their rows:
 * cancelling, changing passwords, COPY, looking types up.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { Query } from "../sql/bind.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { AdaptersMap } from "../types/adapters_map.ts";
import type { FoundType, TypeName, TypeSource } from "../types/type_facts.ts";
import { CancelRequests, type CancelSafeOptions } from "./cancel.ts";
import { ConnectionEvents } from "./connection_events.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type {
  ConnectionSettings,
  InitialSettings,
} from "./connection_settings.ts";
import type { Copy, CopyOptions } from "./copy.ts";
import type { CopyBlock, CopyingCursor } from "./copying_cursor.ts";
import {
  changePasswordSql,
  encryptPassword,
  type PasswordAlgorithm,
  passwordAlgorithm,
} from "./passwords.ts";
import type { OpenedSession } from "./session_start.ts";
import { lookUpType } from "./type_lookup.ts";

/** The part of a connection that copies, cancels, changes passwords and looks types up. */
export abstract class ConnectionBase extends ConnectionEvents
  implements TypeSource {
  /** The loaders and dumpers of this connection, for the cursors to come. */
  abstract readonly adapters: AdaptersMap;
  /** What can be told about the connection. */
  abstract readonly info: ConnectionInfo;
  /** Opens a cursor. */
  abstract cursor(): CopyingCursor<unknown>;
  /** @internal */
  protected readonly cancelRequests: CancelRequests;
  readonly #opened: OpenedSession;

  /** @internal */
  constructor(
    opened: OpenedSession,
    settings: InitialSettings,
    origin: ConnectionSettings | null = null,
  ) {
    super(opened, settings, origin);
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
   * @throws {ProgrammingError} If a two-phase transaction is prepared: no
   * statement is running.
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
    this.#checkNotPrepared("cancel()");
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
   * session, inside of TLS if the session is. It is repeated where it may have
   * come before a statement that was sent just now. While it is under way no
   * further statement begins, so that none but the running one can be hit. Does
   * nothing on a closed connection.
   *
   * @param options How long to wait.
   * @throws {CancellationTimeout} If that takes too long, or if the statement goes
   * on in spite of it. The connection stays open, and a request that the server
   * deals with so late can hit a later statement.
   * @throws {OperationalError} If the server cannot be reached, or gave no key to
   * cancel with.
   * @throws {ProgrammingError} If the timeout is not a positive number, or a
   * two-phase transaction is prepared.
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
    this.#checkNotPrepared("cancelSafe()");
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

  /**
   * Runs a COPY with a new cursor: see {@linkcode CopyingCursor.copy}.
   *
   * @param statement Text, a template of the `sql` tag, or a composed statement.
   * @param block Gets the {@linkcode Copy}, and writes or reads its data.
   * @param options See {@linkcode CopyOptions}.
   * @returns What the block returned.
   * @throws Whatever the block throws; then nothing is stored.
   * @throws {ProgrammingError} If the statement is not a COPY, or several.
   * @throws {NotSupportedError} In a pipeline.
   * @throws {DatabaseError} What the server says of the statement or its data.
   *
   * @example A table as gzipped CSV
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const query = "copy (select generate_series(1, 1000) as n) to stdout (format csv, header)";
   * const bytes = await conn.copy(query, (copy) =>
   *   new Response(copy.readable.pipeThrough(new CompressionStream("gzip"))).bytes());
   * console.log(bytes.length < 2000); // true
   * ```
   */
  copy<T>(
    statement: Query,
    block: CopyBlock<T>,
    options?: CopyOptions,
  ): Promise<T>;
  /**
   * Runs a COPY whose statement has parameters, which are put into its text.
   *
   * @param statement Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param block Gets the {@linkcode Copy}, and writes or reads its data.
   * @param options See {@linkcode CopyOptions}.
   * @returns What the block returned.
   */
  copy<T>(
    statement: Query,
    params: QueryParameters | undefined,
    block: CopyBlock<T>,
    options?: CopyOptions,
  ): Promise<T>;
  /**
   * Starts a COPY without a block, to be held by `await using`: nothing is stored
   * unless `end()` is called.
   *
   * @param statement Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode CopyOptions}.
   * @returns The COPY.
   */
  copy(
    statement: Query,
    params?: QueryParameters,
    options?: CopyOptions,
  ): Promise<Copy>;
  /** See the forms above. */
  async copy<T>(
    statement: Query,
    first?: QueryParameters | CopyBlock<T>,
    second?: CopyBlock<T> | CopyOptions,
    third?: CopyOptions,
  ): Promise<T | Copy> {
    return await this.cursor().runCopy(statement, first, second, third);
  }

  /**
   * Asks the catalogue of the server for a type, in no transaction but the one
   * that is open. `TypeInfo.fetch()` and its like make an object of the answer.
   *
   * @param name The name as it stands in SQL, or an `Identifier`.
   * @returns What the catalogue says, or `null` if there is no such type.
   * @throws {ProgrammingError} If the text is no name.
   * @throws {InFailedSqlTransaction} If the transaction has failed.
   * @throws {OperationalError} If the connection is closed.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect();
   * const found = await conn.lookUpType("timestamp with time zone");
   * console.log(found?.oid); // 1184
   * ```
   */
  async lookUpType(name: string | TypeName): Promise<FoundType | null> {
    return await lookUpType(name, {
      ask: (query) => this.executor.ask(query),
      serverVersion: this.info.serverVersion,
      types: this.adapters.types,
    });
  }

  #checkNotPrepared(name: string): void {
    if (!this.transactions.twoPhase?.prepared) return;
    throw new ProgrammingError(
      `Cannot run ${name}: a two-phase transaction is prepared, so no statement is running, use tpcRollback() to give it up`,
      { connectionUsable: true, reachedServer: false },
    );
  }
}
