/**
 * The text of dates, times and offsets in PostgreSQL's ISO style: a reader that
 * steps over the bytes digit by digit, and the writers of what dumpers send.
 * Other styles are in `datetime_styles.ts`.
 *
 * @module
 */

import { DAY_MICROS, Moment, setDate } from "./datetime_parts.ts";

const ZERO = 0x30;
const HYPHEN = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const PLUS = 0x2b;
const SPACE = 0x20;
const INFINITY = "infinity";
const NO_BYTES = new Uint8Array(0);

/** The value of two digits, or -1. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - ZERO;
  const ones = bytes[at + 1]! - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9
    ? tens * 10 + ones
    : -1;
}

/**
 * Steps over the text of a value, part by part. Each `take…` reads a part into
 * the {@linkcode Moment} and passes it, or answers `false` where something else
 * stands. No string is made: that alone would cost more than reading the digits.
 */
export class MomentText extends Moment {
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  #bc = false;

  /** Starts on the value at `start..end`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#bc = false;
  }

  /** Takes the era that may stand at the end, after a date with a time even. */
  takeEra(): void {
    const end = this.#end;
    const bytes = this.#bytes;
    this.#bc = end - this.#at > 3 && bytes[end - 1] === 0x43 &&
      bytes[end - 2] === 0x42 && bytes[end - 3] === SPACE;
    if (this.#bc) this.#end = end - 3;
  }

  /** Whether the whole value has been taken. */
  get isDone(): boolean {
    return this.#at === this.#end;
  }

  /** Takes a space. */
  takeSpace(): boolean {
    if (this.#at >= this.#end || this.#bytes[this.#at] !== SPACE) return false;
    this.#at++;
    return true;
  }

  /** Takes `infinity` or `-infinity`, if that is the whole value, as day number. */
  takeInfinity(): boolean {
    const bytes = this.#bytes;
    const negative = bytes[this.#at] === HYPHEN;
    const at = negative ? this.#at + 1 : this.#at;
    if (this.#end - at !== INFINITY.length) return false;
    for (let i = 0; i < INFINITY.length; i++) {
      if (bytes[at + i] !== INFINITY.charCodeAt(i)) return false;
    }
    this.#at = this.#end;
    this.days = negative ? -Infinity : Infinity;
    this.micros = 0;
    return true;
  }

  /** Takes a date in ISO style, of which the era has been taken before. */
  takeDate(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    let year = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      year = year * 10 + digit;
    }
    const width = at - this.#at;
    if (
      width < 4 || width > 7 || at + 6 > end || bytes[at] !== HYPHEN ||
      bytes[at + 3] !== HYPHEN || year === 0
    ) return false;
    this.#at = at + 6;
    return setDate(
      this,
      this.#bc ? 1 - year : year,
      twoDigits(bytes, at + 1),
      twoDigits(bytes, at + 4),
    );
  }

  /** Takes a time of day, `HH:MM:SS` with up to six decimals; up to 24:00:00. */
  takeClock(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (
      at + 8 > this.#end || bytes[at + 2] !== COLON || bytes[at + 5] !== COLON
    ) return false;
    const hour = twoDigits(bytes, at);
    const minute = twoDigits(bytes, at + 3);
    const second = twoDigits(bytes, at + 6);
    if (
      hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 59
    ) return false;
    this.#at = at + 8;
    const fraction = this.takeFraction();
    this.micros = (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction;
    return fraction >= 0 && this.micros <= DAY_MICROS;
  }

  /**
   * Takes the decimals of a second, if there are any.
   *
   * @returns Microseconds, or -1 if there is a point and not one to six digits.
   */
  takeFraction(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    if (at >= end || bytes[at] !== POINT) return 0;
    let micros = 0;
    let unit = 1_000_000;
    for (at++; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      unit /= 10;
      micros += digit * unit;
    }
    const width = at - this.#at - 1;
    this.#at = at;
    return width >= 1 && width <= 6 ? micros : -1;
  }

  /** Takes an offset: a sign and `HH`, `HH:MM` or `HH:MM:SS`. */
  takeOffset(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    const sign = bytes[at];
    if (at + 3 > end || (sign !== PLUS && sign !== HYPHEN)) return false;
    const hours = twoDigits(bytes, at + 1);
    if (hours < 0) return false;
    let seconds = hours * 3600;
    at += 3;
    for (let unit = 60; unit >= 1 && at < end; unit /= 60) {
      const value = bytes[at] === COLON && at + 3 <= end
        ? twoDigits(bytes, at + 1)
        : -1;
      if (value < 0 || value > 59) return false;
      seconds += value * unit;
      at += 3;
    }
    this.#at = at;
    this.offset = sign === HYPHEN ? 0 - seconds : seconds;
    return true;
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/**
 * A date in ISO style, without the era.
 *
 * @param year Astronomical year; one before 1 is written as its number BC.
 * @param month Month, from 1.
 * @param day Day of the month, from 1.
 * @returns The text; {@linkcode formatEra} gives what follows at the end.
 */
export function formatDate(year: number, month: number, day: number): string {
  return `${pad(year > 0 ? year : 1 - year, 4)}-${pad(month, 2)}-${
    pad(day, 2)
  }`;
}

/**
 * The suffix that a year needs.
 *
 * @param year Astronomical year.
 * @returns `" BC"` or nothing.
 */
export function formatEra(year: number): string {
  return year > 0 ? "" : " BC";
}

/**
 * A time of day, with as many decimals as it needs.
 *
 * @param micros Microseconds since midnight, up to a whole day.
 * @returns The text.
 */
export function formatClock(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  return `${pad(Math.floor(seconds / 3600), 2)}:${
    pad(Math.floor(seconds / 60) % 60, 2)
  }:${pad(seconds % 60, 2)}${formatFraction(micros % 1_000_000)}`;
}

/**
 * Decimals of a second without trailing zeros.
 *
 * @param micros 0 to 999 999.
 * @returns A point and digits, or nothing for 0.
 */
export function formatFraction(micros: number): string {
  return micros === 0 ? "" : `.${pad(micros, 6).replace(/0+$/, "")}`;
}

/**
 * An offset as the server writes it: minutes and seconds only where needed.
 *
 * @param offset Seconds east of Greenwich.
 * @returns The text.
 */
export function formatOffset(offset: number): string {
  const seconds = Math.abs(offset);
  const hh = pad(Math.floor(seconds / 3600), 2);
  const mm = pad(Math.floor(seconds / 60) % 60, 2);
  const text = `${offset < 0 ? "-" : "+"}${hh}`;
  if (seconds % 60 !== 0) return `${text}:${mm}:${pad(seconds % 60, 2)}`;
  return seconds % 3600 === 0 ? text : `${text}:${mm}`;
}
