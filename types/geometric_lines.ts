/**
 * The geometric types without an inside as small classes: point, line and lseg.
 * Those with one are in `geometric_shapes.ts`, how they are read and sent is in
 * `geometric.ts`.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import { floatText } from "./float.ts";

/**
 * Whether two coordinates are equal as float8 values of SQL are: NaN equals
 * itself, 0 equals -0.
 *
 * @param one A coordinate.
 * @param other Another one.
 * @returns Whether they are equal.
 */
export function sameNumber(one: number, other: number): boolean {
  return one === other || (Number.isNaN(one) && Number.isNaN(other));
}

/**
 * Checks that a coordinate is a number.
 *
 * @param value The coordinate.
 * @param what What it is for.
 * @throws {TypeError} If it is none.
 */
export function checkNumber(value: unknown, what: string): void {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot make a ${what}: a coordinate is ${
        value === null ? "null" : `a ${typeof value}`
      }, pass a number`,
    );
  }
}

/**
 * Checks that something is a point.
 *
 * @param value The value.
 * @param what What it is for.
 * @throws {TypeError} If it is none.
 */
export function checkPoint(value: unknown, what: string): void {
  if (!(value instanceof Point)) {
    throw new TypeError(`Cannot make a ${what}: it is not made of points`);
  }
}

/**
 * A value of the type point.
 *
 * As in all geometric types the coordinates may be infinite or NaN, and
 * `equals()` compares them exactly. The operators of PostgreSQL allow for
 * differences of up to 1e-6.
 *
 * @example A point there and back
 * ```ts
 * import { connect } from "@x/pgts";
 * import { Point } from "@x/pgts/types";
 * import { assert, assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * const query = "select %s + point '(1,1)' as moved";
 * const row = await conn.execute(query, [new Point(1.5, -2)]).fetchOne();
 * assert(row?.moved instanceof Point);
 * assertEquals(row.moved.x, 2.5);
 * assertEquals(String(row.moved), "(2.5,-1)");
 * ```
 */
export class Point {
  /** The horizontal coordinate. */
  readonly x: number;
  /** The vertical coordinate. */
  readonly y: number;

  /**
   * Makes a point.
   *
   * @param x The horizontal coordinate.
   * @param y The vertical coordinate.
   * @throws {TypeError} If one of them is no number.
   */
  constructor(x: number, y: number) {
    checkNumber(x, "point");
    checkNumber(y, "point");
    this.x = x;
    this.y = y;
  }

  /**
   * Whether another value is the same point.
   *
   * @param other Any value.
   * @returns Whether it is a point with equal coordinates.
   */
  equals(other: unknown): boolean {
    return other instanceof Point && sameNumber(this.x, other.x) &&
      sameNumber(this.y, other.y);
  }

  /** As PostgreSQL writes it: `(x,y)`. */
  toString(): string {
    return `(${floatText(this.x)},${floatText(this.y)})`;
  }
}

/**
 * A value of the type line, which has no ends: the points for which
 * ax + by + c = 0.
 */
export class Line {
  /** The factor of x. */
  readonly a: number;
  /** The factor of y. */
  readonly b: number;
  /** The constant. */
  readonly c: number;

  /**
   * Makes a line from its equation.
   *
   * @param a The factor of x.
   * @param b The factor of y. PostgreSQL refuses lines whose `a` and `b` are both
   * within 1e-6 of zero.
   * @param c The constant.
   * @throws {TypeError} If one of them is no number.
   * @throws {DataError} If `a` and `b` are both zero.
   */
  constructor(a: number, b: number, c: number) {
    for (const factor of [a, b, c]) checkNumber(factor, "line");
    if (a === 0 && b === 0) {
      throw new DataError("Cannot make a line: its a and b are both zero");
    }
    this.a = a;
    this.b = b;
    this.c = c;
  }

  /**
   * Whether another value has the same equation.
   *
   * @param other Any value.
   * @returns Whether it is a line with equal factors. Other factors may stand for
   * the same line; the server's operator `=` knows.
   */
  equals(other: unknown): boolean {
    return other instanceof Line && sameNumber(this.a, other.a) &&
      sameNumber(this.b, other.b) && sameNumber(this.c, other.c);
  }

  /** As PostgreSQL writes it: `{a,b,c}`. */
  toString(): string {
    return `{${floatText(this.a)},${floatText(this.b)},${floatText(this.c)}}`;
  }
}

/** A value of the type lseg: a line between two points. */
export class LineSegment {
  /** Where it starts. */
  readonly start: Point;
  /** Where it ends. */
  readonly end: Point;

  /**
   * Makes a line segment.
   *
   * @param start Where it starts.
   * @param end Where it ends.
   * @throws {TypeError} If one of them is no `Point`.
   */
  constructor(start: Point, end: Point) {
    checkPoint(start, "line segment");
    checkPoint(end, "line segment");
    this.start = start;
    this.end = end;
  }

  /**
   * Whether another value is the same line segment.
   *
   * @param other Any value.
   * @returns Whether it is one that starts and ends at the same points.
   */
  equals(other: unknown): boolean {
    return other instanceof LineSegment && this.start.equals(other.start) &&
      this.end.equals(other.end);
  }

  /** As PostgreSQL writes it: `[(x1,y1),(x2,y2)]`. */
  toString(): string {
    return `[${this.start},${this.end}]`;
  }
}
