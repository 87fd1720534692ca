/**
 * The value of a range. The classes that choose its type are in
 * `range_wrappers.ts`, how it is read and sent in `range.ts` and
 * `range_dumper.ts`.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { type BoundOrder, decimalOrder, naturalOrder } from "./range_order.ts";

/**
 * Whether the bounds belong to a range: a bracket where one does, a parenthesis
 * where it does not; `empty` for the range that nothing is in.
 */
export type RangeBounds = "[)" | "[]" | "(]" | "()" | "empty";

const BOUNDS: ReadonlySet<unknown> = new Set(["[)", "[]", "(]", "()", "empty"]);

/** A bound as it is shown; no bound shows nothing, as the server writes it. */
function show(bound: unknown): string {
  if (bound === null) return "";
  return bound instanceof Date && !Number.isNaN(bound.getTime())
    ? bound.toISOString()
    : String(bound);
}

let orderDecimals: (range: Range) => void;

/**
 * A range of values, from a lower to an upper bound. It cannot be changed.
 *
 * What it is sent as depends on its bounds: integers of up to 4 bytes make an
 * int4range, larger ones and bigints an int8range, still larger ones a numrange,
 * Temporal.PlainDate a daterange, and so on. Of strings, of numbers that are no
 * integers, and where there are no bounds, the server finds the type from the
 * context, in arrays too; they go as text then, by `%b` as well, and it is the
 * server that refuses where the context does not tell. `Int4Range` and its
 * siblings choose the type.
 *
 * Strings compare by their characters; those of a `NumRange`, and of the ranges
 * of numeric that the server sent, as decimals.
 *
 * @example Send and receive a range
 * ```ts
 * import { connect, Range } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const row = await conn.execute("select %s as r", [new Range(10, 20, "[]")]).fetchOne();
 * assertEquals(row?.r, new Range(10, 21)); // the server's form of the same range
 * ```
 *
 * @example What is in it
 * ```ts
 * import { Range } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * const range = new Range(0, 4);
 * assertEquals(String(range), "[0, 4)");
 * assertEquals([range.contains(0), range.contains(4)], [true, false]);
 * ```
 */
export class Range<T = unknown> {
  /** Where it begins; `null` if it has no lower bound, or is empty. */
  readonly lower: T | null;
  /** Where it ends; `null` if it has no upper bound, or is empty. */
  readonly upper: T | null;
  /** Whether the bounds belong to it, or `empty`. */
  readonly bounds: RangeBounds;
  #order: BoundOrder = naturalOrder;

  static {
    const inspect = {
      configurable: true,
      value(this: Range): string {
        return `${this.constructor.name} ${this}`;
      },
    };
    Object.defineProperties(this.prototype, {
      [Symbol.for("Deno.customInspect")]: inspect,
      [Symbol.for("nodejs.util.inspect.custom")]: inspect,
    });
    orderDecimals = (range) => {
      range.#order = decimalOrder;
    };
  }

  /**
   * Makes a range. A bound that is not there does not belong to it, and an empty
   * range has none.
   *
   * @param lower Where it begins; `null` for no lower bound.
   * @param upper Where it ends; `null` for no upper bound.
   * @param bounds Whether the bounds belong to it, or `empty`.
   * @throws {RangeError} If `bounds` is none of those.
   * @throws {ProgrammingError} If a bound is given as undefined.
   */
  constructor(
    lower: T | null = null,
    upper: T | null = null,
    bounds: RangeBounds = "[)",
  ) {
    if (!BOUNDS.has(bounds)) {
      throw new RangeError(
        `Cannot make a range: its bounds are ${
          JSON.stringify(String(bounds))
        }, pass one of "[)", "[]", "(]", "()" and "empty"`,
      );
    }
    for (let index = 0; index < arguments.length && index < 2; index++) {
      if (arguments[index] === undefined) {
        throw new ProgrammingError(
          `Cannot make a range: its ${
            index === 0 ? "lower" : "upper"
          } bound is undefined, pass null for none`,
        );
      }
    }
    const empty = bounds === "empty";
    this.lower = empty ? null : lower;
    this.upper = empty ? null : upper;
    this.bounds = empty ? bounds : (
      (this.lower === null ? "(" : bounds[0]!) +
      (this.upper === null ? ")" : bounds[1]!)
    ) as RangeBounds;
    Object.freeze(this);
  }

