/**
 * `timetz` as {@linkcode TimeTz}, since Temporal has no time of day with an
 * offset. `time` is in `time.ts`, which registers both.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Loader, LoaderClass } from "./adapt.ts";
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
  Moment,
  writeMicros,
} from "./datetime_parts.ts";
import { formatClock, formatOffset, MomentText } from "./datetime_text.ts";
import { BinaryDumper, TextDumper, unsuitable } from "./dumper.ts";
import { OID } from "./oids.ts";

/** PostgreSQL has offsets below 16 hours. */
const OFFSET_LIMIT = 16 * 3600;

/**
 * A time of day with an offset from UTC: PostgreSQL's `timetz`. It cannot be
 * changed.
 *
 * @example A time that knows how far it is from UTC
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const [row] = await conn.execute("select '18:30+02'::timetz as ends").fetchAll();
 * console.log(String(row?.ends)); // "18:30:00+02"
 * ```
 */
export class TimeTz {
  /** The time that a clock at that offset shows. */
  readonly time: Temporal.PlainTime;
  /** Seconds east of Greenwich. */
  readonly offsetSeconds: number;

  /**
   * Puts a time together with its offset.
   *
   * @param time The time that a clock at that offset shows.
   * @param offsetSeconds Seconds east of Greenwich.
   * @throws {RangeError} If the offset is not a whole number of seconds below 16 hours.
   */
  constructor(time: Temporal.PlainTime, offsetSeconds: number) {
    if (
      !Number.isInteger(offsetSeconds) ||
      Math.abs(offsetSeconds) >= OFFSET_LIMIT
    ) {
      throw new RangeError(
        `Cannot make a TimeTz: the offset must be a whole number of seconds below 16 hours, and is ${offsetSeconds}`,
      );
    }
    this.time = time;
    // Adding 0 turns -0, which is equal but not the same, into 0.
    this.offsetSeconds = offsetSeconds + 0;
    Object.freeze(this);
  }

  /**
   * Reads a time with an offset, for example `18:30:00.5+02:00` or `18:30:00Z`.
   *
   * @param text The time, with seconds, and the offset.
   * @returns The time.
   * @throws {DataError} If it is not that; a zone with a name is not, because
   * its offset depends on the date.
   * @throws {NotSupportedError} Without Temporal.
   */
  static from(text: string): TimeTz {
    const moment = new MomentText();
    const bytes = new TextEncoder().encode(text.replace(/Z$/, "+00"));
    moment.open(bytes, 0, bytes.length);
    if (!takeTimeTz(moment)) {
      throw new DataError(
        "Cannot read a time with an offset: it must be HH:MM:SS and an offset in hours, minutes and seconds; " +
          "the offset of a zone with a name depends on the date",
      );
    }
    return makeTimeTz(findTemporal()?.PlainTime, moment);
  }

  /**
   * Whether the other is the same time at the same offset.
   *
   * @param other Any value.
   * @returns Whether both parts are equal.
   */
  equals(other: unknown): boolean {
    return other instanceof TimeTz &&
      this.offsetSeconds === other.offsetSeconds &&
      this.time.equals(other.time);
  }

  /**
   * The time as PostgreSQL writes it.
   *
   * @returns For example `18:30:00+02`.
   */
  toString(): string {
    return formatClock(clockMicros(this.time, "timetz")) +
      formatOffset(this.offsetSeconds);
  }

  /**
   * The time as PostgreSQL writes it, for `JSON.stringify`.
   *
   * @returns For example `18:30:00+02`.
   */
  toJSON(): string {
    return this.toString();
  }
}

function makeTimeTz(PlainTime: PlainTimeClass, moment: Moment): TimeTz {
  const time = makeTime(PlainTime, moment.micros, "timetz");
  if (Math.abs(moment.offset) >= OFFSET_LIMIT) {
    throw malformed("timetz", "its offset is 16 hours or more");
  }
  return new TimeTz(time, moment.offset);
}

function takeTimeTz(moment: MomentText): boolean {
  return moment.takeClock() && moment.takeOffset() && moment.isDone;
}

/** Reads times with an offset from text. */
export class TimeTzTextLoader implements Loader<TimeTz> {
  /** Text. */
  static readonly format: Format = Format.TEXT;
  readonly #PlainTime: PlainTimeClass = findTemporal()?.PlainTime;
  readonly #moment = new MomentText();

  /**
   * Reads a time with an offset.
   *
   * @throws {DataError} If it is 24:00.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): TimeTz {
    this.#moment.open(source.bytes, start, end);
    if (!takeTimeTz(this.#moment)) {
      throw malformed(
        "timetz",
        "the text that came is not a time of day with an offset",
      );
    }
    return makeTimeTz(this.#PlainTime, this.#moment);
  }
}

/** Reads times with an offset from their twelve bytes. */
export class TimeTzBinaryLoader implements Loader<TimeTz> {
  /** Binary. */
  static readonly format: Format = Format.BINARY;
  /** The loader of text that gives equal values. */
  static readonly twin: LoaderClass = TimeTzTextLoader;
  readonly #PlainTime: PlainTimeClass = findTemporal()?.PlainTime;
  readonly #moment = new Moment();

  /**
   * Reads a time with an offset.
   *
   * @throws {DataError} If it is 24:00.
   * @throws {NotSupportedError} Without Temporal.
   */
  load(source: ReadBuffer, start: number, end: number): TimeTz {
    checkLength("timetz", end - start, 12);
    this.#moment.micros = readClock(source.view, start, "timetz");
    // On the wire the offset counts to the west; `0 -` keeps UTC from being -0.
    this.#moment.offset = 0 - source.view.getInt32(start + 8);
    return makeTimeTz(this.#PlainTime, this.#moment);
  }
}

/** Sends a {@linkcode TimeTz} as the text of a timetz. */
export class TimeTzTextDumper extends TextDumper<TimeTz> {
  /** `timetz`. */
  override readonly oid: number = OID.TIMETZ;
  /** `timetz`. */
  override readonly cast: string = "timetz";

  /** The time with its offset. */
  override text(value: TimeTz): string {
    if (!(value instanceof TimeTz)) throw unsuitable("timetz");
    return value.toString();
  }
}

/** Sends a {@linkcode TimeTz} as the twelve bytes of a timetz. */
export class TimeTzBinaryDumper extends BinaryDumper<TimeTz> {
  /** `timetz`. */
  override readonly oid: number = OID.TIMETZ;
  /** `timetz`. */
  override readonly cast: string = "timetz";

  /** Appends microseconds since midnight and the offset to the west. */
  override dump(value: TimeTz, out: WriteBuffer): void {
    if (!(value instanceof TimeTz)) throw unsuitable("timetz");
    writeMicros(out, 0, clockMicros(value.time, "timetz"));
    out.int32(-value.offsetSeconds);
  }

  /** The time with its offset. */
  override text(value: TimeTz): string {
    if (!(value instanceof TimeTz)) throw unsuitable("timetz");
    return value.toString();
  }
}
