/**
 * What a pool counts.
 *
 * @module
 */

/** How a pool is doing. What is counted, is counted since it was made or reset. */
export interface PoolStats {
  /** The least connections that the pool keeps. */
  readonly poolMin: number;
  /** The most connections that it has. */
  readonly poolMax: number;
  /** The connections that it has now: idle, in use and being opened. */
  readonly poolSize: number;
  /** Those of them that are idle. */
  readonly poolAvailable: number;
  /** How many wait for one. */
  readonly requestsWaiting: number;
  /** How long connections have been in use, all together, in milliseconds. */
  readonly usageMs: number;
  /** How often a connection was asked for. */
  readonly requestsNum: number;
  /** How often whoever asked had to wait. */
  readonly requestsQueued: number;
  /** How long they have waited, all together, in milliseconds. */
  readonly requestsWaitMs: number;
  /** How often nobody got a connection: too late, too many, aborted or closed. */
  readonly requestsErrors: number;
  /** How often a connection came back that could not be used again. */
  readonly returnsBad: number;
  /** How often the pool tried to connect. */
  readonly connectionsNum: number;
  /** How long that took where it succeeded, all together, in milliseconds. */
  readonly connectionsMs: number;
  /** How often it failed. */
  readonly connectionsErrors: number;
  /** How many connections were found dead in the pool. */
  readonly connectionsLost: number;
}

/** The part of {@linkcode PoolStats} that is counted. */
export type PoolCounts = Omit<
  PoolStats,
  | "poolMin"
  | "poolMax"
  | "poolSize"
  | "poolAvailable"
  | "requestsWaiting"
>;

/** Counts. */
export class Counters {
  /** What was counted since the beginning. */
  counts: { -readonly [K in keyof PoolCounts]: number } = beginning();

  /** Begins anew. */
  reset(): void {
    this.counts = beginning();
  }
}

function beginning(): Counters["counts"] {
  return {
    usageMs: 0,
    requestsNum: 0,
    requestsQueued: 0,
    requestsWaitMs: 0,
    requestsErrors: 0,
    returnsBad: 0,
    connectionsNum: 0,
    connectionsMs: 0,
    connectionsErrors: 0,
    connectionsLost: 0,
  };
}
