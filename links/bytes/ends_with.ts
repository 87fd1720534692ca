/**
 * Stands in for `@std/bytes` where JSR cannot be reached: the npm build of the
 * same code, with types beside it.
 *
 * @module
 */

// @ts-types="./ends_with.d.ts"
export * from "npm:deno-std@1.4.0/bytes/ends_with.js";
