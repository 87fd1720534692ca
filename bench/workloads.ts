/**
 * What is measured. A new workload is one more row in {@linkcode WORKLOADS},
 * with a method of the driver interface where no present one fits.
 *
 * @module
 */

import type { Driver, DriverName } from "./driver.ts";
import type { Rows } from "./driver.ts";

/** One thing to measure. */
export interface Workload {
  /** The name to ask for it by. */
  readonly name: string;
  /** What it does. */
  readonly title: string;
  /** What is counted. */
  readonly unit: "statements" | "rows" | "sessions";
  /** How many of them, in a full run and in a quick one. */
  readonly count: { readonly full: number; readonly quick: number };
  /**
   * How many before the clock starts, twice. Where pgts asks for binary once it
   * knows a statement, the first time is in text and the second in binary.
   */
  readonly warmUp: number;
  /** The drivers that take part. */
  readonly drivers: readonly DriverName[];
  /** Whether each run has a connection of its own, to which all statements are new. */
  readonly freshConnection: boolean;
  /** Whether connections are by TLS and SCRAM, on a server that has both. */
  readonly secure: boolean;
  /** Whether client and server share a core, where that can be arranged. */
  readonly oneCore: boolean;
  /** Does it. */
  run(driver: Driver, count: number): Promise<Rows>;
}

const COMMON = {
  drivers: ["floor", "pgts", "postgres", "pg"],
  freshConnection: false,
  secure: false,
  oneCore: false,
} as const satisfies Partial<Workload>;

const FETCH_TITLE =
  "6 columns (int4, int8, float8, text of 20, timestamptz, bool)";
const MIXED_TITLE =
  "6 columns (numeric, jsonb, int4[5], bytea of 32, uuid, date)";

// A count that fits into an int2 would make another statement of `limit $1`,
// so no count of rows may be below 32768.
const FETCH = {
  ...COMMON,
  unit: "rows",
  count: { full: 1_000_000, quick: 250_000 },
  warmUp: 100_000,
  run: (driver: Driver, count: number) => driver.fetchRows(count),
} as const;

const MIXED = {
  ...COMMON,
  unit: "rows",
  count: { full: 200_000, quick: 80_000 },
  warmUp: 40_000,
  run: (driver: Driver, count: number) => driver.fetchMixed(count),
} as const;

const FIRST_SIGHT = { drivers: ["pgts"], freshConnection: true } as const;

/** All workloads, in the order in which they run. */
export const WORKLOADS: readonly Workload[] = [
  {
    ...COMMON,
    name: "sequential",
    title: "select n::int4 + 1, one after the other",
    oneCore: true,
    unit: "statements",
    count: { full: 10_000, quick: 5_000 },
    warmUp: 10_000,
    run: (driver, count) => driver.sequential(count),
  },
  {
    ...COMMON,
    name: "burst",
    title: "select n::int4 + 1, all at once on one connection",
    unit: "statements",
    count: { full: 50_000, quick: 20_000 },
    warmUp: 25_000,
    run: (driver, count) => driver.burst(count),
  },
  {
    ...COMMON,
    name: "connect",
    title: "connect by SCRAM with sslmode=require, one statement, close",
    drivers: ["pgts", "postgres", "pg"],
    secure: true,
    unit: "sessions",
    count: { full: 200, quick: 50 },
    warmUp: 20,
    run: (driver, count) => driver.sessions!(count),
  },
  { ...FETCH, name: "fetch", title: `rows of ${FETCH_TITLE}, into objects` },
  {
    ...FETCH,
    ...FIRST_SIGHT,
    name: "fetch-first",
    title: "the same at first sight, so in text",
  },
  { ...MIXED, name: "mixed", title: `rows of ${MIXED_TITLE}, into objects` },
  {
    ...MIXED,
    ...FIRST_SIGHT,
    name: "mixed-first",
    title: "the same at first sight, so in text",
  },
];

/**
 * Finds the workloads that were asked for.
 *
 * @param filters Beginnings of names; none means all.
 * @returns The workloads whose names begin with one of them.
 * @throws {RangeError} If one fits none.
 */
export function findWorkloads(filters: readonly string[]): Workload[] {
  for (const filter of filters) {
    if (WORKLOADS.some(({ name }) => name.startsWith(filter))) continue;
    const names = WORKLOADS.map(({ name }) => name).join(", ");
    throw new RangeError(
      `Cannot find the workload "${filter}": there are ${names}, and types`,
    );
  }
  return WORKLOADS.filter(({ name }) =>
    filters.length === 0 || filters.some((filter) => name.startsWith(filter))
  );
}
