/**
 * A server that is restarted again and again under a load: whether the pool
 * recovers from the hundredth restart as it did from the first.
 *
 * @module
 */

import { connect } from "../../mod.ts";
import { ConnectionPool } from "../../pool/mod.ts";
import { Bank, steadyLoad } from "../../tests/support/bank.ts";
import { Random } from "../../tests/support/random.ts";
import { startServer } from "../server.ts";
import {
  type ChaosDose,
  type ChaosFindings,
  Faults,
  median,
  round,
  sleep,
} from "./run.ts";

const RESTARTS = 100;
const RESTARTS_SMALL = 4;
const TRANSFERS_PER_SECOND = 40;
const MAX_SIZE = 8;
/** No recovery takes longer: the first pauses of the pool, and a machine that is busy. */
const MOST_RECOVERY_MS = 15_000;

/**
 * Runs.
 *
 * @param dose How much.
 * @returns What was found.
 */
export async function runRestarts(
  { small, seed }: ChaosDose,
): Promise<ChaosFindings> {
  const faults = new Faults();
  await using server = await startServer({
    settings: { synchronous_commit: "on" },
  });
  const bank = new Bank(new Random(seed));
  {
    await using conn = await connect(server.dsn, { autocommit: true });
    await bank.open(conn);
  }
  await using pool = new ConnectionPool({
    conninfo: server.dsn,
    minSize: 4,
    maxSize: MAX_SIZE,
    onWarning: () => {},
  });
  await pool.open(true);
  const stop = new AbortController();
  const load = steadyLoad(
    bank,
    (work) => pool.connection((conn) => conn.transaction(work)),
    { perSecond: TRANSFERS_PER_SECOND, signal: stop.signal },
  );
  const began = performance.now();
  const recoveries: number[] = [];
  const count = small ? RESTARTS_SMALL : RESTARTS;
  try {
    while (recoveries.length < count && faults.count === 0) {
      const happened = performance.now();
      const isEven = recoveries.length % 2 === 0;
      await server.restart(isEven ? "immediate" : "fast");
      const well = performance.now();
      while (bank.lastCommit <= well && faults.count === 0) {
        await sleep(5);
        const late = performance.now() - well > MOST_RECOVERY_MS;
        faults.expect(!late, "no recovery");
      }
      recoveries.push(bank.lastCommit - happened);
      await sleep(200);
    }
  } finally {
    stop.abort();
    await load;
  }
  const took = (performance.now() - began) / 1000;
  const part = Math.ceil(count / 5);
  const first = median(recoveries.slice(0, part));
  const last = median(recoveries.slice(-part));
  faults.expect(
    last < 2 * first + 500,
    `recovery took ${Math.round(first)} ms at first and ${
      Math.round(last)
    } ms at last`,
  );
  const sessions = await countSessions(server.dsn);
  faults.expect(sessions <= MAX_SIZE, `the server has ${sessions} sessions`);
  await using auditor = await connect(server.dsn, { autocommit: true });
  const { faults: wrong, ...audit } = await bank.audit(auditor);
  for (const fault of wrong) faults.add(fault);
  return {
    faults: faults.texts,
    figures: {
      seconds: round(took),
      restarts: recoveries.length,
      recoveryMsFirst: Math.round(first),
      recoveryMsLast: Math.round(last),
      recoveryMsMost: Math.round(Math.max(...recoveries)),
      sessions,
      ...audit,
    },
  };
}

/** How many sessions of clients there are, beside the one that asks. */
async function countSessions(dsn: string): Promise<number> {
  await using conn = await connect(dsn, { autocommit: true });
  const row = await conn.execute(
    "select count(*) - 1 as n from pg_stat_activity where backend_type = 'client backend'",
  ).fetchOne();
  return Number(row?.n);
}
