/** Where `needle` first occurs in `source` at or after `start`, or -1. */
export function indexOfNeedle(
  source: Uint8Array,
  needle: Uint8Array,
  start?: number,
): number;
