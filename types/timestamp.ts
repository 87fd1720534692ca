/**
 * `timestamp` as Temporal.PlainDateTime and `timestamptz` as Temporal.Instant.
 * Instant, Temporal.ZonedDateTime and Date are dumped as `timestamptz`; how is
 * in `timestamp_dumpers.ts`.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { Adaptation, Loader, LoaderClass, Registrar } from "./adapt.ts";
import { Format } from "./adapt.ts";
import {
  checkLoadable,
  DAY_MICROS,
  findTemporal,
  missingTemporal,
  type Moment,
  setCivil,
  UNIX_DAY,
} from "./datetime_parts.ts";
import {
  TimestampBinaryReader,
  TimestampTextReader,
  TimestamptzBinaryReader,
  TimestamptzTextReader,
} from "./datetime_readers.ts";
import { OID } from "./oids.ts";
import {
  PlainDateTimeBinaryDumper,
  PlainDateTimeTextDumper,
  TimestamptzBinaryDumper,
  TimestamptzTextDumper,
} from "./timestamp_dumpers.ts";

type PlainDateTimeClass = typeof Temporal.PlainDateTime | undefined;

/**
 * Makes the timestamp that was read.
 *
 * @param PlainDateTime The class, where there is Temporal.
 * @param moment Its date, day number and time.
 * @returns The timestamp.
 * @throws {DataError} If it is out of range.
 * @throws {NotSupportedError} Without Temporal.
 */
export function makePlainDateTime(
  PlainDateTime: PlainDateTimeClass,
  moment: Moment,
): Temporal.PlainDateTime {
  checkLoadable(moment, "timestamp", "Temporal.PlainDateTime");
  if (PlainDateTime === undefined) throw missingTemporal("timestamp");
  const { year, month, day, micros } = moment;
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  return new PlainDateTime(
    year,
    month,
    day,
    seconds / 3600 | 0,
    (seconds / 60 | 0) % 60,
    seconds % 60,
    fraction / 1000 | 0,
    fraction % 1000,
  );
}

/** Reads timestamps from text, whatever `DateStyle` is set to. */
export class TimestampTextLoader implements Loader<Temporal.PlainDateTime> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #PlainDateTime: PlainDateTimeClass = findTemporal()?.PlainDateTime;
  readonly #reader: TimestampTextReader;

  /** A loader for the values of a session. */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#reader = new TimestampTextReader(adaptation.session);
  }

  /**
   * Reads a timestamp.
   *
   * @throws {DataError} If it is infinity, or beyond the year 275760.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.PlainDateTime {
    return makePlainDateTime(
      this.#PlainDateTime,
      this.#reader.read(source, start, end),
    );
  }
}

/** Reads timestamps from their eight bytes. */
export class TimestampBinaryLoader implements Loader<Temporal.PlainDateTime> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** The loader of text that gives equal values. */
  static readonly twin: LoaderClass = TimestampTextLoader;
  readonly #PlainDateTime: PlainDateTimeClass = findTemporal()?.PlainDateTime;
  readonly #reader = new TimestampBinaryReader();

  /**
   * Reads a timestamp.
   *
   * @throws {DataError} If it is infinity, or beyond the year 275760.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.PlainDateTime {
    const moment = this.#reader.read(source, start, end);
    setCivil(moment);
    return makePlainDateTime(this.#PlainDateTime, moment);
  }
}

type InstantClass = typeof Temporal.Instant | undefined;

/**
 * Makes the instant that was read.
 *
 * @param Instant The class, where there is Temporal.
 * @param moment Day number and time in UTC.
 * @returns The instant.
 * @throws {DataError} If it is out of range.
 * @throws {NotSupportedError} Without Temporal.
 */
export function makeInstant(
  Instant: InstantClass,
  moment: Moment,
): Temporal.Instant {
  checkLoadable(moment, "timestamptz", "Temporal.Instant");
  if (Instant === undefined) throw missingTemporal("timestamptz");
  return new Instant(epochNanos(moment));
}

/**
 * A moment in UTC as Temporal counts it.
 *
 * @param moment Its day number and time.
 * @returns Nanoseconds since 1970-01-01.
 */
export function epochNanos(moment: Moment): bigint {
  const days = moment.days - UNIX_DAY;
  const micros = days * DAY_MICROS + moment.micros;
  return Number.isSafeInteger(micros)
    ? BigInt(micros) * 1000n
    : BigInt(days) * DAY_NANOS + BigInt(moment.micros) * 1000n;
}

const DAY_NANOS = 86_400_000_000_000n;

/** Reads timestamps with time zone from text in ISO style. */
export class TimestamptzTextLoader implements Loader<Temporal.Instant> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #Instant: InstantClass = findTemporal()?.Instant;
  readonly #reader: TimestamptzTextReader;

  /** A loader for the values of a session. */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#reader = new TimestamptzTextReader(adaptation.session);
  }

  /**
   * Reads a timestamp with time zone.
   *
   * @throws {DataError} If it is infinity, or beyond the year 275760.
   * @throws {NotSupportedError} If `DateStyle` is not ISO, or without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.Instant {
    return makeInstant(this.#Instant, this.#reader.read(source, start, end));
  }
}

/** Reads timestamps with time zone from their eight bytes. */
export class TimestamptzBinaryLoader implements Loader<Temporal.Instant> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** The loader of text that gives equal values. */
  static readonly twin: LoaderClass = TimestamptzTextLoader;
  readonly #Instant: InstantClass = findTemporal()?.Instant;
  readonly #reader = new TimestamptzBinaryReader();

  /**
   * Reads a timestamp with time zone.
   *
   * @throws {DataError} If it is infinity, or beyond the year 275760.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.Instant {
    return makeInstant(this.#Instant, this.#reader.read(source, start, end));
  }
}

/**
 * Registers what loads `timestamp` and `timestamptz`, and dumps Date, and
 * Temporal's PlainDateTime, Instant and ZonedDateTime where there is Temporal.
 * Binary comes last, so that it is what `%s` takes.
 *
 * @param map Where to register.
 */
export function registerTimestamp(map: Registrar): void {
  map.registerLoader(OID.TIMESTAMP, TimestampTextLoader);
  map.registerLoader(OID.TIMESTAMP, TimestampBinaryLoader);
  map.registerLoader(OID.TIMESTAMPTZ, TimestamptzTextLoader);
  map.registerLoader(OID.TIMESTAMPTZ, TimestamptzBinaryLoader);
  map.registerDumper(Date, TimestamptzTextDumper);
  map.registerDumper(Date, TimestamptzBinaryDumper);
  const temporal = findTemporal();
  if (temporal === undefined) return;
  map.registerDumper(temporal.PlainDateTime, PlainDateTimeTextDumper);
  map.registerDumper(temporal.PlainDateTime, PlainDateTimeBinaryDumper);
  for (const key of [temporal.Instant, temporal.ZonedDateTime]) {
    map.registerDumper(key, TimestamptzTextDumper);
    map.registerDumper(key, TimestamptzBinaryDumper);
  }
}
