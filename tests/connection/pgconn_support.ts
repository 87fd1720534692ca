/**
 * What the tests of the low level share.
 *
 * @module
 */

import { CancelRequests } from "../../connection/cancel.ts";
import { ConnectionInfo } from "../../connection/connection_info.ts";
import { openSession } from "../../connection/connector.ts";
import { Executor } from "../../connection/executor.ts";
import { Lifetime } from "../../connection/lifetime.ts";
import type { PgResult } from "../../connection/pg_result.ts";
import { PgConn } from "../../connection/pgconn.ts";
import { Runner } from "../../connection/runner.ts";
import { StatementCache } from "../../connection/statement_cache.ts";
import { TransactionState } from "../../connection/transaction_state.ts";
import type { Transport } from "../../connection/transport.ts";
import { testDsn } from "../support/database.ts";

/** The low level of a connection, with what else a test may look at. */
export interface Opened extends AsyncDisposable {
  /** The low level. */
  readonly pgconn: PgConn;
  /** The network's side of it. */
  readonly transport: Transport;
  /** Whose turn it is. */
  readonly executor: Executor;
  /** What is known of transactions. */
  readonly transactions: TransactionState;
}

/** Opens a session, in autocommit mode, and its low level. */
export async function openLow(dsn: string = testDsn()): Promise<Opened> {
  const session = await openSession(dsn, {});
  const { wire } = session;
  const transactions = new TransactionState(true);
  const executor = new Executor(
    new Runner(wire, new StatementCache(5), transactions, {
      joinBegin: true,
      readsDatesAsText: () => true,
    }),
  );
  const info = new ConnectionInfo(session, {
    inPipeline: () => executor.pipelineDepth > 0,
    lastError: () => executor.lastError,
  });
  const cancelRequests = new CancelRequests(session, () => executor.hold());
  const lifetime = new Lifetime(session, executor, cancelRequests);
  return {
    pgconn: new PgConn({ opened: session, executor, info, lifetime }),
    transport: wire.transport,
    executor,
    transactions,
    [Symbol.asyncDispose]: () => lifetime.close(),
  };
}

/** The rows of a result as text. */
export function rows(result: PgResult): (string | null)[][] {
  return Array.from(
    { length: result.ntuples },
    (_, row) =>
      Array.from({ length: result.nfields }, (_, column) => {
        const value = result.getValue(row, column);
        return value === null ? null : new TextDecoder().decode(value);
      }),
  );
}
