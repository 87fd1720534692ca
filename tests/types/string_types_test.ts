/**
 * The types whose values are strings, without a server: what their loaders
 * refuse, and what their dumpers do.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { Transformer } from "../../types/transformer.ts";

const transformer = new Transformer(adapters, NO_SESSION);
const encoder = new TextEncoder();

function framed(bytes: Uint8Array): [ReadBuffer, number, number] {
  const all = new Uint8Array(bytes.length + 2).fill(0x31);
  all.set(bytes, 1);
  return [new ReadBuffer(all), 1, 1 + bytes.length];
}

function load(name: string, value: string | number[]): unknown {
  const isText = typeof value === "string";
  const bytes = isText ? encoder.encode(value) : Uint8Array.from(value);
  return transformer.getLoader(
    adapters.types.getOid(name),
    isText ? Format.TEXT : Format.BINARY,
  ).load(...framed(bytes));
}

function dump(name: string, value: unknown): number[] {
  const out = new WriteBuffer(1);
  transformer.getDumperByOid(adapters.types.getOid(name), "b")
    .dump(value, out);
  return [...out.written()];
}

function repeat(count: number, byte: number): number[] {
  return Array(count).fill(byte);
}

/** A value of each type in both formats. */
const GOOD: Readonly<Record<string, readonly [string, number[]][]>> = {
  macaddr: [
    ["08:00:2b:01:02:ff", [8, 0, 0x2b, 1, 2, 255]],
    ["00:00:00:00:00:00", repeat(6, 0)],
  ],
  macaddr8: [["08:00:2b:01:02:03:04:ff", [8, 0, 0x2b, 1, 2, 3, 4, 255]]],
  bit: [["1", [0, 0, 0, 1, 0x80]]],
  varbit: [
    ["", [0, 0, 0, 0]],
    ["10100101", [0, 0, 0, 8, 0xa5]],
    ["101001011", [0, 0, 0, 9, 0xa5, 0x80]],
  ],
  xid: [["0", repeat(4, 0)], ["4294967295", repeat(4, 255)]],
  cid: [["7", [0, 0, 0, 7]]],
  xid8: [
    ["0", repeat(8, 0)],
    ["18446744073709551615", repeat(8, 255)],
    ["4294967296", [0, 0, 0, 1, 0, 0, 0, 0]],
  ],
  tid: [
    ["(0,1)", [0, 0, 0, 0, 0, 1]],
    ["(4294967295,65535)", repeat(6, 255)],
  ],
  pg_lsn: [
    ["0/0", repeat(8, 0)],
    ["16/B374D848", [0, 0, 0, 0x16, 0xb3, 0x74, 0xd8, 0x48]],
    ["FFFFFFFF/FFFFFFFF", repeat(8, 255)],
  ],
  pg_snapshot: [
    ["10:20:", [...repeat(11, 0), 10, ...repeat(7, 0), 20]],
    [
      "10:20:12",
      [
        0,
        0,
        0,
        1,
        ...repeat(7, 0),
        10,
        ...repeat(7, 0),
        20,
        ...repeat(7, 0),
        12,
      ],
    ],
  ],
  jsonpath: [['$."ä"', [1, ...encoder.encode('$."ä"')]]],
  refcursor: [["ä ", [...encoder.encode("ä ")]]],
};

