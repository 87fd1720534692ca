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

/**
 * A handler that cannot break what it is called from: a warning that it throws
 * at goes to the console instead.
 *
 * @param handler The handler.
 * @returns One that does not throw.
 */
export function harmless(handler: WarningHandler): WarningHandler {
  return (message) => {
    try {
      handler(message);
    } catch {
      warnOnConsole(message);
    }
  };
}
