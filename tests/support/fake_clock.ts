/**
 * A clock that stands still until it is told to go on. Sockets go on as ever.
 *
 * @module
 */

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** What waits for a turn of the event loop rather than for time to pass does so in real time. */
const INSTANT_MS = 1;

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  now: performance.now,
};

/** Takes the place of the timers and of `performance.now()` until it is disposed of. */
export class FakeClock implements Disposable {
  readonly #timers = new Map<object, Timer>();
  #now = 1000;

  /** Takes their place. */
  constructor() {
    const start = (run: () => void, ms = 0): object => {
      if (ms <= INSTANT_MS) return real.setTimeout(run, ms);
      const handle = { unref: () => handle, ref: () => handle };
      this.#timers.set(handle, { at: this.#now + Math.max(0, ms), run });
      return handle;
    };
    Object.assign(globalThis, {
      setTimeout: start,
      clearTimeout: (handle: object) => {
        if (!this.#timers.delete(handle)) real.clearTimeout(handle as never);
      },
    });
    performance.now = () => this.#now;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Lets time pass: whatever is due is called in its order, and what follows from
   * it is waited for.
   *
   * @param seconds How much.
   */
  async pass(seconds: number): Promise<void> {
    const end = this.#now + seconds * 1000;
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > end) break;
      const [handle, { at, run }] = next;
      this.#timers.delete(handle);
      this.#now = Math.max(this.#now, at);
      run();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Waits in real time until something is true.
   *
   * @param claim What is to be true.
   * @param what What that means.
   * @throws {Error} If it is not within two seconds.
   */
  async until(claim: () => boolean, what: string): Promise<void> {
    const end = real.now.call(performance) + 2000;
    while (!claim()) {
      if (real.now.call(performance) > end) {
        throw new Error(`not within 2 s: ${what}`);
      }
      await settle();
    }
  }

  /** Gives the real ones back. */
  [Symbol.dispose](): void {
    Object.assign(globalThis, {
      setTimeout: real.setTimeout,
      clearTimeout: real.clearTimeout,
    });
    performance.now = real.now;
  }
}

/** Lets the event loop go round. */
function settle(): Promise<void> {
  return new Promise((resolve) => real.setTimeout(resolve, 1));
}
