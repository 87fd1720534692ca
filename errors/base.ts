/**
 * The tree of error classes that psycopg and the DB-API define, on top of the
 * platform's `Error`. The classes for single SQLSTATE codes are in
 * `sqlstate.ts`.
 *
 * @module
 */

import { Diagnostic, type DiagnosticLetter } from "./diagnostic.ts";
import type { PgConnSnapshot } from "./pgconn_snapshot.ts";

/** What an error of pgts can be given beside its message. */
export interface PgErrorOptions extends ErrorOptions {
  /** What the server said. Absent for errors that arose in the client. */
  diag?: Diagnostic;
  /** The SQLSTATE, where it is not the one of `diag`. */
  sqlstate?: string | null;
  /** Whether the connection still works after this error. */
  connectionUsable?: boolean | null;
  /** Whether any byte of what was tried had been sent to the server. */
  reachedServer?: boolean | null;
  /** What is left of a connection that could not be made. */
  pgconn?: PgConnSnapshot | null;
}

/** The result of a statement that failed, as libpq has it: see `PgResult`. */
export interface ErrorResult {
  /** What kind of result it is: `ExecStatus.FATAL_ERROR`. */
  readonly status: number;
  /** The command tag: there is none. */
  readonly commandStatus: string | null;
  /** How many rows there are: none. */
  readonly ntuples: number;
  /** How many columns there are: none. */
  readonly nfields: number;
  /**
   * A field of the error.
   *
   * @param field Its letter.
   * @returns What the server told, or `null`.
   */
  errorField(field: DiagnosticLetter): string | null;
}

/** What a connection adds to an error that passes through it. */
export interface Circumstances {
  /** Whether the connection still works after this error. */
  connectionUsable: boolean;
  /** Whether any byte of what was tried had been sent to the server. */
  reachedServer: boolean;
  /** What is left of a connection that could not be made. */
  pgconn?: PgConnSnapshot;
  /** Makes the result of the statement that failed. */
  resultOf?: ((error: PgError) => ErrorResult) | null;
}

/**
 * Adds to an error what only the connection knows. What is known already stays.
 *
 * @internal
 */
export let addCircumstances: (
  error: PgError,
  circumstances: Circumstances,
) => void;

/**
 * Something important that is not an error. pgts reports warnings through the
 * `onWarning` option of `connect()`; nothing throws this class.
 */
export class Warning extends globalThis.Error {
  /** The name of the class. */
  override readonly name: string = "Warning";
}

/**
 * The base class of every error that pgts throws on its own account.
 *
 * Its subclasses follow the Python DB-API: {@linkcode InterfaceError} for
 * misuse of the driver, {@linkcode DatabaseError} and its subclasses for what
 * concerns the database. `mod.ts` exports it as `Error` too.
 *
 * @example Tell errors apart
 * ```ts
 * import { connect, OperationalError, PgError } from "@x/pgts";
 *
 * try {
 *   await using conn = await connect("host=127.0.0.1 port=1 connect_timeout=2");
 *   await conn.execute("select 1");
 * } catch (error) {
 *   if (error instanceof OperationalError) console.log("no server there");
 *   else if (error instanceof PgError) console.log(error.sqlstate);
 *   else throw error;
 * }
 * ```
 */
export class PgError extends globalThis.Error {
  /** The SQLSTATE that a class stands for; `null` for the general classes. */
  static readonly sqlstate: string | null = null;

  /**
   * What the server said about the error. All its fields are `null` where the
   * error arose in the client.
   */
  readonly diag: Diagnostic;
  #sqlstate: string | null;
  #connectionUsable: boolean | null;
  #reachedServer: boolean | null;
  #pgconn: PgConnSnapshot | null;
  #resultOf: ((error: PgError) => ErrorResult) | null = null;
  #pgresult: ErrorResult | null = null;

  static {
    addCircumstances = (
      error,
      { connectionUsable, reachedServer, pgconn = null, resultOf = null },
    ) => {
      error.#connectionUsable ??= connectionUsable;
      error.#reachedServer ??= reachedServer;
      error.#pgconn ??= pgconn;
      error.#resultOf ??= resultOf;
    };
    Object.defineProperty(this.prototype, "name", {
      configurable: true,
      get(this: PgError): string {
        return this.constructor.name;
      },
    });
  }

