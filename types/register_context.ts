/**
 * Where a `register…()` function registers.
 *
 * @module
 */

import type { AdaptersMap } from "./adapters_map.ts";
import { adapters } from "./defaults.ts";

/** What has a map of adapters: a connection or a cursor. */
export interface AdaptersHolder {
  /** The loaders and dumpers. */
  readonly adapters: AdaptersMap;
  /** Gets warnings. */
  readonly warn?: (message: string) => void;
}

/** Where to register: a connection, a cursor, or a map of adapters. */
export type RegisterContext = AdaptersMap | AdaptersHolder;

/**
 * The map of a context.
 *
 * @param context A connection, a cursor or a map; by default the global one.
 * @returns The map.
 */
export function mapOf(
  context: RegisterContext | null | undefined,
): AdaptersMap {
  if (context == null) return adapters;
  return "adapters" in context ? context.adapters : context;
}

/**
 * Tells whoever gets the warnings of a context.
 *
 * @param context A connection tells its own handler; anything else has none.
 * @param message What to say.
 */
export function warnIn(
  context: RegisterContext | null | undefined,
  message: string,
): void {
  if (context != null && "warn" in context) context.warn?.(message);
}
