/** Tells whether `source` ends with `suffix`. */
export function endsWith(source: Uint8Array, suffix: Uint8Array): boolean;
