/**
 * Loaders of dates and times that are there to be chosen instead of the default
 * ones: the server's text, infinity as a number, Date, and ZonedDateTime in the
 * zone of the session.
 *
 * @module
 */

import { NotSupportedError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type {
  Adaptation,
  Loader,
  LoaderClass,
  Registrar,
  SessionState,
} from "./adapt.ts";
import { Format } from "./adapt.ts";
import { makeDate } from "./date.ts";
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
  DateBinaryReader,
  DateTextReader,
  type MomentReaderClass,
  TimestampBinaryReader,
  TimestampTextReader,
  TimestamptzBinaryReader,
  TimestamptzTextReader,
} from "./datetime_readers.ts";
import { readIntervalBinary, readIntervalText } from "./interval.ts";
import { IntervalText } from "./interval_text.ts";
import type { Interval } from "./interval_value.ts";
import { OID } from "./oids.ts";
import { type RegistrarContext, registrarOf } from "./registrar.ts";
import { epochNanos, makeInstant, makePlainDateTime } from "./timestamp.ts";

/** The names of the date and time types. */
export type DateTimeType =
  | "date"
  | "time"
  | "timetz"
  | "timestamp"
  | "timestamptz"
  | "interval";

const OIDS: Readonly<Record<DateTimeType, number>> = {
  date: OID.DATE,
  time: OID.TIME,
  timetz: OID.TIMETZ,
  timestamp: OID.TIMESTAMP,
  timestamptz: OID.TIMESTAMPTZ,
  interval: OID.INTERVAL,
};

/** Gives a date or time as the text that the server wrote. */
export class DateTimeTextLoader implements Loader<string> {
  /** Text. */
  static readonly format: Format = Format.TEXT;

  /** The text, as `DateStyle`, `IntervalStyle` and `TimeZone` make it. */
  load(source: ReadBuffer, start: number, end: number): string {
    return source.text(start, end);
  }
}

/**
 * Loads date and time types as the text that the server writes, which holds
 * whatever PostgreSQL does: infinity, 24:00, years that Temporal has not. Such
 * columns are then asked for in text, unless `binary: true` insists.
 *
 * @param context A connection, a cursor, or a map of adapters.
 * @param types The types. All by default.
 * @example Timestamps as text
 * ```ts
 * import { connect, registerDateTimeText } from "@x/pgts";
 *
 * await using conn = await connect();
 * registerDateTimeText(conn, ["timestamp"]);
 * const [row] = await conn.execute("select 'infinity'::timestamp as t").fetchAll();
 * console.log(row?.t); // "infinity"
 * ```
 */
export function registerDateTimeText(
  context: RegistrarContext,
  types: readonly DateTimeType[] = Object.keys(OIDS) as DateTimeType[],
): void {
  const map = registrarOf(context);
  for (const type of types) map.registerLoader(OIDS[type], DateTimeTextLoader);
}

/** What becomes of a moment in a session. */
type Maker = (session: SessionState) => (moment: Moment) => unknown;

/** Registers the two loaders of a type, the one of text as twin of the other. */
function registerPair(
  map: Registrar,
  oid: number,
  plan: { text: MomentReaderClass; binary: MomentReaderClass; make: Maker },
): void {
  const text = loaderClass(Format.TEXT, plan.text, plan.make);
  const Binary = class extends loaderClass(
    Format.BINARY,
    plan.binary,
    plan.make,
  ) {
    static override readonly twin: LoaderClass = text;
  };
  map.registerLoader(oid, text);
  map.registerLoader(oid, Binary);
}

function loaderClass(
  loads: Format,
  Reader: MomentReaderClass,
  make: Maker,
): LoaderClass {
  return class implements Loader {
    static readonly format: Format = loads;
    readonly #reader;
    readonly #make;

    constructor(_oid: number, { session }: Adaptation) {
      this.#reader = new Reader(session);
      this.#make = make(session);
    }

    load(source: ReadBuffer, start: number, end: number): unknown {
      return this.#make(this.#reader.read(source, start, end));
    }
  };
}

/** Infinity as a number, and anything else as `make` does it. */
function orInfinity(make: (moment: Moment) => unknown): Maker {
  return () => (moment) => {
    const { days } = moment;
    if (days === Infinity || days === -Infinity) return days;
    setCivil(moment);
    return make(moment);
  };
}

/**
 * Loads `infinity` and `-infinity` of date, timestamp, timestamptz and interval
 * as the numbers Infinity and -Infinity, and everything else as by default.
 *
 * @param context A connection, a cursor, or a map of adapters.
 * @example A lease that never ends
 * ```ts
 * import { connect, registerInfinity } from "@x/pgts";
 *
 * await using conn = await connect();
 * registerInfinity(conn);
 * const [row] = await conn.execute("select 'infinity'::date as ends").fetchAll();
 * console.log(row?.ends); // Infinity
 * ```
 */
