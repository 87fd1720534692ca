/**
 * Many tasks on few connections, with whatever can go wrong.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { PgError } from "../../mod.ts";
import {
  type ConnectionPool,
  PoolClosed,
  PoolConnection,
  PoolTimeout,
} from "../../pool/mod.ts";
import { Random } from "../support/values.ts";
import { open, pause, quiet, until } from "../connection/support.ts";
import { openPool, pidOf, untilSize } from "./support.ts";

/** What became of the tasks. */
interface Outcome {
  served: number;
  aborted: number;
  late: number;
  thrown: number;
  lost: number;
  readonly faults: string[];
}

/** Something that a task throws on purpose. */
class OnPurpose extends Error {}

/** One task: asks for a token of its own, in one of the ways there are, and may be stopped. */
class Task {
  readonly #pool: ConnectionPool;
  readonly #random: Random;
  readonly #token: string;
  readonly #outcome: Outcome;
  readonly #controller = new AbortController();

  constructor(
    pool: ConnectionPool,
    random: Random,
    token: string,
    outcome: Outcome,
  ) {
    this.#pool = pool;
    this.#random = random;
    this.#token = token;
    this.#outcome = outcome;
  }

  async run(): Promise<void> {
    const random = this.#random;
    const controller = this.#controller;
    const aborts = random.bits() % 8 === 0;
    const timer = aborts
      ? setTimeout(() => controller.abort(this), random.bits() % 40)
      : undefined;
    try {
      await this.#work(random.bits() % 8);
      this.#outcome.served++;
    } catch (error) {
      this.#judge(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #judge(error: unknown): void {
    const outcome = this.#outcome;
    if (error === this) outcome.aborted++;
    else if (error instanceof OnPurpose) outcome.thrown++;
    else if (error instanceof PoolTimeout) outcome.late++;
    else if (error instanceof PoolClosed) outcome.faults.push(String(error));
    else if (error instanceof PgError) {
      if (error.connectionUsable === false) outcome.lost++;
      else outcome.faults.push(`${error}`);
    } else outcome.faults.push(Deno.inspect(error));
  }

  async #work(kind: number): Promise<void> {
    const pool = this.#pool;
    const { signal } = this.#controller;
    switch (kind) {
      case 0:
      case 1:
        return this.#expect(
          await pool.execute("select %s::text as token", [this.#token], {
            signal,
          }).fetchOne(),
        );
      case 2:
        return this.#expect(
          await pool.execute(
            "select %s::text as token from pg_sleep(0.003)",
            [this.#token],
            { signal, timeout: 20 },
          ).fetchOne(),
        );
      case 3:
        return await pool.connection((conn) => this.#ask(conn), { signal });
      case 4:
        return await pool.connection(async (conn) => {
          await this.#ask(conn);
          throw new OnPurpose();
        }, { signal });
      case 5: {
        await using conn = await pool.getConn({ signal });
        return await conn.transaction(() => this.#ask(conn));
      }
      case 6: {
        const conn = await pool.getConn({ signal, timeout: 10 });
        try {
          await this.#ask(conn);
        } finally {
          // Not awaited, and a second time: neither may do harm.
          pool.putConn(conn);
          await pool.putConn(conn);
        }
        return;
      }
      default: {
        await using conn = await pool.getConn({ signal });
        // Given back while it runs.
        conn.execute("select pg_sleep(0.001)").then(() => {}, () => {});
      }
    }
  }

  async #ask(conn: PoolConnection): Promise<void> {
    this.#expect(
      await conn.execute("select %s::text as token", [this.#token], {
        signal: this.#controller.signal,
      }).fetchOne(),
    );
  }

  #expect(row: { token?: unknown } | null): void {
    if (row?.token === this.#token) return;
    this.#outcome.faults.push(
      `asked for ${this.#token}, got ${Deno.inspect(row)}`,
    );
  }
}

interface StormOptions {
  tasks: number;
  size: number;
  /** How many are under way at a time. */
  crowd: number;
  /** How long to wait between two kills of a backend. */
  killEveryMs: number;
  seed?: number;
}

