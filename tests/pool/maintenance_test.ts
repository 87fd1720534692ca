/**
 * What a pool does by and by: it shrinks, replaces what is old, checks, drains,
 * and otherwise does nothing.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type ConnectionPool,
  type PoolConnection,
  PoolTimeout,
} from "../../pool/mod.ts";
import { testDsn } from "../support/database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  pause,
  quiet,
  rejection,
  runScript,
} from "../connection/support.ts";
import {
  assertWarned,
  at,
  makePool,
  openPool,
  pidOf,
  pidsOf,
  terminate,
  untilSize,
} from "./support.ts";

/** Opens a pool while the clock stands still. */
async function openAt(
  clock: FakeClock,
  options: Parameters<typeof makePool>[0],
): Promise<ConnectionPool> {
  const { pool } = makePool(options);
  await pool.open();
  await clock.until(
    () => pool.getStats().poolAvailable >= pool.minSize,
    "filled",
  );
  return pool;
}

async function take(
  pool: ConnectionPool,
  count: number,
): Promise<PoolConnection[]> {
  return await Promise.all(
    Array.from({ length: count }, () => pool.getConn()),
  );
}

async function putAll(
  pool: ConnectionPool,
  conns: readonly PoolConnection[],
): Promise<void> {
  for (const conn of conns) await pool.putConn(conn);
}

Deno.test(
  "PO-14 J14 maxIdle: after a spike one connection is closed for each maxIdle, (4,4)->(4,3)->(3,2)->(2,2), and the timer ends",
  quiet(async () => {
    using clock = new FakeClock();
    const pool = await openAt(clock, { minSize: 2, maxSize: 4, maxIdle: 10 });
    assertEquals(clock.pending, 0);
    await putAll(pool, await take(pool, 4));
    assertEquals(clock.pending, 1);
    const steps: [number, number][] = [];
    for (let i = 0; i < 4; i++) {
      // In the first of the periods all are needed once.
      if (i === 0) await putAll(pool, await take(pool, 4));
      const before = pool.getStats().poolSize;
      await clock.pass(9.9);
      assertEquals(pool.getStats().poolSize, before);
      await clock.pass(0.1);
      steps.push([before, pool.getStats().poolSize]);
    }
    assertEquals(steps, [[4, 4], [4, 3], [3, 2], [2, 2]]);
    assertEquals(clock.pending, 0);
    await pool.close();
  }),
);

Deno.test(
  "J14 maxIdle: what is needed now and then is not closed, and minSize is kept",
  quiet(async () => {
    using clock = new FakeClock();
    const pool = await openAt(clock, { minSize: 1, maxSize: 3, maxIdle: 10 });
    await putAll(pool, await take(pool, 3));
    for (let i = 0; i < 5; i++) {
      await clock.pass(6);
      await putAll(pool, await take(pool, 3));
    }
    assertEquals(pool.getStats().poolSize, 3);
    const [held] = await take(pool, 1);
    await clock.pass(100);
    // It is one of three that is in use; the two others were not needed.
    assertEquals(pool.getStats().poolSize, 1);
    await putAll(pool, [held!]);
    await clock.pass(100);
    assertEquals(pool.getStats().poolSize, 1);
    assertEquals(pool.getStats().connectionsNum, 3);
    await pool.close();
  }),
);

Deno.test(
  "PO-18 J14 maxLifetime: up to a twentieth less by chance; who is too old is replaced when it comes back, or instead of being given out",
  quiet(async () => {
    using clock = new FakeClock();
    const size = 16;
    const pool = await openAt(clock, { minSize: size, maxLifetime: 100 });
    const youth = await take(pool, size);
    const pids = new Set(youth.map(pidOf));
    await clock.pass(94.9);
    await putAll(pool, youth);
    const again = await take(pool, size);
    assertEquals(new Set(again.map(pidOf)), pids);
    await clock.pass(2.6);
    await putAll(pool, again);
    await clock.until(
      () => pool.getStats().poolAvailable === size,
      "filled again",
    );
    const mixed = await take(pool, size);
    const old = mixed.map(pidOf).filter((pid) => pids.has(pid));
    assert(old.length > 0 && old.length < size, `${old.length} of ${size}`);
    await putAll(pool, mixed);
    await clock.pass(2.5);
    // These are idle, and not given out any more.
    const fresh = await take(pool, size);
    assertEquals(fresh.map(pidOf).filter((pid) => pids.has(pid)), []);
    assertEquals(pool.getStats().connectionsNum, 2 * size);
    await putAll(pool, fresh);
    await pool.close();
  }),
);

