/**
 * From the name of an error condition to its class.
 *
 * @module
 */

import type { DatabaseError } from "./base.ts";
import { CONDITIONS } from "./codes.ts";
import { SQLSTATE_CLASSES } from "./sqlstate.ts";

/**
 * Finds the error class for an SQLSTATE or for the name of its constant.
 *
 * @example Handle an error known by its code
 * ```ts
 * import { connect } from "@x/pgts";
 * import { lookup } from "@x/pgts/errors";
 *
 * await using conn = await connect();
 * try {
 *   await conn.execute("select * from there_is_no_such_table");
 * } catch (error) {
 *   if (!(error instanceof lookup("UNDEFINED_TABLE"))) throw error;
 *   console.log("no table");
 * }
 * ```
 *
 * @param codeOrName Five characters such as `42P01`, or a name such as
 *   `UNDEFINED_TABLE`; upper and lower case are the same.
 * @returns The class of the errors with this SQLSTATE.
 * @throws {RangeError} If no class stands for this code or name.
 */
export function lookup(codeOrName: string): typeof DatabaseError {
  const wanted = codeOrName.toUpperCase();
  const byCode = SQLSTATE_CLASSES.get(wanted);
  if (byCode !== undefined) return byCode;
  const codes: Readonly<Record<string, unknown>> = CONDITIONS;
  const code = Object.hasOwn(codes, wanted) ? codes[wanted] : undefined;
  const byName = typeof code === "string"
    ? SQLSTATE_CLASSES.get(code)
    : undefined;
  if (byName !== undefined) return byName;
  throw new RangeError(
    `Cannot find an error class: "${codeOrName}" is neither an SQLSTATE nor the name of one that pgts knows`,
  );
}
