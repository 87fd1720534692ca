/**
 * The text of an interval with `IntervalStyle` at `postgres`, read digit by
 * digit.
 *
 * Chapter "Interval Output": years, months and days, each with a sign of its
 * own, then hours, which may be many, minutes and seconds under one sign.
 *
 * @module
 */

import { MomentText } from "./datetime_text.ts";

const HYPHEN = 0x2d;
const PLUS = 0x2b;
const COLON = 0x3a;
const ZERO = 0x30;
const LETTER_D = 0x64;
const LETTER_M = 0x6d;
const LETTER_Y = 0x79;
/** Up to here the microseconds of the hours are exact in a number. */
const MAX_PLAIN_HOURS = 2_000_000;

/** A reader of intervals; its fields hold what it read. */
export class IntervalText {
  /** Months. */
  months = 0;
  /** Days. */
  days = 0;
  /** Microseconds. */
  microseconds = 0n;
  /** ±Infinity if the interval is that, else 0. */
  infinity = 0;

  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  readonly #infinity = new MomentText();
  readonly #fraction = new MomentText();

  /** Starts on the value at `start..end`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /**
   * Reads the value.
   *
   * @returns Whether it is an interval in this style, within the range of the type.
   */
  takeInterval(): boolean {
    this.months = this.days = this.infinity = 0;
    this.microseconds = 0n;
    this.#infinity.open(this.#bytes, this.#at, this.#end);
    if (this.#infinity.takeInfinity()) {
      this.infinity = this.#infinity.days;
      return true;
    }
    let months = 0;
    for (;;) {
      const sign = this.#takeSign();
      const digits = this.#at;
      const value = this.#takeNumber();
      if (Number.isNaN(value)) return false;
      if (this.#bytes[this.#at] === COLON && this.#at < this.#end) {
        return this.#at - digits >= 2 && this.#takeTime(sign, value) &&
          this.#setMonths(months);
      }
      const unit = this.#takeUnit();
      if (unit === LETTER_Y) months += sign * value * 12;
      else if (unit === LETTER_M) months += sign * value;
      else if (unit === LETTER_D) this.days = sign * value + 0;
      else return false;
      if (this.#at === this.#end) return this.#setMonths(months);
      if (this.#bytes[this.#at++] !== 0x20) return false;
    }
  }

  /** Takes over the sum of years and months, if all parts are in range. */
  #setMonths(months: number): boolean {
    this.months = months + 0;
    return months === (months | 0) && this.days === (this.days | 0) &&
      BigInt.asIntN(64, this.microseconds) === this.microseconds;
  }

  #takeSign(): 1 | -1 {
    const sign = this.#bytes[this.#at];
    if (this.#at < this.#end && (sign === HYPHEN || sign === PLUS)) this.#at++;
    else return 1;
    return sign === HYPHEN ? -1 : 1;
  }

  /** Takes up to ten digits, or gives NaN. */
  #takeNumber(): number {
    const start = this.#at;
    let value = 0;
    let at = start;
    for (; at < this.#end; at++) {
      const digit = this.#bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.#at = at;
    return at > start && at - start <= 10 ? value : NaN;
  }

  /** Takes a space and a word, of which the first letter is given. */
  #takeUnit(): number {
    const bytes = this.#bytes;
    if (this.#at + 1 >= this.#end || bytes[this.#at] !== 0x20) return -1;
    const start = this.#at + 1;
    let at = start;
    while (at < this.#end && bytes[at] !== 0x20) at++;
    this.#at = at;
    const word = UNITS[bytes[start]!];
    const plural = bytes[at - 1] === 0x73 ? 1 : 0;
    if (word === undefined || at - start !== word.length + plural) return -1;
    for (let i = 1; i < word.length; i++) {
      if (bytes[start + i] !== word.charCodeAt(i)) return -1;
    }
    return bytes[start]!;
  }

  /** Takes what follows the hours. */
  #takeTime(sign: 1 | -1, hours: number): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 6 > this.#end || bytes[at + 3] !== COLON) return false;
    this.#at++;
    const minutes = this.#takeNumber();
    if (this.#at++ !== at + 3) return false;
    const seconds = this.#takeNumber();
    if (this.#at !== at + 6 || !(minutes < 60) || !(seconds < 60)) return false;
    this.#fraction.open(bytes, this.#at, this.#end);
    const fraction = this.#fraction.takeFraction();
    if (fraction < 0 || !this.#fraction.isDone) return false;
    const below = (minutes * 60 + seconds) * 1_000_000 + fraction;
    this.microseconds = hours <= MAX_PLAIN_HOURS
      ? BigInt(sign * (hours * 3_600_000_000 + below))
      : BigInt(sign) * (BigInt(hours) * 3_600_000_000n + BigInt(below));
    return true;
  }
}

const UNITS: Readonly<Record<number, string>> = {
  [LETTER_Y]: "year",
  [LETTER_M]: "mon",
  [LETTER_D]: "day",
};
