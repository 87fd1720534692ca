/**
 * Decimals as text: taken apart, and compared by their exact value.
 *
 * @module
 */

/** A decimal taken apart: the digits, and where the point is in them. */
export interface Decimal {
  /** Whether it is below zero. */
  negative: boolean;
  /** The digits without leading zeros. */
  digits: string;
  /** How many of the digits stand before the point; below zero: zeros after it. */
  point: number;
  /** How many digits are to be shown after the point. */
  scale: number;
}

/** What PostgreSQL reads as a finite decimal. */
export const DECIMAL: RegExp =
  /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,9}))?$/i;

/**
 * Takes a decimal apart.
 *
 * @param text The text.
 * @returns Its parts, or `null` if it is no finite decimal.
 */
export function parseDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const all = whole + fraction;
  if (all === "") return null;
  let zeros = 0;
  while (zeros < all.length && all[zeros] === "0") zeros++;
  const digits = all.slice(zeros);
  return {
    negative: sign === "-" && digits !== "",
    digits,
    point: digits === "" ? 0 : whole.length - zeros + Number(exponent),
    scale: Math.max(0, fraction.length - Number(exponent)),
  };
}

/**
 * A text that is equal for equal values: the digits without zeros at the end,
 * and where the point is.
 *
 * @param text A decimal.
 * @returns The text, or `null` if it is no finite decimal.
 */
export function normalize(text: string): string | null {
  const decimal = parseDecimal(text);
  if (decimal === null) return null;
  const { negative, digits, point } = decimal;
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end--;
  return `${negative ? "-" : ""}${digits.slice(0, end)}e${point}`;
}

/** What numeric and the floats have beside finite values. */
export const SPECIAL: ReadonlySet<string> = new Set([
  "NaN",
  "Infinity",
  "-Infinity",
]);

/** Where a value stands beside the finite ones: NaN is the greatest, as in SQL. */
function rankOf(text: string): number {
  return text === "NaN"
    ? 2
    : text === "Infinity"
    ? 1
    : text[0] === "-"
    ? -1
    : 0;
}

/**
 * Compares two decimals by their exact value.
 *
 * @param one A decimal, `NaN` or an infinity.
 * @param other Another one.
 * @returns Below zero if the first is less, 0 if they are equal, `NaN` if one of
 * them is no decimal.
 */
export function compareDecimals(one: string, other: string): number {
  if (SPECIAL.has(one) || SPECIAL.has(other)) {
    const left = SPECIAL.has(one) ? rankOf(one) : DECIMAL.test(one) ? 0 : NaN;
    const right = SPECIAL.has(other)
      ? rankOf(other)
      : DECIMAL.test(other)
      ? 0
      : NaN;
    return left - right;
  }
  const left = parseDecimal(one);
  const right = parseDecimal(other);
  if (left === null || right === null) return NaN;
  const sign = signOf(left);
  const otherSign = signOf(right);
  if (sign !== otherSign) return sign - otherSign;
  if (left.point !== right.point) return sign * (left.point - right.point);
  // Of the same magnitude: the digits compare as text, once they are as many.
  const length = Math.max(left.digits.length, right.digits.length);
  const digits = left.digits.padEnd(length, "0");
  const otherDigits = right.digits.padEnd(length, "0");
  if (digits === otherDigits) return 0;
  return digits < otherDigits ? -sign : sign;
}

function signOf({ negative, digits }: Decimal): number {
  return digits === "" ? 0 : negative ? -1 : 1;
}
