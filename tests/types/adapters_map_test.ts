import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ProgrammingError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import {
  type Adaptation,
  Format,
  type LoaderClass,
  NO_SESSION,
} from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import { BinaryDumper, TextDumper } from "../../types/dumper.ts";
import { Transformer } from "../../types/transformer.ts";
import { TypeInfo } from "../../types/type_info.ts";
import { Int4BinaryDumper, Int4Dumper } from "../../types/integer_dumper.ts";
import { StrBinaryDumper, StrDumperUnknown } from "../../types/text.ts";

class Point {
  x = 1;
}
class Point3 extends Point {
  z = 3;
}

class PointText extends TextDumper<Point> {
  override readonly oid: number = 600;
  override text(value: Point): string {
    return `text ${value.x}`;
  }
}
class PointBinary extends BinaryDumper<Point> {
  override readonly oid: number = 600;
  override dump(): void {}
  override text(value: Point): string {
    return `binary ${value.x}`;
  }
}

function bufferOf(text: string): ReadBuffer {
  return new ReadBuffer(new TextEncoder().encode(text));
}

function load(map: AdaptersMap, oid: number, text: string): unknown {
  const source = bufferOf(text);
  return new Transformer(map, NO_SESSION).getLoader(oid, Format.TEXT)
    .load(source, 0, source.bytes.length);
}

Deno.test("AD-07 AdaptersMap: the last registered wins for %s, %t and %b pick their own", () => {
  const map = new AdaptersMap(adapters);
  map.registerDumper(Point, PointText);
  map.registerDumper(Point, PointBinary);
  assertStrictEquals(map.getDumper(Point, "s"), PointBinary);
  assertStrictEquals(map.getDumper(Point, "t"), PointText);
  assertStrictEquals(map.getDumper(Point, "b"), PointBinary);
  map.registerDumper(Point, PointText);
  assertStrictEquals(map.getDumper(Point), PointText);
  assertStrictEquals(map.getDumper(Point, "t"), PointText);
  assertStrictEquals(map.getDumper(Point, "b"), PointBinary);

  const transformer = new Transformer(map, NO_SESSION);
  const point = new Point();
  assertEquals(transformer.getDumper(point, "s").text(point), "text 1");
  assertEquals(transformer.getDumper(point, "b").text(point), "binary 1");
  assertEquals(transformer.getDumper(point, "t").text(point), "text 1");
});

Deno.test("AdaptersMap.getDumper: walks up the classes, the nearest one first", () => {
  const map = new AdaptersMap();
  map.registerDumper(Point, PointText);
  assertStrictEquals(map.getDumper(Point3), PointText);
  class Point3Text extends PointText {}
  map.registerDumper(Point3, Point3Text);
  assertStrictEquals(map.getDumper(Point3), Point3Text);
  assertStrictEquals(map.getDumper(Point), PointText);
});

Deno.test("AD-11 AdaptersMap: an object whose class has no dumper cannot be adapted", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  const error = assertThrows(
    () => transformer.getDumper(new Point3()),
    ProgrammingError,
    "Cannot adapt a value of the class Point3",
  );
  assertEquals(error.message.includes("registerDumper(Point3"), true);
  assertEquals(error.message.includes("new Jsonb("), true);
  assertThrows(() => transformer.getDumper(new Map()), ProgrammingError, "Map");
  assertThrows(
    () => transformer.getDumper(Object.create({})),
    ProgrammingError,
    "Cannot adapt",
  );
  assertThrows(
    () => new AdaptersMap().getDumper("string"),
    ProgrammingError,
    "Cannot adapt a string",
  );
});

Deno.test("AdaptersMap: plain objects are jsonb, whatever their properties are called", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  const bare = Object.assign(Object.create(null), { a: 1 });
  for (const value of [{ a: 1 }, { constructor: Point3 }, bare]) {
    assertEquals(transformer.getDumper(value).oid, 3802);
  }
});

Deno.test("AdaptersMap.getDumper: a format that is not there is named", () => {
  const map = new AdaptersMap();
  map.registerDumper(Point, PointText);
  assertThrows(
    () => map.getDumper(Point, "b"),
    ProgrammingError,
    "no binary dumper is registered for it, use %s",
  );
});

Deno.test("AdaptersMap: takes functions and objects as well as classes", () => {
  const map = new AdaptersMap(adapters);
  map.registerDumper(Point, (point: Point) => `f(${point.x})`);
  map.registerLoader("point", (text) => ({ text }));
  const transformer = new Transformer(map, NO_SESSION);
  const dumper = transformer.getDumper(new Point());
  assertEquals(dumper.oid, 0);
  assertEquals(dumper.format, Format.TEXT);
  assertEquals(dumper.quote(new Point()), "'f(1)'");
  assertEquals(load(map, 600, "(1,2)"), { text: "(1,2)" });

  const object = new PointText();
  map.registerDumper(Point, object);
  assertStrictEquals(transformer.getDumper(new Point()), object);
  map.registerLoader(600, { load: (_source, start, end) => end - start });
  assertEquals(load(map, 600, "(1,2)"), 5);

  map.registerDumper(Point, () => null);
  assertEquals(transformer.getDumper(new Point()).quote(new Point()), "NULL");
  map.registerDumper(Point, (() => undefined) as unknown as () => string);
  assertThrows(
    () => transformer.getDumper(new Point()).text(new Point()),
    ProgrammingError,
    "returned undefined",
  );
});

