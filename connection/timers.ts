/**
 * Waiting, and timers that do not keep a process alive.
 *
 * @module
 */

/** The longest time a timer can hold, in milliseconds. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** What `setTimeout()` gives. */
export type Timer = ReturnType<typeof setTimeout>;

/**
 * Waits.
 *
 * @param ms How long, in milliseconds.
 * @param signal Gives up.
 * @throws {unknown} The reason of `signal`, once it is aborted.
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(signal?.reason);
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * Starts a timer that does not keep the process alive, where the runtime has such.
 *
 * @param run What to do.
 * @param ms When, in milliseconds from now.
 * @returns The timer, for `clearTimeout()`.
 */
export function startBackgroundTimer(run: () => void, ms: number): Timer {
  const timer: unknown = setTimeout(run, Math.min(ms, MAX_TIMER_MS));
  if (typeof timer === "number") globalThis.Deno?.unrefTimer(timer);
  else (timer as { unref?(): void }).unref?.();
  return timer as Timer;
}
