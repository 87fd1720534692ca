/** The identifiers of two-phase transactions, as texts and in three parts. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Xid } from "../../mod.ts";

Deno.test("TPC-02 Xid: three parts go to JDBC's text and back, any other text stays whole", () => {
  const encoded: [number, string, string, string][] = [
    [42, "gtrid", "bqual", "42_Z3RyaWQ=_YnF1YWw="],
    [0, "", "", "0__"],
    [2147483647, "a_b", "é", "2147483647_YV9i_w6k="],
    [1, "\ufeffx", "🦕", "1_77u/eA==_8J+mlQ=="],
  ];
  for (const [formatId, gtrid, bqual, text] of encoded) {
    assertEquals(new Xid(formatId, gtrid, bqual).toString(), text);
    assertEquals([...Xid.fromString(text)], [formatId, gtrid, bqual], text);
  }
  const whole = [
    "",
    "hello, world!",
    "x".repeat(199),
    "42_Z3RyaWQ=",
    "42_Z3RyaWQ=_YnF1YWw=_",
    "-1_Z3RyaWQ=_YnF1YWw=",
    "2147483648_Z3RyaWQ=_YnF1YWw=",
    "042_Z3RyaWQ=_YnF1YWw=", // not as it would be written
    "42_Z3RyaWQ_YnF1YWw=",
    "42_Z3RyaWR=_YnF1YWw=",
    "42_Z3Ry=aWQ_YnF1YWw=",
    "1_/w==_/w==", // no UTF-8
    `1_${"eHh4".repeat(22)}_`, // 66 characters
    "42_Z3RyaWQ=_YnF1YWw=\n",
  ];
  for (const text of whole) {
    const xid = Xid.fromString(text);
    assertEquals([...xid], [null, text, null]);
    assertEquals(`${xid}`, text);
  }
});

Deno.test("Xid: the parts are checked", () => {
  for (const formatId of [-1, 2 ** 31, 0.5, NaN, Infinity, "1" as never]) {
    assertThrows(() => new Xid(formatId, "g", "b"), RangeError, "formatId");
  }
  const long = "x".repeat(65);
  assertThrows(() => new Xid(0, long, "b"), RangeError, "gtrid has 65");
  assertThrows(() => new Xid(0, "g", long), RangeError, "bqual has 65");
  assertThrows(() => new Xid(0, "g", null), TypeError, "without bqual");
  assertThrows(() => new Xid(null, "g", "b"), TypeError, "without a formatId");
  assertThrows(
    () => new Xid(null, 1 as never),
    TypeError,
    "gtrid is no string",
  );
  assertThrows(() => new Xid(1, "g", 1 as never), TypeError, "bqual is no str");
  const xid = new Xid(0, "🦕".repeat(64), "x".repeat(64));
  assertEquals(xid.gtrid.length, 128);
});

Deno.test("Xid: bqual is empty by default, and absent without a format", () => {
  assertEquals([...new Xid(1, "g")], [1, "g", ""]);
  assertEquals([...new Xid(null, "g")], [null, "g", null]);
  const xid = new Xid(1, "g");
  assertEquals([xid.prepared, xid.owner, xid.database], [null, null, null]);
  assert(xid instanceof Xid);
});
