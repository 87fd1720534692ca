/**
 * Who may use the connection: one at a time, in the order of asking.
 *
 * @module
 */

/** A lock whose waiters are served first come, first served. */
export class Mutex {
  #locked = false;
  #holds = 0;
  readonly #unheld: (() => void)[] = [];
  /** A set keeps its order, and lets a waiter leave from the middle. */
  readonly #waiters = new Set<() => void>();

  /** Takes the lock if it is free. */
  tryAcquire(): boolean {
    if (this.#locked || this.#holds > 0) return false;
    return this.#locked = true;
  }

  /** Whether somebody has the lock. */
  get locked(): boolean {
    return this.#locked;
  }

  /** Whether {@linkcode Mutex.hold} keeps everybody from the lock. */
  get held(): boolean {
    return this.#holds > 0;
  }

  /**
   * Gives the lock to nobody from now on; who has it keeps it.
   *
   * @returns Ends that. To be called once.
   */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      if (this.#holds > 0) return;
      this.#grant();
      for (const resolve of this.#unheld.splice(0)) resolve();
    };
  }

  /** Waits until nothing holds the lock back. */
  async unheld(): Promise<void> {
    while (this.held) {
      await new Promise<void>((resolve) => this.#unheld.push(resolve));
    }
  }

  /**
   * Waits for the lock.
   *
   * @param signal Gives up waiting.
   * @throws The reason of `signal`.
   */
  async acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.tryAcquire()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiters.delete(resolve);
      reject(signal!.reason);
    };
    this.#waiters.add(resolve);
    signal?.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  /** Gives the lock to who has waited longest. */
  release(): void {
    this.#locked = false;
    this.#grant();
  }

  #grant(): void {
    if (this.#locked || this.#holds > 0) return;
    const [next] = this.#waiters;
    if (next === undefined) return;
    this.#locked = true;
    this.#waiters.delete(next);
    next();
  }
}
