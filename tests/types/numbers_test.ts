import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import {
  type Dumper,
  Format,
  type LoaderClass,
  NO_SESSION,
} from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import {
  Int8AsNumberBinaryLoader,
  Int8AsNumberLoader,
} from "../../types/integer.ts";
import {
  NumericAsNumberBinaryLoader,
  NumericAsNumberLoader,
  NumericBinaryDumper,
} from "../../types/numeric.ts";
import { OID } from "../../types/oids.ts";
import { Transformer } from "../../types/transformer.ts";
import {
  Float4,
  Float8,
  Int2,
  Int4,
  Int8,
  IntNumeric,
  Oid,
} from "../../types/wrappers.ts";

const transformer = new Transformer(adapters, NO_SESSION);

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Loads from the middle of a buffer, as rows do. */
function load(
  oid: number,
  format: Format,
  value: string | Uint8Array,
  from: Transformer = transformer,
): unknown {
  const bytes = typeof value === "string"
    ? new TextEncoder().encode(value)
    : value;
  const source = new ReadBuffer(new Uint8Array(bytes.length + 2).fill(0x39));
  source.bytes.set(bytes, 1);
  return from.getLoader(oid, format).load(source, 1, 1 + bytes.length);
}

function dump(dumper: Dumper, value: unknown): Uint8Array {
  const out = new WriteBuffer(1);
  dumper.dump(value, out);
  return out.written();
}

/** What comes back of a value that is sent as its dumper wants it. */
function roundTrip(value: unknown, format: "t" | "b"): unknown {
  const dumper = transformer.getDumper(value, format);
  return load(dumper.oid, dumper.format, dump(dumper, value));
}

Deno.test("NU-02 getDumper: an integer takes the smallest type that holds it", () => {
  const big = 2n ** 63n;
  const cases: [number | bigint, number][] = [
    [0, OID.INT2],
    [32767, OID.INT2],
    [-32768, OID.INT2],
    [32768, OID.INT4],
    [-32769, OID.INT4],
    [2147483647, OID.INT4],
    [-2147483648, OID.INT4],
    [2147483648, OID.INT8],
    [-2147483649, OID.INT8],
    [Number.MAX_SAFE_INTEGER, OID.INT8],
    [Number.MIN_SAFE_INTEGER, OID.INT8],
    [1n, OID.INT8],
    [big - 1n, OID.INT8],
    [-big, OID.INT8],
    [9223372036854775808n, OID.NUMERIC],
    [big, OID.NUMERIC],
    [-big - 1n, OID.NUMERIC],
    [2 ** 53, OID.FLOAT8],
    [1.5, OID.FLOAT8],
    [-0, OID.FLOAT8],
    [NaN, OID.FLOAT8],
    [-Infinity, OID.FLOAT8],
    [1e30, OID.FLOAT8],
  ];
  for (const format of ["s", "t", "b"] as const) {
    for (const [value, oid] of cases) {
      const dumper = transformer.getDumper(value, format);
      assertEquals(dumper.oid, oid, `${value} ${format}`);
      assertEquals(
        dumper.format,
        format === "t" ? Format.TEXT : Format.BINARY,
      );
    }
  }
});

Deno.test("numbers: come back as they went, in both formats", () => {
  const values = [
    [0, 1, -1, 32767, -32768, 32768, 2 ** 31 - 1, -(2 ** 31), 1.5, -0],
    [0n, -1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)],
  ].flat();
  for (const format of ["t", "b"] as const) {
    for (const value of values) {
      assertStrictEquals(roundTrip(value, format), value);
    }
    for (
      const value of [2 ** 31, -(2 ** 31) - 1, -1e15, Number.MAX_SAFE_INTEGER]
    ) {
      assertStrictEquals(roundTrip(value, format), BigInt(value));
    }
    for (const value of [2n ** 63n, -(2n ** 64n), 10n ** 40n, -(10n ** 40n)]) {
      assertStrictEquals(roundTrip(value, format), String(value));
    }
  }
});

Deno.test("NU-04 integer loaders: read the bounds of each type exactly", () => {
  const cases: [number, number | bigint, string][] = [
    [OID.INT2, 32767, "7fff"],
    [OID.INT2, -32768, "8000"],
    [OID.INT4, 2147483647, "7fffffff"],
    [OID.INT4, -2147483648, "80000000"],
    [OID.INT8, 9223372036854775807n, "7fffffffffffffff"],
    [OID.INT8, -9223372036854775808n, "8000000000000000"],
    [OID.INT8, 999999999999999n, "00038d7ea4c67fff"],
    [OID.INT8, -1000000000000000n, "fffc72815b398000"],
    [OID.OID, 0, "00000000"],
    [OID.OID, 4294967295, "ffffffff"],
  ];
  for (const [oid, value, hex] of cases) {
    assertStrictEquals(load(oid, Format.TEXT, String(value)), value);
    assertStrictEquals(load(oid, Format.BINARY, bytesOf(hex)), value);
  }
});