Deno.test(
  "J14 maxUses: a connection is given out as often as said, and then replaced",
  quiet(async () => {
    await using pool = (await openPool({ maxUses: 3 })).pool;
    const pids: number[] = [];
    for (let i = 0; i < 9; i++) {
      await using conn = await pool.getConn();
      pids.push(pidOf(conn));
    }
    const runs = [0, 3, 6].map((from) => new Set(pids.slice(from, from + 3)));
    assertEquals(runs.map((run) => run.size), [1, 1, 1]);
    assertEquals(new Set(pids).size, 3);
  }),
);

Deno.test(
  "J14 minSize, maxSize: the least are opened at once, more when they are asked for, and no more than the most",
  quiet(async () => {
    await using pool = (await openPool({ minSize: 2, maxSize: 5 })).pool;
    assertEquals(pool.getStats().poolSize, 2);
    const conns = [];
    for (let i = 1; i <= 5; i++) {
      conns.push(await pool.getConn());
      assertEquals(pool.getStats().poolSize, Math.max(2, i));
    }
    const waiting = [pool.getConn(), pool.getConn()];
    await pause(50);
    assertEquals(pool.getStats().poolSize, 5);
    assertEquals(pool.getStats().requestsWaiting, 2);
    await putAll(pool, conns);
    await putAll(pool, await Promise.all(waiting));
    await untilSize(pool, 5);
    assertEquals(pool.getStats().connectionsNum, 5);
  }),
);

Deno.test(
  "resize: grows at once, and shrinks as connections come back",
  quiet(async () => {
    await using pool = (await openPool({ minSize: 1, maxSize: 2 })).pool;
    const [one, two] = await take(pool, 2);
    const waiting = pool.getConn();
    await pool.resize(3, 4);
    const three = await waiting;
    await untilSize(pool, 3, 0);
    await pool.resize(4);
    await untilSize(pool, 4, 1);
    await pool.resize(3, 4);
    assertEquals([pool.minSize, pool.maxSize], [3, 4]);
    await pool.resize(1);
    assertEquals(pool.getStats().poolSize, 3);
    await putAll(pool, [one!, two!, three]);
    await untilSize(pool, 1);
    assertEquals(one!.closed, true);
  }),
);

Deno.test(
  "PO-16 check: dead idle connections are replaced with a warning, and the others are left IDLE",
  quiet(async () => {
    const { pool, warnings } = await openPool({ minSize: 3 });
    await using _ = pool;
    const pids = await pidsOf(pool);
    await pool.check();
    assertEquals(await pidsOf(pool), pids);
    assertWarned(warnings);
    await terminate(pids[0]!, pids[2]!);
    await pool.check();
    await untilSize(pool, 3);
    const now = await pidsOf(pool);
    assertEquals(now.filter((pid) => pids.includes(pid)), [pids[1]!]);
    assertEquals(pool.getStats().connectionsLost, 2);
    assertEquals(warnings.splice(0).length, 2);
    const conns = await take(pool, 3);
    assertEquals(conns.map((conn) => conn.info.transactionStatus), [0, 0, 0]);
    await putAll(pool, conns);

    // A function of one's own may leave a transaction open.
    const { pool: own } = await openPool({
      minSize: 2,
      check: async (conn) => void await conn.execute("select 1"),
    });
    await using _own = own;
    await own.check();
    const checked = await take(own, 2);
    assertEquals(checked.map((conn) => conn.info.transactionStatus), [0, 0]);
    await putAll(own, checked);
  }),
);

Deno.test(
  "PO-16 check: one that does not answer is given up after some seconds",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      if (session.index === 0) return await session.silence();
      await session.serve((burst) => answer(burst, ONE));
    });
    using clock = new FakeClock();
    const { pool, warnings } = makePool({ ...at(server), minSize: 2 });
    await pool.open();
    const full = () => pool.getStats().poolAvailable === 2;
    await clock.until(full, "filled");
    const checking = pool.check();
    await clock.until(
      () => pool.getStats().poolAvailable === 1,
      "one answered",
    );
    await clock.pass(5);
    await checking;
    await clock.until(full, "filled again");
    assertWarned(warnings, "checking it took longer than 5 s");
    assertEquals(server.sessions.length, 3);
    await pool.close();
  }),
);

