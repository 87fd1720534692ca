import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import type { TextCodec } from "../../protocol/text.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import { Point } from "../../types/geometric_lines.ts";
import { Box } from "../../types/geometric_shapes.ts";
import { Transformer } from "../../types/transformer.ts";
import { Int4 } from "../../types/wrappers.ts";

const INT2_ARRAY = 1005;
const INT4_ARRAY = 1007;
const TEXT_ARRAY = 1009;
const INT8_ARRAY = 1016;
const BOX_ARRAY = 1020;
const FLOAT8_ARRAY = 1022;
const NUMERIC_ARRAY = 1231;

const box = (high: number, low: number) =>
  new Box(new Point(high, high), new Point(low, low));

const transformer = new Transformer(adapters, NO_SESSION);

function loadText(oid: number, text: string, from = transformer): unknown {
  const bytes = new TextEncoder().encode(`#${text}#`);
  return from.getLoader(oid, Format.TEXT)
    .load(new ReadBuffer(bytes), 1, bytes.length - 1);
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const pairs = hex.replaceAll(" ", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

function loadBinary(oid: number, hex: string): unknown {
  const bytes = bytesOf(`ff${hex}ff`);
  return transformer.getLoader(oid, Format.BINARY)
    .load(new ReadBuffer(bytes), 1, bytes.length - 1);
}

function dumped(value: unknown, format: "s" | "t" | "b" = "s"): Uint8Array {
  const out = new WriteBuffer(1);
  transformer.getDumper(value, format).dump(value, out);
  return out.written().slice();
}

function text(value: unknown[]): string | null {
  return transformer.getDumper(value).text(value);
}

Deno.test("ArrayLoader: reads flat and nested arrays, NULLs and quotes", () => {
  const cases: [number, string, unknown][] = [
    [INT4_ARRAY, "{}", []],
    [INT4_ARRAY, "{1}", [1]],
    [INT4_ARRAY, "{10,NULL,30}", [10, null, 30]],
    [INT4_ARRAY, "{{10,20},{30,40}}", [[10, 20], [30, 40]]],
    [INT8_ARRAY, "{1,9223372036854775807}", [1n, 9223372036854775807n]],
    [TEXT_ARRAY, "{foo,null,NuLL}", ["foo", null, null]],
    [TEXT_ARRAY, '{"null","","fo{o"}', ["null", "", "fo{o"]],
    [
      TEXT_ARRAY,
      '{"a\\"b","c\\\\d",NULL,"NULL","","x,y"," "}',
      ['a"b', "c\\d", null, "NULL", "", "x,y", " "],
    ],
    [TEXT_ARRAY, '{"ä\\"ö",☃,"\\☃"}', ['ä"ö', "☃", "☃"]],
    [TEXT_ARRAY, "{{{{{{a}}}}}}", [[[[[["a"]]]]]]],
    [BOX_ARRAY, "{(1,1),(0,0);(3,3),(2,2)}", [box(1, 0), box(3, 2)]],
    [TEXT_ARRAY, "[0:1]={a,b}", ["a", "b"]],
    [
      INT4_ARRAY,
      "[1:1][-2:-1][3:5]={{{1,2,3},{4,5,6}}}",
      [[[1, 2, 3], [4, 5, 6]]],
    ],
  ];
  for (const [oid, source, expected] of cases) {
    assertEquals(loadText(oid, source), expected);
  }
});

Deno.test("A14 ArrayLoader: malformed text is a DataError, in linear time", () => {
  const malformed = [
    "",
    "x",
    "{",
    "}",
    "{{",
    "{a",
    "{a,",
    "{a,}",
    "{,a}",
    "{,}",
    '{"',
    '{"a',
    '{"a\\',
    '{"a\\"}',
    '{"a"b}',
    '{a"b"}',
    "{a\\b}",
    "{a}}",
    "{a}{b}",
    "{{a}",
    "{{a}b}",
    "{{a}{b}}",
    "{a{b}}",
    "{a}x",
    "[0:1]",
    "[0:1]={a",
    "[",
    "{".repeat(10_000),
    "{".repeat(10_000) + "}".repeat(10_000),
    "{".repeat(7) + "}".repeat(7),
  ];
  for (const source of malformed) {
    const error = assertThrows(() => loadText(TEXT_ARRAY, source), DataError);
    assert(error.message.startsWith("Cannot read an array: "));
  }
  const start = performance.now();
  for (
    const source of [
      '{"'.repeat(500_000),
      `{${'"a\\\\",'.repeat(300_000)}`,
      `{"${"\\\\".repeat(1_000_000)}`,
      "{a".repeat(500_000),
    ]
  ) {
    assertThrows(() => loadText(TEXT_ARRAY, source), DataError);
  }
  assert(performance.now() - start < 5_000);
});

Deno.test("ArrayLoader: elements with escapes do not overwrite each other", () => {
  const map = new AdaptersMap(adapters);
  const seen: (() => string)[] = [];
  map.registerLoader("text", {
    load(source, start, end) {
      seen.push(() => source.text(start, end));
      return null;
    },
  });
  loadText(
    TEXT_ARRAY,
    '{"a\\"1","b\\"2","c\\"3"}',
    new Transformer(map, NO_SESSION),
  );
  assertEquals(seen.map((read) => read()), ['a"1', 'b"2', 'c"3']);
});

Deno.test("ArrayLoader: a brace may be half of a character in another encoding", () => {
  // A stand-in for a multibyte encoding: 0x81 and the byte after it are one character.
  const codec: TextCodec = {
    encoding: "SJIS",
    label: "shift_jis",
    maxBytesPerUnit: 2,
    decode(bytes, start, end) {
      let result = "";
      for (let at = start; at < end; at++) {
        result += bytes[at] === 0x81
          ? "[" + bytes[++at] + "]"
          : String.fromCharCode(bytes[at]!);
      }
      return result;
    },
    encodeInto: () => 0,
  };
  const source = new ReadBuffer(bytesOf("7b 817d 2c 815c 7d"));
  source.codec = codec;
  const loader = transformer.getLoader(TEXT_ARRAY, Format.TEXT);
  assertEquals(loader.load(source, 0, 7), ["[125]", "[92]"]);
});

const TWO_BY_TWO = "00000002 00000001 00000015 00000002 00000000 00000002" +
  "00000002 00000002 0001 ffffffff 00000002 0003 00000002 0004";

Deno.test("ArrayBinaryLoader: reads what array_send() writes", () => {
  assertEquals(loadBinary(INT2_ARRAY, TWO_BY_TWO), [[1, null], [3, 4]]);
  assertEquals(loadBinary(INT2_ARRAY, "00000000 00000000 00000015"), []);
  // The header says what the elements are.
  assertEquals(
    loadBinary(
      TEXT_ARRAY,
      "00000001 00000000 00000015 00000001 00000001 00000002 0007",
    ),
    [7],
  );
  // Any dimension of no elements leaves nothing.
  assertEquals(
    loadBinary(
      INT2_ARRAY,
      "00000002 00000000 00000015 7fffffff 00000001 00000000 00000001",
    ),
    [],
  );
});

Deno.test("A12 ArrayBinaryLoader: refuses impossible sizes before it allocates", () => {
  const header = (ndim: string) => `${ndim} 00000000 00000015`;
  const dimension = (length: string) => `${length} 00000001`;
  const hostile = [
    "",
    "00000001",
    header("000f4240"),
    header("00000007") + dimension("00000001").repeat(7),
    header("ffffffff"),
    header("00000001"),
    header("00000001") + dimension("7fffffff"),
    header("00000001") + dimension("ffffffff"),
    header("00000006") + dimension("7fffffff").repeat(6),
    header("00000002") + dimension("00010000").repeat(2),
    header("00000001") + dimension("00000002") + "00000002 0001",
    header("00000001") + dimension("00000001") + "00000003 0001",
    header("00000001") + dimension("00000001") + "7fffffff 0001",
    header("00000001") + dimension("00000001") + "fffffffe 0001",
    header("00000001") + dimension("00000001") + "00000002 0001 00",
    header("00000001") + dimension("00000001") + "00000002 00",
    header("00000000") + "00",
  ];
  const before = Deno.memoryUsage().heapTotal;
  for (const hex of hostile) {
    assertThrows(() => loadBinary(INT2_ARRAY, hex), DataError);
  }
  assert(Deno.memoryUsage().heapTotal - before < 64 * 1024 * 1024);
  for (let length = 0; length < bytesOf(TWO_BY_TWO).length; length++) {
    const hex = TWO_BY_TWO.replaceAll(" ", "").slice(0, 2 * length);
    assertThrows(() => loadBinary(INT2_ARRAY, hex), DataError);
  }
});

Deno.test("AD-13 ArrayDumper: arrays of one type share a dumper, an empty one has no type", () => {
  for (const format of ["s", "t", "b"] as const) {
    const dumper = transformer.getDumper([0], format);
    assertEquals(dumper.oid, INT2_ARRAY);
    assertStrictEquals(transformer.getDumper([1], format), dumper);
    assertStrictEquals(transformer.getDumper([null, [1]], format), dumper);

    const empty = transformer.getDumper([], format);
    assertEquals(empty.oid, 0);
    assertEquals(new TextDecoder().decode(dumped([], format)), "{}");

    const list: unknown[] = [1];
    list.push(list);
    const error = assertThrows(
      () => transformer.getDumper(list, format),
      DataError,
      "contains itself",
    );
    assert(error.message.includes("[1]"));
    assertThrows(
      () => transformer.getDumper([[1], [[list]]], format),
      DataError,
      "contains itself",
    );
  }
});

Deno.test("ArrayDumper: takes the widest type of its numbers", () => {
  const cases: [unknown[], number][] = [
    [[1, 2], INT2_ARRAY],
    [[1, 70000], INT4_ARRAY],
    [[70000, 1], INT4_ARRAY],
    [[1, 2147483648], INT8_ARRAY],
    [[1, 2n], INT8_ARRAY],
    [[1, 2n ** 63n], NUMERIC_ARRAY],
    [[1, 1.5], FLOAT8_ARRAY],
    [[-0, 1], FLOAT8_ARRAY],
    [[1n, 1.5], FLOAT8_ARRAY],
    [[[1], [70000]], INT4_ARRAY],
  ];
  for (const [value, oid] of cases) {
    for (const format of ["t", "b"] as const) {
      const dumper = transformer.getDumper(value, format);
      assertEquals(dumper.oid, oid);
      const loaded = dumper.format === Format.TEXT
        ? loadText(oid, new TextDecoder().decode(dumped(value, format)))
        : loadBinary(
          oid,
          [...dumped(value, format)]
            .map((byte) => byte.toString(16).padStart(2, "0")).join(""),
        );
      assertEquals(String(loaded), String(value));
    }
  }
  assertThrows(
    () => dumped([1.5, 2n ** 53n + 1n]),
    DataError,
    "would be rounded",
  );
});

Deno.test("ArrayBinaryDumper: writes what array_recv() reads", () => {
  const hex = TWO_BY_TWO.replaceAll(" ", "").replace(
    "0000000200000000",
    "0000000200000001",
  ).replace("0000000200000002", "0000000200000001");
  assertEquals(dumped([[1, null], [3, 4]]), bytesOf(hex));
  assertEquals(
    dumped(["a", "b"], "b"),
    bytesOf(
      "00000001 00000000 00000019 00000002 00000001 00000001 61 00000001 62",
    ),
  );
});

Deno.test("ArrayDumper: arrays of strings have no type in text", () => {
  const dumper = transformer.getDumper(["a", null]);
  assertEquals([dumper.oid, dumper.format], [0, Format.TEXT]);
  assertEquals(dumper.quote(["a", null]), "'{a,NULL}'");
  assertEquals(transformer.getDumper(["a"], "b").oid, TEXT_ARRAY);
});

Deno.test("ArrayDumper: quotes what would not be read as itself", () => {
  const values = [
    ["foo", "null", "NULL", "", "baz", null],
    ["fo{o", "ba}r", 'ba"z', "qu'x", "qu ux", " "],
    ["a,b", "a\\b", "\t", "\v", "\u00a0", "nullx", "\\"],
  ];
  for (const value of values) {
    assertEquals(loadText(TEXT_ARRAY, text(value) ?? ""), value);
  }
});

Deno.test("ArrayDumper: as a literal it has a cast", () => {
  const quote = (value: unknown[]) => transformer.getDumper(value).quote(value);
  assertEquals(quote([1, -2]), "'{1,-2}'::smallint[]");
  assertEquals(quote([1.5]), "'{1.5}'::double precision[]");
  assertEquals(quote([["it's"]]), "'{{it''s}}'");
  assertEquals(quote(["a\\b"]), ` E'{"a\\\\\\\\b"}'`);
  assertEquals(quote([]), "'{}'");
  assertEquals(quote([null]), "'{NULL}'");
  assertEquals(quote([[], []]), "'{}'");
});

Deno.test("ArrayDumper: refuses ragged, too deep and mixed arrays", () => {
  const ragged: [unknown[], string][] = [
    [[[1], [2, 3]], "[1]"],
    [[[1], 2], "[1]"],
    [[1, [2]], "[1]"],
    [[null, [1]], "[1]"],
    [[[1], null], "[1]"],
    [[[], [1]], "[1]"],
    [[[[1, 2], [3, 4]], [[5, 6], [7]]], "[1][1]"],
  ];
  for (const [value, where] of ragged) {
    for (const format of ["t", "b"] as const) {
      const error = assertThrows(() => dumped(value, format), DataError);
      assert(error.message.includes("ragged"));
      assert(error.message.includes(` ${where} `), error.message);
    }
    assertThrows(() => text(value), DataError, "ragged");
  }
  assertEquals(text([[[[[[1]]]]]]), "{{{{{{1}}}}}}");
  assertThrows(() => text([[[[[[[1]]]]]]]), DataError, "more than 6 deep");
  assertThrows(
    () => transformer.getDumper([[1], ["a"]]),
    DataError,
    "at [0][0] and [1][0] are of different types",
  );
  assertThrows(() => transformer.getDumper([1, true]), DataError);
  assertThrows(() => transformer.getDumper([new Int4(1), 1]), DataError);
});

Deno.test("ArrayDumper: undefined in it is named by its position", () => {
  assertThrows(
    () => transformer.getDumper([[1], [undefined]]),
    ProgrammingError,
    "the element at [1][0] is undefined",
  );
  assertThrows(
    () => transformer.getDumper(new Array(2)),
    ProgrammingError,
    "[0] is undefined",
  );
  const int4s = transformer.getDumperByOid(INT4_ARRAY);
  assertThrows(
    () => int4s.text([1, undefined]),
    ProgrammingError,
    "[1] is undefined",
  );
});

Deno.test("ArrayDumper: uses what is registered for its elements", () => {
  const map = new AdaptersMap(adapters);
  map.registerDumper("string", (value: string) => `<${value}>`);
  map.registerDumper("boolean", (value: boolean) => value ? "yes" : null);
  const custom = new Transformer(map, NO_SESSION);
  assertEquals(custom.getDumper(["a b"]).text(["a b"]), '{"<a b>"}');
  assertEquals(custom.getDumper(["a"]).quote(["a"]), "'{<a>}'");
  const booleans = [true, false];
  assertEquals(custom.getDumper(booleans).text(booleans), "{yes,NULL}");
});

Deno.test("ArrayDumper: objects in it are jsonb", () => {
  const value = [{ a: "b" }, { c: [1] }];
  const dumper = transformer.getDumper(value);
  assertEquals(dumper.oid, 3807);
  assertEquals(loadText(3807, dumper.text(value) ?? ""), value);
});

Deno.test("ArrayDumper: the delimiter is that of the type", () => {
  const value = [box(1, 0), null, box(3, 2)];
  const dumper = transformer.getDumper(value);
  assertEquals(dumper.oid, BOX_ARRAY);
  assertEquals(dumper.text(value), "{(1,1),(0,0);NULL;(3,3),(2,2)}");
});