Deno.test("integer and bool loaders: refuse what is malformed", () => {
  for (const oid of [OID.INT2, OID.INT4, OID.INT8, OID.OID, OID.BOOL]) {
    for (const text of ["", "-", "1x", "x", " 1", "1".repeat(40), "1.5"]) {
      assertThrows(() => load(oid, Format.TEXT, text), DataError);
    }
    for (const hex of ["", "000000", "000000000000000000"]) {
      assertThrows(() => load(oid, Format.BINARY, bytesOf(hex)), DataError);
    }
  }
  assertThrows(() => load(OID.BOOL, Format.BINARY, bytesOf("02")), DataError);
});

Deno.test("bool: comes back as it went, and is a keyword as a literal", () => {
  for (const value of [true, false]) {
    assertStrictEquals(roundTrip(value, "t"), value);
    assertStrictEquals(roundTrip(value, "b"), value);
    assertEquals(transformer.getDumper(value).quote(value), String(value));
  }
  assertEquals(transformer.getDumper(true, "t").text(true), "t");
  assertEquals(transformer.getDumper(true).text(false), "f");
});

Deno.test("Int8AsNumberLoader: gives numbers that are exact and refuses others", () => {
  const map = new AdaptersMap(adapters);
  map.registerLoader("int8", Int8AsNumberLoader);
  map.registerLoader("int8", Int8AsNumberBinaryLoader);
  const numbers = new Transformer(map, NO_SESSION);
  assertEquals(numbers.binaryEquals(OID.INT8), true);
  const dumper = transformer.getDumper(1n, "b");
  const safe = [0, 1, -1, 2 ** 32, -(2 ** 32) - 1, 2 ** 53 - 1, 1 - 2 ** 53];
  for (const value of safe) {
    const binary = dump(dumper, BigInt(value));
    const text = String(value);
    assertStrictEquals(load(OID.INT8, Format.TEXT, text, numbers), value);
    assertStrictEquals(load(OID.INT8, Format.BINARY, binary, numbers), value);
  }
  for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 62n]) {
    const binary = dump(dumper, value);
    for (const [format, data] of [[0, String(value)], [1, binary]] as const) {
      assertThrows(
        () => load(OID.INT8, format, data, numbers),
        DataError,
        "would be rounded",
      );
    }
  }
});

Deno.test("NU-06 float: NaN and the infinities, dumped and loaded", () => {
  const cases: [number, string, string, string][] = [
    [NaN, "NaN", "7fc00000", "7ff8000000000000"],
    [Infinity, "Infinity", "7f800000", "7ff0000000000000"],
    [-Infinity, "-Infinity", "ff800000", "fff0000000000000"],
  ];
  for (const [value, text, hex4, hex8] of cases) {
    for (const oid of [OID.FLOAT4, OID.FLOAT8]) {
      const hex = oid === OID.FLOAT4 ? hex4 : hex8;
      const wrapper = oid === OID.FLOAT4
        ? new Float4(value)
        : new Float8(value);
      const binary = transformer.getDumper(wrapper, "b");
      const plain = transformer.getDumper(wrapper, "t");
      assertEquals([binary.oid, plain.oid], [oid, oid]);
      assertEquals(hexOf(dump(binary, wrapper)), hex);
      assertEquals(new TextDecoder().decode(dump(plain, wrapper)), text);
      assertStrictEquals(load(oid, Format.BINARY, bytesOf(hex)), value);
      assertStrictEquals(load(oid, Format.TEXT, text), value);
    }
    assertEquals(hexOf(dump(transformer.getDumper(value), value)), hex8);
    assertEquals(
      transformer.getDumper(value).quote(value),
      `'${text}'::float8`,
    );
  }
});

Deno.test("NU-08 float: 1e30, 1e-30 and -1e30 come back as close as the type allows", () => {
  for (const value of [1e30, 1e-30, -1e30]) {
    for (const format of ["t", "b"] as const) {
      assertStrictEquals(roundTrip(value, format), value);
      const single = roundTrip(new Float4(value), format) as number;
      assertEquals(Math.abs(single / value - 1) < 1e-6, true);
    }
  }
});

