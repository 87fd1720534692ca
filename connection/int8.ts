/**
 * `connect({ int8: "number" })`: int8 as a number instead of a bigint.
 *
 * @module
 */

import type { AdaptersMap } from "../types/adapters_map.ts";
import {
  Int8AsNumberBinaryLoader,
  Int8AsNumberLoader,
} from "../types/integer.ts";

/**
 * Has int8 read as a number, where one holds it exactly.
 *
 * @param adapters Where to register the loaders.
 */
export function registerInt8Number(adapters: AdaptersMap): void {
  adapters.registerLoader("int8", Int8AsNumberLoader);
  adapters.registerLoader("int8", Int8AsNumberBinaryLoader);
}
