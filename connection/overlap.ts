/**
 * Attempts at the addresses of one host, of which a slow one does not hold up
 * the next: what RFC 8305 calls "Happy Eyeballs".
 *
 * Only dialling overlaps. The first attempt that is connected goes on alone, so
 * that no two sessions begin and no password is shown twice.
 *
 * @module
 */

/** Milliseconds that an address may take before the next is dialled beside it. */
export const OVERLAP_DELAY = 250;

/** What an attempt needs to know of those beside it. */
export interface Overlapping {
  /** Ends this attempt: because the caller wants that, or another was faster. */
  readonly signal: AbortSignal;
  /**
   * To be called when no other address is wanted any more: the connection is
   * open, or the failure is none of the address. Ends the attempts beside it.
   */
  decide(): void;
}

/** An attempt that has ended by itself. */
export interface EndedAttempt<A, T> {
  /** The attempt. */
  readonly attempt: A;
  /** What has become of it. */
  readonly outcome: PromiseSettledResult<T>;
}

/** How attempts overlap. */
export interface OverlapOptions {
  /** Ends the attempts. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds before the next attempt is made.
   *
   * @default {OVERLAP_DELAY}
   */
  readonly delay?: number | undefined;
}

/**
 * Makes attempts, the next when one has failed or takes long, until one
 * decides. When this returns, no attempt is under way.
 *
 * @param attempts The attempts, in order of preference; at least one.
 * @param run Makes one. If it fails or is aborted, it leaves nothing open.
 * @param options How.
 * @returns Those that ended by themselves, in order, the one that decided
 * last. Those that are missing were not made, or ended for its sake.
 */
export async function overlap<A, T>(
  attempts: readonly A[],
  run: (attempt: A, overlapping: Overlapping) => Promise<T>,
  options: OverlapOptions = {},
): Promise<EndedAttempt<A, T>[]> {
  const race = new Race(attempts, run, options);
  return await race.run();
}

class Race<A, T> {
  readonly #attempts: readonly A[];
  readonly #run: (attempt: A, overlapping: Overlapping) => Promise<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #delay: number;
  readonly #outcomes: (PromiseSettledResult<T> | undefined)[] = [];
  readonly #controllers: AbortController[] = [];
  readonly #over = Promise.withResolvers<void>();
  #winner: number | null = null;
  #underWay = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    attempts: readonly A[],
    run: (attempt: A, overlapping: Overlapping) => Promise<T>,
    { signal, delay = OVERLAP_DELAY }: OverlapOptions,
  ) {
    this.#attempts = attempts;
    this.#run = run;
    this.#signal = signal;
    this.#delay = delay;
  }

  async run(): Promise<EndedAttempt<A, T>[]> {
    const abort = () => this.#abortAllBut(null, this.#signal?.reason);
    this.#signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#startNext();
      await this.#over.promise;
    } finally {
      clearTimeout(this.#timer);
      this.#signal?.removeEventListener("abort", abort);
    }
    return this.#ended();
  }

  #startNext(): void {
    clearTimeout(this.#timer);
    const index = this.#controllers.length;
    const attempt = this.#attempts[index];
    const isOver = this.#winner !== null || this.#signal?.aborted;
    if (attempt === undefined || isOver) {
      if (this.#underWay === 0) this.#over.resolve();
      return;
    }
    this.#underWay++;
    const controller = new AbortController();
    this.#controllers.push(controller);
    if (index + 1 < this.#attempts.length) {
      this.#timer = setTimeout(() => this.#startNext(), this.#delay);
    }
    this.#make(index, attempt, controller.signal);
  }

  async #make(index: number, attempt: A, signal: AbortSignal): Promise<void> {
    const decide = () => {
      // One that comes too late has been aborted.
      if (this.#winner !== null || signal.aborted) return;
      this.#winner = index;
      this.#abortAllBut(index, new Error("Another address was faster"));
    };
    let outcome: PromiseSettledResult<T>;
    try {
      const value = await this.#run(attempt, { signal, decide });
      decide();
      outcome = { status: "fulfilled", value };
    } catch (reason) {
      outcome = { status: "rejected", reason };
    }
    if (!signal.aborted || index === this.#winner) {
      this.#outcomes[index] = outcome;
    }
    this.#underWay--;
    this.#startNext();
  }

  #abortAllBut(kept: number | null, reason: unknown): void {
    clearTimeout(this.#timer);
    for (const [index, controller] of this.#controllers.entries()) {
      if (index !== kept) controller.abort(reason);
    }
  }

  #ended(): EndedAttempt<A, T>[] {
    const rest: EndedAttempt<A, T>[] = [];
    const last: EndedAttempt<A, T>[] = [];
    for (const [index, attempt] of this.#attempts.entries()) {
      const outcome = this.#outcomes[index];
      if (outcome === undefined) continue;
      (index === this.#winner ? last : rest).push({ attempt, outcome });
    }
    return [...rest, ...last];
  }
}
