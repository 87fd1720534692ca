/**
 * What is told of what somebody threw.
 *
 * @module
 */

/**
 * The message of an error.
 *
 * @param error Whatever was thrown.
 * @returns Its message, or itself as text.
 */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
