/**
 * What the benchmark asks of a driver: one small interface that each of them is
 * put behind in a file of its own.
 *
 * @module
 */

import type { BenchType } from "./types.ts";

/** Where the server is, for drivers that do not read libpq's connection strings. */
export interface Target {
  /** The connection string that the rest was taken from. */
  readonly dsn: string;
  /** A name or address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | null;
  readonly database: string;
  /** Whether connections are to be encrypted, without looking at the certificate. */
  readonly tls: boolean;
}

/** A row in the driver's default form: an object keyed by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows as the driver gave them; `null` from the floor, which makes none. */
export type Rows = readonly Row[] | null;

/**
 * A driver with one connection in autocommit mode, used as its documents advise.
 *
 * What a method does is measured as a whole, so it converts nothing: that values
 * are the same everywhere is checked afterwards, by `checksum.ts`.
 */
export interface Driver {
  /** Opens the connection. */
  connect(target: Target): Promise<void>;
  /** Runs `select n::int4 + 1 as n` for n from 1 to `count`, each after the one before. */
  sequential(count: number): Promise<Rows>;
  /** Runs the same statements at once. */
  burst(count: number): Promise<Rows>;
  /** Fetches `count` rows of the table `pgts_bench.plain`. */
  fetchRows(count: number): Promise<Rows>;
  /** Fetches `count` rows of the table `pgts_bench.mixed`. */
  fetchMixed(count: number): Promise<Rows>;
  /**
   * Fetches `count` rows of the table of a type, which has it in five columns:
   * the text is {@linkcode typeQuery}, and `$1` the count.
   */
  fetchType?(type: BenchType, count: number): Promise<Rows>;
  /**
   * Opens `count` more connections one after the other, runs `select n::int4 + 1
   * as n` on each, for n from 1 to `count`, and closes it.
   */
  sessions?(count: number): Promise<Rows>;
  /** Closes the connection. */
  close(): Promise<void>;
}

/**
 * The names of the drivers, in the order in which they are reported; `pgts-text`
 * is pgts with every type read as text.
 */
export const DRIVER_NAMES = [
  "floor",
  "pgts",
  "pgts-text",
  "postgres",
  "pg",
] as const;

/** The name of a driver. */
export type DriverName = typeof DRIVER_NAMES[number];
