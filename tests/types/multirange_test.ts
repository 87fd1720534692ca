import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { Multirange } from "../../types/multirange_value.ts";
import { OID } from "../../types/oids.ts";
import { registerMultirange } from "../../types/range_register.ts";
import { Range } from "../../types/range_value.ts";
import { Int4Multirange } from "../../types/range_wrappers.ts";
import { Transformer } from "../../types/transformer.ts";

const transformer = new Transformer(adapters, NO_SESSION);

function loadText(text: string): unknown {
  const bytes = new TextEncoder().encode(`#${text}#`);
  return transformer.getLoader(OID.INT4MULTIRANGE, Format.TEXT)
    .load(new ReadBuffer(bytes), 1, bytes.length - 1);
}

function loadBinary(hex: string): unknown {
  const pairs = `ff${hex.replaceAll(" ", "")}ff`.match(/../g) ?? [];
  const bytes = Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
  return transformer.getLoader(OID.INT4MULTIRANGE, Format.BINARY)
    .load(new ReadBuffer(bytes), 1, bytes.length - 1);
}

Deno.test("RG-19 Multirange: ordered by the first range that differs, as text", () => {
  const ordered = [
    new Multirange<number>(),
    new Multirange([new Range(1, 2)]),
    new Multirange([new Range(1, 2), new Range(3, 4)]),
    new Multirange([new Range(1, 2), new Range(3, 5)]),
    new Multirange([new Range(1, 2), new Range(3, 5), new Range(6, 7)]),
    new Multirange([new Range(2, 3)]),
  ];
  for (const [i, one] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) {
      assertEquals(Math.sign(one.compare(other)), Math.sign(i - j));
      assertEquals(one.equals(other), i === j);
    }
  }
  assertEquals(
    String(new Multirange([new Range(10, 20), new Range(30, 40)])),
    "{[10, 20), [30, 40)}",
  );
  assertEquals(String(new Multirange()), "{}");
  assertEquals(Deno.inspect(new Int4Multirange()), "Int4Multirange {}");
});

Deno.test("Multirange: a sequence that can be changed", () => {
  const ranges = [new Range(1, 2), new Range(5, 6)];
  const multirange = new Multirange(ranges);
  assertEquals(multirange.length, 2);
  assertEquals([...multirange], ranges);
  assertEquals([multirange.at(0), multirange.at(-1)], ranges);
  assertEquals(multirange.at(2), undefined);
  assert(multirange.contains(5));
  assert(!multirange.contains(3));
  multirange.ranges.push(new Range(8, 9));
  assertEquals([multirange.length, ranges.length], [3, 2]);
  assert(!multirange.equals(ranges));
  assertThrows(
    () => new Multirange([new Range(1, 2), 5 as never]),
    TypeError,
    "the item at 1 is no Range",
  );
  multirange.ranges.push("x" as never);
  assertThrows(
    () => transformer.getDumper(multirange),
    DataError,
    "Cannot send a multirange: the item at 3 is no Range",
  );
  assertThrows(() => registerMultirange(null), TypeError, "multirange");
});

Deno.test("A13 text multiranges: what is malformed is a DataError that says what is wrong", () => {
  const cases: [string, string][] = [
    ["", "multirange: it does not start with a brace"],
    ["[1,2)", "multirange: it does not start with a brace"],
    ["{", "range: it does not start with a bracket"],
    ["{,}", "range: it does not start with a bracket"],
    ["{[1,2),}", "range: it does not start with a bracket"],
    ["{[1,2)", "multirange: its brace is not closed"],
    ["{[1,2)[3,4)}", "multirange: a range is not followed by a comma"],
    ["{}x", "multirange: something follows its end"],
    ["{[1,2)}}", "multirange: something follows its end"],
    ["{[1,2", "range: its upper bound is not followed by a bracket"],
  ];
  for (const [text, part] of cases) {
    assertThrows(
      () => loadText(text),
      DataError,
      `Cannot read a ${part}`,
      text,
    );
  }
  assertEquals(loadText("{}"), new Multirange());
  const start = performance.now();
  assertThrows(() => loadText(`{${"[1,2),".repeat(300_000)}`), DataError);
  assertThrows(() => loadText(`{${'["1","2"),'.repeat(300_000)}`), DataError);
  assert(performance.now() - start < 5000, "not in linear time");
});

Deno.test("RG-21 A13 binary multiranges: what is malformed is a DataError that says what is wrong", () => {
  const range = "00000011 02 00000004 00000001 00000004 00000002";
  const cases: [string, string][] = [
    ["", "multirange: it ends too early"],
    ["000000", "multirange: it ends too early"],
    ["00000001", "multirange: it says it has 1 ranges"],
    ["7fffffff 00000000", "multirange: it says it has 2147483647 ranges"],
    ["ffffffff", "multirange: it says it has -1 ranges"],
    ["00000000 00", "multirange: something follows its end"],
    [`00000001 ${range} 00`, "multirange: something follows its end"],
    [`00000002 ${range} 0000`, "multirange: it ends too early"],
    ["00000001 00000002 01", "multirange: a range is longer"],
    ["00000001 ffffffff 01", "multirange: a range is longer"],
    ["00000001 00000000", "range: it ends too early"],
    ["00000001 00000001 ff", "range: its flags are 0xff"],
    ["00000001 00000002 01 00", "range: something follows its end"],
  ];
  for (const [hex, part] of cases) {
    assertThrows(
      () => loadBinary(hex),
      DataError,
      `Cannot read a ${part}`,
      hex,
    );
  }
  assertEquals(
    loadBinary(`00000001 ${range}`),
    new Multirange([new Range(1, 2)]),
  );
});

Deno.test("multiranges: the type is found from all bounds", () => {
  const oidOf = (value: unknown) => transformer.getDumper(value).oid;
  assertEquals(
    oidOf(new Multirange([new Range(1, 2), new Range(5, 2 ** 40)])),
    OID.INT8MULTIRANGE,
  );
  assertEquals(oidOf(new Multirange([new Range(null, 1)])), OID.INT4MULTIRANGE);
  assertEquals(oidOf(new Multirange()), 0);
  assertEquals(oidOf(new Int4Multirange()), OID.INT4MULTIRANGE);
  assertThrows(
    () => oidOf(new Multirange<unknown>([new Range(1, 2), new Range("a")])),
    DataError,
    "different types",
  );
});
