/**
 * The time zone of a session, by a name that the platform understands.
 *
 * @module
 */

/**
 * A zone that is nothing but an offset, as `SET TIME ZONE 3` makes it. POSIX
 * counts west of Greenwich as positive.
 */
const POSIX_ZONE =
  /^(?:<[^>]+>|[A-Za-z]{3,})?([+-]?)(\d{1,2})(?::(\d\d))?(?::00)?$/;

/**
 * The zone that a value of the setting `TimeZone` stands for.
 *
 * @param setting The value.
 * @returns A name or an offset that Temporal and Intl take; `null` if they know
 * none for it.
 */
export function zoneOf(setting: string): string | null {
  const posix = POSIX_ZONE.exec(setting);
  if (posix !== null) {
    const [, sign, hours = "", minutes = "00"] = posix;
    const opposite = sign === "-" ? "+" : "-";
    return platformZone(`${opposite}${hours.padStart(2, "0")}:${minutes}`);
  }
  return platformZone(setting);
}

function platformZone(name: string): string | null {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch {
    return null;
  }
}
