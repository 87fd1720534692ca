/**
 * From what the server said to the error that is thrown: the class by SQLSTATE,
 * and the error itself. The text of its message is made in `message.ts`.
 *
 * @module
 */

import {
  DatabaseError,
  OperationalError,
  type PgErrorOptions,
} from "./base.ts";
import { baseBySqlstateClass } from "./base_by_class.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { messageOf, stripSeverity } from "./message.ts";
import { SQLSTATE_CLASSES } from "./sqlstate.ts";

/**
 * The error class for an SQLSTATE: its own class where PostgreSQL defines the
 * code, else the general class of its first two characters.
 *
 * @example An SQLSTATE that PostgreSQL does not define
 * ```ts
 * import { errorFromSqlstate } from "@x/pgts/errors";
 *
 * console.log(errorFromSqlstate("42P01").name); // "UndefinedTable"
 * console.log(errorFromSqlstate("42ZZZ").name); // "ProgrammingError"
 * ```
 *
 * @param code The five characters, `null` or blank where the server gave none.
 * @returns `DatabaseError` or one of its subclasses.
 */
export function errorFromSqlstate(code: string | null): typeof DatabaseError {
  if (code === null) return DatabaseError;
  return SQLSTATE_CLASSES.get(code) ?? baseBySqlstateClass(code);
}

/**
 * The error for an ErrorResponse.
 *
 * @param diag The fields of the response.
 * @param query The text of the query exactly as it was sent, for the position.
 * @param options The cause and the state of the connection, where known.
 * @returns An error, not thrown yet, of the class that the SQLSTATE asks for.
 */
export function errorFromDiagnostic(
  diag: Diagnostic,
  query?: string | null,
  options: Omit<PgErrorOptions, "diag" | "sqlstate"> = {},
): DatabaseError {
  const ErrorClass = errorFromSqlstate(diag.sqlstate);
  return new ErrorClass(messageOf(diag, query), { ...options, diag });
}

/**
 * The error for a response that is plain text instead of fields, as it comes
 * during startup from a server that could not start a process, and from what
 * does not speak protocol 3.
 *
 * @param text All that was received after the message's first byte.
 * @param options The cause and the state of the connection, where known.
 * @returns An error, not thrown yet.
 */
export function errorFromPlainText(
  text: string,
  options: Omit<PgErrorOptions, "diag" | "sqlstate"> = {},
): OperationalError {
  const message = stripSeverity(text).trimEnd();
  return new OperationalError(
    message || "The server refused the connection without a message",
    options,
  );
}
