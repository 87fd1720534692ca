/**
 * The token-echo oracle behind a chaos proxy: clients that connect again and
 * again, and others that share a pool. None may ever see a result that is not its
 * own.
 *
 * @module
 */

import {
  connect,
  type Connection,
  type ConnectOptions,
  type DictRow,
} from "../../mod.ts";
import { ConnectionPool } from "../../pool/mod.ts";
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
const POOL_CLIENTS = 4;
/** Connecting may take so many seconds, and so may cancelling. */
const LIMIT = 2;
/** Nothing waits longer: the longest fault and both limits, and some for a slow machine. */
const MOST_WAIT_MS = 15_000;

/** What the clients have in common. */
interface Clients {
  readonly parameters: ConnectOptions<DictRow>;
  readonly random: Random;
  readonly faults: Faults;
  readonly errors: ErrorTally;
  readonly poolErrors: ErrorTally;
  /** What is under way; each tells for how long. */
  readonly underWay: Set<{ readonly longestWait: number }>;
  readonly signal: AbortSignal;
  readonly sums: {
    statements: number;
    sessions: number;
    cutShort: number;
    lateCancels: number;
    pooled: number;
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
    parameters: {
      host: "127.0.0.1",
      port: proxy.port,
      user: "postgres",
      dbname: "postgres",
      connectTimeout: LIMIT,
      cancelTimeout: LIMIT,
    },
    random: new Random(seed + 1),
    faults,
    errors: new ErrorTally(faults),
    poolErrors: new ErrorTally(faults),
    underWay: new Set(),
    signal: stop.signal,
    sums: {
      statements: 0,
      sessions: 0,
      cutShort: 0,
      lateCancels: 0,
      pooled: 0,
    },
  };
  const played: Record<string, number> = {};
  const steps = randomSteps(new Random(seed), { mostWait: 300, mostMs: 700 });
  const playing = playSteps(proxy, countSteps(steps, played), stop.signal);
  await using pool = new ConnectionPool({
    connectOptions: clients.parameters,
    minSize: 1,
    maxSize: 3,
    onWarning: () => {},
  });
  await pool.open();
  const working = Promise.all([
    ...Array.from({ length: CLIENTS }, () => client(clients)),
    ...Array.from({ length: POOL_CLIENTS }, () => poolClient(clients, pool)),
  ]);
  const began = performance.now();
  let longest = 0;
  // In a few seconds, by chance, next to nothing may get through.
  const isOver = () => {
    const { statements, pooled } = clients.sums;
    const left = began + seconds * 1000 - performance.now();
    return left < -20_000 || left <= 0 && statements > 100 && pooled > 20;
  };
  while (!isOver() && faults.count === 0) {
    await sleep(100);
    for (const { longestWait } of clients.underWay) {
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
      poolErrors: clients.poolErrors.counts,
    },
  };
}

/** Connects and works until the connection is lost, again and again. */
async function client(clients: Clients): Promise<void> {
  const { parameters, random, faults, errors, underWay, signal, sums } =
    clients;
  while (!signal.aborted && faults.count === 0) {
    let conn: Connection;
    try {
      conn = await connect({ ...parameters, autocommit: true });
    } catch (error) {
      errors.add(error);
      await sleep(random.between(10, 100)); // not all of the time in vain
      continue;
    }
    const options = { seed: random.bits(), mayBeCut: true, signal };
    const echo = new TokenEcho(conn, options);
    underWay.add(echo);
    const report = await echo.run(500);
    underWay.delete(echo);
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

/** Asks for tokens through the pool, which has to come back after every loss. */
async function poolClient(
  { random, faults, poolErrors, underWay, signal, sums }: Clients,
  pool: ConnectionPool,
): Promise<void> {
  const query = "select %s::text as token, pg_sleep(%s)::text as slept";
  while (!signal.aborted && faults.count === 0) {
    const began = performance.now();
    const statement = {
      get longestWait(): number {
        return performance.now() - began;
      },
    };
    underWay.add(statement);
    const tokens = [crypto.randomUUID(), crypto.randomUUID()];
    const deadline = AbortSignal.timeout(random.between(1, 4000));
    const options = { signal: deadline };
    const ask = async (on: Pick<ConnectionPool, "execute">, token: string) => {
      const params = [token, random.between(0, 20) / 1000];
      const row = await on.execute(query, params, options).fetchOne();
      const found = row?.token;
      faults.expect(found === token, `pool: ${found} instead of ${token}`);
      sums.pooled++;
    };
    try {
      if (random.between(0, 1) === 0) await ask(pool, tokens[0]!);
      else {
        await pool.connection(async (conn) => {
          for (const token of tokens) await ask(conn, token);
        }, options);
      }
    } catch (error) {
      if (error !== deadline.reason) poolErrors.add(error);
    }
    underWay.delete(statement);
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