Deno.test(
  "PO-20 J18 drain: every connection is replaced by one with a new process ID, also those that are out when they come back",
  quiet(async () => {
    const { pool, warnings } = await openPool({ minSize: 4 });
    await using _ = pool;
    const before = await pidsOf(pool);
    const [one, two] = await take(pool, 2);
    await pool.drain();
    await untilSize(pool, 4, 2);
    assertEquals(one!.closed, false);
    assertEquals((await one!.execute("select 1 as n").fetchOne())?.n, 1);
    await one!.commit();
    await putAll(pool, [one!, two!]);
    await untilSize(pool, 4);
    const after = await pidsOf(pool);
    assertEquals(after.filter((pid) => before.includes(pid)), []);
    assertEquals(pool.getStats().returnsBad, 0);
    assertWarned(warnings);
  }),
);

Deno.test(
  "PO-22 conninfo, connectOptions: functions are asked for each connection; if they throw that is tried again with growing pauses",
  quiet(async () => {
    using clock = new FakeClock();
    let asked = 0;
    let broken = 0;
    let named = 0;
    const { pool, warnings } = makePool({
      minSize: 3,
      conninfo: async () => {
        await Promise.resolve();
        asked++;
        if (asked > 2 && asked <= 6) {
          broken++;
          throw new Error("no string today");
        }
        return testDsn();
      },
      connectOptions: (() => ({
        applicationName: `pgts_given_${++named}`,
      })) as never,
    });
    await pool.open();
    await clock.until(
      () => pool.getStats().poolAvailable === 2 && broken === 1,
      "two are open, one has failed",
    );
    // 1, 2 and 4 s, each up to a tenth off.
    for (const pause of [1, 2, 4]) {
      const times = broken;
      let waited = 0;
      for (; broken === times && waited < 10; waited += 0.02) {
        await clock.pass(0.02);
      }
      assertEquals(broken, times + 1);
      assert(
        waited > 0.9 * pause - 0.1 && waited < 1.1 * pause + 0.1,
        `${waited} s instead of ${pause} s`,
      );
    }
    assertEquals(pool.getStats().connectionsErrors, 4);
    await clock.pass(9);
    await clock.until(() => pool.getStats().poolAvailable === 3, "filled");
    assertEquals(asked, 7);
    const names = (await take(pool, 3)).map((conn) =>
      conn.info.parameterStatus("application_name")
    );
    assertEquals(new Set(names).size, 3, names.join());
    assertEquals(warnings.length, 4);
    assert(warnings.every((warning) => warning.includes("no string today")));
    await pool.close(0);
  }),
);

Deno.test(
  "reconnectFailed: called when connecting has failed for reconnectTimeout, and the pool goes on trying",
  quiet(async () => {
    using clock = new FakeClock();
    const calls: unknown[] = [];
    let works = false;
    const { pool, warnings } = makePool({
      reconnectTimeout: 10,
      conninfo: () => {
        if (!works) throw new Error("down");
        return testDsn();
      },
      reconnectFailed: async (failed) => {
        calls.push(failed);
        await Promise.resolve();
        throw new Error("told");
      },
    });
    await pool.open();
    const attempts = () => pool.getStats().connectionsErrors;
    await clock.until(() => attempts() === 1, "failed");
    await clock.pass(9.9);
    assertEquals(calls, []);
    await clock.pass(0.2);
    await clock.until(() => calls.length === 1, "called");
    assertEquals(calls, [pool]);
    await clock.until(() =>
      warnings.includes(
        `pool "${pool.name}": reconnectFailed failed: told`,
      ), "warned");
    const before = attempts();
    assert(before >= 4 && before <= 6, `${before} attempts in 10 s`);
    works = true;
    await clock.pass(1.2);
    await clock.until(() => pool.getStats().poolAvailable === 1, "filled");
    await pool.close();

    // Time in which nobody wanted a connection does not count.
    let failures = 0;
    const { pool: rare } = makePool({
      minSize: 0,
      maxSize: 1,
      reconnectTimeout: 10,
      conninfo: () => {
        failures++;
        throw new Error("down");
      },
      reconnectFailed: () => void calls.push("rare"),
    });
    await rare.open();
    for (const times of [1, 2]) {
      const late = rejection(rare.getConn({ timeout: 0.5 }));
      await clock.until(() => failures === times, "failed");
      await clock.pass(0.5);
      assertError(await late, { class: PoolTimeout });
      await clock.pass(1000);
    }
    assertEquals([failures, calls.length], [2, 1]);
    await rare.close();

    // Even if it is told to give up at once, it does not try without a pause.
    const { pool: hasty } = makePool({
      reconnectTimeout: 0,
      conninfo: () => {
        throw new Error("down");
      },
      reconnectFailed: () => void calls.push("hasty"),
    });
    await hasty.open();
    await clock.until(() => hasty.getStats().connectionsErrors === 1, "failed");
    await clock.pass(3.5);
    const count = hasty.getStats().connectionsErrors;
    assert(count >= 3 && count <= 5, `${count} attempts in 3.5 s`);
    assertEquals(calls.length, 1 + count);
    await hasty.close();
  }),
);

