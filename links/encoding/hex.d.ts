/** Lower-case hexadecimal text of the bytes. */
export function encodeHex(src: string | Uint8Array | ArrayBuffer): string;

/** The bytes that hexadecimal text stands for; throws if it is malformed. */
export function decodeHex(src: string): Uint8Array<ArrayBuffer>;