export function registerInfinity(context: RegistrarContext): void {
  const map = registrarOf(context);
  registerPair(map, OID.DATE, {
    text: DateTextReader,
    binary: DateBinaryReader,
    make: orInfinity((moment) => makeDate(findTemporal()?.PlainDate, moment)),
  });
  registerPair(map, OID.TIMESTAMP, {
    text: TimestampTextReader,
    binary: TimestampBinaryReader,
    make: orInfinity((moment) =>
      makePlainDateTime(findTemporal()?.PlainDateTime, moment)
    ),
  });
  registerPair(map, OID.TIMESTAMPTZ, {
    text: TimestamptzTextReader,
    binary: TimestamptzBinaryReader,
    make: orInfinity((moment) => makeInstant(findTemporal()?.Instant, moment)),
  });
  map.registerLoader(OID.INTERVAL, InfinityIntervalTextLoader);
  map.registerLoader(OID.INTERVAL, InfinityIntervalBinaryLoader);
}

/** Reads intervals from text, infinite ones as numbers. */
class InfinityIntervalTextLoader implements Loader<Interval | number> {
  static readonly format: Format = Format.TEXT;
  readonly #text = new IntervalText();
  readonly #session: SessionState;

  constructor(_oid: number, adaptation: Adaptation) {
    this.#session = adaptation.session;
  }

  load(source: ReadBuffer, start: number, end: number): Interval | number {
    this.#text.open(source.bytes, start, end);
    return readIntervalText(this.#text, this.#session);
  }
}

/** Reads intervals from their bytes, infinite ones as numbers. */
class InfinityIntervalBinaryLoader implements Loader<Interval | number> {
  static readonly format: Format = Format.BINARY;
  static readonly twin: LoaderClass = InfinityIntervalTextLoader;

  load(source: ReadBuffer, start: number, end: number): Interval | number {
    return readIntervalBinary(source, start, end);
  }
}

/**
 * Loads timestamptz as Date. A Date has milliseconds, so the microseconds below
 * them are cut off.
 *
 * @param context A connection, a cursor, or a map of adapters.
 * @example Date instead of Temporal.Instant
 * ```ts
 * import { connect, registerDateLoader } from "@x/pgts";
 *
 * await using conn = await connect();
 * registerDateLoader(conn);
 * const [row] = await conn.execute("select now() as t").fetchAll();
 * console.log(row?.t instanceof Date); // true
 * ```
 */
export function registerDateLoader(context: RegistrarContext): void {
  const map = registrarOf(context);
  registerPair(map, OID.TIMESTAMPTZ, {
    text: TimestamptzTextReader,
    binary: TimestamptzBinaryReader,
    make: () => (moment) => {
      checkLoadable(moment, "timestamptz", "Date");
      const midnight = (moment.days - UNIX_DAY) * (DAY_MICROS / 1000);
      return new Date(midnight + Math.floor(moment.micros / 1000));
    },
  });
}

/**
 * Loads timestamptz as Temporal.ZonedDateTime in the zone that `TimeZone` of the
 * session names. A zone of which the platform knows nothing is an error, never
 * another zone.
 *
 * @param context A connection, a cursor, or a map of adapters.
 * @example The wall clock of the session
 * ```ts
 * import { connect, registerZonedDateTime } from "@x/pgts";
 *
 * await using conn = await connect();
 * registerZonedDateTime(conn);
 * await conn.execute("set time zone 'Asia/Tokyo'");
 * const [row] = await conn.execute("select '2000-01-01 00:00Z'::timestamptz as t").fetchAll();
 * console.log(String(row?.t)); // "2000-01-01T09:00:00+09:00[Asia/Tokyo]"
 * ```
 */
export function registerZonedDateTime(
  context: RegistrarContext,
): void {
  const map = registrarOf(context);
  registerPair(map, OID.TIMESTAMPTZ, {
    text: TimestamptzTextReader,
    binary: TimestamptzBinaryReader,
    make: zoned,
  });
}

function zoned(session: SessionState): (moment: Moment) => unknown {
  const ZonedDateTime = findTemporal()?.ZonedDateTime;
  let seen: string | null = null;
  let zone = "";
  return (moment) => {
    checkLoadable(moment, "timestamptz", "Temporal.ZonedDateTime");
    if (ZonedDateTime === undefined) throw missingTemporal("timestamptz");
    const setting = session.parameterStatus("TimeZone");
    if (setting !== seen || setting === null) {
      zone = findZone(setting, ZonedDateTime);
      seen = setting;
    }
    return new ZonedDateTime(epochNanos(moment), zone);
  };
}

/** A zone without a name, as `SET TIME ZONE 3` makes it: here west is positive. */
const POSIX_ZONE = /^(?:<[^>]+>|[A-Za-z]{3,})([+-]?)(\d{1,2})(?::(\d\d))?$/;

function findZone(
  setting: string | null,
  ZonedDateTime: typeof Temporal.ZonedDateTime,
): string {
  const posix = POSIX_ZONE.exec(setting ?? "");
  const zone = posix === null
    ? setting ?? ""
    : `${posix[1] === "-" ? "+" : "-"}${posix[2]?.padStart(2, "0")}:${
      posix[3] ?? "00"
    }`;
  try {
    return new ZonedDateTime(0n, zone).timeZoneId;
  } catch (cause) {
    throw new NotSupportedError(
      `Cannot load a timestamptz as Temporal.ZonedDateTime: ${
        setting === null
          ? "the server does not report its TimeZone"
          : `this runtime does not know the TimeZone "${setting}" of the session`
      }; set TimeZone to a name such as "Europe/Berlin"`,
      { cause },
    );
  }
}