  /**
   * Makes an error; throwing it is up to the caller.
   *
   * @param message What was tried and what is wrong.
   * @param options The cause, what the server said, the state of the connection.
   */
  constructor(message?: string, options: PgErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.diag = options.diag ?? new Diagnostic();
    this.#sqlstate = (options.sqlstate ?? this.diag.sqlstate) || null;
    this.#connectionUsable = options.connectionUsable ?? null;
    this.#reachedServer = options.reachedServer ?? null;
    this.#pgconn = options.pgconn ?? null;
  }

  /**
   * The SQLSTATE of the error, five characters, or `null` where the server did
   * not give one.
   */
  get sqlstate(): string | null {
    return this.#sqlstate ?? (this.constructor as typeof PgError).sqlstate;
  }

  /**
   * Whether the connection still works after this error: `false` means that it
   * has been closed, `null` that no connection was concerned.
   */
  get connectionUsable(): boolean | null {
    return this.#connectionUsable;
  }

  /**
   * Whether anything of what failed had been sent to the server: `false` means
   * that the server cannot have executed it, `null` that nothing was to be sent.
   */
  get reachedServer(): boolean | null {
    return this.#reachedServer;
  }

  /**
   * What is left of the connection, if it could not be made; else `null`. It is
   * not part of what is printed or turned into JSON.
   */
  get pgconn(): PgConnSnapshot | null {
    return this.#pgconn;
  }

  /**
   * The result of the statement that failed, for code that reads errors as libpq
   * gives them; `null` where no statement was concerned. Like
   * {@linkcode PgError.pgconn} it is not printed.
   *
   * @example
   * ```ts
   * import { connect, DiagnosticField, PgError } from "@x/pgts";
   *
   * await using conn = await connect();
   * const error = await conn.execute("select nonsense").catch((error) => error);
   * if (error instanceof PgError) {
   *   console.log(error.pgresult?.errorField(DiagnosticField.SQLSTATE)); // 42703
   * }
   * ```
   */
  get pgresult(): ErrorResult | null {
    return this.#pgresult ??= this.#resultOf?.(this) ?? null;
  }

  /**
   * The error as plain data, without anything that may hold values of rows.
   *
   * @returns A plain object, for `JSON.stringify`.
   */
  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      message: this.message,
      sqlstate: this.sqlstate,
      connectionUsable: this.#connectionUsable,
      reachedServer: this.#reachedServer,
      diag: this.diag.toJSON(),
    };
  }
}

/** Misuse of the driver rather than trouble in the database. */
export class InterfaceError extends PgError {}

/** Trouble that concerns the database. The base of the classes below. */
export class DatabaseError extends PgError {}

/** A value that cannot be processed: out of range, malformed, not to be encoded. */
export class DataError extends DatabaseError {}

/**
 * Trouble in the operation of the database that is not necessarily in the hands
 * of the programmer: a connection lost, a server that is shutting down, memory
 * that ran out.
 */
export class OperationalError extends DatabaseError {}

/** The relational integrity of the data would be violated. */
export class IntegrityError extends DatabaseError {}

/** The database found itself in a state that it did not expect. */
export class InternalError extends DatabaseError {}

/** A mistake of the programmer: a syntax error, a missing table, wrong parameters. */
export class ProgrammingError extends DatabaseError {}

/** Something that this server, this platform or pgts cannot do. */
export class NotSupportedError extends DatabaseError {}

/**
 * The other side broke the rules of the protocol. The connection is closed,
 * because nothing that follows could be trusted.
 */
export class ProtocolError extends OperationalError {}

/** Connecting took longer than the `connect_timeout`. */
export class ConnectionTimeout extends OperationalError {}

/** Cancelling took longer than it was given. */
export class CancellationTimeout extends OperationalError {}

/** A statement in a pipeline was skipped, because one before it failed. */
export class PipelineAborted extends OperationalError {}

/** A result was larger than the limit that was set for it. */
export class ResultTooLarge extends OperationalError {}
