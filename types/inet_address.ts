/**
 * The addresses of IPv4 and IPv6: their text, as the server writes it, and their
 * bytes. The values that have an address are in `inet_value.ts`.
 *
 * @module
 */

/** The length of an IPv4 address in bytes. */
export const IPV4_SIZE = 4;
/** The length of an IPv6 address in bytes. */
export const IPV6_SIZE = 16;

const GROUPS = 8;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;

/** The value of a hexadecimal digit, -1 for all other ASCII characters. */
const DIGIT: Int8Array = new Int8Array(128).fill(-1);
for (const digits of ["0123456789abcdef", "0123456789ABCDEF"]) {
  for (let value = 0; value < 16; value++) {
    DIGIT[digits.charCodeAt(value)] = value;
  }
}

/** What was read last: nothing here waits, and arrays are dear. */
const scratch = new Uint8Array(IPV6_SIZE);

/**
 * Reads an address.
 *
 * @param text Four numbers without leading zeros, or an IPv6 address in any of
 * its forms but one with a zone.
 * @returns Its 4 or 16 bytes, at the start of memory that the next call writes
 * to; `null` if it is neither.
 */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.includes(":")) return parseIpv6(text, scratch) ? scratch : null;
  return parseIpv4(text, 0, scratch, 0) ? scratch.subarray(0, IPV4_SIZE) : null;
}

/** Reads the IPv4 address that is the rest of a text. Returns whether it is one. */
function parseIpv4(
  text: string,
  from: number,
  bytes: Uint8Array,
  at: number,
): boolean {
  let count = 0;
  let number = -1;
  for (let index = from; index <= text.length; index++) {
    const unit = index < text.length ? text.charCodeAt(index) : DOT;
    if (unit === DOT) {
      if (number < 0 || count === IPV4_SIZE) return false;
      bytes[at + count++] = number;
      number = -1;
      continue;
    }
    const digit = unit - ZERO;
    // A leading zero is decimal to some and octal to others.
    if (digit < 0 || digit > 9 || number === 0) return false;
    number = number < 0 ? digit : number * 10 + digit;
    if (number > 255) return false;
  }
  return count === IPV4_SIZE;
}

function parseIpv6(text: string, bytes: Uint8Array): boolean {
  let at = 0;
  let gap = -1;
  let index = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gap = 0;
    index = 2;
  }
  while (index < text.length) {
    const from = index;
    let group = 0;
    for (; index < text.length; index++) {
      const digit = DIGIT[text.charCodeAt(index)] ?? -1;
      if (digit < 0) break;
      if (index - from === 4) return false;
      group = group << 4 | digit;
    }
    if (text.charCodeAt(index) === DOT) {
      if (at > IPV6_SIZE - IPV4_SIZE) return false;
      if (!parseIpv4(text, from, bytes, at)) return false;
      at += IPV4_SIZE;
      break;
    }
    if (index === from || at === IPV6_SIZE) return false;
    bytes[at++] = group >> 8;
    bytes[at++] = group;
    if (index === text.length) break;
    if (text.charCodeAt(index++) !== COLON || index === text.length) {
      return false;
    }
    if (text.charCodeAt(index) === COLON) {
      if (gap >= 0) return false;
      gap = at;
      index++;
    }
  }
  if (gap < 0) return at === IPV6_SIZE;
  if (at === IPV6_SIZE) return false;
  const behind = at - gap;
  bytes.copyWithin(IPV6_SIZE - behind, gap, at);
  bytes.fill(0, gap, IPV6_SIZE - behind);
  return true;
}

/**
 * Writes an address as the server does: RFC 5952, with an IPv4 address at the end
 * where the rest says that there is one.
 *
 * @param bytes 4 or 16 bytes.
 * @returns The text.
 */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === IPV4_SIZE ? formatIpv4(bytes, 0) : formatIpv6(bytes);
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function formatIpv6(bytes: Uint8Array): string {
  // The first of the longest runs of zeros, one group alone being no run.
  let gap = -1;
  let size = 1;
  let run = 0;
  for (let group = 0; group < GROUPS; group++) {
    run = bytes[2 * group] === 0 && bytes[2 * group + 1] === 0 ? run + 1 : 0;
    if (run > size) {
      size = run;
      gap = group + 1 - run;
    }
  }
  const endsInIpv4 = gap === 0 &&
    (size === 6 || (size === 5 && bytes[10] === 0xff && bytes[11] === 0xff));
  let text = "";
  for (let group = 0; group < GROUPS; group++) {
    if (group === gap) {
      text += "::";
      group += size - 1;
      continue;
    }
    if (group > 0 && group !== gap + size) text += ":";
    if (endsInIpv4 && group === 6) return text + formatIpv4(bytes, 12);
    text += (bytes[2 * group]! << 8 | bytes[2 * group + 1]!).toString(16);
  }
  return text;
}
