/**
 * What a statement that failed says of itself: whether anything was sent, whether
 * the server knows its name, whether it may be run again.
 *
 * @module
 */

import { addCircumstances, PgError } from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { StatementExchange } from "../protocol/extended_query.ts";
import type { Written } from "./statement_writer.ts";

/**
 * Runs what prepares a statement on an open connection; if it throws, the error
 * says that nothing was sent.
 *
 * @param prepare What prepares it.
 * @returns What that returned.
 * @throws Whatever that throws.
 */
export function unsent<T>(prepare: () => T): T {
  try {
    return prepare();
  } catch (error) {
    if (error instanceof PgError) {
      addCircumstances(error, { connectionUsable: true, reachedServer: false });
    }
    throw error;
  }
}

/**
 * Whether a statement has a name that the server did not take: it may be another's.
 *
 * @param written The statement.
 * @returns Whether it has.
 */
export function isUnknown({ exchange, newName }: Written): boolean {
  return newName !== null &&
    !(exchange instanceof StatementExchange && exchange.parsed);
}

/**
 * Whether a statement failed before it ran, only because what was remembered of
 * it is out of date: its plan, its name, or the number of its columns.
 *
 * @param exchange The statement.
 * @returns Whether it may be run again.
 */
export function isStale(exchange: Exchange): boolean {
  const { error } = exchange;
  // Behind Bind the same codes come from what the statement does.
  if (!(exchange instanceof StatementExchange) || exchange.bound) return false;
  if (!(error instanceof PgError)) return false;
  const { sqlstate, sourceFunction } = error.diag;
  switch (sqlstate) {
    case "26000": // invalid_sql_statement_name
    case "42P05": // duplicate_prepared_statement
      return true;
    case "0A000": // feature_not_supported: the rows would have other columns
      return sourceFunction === "RevalidateCachedQuery";
    case "08P01": // protocol_violation: formats for another number of columns
      return sourceFunction === "PortalSetResultFormat";
    default:
      return false;
  }
}