/** What no server sends. */
const BAD: Readonly<Record<string, readonly (string | number[])[]>> = {
  macaddr: [
    "",
    "08:00:2b:01:02",
    "08:00:2b:01:02:0g",
    "08-00-2b-01-02-03",
    "08:00:2b:01:02:03:",
    "0é:00:2b:01:02:0",
    [],
    repeat(5, 0),
    repeat(7, 0),
  ],
  macaddr8: ["08:00:2b:01:02:03", repeat(6, 0), repeat(9, 0)],
  bit: ["2", "1 ", "x", "１", [], [0, 0, 0], [0, 0, 0, 9, 0]],
  varbit: [
    "10\n",
    [0, 0, 0, 1],
    [0, 0, 0, 0, 0],
    [255, 255, 255, 255],
    [127, 255, 255, 255, 0],
  ],
  xid: [
    "",
    "-1",
    "4294967296",
    "12345678901",
    "1.5",
    "x",
    repeat(3, 0),
    repeat(5, 0),
  ],
  cid: ["", "4294967296", repeat(8, 0)],
  xid8: ["", "18446744073709551616", "-1", " 1", repeat(4, 0), []],
  tid: ["", "(1)", "(1,2", "1,2", "(1,2,3)", "(-1,2)", repeat(5, 0)],
  pg_lsn: ["", "16", "16/", "/1", "123456789/0", "G/0", repeat(4, 0)],
  pg_snapshot: [
    "",
    "1:2",
    "1:2:3,",
    "1:2:,",
    "a:b:",
    [],
    repeat(19, 0),
    repeat(21, 0),
    [0, 0, 0, 1, ...repeat(16, 0)],
    [255, 255, 255, 255, ...repeat(16, 0)],
    [127, 255, 255, 255, ...repeat(16, 0)],
  ],
  jsonpath: [[], [2, 0x24], [0x24]],
  tsvector: [
    [],
    [0, 0, 0],
    [0, 0, 0, 1],
    [0, 0, 0, 1, 0x61],
    [0, 0, 0, 1, 0x61, 0],
    [0, 0, 0, 1, 0x61, 0, 0, 1],
    [0, 0, 0, 1, 0x61, 0, 255, 255, 0, 1],
    [0, 0, 0, 0, 0],
    [255, 255, 255, 255],
    [127, 255, 255, 255, 0x61, 0, 0, 0],
    [0, 0, 0, 1, 0xff, 0, 0, 0],
  ],
  tsquery: [
    [],
    [0, 0, 0, 1],
    [0, 0, 0, 1, 3],
    [0, 0, 0, 1, 1, 0, 0, 0x61],
    [0, 0, 0, 1, 2, 1],
    [0, 0, 0, 1, 2, 0],
    [0, 0, 0, 1, 2, 5],
    [0, 0, 0, 2, 2, 2, 1, 0, 0, 0x61, 0],
    [0, 0, 0, 2, 1, 0, 0, 0x61, 0, 1, 0, 0, 0x61, 0],
    [0, 0, 0, 0, 0],
    [255, 255, 255, 255],
    [0, 0, 0, 1, 1, 0, 0, 0xff, 0],
  ],
  regclass: [[], repeat(3, 0), repeat(8, 0)],
  xml: [[0xff]],
};

for (const [name, values] of Object.entries(GOOD)) {
  Deno.test(`${name}: both formats are read as the same string, and written from it`, () => {
    for (const [text, bytes] of values) {
      assertEquals(load(name, text), text);
      assertEquals(load(name, bytes), text);
      assertEquals(dump(name, text), bytes, text);
      const dumper = transformer.getDumperByOid(
        adapters.types.getOid(name),
        "t",
      );
      assertEquals(dumper.text(text), text);
      // A cast to bit without quotes would leave one bit.
      const { regtype } = adapters.types.mustGet(name);
      const cast = name === "bit" ? '"bit"' : regtype;
      assertEquals(dumper.quote("a'b"), `'a''b'::${cast}`);
    }
  });
}

for (const [name, values] of Object.entries(BAD)) {
  Deno.test(`${name}: malformed text and bytes are a DataError`, () => {
    for (const value of values) {
      assertThrows(
        () => load(name, value),
        DataError,
        "Cannot",
        JSON.stringify(value),
      );
    }
  });
}

