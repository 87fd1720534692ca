/**
 * `date`: Temporal.PlainDate in both directions and formats.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Adaptation, Loader, LoaderClass, Registrar } from "./adapt.ts";
import { Format } from "./adapt.ts";
import {
  checkDumpable,
  checkLoadable,
  dayNumber,
  findTemporal,
  missingTemporal,
  type Moment,
  setCivil,
  toIso,
} from "./datetime_parts.ts";
import { DateBinaryReader, DateTextReader } from "./datetime_readers.ts";
import { formatDate, formatEra } from "./datetime_text.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { OID } from "./oids.ts";

type PlainDateClass = typeof Temporal.PlainDate | undefined;

/**
 * Makes the date that was read.
 *
 * @param PlainDate The class, where there is Temporal.
 * @param moment Its date and day number.
 * @returns The date.
 * @throws {DataError} If it is out of range.
 * @throws {NotSupportedError} Without Temporal.
 */
export function makeDate(
  PlainDate: PlainDateClass,
  moment: Moment,
): Temporal.PlainDate {
  checkLoadable(moment, "date", "Temporal.PlainDate");
  if (PlainDate === undefined) throw missingTemporal("date");
  return new PlainDate(moment.year, moment.month, moment.day);
}

/** Reads dates from text, whatever `DateStyle` is set to. */
export class DateTextLoader implements Loader<Temporal.PlainDate> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #PlainDate: PlainDateClass = findTemporal()?.PlainDate;
  readonly #reader: DateTextReader;

  /** A loader for the values of a session. */
  constructor(_oid: number, adaptation: Adaptation) {
    this.#reader = new DateTextReader(adaptation.session);
  }

  /**
   * Reads a date.
   *
   * @throws {DataError} If it is infinity, or beyond the year 275760.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.PlainDate {
    return makeDate(this.#PlainDate, this.#reader.read(source, start, end));
  }
}

/** Reads dates from their four bytes. */
export class DateBinaryLoader implements Loader<Temporal.PlainDate> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** The loader of text that gives equal values. */
  static readonly twin: LoaderClass = DateTextLoader;
  readonly #PlainDate: PlainDateClass = findTemporal()?.PlainDate;
  readonly #reader = new DateBinaryReader();

  /**
   * Reads a date.
   *
   * @throws {DataError} If it is infinity, or beyond the year 275760.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.PlainDate {
    const moment = this.#reader.read(source, start, end);
    setCivil(moment);
    return makeDate(this.#PlainDate, moment);
  }
}

/** A date in the calendar that PostgreSQL has. */
function isoDate(value: Temporal.PlainDate): Temporal.PlainDate {
  return value.calendarId === "iso8601"
    ? value
    : toIso(value, "date", "PlainDate");
}

function dateText(value: Temporal.PlainDate): string {
  const { year, month, day } = isoDate(value);
  checkDumpable(dayNumber(year, month, day), "date");
  return formatDate(year, month, day) + formatEra(year);
}

/** Sends a Temporal.PlainDate as the text of a date, in ISO style. */
export class PlainDateTextDumper extends TextDumper<Temporal.PlainDate> {
  /** `date`. */
  override readonly oid: number = OID.DATE;
  /** `date`. */
  override readonly cast: string = "date";

  /** The date in ISO style. */
  override text(value: Temporal.PlainDate): string {
    return dateText(value);
  }
}

/** Sends a Temporal.PlainDate as the four bytes of a date. */
export class PlainDateBinaryDumper extends BinaryDumper<Temporal.PlainDate> {
  /** `date`. */
  override readonly oid: number = OID.DATE;
  /** `date`. */
  override readonly cast: string = "date";

  /** Appends the day number. */
  override dump(value: Temporal.PlainDate, out: WriteBuffer): void {
    const { year, month, day } = isoDate(value);
    const days = dayNumber(year, month, day);
    checkDumpable(days, "date");
    out.int32(days);
  }

  /** The date in ISO style. */
  override text(value: Temporal.PlainDate): string {
    return dateText(value);
  }
}

/**
 * Registers what loads `date`, and dumps Temporal.PlainDate where there is
 * Temporal. Binary comes last, so that it is what `%s` takes.
 *
 * @param map Where to register.
 */
export function registerDate(map: Registrar): void {
  map.registerLoader(OID.DATE, DateTextLoader);
  map.registerLoader(OID.DATE, DateBinaryLoader);
  const PlainDate = findTemporal()?.PlainDate;
  if (PlainDate === undefined) return;
  map.registerDumper(PlainDate, PlainDateTextDumper);
  map.registerDumper(PlainDate, PlainDateBinaryDumper);
}
