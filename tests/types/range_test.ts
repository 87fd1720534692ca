import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import { OID } from "../../types/oids.ts";
import { compareDecimals } from "../../types/decimal.ts";
import { Range, type RangeBounds } from "../../types/range_value.ts";
import { registerRange } from "../../types/range_register.ts";
import { Int4Range, NumRange } from "../../types/range_wrappers.ts";
import { Transformer } from "../../types/transformer.ts";

const transformer = new Transformer(adapters, NO_SESSION);

function loadText(oid: number, text: string): unknown {
  const bytes = new TextEncoder().encode(`#${text}#`);
  return transformer.getLoader(oid, Format.TEXT)
    .load(new ReadBuffer(bytes), 1, bytes.length - 1);
}

function loadBinary(oid: number, hex: string): unknown {
  const pairs = `ff${hex.replaceAll(" ", "")}ff`.match(/../g) ?? [];
  const bytes = Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
  return transformer.getLoader(oid, Format.BINARY)
    .load(new ReadBuffer(bytes), 1, bytes.length - 1);
}

function textOf(value: unknown): string | null {
  return transformer.getDumper(value).text(value);
}

Deno.test("RG-01 Range: without bounds it has no end, an empty one has nothing", () => {
  const all = new Range();
  assertEquals(
    [all.isEmpty, all.lower, all.upper, all.lowerInf, all.upperInf],
    [false, null, null, true, true],
  );
  assertEquals([all.lowerInc, all.upperInc], [false, false]);
  const empty = new Range(1, 2, "empty");
  assertEquals([empty.isEmpty, empty.lower, empty.upper], [true, null, null]);
  assertEquals([empty.lowerInc, empty.upperInc], [false, false]);
  assertEquals([empty.lowerInf, empty.upperInf], [false, false]);
  assert(Object.isFrozen(all));
});

Deno.test("RG-03 Range: a bound that is not there does not belong to it", () => {
  const below = new Range(null, 10, "[]");
  assertEquals([below.lowerInc, below.upperInc], [false, true]);
  assertEquals(below.bounds, "(]");
  assertEquals(new Range(null, null, "[]").bounds, "()");
  assertEquals(new Range(1, null, "[]").bounds, "[)");
});

Deno.test("RG-05 Range: equality is that of bounds and of what belongs to it", () => {
  const range = new Range(10, 20);
  assert(range.equals(new Range(10, 20, "[)")));
  assertEquals(range, new Range(10, 20, "[)"));
  assert(!range.equals(new Range(10, 20, "[]")));
  assertNotEquals(range, new Range(10, 20, "[]"));
  assert(!range.equals(new Range()));
  assert(!range.equals(new Range(10, 21)));
  assert(!range.equals(undefined));
  assert(!range.equals({ lower: 10, upper: 20, bounds: "[)" }));
  assert(!range.equals(new Range("10", "20")), "of other types: not equal");
  assert(new Range(1, 2).equals(new Range(1n, 2n)));
  assert(new Range(1, 2, "empty").equals(new Range(null, null, "empty")));
  assert(!new Range().equals(new Range(null, null, "empty")));
  assert(new NumRange("1.0", "2").equals(new Range("1.00", "2.000")));
  assert(!new Range("1.0", "2").equals(new Range("1.00", "2")));
});

Deno.test("RG-07 Range: as text", () => {
  assertEquals(String(new Range(0, 4)), "[0, 4)");
  assertEquals(String(new Range(0, 4, "(]")), "(0, 4]");
  assertEquals(String(new Range(0, 4, "empty")), "empty");
  assertEquals(String(new Range(null, 4, "(]")), "(, 4]");
  assertEquals(Deno.inspect(new Int4Range(0, 4)), "Int4Range [0, 4)");
});

