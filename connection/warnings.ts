/**
 * Where warnings go: the one place that may use the console.
 *
 * @module
 */

/** Gets a warning: one line that names what happened and what to do. */
export type WarningHandler = (message: string) => void;

/** Writes a warning to the console: what happens unless `onWarning` is given. */
export const warnOnConsole: WarningHandler = (message) => {
  // deno-lint-ignore no-console -- the documented default
  console.warn(`pgts: ${message}`);
};
