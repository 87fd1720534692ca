/**
 * From the bytes of a value to the {@linkcode Moment} it stands for, for each
 * type that has a date and in both formats. What becomes of the moment is up to
 * the loaders, of which there are several for a type.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { SessionState } from "./adapt.ts";
import {
  checkLength,
  DAY_MICROS,
  malformed,
  Moment,
  readMicros,
} from "./datetime_parts.ts";
import { StyleReader, unreadableZone } from "./datetime_styles.ts";
import { MomentText } from "./datetime_text.ts";

/** Reads values of one type in one format. */
export interface MomentReader {
  /**
   * Reads the value at `start..end`.
   *
   * @returns A moment that the next value will overwrite. Its `days` and, where
   * the type has a time, `micros` are set.
   * @throws {DataError} If it is not a value of the type.
   */
  read(source: ReadBuffer, start: number, end: number): Moment;
}

/** A class of readers. */
export interface MomentReaderClass {
  /** A reader for the values of a session. */
  new (session: SessionState): MomentReader;
}

/** Reads dates in any style. Sets year, month and day as well. */
export class DateTextReader implements MomentReader {
  readonly #moment = new MomentText();
  readonly #styles: StyleReader;

  /** @param session Where `DateStyle` is asked for. */
  constructor(session: SessionState) {
    this.#styles = new StyleReader(session);
  }

  /** Reads a date; infinity as an infinite day number. */
  read(source: ReadBuffer, start: number, end: number): Moment {
    const moment = this.#moment;
    moment.open(source.bytes, start, end);
    moment.takeEra();
    if (moment.takeDate() && moment.isDone) return moment;
    moment.open(source.bytes, start, end);
    if (moment.takeInfinity()) return moment;
    if (this.#styles.read(moment, source.text(start, end), "date") !== "") {
      throw malformed("date", "its text has a time of day");
    }
    return moment;
  }
}

/** Reads the four bytes of dates. */
export class DateBinaryReader implements MomentReader {
  readonly #moment = new Moment();

  /** Reads a date; infinity as an infinite day number. */
  read(source: ReadBuffer, start: number, end: number): Moment {
    checkLength("date", end - start, 4);
    const days = source.view.getInt32(start);
    this.#moment.days = days === 0x7fff_ffff
      ? Infinity
      : days === -0x8000_0000
      ? -Infinity
      : days;
    return this.#moment;
  }
}

/** Reads timestamps in any style. Sets year, month and day as well. */
export class TimestampTextReader implements MomentReader {
  readonly #moment = new MomentText();
  readonly #styles: StyleReader;

  /** @param session Where `DateStyle` is asked for. */
  constructor(session: SessionState) {
    this.#styles = new StyleReader(session);
  }

  /** Reads a timestamp; infinity as an infinite day number. */
  read(source: ReadBuffer, start: number, end: number): Moment {
    const moment = this.#moment;
    moment.open(source.bytes, start, end);
    moment.takeEra();
    if (
      moment.takeDate() && moment.takeSpace() && moment.takeClock() &&
      moment.isDone
    ) return moment;
    moment.open(source.bytes, start, end);
    if (moment.takeInfinity()) return moment;
    const text = source.text(start, end);
    const clock = ASCII.encode(this.#styles.read(moment, text, "timestamp"));
    moment.open(clock, 0, clock.length);
    if (moment.takeClock() && moment.isDone) return moment;
    throw malformed("timestamp", "its text has no time of day");
  }
}

const ASCII = new TextEncoder();

/** Reads the eight bytes of timestamps, with time zone or without. */
abstract class MicrosReader implements MomentReader {
  readonly #moment = new Moment();
  /** The name of the type. */
  protected abstract readonly type: string;

  /** Reads a timestamp; infinity as an infinite day number. */
  read(source: ReadBuffer, start: number, end: number): Moment {
    checkLength(this.type, end - start, 8);
    readMicros(source.view, start, this.#moment);
    return this.#moment;
  }
}

/** Reads the eight bytes of timestamps. */
export class TimestampBinaryReader extends MicrosReader {
  /** `timestamp`. */
  protected override readonly type: string = "timestamp";
}

/** Reads the eight bytes of timestamps with time zone, in UTC. */
export class TimestamptzBinaryReader extends MicrosReader {
  /** `timestamptz`. */
  protected override readonly type: string = "timestamptz";
}

/** Reads timestamps with time zone in ISO style, in UTC. */
export class TimestamptzTextReader implements MomentReader {
  readonly #moment = new MomentText();
  readonly #session: SessionState;

  /** @param session Where `DateStyle` is asked for, to say what is wrong. */
  constructor(session: SessionState) {
    this.#session = session;
  }

  /**
   * Reads a timestamp; infinity as an infinite day number.
   *
   * @throws {NotSupportedError} If it is in another style than ISO.
   */
  read(source: ReadBuffer, start: number, end: number): Moment {
    const moment = this.#moment;
    moment.open(source.bytes, start, end);
    moment.takeEra();
    if (moment.takeDate()) {
      if (
        moment.takeSpace() && moment.takeClock() && moment.takeOffset() &&
        moment.isDone
      ) return toUtc(moment);
      throw malformed("timestamptz", "its text has no time and offset");
    }
    moment.open(source.bytes, start, end);
    if (moment.takeInfinity()) return moment;
    throw unreadableZone(this.#session);
  }
}

function toUtc(moment: Moment): Moment {
  moment.micros -= moment.offset * 1_000_000;
  while (moment.micros < 0) {
    moment.micros += DAY_MICROS;
    moment.days--;
  }
  while (moment.micros >= DAY_MICROS) {
    moment.micros -= DAY_MICROS;
    moment.days++;
  }
  return moment;
}
