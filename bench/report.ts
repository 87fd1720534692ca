/**
 * From the outcomes of all rounds to a table.
 *
 * @module
 */

import type { Outcome } from "./child.ts";
import { DRIVER_NAMES, type DriverName } from "./driver.ts";
import type { Workload } from "./workloads.ts";

/** The outcomes of one workload, a list of rounds for each driver. */
export type Outcomes = ReadonlyMap<DriverName, readonly Outcome[]>;

/**
 * The middle one of some numbers.
 *
 * @param numbers The numbers, at least one.
 * @returns The middle one, or the mean of the two in the middle.
 */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The table of a workload, and what it says in words.
 *
 * @param workload What was measured.
 * @param count How many statements or rows there were.
 * @param outcomes What came of it.
 * @returns Lines of text.
 */
export function report(
  workload: Workload,
  count: number,
  outcomes: Outcomes,
): string[] {
  const { name, title, unit } = workload;
  const one = unit.slice(0, -1);
  const table = [[
    "",
    `${unit}/s`,
    "spread",
    `CPU us/${one}`,
    "peak MiB",
    "checksum",
  ]];
  const speeds = new Map<DriverName, number>();
  for (const [driver, rounds] of outcomes) {
    const seconds = rounds.map((round) => round.seconds);
    const speed = count / median(seconds);
    speeds.set(driver, speed);
    const spread = Math.max(...seconds) / Math.min(...seconds) - 1;
    const cpu = median(rounds.map((round) => round.cpuSeconds)) * 1e6 / count;
    const peaks = rounds.flatMap(({ peakMiB }) => peakMiB ?? []);
    table.push([
      driver,
      printCount(speed),
      `${Math.round(spread * 100)} %`,
      cpu.toFixed(2),
      peaks.length === 0 ? "-" : median(peaks).toFixed(0),
      [...new Set(rounds.map((round) => round.checksum ?? "-"))].join(" or "),
    ]);
  }
  return [
    `${name}: ${printCount(count)} ${title}`,
    ...align(table),
    ...compare(speeds),
    "",
  ];
}

/** How pgts stands to the others. */
function compare(speeds: ReadonlyMap<DriverName, number>): string[] {
  const own = speeds.get("pgts");
  if (own === undefined || speeds.size < 2) return [];
  const parts: string[] = [];
  for (const driver of DRIVER_NAMES) {
    const speed = speeds.get(driver);
    if (speed === undefined || driver === "pgts") continue;
    const ratio = own / speed;
    if (driver === "floor") {
      parts.push(`is at ${Math.round(ratio * 100)} % of the floor`);
    } else {
      parts.push(
        ratio >= 1
          ? `leads ${driver} by ${ratio.toFixed(2)}x`
          : `trails ${driver} by ${(1 / ratio).toFixed(2)}x`,
      );
    }
  }
  return [`  pgts ${parts.join(", ")}`];
}

/**
 * Looks for drivers that made something else of the same rows.
 *
 * @param outcomes What came of a workload.
 * @returns Whether all checksums are the same.
 */
export function checksumsAgree(outcomes: Outcomes): boolean {
  const checksums = new Set<string>();
  for (const rounds of outcomes.values()) {
    for (const { checksum } of rounds) {
      if (checksum !== null) checksums.add(checksum);
    }
  }
  return checksums.size <= 1;
}

function printCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/**
 * The lines of a table, its columns below one another.
 *
 * @param table Lines of cells.
 * @returns Lines of text.
 */
export function align(table: readonly (readonly string[])[]): string[] {
  const widths = table[0]!.map((_, i) =>
    Math.max(...table.map((line) => line[i]!.length))
  );
  const last = widths.length - 1;
  return table.map((line) =>
    "  " +
    line.map((cell, i) =>
      i === 0
        ? cell.padEnd(widths[i]!)
        : i === last
        ? cell
        : cell.padStart(widths[i]!)
    ).join("  ").trimEnd()
  );
}