Deno.test("strings that are to become one of a type: what it cannot hold is a DataError that does not repeat it", () => {
  const bad: Record<string, unknown[]> = {
    macaddr: ["", "secret", "08:00:2b:01:02", "08:00-2b:01:02:03", "0:8", 5],
    macaddr8: ["", "08:00:2b:01:02:03:04", "08002b0102030405x", {}],
    bit: ["2", "secret", "1 ", 1, true],
    varbit: ["012"],
    xid: ["", "-1", "4294967296", "x", -1, 1.5, 2n ** 32n, null, undefined],
    cid: ["4294967296"],
    xid8: ["18446744073709551616", 2n ** 64n, -1n, "secret"],
    tid: ["(1)", "(4294967296,1)", "(1,65536)", "secret"],
    pg_lsn: ["16", "123456789/0", "secret"],
    pg_snapshot: ["1:2", "9223372036854775808:1:", "secret"],
    jsonpath: ["\0", "\ud800", 5],
    refcursor: ["\0", "\ud800", 5],
  };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) {
      const error = assertThrows(() => dump(name, value), DataError);
      assert(!error.message.includes("secret"));
    }
  }
  for (const name of ["money", "xml", "aclitem", "tsvector", "regclass"]) {
    const dumper = transformer.getDumperByOid(adapters.types.getOid(name));
    for (const value of ["\0", "\ud800", {}, true, Symbol()]) {
      assertThrows(() => dumper.text(value), DataError);
    }
  }
  // The decimal point is not the same everywhere.
  const money = transformer.getDumperByOid(adapters.types.getOid("money"));
  assertThrows(() => money.text(12.5), DataError, "no string");
});

Deno.test("macaddr: every way to write one, six bytes as a macaddr8 as well", () => {
  const six = [8, 0, 0x2b, 1, 2, 3];
  const forms = [
    "08:00:2b:01:02:03",
    "08-00-2B-01-02-03",
    "08002b:010203",
    "08002b-010203",
    "0800.2b01.0203",
    "0800-2b01-0203",
    "08002b010203",
  ];
  for (const form of forms) {
    assertEquals(dump("macaddr", form), six, form);
    assertEquals(
      dump("macaddr8", form),
      [8, 0, 0x2b, 255, 254, 1, 2, 3],
      form,
    );
  }
  const eight = [...six, 4, 5];
  for (
    const form of [
      "08-00-2b-01-02-03-04-05",
      "08002b:0102030405",
      "0800.2b01.0203.0405",
    ]
  ) {
    assertEquals(dump("macaddr8", form), eight, form);
    assertThrows(() => dump("macaddr", form), DataError);
  }
});

Deno.test("xid and xid8: numbers and bigints are taken as well", () => {
  assertEquals(dump("xid", 7), [0, 0, 0, 7]);
  assertEquals(dump("xid8", 2n ** 64n - 1n), repeat(8, 255));
  const regclass = transformer.getDumperByOid(2205);
  assertEquals(regclass.text(1259), "1259");
});

Deno.test("tsquery: a hundred thousand operators deep, in linear time and without a full stack", () => {
  const depth = 100_000;
  const operand = [1, 0, 0, 0x61, 0];
  const count = new DataView(new ArrayBuffer(4));
  count.setInt32(0, depth + 1);
  const head = [...new Uint8Array(count.buffer)];
  const nots = Array.from({ length: depth }, () => [2, 1]).flat();
  assertEquals(
    load("tsquery", [...head, ...nots, ...operand]),
    "!".repeat(depth) + "'a'",
  );
  count.setInt32(0, 2 * depth + 1);
  const ands = Array.from({ length: depth }, () => [2, 2, ...operand]).flat();
  assertEquals(
    load("tsquery", [...new Uint8Array(count.buffer), ...ands, ...operand]),
    Array(depth + 1).fill("'a'").join(" & "),
  );
});

Deno.test("types that go out as text alone: nothing dumps them in binary", () => {
  const names = ["money", "xml", "aclitem", "tsvector", "tsquery", "regclass"];
  for (const name of names) {
    const oid = adapters.types.getOid(name);
    assertEquals(transformer.getDumperByOid(oid).oid, oid);
    assertThrows(() => transformer.getDumperByOid(oid, "b"), ProgrammingError);
  }
});
