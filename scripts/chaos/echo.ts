/**
 * The token-echo oracle behind a chaos proxy: clients that connect again and
 * again, and must never see a result that is not theirs.
 *
 * @module
 */

import { connect, type Connection } from "../../mod.ts";
import { ChaosProxy } from "../../tests/support/chaos_proxy.ts";
import {
  type ChaosStep,
  playSteps,
  randomSteps,
} from "../../tests/support/chaos_schedule.ts";
import { Random } from "../../tests/support/random.ts";
import { TokenEcho } from "../../tests/support/token_echo.ts";
import { startServer } from "../server.ts";
import {
  type ChaosDose,
  type ChaosFindings,
  ErrorTally,
  Faults,
  inTime,
  round,
  sleep,
} from "./run.ts";

const CLIENTS = 4;
/** Connecting may take so many seconds, and so may cancelling. */
const LIMIT = 2;
/** Nothing waits longer: the longest fault and both limits, and some for a slow machine. */
const MOST_WAIT_MS = 15_000;

/** What the clients have in common. */
interface Clients {
  readonly port: number;
  readonly random: Random;
  readonly faults: Faults;
  readonly errors: ErrorTally;
  readonly echoes: Set<TokenEcho>;
  readonly signal: AbortSignal;
  readonly sums: {
    statements: number;
    sessions: number;
    cutShort: number;
    lateCancels: number;
  };
}

/**
 * Runs.
 *
 * @param dose How much.
 * @returns What was found.
 */
export async function runEcho(
  { small, seed, seconds = small ? 5 : 3600 }: ChaosDose,
): Promise<ChaosFindings> {
  await using server = await startServer();
  await using proxy = await ChaosProxy.open(server, { seed });
  const faults = new Faults();
  const stop = new AbortController();
  const clients: Clients = {
    port: proxy.port,
    random: new Random(seed + 1),
    faults,
    errors: new ErrorTally(faults),
    echoes: new Set(),
    signal: stop.signal,
    sums: { statements: 0, sessions: 0, cutShort: 0, lateCancels: 0 },
  };
  const played: Record<string, number> = {};
  const steps = randomSteps(new Random(seed), { mostWait: 300, mostMs: 700 });
  const playing = playSteps(proxy, countSteps(steps, played), stop.signal);
  const working = Promise.all(
    Array.from({ length: CLIENTS }, () => client(clients)),
  );
  const began = performance.now();
  let longest = 0;
  while (performance.now() - began < seconds * 1000 && faults.count === 0) {
    await sleep(100);
    for (const { longestWait } of clients.echoes) {
      longest = Math.max(longest, longestWait);
    }
    faults.expect(longest < MOST_WAIT_MS, "a statement does not settle");
  }
  stop.abort();
  await playing;
  proxy.heal();
  faults.expect(
    await inTime(working, MOST_WAIT_MS / 1000),
    "not every promise has settled when the chaos was over",
  );
  return {
    faults: faults.texts,
    figures: {
      seconds: round((performance.now() - began) / 1000),
      ...clients.sums,
      connects: proxy.connects,
      longestWaitMs: Math.round(longest),
      steps: played,
      connectErrors: clients.errors.counts,
    },
  };
}

/** Connects and works until the connection is lost, again and again. */
async function client(clients: Clients): Promise<void> {
  const { port, random, faults, errors, echoes, signal, sums } = clients;
  while (!signal.aborted && faults.count === 0) {
    let conn: Connection;
    try {
      conn = await connect({
        host: "127.0.0.1",
        port,
        user: "postgres",
        dbname: "postgres",
        autocommit: true,
        connectTimeout: LIMIT,
        cancelTimeout: LIMIT,
      });
    } catch (error) {
      errors.add(error);
      await sleep(random.between(10, 100)); // not all of the time in vain
      continue;
    }
    const echo = new TokenEcho(conn, { seed: random.bits(), mayBeCut: true });
    echoes.add(echo);
    const report = await echo.run(500);
    echoes.delete(echo);
    await conn.close();
    sums.sessions++;
    sums.statements += report.statements;
    sums.cutShort += report.lost;
    sums.lateCancels += report.lateCancels;
    for (const fault of report.faults) {
      faults.add(`${fault} (seed ${echo.random.seed})`);
    }
  }
}

function* countSteps(
  steps: Iterable<ChaosStep>,
  played: Record<string, number>,
): Generator<ChaosStep> {
  for (const step of steps) {
    played[step.fault] = (played[step.fault] ?? 0) + 1;
    yield step;
  }
}
