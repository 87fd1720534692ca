/**
 * Two-phase commit: what the server is told, and what may come after what. What
 * a user holds of it is in `connection_tpc.ts`.
 *
 * Chapter "SQL Commands", PREPARE TRANSACTION: one that fails rolls back.
 *
 * @module
 */

import { decodeHex } from "@std/encoding/hex";
import {
  NotSupportedError,
  OperationalError,
  ProgrammingError,
} from "../errors/base.ts";
import {
  ObjectNotInPrerequisiteState,
  UndefinedObject,
} from "../errors/sqlstate.ts";
import { quoteString } from "../types/quote.ts";
import type { Executor } from "./executor.ts";
import { commitFailed, commitRefused } from "./outcome.ts";
import type { TransactionState, TwoPhase } from "./transaction_state.ts";
import type { EndCommand, Turn } from "./turn.ts";
import { recoveredXid, type Xid } from "./xid.ts";

/** Nothing that the server has been ready for: the transaction is over. */
const OVER = -1;

/** Question and answer are ASCII in every client encoding; see `type_lookup.ts`. */
const PREPARED = `select pg_catalog.encode(pg_catalog.convert_to(
  pg_catalog.json_agg(pg_catalog.json_build_array(
    p.gid,
    (extract(epoch from p.prepared) OPERATOR(pg_catalog.*) 1000000)
      ::pg_catalog.int8::pg_catalog.text,
    p.owner, p.database) order by p.prepared)::pg_catalog.text, 'UTF8'), 'hex')
from pg_catalog.pg_prepared_xacts p`;

/**
 * Opens a transaction that is to be committed in two phases.
 *
 * @param executor Of the connection.
 * @param id The text by which the server is to know it.
 */
export async function beginTwoPhase(
  executor: Executor,
  id: string,
): Promise<void> {
  quoteString(id); // Fails now rather than when all is done.
  await executor.inTurn(async (turn) => {
    const { transactions } = executor;
    checkOutside(transactions, "tpcBegin()");
    if (transactions.autocommit) {
      throw misuse(
        "tpcBegin()",
        "the connection is in autocommit mode, set autocommit to false first",
      );
    }
    await turn.begin();
    transactions.twoPhase = { id, prepared: false, ends: transactions.ends };
  });
}

/**
 * Ends the first phase: from now on the transaction outlives the session.
 *
 * @param executor Of the connection.
 */
export async function prepareTwoPhase(executor: Executor): Promise<void> {
  await executor.inTurn(async (turn) => {
    const { transactions } = executor;
    const twoPhase = begun(transactions, "tpcPrepare()");
    if (twoPhase.prepared) {
      throw misuse("tpcPrepare()", "the transaction is prepared already");
    }
    checkAtEnd(transactions, twoPhase, "tpcPrepare()");
    const tag = await prepare(turn, twoPhase.id);
    if (tag === "ROLLBACK") throw prepareRefused();
    twoPhase.prepared = true;
  });
}

/**
 * Ends a two-phase transaction.
 *
 * @param executor Of the connection.
 * @param command COMMIT or ROLLBACK.
 * @param id A transaction that was prepared, by whomever; else the connection's own.
 */
export async function finishTwoPhase(
  executor: Executor,
  command: EndCommand,
  id: string | undefined,
): Promise<void> {
  const name = command === "COMMIT" ? "tpcCommit()" : "tpcRollback()";
  await executor.inTurn(async (turn) => {
    const { transactions } = executor;
    if (id !== undefined) {
      checkOutside(transactions, `${name} of another transaction`);
      return await finishPrepared(turn, command, id);
    }
    const twoPhase = begun(transactions, name);
    if (twoPhase.prepared) await finishOwn(turn, command, twoPhase);
    else await finishInOnePhase(executor, turn, command, twoPhase);
    transactions.twoPhase = null;
  }, command === "ROLLBACK");
}

/**
 * Asks for the transactions that are prepared.
 *
 * @param executor Of the connection.
 * @returns Their identifiers, the oldest first.
 */
