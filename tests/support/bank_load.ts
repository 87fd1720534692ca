/**
 * A bank under a steady load through a pool, while something happens to its
 * server: whether the pool recovers, how soon, and what the books say.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../mod.ts";
import { ConnectionPool, type PoolOptions } from "../../pool/mod.ts";
import type { DictRow } from "../../mod.ts";
import { type Audit, Bank, steadyLoad } from "./bank.ts";
import { Random } from "./random.ts";

/** A transfer has five statements, so these are 200 statements a second. */
export const TRANSFERS_PER_SECOND = 40;

/** What happened, as the load saw it. */
export interface LoadReport {
  /** What the books say. */
  readonly audit: Audit;
  /** How long after the server was well again a transfer took place, in milliseconds. */
  readonly recoveryMs: number;
  /** The last pause between two attempts to connect that the pool announced, in milliseconds. */
  readonly lastPauseMs: number;
  /** What the pool warned of. */
  readonly warnings: readonly string[];
  /** The bank, for more. */
  readonly bank: Bank;
}

/** What the load runs on. */
export interface LoadOptions {
  /** Where the pool connects to. */
  readonly conninfo: string;
  /** What is different about the pool. */
  readonly pool?: PoolOptions<DictRow>;
  /** Happens under the load; when it resolves, the server is well again. */
  disturb(pool: ConnectionPool): Promise<void>;
}

/**
 * Runs the load: a second before it happens, and a second after the recovery.
 *
 * @param options What it runs on.
 * @returns What happened.
 */
export async function bankUnderLoad(
  { conninfo, pool: options = {}, disturb }: LoadOptions,
): Promise<LoadReport> {
  const bank = new Bank(new Random());
  await using admin = await connect(conninfo, { autocommit: true });
  await bank.open(admin);
  await admin.close();
  const warnings: string[] = [];
  await using pool = new ConnectionPool({
    conninfo,
    minSize: 4,
    maxSize: 10,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  await pool.open(true);
  const stop = new AbortController();
  const load = steadyLoad(
    bank,
    (work) => pool.connection((conn) => conn.transaction(work)),
    { perSecond: TRANSFERS_PER_SECOND, signal: stop.signal },
  );
  let recoveryMs: number;
  try {
    await pause(1000);
    assert(bank.lastCommit > 0, "the load works");
    await disturb(pool);
    const well = performance.now();
    while (bank.lastCommit <= well) {
      assert(performance.now() - well < 40_000, "there is no recovery");
      await pause(5);
    }
    recoveryMs = bank.lastCommit - well;
    await pause(1000);
  } finally {
    stop.abort();
    await load;
  }
  await using auditor = await connect(conninfo, { autocommit: true });
  const audit = await bank.audit(auditor);
  const pauses = warnings.flatMap((warning) =>
    /next attempt is in ([\d.]+) s/.exec(warning)?.[1] ?? []
  );
  const lastPauseMs = Number(pauses.at(-1) ?? 0) * 1000;
  return { audit, recoveryMs, lastPauseMs, warnings, bank };
}

/** Checks that all is as it must be after the server was gone for a while. */
export function assertRecovered(report: LoadReport): void {
  const { audit, recoveryMs, lastPauseMs } = report;
  assertEquals(audit.faults, []);
  assert(audit.committed > 2 * TRANSFERS_PER_SECOND * 0.5, "the load works");
  // The pause that was under way, and the time in which a busy machine connects.
  assert(
    recoveryMs < lastPauseMs + 2000,
    `recovered after ${recoveryMs} ms, the pause was ${lastPauseMs} ms`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
