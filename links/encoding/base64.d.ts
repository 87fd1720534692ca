/** Padded base64 text of the bytes. */
export function encodeBase64(data: string | Uint8Array | ArrayBuffer): string;

/** The bytes that base64 text stands for; throws if it is malformed. */
export function decodeBase64(b64: string): Uint8Array<ArrayBuffer>;