Deno.test("Range: bad bounds are refused, so is undefined", () => {
  for (const bounds of ["", "[", "[[", "][", "{}", ")(", null, 5]) {
    assertThrows(
      () => new Range(1, 2, bounds as RangeBounds),
      RangeError,
      "Cannot make a range: its bounds are",
    );
  }
  const cases: [() => unknown, string][] = [
    [() => new Range(undefined, 1), "lower"],
    [() => new Range(1, undefined), "upper"],
    [() => new NumRange(1, undefined), "upper"],
  ];
  for (const [make, which] of cases) {
    assertThrows(
      make,
      ProgrammingError,
      `its ${which} bound is undefined, pass null for none`,
    );
  }
});

Deno.test("Range.contains: by bounds of all kinds", () => {
  const day = (text: string) => Temporal.PlainDate.from(text);
  assertEquals(
    [-1, 0, 3, 4, NaN].map((n) => new Range(0, 4).contains(n)),
    [false, true, true, false, false],
  );
  assertEquals(
    [0, 1, 4].map((n) => new Range(0, 4, "(]").contains(n)),
    [false, true, true],
  );
  assert(new Range<number | bigint>(1, 2n ** 60n).contains(2n ** 59n));
  assert(!new Range<number | bigint>(1, 2n ** 60n).contains(2n ** 60n));
  assert(!new Range<number>(null, null, "empty").contains(1));
  assert(new Range().contains("anything"));
  const year = new Range(day("2020-01-01"), day("2021-01-01"));
  assert(year.contains(day("2020-12-31")));
  assert(!year.contains(day("2021-01-01")));
  const moments = new Range<Date | Temporal.Instant>(
    new Date(0),
    Temporal.Instant.fromEpochMilliseconds(10),
  );
  assert(moments.contains(new Date(9)));
  assert(!moments.contains(new Date(10)));
  const decimals = new NumRange("9", "10.5");
  assert(decimals.contains("9.00"));
  assert(decimals.contains("10.4999999999999999999999"));
  assert(decimals.contains(10));
  assert(!decimals.contains("10.50"));
  assertThrows(() => year.contains(new Date(0) as never), TypeError, "compare");
  assertThrows(() => new Range(1, 2).contains("1" as never), TypeError);
  assertThrows(() => new Range(1, 2).contains(null as never), TypeError);
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
    cmp(other: Money): number {
      return this.cents - other.cents;
    }
  }
  assert(new Range(new Money(1), new Money(3)).contains(new Money(2)));
  class Odd {}
  assertThrows(() => new Range(new Odd(), null).contains(new Odd()), TypeError);
});

Deno.test("Range.compare: empty first, no lower bound before, no upper bound after all", () => {
  const ordered = [
    new Range(null, null, "empty"),
    new Range(null, 1),
    new Range(null, 1, "(]"),
    new Range<number>(),
    new Range(0, 4),
    new Range(0, 4, "[]"),
    new Range(0, 5),
    new Range(0, null),
    new Range(0, 4, "()"),
    new Range(1, 2),
  ];
  for (const [i, one] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) {
      assertEquals(Math.sign(one.compare(other)), Math.sign(i - j));
    }
  }
  assertThrows(
    () => new Range(1, 2).compare(new Range("1") as never),
    TypeError,
  );
  assert(new NumRange("9").compare(new NumRange("10")) < 0);
  assert(new Range("9").compare(new Range("10")) > 0, "of strings, as text");
});

Deno.test("compareDecimals: exactly, whatever the form", () => {
  const ordered = [
    "-Infinity",
    "-1e40",
    "-100.01",
    "-100",
    "-0.001",
    "0",
    "1e-300",
    "0.00099999999999999999999",
    "0.001",
    "9",
    "9.000000000000000000000000000001",
    "10",
    "1e40",
    "Infinity",
    "NaN",
  ];
  for (const [i, one] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) {
      assertEquals(Math.sign(compareDecimals(one, other)), Math.sign(i - j));
    }
  }
  for (const [one, other] of [["1", "1.0"], ["-0", "0.00"], ["1e2", "100"]]) {
    assertEquals(Math.abs(compareDecimals(one!, other!)), 0);
  }
  for (const bad of ["", "x", "1x", "--1"]) {
    assertEquals(compareDecimals(bad, "1"), NaN);
    assertEquals(compareDecimals("NaN", bad), NaN);
  }
});

