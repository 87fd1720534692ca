/**
 * Dates and timestamps in the styles that `DateStyle` can be set to besides ISO:
 * Postgres, SQL and German. They are seldom met, so clarity comes before speed.
 *
 * Chapter "Date/Time Output": SQL and Postgres write day and month in the order
 * that the second part of the setting says.
 *
 * @module
 */

import { DataError, NotSupportedError } from "../errors/base.ts";
import type { SessionState } from "./adapt.ts";
import { malformed, type Moment, setDate } from "./datetime_parts.ts";

const TIME = String.raw`\d\d:\d\d:\d\d(?:\.\d{1,6})?`;
const NUMBERS = new RegExp(
  String.raw`^(\d\d)([-/.])(\d\d)\2(\d{4,7})(?: (${TIME}))?( BC)?$`,
);
const NAMES = new RegExp(
  String
    .raw`^[A-Z][a-z]{2} (?:(\d\d) )?([A-Z][a-z]{2}) (?:(\d\d) )?(${TIME}) (\d{4,7})( BC)?$`,
);
const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];
const STYLES: Readonly<Record<string, string>> = {
  "/": "SQL",
  "-": "Postgres",
  ".": "German",
};

/** Reads text that is not in ISO style, by the session's `DateStyle`. */
export class StyleReader {
  readonly #session: SessionState;
  #seen: string | null = null;
  #style = "";
  #dayFirst = false;

  /** @param session Where the setting is asked for, anew for each value. */
  constructor(session: SessionState) {
    this.#session = session;
  }

  /**
   * Reads the date of a value.
   *
   * @param moment Takes the date.
   * @param text The value.
   * @param type The name of the type, for errors.
   * @returns The time of day that stands in the value, or `""`.
   * @throws {DataError} If it is no date, or does not fit the setting.
   * @throws {NotSupportedError} If the order of day and month is not known.
   */
  read(moment: Moment, text: string, type: string): string {
    const numbers = NUMBERS.exec(text);
    const names = numbers === null ? NAMES.exec(text) : null;
    let found = false;
    let time = "";
    if (numbers !== null) {
      const [, first, mark, second, year, clock, era] = numbers;
      const dayFirst = mark === "." || this.#readsDayFirst(mark ?? "", type);
      found = setDate(
        moment,
        astronomical(year, era),
        Number(dayFirst ? second : first),
        Number(dayFirst ? first : second),
      );
      time = clock ?? "";
    } else if (names !== null) {
      const [, before, month, after, clock, year, era] = names;
      found = (before === undefined) !== (after === undefined) && setDate(
        moment,
        astronomical(year, era),
        MONTHS.indexOf(month ?? "") + 1,
        Number(before ?? after),
      );
      time = clock ?? "";
    }
    if (found) return time;
    throw malformed(type, "the text that came is in none of the date styles");
  }

  /** Whether the setting, which must be of the style that `mark` shows, puts the day first. */
  #readsDayFirst(mark: string, type: string): boolean {
    const setting = this.#session.parameterStatus("DateStyle");
    if (setting !== this.#seen || setting === null) {
      if (setting === null) {
        throw new NotSupportedError(
          `Cannot load a ${type} from text: it is not in ISO style, and the server does not report its DateStyle; set DateStyle to ISO`,
        );
      }
      const [style = "", order = ""] = setting.split(/,\s*/);
      this.#seen = setting;
      this.#style = style;
      this.#dayFirst = order === "DMY";
    }
    if (this.#style !== STYLES[mark]) {
      throw new DataError(
        `Cannot load a ${type} from text: it does not fit the DateStyle "${setting}" that the server reported last`,
      );
    }
    return this.#dayFirst;
  }
}

function astronomical(
  year: string | undefined,
  era: string | undefined,
): number {
  return era === undefined ? Number(year) : 1 - Number(year);
}

/**
 * The error for a timestamptz whose text is not in ISO style: its zone is an
 * abbreviation, which several zones share.
 *
 * @param session Where the setting is asked for.
 * @returns The error, to be thrown.
 */
export function unreadableZone(
  session: SessionState,
): NotSupportedError | DataError {
  const setting = session.parameterStatus("DateStyle");
  if (setting?.startsWith("ISO")) {
    return malformed(
      "timestamptz",
      `its text does not fit the DateStyle "${setting}" that the server reported last`,
    );
  }
  return new NotSupportedError(
    `Cannot load a timestamptz from text: with the DateStyle "${
      setting ?? "unknown"
    }" its zone is an abbreviation; set DateStyle to ISO, or fetch results in binary`,
  );
}
