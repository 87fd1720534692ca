/**
 * How connections are opened: some at a time, and while that fails one at a time
 * with growing pauses, so that a server that is down or full is left in peace.
 *
 * @module
 */

import { Backoff } from "../connection/backoff.ts";
import { startBackgroundTimer, type Timer } from "../connection/timers.ts";

/** The longest pause between two attempts, in seconds. */
const LONGEST_PAUSE = 30;
/** The first pause, in seconds. */
const FIRST_PAUSE = 1;

/** What an opener is told and asked. */
export interface OpenerOptions<T> {
  /** How many are opened at a time. */
  readonly atOnce: number;
  /** How long to go on failing before `givenUp` is called, in seconds. */
  readonly giveUpAfter: number;
  /** How many connections are missing; those under way are among them. */
  wanted(): number;
  /** Opens one. */
  open(): Promise<T>;
  /** One has been opened. */
  opened(connection: T): void;
  /** Opening one failed; the next is tried so many milliseconds later. */
  failed(error: unknown, pause: number): void;
  /** Opening has failed for too long. */
  givenUp(): void;
}

/** Opens the connections that are missing. */
export class Opener<T> {
  readonly #options: OpenerOptions<T>;
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;
  #backoff: Backoff | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  /** @param options See {@linkcode OpenerOptions}. */
  constructor(options: OpenerOptions<T>) {
    this.#options = options;
  }

  /** How many are being opened. */
  get count(): number {
    return this.#count;
  }

  /** Opens what is missing, if it is time. */
  fill(): void {
    while (!this.#stopped && this.#count < this.#allowed()) {
      this.#count++;
      const attempt = this.#attempt()
        .finally(() => this.#underWay.delete(attempt));
      this.#underWay.add(attempt);
    }
  }

  /**
   * Opens none any more.
   *
   * @returns A promise that resolves when those under way are over.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopWaiting();
    await Promise.all(this.#underWay);
  }

  /** How many may be under way. */
  #allowed(): number {
    if (this.#timer !== null) return 0;
    const atOnce = this.#backoff === null ? this.#options.atOnce : 1;
    return Math.min(atOnce, this.#options.wanted());
  }

  async #attempt(): Promise<void> {
    const backoff = this.#backoff;
    let connection: T;
    try {
      connection = await this.#options.open();
    } catch (error) {
      this.#count--;
      if (!this.#stopped) this.#waitAfter(error);
      return;
    }
    this.#count--;
    // That of one which began before another failed says nothing of what is now.
    if (backoff === this.#backoff) this.#backoff = null;
    this.#options.opened(connection);
    this.fill();
  }

  #waitAfter(error: unknown): void {
    const { giveUpAfter, failed, givenUp } = this.#options;
    // Of several that fail together the first decides.
    if (this.#timer !== null) return failed(error, 0);
    const options = {
      initial: FIRST_PAUSE,
      most: LONGEST_PAUSE,
      giveUpAfter,
    };
    let pause = (this.#backoff ??= new Backoff(options)).next();
    const hasGivenUp = pause === null;
    if (pause === null) {
      this.#backoff = new Backoff(options);
      pause = this.#backoff.next() ?? FIRST_PAUSE * 1000;
    }
    this.#timer = startBackgroundTimer(() => {
      this.#timer = null;
      // What nobody wants any more has not gone on failing.
      if (this.#options.wanted() <= 0) this.#backoff = null;
      this.fill();
    }, pause);
    failed(error, pause);
    if (hasGivenUp) givenUp();
  }

  #stopWaiting(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
