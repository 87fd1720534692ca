/**
 * Where the program called the pool.
 *
 * @module
 */

const FOLDER = new URL(".", import.meta.url).href;

/**
 * The place in the program that called the pool, as a stack trace shows it.
 *
 * @returns `at`, what was called there if that has a name, and where it is.
 */
export function callSite(): string {
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  const outside = frames.find((frame) => !frame.includes(FOLDER));
  return outside?.trim() ?? "at a place that the stack trace does not show";
}
