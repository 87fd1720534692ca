/**
 * The geometric types without a server: the classes, what they refuse, and
 * malformed values in both formats.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { encodeHex } from "@std/encoding/hex";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import {
  Box,
  Circle,
  Line,
  LineSegment,
  OID,
  Path,
  Point,
  Polygon,
} from "../../types/mod.ts";
import { Transformer } from "../../types/transformer.ts";

const transformer = new Transformer(adapters, NO_SESSION);
const one = new Point(1, 2);
const two = new Point(-0, NaN);

const PARENTHESES = new TextEncoder().encode("()");

function load(oid: number, bytes: Uint8Array, format: Format): unknown {
  const around = concat([
    PARENTHESES.subarray(0, 1),
    bytes,
    PARENTHESES.subarray(1),
  ]);
  return transformer.getLoader(oid, format)
    .load(new ReadBuffer(around), 1, around.length - 1);
}

function loadText(oid: number, text: string): unknown {
  return load(oid, new TextEncoder().encode(text), Format.TEXT);
}

function dump(value: unknown, format: "s" | "t" | "b"): Uint8Array {
  const out = new WriteBuffer(1);
  transformer.getDumper(value, format).dump(value, out);
  return out.written().slice();
}

/** A value of each type: its OID, its text, its bytes. */
const VALUES: readonly [string, number, object, string, string][] = [
  ["point", OID.POINT, one, "(1,2)", "3ff0000000000000 4000000000000000"],
  [
    "point",
    OID.POINT,
    two,
    "(-0,NaN)",
    "8000000000000000 7ff8000000000000",
  ],
  [
    "line",
    OID.LINE,
    new Line(1, -2, Infinity),
    "{1,-2,Infinity}",
    "3ff0000000000000 c000000000000000 7ff0000000000000",
  ],
  [
    "lseg",
    OID.LSEG,
    new LineSegment(one, two),
    "[(1,2),(-0,NaN)]",
    "3ff0000000000000 4000000000000000 8000000000000000 7ff8000000000000",
  ],
  [
    "box",
    OID.BOX,
    new Box(new Point(1, 1), one),
    "(1,2),(1,1)",
    "3ff0000000000000 4000000000000000 3ff0000000000000 3ff0000000000000",
  ],
  [
    "path",
    OID.PATH,
    new Path([one]),
    "[(1,2)]",
    "00 00000001 3ff0000000000000 4000000000000000",
  ],
  [
    "path",
    OID.PATH,
    new Path([one, one], true),
    "((1,2),(1,2))",
    "01 00000002 3ff0000000000000 4000000000000000 3ff0000000000000 4000000000000000",
  ],
  [
    "polygon",
    OID.POLYGON,
    new Polygon([one, two]),
    "((1,2),(-0,NaN))",
    "00000002 3ff0000000000000 4000000000000000 8000000000000000 7ff8000000000000",
  ],
  [
    "circle",
    OID.CIRCLE,
    new Circle(one, 0.5),
    "<(1,2),0.5>",
    "3ff0000000000000 4000000000000000 3fe0000000000000",
  ],
];

