/**
 * Who may use the connection: one at a time, in the order of asking.
 *
 * @module
 */

/** A lock whose waiters are served first come, first served. */
export class Mutex {
  #locked = false;
  /** A set keeps its order, and lets a waiter leave from the middle. */
  readonly #waiters = new Set<() => void>();

  /** Takes the lock if it is free. */
  tryAcquire(): boolean {
    if (this.#locked) return false;
    return this.#locked = true;
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
    const [next] = this.#waiters;
    if (next === undefined) {
      this.#locked = false;
    } else {
      this.#waiters.delete(next);
      next();
    }
  }
}
