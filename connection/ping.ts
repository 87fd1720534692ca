/**
 * Whether a server takes connections, without logging in.
 *
 * @module
 */

import { OperationalError, PgError, ProtocolError } from "../errors/base.ts";
import { attemptErrors } from "./attempt_runner.ts";
import { connectArguments } from "./connect_arguments.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { openSession } from "./connector.ts";
import { Ping } from "./pg_constants.ts";
import { closedError } from "./wire.ts";

/** The server is starting, stopping, or a standby that takes no sessions yet. */
const CANNOT_CONNECT_NOW = "57P03";

/**
 * Asks a server whether it takes connections: see `PgConn.ping()`.
 *
 * @param conninfo A connection string or URI, or the options themselves.
 * @param options Parameters; they win over the string.
 * @returns What became of it.
 * @throws The reason of the signal, if it is aborted.
 */
export async function ping<Row>(
  conninfo: string | URL | ConnectOptions<Row> | undefined,
  options: ConnectOptions<Row> | undefined,
): Promise<Ping> {
  const given = connectArguments(conninfo, options);
  let answered = false;
  try {
    const { wire } = await openSession(
      given.conninfo,
      given.options as ConnectOptions<never>,
      { onGreeting: () => answered = true },
    );
    await wire.close(closedError());
    return Ping.OK;
  } catch (error) {
    if (!(error instanceof PgError)) throw error;
    return verdictOn(error, answered);
  }
}

function verdictOn(error: PgError, answered: boolean): Ping {
  const attempts = attemptErrors(error).map(({ error }) => error);
  const errors = (attempts.length > 0 ? attempts : [error])
    .filter((one) => one instanceof PgError);
  const states = errors.map((one) => one.diag.sqlstate)
    .filter((state) => state !== null);
  // Who refuses the user, the password or the database is there.
  if (states.some((state) => state !== CANNOT_CONNECT_NOW)) return Ping.OK;
  if (states.length > 0) return Ping.REJECT;
  const talks = !errors.some((one) => one instanceof ProtocolError);
  if (answered) return talks ? Ping.OK : Ping.NO_RESPONSE;
  return errors.some((one) => one instanceof OperationalError)
    ? Ping.NO_RESPONSE
    : Ping.NO_ATTEMPT;
}