Deno.test("AdaptersMap: refuses what is no loader, no dumper and no key", () => {
  const map = new AdaptersMap();
  assertThrows(() => map.registerLoader(25, {} as never), ProgrammingError);
  assertThrows(() => map.registerLoader(25, null as never), ProgrammingError);
  assertThrows(() => map.registerDumper(Point, {} as never), ProgrammingError);
  for (const key of [() => 1, "null", "object", "Number", null, {}]) {
    assertThrows(
      () => map.registerDumper(key as never, PointText),
      ProgrammingError,
      "the key is neither",
    );
    assertThrows(() => map.getDumper(key as never), ProgrammingError);
  }
  assertThrows(
    () => map.registerLoader("no such type", String),
    ProgrammingError,
    '"no such type"',
  );
});

Deno.test("AdaptersMap: a copy and its original do not affect each other", () => {
  const original = new AdaptersMap(adapters);
  const copy = new AdaptersMap(original);
  copy.registerLoader("tid", () => "copy");
  copy.registerDumper(Point, PointText);
  copy.types.add(new TypeInfo("mine", 90001, 90002));
  assertEquals(load(original, 27, "(1,2)"), "(1,2)");
  assertThrows(() => original.getDumper(Point), ProgrammingError);
  assertEquals(original.types.get("mine"), null);

  original.registerLoader("tid", () => "original");
  assertEquals(load(copy, 27, "(1,2)"), "copy");
  assertEquals(load(original, 27, "(1,2)"), "original");
  assertEquals(load(adapters, 27, "(1,2)"), "(1,2)");
});

Deno.test("AdaptersMap.getDumperByOid: finds what was registered last for a type", () => {
  assertStrictEquals(adapters.getDumperByOid(23), Int4BinaryDumper);
  assertStrictEquals(adapters.getDumperByOid(23, "t"), Int4Dumper);
  assertStrictEquals(adapters.getDumperByOid(25, "b"), StrBinaryDumper);
  assertThrows(
    () => adapters.getDumperByOid(3642),
    ProgrammingError,
    'the type "gtsvector"',
  );
  assertThrows(
    () => adapters.getDumperByOid(90001),
    ProgrammingError,
    "OID 90001",
  );
  const map = new AdaptersMap(adapters);
  map.registerDumper(Point, PointText);
  assertStrictEquals(map.getDumperByOid(600), PointText);
});

Deno.test("AdaptersMap.registerDumper, registerLoader: for a type, by its OID or what is known of it", () => {
  const map = new AdaptersMap(adapters);
  const mine = new TypeInfo("mine", 90001, 90002);
  mine.register(map);
  map.registerLoader(mine, (text) => `<${text}>`);
  assertEquals(load(map, 90001, "a"), "<a>");
  assertEquals(load(map, 90002, "{a}"), ["<a>"]);

  const transformer = new Transformer(map, NO_SESSION);
  map.registerDumper(mine, (value: unknown) => `mine ${value}`);
  const dumper = transformer.getDumperByOid(90001);
  assertEquals([dumper.oid, dumper.text(7)], [90001, "mine 7"]);
  assertEquals(
    transformer.getDumperByOid(90002).text(["a", null]),
    '{"mine a",NULL}',
  );
  // What the classes of the values are sent by is another matter.
  assertEquals(transformer.getDumper(7).text(7), "7");

  // Of those for a type and those of classes that are of it, the last one.
  map.registerDumper(600, PointBinary);
  assertStrictEquals(map.getDumperByOid(600), PointBinary);
  map.registerDumper(Point, PointText);
  assertStrictEquals(map.getDumperByOid(600), PointText);
  assertStrictEquals(map.getDumperByOid(600, "b"), PointBinary);
  map.registerDumper(600, PointBinary);
  assertStrictEquals(map.getDumperByOid(600), PointBinary);
  assertThrows(() => map.registerDumper(null as never, PointText));
});

Deno.test("AdaptersMap: the dumpers of strings stay as text.ts registers them", () => {
  assertStrictEquals(adapters.getDumper("string", "s"), StrDumperUnknown);
  assertStrictEquals(adapters.getDumper("string", "t"), StrDumperUnknown);
  assertStrictEquals(adapters.getDumper("string", "b"), StrBinaryDumper);
});

Deno.test("AdaptersMap.version: changes with every registration and every type", () => {
  const map = new AdaptersMap(adapters);
  const seen = new Set([map.version]);
  map.registerLoader("point", String);
  seen.add(map.version);
  map.registerDumper(Point, PointText);
  seen.add(map.version);
  map.types.add(new TypeInfo("mine", 90001, 90002));
  seen.add(map.version);
  assertEquals(seen.size, 4);
});

Deno.test("AdaptersMap.registerLoader: a class gets the OID and the adaptation", () => {
  const seen: unknown[] = [];
  class Recording {
    static readonly format: Format = Format.TEXT;
    constructor(oid: number, adaptation: Adaptation) {
      seen.push(oid, adaptation);
    }
    load(): unknown {
      return "recorded";
    }
  }
  const map = new AdaptersMap(adapters);
  map.registerLoader("point", Recording as LoaderClass);
  const transformer = new Transformer(map, NO_SESSION);
  const loader = transformer.getLoader(600, Format.TEXT);
  assertStrictEquals(transformer.getLoader(600, Format.TEXT), loader);
  assertEquals(loader.load(bufferOf(""), 0, 0), "recorded");
  assertEquals(seen.length, 2);
  assertEquals(seen[0], 600);
  assertStrictEquals(seen[1], transformer);
});