Deno.test("A13 text ranges: what is malformed is a DataError that says what is wrong", () => {
  const cases: [string, string][] = [
    ["", "it does not start with a bracket or parenthesis"],
    ["empt", "it does not start with a bracket or parenthesis"],
    ["1,2", "it does not start with a bracket or parenthesis"],
    ["emptyx", "something follows its end"],
    ["[", "its lower bound is not followed by a comma"],
    ["[1", "its lower bound is not followed by a comma"],
    ["[1)", "its lower bound is not followed by a comma"],
    ['["1"x,2)', "its lower bound is not followed by a comma"],
    ["[1,", "its upper bound is not followed by a bracket"],
    ["[1,2", "its upper bound is not followed by a bracket"],
    ["[1,2,3)", "its upper bound is not followed by a bracket"],
    ['[1,"2"', "its upper bound is not followed by a bracket"],
    ["[1,2)x", "something follows its end"],
    ['["1,2)', "a quote is not closed"],
    ['["1""', "a quote is not closed"],
    ['["1\\', "a quote is not closed"],
    ['[1"2",3)', "a bound is not quoted as it must be"],
    ["[1\\2,3)", "a bound is not quoted as it must be"],
    ["[(1,3)", "a bound is not quoted as it must be"],
  ];
  for (const [text, part] of cases) {
    const message = `Cannot read a range: ${part}`;
    assertThrows(() => loadText(OID.INT4RANGE, text), DataError, message, text);
  }
  // And what the loader of the bounds refuses.
  assertThrows(() => loadText(OID.DATERANGE, "[infinity,)"), DataError);
});

Deno.test("A13 binary ranges: what is malformed is a DataError that says what is wrong", () => {
  const cases: [string, string][] = [
    ["", "it ends too early"],
    ["02", "it ends too early"],
    ["02 000000", "it ends too early"],
    ["02 00000004 0000", "a bound is longer than the range"],
    ["02 7fffffff 00000001", "a bound is longer than the range"],
    ["02 ffffffff 00000001", "a bound is longer than the range"],
    ["02 00000004 00000001", "it ends too early"],
    ["02 00000004 00000001 00000004 00000002 00", "something follows its end"],
    ["01 00", "something follows its end"],
    ["18 00", "something follows its end"],
    ["20", "its flags are 0x20"],
    ["80", "its flags are 0x80"],
    ["ff", "its flags are 0xff"],
    ["03", "its flags are 0x3"],
    ["1a", "its flags are 0x1a"],
    ["1c", "its flags are 0x1c"],
  ];
  for (const [hex, part] of cases) {
    const message = `Cannot read a range: ${part}`;
    assertThrows(() => loadBinary(OID.INT4RANGE, hex), DataError, message, hex);
  }
  assertEquals(loadBinary(OID.INT4RANGE, "01"), new Range(0, 0, "empty"));
  assertEquals(loadBinary(OID.INT4RANGE, "18"), new Range());
  assertEquals(
    loadBinary(OID.INT4RANGE, "02 00000004 00000001 00000004 00000002"),
    new Range(1, 2),
  );
});

Deno.test("A13 text ranges: time is linear in the length of hostile text", () => {
  const time = (text: string): number => {
    const start = performance.now();
    assertThrows(() => loadText(OID.INT4RANGE, text), DataError);
    return performance.now() - start;
  };
  for (const unit of ['""', "\\\\", '"', "x", "[", ","]) {
    // A quadratic reader would need minutes for it.
    assert(time(`["${unit.repeat(2_000_000)}`) < 2000, unit);
    assert(time(`[${unit.repeat(2_000_000)}`) < 2000, unit);
  }
});

