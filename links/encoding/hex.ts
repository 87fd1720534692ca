/**
 * Stands in for `@std/encoding` where JSR cannot be reached: the npm build of the
 * same code, with types beside it.
 *
 * @module
 */

// @ts-types="./hex.d.ts"
export * from "npm:deno-std@1.4.0/encoding/hex.js";