function bytesOf(hex: string): Uint8Array {
  const pairs = hex.replaceAll(" ", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

Deno.test("geometric types: text, bytes and literals, both ways", () => {
  for (const [name, oid, value, text, hex] of VALUES) {
    const dumper = transformer.getDumper(value);
    assertEquals([dumper.oid, dumper.format], [oid, Format.BINARY], text);
    assertEquals(encodeHex(dump(value, "s")), hex.replaceAll(" ", ""), text);
    assertEquals(encodeHex(dump(value, "b")), hex.replaceAll(" ", ""), text);
    assertEquals(new TextDecoder().decode(dump(value, "t")), text);
    assertEquals(dumper.text(value), text);
    assertEquals(dumper.quote(value), `'${text}'::${name}`);
    assertEquals(String(value), text);
    for (
      const loaded of [
        loadText(oid, text),
        load(oid, bytesOf(hex), Format.BINARY),
      ]
    ) {
      assertEquals(loaded, value);
      assertEquals(String(loaded), text);
      assert((loaded as Point).equals(value));
    }
  }
});

Deno.test("geometric types: equals() compares all numbers, NaN with NaN, and classes", () => {
  const values = [
    ...VALUES.map(([, , value]) => value as Point),
    new Point(1, 3),
    new Point(NaN, NaN),
    new Line(1, -2, 0),
    new Line(1, 0, Infinity),
    new Line(0, -2, Infinity),
    new LineSegment(two, one),
    new LineSegment(one, one),
    new Box(one, new Point(1, 0)),
    new Box(new Point(1, 1), new Point(0, 2)),
    new Path([one], true),
    new Path([one, one]),
    new Path([one, two], true),
    new Polygon([two, one]),
    new Polygon([one, two, one]),
    new Circle(one, NaN),
    new Circle(two, 0.5),
  ];
  for (const [index, value] of values.entries()) {
    for (const [other, another] of values.entries()) {
      assertEquals(
        value.equals(another),
        index === other,
        `${value} ${another}`,
      );
    }
    for (const other of [null, undefined, 1, "(1,2)", {}, { ...value }]) {
      assertEquals(value.equals(other), false);
    }
  }
  assert(new Point(0, NaN).equals(two));
});

Deno.test("Box: its corners are put in order as the server does, NaN being the greatest", () => {
  const corners: [number, number, number, number, string][] = [
    [2, 2, 1, 1, "(2,2),(1,1)"],
    [1, 1, 2, 2, "(2,2),(1,1)"],
    [1, 2, 2, 1, "(2,2),(1,1)"],
    [2, 1, 1, 2, "(2,2),(1,1)"],
    [NaN, 1, Infinity, 2, "(NaN,2),(Infinity,1)"],
    [1, NaN, NaN, 1, "(NaN,NaN),(1,1)"],
    [-0, 0, 0, -0, "(-0,0),(0,-0)"],
  ];
  for (const [x1, y1, x2, y2, expected] of corners) {
    const box = new Box(new Point(x1, y1), new Point(x2, y2));
    assertEquals(String(box), expected);
  }
});

Deno.test("geometric types: what PostgreSQL has no value for is refused where it is made", () => {
  assertThrows(() => new Line(0, -0, 1), DataError, "both zero");
  assertThrows(() => new Path([]), DataError, "no points");
  assertThrows(() => new Polygon([]), DataError, "no points");
  assertThrows(() => new Circle(one, -1), DataError, "below zero");
  const wrong = "1" as unknown as number;
  const nothing = null as unknown as Point;
  const alike = { x: 1, y: 2 } as unknown as Point;
  for (
    const make of [
      () => new Point(wrong, 1),
      () => new Point(1, wrong),
      () => new Line(1, 1, wrong),
      () => new Circle(one, wrong),
      () => new Circle(nothing, 1),
      () => new LineSegment(one, alike),
      () => new LineSegment(alike, one),
      () => new Box(one, nothing),
      () => new Box(nothing, one),
      () => new Path([one, alike]),
      () => new Polygon([nothing]),
    ]
  ) assertThrows(make, TypeError, "Cannot make a ");
});

Deno.test("geometric types: a shape does not change with the list it was made of", () => {
  const points = [one];
  const path = new Path(points);
  points.push(two);
  assertEquals(path.points, [one]);
});

Deno.test("geometric types: every prefix, suffix and changed byte count of a binary value is a DataError", () => {
  for (const [name, oid, value, , hex] of VALUES) {
    const bytes = bytesOf(hex);
    const refused = (hostile: Uint8Array) => {
      const error = assertThrows(
        () => load(oid, hostile, Format.BINARY),
        DataError,
      );
      assert(
        error.message.startsWith(`Cannot read a ${name}: `),
        error.message,
      );
    };
    for (let end = 0; end < bytes.length; end++) refused(bytes.slice(0, end));
    refused(Uint8Array.of(...bytes, 0));
    if (!(value instanceof Path || value instanceof Polygon)) continue;
    const at = value instanceof Path ? 1 : 0;
    for (const count of [0, 3, -1, 0x7fff_ffff, 0x1000_0001, 0x1000_0002]) {
      const hostile = bytes.slice();
      new DataView(hostile.buffer).setInt32(at, count);
      refused(hostile);
    }
    if (at === 1) refused(Uint8Array.of(2, ...bytes.subarray(1)));
  }
  assertThrows(
    () => load(OID.LINE, new Uint8Array(24), Format.BINARY),
    DataError,
  );
  const below = bytesOf("0000000000000000 0000000000000000 bff0000000000000");
  assertThrows(() => load(OID.CIRCLE, below, Format.BINARY), DataError);
});

Deno.test("A14 geometric types: malformed text is a DataError, in linear time", () => {
  for (const [name, oid, , text] of VALUES) {
    const malformed = [
      ...Array.from(text, (_, end) => text.slice(0, end)),
      ...Array.from(text, (_, at) => text.slice(at + 1)),
      `${text} `,
      ` ${text}`,
      `${text}${text}`,
      text.replace("1", ""),
      text.replace("1", "x"),
      text.replace("1", "0x1"),
      text.replace("1", "1e"),
      text.replace("1", "--1"),
      text.replace("1", "1.2.3"),
      text.replace("1", "1 "),
      text.replace("1", "nan"),
      text.replace("1", "inf"),
      text.replace("1", "+Infinity"),
      text.replace("1", "1Infinity"),
      text.replace("1", "\uff11"),
    ].filter((each) => each !== text);
    for (const hostile of malformed) {
      const error = assertThrows(
        () => loadText(oid, hostile),
        DataError,
        undefined,
        `${name} ${hostile}`,
      );
      assert(
        error.message.startsWith(`Cannot read a ${name}: `),
        error.message,
      );
    }
  }
  const begun = performance.now();
  const points = "(1,2),".repeat(200_000);
  for (
    const hostile of [
      `(${points}`,
      `[${points}(1,2)`,
      "(".repeat(1_000_000),
      `((1,${"9".repeat(1_000_000)}x`,
      `((${"N".repeat(1_000_000)},1))`,
    ]
  ) {
    for (const oid of [OID.PATH, OID.POLYGON, OID.POINT, OID.BOX]) {
      assertThrows(() => loadText(oid, hostile), DataError);
    }
  }
  assert(performance.now() - begun < 10_000);
});

Deno.test("geometric dumpers: a value of another class is a DataError, not a wrong one", () => {
  for (const [name, oid] of VALUES) {
    for (const format of ["t", "b"] as const) {
      const dumper = transformer.getDumperByOid(oid, format);
      for (const value of ["(1,2)", 1, { x: 1, y: 2 }, [1, 2]]) {
        assertThrows(
          () => dumper.dump(value, new WriteBuffer()),
          DataError,
          `Cannot send a value as ${name}`,
        );
        assertThrows(() => dumper.text(value), DataError);
      }
    }
  }
});