Deno.test("text ranges: bounds with whatever characters, in place and without escapes", () => {
  const map = new AdaptersMap(adapters);
  assertThrows(() => registerRange(null, map), TypeError, "range");
  const cases: [string, string, string][] = [
    ["", "", '["","")'],
    ["a b", "c,d", '["a b","c,d")'],
    ['"', "\\", '["""","\\\\")'],
    ["(", ")", '["(",")")'],
    ["null", "empty", "[null,empty)"],
    ["\u00e9", "\u{1f600}", "[\u00e9,\u{1f600})"],
    ["{", "}", '["{","}")'],
  ];
  map.registerLoader("numeric", (text) => text);
  const loader = new Transformer(map, NO_SESSION)
    .getLoader(OID.NUMRANGE, Format.TEXT);
  for (const [lower, upper, text] of cases) {
    assertEquals(textOf(new Range(lower, upper)), text);
    const bytes = new TextEncoder().encode(text);
    assertEquals(
      loader.load(new ReadBuffer(bytes), 0, bytes.length),
      new Range(lower, upper),
    );
  }
  const loaded = loadText(OID.NUMRANGE, "[9,10]") as Range<string>;
  assert(loaded.contains("9.5"), "as decimals");
});

Deno.test("ranges: the type is found from the bounds", () => {
  const day = Temporal.PlainDate.from("2020-01-01");
  const cases: [Range, number][] = [
    [new Range(1, 2), OID.INT4RANGE],
    [new Range(1, 70_000), OID.INT4RANGE],
    [new Range(1, 2 ** 40), OID.INT8RANGE],
    [new Range(1n, null), OID.INT8RANGE],
    [new Range(null, 2n ** 70n), OID.NUMRANGE],
    [new Range(1.5, 2), 0],
    [new Range("a", "b"), 0],
    [new Range(), 0],
    [new Range(1, 2, "empty"), 0],
    [new Range(day, null), OID.DATERANGE],
    [new Range(day.toPlainDateTime(), null), OID.TSRANGE],
    [new Range(new Date(0), null), OID.TSTZRANGE],
    [new NumRange(1, 2), OID.NUMRANGE],
    [new Int4Range(), OID.INT4RANGE],
  ];
  for (const [range, oid] of cases) {
    for (const format of ["s", "t", "b"] as const) {
      assertEquals(transformer.getDumper(range, format).oid, oid, `${range}`);
    }
  }
  for (
    const range of [new Range<unknown>(1, day), new Range<unknown>("a", 1)]
  ) {
    assertThrows(
      () => transformer.getDumper(range),
      DataError,
      "Cannot send a range: its bounds are of different types",
    );
  }
  const wrong = new Int4Range(day as never, null);
  assertThrows(
    () => textOf(wrong),
    DataError,
    "Cannot send a range as int4range: a bound is of the type date instead of integer",
  );
  assertThrows(() => textOf(new Int4Range(1.5, 2)), DataError, "int4");
  assertThrows(() => textOf(new Int4Range(0, 2 ** 40)), DataError, "int4");
});

Deno.test("ranges in arrays: one type for all, the widest of integers, or an error", () => {
  const oidOf = (value: unknown[]) => transformer.getDumper(value).oid;
  const int8 = transformer.arrayOidOf(OID.INT8RANGE);
  assertEquals(oidOf([new Range(1, 2), new Range(1n, 2n)]), int8);
  assertEquals(oidOf([new Range(1n, 2n), null, new Range(1, 2)]), int8);
  assertEquals(oidOf([new Range(), new Range(1n, 2n)]), int8);
  assertEquals(oidOf([new Range(), new Range(1, 2, "empty")]), 0);
  for (
    const value of [
      [new Range(1, 2), new Range(Temporal.PlainDate.from("2020-01-01"), null)],
      [new Int4Range(1, 2), new Range(1n, 2n)],
      [new Int4Range(1, 2), 1],
    ]
  ) {
    assertThrows(() => oidOf(value), DataError, "different types");
  }
});

Deno.test("ranges in binary: a bound without a binary form is refused where binary is demanded", () => {
  const dumper = transformer.getDumperByOid(OID.DATERANGE, "b");
  const range = new Range("2020-01-01", null);
  assertThrows(
    () => dumper.dump(range, new WriteBuffer(8)),
    DataError,
    "Cannot send a range as daterange in binary: a bound has no binary form of the type date",
  );
});
