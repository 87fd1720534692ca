/**
 * Stands in for `@std/crypto` where JSR cannot be reached: the npm build of the
 * same code, with types beside it.
 *
 * @module
 */

// @ts-types="./timing_safe_equal.d.ts"
export * from "npm:deno-std@1.4.0/crypto/timing_safe_equal.js";
