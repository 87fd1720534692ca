/**
 * {@linkcode Interval}: the value that stands for PostgreSQL's `interval`. How
 * it travels is in `interval.ts`.
 *
 * @module
 */

import { DataError, NotSupportedError } from "../errors/base.ts";
import { findTemporal, MAX_INT64, MIN_INT64 } from "./datetime_parts.ts";
import { formatFraction } from "./datetime_text.ts";

const MAX_INT32 = 0x7fff_ffff;
const MIN_INT32 = -0x8000_0000;

/**
 * A span of time as PostgreSQL keeps it: months, days and microseconds, none of
 * which is a fixed number of the others, and each with a sign of its own. It
 * cannot be changed.
 *
 * @example A span with parts of different sign
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const [row] = await conn.execute("select interval '1 month -1 day' as span").fetchAll();
 * console.log(row?.span); // Interval { months: 1, days: -1, microseconds: 0n }
 * ```
 */
export class Interval {
  /** Months; a year has 12. */
  readonly months: number;
  /** Days. */
  readonly days: number;
  /** Microseconds. */
  readonly microseconds: bigint;

  /**
   * Puts an interval together of its parts.
   *
   * @param months Months, within the range of int4.
   * @param days Days, within the range of int4.
   * @param microseconds Microseconds, within the range of int8.
   * @throws {RangeError} If a part is out of range, or not a whole number.
   */
  constructor(months = 0, days = 0, microseconds = 0n) {
    if (
      !isInt32(months) || !isInt32(days) ||
      microseconds < MIN_INT64 || microseconds > MAX_INT64
    ) {
      throw new RangeError(
        "Cannot make an Interval: months and days must be whole numbers of 32 bits, microseconds of 64",
      );
    }
    // Adding 0 turns -0, which is equal but not the same, into 0.
    this.months = months + 0;
    this.days = days + 0;
    this.microseconds = microseconds;
    Object.freeze(this);
  }

  /**
   * Takes over a Temporal.Duration: years as 12 months, weeks as 7 days, and
   * what is below a day as microseconds, rounded to the nearest, half of one
   * away from zero, as Temporal's `round()` does.
   *
   * @param duration The duration.
   * @returns The interval.
   * @throws {DataError} If PostgreSQL cannot hold it.
   */
  static fromDuration(duration: Temporal.Duration): Interval {
    const months = duration.years * 12 + duration.months;
    const days = duration.weeks * 7 + duration.days;
    const nanos = BigInt(duration.hours) * 3_600_000_000_000n +
      BigInt(duration.minutes) * 60_000_000_000n +
      BigInt(duration.seconds) * 1_000_000_000n +
      BigInt(duration.milliseconds) * 1_000_000n +
      BigInt(duration.microseconds) * 1000n +
      BigInt(duration.nanoseconds);
    const micros = (nanos + (nanos < 0n ? -500n : 500n)) / 1000n;
    if (
      !isInt32(months) || !isInt32(days) ||
      BigInt.asIntN(64, micros) !== micros
    ) {
      throw new DataError(
        "Cannot make an Interval of a Temporal.Duration: it passes the range of PostgreSQL",
      );
    }
    return new Interval(months, days, micros);
  }

  /**
   * The same span as a Temporal.Duration, nothing rounded: years and months,
   * days, and hours down to microseconds.
   *
   * @returns The duration.
   * @throws {RangeError} If the parts have different signs, which a Duration
   * does not allow.
   * @throws {NotSupportedError} Without Temporal.
   */
  toDuration(): Temporal.Duration {
    const Duration = findTemporal()?.Duration;
    if (Duration === undefined) {
      throw new NotSupportedError(
        "Cannot make a Temporal.Duration: this runtime has no Temporal",
      );
    }
    const { months, days, microseconds } = this;
    const seconds = Number(microseconds / 1_000_000n);
    const fraction = Number(microseconds % 1_000_000n);
    const signs = [months, days, seconds || fraction].map(Math.sign);
    if (signs.includes(1) && signs.includes(-1)) {
      throw new RangeError(
        "Cannot make a Temporal.Duration: the parts of the interval have different signs; toApproximateDays() adds them up",
      );
    }
    return new Duration(
      Math.trunc(months / 12) + 0,
      months % 12 + 0,
      0,
      days,
      Math.trunc(seconds / 3600) + 0,
      Math.trunc(seconds / 60) % 60 + 0,
      seconds % 60 + 0,
      Math.trunc(fraction / 1000) + 0,
      fraction % 1000 + 0,
    );
  }

  /**
   * The span as a number of days: 365 for each twelve months, 30 for each month
   * that is left, and the time as a fraction of a day.
   *
   * @returns The days, rounded to what a number can hold.
   */
  toApproximateDays(): number {
    return Math.trunc(this.months / 12) * 365 + this.months % 12 * 30 +
      this.days + Number(this.microseconds) / 86_400_000_000;
  }

  /**
   * Whether the other has the same months, days and microseconds. PostgreSQL
   * itself calls a month equal to 30 days; this does not.
   *
   * @param other Any value.
   * @returns Whether all parts are equal.
   */
  equals(other: unknown): boolean {
    return other instanceof Interval && this.months === other.months &&
      this.days === other.days && this.microseconds === other.microseconds;
  }

  /**
   * The interval as PostgreSQL writes it, with `IntervalStyle` at its default.
   *
   * @returns For example `1 year 2 mons -3 days +04:05:06.5`.
   */
  toString(): string {
    let text = "";
    let afterNegative = false;
    const units: [number, string][] = [
      [Math.trunc(this.months / 12), "year"],
      [this.months % 12, "mon"],
      [this.days, "day"],
    ];
    for (const [count, unit] of units) {
      if (count === 0) continue;
      // After a negative part a positive one has a sign, so that all readers
      // take it as positive.
      text += `${text && " "}${afterNegative && count > 0 ? "+" : ""}${count} ${
        count === 1 ? unit : `${unit}s`
      }`;
      afterNegative = count < 0;
    }
    if (this.microseconds === 0n && text !== "") return text;
    const sign = this.microseconds < 0n ? "-" : afterNegative ? "+" : "";
    return `${text && `${text} `}${sign}${formatHours(this.microseconds)}`;
  }

  /**
   * The interval as PostgreSQL writes it, for `JSON.stringify`.
   *
   * @returns The same as {@linkcode Interval.toString}.
   */
  toJSON(): string {
    return this.toString();
  }
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= MIN_INT32 && value <= MAX_INT32;
}

/** Microseconds as hours, which may be many, minutes and seconds, without a sign. */
function formatHours(microseconds: bigint): string {
  const micros = microseconds < 0n ? -microseconds : microseconds;
  const seconds = Number(micros / 1_000_000n);
  const two = (value: number): string =>
    String(Math.floor(value)).padStart(2, "0");
  return `${two(seconds / 3600)}:${two(seconds / 60 % 60)}:${
    two(seconds % 60)
  }${formatFraction(Number(micros % 1_000_000n))}`;
}
