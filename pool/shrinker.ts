/**
 * How a pool gets smaller again: one connection at a time, as long as there was
 * always one that nobody needed. The one timer of a healthy pool is here, and it
 * runs only while the pool is larger than it has to be.
 *
 * @module
 */

import { startBackgroundTimer, type Timer } from "../connection/timers.ts";

/** What a shrinker asks of its pool. */
export interface ShrinkerOptions {
  /** How long a connection must not have been needed, in seconds. */
  readonly maxIdle: number;
  /** Whether there are more connections than there have to be. */
  isLarge(): boolean;
  /** How many connections are idle. */
  idle(): number;
  /** Closes one of them. */
  shrink(): void;
}

/** Closes connections now and then. */
export class Shrinker {
  readonly #options: ShrinkerOptions;
  #timer: Timer | null = null;
  /** The least that were idle since the timer was started. */
  #least = 0;

  /** @param options See {@linkcode ShrinkerOptions}. */
  constructor(options: ShrinkerOptions) {
    this.#options = options;
  }

  /** Some connections are idle no more. */
  noteIdle(): void {
    this.#least = Math.min(this.#least, this.#options.idle());
  }

  /** Begins to watch, if the pool is large. */
  watch(): void {
    if (this.#timer !== null || !this.#options.isLarge()) return;
    this.#least = this.#options.idle();
    this.#timer = startBackgroundTimer(() => {
      this.#timer = null;
      if (this.#options.isLarge() && this.#least > 0) this.#options.shrink();
      this.watch();
    }, this.#options.maxIdle * 1000);
  }

  /** Watches no more. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
