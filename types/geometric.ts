/**
 * How the geometric types are read and sent: point, line, lseg, box, path,
 * polygon and circle. The values are in `geometric_lines.ts` and
 * `geometric_shapes.ts`. Text and binary give equal values, unless the session
 * has lowered extra_float_digits, as is the case for floats.
 *
 * @module
 */

import { DataError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type DumperClass,
  Format,
  type Loader,
  type LoaderClass,
  type Registrar,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { Line, LineSegment, Point } from "./geometric_lines.ts";
import { Box, Circle, Path, Polygon } from "./geometric_shapes.ts";
import { GeometricText } from "./geometric_text.ts";
import { OID } from "./oids.ts";

/** What one geometric type is made of. */
interface Shape<T extends object> {
  /** The name of the type. */
  readonly name: string;
  readonly oid: number;
  /** The class of its values. */
  readonly of: new (...args: never[]) => T;
  readonly readText: (text: GeometricText) => T;
  /** How many bytes it has; null where that depends on how many points there are. */
  readonly size: number | null;
  readonly readBinary: (source: ReadBuffer, start: number, end: number) => T;
  readonly write: (value: T, out: WriteBuffer) => void;
}

const PARENTHESIS_OPEN = 0x28;
const PARENTHESIS_CLOSE = 0x29;
const COMMA = 0x2c;
const LESS = 0x3c;
const GREATER = 0x3e;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const NUMBER_SIZE = 8;
const POINT_SIZE = 2 * NUMBER_SIZE;
const COUNT_SIZE = 4;

function readPoint({ view }: ReadBuffer, at: number): Point {
  return new Point(view.getFloat64(at), view.getFloat64(at + NUMBER_SIZE));
}

function writePoint({ x, y }: Point, out: WriteBuffer): void {
  out.float64(x);
  out.float64(y);
}

/** The points that a path or polygon ends with, behind their count. */
function readPoints(
  source: ReadBuffer,
  start: number,
  end: number,
  name: string,
): Point[] {
  const size = end - start - COUNT_SIZE;
  const count = size < 0 ? -1 : source.view.getInt32(start);
  // Before anything is allocated: the points must be there.
  if (count < 1 || count * POINT_SIZE !== size) {
    throw malformed(name, `its bytes are not the ${count} points it says`);
  }
  const points: Point[] = [];
  for (let at = start + COUNT_SIZE; at < end; at += POINT_SIZE) {
    points.push(readPoint(source, at));
  }
  return points;
}

function writePoints(points: readonly Point[], out: WriteBuffer): void {
  out.int32(points.length);
  for (const point of points) writePoint(point, out);
}

function malformed(name: string, why: string): DataError {
  return new DataError(`Cannot read a ${name}: ${why}`);
}

const POINT: Shape<Point> = {
  name: "point",
  oid: OID.POINT,
  of: Point,
  readText: (text) => text.point(),
  size: POINT_SIZE,
  readBinary: readPoint,
  write: writePoint,
};

const LINE: Shape<Line> = {
  name: "line",
  oid: OID.LINE,
  of: Line,
  readText: (text) => {
    text.expect(BRACE_OPEN);
    const a = text.number();
    text.expect(COMMA);
    const b = text.number();
    text.expect(COMMA);
    const c = text.number();
    text.expect(BRACE_CLOSE);
    return new Line(a, b, c);
  },
  size: 3 * NUMBER_SIZE,
  readBinary: ({ view }, at) =>
    new Line(
      view.getFloat64(at),
      view.getFloat64(at + NUMBER_SIZE),
      view.getFloat64(at + 2 * NUMBER_SIZE),
    ),
  write: ({ a, b, c }, out) => {
    out.float64(a);
    out.float64(b);
    out.float64(c);
  },
};

const LINE_SEGMENT: Shape<LineSegment> = {
  name: "lseg",
  oid: OID.LSEG,
  of: LineSegment,
  readText: (text) => {
    text.expect(BRACKET_OPEN);
    const start = text.point();
    text.expect(COMMA);
    const end = text.point();
    text.expect(BRACKET_CLOSE);
    return new LineSegment(start, end);
  },
  size: 2 * POINT_SIZE,
  readBinary: (source, at) =>
    new LineSegment(readPoint(source, at), readPoint(source, at + POINT_SIZE)),
  write: ({ start, end }, out) => {
    writePoint(start, out);
    writePoint(end, out);
  },
};

const BOX: Shape<Box> = {
  name: "box",
  oid: OID.BOX,
  of: Box,
  readText: (text) => {
    const high = text.point();
    text.expect(COMMA);
    return new Box(high, text.point());
  },
  size: 2 * POINT_SIZE,
  readBinary: (source, at) =>
    new Box(readPoint(source, at), readPoint(source, at + POINT_SIZE)),
  write: ({ high, low }, out) => {
    writePoint(high, out);
    writePoint(low, out);
  },
};

const PATH: Shape<Path> = {
  name: "path",
  oid: OID.PATH,
  of: Path,
  readText: (text) => {
    const open = text.skip(BRACKET_OPEN);
    if (!open) text.expect(PARENTHESIS_OPEN);
    const points = text.points();
    text.expect(open ? BRACKET_CLOSE : PARENTHESIS_CLOSE);
    return new Path(points, !open);
  },
  size: null,
  readBinary: (source, start, end) => {
    const closed = start < end ? source.bytes[start]! : 2;
    if (closed > 1) throw malformed("path", "it is neither open nor closed");
    const points = readPoints(source, start + 1, end, "path");
    return new Path(points, closed === 1);
  },
  write: ({ points, closed }, out) => {
    out.uint8(closed ? 1 : 0);
    writePoints(points, out);
  },
};

const POLYGON: Shape<Polygon> = {
  name: "polygon",
  oid: OID.POLYGON,
  of: Polygon,
  readText: (text) => {
    text.expect(PARENTHESIS_OPEN);
    const points = text.points();
    text.expect(PARENTHESIS_CLOSE);
    return new Polygon(points);
  },
  size: null,
  readBinary: (source, start, end) =>
    new Polygon(readPoints(source, start, end, "polygon")),
  write: ({ points }, out) => writePoints(points, out),
};

const CIRCLE: Shape<Circle> = {
  name: "circle",
  oid: OID.CIRCLE,
  of: Circle,
  readText: (text) => {
    text.expect(LESS);
    const center = text.point();
    text.expect(COMMA);
    const radius = text.number();
    text.expect(GREATER);
    return new Circle(center, radius);
  },
  size: POINT_SIZE + NUMBER_SIZE,
  readBinary: (source, at) =>
    new Circle(readPoint(source, at), source.view.getFloat64(at + POINT_SIZE)),
  write: ({ center, radius }, out) => {
    writePoint(center, out);
    out.float64(radius);
  },
};

/** Makes the loader of a type in text format. */
function textLoader<T extends object>(shape: Shape<T>): LoaderClass<T> {
  const { name, readText } = shape;
  return class implements Loader<T> {
    static readonly format: Format = Format.TEXT;

    load(source: ReadBuffer, start: number, end: number): T {
      const text = new GeometricText(source, start, end, name);
      const value = readText(text);
      text.expectEnd();
      return value;
    }
  };
}

/** Makes the loader of a type in binary format. */
function binaryLoader<T extends object>(
  shape: Shape<T>,
  twin: LoaderClass,
): LoaderClass<T> {
  const { name, size, readBinary } = shape;
  return class implements Loader<T> {
    static readonly format: Format = Format.BINARY;
    static readonly twin: LoaderClass = twin;

    load(source: ReadBuffer, start: number, end: number): T {
      if (size !== null && end - start !== size) {
        throw malformed(name, `it has ${end - start} bytes instead of ${size}`);
      }
      return readBinary(source, start, end);
    }
  };
}

/** Checks a value that a dumper may get for the sake of its type alone. */
function checkClass<T extends object>(value: T, { of, name }: Shape<T>): void {
  if (!(value instanceof of)) {
    throw new DataError(
      `Cannot send a value as ${name}: it is not of the class ${of.name}`,
    );
  }
}

/** Makes the dumper of a type in text format. */
function textDumper<T extends object>(shape: Shape<T>): DumperClass<T> {
  return class extends TextDumper<T> {
    override readonly oid: number = shape.oid;
    override readonly cast: string = shape.name;

    override text(value: T): string {
      checkClass(value, shape);
      return String(value);
    }
  };
}

/** Makes the dumper of a type in binary format. */
function binaryDumper<T extends object>(shape: Shape<T>): DumperClass<T> {
  return class extends BinaryDumper<T> {
    override readonly oid: number = shape.oid;
    override readonly cast: string = shape.name;

    override dump(value: T, out: WriteBuffer): void {
      checkClass(value, shape);
      shape.write(value, out);
    }

    override text(value: T): string {
      checkClass(value, shape);
      return String(value);
    }
  };
}

function registerShape<T extends object>(
  map: Registrar,
  shape: Shape<T>,
): void {
  const loader = textLoader(shape);
  map.registerLoader(shape.oid, loader);
  map.registerLoader(shape.oid, binaryLoader(shape, loader));
  map.registerDumper(shape.of, textDumper(shape));
  // Last, so that `%s` takes it.
  map.registerDumper(shape.of, binaryDumper(shape));
}

/**
 * Registers the loaders and dumpers of the geometric types.
 *
 * @param map Where to register them.
 */
export function registerGeometric(map: Registrar): void {
  registerShape(map, POINT);
  registerShape(map, LINE);
  registerShape(map, LINE_SEGMENT);
  registerShape(map, BOX);
  registerShape(map, PATH);
  registerShape(map, POLYGON);
  registerShape(map, CIRCLE);
}