Deno.test("float4 loaders: give the same number in both formats", () => {
  const cases = [
    ["0.1", "3dcccccd"],
    ["1e+30", "7149f2ca"],
    ["1e-30", "0da24260"],
    ["-1e+30", "f149f2ca"],
  ] as const;
  for (const [text, hex] of cases) {
    assertStrictEquals(
      load(OID.FLOAT4, Format.TEXT, text),
      load(OID.FLOAT4, Format.BINARY, bytesOf(hex)),
    );
  }
  for (const oid of [OID.FLOAT4, OID.FLOAT8]) {
    for (const text of ["", "abc", "1,5"]) {
      assertThrows(() => load(oid, Format.TEXT, text), DataError);
    }
    assertThrows(() => load(oid, Format.BINARY, bytesOf("0000")), DataError);
  }
});

// Text as the server writes it, and what numeric_send() makes of it.
const NUMERICS: [string, string][] = [
  ["0", "0000000000000000"],
  ["0.0", "0000000000000001"],
  ["-1.50", "000200004000000200011388"],
  ["12345678.00012", "000400010000000504d2162e000107d0"],
  ["100000000000000000000", "00010005000000000001"],
  ["0.000000000000000000001", "0001fffa0000001503e8"],
  ["NaN", "00000000c0000000"],
];

Deno.test("numeric: every digit and the scale, dumped and loaded", () => {
  const dumper = new NumericBinaryDumper();
  for (const [text, hex] of NUMERICS) {
    assertEquals(load(OID.NUMERIC, Format.TEXT, text), text);
    assertEquals(load(OID.NUMERIC, Format.BINARY, bytesOf(hex)), text);
    assertEquals(hexOf(dump(dumper, text)), hex);
  }
  assertEquals(
    load(OID.NUMERIC, Format.BINARY, bytesOf("00000000d0000020")),
    "Infinity",
  );
  assertEquals(
    load(OID.NUMERIC, Format.BINARY, bytesOf("00000000f0000020")),
    "-Infinity",
  );
});

Deno.test("numeric: patterns of many digits survive the binary form", () => {
  const dumper = new NumericBinaryDumper();
  const back = (text: string) =>
    load(OID.NUMERIC, Format.BINARY, dump(dumper, text));
  for (let count = 0; count < 100; count++) {
    const zeros = "0".repeat(count);
    const nines = "9".repeat(count + 1);
    for (
      const text of [
        `1${zeros}`,
        `0.${zeros}1`,
        `1.${zeros}0`,
        `${nines}.${nines}`,
        `-${nines}`,
      ]
    ) assertEquals(back(text), text);
  }
  assertEquals(back("-0"), "0");
  assertEquals(back("1.1e2"), "110");
  assertEquals(back("1.1e-2"), "0.011");
  assertEquals(back("+007.50"), "7.50");
});

Deno.test("numeric: refuses what is malformed or too long", () => {
  const dumper = new NumericBinaryDumper();
  for (const text of ["", ".", "1.2.3", "abc", "1e", "0x10", "1'", "e5"]) {
    assertThrows(() => dump(dumper, text), DataError);
    assertThrows(() => dumper.text(text), DataError);
    assertThrows(() => dumper.quote(text), DataError);
  }
  assertThrows(() => dump(dumper, "1e200000"), DataError, "more than");
  assertThrows(() => dump(dumper, "1e-999999999"), DataError, "more than");
  for (
    const hex of [
      "",
      "00000000000000",
      "0001000000000000", // a digit that is not there
      "00010000000000002710", // the digit 10000
      "0000000000010000", // an unknown sign
      "0000000000004000", // a scale that cannot be
      "ffff000000000000",
    ]
  ) {
    assertThrows(
      () => load(OID.NUMERIC, Format.BINARY, bytesOf(hex)),
      DataError,
      "malformed",
    );
  }
});

function withNumericLoaders(...loaders: LoaderClass[]): Transformer {
  const map = new AdaptersMap(adapters);
  for (const loader of loaders) map.registerLoader("numeric", loader);
  return new Transformer(map, NO_SESSION);
}