  /** Whether nothing is in it. */
  get isEmpty(): boolean {
    return this.bounds === "empty";
  }

  /** Whether the lower bound belongs to it. */
  get lowerInc(): boolean {
    return this.bounds[0] === "[";
  }

  /** Whether the upper bound belongs to it. */
  get upperInc(): boolean {
    return this.bounds[1] === "]";
  }

  /** Whether it has no lower bound. */
  get lowerInf(): boolean {
    return this.lower === null && !this.isEmpty;
  }

  /** Whether it has no upper bound. */
  get upperInf(): boolean {
    return this.upper === null && !this.isEmpty;
  }

  /**
   * Whether a value is in the range.
   *
   * @param value The value.
   * @returns Whether it is neither below nor above the range.
   * @throws {TypeError} If the value and a bound cannot be compared.
   */
  contains(value: T): boolean {
    if (this.isEmpty) return false;
    if (value == null) {
      throw new TypeError("Cannot look for a value in a range: there is none");
    }
    if (this.lower !== null) {
      const order = this.#compareBounds(this.lower, value);
      if (order > 0 || (order === 0 && !this.lowerInc)) return false;
    }
    if (this.upper === null) return true;
    const order = this.#compareBounds(value, this.upper);
    return order < 0 || (order === 0 && this.upperInc);
  }

  /**
   * Compares two ranges as the server orders them: an empty one first, then by
   * the lower bounds, then by the upper ones.
   *
   * @param other Another range.
   * @returns Below zero if this one comes first, 0 if they are equal.
   * @throws {TypeError} If their bounds cannot be compared.
   */
  compare(other: Range): number {
    const order = this.#orderTo(other);
    if (Number.isNaN(order)) throw incomparable();
    return order;
  }

  /**
   * Whether two ranges are the same: both empty, or of equal bounds that belong
   * to both alike. `[1, 2]` and `[1, 3)` are not, even of integers.
   *
   * @param other Another range, or anything else.
   * @returns Whether they are.
   */
  equals(other: unknown): boolean {
    return other instanceof Range && this.#orderTo(other) === 0;
  }

  /**
   * The range as text, for people.
   *
   * @returns The text, such as `[0, 4)`, `(, 4]` without a lower bound, `empty`.
   */
  toString(): string {
    if (this.isEmpty) return "empty";
    const { bounds } = this;
    return `${bounds[0]}${show(this.lower)}, ${show(this.upper)}${bounds[1]}`;
  }

  #orderTo(other: Range): number {
    if (this.isEmpty || other.isEmpty) {
      return Number(other.isEmpty) - Number(this.isEmpty);
    }
    const order = other.#order === decimalOrder ? decimalOrder : this.#order;
    const lower = orderOf(this.lower, other.lower, order, -1);
    if (lower !== 0) return lower;
    const lowerInc = Number(other.lowerInc) - Number(this.lowerInc);
    if (lowerInc !== 0) return lowerInc;
    const upper = orderOf(this.upper, other.upper, order, 1);
    if (upper !== 0) return upper;
    return Number(this.upperInc) - Number(other.upperInc);
  }

  #compareBounds(one: unknown, other: unknown): number {
    const order = this.#order(one, other);
    if (Number.isNaN(order)) throw incomparable();
    return order;
  }
}

/** Compares two bounds of which `null` is beyond all: before them or, with 1, after. */
function orderOf(
  one: unknown,
  other: unknown,
  order: BoundOrder,
  beyond: 1 | -1,
): number {
  if (one === null || other === null) {
    return one === other ? 0 : one === null ? beyond : -beyond;
  }
  return order(one, other);
}

function incomparable(): TypeError {
  return new TypeError(
    "Cannot compare the bounds of ranges: they are of different types, or of a class without a static compare()",
  );
}

/**
 * Has a new range compare its bounds as decimals.
 *
 * @internal
 */
export function asDecimals<R extends Range>(range: R): R {
  orderDecimals(range);
  return range;
}
