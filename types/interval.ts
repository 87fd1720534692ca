/**
 * `interval` as {@linkcode Interval} in both directions and formats; a
 * Temporal.Duration is dumped as one too. The class is in `interval_value.ts`.
 *
 * @module
 */

import { DataError, NotSupportedError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type {
  Adaptation,
  Loader,
  LoaderClass,
  Registrar,
  SessionState,
} from "./adapt.ts";
import { Format } from "./adapt.ts";
import {
  checkLength,
  findTemporal,
  malformed,
  MAX_INT64,
  MIN_INT64,
} from "./datetime_parts.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { IntervalText } from "./interval_text.ts";
import { Interval } from "./interval_value.ts";
import { OID } from "./oids.ts";

/**
 * Since PostgreSQL 17 an interval can be infinite: all three parts at the same
 * end of their range.
 *
 * @param months Months.
 * @param days Days.
 * @param microseconds Microseconds.
 * @returns ±Infinity, or 0 for any other interval.
 */
export function infinityOf(
  months: number,
  days: number,
  microseconds: bigint,
): number {
  if (months === 0x7fff_ffff && days === months) {
    return microseconds === MAX_INT64 ? Infinity : 0;
  }
  return months === -0x8000_0000 && days === months &&
      microseconds === MIN_INT64
    ? -Infinity
    : 0;
}

/**
 * Reads an interval from text.
 *
 * @param text The reader, opened on the value.
 * @param session Where `IntervalStyle` is asked for.
 * @returns The interval, or ±Infinity.
 * @throws {DataError} If a part is out of range.
 * @throws {NotSupportedError} If `IntervalStyle` is not `postgres`.
 */
export function readIntervalText(
  text: IntervalText,
  session: SessionState,
): Interval | number {
  const style = session.parameterStatus("IntervalStyle");
  if ((style === null || style === "postgres") && text.takeInterval()) {
    const { months, days, microseconds } = text;
    return text.infinity || new Interval(months, days, microseconds);
  }
  if (style === "postgres") {
    throw malformed(
      "interval",
      'its text does not fit the IntervalStyle "postgres" that the server reported last',
    );
  }
  throw new NotSupportedError(
    `Cannot load an interval from text: its IntervalStyle is ${
      style === null ? "not known" : `"${style}"`
    }; set IntervalStyle to postgres, or fetch results in binary`,
  );
}

/**
 * Reads an interval's sixteen bytes.
 *
 * @param source The bytes.
 * @param start Where they start.
 * @param end Where they end.
 * @returns The interval, or ±Infinity.
 * @throws {DataError} If they are not sixteen.
 */
export function readIntervalBinary(
  source: ReadBuffer,
  start: number,
  end: number,
): Interval | number {
  checkLength("interval", end - start, 16);
  const microseconds = source.view.getBigInt64(start);
  const days = source.view.getInt32(start + 8);
  const months = source.view.getInt32(start + 12);
  return infinityOf(months, days, microseconds) ||
    new Interval(months, days, microseconds);
}

function finite(value: Interval | number): Interval {
  if (typeof value !== "number") return value;
  throw new DataError(
    `Cannot load an interval: interval too ${
      value < 0 ? "small" : "large"
    } (infinity) for Interval; registerInfinity() loads infinity as a number, and registerDateTimeText() loads any value as text`,
  );
}

/** Reads intervals from text with `IntervalStyle` at its default, `postgres`. */
export class IntervalTextLoader implements Loader<Interval> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #text = new IntervalText();
  readonly #session: SessionState;

  /** A loader for the values of a session. */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#session = adaptation.session;
  }

  /**
   * Reads an interval.
   *
   * @throws {DataError} If it is infinite.
   * @throws {NotSupportedError} If `IntervalStyle` is not `postgres`.
   */
  load(source: ReadBuffer, start: number, end: number): Interval {
    this.#text.open(source.bytes, start, end);
    return finite(readIntervalText(this.#text, this.#session));
  }
}

/** Reads intervals from their sixteen bytes. */
export class IntervalBinaryLoader implements Loader<Interval> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** The loader of text that gives equal values. */
  static readonly twin: LoaderClass = IntervalTextLoader;

  /**
   * Reads an interval.
   *
   * @throws {DataError} If it is infinite.
   */
  load(source: ReadBuffer, start: number, end: number): Interval {
    return finite(readIntervalBinary(source, start, end));
  }
}

/** A value as an interval that means the same to every version of the server. */
function toInterval(value: Interval | Temporal.Duration): Interval {
  if (value instanceof Interval) {
    if (infinityOf(value.months, value.days, value.microseconds) === 0) {
      return value;
    }
    throw new DataError(
      'Cannot send an Interval: since PostgreSQL 17 these parts mean infinity; send the text "infinity" for that',
    );
  }
  const Duration = findTemporal()?.Duration;
  if (Duration === undefined || !(value instanceof Duration)) {
    throw unsuitable("interval");
  }
  return Interval.fromDuration(value);
}

/** The interval as PostgreSQL writes it, but for the one that it could not read back. */
function textOf(value: Interval): string {
  const { months, days, microseconds } = value;
  if (microseconds !== MIN_INT64) return value.toString();
  const signed = (part: number): string => part < 0 ? `${part}` : `+${part}`;
  return `${signed(months)} mons ${signed(days)} days ${microseconds} us`;
}

/** Sends an {@linkcode Interval} or a Temporal.Duration as the text of an interval. */
export class IntervalTextDumper
  extends TextDumper<Interval | Temporal.Duration> {
  /** `interval`. */
  override readonly oid: number = OID.INTERVAL;
  /** `interval`. */
  override readonly cast: string = "interval";

  /** The interval as PostgreSQL reads it in every `IntervalStyle`. */
  override text(value: Interval | Temporal.Duration): string {
    return textOf(toInterval(value));
  }
}

/** Sends an {@linkcode Interval} or a Temporal.Duration as an interval's sixteen bytes. */
export class IntervalBinaryDumper
  extends BinaryDumper<Interval | Temporal.Duration> {
  /** `interval`. */
  override readonly oid: number = OID.INTERVAL;
  /** `interval`. */
  override readonly cast: string = "interval";

  /** Appends microseconds, days and months. */
  override dump(
    value: Interval | Temporal.Duration,
    out: WriteBuffer,
  ): void {
    const { months, days, microseconds } = toInterval(value);
    out.int64(microseconds);
    out.int32(days);
    out.int32(months);
  }

  /** The interval as PostgreSQL reads it in every `IntervalStyle`. */
  override text(value: Interval | Temporal.Duration): string {
    return textOf(toInterval(value));
  }
}

/**
 * Registers what loads `interval`, and dumps {@linkcode Interval}, and
 * Temporal.Duration where there is Temporal. Binary comes last, so that it is
 * what `%s` takes.
 *
 * @param map Where to register.
 */
export function registerInterval(map: Registrar): void {
  map.registerLoader(OID.INTERVAL, IntervalTextLoader);
  map.registerLoader(OID.INTERVAL, IntervalBinaryLoader);
  const Duration = findTemporal()?.Duration;
  for (const key of Duration ? [Duration, Interval] : [Interval]) {
    map.registerDumper(key, IntervalTextDumper);
    map.registerDumper(key, IntervalBinaryDumper);
  }
}
