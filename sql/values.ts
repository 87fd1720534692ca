/**
 * Values inside of literals: whether two are the same, and how one looks in a
 * log.
 *
 * @module
 */

/**
 * Whether two values are the same: as `Object.is` says, arrays item by item.
 *
 * @param left One value.
 * @param right The other.
 * @returns Whether they are the same.
 */
export function sameValue(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length &&
      left.every((item, index) => sameValue(item, right[index]));
  }
  return Object.is(left, right);
}

/**
 * A value for a log, on one line.
 *
 * @param value The value.
 * @returns Its text; of an object, the class only.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
      return `[${value.constructor?.name ?? "object"}]`;
    default:
      return String(value);
  }
}
