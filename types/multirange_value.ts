/**
 * The value of a multirange. The classes that choose its type are in
 * `range_wrappers.ts`.
 *
 * @module
 */

import { Range } from "./range_value.ts";

/**
 * Several ranges in one value. The server merges those that overlap or touch,
 * and puts them in order; here they stay as they are given.
 *
 * The type it is sent as is found from the bounds of its ranges, as that of a
 * {@linkcode Range} is; `Int4Multirange` and its siblings choose it.
 *
 * @example Send and receive a multirange
 * ```ts
 * import { connect, Multirange, Range } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const busy = new Multirange([new Range(30, 40), new Range(10, 20)]);
 * const row = await conn.execute("select %s as m", [busy]).fetchOne();
 * assertEquals(String(row?.m), "{[10, 20), [30, 40)}");
 * ```
 */
export class Multirange<T = unknown> implements Iterable<Range<T>> {
  /** The ranges. They may be added to, replaced and removed. */
  readonly ranges: Range<T>[];

  static {
    const inspect = {
      configurable: true,
      value(this: Multirange): string {
        return `${this.constructor.name} ${this}`;
      },
    };
    Object.defineProperties(this.prototype, {
      [Symbol.for("Deno.customInspect")]: inspect,
      [Symbol.for("nodejs.util.inspect.custom")]: inspect,
    });
  }

  /**
   * Makes a multirange.
   *
   * @param ranges The ranges; none by default.
   * @throws {TypeError} If one of them is no range.
   */
  constructor(ranges: Iterable<Range<T>> = []) {
    this.ranges = [...ranges];
    for (const [index, range] of this.ranges.entries()) {
      if (!(range instanceof Range)) {
        throw new TypeError(
          `Cannot make a multirange: the item at ${index} is no Range`,
        );
      }
    }
  }

  /** How many ranges there are. */
  get length(): number {
    return this.ranges.length;
  }

  /**
   * One of the ranges.
   *
   * @param index Its position; below zero, counted from the end.
   * @returns The range, or `undefined` if there is none.
   */
  at(index: number): Range<T> | undefined {
    return this.ranges.at(index);
  }

  /**
   * The ranges, one after the other.
   *
   * @returns An iterator over the ranges.
   */
  [Symbol.iterator](): IterableIterator<Range<T>> {
    return this.ranges.values();
  }

  /**
   * Whether a value is in one of the ranges.
   *
   * @param value The value.
   * @returns Whether it is.
   * @throws {TypeError} If the value and a bound cannot be compared.
   */
  contains(value: T): boolean {
    return this.ranges.some((range) => range.contains(value));
  }

  /**
   * Compares two multiranges: by the first range in which they differ; if there
   * is none, the shorter one comes first.
   *
   * @param other Another multirange.
   * @returns Below zero if this one comes first, 0 if they are equal.
   * @throws {TypeError} If bounds cannot be compared.
   */
  compare(other: Multirange): number {
    const { length } = this.ranges;
    for (let index = 0; index < length; index++) {
      const range = other.ranges[index];
      if (range === undefined) return 1;
      const order = this.ranges[index]!.compare(range);
      if (order !== 0) return order;
    }
    return length - other.ranges.length;
  }

  /**
   * Whether two multiranges have equal ranges in the same order.
   *
   * @param other Another multirange, or anything else.
   * @returns Whether they have.
   */
  equals(other: unknown): boolean {
    return other instanceof Multirange &&
      other.ranges.length === this.ranges.length &&
      this.ranges.every((range, index) => range.equals(other.ranges[index]));
  }

  /**
   * The multirange as text, for people.
   *
   * @returns The text, such as `{[10, 20), [30, 40)}`.
   */
  toString(): string {
    return `{${this.ranges.join(", ")}}`;
  }
}
