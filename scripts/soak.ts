// deno-lint-ignore-file no-console -- a command-line tool
/**
 * `deno task soak`: long conversations, each in a process of its own, and how
 * much memory they took. Names of runs pick some; `--small` is a dose that a
 * test can take, `--gigabytes=50` makes every COPY so large.
 *
 * A run says when it has got going, and passes if the memory of its process then
 * grows by less than 64 MiB, at its highest. `PGTS_TEST_DSN` names a server to
 * use instead of one of its own.
 *
 * @module
 */

import { connect, type Connection } from "../mod.ts";
import { deno } from "./child.ts";
import { startServer } from "./server.ts";

/** By how much a process may grow. `--limit-mib=` sets another limit. */
const LIMIT_MIB = 64;

/** How much of it. */
interface Dose {
  /** Rows that a run over many rows takes. */
  readonly rows: number;
  /** Seconds that a run over time takes. */
  readonly seconds: number;
  /** Bytes that a COPY has. */
  readonly bytes: number;
}

const FULL: Dose = { rows: 10_000_000, seconds: 20, bytes: 5e9 };
const SMALL: Dose = { rows: 200_000, seconds: 1, bytes: 5e7 };

/** What a run has at hand. */
interface Soak {
  /** A connection in autocommit mode. */
  readonly conn: Connection;
  /** How much of it. */
  readonly dose: Dose;
  /** To be called once, when what the run keeps for good has been taken. */
  settled(): void;
  /** What the server's session waits for. */
  waitEvent(): Promise<unknown>;
}

/** What a run found, beside the memory. Throws if something is wrong. */
type Run = (soak: Soak) => Promise<Record<string, unknown>>;

/** Every run there is, by its name. */
const RUNS: Readonly<Record<string, Run>> = {
  "stream-sleeping": streamSleeping,
  "stream-trickle": streamTrickle,
  "copy-in": copyIn,
  "copy-out": copyOut,
};

const STREAMED =
  "select generate_series(1, %s) as n, repeat('x', 100) as filling";

/** A reader that sleeps 1 ms for every 1,000 rows. */
async function streamSleeping(
  { conn, dose, settled }: Soak,
): Promise<Record<string, unknown>> {
  let count = 0;
  const began = performance.now();
  for await (const { n } of conn.stream(STREAMED, [dose.rows])) {
    if (n !== ++count) throw new Error(`row ${n} came as number ${count}`);
    if (count % 1000 === 0) await sleep(1);
    if (count === 10_000) settled();
  }
  if (count !== dose.rows) throw new Error(`${count} rows came`);
  const seconds = (performance.now() - began) / 1000;
  return { rows: count, rowsPerSecond: Math.round(count / seconds) };
}

/** A reader that takes 100 rows a second, and then leaves. */
async function streamTrickle(
  { conn, dose, settled, waitEvent }: Soak,
): Promise<Record<string, unknown>> {
  let count = 0;
  let waited: unknown;
  const end = performance.now() + dose.seconds * 1000;
  let left = 0;
  for await (const _ of conn.stream(STREAMED, [1_000_000_000])) {
    if (++count === 20) settled();
    await sleep(10);
    if (performance.now() < end) continue;
    waited = await waitEvent();
    left = performance.now();
    break;
  }
  const leaving = Math.round(performance.now() - left);
  if (waited !== "ClientWrite") throw new Error(`the server was in ${waited}`);
  await conn.execute("select 1");
  return { rows: count, serverWaitsIn: waited, leavingMs: leaving };
}

/** Rows of text as fast as they can be written. */
async function copyIn(
  { conn, dose, settled }: Soak,
): Promise<Record<string, unknown>> {
  await conn.execute("create temp table soak (n int8, filling text)");
  const filling = "x".repeat(100);
  const rows = Array.from({ length: 1000 }, (_, n) => `${n}\t${filling}\n`);
  const block = new TextEncoder().encode(rows.join(""));
  let bytes = 0;
  const began = performance.now();
  await conn.copy("copy soak from stdin where false", async (copy) => {
    for (let blocks = 1; bytes < dose.bytes; blocks++) {
      await copy.write(block);
      bytes += block.length;
      if (blocks === 10) settled();
    }
  });
  return speedOf(bytes, began);
}

