/**
 * What the runs of `deno task chaos` share: how they are told how much to do, and
 * how errors are counted.
 *
 * @module
 */

import { PgError } from "../../mod.ts";

/** What a run is told. */
export interface ChaosDose {
  /** Whether it is to be small enough for a test. */
  readonly small: boolean;
  /** How long a run over time lasts, if that was said. */
  readonly seconds?: number;
  /** Decides what is random. */
  readonly seed: number;
}

/** What a run found: figures, and what was not as it must be. */
export interface ChaosFindings {
  /** Empty if all is well. */
  readonly faults: readonly string[];
  /** To be printed. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** A run. */
export type ChaosRun = (dose: ChaosDose) => Promise<ChaosFindings>;

/** Faults, the first few of them in words. */
export class Faults {
  readonly #texts: string[] = [];
  #count = 0;

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** The first few, and how many more there were. */
  get texts(): readonly string[] {
    const more = this.#count - this.#texts.length;
    return more > 0 ? [...this.#texts, `and ${more} more`] : this.#texts;
  }

  /**
   * Says what is wrong.
   *
   * @param text What it is.
   */
  add(text: string): void {
    this.#count++;
    if (this.#texts.length < 10) this.#texts.push(text);
  }

  /**
   * Says what is wrong, if it is.
   *
   * @param claim What must be true.
   * @param text What it means if it is not.
   */
  expect(claim: boolean, text: string): void {
    if (!claim) this.add(text);
  }
}

/** Errors by their class. One that is none of ours is a fault. */
export class ErrorTally {
  readonly #faults: Faults;
  readonly #counts = new Map<string, number>();

  /** @param faults Gets the errors that have no class of ours. */
  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** How often each class came, in the order of their names. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }

  /**
   * Counts one.
   *
   * @param error The error.
   */
  add(error: unknown): void {
    const name = error instanceof Error ? error.constructor.name : typeof error;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (!(error instanceof PgError)) {
      this.#faults.add(`an error without a class of ours: ${error}`);
    }
  }
}

/**
 * Has what nobody handles counted as a fault.
 *
 * @param faults Get it.
 */
export function watchUncaught(faults: Faults): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    faults.add(`a rejection that nobody handled: ${event.reason}`);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    faults.add(`an error that nobody caught: ${event.error}`);
  });
}

/**
 * Waits.
 *
 * @param ms How long, in milliseconds.
 */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits for something that has to happen in time.
 *
 * @param promise What is waited for.
 * @param seconds How long.
 * @returns Whether it happened.
 */
export async function inTime(
  promise: Promise<unknown>,
  seconds: number,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), seconds * 1000);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A number with one digit behind the point.
 *
 * @param value The number.
 * @returns The same, rounded.
 */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * The value in the middle.
 *
 * @param values Some values, at least one.
 * @returns The middle one, or the mean of the two in the middle.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1]!, sorted[Math.floor(half)]!];
  return (low + high) / 2;
}