export async function recoverTwoPhase(executor: Executor): Promise<Xid[]> {
  const answer = await executor.ask(PREPARED);
  if (answer === null) return [];
  const rows = JSON.parse(new TextDecoder().decode(decodeHex(answer))) as [
    gid: string,
    micros: string,
    owner: string,
    database: string,
  ][];
  return rows.map(([gid, micros, owner, database]) =>
    recoveredXid({ gid, micros: BigInt(micros), owner, database })
  );
}

async function prepare(turn: Turn, id: string): Promise<string> {
  try {
    return await turn.command(`PREPARE TRANSACTION ${quoteString(id)}`);
  } catch (error) {
    if (error instanceof ObjectNotInPrerequisiteState) {
      const { message, diag, connectionUsable, reachedServer } = error;
      const { messageHint } = diag;
      throw new NotSupportedError(
        `Cannot prepare the transaction: ${message}${
          messageHint === null ? "" : `, ${messageHint.replace(/\.$/, "")}`
        }`,
        { cause: error, diag, connectionUsable, reachedServer },
      );
    }
    throw commitFailed(
      error,
      "Cannot tell whether the transaction is prepared: the connection was lost after PREPARE TRANSACTION had been sent and before it was answered, so look for it with tpcRecover()",
    );
  }
}

/** Ends the connection's own transaction, which is prepared. */
async function finishOwn(
  turn: Turn,
  command: EndCommand,
  twoPhase: TwoPhase,
): Promise<void> {
  try {
    await finishPrepared(turn, command, twoPhase.id);
  } catch (error) {
    if (error instanceof UndefinedObject) { // Somebody else has ended it.
      twoPhase.prepared = false;
      twoPhase.ends = OVER;
    }
    throw error;
  }
}

async function finishPrepared(
  turn: Turn,
  command: EndCommand,
  id: string,
): Promise<void> {
  try {
    await turn.command(`${command} PREPARED ${quoteString(id)}`);
  } catch (error) {
    const done = command === "COMMIT" ? "committed" : "rolled back";
    throw commitFailed(
      error,
      `Cannot tell whether the prepared transaction is ${done}: the connection was lost after ${command} PREPARED had been sent and before it was answered, so look with tpcRecover() whether it is still there`,
    );
  }
}

async function finishInOnePhase(
  executor: Executor,
  turn: Turn,
  command: EndCommand,
  twoPhase: TwoPhase,
): Promise<void> {
  const { transactions } = executor;
  if (command === "ROLLBACK") {
    checkNoBlock(transactions, "tpcRollback()");
    await turn.end("ROLLBACK");
    return;
  }
  checkAtEnd(transactions, twoPhase, "tpcCommit()");
  if (await turn.end("COMMIT") === "ROLLBACK") throw commitRefused(executor);
}

/** The two-phase transaction of the connection. */
function begun({ twoPhase }: TransactionState, name: string): TwoPhase {
  if (twoPhase !== null) return twoPhase;
  throw misuse(
    name,
    "there is no two-phase transaction, call tpcBegin() first",
  );
}

function checkAtEnd(
  transactions: TransactionState,
  { ends }: TwoPhase,
  name: string,
): void {
  checkNoBlock(transactions, name);
  if (ends === transactions.ends) return;
  throw misuse(
    name,
    "the two-phase transaction is over, because its end failed or a statement has ended it; leave it with tpcRollback()",
  );
}

function checkNoBlock({ blocks }: TransactionState, name: string): void {
  if (blocks.length === 0) return;
  throw misuse(
    name,
    "a block of transaction() or begin() is open, leave it first",
  );
}

function checkOutside(transactions: TransactionState, name: string): void {
  const { open, blocks, twoPhase } = transactions;
  if (twoPhase !== null) {
    throw misuse(
      name,
      "a two-phase transaction is open, end it with tpcCommit() or tpcRollback() first",
    );
  }
  if (open || blocks.length > 0) {
    throw misuse(name, "a transaction is open, commit or roll back first");
  }
}

function misuse(name: string, reason: string): ProgrammingError {
  return new ProgrammingError(`Cannot run ${name}: ${reason}`, {
    connectionUsable: true,
    reachedServer: false,
  });
}

function prepareRefused(): OperationalError {
  return new OperationalError(
    "Cannot prepare the transaction: a statement in it had failed, so it is rolled back",
    { connectionUsable: true, reachedServer: true },
  );
}
