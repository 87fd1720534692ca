/**
 * How long to wait before the next attempt of what failed.
 *
 * @module
 */

/** How the waits grow, in seconds. */
export interface BackoffOptions {
  /**
   * The first wait.
   *
   * @default 1
   */
  initial?: number;
  /**
   * The longest wait.
   *
   * @default Infinity
   */
  most?: number;
  /**
   * When to give up, counted from the first failure; 0 at once.
   *
   * @default Infinity
   */
  giveUpAfter?: number;
}

/** Each wait is twice the one before, and up to a tenth off, so that many clients do not come at once. */
const GROWTH = 2;
const JITTER = 0.1;

/** The waits between the attempts of one thing, until it succeeds. */
export class Backoff {
  readonly #most: number;
  readonly #giveUpAfter: number;
  #next: number;
  #since: number | null = null;

  /** @param options How the waits grow. */
  constructor(
    { initial = 1, most = Infinity, giveUpAfter = Infinity }: BackoffOptions =
      {},
  ) {
    this.#next = initial;
    this.#most = most;
    this.#giveUpAfter = giveUpAfter;
  }

  /**
   * The wait after a failure.
   *
   * @param now The time, in milliseconds of a clock that never jumps.
   * @returns Milliseconds; `null` to give up.
   */
  next(now: number = performance.now()): number | null {
    this.#since ??= now;
    const left = this.#since + this.#giveUpAfter * 1000 - now;
    if (left <= 0) return null;
    const wait = Math.min(this.#next, this.#most) * 1000;
    this.#next *= GROWTH;
    const jittered = wait * (1 + JITTER * (2 * Math.random() - 1));
    return Math.min(jittered, left);
  }
}
