/**
 * Times of day between bytes, numbers and Temporal: what `time` and `timetz`
 * share, and what timestamps take from it.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import { DAY_MICROS, malformed, missingTemporal } from "./datetime_parts.ts";
import { unsuitable } from "./dumper.ts";

/** What a clock shows, as Temporal's plain classes give it. */
export interface ClockFields {
  /** Hour, 0 to 23. */
  readonly hour: number;
  /** Minute, 0 to 59. */
  readonly minute: number;
  /** Second, 0 to 59. */
  readonly second: number;
  /** Millisecond, 0 to 999. */
  readonly millisecond: number;
  /** Microsecond, 0 to 999. */
  readonly microsecond: number;
  /** Nanosecond, 0 to 999. */
  readonly nanosecond: number;
}

/**
 * The time of day in microseconds. Nanoseconds are rounded to the nearest
 * microsecond, half of one up, as Temporal's `round()` does.
 *
 * @param time The time of day.
 * @param type The name of the type, for errors.
 * @returns 0 to 86 400 000 000; the latter only by rounding up.
 * @throws {DataError} If the value is of some other class.
 */
export function clockMicros(time: ClockFields, type: string): number {
  const micros =
    (time.hour * 3600 + time.minute * 60 + time.second) * 1_000_000 +
    time.millisecond * 1000 + time.microsecond +
    (time.nanosecond >= 500 ? 1 : 0);
  if (Number.isNaN(micros)) throw unsuitable(type);
  return micros;
}

/** The class for times of day, where there is Temporal. */
export type PlainTimeClass = typeof Temporal.PlainTime | undefined;

/**
 * Makes the time of day that was read.
 *
 * @param PlainTime The class.
 * @param micros Microseconds since midnight.
 * @param type The name of the type, for errors.
 * @returns The time of day.
 * @throws {DataError} If it is 24:00.
 * @throws {NotSupportedError} Without Temporal.
 */
export function makeTime(
  PlainTime: PlainTimeClass,
  micros: number,
  type: string,
): Temporal.PlainTime {
  if (PlainTime === undefined) throw missingTemporal(type);
  if (micros >= DAY_MICROS) {
    throw new DataError(
      `Cannot load a ${type}: Temporal.PlainTime has no 24:00; registerDateTimeText() loads any value as text`,
    );
  }
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  return new PlainTime(
    seconds / 3600 | 0,
    (seconds / 60 | 0) % 60,
    seconds % 60,
    fraction / 1000 | 0,
    fraction % 1000,
  );
}

/**
 * Reads the eight bytes of a time of day.
 *
 * @param view The memory.
 * @param at Where the bytes start.
 * @param type The name of the type, for errors.
 * @returns Microseconds since midnight, up to a whole day.
 * @throws {DataError} If it is not within a day.
 */
export function readClock(view: DataView, at: number, type: string): number {
  const micros = view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
  if (micros >= 0 && micros <= DAY_MICROS) return micros;
  throw malformed(type, "it is not within a day");
}
