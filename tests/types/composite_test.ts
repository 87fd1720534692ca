/**
 * Malformed composite and hstore values, which no real server sends.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, registerComposite, registerHstore } from "../../mod.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import { OID } from "../../types/oids.ts";
import { Transformer } from "../../types/transformer.ts";
import { CompositeInfo, TypeInfo } from "../../types/type_info.ts";
import * as b from "../support/backend.ts";

const PAIR = 70_000;
const HSTORE = 70_002;

function transformer(): Transformer {
  const map = new AdaptersMap(adapters);
  registerComposite(
    new CompositeInfo("pair", PAIR, 70_001, {
      fieldNames: ["a", "b"],
      fieldTypes: [OID.INT4, OID.TEXT],
    }),
    map,
  );
  registerHstore(new TypeInfo("hstore", HSTORE, 70_003), map);
  return new Transformer(map, NO_SESSION);
}

function load(oid: number, data: string | Uint8Array): unknown {
  const bytes = typeof data === "string" ? b.bytes(data) : data;
  const format = typeof data === "string" ? Format.TEXT : Format.BINARY;
  // In the middle of a buffer, so that what lies around is not taken for it.
  const around = new Uint8Array(bytes.length + 16).fill(0x22);
  around.set(bytes, 8);
  return transformer().getLoader(oid, format)
    .load(new ReadBuffer(around), 8, 8 + bytes.length);
}

function join(...parts: readonly (Uint8Array | number | string)[]): Uint8Array {
  return new Uint8Array(
    parts.flatMap((part) =>
      typeof part === "number"
        ? [...b.int32(part)]
        : typeof part === "string"
        ? [...b.bytes(part)]
        : [...part]
    ),
  );
}

const GOOD_PAIR = join(2, OID.INT4, 4, 7, OID.TEXT, 1, "x");

Deno.test("A13 composites: malformed text is a DataError", () => {
  assertEquals(load(PAIR, "(7,x)"), { a: 7, b: "x" });
  const bad = [
    "",
    "(",
    ")",
    "7,x",
    "(7,x",
    "7,x)",
    "(7)",
    "(7,x,)",
    '(7,")',
    '(7,"x)',
    '(7,"x"")',
    '(7,"x\\")',
    '(7,"x"y)',
    '(7,y"x")',
    "(7,(x)",
    "(7,x))",
    "(7,x\\y)",
    "(seven,x)",
    "()",
    "(7,x)(",
  ];
  for (const text of bad) {
    assertThrows(() => load(PAIR, text), DataError, undefined, text);
  }
  for (const text of bad.slice(0, 2)) {
    assertThrows(() => load(OID.RECORD, text), DataError);
  }
});

Deno.test("A13 composites: malformed bytes are a DataError, cut off anywhere too", () => {
  assertEquals(load(PAIR, GOOD_PAIR), { a: 7, b: "x" });
  assertEquals(load(OID.RECORD, GOOD_PAIR), [7, "x"]);
  const bad: Uint8Array[] = [
    join(GOOD_PAIR, "y"),
    join(-1),
    join(0),
    join(1, OID.INT4, 4, 7),
    join(0x7fffffff),
    join(2, OID.INT4, -2, OID.TEXT, -1),
    join(2, OID.INT4, 0x7fffffff, OID.TEXT, -1),
    join(2, OID.INT4, 3, "abc", OID.TEXT, -1),
  ];
  for (let size = 0; size < GOOD_PAIR.length; size++) {
    bad.push(GOOD_PAIR.slice(0, size));
  }
  for (const bytes of bad) assertThrows(() => load(PAIR, bytes), DataError);
});

Deno.test("A13 hstore: malformed text is a DataError", () => {
  assertEquals(Object.entries(load(HSTORE, '"a"=>"1", "b"=>NULL') as object), [
    ["a", "1"],
    ["b", null],
  ]);
  assertEquals(Object.keys(load(HSTORE, "") as object), []);
  for (
    const text of [
      "a",
      '"a"',
      '"a',
      '"a"=>',
      '"a"=>"',
      '"a"=>"1',
      '"a"=>"1\\',
      '"a"=>1',
      '"a"=>NUL',
      '"a"=>NULLs',
      '"a"->"1"',
      '"a"=>"1",',
      '"a"=>"1" "b"=>"2"',
      ',"a"=>"1"',
    ]
  ) assertThrows(() => load(HSTORE, text), DataError, undefined, text);
});

Deno.test("CT-20 A13 hstore: binary, empty, with NULL, with a long value, and malformed", () => {
  assertEquals(Object.keys(load(HSTORE, join(0)) as object), []);
  const long = "x".repeat(300);
  const good = join(2, 1, "a", -1, 1, "b", 300, long);
  assertEquals(Object.entries(load(HSTORE, good) as object), [
    ["a", null],
    ["b", long],
  ]);
  const bad: Uint8Array[] = [
    join(good, "y"),
    join(-1),
    join(1),
    join(0x7fffffff),
    join(1, -1, -1),
    join(1, 1, "a", -2),
    join(1, 0x7fffffff, "a", -1),
  ];
  for (let size = 0; size < 30; size++) bad.push(good.slice(0, size));
  for (const bytes of bad) assertThrows(() => load(HSTORE, bytes), DataError);
});

Deno.test("A13 composites and hstore: reading takes time in line with the size, malformed or not", () => {
  const shapes: [number, (size: number) => string][] = [
    [OID.RECORD, (size) => `(${'"\\\\",'.repeat(size / 5)})`],
    [OID.RECORD, (size) => `("${'""'.repeat(size / 2)}`],
    [OID.RECORD, (size) => `(${",".repeat(size)}`],
    [HSTORE, (size) => '"a\\"b"=>"\\\\", '.repeat(size / 15)],
    [HSTORE, (size) => `"${"\\\\".repeat(size / 2)}`],
    [HSTORE, (size) => " ".repeat(size) + "x"],
  ];
  const time = (oid: number, text: string): number => {
    let best = Infinity;
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      try {
        load(oid, text);
      } catch (error) {
        assert(error instanceof DataError);
      }
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  for (const [oid, shape] of shapes) {
    time(oid, shape(100_000));
    const small = Math.max(1, time(oid, shape(200_000)));
    const large = time(oid, shape(1_600_000));
    // Eight times the size; sixty-four times as long would be quadratic.
    assert(large < 32 * small, `${shape(30)}: ${small} ms, then ${large} ms`);
  }
});
