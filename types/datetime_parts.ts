/**
 * The calendar and the clock as numbers: what the date and time types share
 * between text, bytes and Temporal. Here live calendar arithmetic, the split of
 * PostgreSQL's microseconds, the ranges of both sides, and the errors for what
 * does not fit. Text is in `datetime_text.ts` and `datetime_styles.ts`.
 *
 * @module
 */

import { DataError, NotSupportedError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { unsuitable } from "./dumper.ts";

/** Microseconds in a day. */
export const DAY_MICROS = 86_400_000_000;
/** 1970-01-01, as the day number that this folder counts in: from 2000-01-01. */
export const UNIX_DAY = -10_957;
/** 1970-01-01 to 2000-01-01 in microseconds. */
export const UNIX_TO_PG_MICROS = 946_684_800_000_000n;

/** 4714-11-24 BC, where PostgreSQL's dates and timestamps start. */
const MIN_DAY = -2_451_545;
/** 275760-09-13, where Temporal and Date end. */
const MAX_DAY = 99_989_043;

/**
 * A point in time while it is read or written. Every loader owns one and fills
 * it anew for each value, so that a value costs no object besides the result.
 */
export class Moment {
  /** Astronomical year: 0 is 1 BC. */
  year = 0;
  /** Month, from 1. */
  month = 1;
  /** Day of the month, from 1. */
  day = 1;
  /** Day number from 2000-01-01; ±Infinity for PostgreSQL's infinity. */
  days = 0;
  /** Microseconds since midnight; a time of 24:00 has a whole day of them. */
  micros = 0;
  /** Seconds east of Greenwich. */
  offset = 0;
}

/**
 * The `Temporal` of the runtime. It is looked up when it is needed and never
 * while a module loads: runtimes without it can import the library.
 *
 * @returns The namespace, or `undefined`.
 */
export function findTemporal(): typeof Temporal | undefined {
  return (globalThis as { Temporal?: typeof Temporal }).Temporal;
}

/**
 * The error for a value that needs Temporal where there is none.
 *
 * @param type The name of the type.
 * @returns The error, to be thrown.
 */
export function missingTemporal(type: string): NotSupportedError {
  return new NotSupportedError(
    `Cannot load a ${type}: this runtime has no Temporal; registerDateLoader() ` +
      "loads timestamptz as Date, registerDateTimeText() loads all date and time types as text",
  );
}

/**
 * The error for bytes or text that are not a value of the type.
 *
 * @param type The name of the type.
 * @param what What is wrong.
 * @returns The error, to be thrown.
 */
export function malformed(type: string, what: string): DataError {
  const article = type === "interval" ? "an" : "a";
  return new DataError(`Cannot load ${article} ${type}: ${what}`);
}

/**
 * Checks the length of a binary value.
 *
 * @param type The name of the type.
 * @param actual The length that it has.
 * @param expected The length that it should have.
 * @throws {DataError} If they differ.
 */
export function checkLength(
  type: string,
  actual: number,
  expected: number,
): void {
  if (actual !== expected) {
    throw malformed(
      type,
      `its binary form has ${expected} bytes, and ${actual} came`,
    );
  }
}

/**
 * Checks that Temporal and Date can hold a day read from the server.
 *
 * @param moment What was read.
 * @param type The name of the type.
 * @param holder The name of the class that is to hold it.
 * @throws {DataError} For infinity, and for days that are out of range.
 */
export function checkLoadable(
  moment: Moment,
  type: string,
  holder: string,
): void {
  const { days } = moment;
  if (days >= MIN_DAY && days < MAX_DAY) return;
  // The last day belongs to the plain classes whole, to Instant and Date with
  // its first moment only.
  if (
    days === MAX_DAY && (holder.startsWith("Temporal.Plain") || !moment.micros)
  ) return;
  const infinite = days === Infinity || days === -Infinity;
  throw new DataError(
    `Cannot load a ${type}: ${type} too ${days < 0 ? "small" : "large"}${
      infinite ? " (infinity)" : ""
    } for ${holder}; ${
      infinite ? "registerInfinity() loads infinity as a number, and " : ""
    }registerDateTimeText() loads any value as text`,
  );
}

/**
 * Checks that PostgreSQL can hold a day. Its upper ends lie beyond Temporal's.
 *
 * @param days The day number.
 * @param type The name of the type.
 * @throws {DataError} If it is before 4714-11-24 BC.
 */
export function checkDumpable(days: number, type: string): void {
  if (days < MIN_DAY) {
    throw new DataError(
      `Cannot send a ${type}: it is before 4714-11-24 BC, where the range of PostgreSQL starts`,
    );
  }
}

/**
 * A date, or a date and time, in the calendar that PostgreSQL has.
 *
 * @param value The value, in any calendar.
 * @param type The name of the type, for errors.
 * @param name The name of the class that it should be of.
 * @returns The same in the ISO calendar.
 * @throws {DataError} If it is of some other class.
 */
export function toIso<T extends Temporal.PlainDate | Temporal.PlainDateTime>(
  value: T,
  type: string,
  name: "PlainDate" | "PlainDateTime",
): T {
  const expected = findTemporal()?.[name];
  if (expected === undefined || !(value instanceof expected)) {
    throw unsuitable(type);
  }
  return value.withCalendar("iso8601") as T;
}

/**
 * Whether a year of the Gregorian calendar has a 29 February.
 *
 * @param year Astronomical year.
 */
function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

const MONTH_DAYS = Uint8Array.of(
  31,
  28,
  31,
  30,
  31,
  30,
  31,
  31,
  30,
  31,
  30,
  31,
);

/**
 * Takes over a date of the Gregorian calendar, with its day number.
 *
 * @param moment Where to put it.
 * @param year Astronomical year.
 * @param month Month, from 1.
 * @param day Day of the month, from 1.
 * @returns Whether there is such a date.
 */
export function setDate(
  moment: Moment,
  year: number,
  month: number,
  day: number,
): boolean {
  if (!(month >= 1 && month <= 12 && day >= 1)) return false;
  if (
    day > MONTH_DAYS[month - 1]! && !(month === 2 && day === 29 && isLeap(year))
  ) return false;
  moment.year = year;
  moment.month = month;
  moment.day = day;
  moment.days = dayNumber(year, month, day);
  return true;
}

/**
 * The day number of a date in the Gregorian calendar.
 *
 * @param year Astronomical year.
 * @param month Month, from 1.
 * @param day Day of the month, from 1.
 * @returns Days since 2000-01-01.
 */
export function dayNumber(year: number, month: number, day: number): number {
  // Years are counted from March, so that the leap day comes last; eras of 400
  // years are all alike.
  const y = month > 2 ? year : year - 1;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = ((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 | 0) +
    day - 1;
  return era * 146_097 + ofEra * 365 + (ofEra / 4 | 0) - (ofEra / 100 | 0) +
    ofYear - 730_425;
}

/**
 * Works out year, month and day from the day number.
 *
 * @param moment Its `days` are read, its date is set.
 */
export function setCivil(moment: Moment): void {
  const shifted = moment.days + 730_425;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = (ofEra - (ofEra / 1460 | 0) + (ofEra / 36_524 | 0) -
        (ofEra / 146_096 | 0)) / 365 | 0;
  const ofYear = ofEra -
    (365 * yearOfEra + (yearOfEra / 4 | 0) - (yearOfEra / 100 | 0));
  const march = (5 * ofYear + 2) / 153 | 0;
  moment.day = ofYear - ((153 * march + 2) / 5 | 0) + 1;
  moment.month = march < 10 ? march + 3 : march - 9;
  moment.year = era * 400 + yearOfEra + (moment.month <= 2 ? 1 : 0);
}

/**
 * Reads a timestamp's eight bytes into day number and microseconds.
 *
 * @param view The memory.
 * @param at Where the bytes start.
 * @param moment Its `days` and `micros` are set.
 */
export function readMicros(view: DataView, at: number, moment: Moment): void {
  const high = view.getInt32(at);
  // Within 285 years of 2000 a number holds the microseconds exactly.
  if (high >= -0x20_0000 && high < 0x20_0000) {
    setMicros(moment, high * 0x1_0000_0000 + view.getUint32(at + 4));
  } else setBigMicros(moment, view.getBigInt64(at));
}

function setMicros(moment: Moment, total: number): void {
  moment.days = Math.floor(total / DAY_MICROS);
  moment.micros = total - moment.days * DAY_MICROS;
}

/**
 * Splits microseconds since 2000-01-01 into day number and microseconds.
 *
 * @param moment Its `days` and `micros` are set.
 * @param total The microseconds; the ends of int8 mean infinity.
 */
export function setBigMicros(moment: Moment, total: bigint): void {
  if (total === MAX_INT64 || total === MIN_INT64) {
    moment.days = total === MAX_INT64 ? Infinity : -Infinity;
    moment.micros = 0;
    return;
  }
  let days = total / BIG_DAY_MICROS;
  if (days * BIG_DAY_MICROS > total) days--;
  moment.days = Number(days);
  moment.micros = Number(total - days * BIG_DAY_MICROS);
}

const BIG_DAY_MICROS = BigInt(DAY_MICROS);
/** The largest int8: what stands for infinity. */
export const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
/** The smallest int8: what stands for -infinity. */
export const MIN_INT64: bigint = -MAX_INT64 - 1n;

/**
 * Appends a timestamp's eight bytes.
 *
 * @param out Where to.
 * @param days Day number.
 * @param micros Microseconds of the day.
 */
export function writeMicros(
  out: WriteBuffer,
  days: number,
  micros: number,
): void {
  const total = days * DAY_MICROS + micros;
  out.int64(
    Number.isSafeInteger(total)
      ? BigInt(total)
      : BigInt(days) * BIG_DAY_MICROS + BigInt(micros),
  );
}
