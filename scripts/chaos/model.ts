/**
 * The pool beside its model: actors that use it at random, and now and then a
 * pause in which both must agree.
 *
 * @module
 */

import { connect, type Connection, type DictRow } from "../../mod.ts";
import {
  ConnectionPool,
  NullConnectionPool,
  type PoolConnection,
  type PoolOptions,
} from "../../pool/mod.ts";
import { PoolActor, PoolModel } from "../../tests/support/pool_model.ts";
import { Random } from "../../tests/support/random.ts";
import { startServer } from "../server.ts";
import {
  type ChaosDose,
  type ChaosFindings,
  Faults,
  inTime,
  round,
  sleep,
} from "./run.ts";

const ACTORS = 12;
/** How often each of them acts between two pauses. */
const ACTS = 6;
const APPLICATION = "pgts_model";
const RESETS = ["off", "minimal", "discard"] as const;

/**
 * Runs.
 *
 * @param dose How much.
 * @returns What was found.
 */
export async function runModel(
  { small, seed, seconds = small ? 2 : 300 }: ChaosDose,
): Promise<ChaosFindings> {
  const faults = new Faults();
  await using server = await startServer();
  await using admin = await connect(server.dsn, { autocommit: true });
  const began = performance.now();
  const sums: Record<string, number> = {};
  let rounds = 0;
  let rows = 0;
  for (; performance.now() - began < seconds * 1000; rounds++) {
    if (faults.count > 0) break;
    await admin.execute("drop table if exists model");
    await admin.execute("create table model (id int primary key)");
    const random = new Random(seed + rounds);
    const conninfo = `${server.dsn} application_name=${APPLICATION}`;
    const model = await runRound(conninfo, admin, random);
    rows += model.rows.size;
    for (const [what, count] of Object.entries(model.counts)) {
      sums[what] = (sums[what] ?? 0) + count;
    }
    for (const fault of model.faults) {
      faults.add(`${fault} (seed ${random.seed})`);
    }
  }
  const took = (performance.now() - began) / 1000;
  return {
    faults: faults.texts,
    figures: { seconds: round(took), rounds, rows, counts: sums },
  };
}

/** One pool, from its beginning to its end. */
async function runRound(
  conninfo: string,
  admin: Connection,
  random: Random,
): Promise<PoolModel> {
  const isNull = random.between(1, 4) === 1;
  const max = random.between(1, 6);
  const sometimes = (some: PoolOptions<DictRow>): PoolOptions<DictRow> =>
    random.between(1, 4) === 1 ? some : {};
  const options: PoolOptions<DictRow> = {
    conninfo,
    minSize: isNull ? 0 : random.between(0, max),
    maxSize: max,
    reset: random.pick(RESETS),
    ...sometimes({ check: ConnectionPool.checkConnection }),
    ...sometimes({ closeReturns: true }),
    ...sometimes({ maxUses: random.between(1, 10) }),
    ...sometimes({ maxLifetime: random.between(10, 500) / 1000 }),
    ...sometimes({ maxIdle: random.between(10, 500) / 1000 }),
    ...sometimes({ maxWaiting: random.between(1, ACTORS) }),
    ...sometimes({ leakWarning: 0.01 }),
    onWarning: () => {},
  };
  const pool: ConnectionPool = isNull
    ? new NullConnectionPool(options)
    : new ConnectionPool(options);
  await pool.open();
  const model = new PoolModel(max);
  const actors = Array.from(
    { length: ACTORS },
    () => new PoolActor(pool, model, admin, new Random(random.bits())),
  );
  for (let pauses = 0; pauses < 4 && model.faults.length === 0; pauses++) {
    const acting = Promise.all(actors.map(async (actor) => {
      for (let i = 0; i < ACTS; i++) await actor.act();
    }));
    const stop = { now: false };
    const managing = manage(pool, random, stop);
    if (!await inTime(acting, 60)) {
      model.expect(false, "not every promise has settled");
    }
    stop.now = true;
    await managing;
    await agree(pool, model, admin);
    // A pool that was resized holds fewer or more from now on.
    const most = random.between(1, 6);
    model.most = most;
    await pool.resize(isNull ? 0 : random.between(0, most), most);
  }
  await pool.close();
  const isGone = await eventually(async () => await sessions(admin) === 0);
  model.expect(isGone, "sessions are left of a pool that is closed");
  return model;
}

/** Drains and checks the pool from time to time. */
async function manage(
  pool: ConnectionPool,
  random: Random,
  stop: { now: boolean },
): Promise<void> {
  while (!stop.now) {
    await sleep(random.between(5, 100));
    const choice = random.between(1, 3);
    if (choice === 1) await pool.drain();
    else if (choice === 2) await pool.check();
    else pool.popStats();
  }
}

/** With nothing under way, the pool, the server and the model must say the same. */
async function agree(
  pool: ConnectionPool,
  model: PoolModel,
  admin: Connection,
): Promise<void> {
  model.expect(model.out === 0, `the model has ${model.out} out`);
  const isQuiet = await eventually(async () => {
    const stats = pool.getStats();
    return stats.requestsWaiting === 0 &&
      stats.poolAvailable === stats.poolSize &&
      stats.poolSize >= stats.poolMin && stats.poolSize <= stats.poolMax &&
      await sessions(admin) === stats.poolSize;
  });
  model.expect(
    isQuiet,
    `with nothing out there are ${await sessions(admin)} sessions, and ${
      JSON.stringify(pool.getStats())
    }`,
  );
  // Every place can be had. Asked for one by one, as maxWaiting may be small.
  const conns: PoolConnection[] = [];
  for (let i = 0; i < model.most; i++) {
    const conn = await pool.getConn({ timeout: 10 }).catch(() => null);
    if (conn !== null) conns.push(conn);
  }
  model.expect(
    conns.length === model.most,
    `only ${conns.length} of ${model.most} connections can be had`,
  );
  for (const conn of conns) await pool.putConn(conn);
  const there = new Set<number>();
  for await (const { id } of admin.execute("select id from model")) {
    there.add(Number(id));
  }
  for (const [row, fate] of model.rows) {
    const right = fate === "either" || there.has(row) === (fate === "there");
    model.expect(right, `row ${row} must be ${fate}`);
    there.delete(row);
  }
  model.expect(there.size === 0, `${there.size} rows that nobody wrote`);
}

/** How many sessions the pool has at the server. */
async function sessions(admin: Connection): Promise<number> {
  const row = await admin.execute(
    "select count(*) as n from pg_stat_activity where application_name = %s",
    [APPLICATION],
  ).fetchOne();
  return Number(row?.n);
}

async function eventually(claim: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + 10_000;
  while (!await claim()) {
    if (performance.now() > end) return false;
    await sleep(10);
  }
  return true;
}
