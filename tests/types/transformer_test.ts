import {
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { ProgrammingError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import {
  Format,
  NO_SESSION,
  type PlaceholderFormat,
} from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import { TextDumper } from "../../types/dumper.ts";
import { TextBinaryLoader } from "../../types/text.ts";
import { Transformer } from "../../types/transformer.ts";
import { TypeInfo } from "../../types/type_info.ts";

function fresh(): { map: AdaptersMap; transformer: Transformer } {
  const map = new AdaptersMap(adapters);
  return { map, transformer: new Transformer(map, NO_SESSION) };
}

function dumped(value: unknown, format: PlaceholderFormat): string {
  const out = new WriteBuffer();
  new Transformer(adapters, NO_SESSION).getDumper(value, format)
    .dump(value, out);
  return new TextDecoder().decode(out.written());
}

Deno.test("AD-01 Transformer.getDumper: 1 is int2 and strings have their type only in binary", () => {
  const { transformer } = fresh();
  assertEquals(dumped(1, "t"), "1");
  assertEquals(transformer.getDumper(1, "t").oid, 21);
  assertEquals(transformer.getDumper(1, "t").format, Format.TEXT);
  assertEquals(dumped(1, "b"), "\0\x01");
  assertEquals(transformer.getDumper(1, "b").oid, 21);
  assertEquals(transformer.getDumper(1, "s").format, Format.BINARY);
  assertEquals(dumped("hello", "s"), "hello");
  assertEquals(transformer.getDumper("hello", "s").oid, 0);
  assertEquals(transformer.getDumper("hello", "t").oid, 0);
  assertEquals(transformer.getDumper("hello", "b").oid, 25);
});

Deno.test("Transformer.getDumper: gives the same dumper again", () => {
  const { transformer } = fresh();
  for (const format of ["s", "t", "b"] as const) {
    for (
      const [one, other] of [
        [1, 2],
        [1n, 2n],
        [true, false],
        ["a", "b"],
        [{ a: 1 }, { b: 2 }],
        [new Uint8Array(1), new Uint8Array(2)],
      ]
    ) {
      assertStrictEquals(
        transformer.getDumper(one, format),
        transformer.getDumper(other, format),
      );
    }
  }
});

Deno.test("Transformer.getDumper: refuses undefined, functions and symbols", () => {
  const { transformer } = fresh();
  assertThrows(
    () => transformer.getDumper(undefined),
    ProgrammingError,
    "pass null for NULL",
  );
  assertThrows(
    () => transformer.getDumper(() => 1),
    ProgrammingError,
    "Cannot adapt a function",
  );
  assertThrows(
    () => transformer.getDumper(Symbol("x")),
    ProgrammingError,
    "Cannot adapt a symbol",
  );
});

Deno.test("Transformer: notices what is registered later", () => {
  const { map, transformer } = fresh();
  const before = transformer.getDumper(true);
  const loader = transformer.getLoader(16, Format.TEXT);
  map.registerDumper("boolean", (value: boolean) => value ? "yes" : "no");
  assertEquals(transformer.getDumper(true).text(true), "yes");
  assertNotStrictEquals(transformer.getDumper(true), before);
  assertNotStrictEquals(transformer.getLoader(16, Format.TEXT), loader);
});

Deno.test("Transformer.getLoader: an unknown type is a string, in binary a copy of the bytes", () => {
  const { transformer } = fresh();
  const source = new ReadBuffer(new TextEncoder().encode("xäy"));
  assertEquals(
    transformer.getLoader(99999, Format.TEXT).load(source, 1, 3),
    "ä",
  );
  const loader = transformer.getLoader(99999, Format.BINARY);
  const bytes = loader.load(source, 1, 3) as Uint8Array;
  source.bytes.fill(0);
  assertEquals([...bytes], [0xc3, 0xa4]);
});

Deno.test("Transformer.getLoader: arrays of a type added later are read by its loader", () => {
  const { map, transformer } = fresh();
  const source = new ReadBuffer(new TextEncoder().encode("{a,NULL,b}"));
  const load = () =>
    transformer.getLoader(90002, Format.TEXT).load(source, 0, 10);
  assertEquals(load(), "{a,NULL,b}");
  map.types.add(new TypeInfo("mine", 90001, 90002));
  assertEquals(load(), ["a", null, "b"]);
  map.registerLoader("mine", (text) => text.toUpperCase());
  assertEquals(load(), ["A", null, "B"]);
});

Deno.test("Transformer.binaryEquals: only where both loaders belong together", () => {
  const { map, transformer } = fresh();
  for (const name of ["bool", "int2", "int4", "int8", "oid", "float4"]) {
    assertEquals(transformer.binaryEquals(map.types.getOid(name)), true, name);
    assertEquals(
      transformer.binaryEquals(map.types.getOid(`${name}[]`)),
      true,
      name,
    );
  }
  // Cheaper as text, without a loader, without a type.
  for (const name of ["numeric", "numeric[]", "money", "record", "tid[]"]) {
    assertEquals(transformer.binaryEquals(map.types.getOid(name)), false, name);
  }
  assertEquals(transformer.binaryEquals(0), false);
  assertEquals(transformer.binaryEquals(99999), false);

  map.registerLoader("int4", Number);
  assertEquals(transformer.binaryEquals(23), false);
  assertEquals(transformer.binaryEquals(1007), false);
  map.registerLoader("bool[]", JSON.parse);
  assertEquals(transformer.binaryEquals(16), true);
  assertEquals(transformer.binaryEquals(1000), false);
  map.registerLoader("text", class extends TextBinaryLoader {});
  assertEquals(transformer.binaryEquals(25), false);
});

Deno.test("Transformer.getDumperByOid: takes plain values, also for arrays", () => {
  const { transformer } = fresh();
  const int8 = transformer.getDumperByOid(20, "t");
  assertEquals(int8.text(7), "7");
  assertEquals(int8.text(7n), "7");
  const array = transformer.getDumperByOid(1016, "b");
  assertEquals(array.oid, 1016);
  assertEquals(array.format, Format.BINARY);
  assertEquals(array.text([1, 2n, null]), "{1,2,NULL}");
  assertStrictEquals(transformer.getDumperByOid(1016, "b"), array);
  assertThrows(() => transformer.getDumperByOid(99999), ProgrammingError);
});

Deno.test("Transformer.getDumper: upgrade() is asked for each value, or once for each key", () => {
  class Measure {
    readonly unit: string;
    constructor(unit: string) {
      this.unit = unit;
    }
  }
  let asked = 0;
  class MeasureDumper extends TextDumper<Measure> {
    override readonly oid: number = 0;
    override text({ unit }: Measure): string {
      return unit;
    }
    upgrade({ unit }: Measure): TextDumper<Measure> {
      asked++;
      return new (class extends MeasureDumper {
        override readonly cast: string = unit;
      })();
    }
  }
  class KeyedDumper extends MeasureDumper {
    getKey({ unit }: Measure): unknown {
      return unit;
    }
  }
  const { map, transformer } = fresh();
  const literal = (unit: string) => {
    const value = new Measure(unit);
    return transformer.getDumper(value).quote(value);
  };
  map.registerDumper(Measure, MeasureDumper);
  assertEquals(["m", "s", "m"].map(literal), ["'m'::m", "'s'::s", "'m'::m"]);
  assertEquals(asked, 3);
  map.registerDumper(Measure, KeyedDumper);
  assertEquals(["m", "s", "m"].map(literal), ["'m'::m", "'s'::s", "'m'::m"]);
  assertEquals(asked, 5);
  const [one, two] = [new Measure("m"), new Measure("m")];
  assertStrictEquals(transformer.getDumper(one), transformer.getDumper(two));
  // Whatever is registered begins anew.
  map.registerLoader("money", String);
  assertEquals(literal("m"), "'m'::m");
  assertEquals(asked, 6);
});

Deno.test("Transformer.getDumper: tells a class of dumpers what was asked for", () => {
  const asked: unknown[] = [];
  class Thing {}
  class ThingDumper extends TextDumper<Thing> {
    override readonly oid: number = 0;
    constructor(adaptation: unknown, format?: PlaceholderFormat) {
      super();
      asked.push(adaptation, format);
    }
    override text(): string {
      return "thing";
    }
  }
  const { map, transformer } = fresh();
  map.registerDumper(Thing, ThingDumper);
  transformer.getDumper(new Thing(), "t");
  transformer.getDumper(new Thing(), "s");
  assertEquals(asked[1], "t");
  assertEquals(asked[3], "s");
  assertStrictEquals(asked[0], transformer);
});
