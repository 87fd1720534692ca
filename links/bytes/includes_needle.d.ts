/** Tells whether `needle` occurs in `source` at or after `start`. */
export function includesNeedle(
  source: Uint8Array,
  needle: Uint8Array,
  start?: number,
): boolean;
