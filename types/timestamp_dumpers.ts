/**
 * What sends Temporal.PlainDateTime as `timestamp`, and Temporal.Instant,
 * Temporal.ZonedDateTime and Date as `timestamptz`. A zone is not sent: the
 * type has none, and the instant is what counts.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { clockMicros } from "./datetime_clock.ts";
import {
  checkDumpable,
  DAY_MICROS,
  dayNumber,
  Moment,
  setBigMicros,
  setCivil,
  toIso,
  UNIX_DAY,
  UNIX_TO_PG_MICROS,
  writeMicros,
} from "./datetime_parts.ts";
import { formatClock, formatDate, formatEra } from "./datetime_text.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { OID } from "./oids.ts";

/** Day number and microseconds in ISO style, with `zone` behind the time. */
function format(moment: Moment, zone: string): string {
  setCivil(moment);
  const { year, month, day, micros } = moment;
  return `${formatDate(year, month, day)} ${formatClock(micros)}${zone}${
    formatEra(year)
  }`;
}

/** The values that stand for a point in time, whatever clocks show. */
export type InstantLike = Temporal.Instant | Temporal.ZonedDateTime | Date;

function readPlain(value: Temporal.PlainDateTime): Moment {
  const iso = value.calendarId === "iso8601"
    ? value
    : toIso(value, "timestamp", "PlainDateTime");
  const moment = new Moment();
  moment.days = dayNumber(iso.year, iso.month, iso.day);
  moment.micros = clockMicros(iso, "timestamp");
  if (moment.micros === DAY_MICROS) {
    moment.days++;
    moment.micros = 0;
  }
  checkDumpable(moment.days, "timestamp");
  return moment;
}

function readInstant(value: InstantLike): Moment {
  const moment = new Moment();
  if (value instanceof Date) readMillis(value.getTime(), moment);
  else readNanos(value.epochNanoseconds, moment);
  checkDumpable(moment.days, "timestamptz");
  return moment;
}

function readMillis(millis: number, moment: Moment): void {
  if (Number.isNaN(millis)) {
    throw new DataError("Cannot send a Date: it is an invalid date");
  }
  const days = Math.floor(millis / 86_400_000);
  moment.days = days + UNIX_DAY;
  moment.micros = (millis - days * 86_400_000) * 1000;
}

/** Rounds as plain times are rounded: to the nearest microsecond, half of one up. */
function readNanos(exact: bigint, moment: Moment): void {
  if (typeof exact !== "bigint") throw unsuitable("timestamptz");
  const nanos = exact + 500n;
  let micros = nanos / 1000n;
  if (micros * 1000n > nanos) micros--;
  setBigMicros(moment, micros - UNIX_TO_PG_MICROS);
}

/** Sends a Temporal.PlainDateTime as the text of a timestamp, in ISO style. */
export class PlainDateTimeTextDumper
  extends TextDumper<Temporal.PlainDateTime> {
  /** `timestamp`. */
  override readonly oid: number = OID.TIMESTAMP;
  /** `timestamp`. */
  override readonly cast: string = "timestamp";

  /** The timestamp in ISO style. */
  override text(value: Temporal.PlainDateTime): string {
    return format(readPlain(value), "");
  }
}

/** Sends a Temporal.PlainDateTime as the eight bytes of a timestamp. */
export class PlainDateTimeBinaryDumper
  extends BinaryDumper<Temporal.PlainDateTime> {
  /** `timestamp`. */
  override readonly oid: number = OID.TIMESTAMP;
  /** `timestamp`. */
  override readonly cast: string = "timestamp";

  /** Appends the microseconds since 2000. */
  override dump(value: Temporal.PlainDateTime, out: WriteBuffer): void {
    const { days, micros } = readPlain(value);
    writeMicros(out, days, micros);
  }

  /** The timestamp in ISO style. */
  override text(value: Temporal.PlainDateTime): string {
    return format(readPlain(value), "");
  }
}

/** Sends instants, with a zone or without, and Dates as the text of a timestamptz. */
export class TimestamptzTextDumper extends TextDumper<InstantLike> {
  /** `timestamptz`. */
  override readonly oid: number = OID.TIMESTAMPTZ;
  /** `timestamptz`. */
  override readonly cast: string = "timestamptz";

  /**
   * The instant in ISO style, in UTC.
   *
   * @throws {DataError} If it is an invalid Date, or before 4714 BC.
   */
  override text(value: InstantLike): string {
    return format(readInstant(value), "+00");
  }
}

/** Sends instants, with a zone or without, and Dates as the bytes of a timestamptz. */
export class TimestamptzBinaryDumper extends BinaryDumper<InstantLike> {
  /** `timestamptz`. */
  override readonly oid: number = OID.TIMESTAMPTZ;
  /** `timestamptz`. */
  override readonly cast: string = "timestamptz";

  /**
   * Appends the microseconds since 2000.
   *
   * @throws {DataError} If it is an invalid Date, or before 4714 BC.
   */
  override dump(value: InstantLike, out: WriteBuffer): void {
    const { days, micros } = readInstant(value);
    writeMicros(out, days, micros);
  }

  /**
   * The instant in ISO style, in UTC.
   *
   * @throws {DataError} If it is an invalid Date, or before 4714 BC.
   */
  override text(value: InstantLike): string {
    return format(readInstant(value), "+00");
  }
}