Deno.test(
  "J22 H16 a pool at its least size: no timer is started or fires, whatever the calendar says, and nothing is computed",
  quiet(async () => {
    const started: string[] = [];
    const names = ["setTimeout", "setInterval", "setImmediate"] as const;
    const { setTimeout, setInterval, setImmediate } = globalThis;
    const realNow = Date.now;
    const { pool, warnings } = await openPool({ minSize: 4 });
    await using _ = pool;
    await pool.execute("select 1");
    await pool.connection((conn) => conn.execute("select 1"));
    const pids = await pidsOf(pool);
    const sleep = () => new Promise((resolve) => setTimeout(resolve, 300));
    try {
      for (const name of names) {
        Object.assign(globalThis, {
          [name]: (...args: unknown[]) => {
            started.push(name);
            return { setTimeout, setInterval, setImmediate }[name](
              ...args as [() => void],
            );
          },
        });
      }
      await sleep();
      Date.now = () => realNow() + 3_600_000;
      await sleep();
      Date.now = () => realNow() - 3_600_000;
      await sleep();
      assertEquals(started, []);
    } finally {
      Object.assign(globalThis, { setTimeout, setInterval, setImmediate });
      Date.now = realNow;
    }
    assertEquals(await pidsOf(pool), pids);
    assertWarned(warnings);
    const pool_ts = new URL("../../pool/mod.ts", import.meta.url).href;
    const { code, stdout, stderr } = await runScript(`
      import { ConnectionPool } from "${pool_ts}";
      import process from "node:process";
      const pool = new ConnectionPool({ conninfo: Deno.args[0], minSize: 10 });
      await pool.open(true);
      await pool.execute("select 1");
      await new Promise((resolve) => setTimeout(resolve, 1000)); // what was compiled may settle
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(before);
      console.log((user + system) / 1000);
    `);
    // It ends although the pool is open: nothing of it keeps a process alive.
    assertEquals(code, 0, stderr);
    assert(Number(stdout) < 100, `${stdout} ms of CPU in an idle second`);
  }),
);

Deno.test(
  "H16 J14 a clock that jumps ahead, as after a sleep, replaces what is too old, and ends no waiting before its time",
  quiet(async () => {
    using clock = new FakeClock();
    const realNow = Date.now;
    const pool = await openAt(clock, { minSize: 1, maxSize: 1, timeout: 60 });
    try {
      const [held] = await take(pool, 1);
      const pid = pidOf(held!);
      let state = "waiting";
      const waiting = pool.getConn();
      waiting.then(() => state = "served", () => state = "late");
      for (const jump of [3_600_000, -3_600_000]) {
        Date.now = () => realNow() + jump;
        await clock.pass(20);
        assertEquals(state, "waiting");
      }
      await pool.putConn(held!);
      const next = await waiting;
      assertEquals(pidOf(next), pid);
      await pool.putConn(next);
      await clock.pass(3600);
      const [fresh] = await take(pool, 1);
      assert(pidOf(fresh!) !== pid);
      await pool.putConn(fresh!);
    } finally {
      Date.now = realNow;
    }
    await pool.close();
  }),
);

Deno.test(
  "a connection of the pool that waits, a check and a reconnect keep a process alive only as long as somebody waits",
  quiet(async () => {
    const pool_ts = new URL("../../pool/mod.ts", import.meta.url).href;
    const { code, stdout, stderr } = await runScript(`
      import { ConnectionPool } from "${pool_ts}";
      const down = new ConnectionPool({ conninfo: "host=127.0.0.1 port=1", onWarning() {} });
      await down.open();
      const pool = new ConnectionPool({ conninfo: Deno.args[0], minSize: 1, leakWarning: 60 });
      await pool.open(true);
      const held = await pool.getConn();
      await pool.getConn({ timeout: 0.2 }).catch((error) => console.log(error.name));
    `);
    assertEquals([code, stdout, stderr], [0, "PoolTimeout\n", ""]);
  }),
);
