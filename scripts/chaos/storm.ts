/**
 * Far more connections are wanted than the server takes: whether those who are
 * turned away leave it in peace, and are served in the end.
 *
 * @module
 */

import { ConnectionPool } from "../../pool/mod.ts";
import { startServer } from "../server.ts";
import {
  type ChaosDose,
  type ChaosFindings,
  ErrorTally,
  Faults,
  round,
} from "./run.ts";

/** What the server takes. */
const MAX_CONNECTIONS = 100;
/** What is wanted, all at once, by pools that know nothing of one another. */
const CONNECTS = 5000;
const POOLS = 50;
/** All come at once, and for so long may the server feel it, in seconds. */
const BURST = 3;
/** Then no second may see more attempts. */
const MOST_ATTEMPTS_PER_SECOND = 2 * MAX_CONNECTIONS;

/**
 * Runs.
 *
 * @param dose How much.
 * @returns What was found.
 */
export async function runStorm(
  { small }: ChaosDose,
): Promise<ChaosFindings> {
  const faults = new Faults();
  await using server = await startServer({
    settings: {
      max_connections: String(MAX_CONNECTIONS),
      log_connections: "on",
    },
  });
  const errors = new ErrorTally(faults);
  let served = 0;
  const began = performance.now();
  const each = CONNECTS / POOLS;
  /** A program of its own: it opens a pool, does its work, and ends. */
  const program = async (): Promise<void> => {
    await using pool = new ConnectionPool({
      conninfo: server.dsn,
      minSize: 0,
      maxSize: each,
      timeout: 300,
      onWarning: () => {},
    });
    await pool.open();
    await Promise.all(Array.from({ length: each }, async () => {
      try {
        await pool.execute("select pg_sleep(%s)", [small ? 0.02 : 0.5]);
        served++;
      } catch (error) {
        errors.add(error);
      }
    }));
  };
  await Promise.all(Array.from({ length: POOLS }, program));
  const took = (performance.now() - began) / 1000;
  const log = await server.log();
  const perSecond = attemptsPerSecond(log);
  const sum = (counts: readonly number[]) =>
    counts.reduce((total, count) => total + count, 0);
  const most = Math.max(0, ...perSecond.slice(BURST));
  const refused = log.split("too many clients already").length - 1;
  faults.expect(served === CONNECTS, `${CONNECTS - served} were not served`);
  faults.expect(refused > 0, "the server has refused nobody");
  faults.expect(
    most < MOST_ATTEMPTS_PER_SECOND,
    `there were ${most} attempts in a second`,
  );
  return {
    faults: faults.texts,
    figures: {
      seconds: round(took),
      wanted: CONNECTS,
      served,
      attempts: sum(perSecond),
      refused,
      attemptsInBurst: sum(perSecond.slice(0, BURST)),
      mostPerSecondLater: most,
      errors: errors.counts,
    },
  };
}

/** How many tried to connect in each second since the first, by the server's log. */
function attemptsPerSecond(log: string): number[] {
  const times = log.split("\n")
    .filter((line) => line.includes("connection received"))
    .map((line) => Date.parse(line.slice(0, 23).replace(" ", "T") + "Z"));
  const first = times[0] ?? 0;
  const counts: number[] = [];
  for (const time of times) {
    const second = Math.floor((time - first) / 1000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}
