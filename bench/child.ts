/**
 * One run of one workload by one driver, in a process of its own, so that CPU
 * time and peak memory are that driver's alone. Prints the outcome as JSON.
 *
 * @module
 */

import process from "node:process";
import { checksum } from "./checksum.ts";
import type { Driver, DriverName, Target } from "./driver.ts";
import { TYPE_ROWS, TYPES } from "./types.ts";
import { findWorkloads } from "./workloads.ts";

/** What a child is told, in the environment variable `PGTS_BENCH`. */
export interface Task {
  readonly driver: DriverName;
  readonly workload: string;
  readonly count: number;
  readonly target: Target;
}

/** What a child tells. */
export interface Outcome {
  /** How long it took. */
  readonly seconds: number;
  /** The CPU time of the process meanwhile, user and system. */
  readonly cpuSeconds: number;
  /** The most memory that the process had, or `null` where the system does not tell. */
  readonly peakMiB: number | null;
  /** What the values came to; `null` where there are none. */
  readonly checksum: string | null;
}

/** The task of one driver to measure types, one after the other. */
export interface TypesTask {
  readonly driver: DriverName;
  /** The names of the types. */
  readonly types: readonly string[];
  readonly count: number;
  readonly target: Target;
}

/** What a type came to. */
export interface TypeOutcome {
  /** The name of the type. */
  readonly type: string;
  /** The CPU time of the process, user and system. */
  readonly cpuSeconds: number;
  /** What a value is: a class, or what `typeof` says. */
  readonly kind: string;
}

async function load(name: DriverName): Promise<Driver> {
  switch (name) {
    case "floor":
      return new (await import("./driver_floor.ts")).FloorDriver();
    case "pgts":
      return new (await import("./driver_pgts.ts")).PgtsDriver();
    case "pgts-text":
      return new (await import("./driver_pgts.ts")).PgtsTextDriver();
    case "postgres":
      return new (await import("./driver_postgres.ts")).PostgresDriver();
    case "pg":
      return new (await import("./driver_pg.ts")).PgDriver();
  }
}

async function measure(task: Task): Promise<Outcome> {
  const { workload: name, count, target } = task;
  const workload = findWorkloads([name]).find((each) => each.name === name)!;
  const driver = await load(task.driver);
  await driver.connect(target);
  for (let pass = 0; pass < 2; pass++) {
    await workload.run(driver, Math.min(workload.warmUp, count));
    if (workload.freshConnection) {
      await driver.close();
      await driver.connect(target);
    }
  }
  // Given --expose-gc, nobody pays for the garbage of the warm-up.
  (globalThis as { gc?: () => void }).gc?.();
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const rows = await workload.run(driver, count);
  const seconds = (performance.now() - before) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const peakMiB = await peakMemory();
  await driver.close();
  return {
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakMiB,
    checksum: rows === null ? null : checksum(rows),
  };
}

async function measureTypes(task: TypesTask): Promise<TypeOutcome[]> {
  const driver = await load(task.driver);
  await driver.connect(task.target);
  const outcomes: TypeOutcome[] = [];
  for (const type of TYPES) {
    if (!task.types.includes(type.name)) continue;
    // The first time is in text, the second in the format of the third.
    for (let pass = 0; pass < 2; pass++) {
      await driver.fetchType!(type, TYPE_ROWS.quick);
    }
    (globalThis as { gc?: () => void }).gc?.();
    const before = process.cpuUsage();
    const rows = await driver.fetchType!(type, task.count);
    const cpu = process.cpuUsage(before);
    outcomes.push({
      type: type.name,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      kind: kindOf(Object.values(rows![0]!)[0]),
    });
  }
  await driver.close();
  return outcomes;
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  return Array.isArray(value)
    ? `${kindOf(value[0])}[]`
    : value.constructor?.name ?? "object";
}

async function peakMemory(): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  const status = await Deno.readTextFile("/proc/self/status");
  const kilobytes = status.match(/^VmHWM:\s*(\d+) kB/m)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) / 1024;
}

if (import.meta.main) {
  const task: Task | TypesTask = JSON.parse(Deno.env.get("PGTS_BENCH")!);
  const outcome = "types" in task
    ? await measureTypes(task)
    : await measure(task);
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(outcome)));
}