/** Rows of text as fast as they come. */
async function copyOut(
  { conn, dose, settled }: Soak,
): Promise<Record<string, unknown>> {
  let bytes = 0;
  let rows = 0;
  const wanted = Math.ceil(dose.bytes / 109);
  const began = performance.now();
  const query =
    `copy (select n, repeat('x', 100) from generate_series(1, ${wanted}) n) to stdout`;
  await conn.copy(query, async (copy) => {
    for await (const block of copy) {
      bytes += block.length;
      if (++rows === 10_000) settled();
    }
  });
  if (rows !== wanted) throw new Error(`${rows} rows came`);
  return speedOf(bytes, began);
}

function speedOf(bytes: number, began: number): Record<string, unknown> {
  const seconds = (performance.now() - began) / 1000;
  return {
    gigabytes: bytes / 1e9,
    megabytesPerSecond: Math.round(bytes / 1e6 / seconds),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A figure from `/proc/self/status`, in KiB. */
function memory(name: "VmHWM" | "VmRSS"): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(status.match(`${name}:\\s+(\\d+) kB`)?.[1]);
}

/** What the arguments say. */
interface Options {
  readonly dose: Dose;
  /** By how many MiB a process may grow. */
  readonly limit: number;
}

/** Runs one of them in this process. */
async function alone(name: string, options: Options): Promise<void> {
  const dsn = Deno.env.get("PGTS_TEST_DSN");
  await using conn = await connect(dsn, { autocommit: true });
  await using observer = await connect(dsn, { autocommit: true });
  let baseline: number | null = null;
  const found = await RUNS[name]!({
    conn,
    dose: options.dose,
    settled: () => baseline = memory("VmRSS"),
    waitEvent: async () => {
      const query = "select wait_event from pg_stat_activity where pid = %s";
      const { backendPid } = conn.info;
      return (await observer.execute(query, [backendPid]).fetchOne())
        ?.wait_event;
    },
  });
  if (baseline === null) throw new Error("the run never said that it settled");
  const grown = memory("VmHWM") - baseline;
  const passed = grown < options.limit * 1024;
  console.log(
    JSON.stringify({
      run: name,
      passed,
      grownMiB: toMiB(grown),
      baselineMiB: toMiB(baseline),
      ...found,
    }),
  );
  Deno.exitCode = passed ? 0 : 1;
}

function toMiB(kib: number): number {
  return Math.round(kib / 102.4) / 10;
}

/** Runs some of them, each in a process of its own. */
async function every(
  names: readonly string[],
  flags: readonly string[],
  dsn: string,
): Promise<boolean> {
  let passed = true;
  for (const name of names) {
    const args = ["run", "-A", "scripts/soak.ts", "--alone", ...flags, name];
    const code = await deno(args, { PGTS_TEST_DSN: dsn });
    if (code !== 0) {
      passed = false;
      console.error(`The run ${name} failed`);
    }
  }
  return passed;
}

if (import.meta.main) {
  const args = Deno.args.filter((arg) => arg !== "--");
  const named = args.filter((arg) => !arg.startsWith("--"));
  const flags = args.filter((arg) => arg.startsWith("--"));
  const figure = (flag: string, otherwise: number) => {
    const given = flags.find((each) => each.startsWith(`${flag}=`));
    return given === undefined ? otherwise : Number(given.split("=")[1]);
  };
  const unknown = named.filter((name) => !Object.hasOwn(RUNS, name));
  if (unknown.length > 0) {
    console.error(
      `No run is called ${unknown.join(", ")}: there are ${
        Object.keys(RUNS).join(", ")
      }`,
    );
    Deno.exitCode = 1;
  } else if (flags.includes("--alone")) {
    const dose = flags.includes("--small") ? SMALL : FULL;
    await alone(named[0]!, {
      dose: { ...dose, bytes: figure("--gigabytes", dose.bytes / 1e9) * 1e9 },
      limit: figure("--limit-mib", LIMIT_MIB),
    });
  } else {
    const names = named.length > 0 ? named : Object.keys(RUNS);
    const given = Deno.env.get("PGTS_TEST_DSN");
    if (given) Deno.exitCode = await every(names, flags, given) ? 0 : 1;
    else {
      await using server = await startServer({ version: "18" });
      Deno.exitCode = await every(names, flags, server.dsn) ? 0 : 1;
    }
  }
}
