/**
 * What is done with the state that a session is left in.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { ResetPolicy } from "./options.ts";

/**
 * All of what DISCARD ALL does but to drop prepared statements. The role goes
 * first, as it decides what else is allowed; the connection goes by the tag of
 * the last, after which columns are looked at anew and statements stay prepared.
 */
const MINIMAL = [
  "CLOSE ALL",
  "SET SESSION AUTHORIZATION DEFAULT",
  "UNLISTEN *",
  "SELECT pg_advisory_unlock_all()",
  "DISCARD TEMP",
  "DISCARD SEQUENCES",
  "RESET ALL",
].join("; ");

/**
 * Resets a session in which no transaction is open.
 *
 * @param policy What is done.
 * @param conn A connection on it.
 * @throws Whatever the function of the policy, or the server, does.
 */
export async function resetSession<Row>(
  policy: ResetPolicy<Row>,
  conn: Connection<Row>,
): Promise<void> {
  switch (policy) {
    case "off":
      return;
    case "minimal":
      return await conn.executor.plainCommand(MINIMAL);
    case "discard":
      return await conn.executor.plainCommand("DISCARD ALL");
    default:
      await policy(conn);
  }
}
