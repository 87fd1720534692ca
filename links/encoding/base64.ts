/**
 * Stands in for `@std/encoding` where JSR cannot be reached: the npm build of the
 * same code, with types beside it.
 *
 * @module
 */

// @ts-types="./base64.d.ts"
export * from "npm:deno-std@1.4.0/encoding/base64.js";
