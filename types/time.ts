/**
 * `time`: Temporal.PlainTime in both directions and formats. Its sibling with
 * an offset is in `timetz.ts`.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Loader, LoaderClass, Registrar } from "./adapt.ts";
import { Format } from "./adapt.ts";
import {
  clockMicros,
  makeTime,
  type PlainTimeClass,
  readClock,
} from "./datetime_clock.ts";
import {
  checkLength,
  findTemporal,
  malformed,
  writeMicros,
} from "./datetime_parts.ts";
import { formatClock, MomentText } from "./datetime_text.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { OID } from "./oids.ts";
import {
  TimeTz,
  TimeTzBinaryDumper,
  TimeTzBinaryLoader,
  TimeTzTextDumper,
  TimeTzTextLoader,
} from "./timetz.ts";

/** Reads times of day from text. */
export class TimeTextLoader implements Loader<Temporal.PlainTime> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #PlainTime: PlainTimeClass = findTemporal()?.PlainTime;
  readonly #moment = new MomentText();

  /**
   * Reads a time of day.
   *
   * @throws {DataError} If it is 24:00.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.PlainTime {
    const moment = this.#moment;
    moment.open(source.bytes, start, end);
    if (!moment.takeClock() || !moment.isDone) {
      throw malformed("time", "the text that came is not a time of day");
    }
    return makeTime(this.#PlainTime, moment.micros, "time");
  }
}

/** Reads times of day from their eight bytes. */
export class TimeBinaryLoader implements Loader<Temporal.PlainTime> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** The loader of text that gives equal values. */
  static readonly twin: LoaderClass = TimeTextLoader;
  readonly #PlainTime: PlainTimeClass = findTemporal()?.PlainTime;

  /**
   * Reads a time of day.
   *
   * @throws {DataError} If it is 24:00.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): Temporal.PlainTime {
    checkLength("time", end - start, 8);
    const micros = readClock(source.view, start, "time");
    return makeTime(this.#PlainTime, micros, "time");
  }
}

/** Sends a Temporal.PlainTime as the text of a time. */
export class PlainTimeTextDumper extends TextDumper<Temporal.PlainTime> {
  /** `time`. */
  override readonly oid: number = OID.TIME;
  /** `time`. */
  override readonly cast: string = "time";

  /** The time; 24:00:00 if rounding to microseconds passes midnight. */
  override text(value: Temporal.PlainTime): string {
    return formatClock(clockMicros(value, "time"));
  }
}

/** Sends a Temporal.PlainTime as the eight bytes of a time. */
export class PlainTimeBinaryDumper extends BinaryDumper<Temporal.PlainTime> {
  /** `time`. */
  override readonly oid: number = OID.TIME;
  /** `time`. */
  override readonly cast: string = "time";

  /** Appends the microseconds since midnight. */
  override dump(value: Temporal.PlainTime, out: WriteBuffer): void {
    writeMicros(out, 0, clockMicros(value, "time"));
  }

  /** The time; 24:00:00 if rounding to microseconds passes midnight. */
  override text(value: Temporal.PlainTime): string {
    return formatClock(clockMicros(value, "time"));
  }
}

/**
 * Registers what loads `time` and `timetz`, and dumps {@linkcode TimeTz}, and
 * Temporal.PlainTime where there is Temporal. Binary comes last, so that it is
 * what `%s` takes.
 *
 * @param map Where to register.
 */
export function registerTime(map: Registrar): void {
  map.registerLoader(OID.TIME, TimeTextLoader);
  map.registerLoader(OID.TIME, TimeBinaryLoader);
  map.registerLoader(OID.TIMETZ, TimeTzTextLoader);
  map.registerLoader(OID.TIMETZ, TimeTzBinaryLoader);
  map.registerDumper(TimeTz, TimeTzTextDumper);
  map.registerDumper(TimeTz, TimeTzBinaryDumper);
  const PlainTime = findTemporal()?.PlainTime;
  if (PlainTime === undefined) return;
  map.registerDumper(PlainTime, PlainTimeTextDumper);
  map.registerDumper(PlainTime, PlainTimeBinaryDumper);
}
