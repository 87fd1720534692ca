/**
 * Where loaders and dumpers of built-in types are registered on demand, as the map
 * itself or as whatever has one.
 *
 * @module
 */

import type { Registrar } from "./adapt.ts";

/** A map of adapters, or a connection or cursor, which have one. */
export type RegistrarContext = Registrar | { readonly adapters: Registrar };

/**
 * The map of a context.
 *
 * @param context A connection, a cursor or a map.
 * @returns The map.
 */
export function registrarOf(context: RegistrarContext): Registrar {
  return "adapters" in context ? context.adapters : context;
}
