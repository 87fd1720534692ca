/**
 * Connection strings that come from somebody who is not trusted: which
 * parameters they may set.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { conninfoToDict } from "./conninfo.ts";
import { OPTION_KEYS, REQUIRESSL } from "./conninfo_table.ts";

/**
 * Checks that a connection string sets no other parameters than those listed.
 *
 * @param conninfo The connection string, if there is one.
 * @param allowed The parameters, in camelCase or in libpq's spelling.
 * @throws {ProgrammingError} If it sets another, if it is malformed, or if there
 * is no parameter of a listed name.
 */
export function checkAllowed(
  conninfo: string | URL | undefined,
  allowed: readonly string[],
): void {
  const keywords = new Set(allowed.map((name) => {
    const keyword = OPTION_KEYS.get(name);
    if (keyword === REQUIRESSL) return "sslmode";
    if (keyword !== undefined) return keyword;
    throw new ProgrammingError(
      `Cannot use the option "allowedParameters": there is no parameter ${
        JSON.stringify(name)
      }`,
    );
  }));
  const refused = Object.keys(conninfoToDict(conninfo))
    .filter((keyword) => !keywords.has(keyword))
    .map((keyword) => `"${keyword}"`);
  if (refused.length === 0) return;
  throw new ProgrammingError(
    `Cannot use the connection string: it sets ${
      refused.join(", ")
    }, which "allowedParameters" does not list`,
  );
}
