/**
 * The benchmark: pgts beside other drivers and beside the floor.
 *
 *     deno task bench                      all workloads, 5 rounds
 *     deno task bench -- fetch mixed       those whose names begin so
 *     deno task bench -- types             decoding, type by type
 *     deno task bench -- --quick           smaller counts, 3 rounds
 *     deno task bench -- --rounds 9 --drivers pgts,pg
 *
 * Each run has a process of its own; the drivers take turns. Starts a PostgreSQL
 * of its own, or uses the one that PGTS_TEST_DSN names, where it makes and drops
 * the schema pgts_bench. Fails if two drivers make different values of the same
 * rows. Differences under 15 % mean nothing.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the report is what this program is for

import { conninfoToDict, withConnection } from "../mod.ts";
import { startServer } from "../scripts/server.ts";
import { certificates, hasOpenssl } from "../tests/support/certificates.ts";
import type { Outcome, Task, TypeOutcome, TypesTask } from "./child.ts";
import { createDataset, dropDataset } from "./dataset.ts";
import { DRIVER_NAMES, type DriverName, type Target } from "./driver.ts";
import { ON_ONE_CORE, useOneCore } from "./one_core.ts";
import { checksumsAgree, type Outcomes, report } from "./report.ts";
import { reportTypes } from "./type_report.ts";
import { type BenchType, createTypeTables, TYPE_ROWS, TYPES } from "./types.ts";
import { findWorkloads, type Workload, WORKLOADS } from "./workloads.ts";

const CHILD = import.meta.resolve("./child.ts");

/** The server that is used. */
interface Place {
  readonly target: Target;
  /** The same by TLS and SCRAM; `null` where there is none of that. */
  readonly secure: Target | null;
  /** Its process, if it is one of our own. */
  readonly serverPid: number | null;
}

interface Settings {
  readonly workloads: readonly Workload[];
  /** The types that are measured one by one. */
  readonly types: readonly BenchType[];
  readonly drivers: readonly DriverName[];
  readonly rounds: number;
  readonly size: "full" | "quick";
}

function parseArguments(args: readonly string[]): Settings {
  const filters: string[] = [];
  let drivers: readonly DriverName[] = DRIVER_NAMES;
  let rounds: number | null = null;
  let size: Settings["size"] = "full";
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    switch (arg) {
      case "--":
        break;
      case "--quick":
        size = "quick";
        break;
      case "--rounds":
        rounds = Number(args[++i]);
        if (!Number.isInteger(rounds) || rounds < 1) {
          throw new RangeError("--rounds needs a number from 1 on");
        }
        break;
      case "--drivers": {
        const wanted = (args[++i] ?? "").split(",");
        drivers = DRIVER_NAMES.filter((name) => wanted.includes(name));
        if (drivers.length !== wanted.length) {
          throw new RangeError(`--drivers takes ${DRIVER_NAMES.join(",")}`);
        }
        break;
      }
      default:
        if (arg.startsWith("-")) {
          throw new RangeError(
            `Cannot understand ${arg}: there are --quick, --rounds N and --drivers A,B`,
          );
        }
        filters.push(arg);
    }
  }
  rounds ??= size === "quick" ? 3 : 5;
  // "types" is every type, "types/date" those whose names begin so.
  const wanted = filters.filter((filter) => filter.startsWith("types"));
  const types = TYPES.filter(({ name }) =>
    wanted.some((filter) => `types/${name}`.startsWith(filter))
  );
  const others = filters.filter((filter) => !wanted.includes(filter));
  const workloads = wanted.length > 0 && others.length === 0
    ? []
    : findWorkloads(others);
  return { workloads, types, drivers, rounds, size };
}

/** The same server for drivers that do not read libpq's connection strings. */
function targetOf(dsn: string): Target {
  const { host, hostaddr, port, user, password, dbname } = conninfoToDict(dsn);
  const name = user ?? "postgres";
  return {
    dsn,
    host: String(hostaddr || host || "127.0.0.1"),
    port: Number(port || 5432),
    user: String(name),
    password: password === undefined ? null : String(password),
    database: String(dbname || name),
    tls: false,
  };
}

/** What makes a server take TLS connections beside others. */
async function tlsSettings(): Promise<Record<string, string>> {
  const { cert, key } = (await certificates()).server("good");
  return { ssl: "on", ssl_cert_file: cert, ssl_key_file: key };
}

