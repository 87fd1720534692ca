/** Copies bytes into `dst` at `offset`, as many as fit, and returns how many. */
export function copy(src: Uint8Array, dst: Uint8Array, offset?: number): number;
