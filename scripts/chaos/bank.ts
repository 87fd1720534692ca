/**
 * The bank under a steady load, while backends are killed, the server is
 * restarted the hard way, and a primary dies for good and its standby takes over.
 *
 * @module
 */

import { connect } from "../../mod.ts";
import { ConnectionPool } from "../../pool/mod.ts";
import { Bank, steadyLoad } from "../../tests/support/bank.ts";
import { freeze, processesOf } from "../../tests/support/processes.ts";
import { Random } from "../../tests/support/random.ts";
import {
  follow,
  listOf,
  promote,
  untilStreaming,
} from "../../tests/support/standby.ts";
import { type Server, startServer } from "../server.ts";
import { sendSignal } from "../server_registry.ts";
import {
  type ChaosDose,
  type ChaosFindings,
  Faults,
  median,
  round,
  sleep,
} from "./run.ts";

/** What can happen to the servers. */
type Event = "kill" | "restart" | "failover" | "rebuild";

/** The order of events: a failover leaves no standby, which is then made anew. */
const CYCLE: readonly Event[] = [
  "kill",
  "kill",
  "restart",
  "kill",
  "failover",
  "kill",
  "restart",
  "rebuild",
];
const SMALL: readonly Event[] = ["kill", "restart", "failover"];
const TRANSFERS_PER_SECOND = 40;
/** No recovery takes longer: the longest pause of the pool, and some. */
const MOST_RECOVERY_MS = 45_000;

/** So that no COMMIT is lost by a failover, and a standby comes back at once. */
const SETTINGS = {
  synchronous_commit: "on",
  wal_retrieve_retry_interval: "200ms",
};
/** So that COMMITs take their time. */
const SLOW_COMMITS = {
  fsync: "on",
  commit_delay: "50000",
  commit_siblings: "0",
};

/** A primary and its standby, who may change places. */
class Pair {
  primary: Server;
  standby: Server;
  #hasStandby = false;

  constructor(primary: Server, standby: Server) {
    this.primary = primary;
    this.standby = standby;
  }

  /** Makes the standby a copy of the primary, which is stopped meanwhile. */
  async rebuild(): Promise<void> {
    if (this.#hasStandby) return;
    await follow(this.standby, this.primary);
    await untilStreaming(this.primary);
    await setSynchronous(this.primary, "*");
    this.#hasStandby = true;
  }

  /**
   * The primary dies, for good, and the standby takes its place. Before, it hangs
   * for a moment, so that some COMMITs are not answered any more.
   */
  async failover(): Promise<void> {
    if (!this.#hasStandby) return;
    const thaw = freeze(this.standby);
    await sleep(200);
    for (const pid of processesOf(this.primary)) sendSignal(pid, "SIGKILL");
    thaw();
    await setSynchronous(this.standby, "");
    await promote(this.standby);
    [this.primary, this.standby] = [this.standby, this.primary];
    this.#hasStandby = false;
  }

  /** Kills one of the sessions. */
  async kill(random: Random): Promise<void> {
    await using conn = await connect(this.primary.dsn, { autocommit: true });
    const rows = await conn.execute(
      "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    ).fetchAll();
    if (rows.length > 0) sendSignal(Number(random.pick(rows).pid), "SIGKILL");
  }
}

/** Whether COMMITs wait for a standby. */
async function setSynchronous(server: Server, names: string): Promise<void> {
  await using conn = await connect(server.dsn, { autocommit: true });
  await conn.execute(
    `alter system set synchronous_standby_names = '${names}'`,
  );
  await conn.execute("select pg_reload_conf()");
}

/**
 * Runs.
 *
 * @param dose How much.
 * @returns What was found.
 */
export async function runBank(
  { small, seed, seconds = small ? 0 : 300 }: ChaosDose,
): Promise<ChaosFindings> {
  const faults = new Faults();
  const random = new Random(seed);
  const settings = small ? SETTINGS : { ...SETTINGS, ...SLOW_COMMITS };
  await using one = await startServer({ settings });
  await using two = await startServer({ settings });
  const pair = new Pair(one, two);
  await pair.rebuild();
  const conninfo = `${listOf(one, two)} target_session_attrs=read-write`;
  const bank = new Bank(random);
  {
    await using conn = await connect(conninfo, { autocommit: true });
    await bank.open(conn);
  }
  await using pool = new ConnectionPool({
    conninfo,
    connectOptions: { connectTimeout: 5 },
    minSize: 4,
    maxSize: 12,
    timeout: 60,
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
  const events: Record<string, number> = {};
  const recoveries: number[] = [];
  const order = small ? SMALL : CYCLE;
  const isOver = (count: number) =>
    small
      ? count === order.length
      : performance.now() - began >= seconds * 1000;
  try {
    for (let count = 0; !isOver(count) && faults.count === 0; count++) {
      await sleep(small ? 400 : random.between(1000, 4000));
      const event = order[count % order.length]!;
      events[event] = (events[event] ?? 0) + 1;
      const happened = performance.now();
      if (event === "restart") await pair.primary.restart("immediate");
      else await pair[event](random);
      const well = performance.now();
      while (bank.lastCommit <= well && faults.count === 0) {
        await sleep(5);
        const late = performance.now() - well > MOST_RECOVERY_MS;
        faults.expect(!late, `no recovery from ${event}`);
      }
      recoveries.push(bank.lastCommit - happened);
    }
    await sleep(300);
  } finally {
    stop.abort();
    await load;
  }
  const took = (performance.now() - began) / 1000;
  await using auditor = await connect(conninfo, { autocommit: true });
  const { faults: wrong, ...audit } = await bank.audit(auditor);
  for (const fault of wrong) faults.add(fault);
  return {
    faults: faults.texts,
    figures: {
      seconds: round(took),
      events,
      ...audit,
      recoveryMsMedian: Math.round(median(recoveries)),
      recoveryMsMost: Math.round(Math.max(...recoveries)),
    },
  };
}