async function runChild<T>(
  task: Task | TypesTask,
  oneCore: boolean,
): Promise<T> {
  const [program, ...args] = [
    ...(oneCore ? ON_ONE_CORE : []),
    Deno.execPath(),
  ];
  const { code, stdout } = await new Deno.Command(program!, {
    args: [
      ...args,
      "run",
      "--quiet",
      "--allow-all",
      "--no-check",
      "--no-lock",
      "--v8-flags=--expose-gc",
      CHILD,
    ],
    // The time zone, because pg makes dates of local midnights.
    env: { PGTS_BENCH: JSON.stringify(task), TZ: "UTC" },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (code !== 0) {
    const what = "types" in task ? "types" : task.workload;
    throw new Error(`The run of ${what} by ${task.driver} failed`);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function runRounds(
  workload: Workload,
  { target, secure, serverPid }: Place,
  { drivers, rounds, size }: Settings,
): Promise<Outcomes> {
  const names = drivers.filter((name) => workload.drivers.includes(name));
  await using oneCore = workload.oneCore && serverPid !== null
    ? await useOneCore(serverPid)
    : null;
  if (workload.oneCore) {
    console.log(
      oneCore === null
        ? "(client and server on any core, so round trips vary widely)"
        : "(client and server on one core)",
    );
  }
  const outcomes = new Map<DriverName, Outcome[]>();
  for (const name of names) outcomes.set(name, []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      // Each round starts with another driver, so that none always follows the same.
      const driver = names[(i + round) % names.length]!;
      progress(`${workload.name}: round ${round + 1}/${rounds}, ${driver}`);
      const count = workload.count[size];
      const task = {
        driver,
        workload: workload.name,
        count,
        target: workload.secure ? secure! : target,
      };
      outcomes.get(driver)!.push(
        await runChild<Outcome>(task, oneCore !== null),
      );
    }
  }
  progress("");
  return outcomes;
}

/** One process for all types, so that many of them take no time to start. */
async function runTypes(
  { target }: Place,
  { types, drivers, rounds, size }: Settings,
): Promise<Map<DriverName, TypeOutcome[]>> {
  const taking: DriverName[] = ["pgts", "pgts-text", "postgres", "pg"];
  const names = taking.filter((name) => drivers.includes(name));
  const outcomes = new Map<DriverName, TypeOutcome[]>();
  for (const name of names) outcomes.set(name, []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const driver = names[(i + round) % names.length]!;
      progress(`types: round ${round + 1}/${rounds}, ${driver}`);
      const task: TypesTask = {
        driver,
        types: types.map(({ name }) => name),
        count: TYPE_ROWS[size],
        target,
      };
      outcomes.get(driver)!.push(...await runChild<TypeOutcome[]>(task, false));
    }
  }
  progress("");
  return outcomes;
}

/** Says what is under way, on a terminal only. */
function progress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

/** Gives the tables the largest number of rows that a workload asks for. */
function rowsOf(name: string, { size }: Settings): number {
  return WORKLOADS.find((workload) => workload.name === name)!.count[size];
}

async function bench(place: Place, settings: Settings): Promise<boolean> {
  const { dsn } = place.target;
  const { rounds, workloads } = settings;
  let agree = true;
  await withConnection(dsn, { autocommit: true }, async (conn) => {
    const version = await conn.execute("show server_version").fetchOne();
    console.log(
      `Deno ${Deno.version.deno}, PostgreSQL ${version?.server_version}, ` +
        `${navigator.hardwareConcurrency} cores, medians of ${rounds} rounds\n`,
    );
    await createDataset(conn, {
      plain: workloads.length === 0 ? 0 : rowsOf("fetch", settings),
      mixed: workloads.length === 0 ? 0 : rowsOf("mixed", settings),
    });
    try {
      for (const workload of workloads) {
        if (workload.secure && place.secure === null) {
          console.log(
            `${workload.name}: left out, it needs a server with TLS\n`,
          );
          continue;
        }
        const outcomes = await runRounds(workload, place, settings);
        if (outcomes.size === 0) continue;
        const lines = report(workload, workload.count[settings.size], outcomes);
        console.log(lines.join("\n"));
        if (checksumsAgree(outcomes)) continue;
        agree = false;
        console.error(`FAILED: the checksums of ${workload.name} differ\n`);
      }
      if (settings.types.length > 0) {
        const count = TYPE_ROWS[settings.size];
        await createTypeTables(conn, settings.types, count);
        const outcomes = await runTypes(place, settings);
        console.log(reportTypes(settings.types, count, outcomes).join("\n"));
      }
    } finally {
      await dropDataset(conn);
    }
  });
  return agree;
}

if (import.meta.main) {
  let settings: Settings;
  try {
    settings = parseArguments(Deno.args);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
  const dsn = Deno.env.get("PGTS_TEST_DSN");
  let agree: boolean;
  if (dsn) {
    const place = { target: targetOf(dsn), secure: null, serverPid: null };
    agree = await bench(place, settings);
  } else {
    const withTls = await hasOpenssl();
    await using server = await startServer({
      settings: withTls ? await tlsSettings() : {},
    });
    const target = targetOf(server.dsn);
    const secure = withTls
      ? { ...target, user: "pgts_scram", password: "scram pass", tls: true }
      : null;
    agree = await bench({ target, secure, serverPid: server.pid }, settings);
  }
  Deno.exit(agree ? 0 : 1);
}
