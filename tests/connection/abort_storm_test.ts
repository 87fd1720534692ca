import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../mod.ts";
import { Random } from "../support/values.ts";
import { open, quiet, until } from "./support.ts";

/** `PGTS_ABORT_SECONDS=60` makes it a minute. */
const SECONDS = Number(Deno.env.get("PGTS_ABORT_SECONDS") ?? 3);
const CONNECTIONS = 4;

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Aborts statements at all sorts of moments until the time is over. */
async function storm(
  conn: Connection,
  random: Random,
  end: number,
): Promise<{ aborted: number; finished: number }> {
  let aborted = 0;
  let finished = 0;
  while (performance.now() < end) {
    const controller = new AbortController();
    const { signal } = controller;
    const token = random.bits();
    const running = conn.execute(
      "select %s::int8 as token from pg_sleep(%s)",
      [token, (random.bits() % 4) / 1000],
      { signal },
    ).fetchOne();
    const when = random.bits() % 3;
    if (when === 0) controller.abort("now");
    else setTimeout(() => controller.abort("later"), when);
    try {
      assertEquals((await running)?.token, BigInt(token));
      finished++;
    } catch (error) {
      assertEquals(error, signal.reason);
      aborted++;
    }
    const next = random.bits();
    const row = await conn.execute("select %s::int8 as token", [next])
      .fetchOne();
    assertEquals(row?.token, BigInt(next));
  }
  return { aborted, finished };
}

Deno.test(
  "I15 execute: a storm of aborts leaves neither sockets nor sessions, and hits nothing else",
  quiet(async () => {
    const application_name = `pgts_storm_${crypto.randomUUID()}`;
    const random = new Random();
    await using watch = await open();
    const conns = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => open({ application_name })),
    );
    const sessions = async () => {
      const row = await watch.execute(
        "select count(*)::int4 as n from pg_stat_activity where application_name = %s",
        [application_name],
      ).fetchOne();
      return row?.n;
    };
    const files = openFiles();
    const end = performance.now() + SECONDS * 1000;
    const counts = await Promise.all(
      conns.map((conn) => storm(conn, random, end)),
    );
    const aborted = counts.reduce((sum, count) => sum + count.aborted, 0);
    const finished = counts.reduce((sum, count) => sum + count.finished, 0);
    assert(aborted > 100, `${aborted} aborts, seed ${random.seed}`);
    assert(finished > 10, `${finished} in time, seed ${random.seed}`);
    await until(() => openFiles() <= files, "the sockets are closed");
    assertEquals(await sessions(), CONNECTIONS);
    await Promise.all(conns.map((conn) => conn.close()));
    await until(async () => await sessions() === 0, "the sessions have ended");
  }),
);
