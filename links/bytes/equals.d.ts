/** Tells whether both hold the same bytes. Not safe against timing attacks. */
export function equals(a: Uint8Array, b: Uint8Array): boolean;
