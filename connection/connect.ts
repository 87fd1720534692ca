/**
 * The functions that open a connection.
 *
 * @module
 */

import type { ConnectOptions } from "./connect_options.ts";
import { Connection } from "./connection.ts";
import { runConnectionBlock } from "./connection_block.ts";
import type { DictRow } from "./rows.ts";

/**
 * Connects to a PostgreSQL server.
 *
 * @param conninfo A connection string (`host=localhost dbname=test`), a URI
 * (`postgresql://user@localhost/test`), or the options themselves.
 * @param options Parameters of the connection and settings of the driver; they
 * win over those in `conninfo`.
 * @returns The open connection. Close it, or declare it with `await using`.
 * @throws {ProgrammingError} If a parameter is malformed or unknown.
 * @throws {NotSupportedError} If a parameter asks for what is not there.
 * @throws {ConnectionTimeout} If it took longer than `connect_timeout`.
 * @throws {OperationalError} If nobody listens there, or the server refused, with
 * its SQLSTATE where it gave one.
 * @throws The reason of `options.signal`, if it is aborted.
 *
 * @example
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select version()").fetchOne();
 * console.log(row?.version);
 * ```
 */
export function connect<Row = DictRow>(
  conninfo?: string | URL | ConnectOptions<Row>,
  options?: ConnectOptions<Row>,
): Promise<Connection<Row>> {
  return Connection.connect(conninfo, options);
}

/**
 * Connects, runs a function, and closes the connection: commits if the function
 * returns, rolls back if it throws. If the rollback fails, because the connection
 * is lost, that is a warning, and the function's error counts. A transaction that
 * is prepared for two-phase commit stays so.
 *
 * @param conninfo See {@linkcode connect}.
 * @param options See {@linkcode connect}.
 * @param block Gets the connection.
 * @returns What the function returned.
 * @throws Whatever the function throws, and whatever `connect` and `commit` do.
 * @throws {OperationalError} If a statement failed and the function did not: the
 * server then refuses to commit.
 *
 * @example
 * ```ts
 * import { withConnection } from "@x/pgts";
 *
 * const count = await withConnection("", {}, async (conn) => {
 *   await conn.execute("create temp table visit (at timestamptz default now())");
 *   return (await conn.execute("insert into visit default values")).rowCount;
 * });
 * console.log(count); // 1
 * ```
 */
export async function withConnection<T, Row = DictRow>(
  conninfo: string | URL,
  options: ConnectOptions<Row>,
  block: (conn: Connection<Row>) => T | Promise<T>,
): Promise<T> {
  const conn = await connect(conninfo, options);
  try {
    return await runConnectionBlock(conn, block, "what withConnection() ran");
  } finally {
    await conn.close();
  }
}
