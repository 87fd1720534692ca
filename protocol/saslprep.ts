/**
 * SASLprep (RFC 4013), the way in which PostgreSQL prepares a password before
 * it is hashed for SCRAM. The tables are in `saslprep_tables.ts`.
 *
 * @module
 */

import {
  IGNORED,
  LEFT_TO_RIGHT,
  REFUSED,
  RIGHT_TO_LEFT,
  SPACES,
} from "./saslprep_tables.ts";

/** Starts and ends of ranges, alternating and ascending. */
type Ranges = Uint32Array;

interface Tables {
  readonly spaces: Ranges;
  readonly ignored: Ranges;
  readonly refused: Ranges;
  readonly rightToLeft: Ranges;
  readonly leftToRight: Ranges;
}

let tables: Tables | undefined;

/**
 * A password as the server hashes it: characters that look alike become one,
 * soft hyphens and the like vanish.
 *
 * A password that RFC 4013 does not allow (control characters, characters that
 * Unicode 3.2 did not have, a forbidden mix of writing directions, or nothing
 * at all) stays as it is, which is what PostgreSQL does with it.
 *
 * @param password The password as the user gave it.
 * @returns What is to be hashed.
 */
export function saslprep(password: string): string {
  if (/^[\0-\x7f]*$/.test(password)) return password;
  const { spaces, ignored, refused, rightToLeft, leftToRight } = tables ??=
    unpackTables();

  let mapped = "";
  for (const character of password) {
    const code = character.codePointAt(0) ?? 0;
    // U+200B is in both tables; PostgreSQL looks for spaces first.
    if (contains(spaces, code)) mapped += " ";
    else if (!contains(ignored, code)) mapped += character;
  }
  if (mapped === "") return password;

  // PostgreSQL checks the characters as they are before normalisation.
  let first = -1;
  let last = -1;
  let anyRight = false;
  let anyLeft = false;
  for (const character of mapped) {
    const code = character.codePointAt(0) ?? 0;
    if (contains(refused, code)) return password;
    if (first < 0) first = code;
    last = code;
    anyRight ||= contains(rightToLeft, code);
    anyLeft ||= contains(leftToRight, code);
  }
  if (
    anyRight &&
    (anyLeft || !contains(rightToLeft, first) || !contains(rightToLeft, last))
  ) return password;
  return mapped.normalize("NFKC");
}

function unpackTables(): Tables {
  return {
    spaces: unpack(SPACES),
    ignored: unpack(IGNORED),
    refused: unpack(REFUSED),
    rightToLeft: unpack(RIGHT_TO_LEFT),
    leftToRight: unpack(LEFT_TO_RIGHT),
  };
}

function unpack(packed: string): Ranges {
  const words = packed.split(" ");
  const ranges = new Uint32Array(words.length * 2);
  let at = 0;
  words.forEach((word, index) => {
    const [gap = "", length = "1"] = word.split(".");
    ranges[2 * index] = at += parseInt(gap, 36);
    ranges[2 * index + 1] = at += parseInt(length, 36);
  });
  return ranges;
}

function contains(ranges: Ranges, code: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]! <= code) low = middle + 1;
    else high = middle;
  }
  // An odd number of bounds at or below the code: it is inside a range.
  return (low & 1) === 1;
}
