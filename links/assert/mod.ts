/**
 * Stands in for `@std/assert` where JSR cannot be reached: the npm build of the
 * same code, with types beside it.
 *
 * @module
 */

// @ts-types="./mod.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