Deno.test("NumericAsNumberLoader: gives numbers where no digit is lost", () => {
  const numbers = withNumericLoaders(
    NumericAsNumberLoader,
    NumericAsNumberBinaryLoader,
  );
  const dumper = new NumericBinaryDumper();
  const read = (text: string) => {
    const one = load(OID.NUMERIC, Format.TEXT, text, numbers);
    const binary = dump(dumper, text);
    assertStrictEquals(load(OID.NUMERIC, Format.BINARY, binary, numbers), one);
    return one;
  };
  assertEquals(numbers.binaryEquals(OID.NUMERIC), true);
  assertStrictEquals(read("0.10"), 0.1);
  assertStrictEquals(read("-12.5"), -12.5);
  assertStrictEquals(read("0.00"), 0);
  assertStrictEquals(read("100000000000000000000000"), 1e23);
  assertStrictEquals(read("NaN"), NaN);
  assertStrictEquals(read("-Infinity"), -Infinity);
  for (
    const text of [
      "0.12345678901234567890",
      "9007199254740993",
      `1${"0".repeat(400)}`,
      `0.${"0".repeat(400)}1`,
    ]
  ) assertThrows(() => read(text), DataError, "more digits");
});

Deno.test("wrappers: force their type in both formats, and as a literal", () => {
  const cases: [object, number, string][] = [
    [new Int2(-5), OID.INT2, "'-5'::int2"],
    [new Int4(5n), OID.INT4, "'5'::int4"],
    [new Int8(5), OID.INT8, "'5'::int8"],
    [new IntNumeric(5), OID.NUMERIC, "'5'::numeric"],
    [new Oid(5), OID.OID, "'5'::oid"],
    [new Float4(5), OID.FLOAT4, "'5'::float4"],
    [new Float8(5), OID.FLOAT8, "'5'::float8"],
  ];
  for (const [wrapper, oid, literal] of cases) {
    for (const format of ["s", "t", "b"] as const) {
      const dumper = transformer.getDumper(wrapper, format);
      assertEquals(dumper.oid, oid);
      assertEquals(dumper.quote(wrapper), literal);
      const loaded = load(oid, dumper.format, dump(dumper, wrapper));
      assertEquals(String(loaded), String(wrapper));
    }
  }
  assertStrictEquals(roundTrip(new Int8(-1), "b"), -1n);
  assertStrictEquals(roundTrip(new Int8(-(2 ** 40)), "b"), -(2n ** 40n));
  assertStrictEquals(roundTrip(new Oid(4294967295n), "b"), 4294967295);
});

Deno.test("wrappers: refuse what their type does not hold", () => {
  const refused: (() => unknown)[] = [
    () => new Int2(32768),
    () => new Int2(-32769n),
    () => new Int2(1.5),
    () => new Int4(2 ** 31),
    () => new Int4(NaN),
    () => new Int8(2n ** 63n),
    () => new Int8(2 ** 60),
    () => new IntNumeric(0.5),
    () => new Oid(-1),
    () => new Oid(2 ** 32),
    () => new Float4(1e300),
    () => new Float4(1e-300),
  ];
  for (const make of refused) assertThrows(make, DataError);
});

Deno.test("Transformer.getDumperByOid: checks plain numbers too", () => {
  for (const format of ["t", "b"] as const) {
    const int2 = transformer.getDumperByOid(OID.INT2, format);
    assertThrows(() => dump(int2, 32768), DataError, "int2");
    const float8 = transformer.getDumperByOid(OID.FLOAT8, format);
    assertThrows(() => dump(float8, 2n ** 53n + 1n), DataError, "rounded");
    assertThrows(() => dump(float8, 10n ** 400n), DataError, "rounded");
  }
});

Deno.test("numbers: literals are bare, with a space before a minus", () => {
  const cases: [unknown, string][] = [
    [1, "1"],
    [-1, " -1"],
    [70000, "70000"],
    [-1n, " -1"],
    [2n ** 64n, "18446744073709551616"],
    [-(2n ** 64n), " -18446744073709551616"],
    [1.5, "1.5"],
    [-1.5, " -1.5"],
    [1e30, "1e+30"],
    [-0, "'-0'::float8"],
  ];
  for (const [value, literal] of cases) {
    for (const format of ["s", "t"] as const) {
      assertEquals(transformer.getDumper(value, format).quote(value), literal);
    }
  }
});

Deno.test("numbers: the dumpers of both formats agree on the text", () => {
  for (const value of [0, -1, 1.5, -0, NaN, 1e300, 2 ** 40, 1n, 2n ** 70n]) {
    const [text, binary] = (["t", "b"] as const).map((format) =>
      transformer.getDumper(value, format).text(value)
    );
    assertEquals(text, binary);
    assertEquals(Number(text), Number(value));
  }
});
