/**
 * The geometric types that go round something as small classes: box, path,
 * polygon and circle.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import { floatText } from "./float.ts";
import {
  checkNumber,
  checkPoint,
  Point,
  sameNumber,
} from "./geometric_lines.ts";

function samePoints(one: readonly Point[], other: readonly Point[]): boolean {
  return one.length === other.length &&
    one.every((point, index) => point.equals(other[index]));
}

/** The points as a list that is the shape's own. */
function takePoints(points: Iterable<Point>, what: string): readonly Point[] {
  const list = [...points];
  for (const point of list) checkPoint(point, what);
  if (list.length === 0) {
    throw new DataError(
      `Cannot make a ${what}: it has no points, PostgreSQL wants one at least`,
    );
  }
  return list;
}

/** Whether a number is less than another, NaN being the greatest as in SQL. */
function isLess(one: number, other: number): boolean {
  return Number.isNaN(other) ? !Number.isNaN(one) : one < other;
}

/**
 * A value of the type box: a rectangle along the axes.
 *
 * @example Any two opposite corners make a box
 * ```ts
 * import { Box, Point } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * const box = new Box(new Point(0, 3), new Point(2, 1));
 * assertEquals(String(box), "(2,3),(0,1)");
 * assertEquals(box.low, new Point(0, 1));
 * ```
 */
export class Box {
  /** The corner with the greater coordinates. */
  readonly high: Point;
  /** The corner with the lesser coordinates. */
  readonly low: Point;

  /**
   * Makes a box.
   *
   * @param corner A corner.
   * @param opposite The corner that is opposite to it.
   * @throws {TypeError} If one of them is no `Point`.
   */
  constructor(corner: Point, opposite: Point) {
    checkPoint(corner, "box");
    checkPoint(opposite, "box");
    const swapX = isLess(corner.x, opposite.x);
    const swapY = isLess(corner.y, opposite.y);
    if (swapX === swapY) {
      this.high = swapX ? opposite : corner;
      this.low = swapX ? corner : opposite;
    } else {
      const [left, right] = swapX ? [corner, opposite] : [opposite, corner];
      const [lower, upper] = swapY ? [corner, opposite] : [opposite, corner];
      this.high = new Point(right.x, upper.y);
      this.low = new Point(left.x, lower.y);
    }
  }

  /**
   * Whether another value is the same box.
   *
   * @param other Any value.
   * @returns Whether it is a box with the same corners. The server's operator
   * `=` compares areas instead, `~=` compares corners.
   */
  equals(other: unknown): boolean {
    return other instanceof Box && this.high.equals(other.high) &&
      this.low.equals(other.low);
  }

  /** As PostgreSQL writes it: `(x1,y1),(x2,y2)`, the greater corner first. */
  toString(): string {
    return `${this.high},${this.low}`;
  }
}

/**
 * A value of the type path: points that are joined, open or closed.
 *
 * @example An open path and a closed one
 * ```ts
 * import { Path, Point } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * const points = [new Point(0, 0), new Point(1, 1)];
 * assertEquals(String(new Path(points)), "[(0,0),(1,1)]");
 * assertEquals(String(new Path(points, true)), "((0,0),(1,1))");
 * ```
 */
export class Path {
  /** The points, in their order. */
  readonly points: readonly Point[];
  /** Whether the last point is joined to the first. */
  readonly closed: boolean;

  /**
   * Makes a path.
   *
   * @param points The points, in their order.
   * @param closed Whether the last point is joined to the first.
   * @throws {TypeError} If one of the points is no `Point`.
   * @throws {DataError} If there are no points.
   */
  constructor(points: Iterable<Point>, closed: boolean = false) {
    this.points = takePoints(points, "path");
    this.closed = Boolean(closed);
  }

  /**
   * Whether another value is the same path.
   *
   * @param other Any value.
   * @returns Whether it is a path of the same points, closed if this one is. The
   * server's operator `=` compares how many points there are instead.
   */
  equals(other: unknown): boolean {
    return other instanceof Path && this.closed === other.closed &&
      samePoints(this.points, other.points);
  }

  /** As PostgreSQL writes it: in brackets if it is open, in parentheses if closed. */
  toString(): string {
    const points = this.points.join(",");
    return this.closed ? `(${points})` : `[${points}]`;
  }
}

/** A value of the type polygon: an area between points. */
export class Polygon {
  /** The corners, in their order. */
  readonly points: readonly Point[];

  /**
   * Makes a polygon.
   *
   * @param points The corners, in their order.
   * @throws {TypeError} If one of them is no `Point`.
   * @throws {DataError} If there are none.
   */
  constructor(points: Iterable<Point>) {
    this.points = takePoints(points, "polygon");
  }

  /**
   * Whether another value is the same polygon.
   *
   * @param other Any value.
   * @returns Whether it is a polygon of the same corners in the same order. The
   * server's operator `~=` also takes them from another corner on, and backwards.
   */
  equals(other: unknown): boolean {
    return other instanceof Polygon && samePoints(this.points, other.points);
  }

  /** As PostgreSQL writes it: `((x1,y1),(x2,y2),…)`. */
  toString(): string {
    return `(${this.points.join(",")})`;
  }
}

/** A value of the type circle. */
export class Circle {
  /** The center. */
  readonly center: Point;
  /** The radius. */
  readonly radius: number;

  /**
   * Makes a circle.
   *
   * @param center The center.
   * @param radius The radius.
   * @throws {TypeError} If the center is no `Point`, or the radius no number.
   * @throws {DataError} If the radius is below zero.
   */
  constructor(center: Point, radius: number) {
    checkPoint(center, "circle");
    checkNumber(radius, "circle");
    if (radius < 0) {
      throw new DataError("Cannot make a circle: its radius is below zero");
    }
    this.center = center;
    this.radius = radius;
  }

  /**
   * Whether another value is the same circle.
   *
   * @param other Any value.
   * @returns Whether it is a circle of the same center and radius. The server's
   * operator `=` compares areas instead, `~=` compares circles.
   */
  equals(other: unknown): boolean {
    return other instanceof Circle && this.center.equals(other.center) &&
      sameNumber(this.radius, other.radius);
  }

  /** As PostgreSQL writes it: `<(x,y),r>`. */
  toString(): string {
    return `<${this.center},${floatText(this.radius)}>`;
  }
}