async function storm(
  { tasks, size, crowd, killEveryMs, seed }: StormOptions,
): Promise<Outcome & { kills: number; seed: number }> {
  const random = seed === undefined ? new Random() : new Random(seed);
  const application_name = `pgts_storm_${crypto.randomUUID()}`;
  const { pool } = await openPool({
    minSize: 1,
    maxSize: size,
    connectOptions: { application_name },
  });
  await using _ = pool;
  await using admin = await open();
  const outcome: Outcome = {
    served: 0,
    aborted: 0,
    late: 0,
    thrown: 0,
    lost: 0,
    faults: [],
  };
  let started = 0;
  let over = false;
  let kills = 0;
  const worker = async () => {
    while (started < tasks) {
      const token = `${random.seed}/${started++}`;
      await new Task(pool, random, token, outcome).run();
      if (pool.getStats().poolSize > size) outcome.faults.push("too many");
    }
  };
  const killer = async () => {
    while (!over) {
      await pause(killEveryMs);
      const { rowCount } = await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s order by random() limit 1",
        [application_name],
      );
      kills += rowCount;
    }
  };
  const killing = killer();
  await Promise.all(Array.from({ length: crowd }, worker));
  over = true;
  await killing;
  // No slot is lost: all can be had at once, and each works.
  await until(() => pool.getStats().requestsWaiting === 0, "nobody waits");
  await pause(100); // The last of those that were killed may still have to go.
  const conns = await Promise.all(
    Array.from({ length: size }, () => pool.getConn()),
  );
  assertEquals(new Set(conns.map(pidOf)).size, size);
  for (const conn of conns) {
    assert(conn instanceof PoolConnection);
    assertEquals((await conn.execute("select 1 as n").fetchOne())?.n, 1);
    await conn.commit();
    await pool.putConn(conn);
  }
  await untilSize(pool, size);
  assertEquals(outcome.faults, [], `seed ${random.seed}`);
  const { served, aborted, late, thrown, lost } = outcome;
  // Each task has told one end, and only one.
  assertEquals(
    served + aborted + late + thrown + lost,
    tasks,
    `seed ${random.seed}`,
  );
  const row = await admin.execute(
    "select count(*)::int4 as n from pg_stat_activity where application_name = %s",
    [application_name],
  ).fetchOne();
  assertEquals(row?.n, size, "sessions on the server");
  return { ...outcome, kills, seed: random.seed };
}

Deno.test(
  "a few hundred tasks over three connections, aborted, throwing and killed: nothing is lost, whatever the seed",
  quiet(async () => {
    for (const seed of [1, 2, 3]) {
      await storm({ tasks: 300, size: 3, crowd: 40, killEveryMs: 25, seed });
    }
  }),
);

Deno.test(
  "J11 10,000 tasks over a pool of 10, with random aborts, throws and killed backends: no lost slot, no unsettled promise, no wrong row, never more than 10",
  quiet(async () => {
    const result = await storm({
      tasks: 10_000,
      size: 10,
      crowd: 200,
      killEveryMs: 40,
    });
    const { served, aborted, thrown, kills, lost } = result;
    assert(served > 6000, `${served} served, seed ${result.seed}`);
    assert(aborted > 100 && thrown > 500, `${aborted} aborted`);
    assert(kills > 20 && lost > 0, `${kills} kills, ${lost} lost`);
  }),
);

Deno.test(
  "J21 J13 100,000 statements that wait for a pool of one: memory is bounded, and they are answered in the order of asking",
  quiet(async () => {
    const count = 100_000;
    const { pool } = await openPool({ maxSize: 1, timeout: 120 });
    await using _ = pool;
    await pool.execute("select 0::int4 as n");
    const before = Deno.memoryUsage();
    let next = 0;
    let disorder = 0;
    const all = Promise.all(Array.from({ length: count }, async (_, n) => {
      const row = await pool.execute("select %s::int4 as n", [n]).fetchOne();
      if (row?.n !== n || n !== next++) disorder++;
    }));
    const each = (Deno.memoryUsage().heapUsed - before.heapUsed) / count;
    assert(each < 12_000, `${each} bytes for each that waits`);
    await all;
    assertEquals([next, disorder], [count, 0]);
    assertEquals(pool.getStats().requestsQueued, count - 1);
    assertEquals(pool.getStats().connectionsNum, 1);
  }),
);
