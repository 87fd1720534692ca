/** Tells whether `source` starts with `prefix`. */
export function startsWith(source: Uint8Array, prefix: Uint8Array): boolean;
