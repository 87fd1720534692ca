/**
 * Composition of statements, without a server.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertFalse,
  assertNotStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  DataError,
  NotSupportedError,
  ProgrammingError,
} from "../../errors/base.ts";
import type { SqlContext } from "../../sql/context.ts";
import { queryText } from "../../sql/bind.ts";
import { adaptationOf } from "../../sql/context.ts";
import {
  asBytes,
  asString,
  Composable,
  Composed,
  DEFAULT,
  Identifier,
  Literal,
  NULL,
  Placeholder,
  quote,
  SQL,
  sql,
} from "../../sql/mod.ts";
import { NO_SESSION } from "../../types/adapt.ts";
import { codecFor } from "../../protocol/encodings.ts";
import { AdaptersMap } from "../../types/adapters_map.ts";
import { adapters } from "../../types/defaults.ts";
import { quoteIdentifier, quoteString } from "../../types/quote.ts";

Deno.test("SQ-01 SQL.format: fields by order, number and name", () => {
  const a = new Identifier("a");
  const b = new Identifier("b");
  assertEquals(
    new SQL("select {} from {}").format(a, b).asString(),
    'select "a" from "b"',
  );
  assertEquals(
    new SQL("select {1} from {0}").format(a, b).asString(),
    'select "b" from "a"',
  );
  assertEquals(
    new SQL("select {f} from {t}").format({ t: b, f: a }).asString(),
    'select "a" from "b"',
  );
  assertEquals(
    new SQL("{} {x} {} {{}}{{x}}").format(a, b, { x: 1 }).asString(),
    '"a" 1 "b" {}{x}',
  );
});

Deno.test("SQL.format: what is not a part becomes a literal", () => {
  assertEquals(
    new SQL("{} {} {}").format("it's", null, new SQL("{}")).asString(),
    "'it''s' NULL {}",
  );
});

Deno.test("SQ-03 SQL.format: missing arguments, mixed fields and conversions are errors", () => {
  const a = new Identifier("a");
  for (
    const [format, args] of [
      ["select {}", []],
      ["select {} {}", [a]],
      ["select {1}", [a]],
      ["select {b}", [{ a }]],
      ["select {b}", []],
      ["select {b}", [null]],
      ["select {toString}", [{}]],
      ["select {} {0}", [a, a]],
      ["select {0} {}", [a, a]],
      ["select {a!r}", [{ a }]],
      ["select {a:<}", [{ a }]],
      ["select {!r}", [a]],
      ["select {:<}", [a]],
      ["select {a.b}", [{ a }]],
      ["select {0[1]}", [a]],
      ["select {", [a]],
      ["select }", [a]],
      ["select {} }", [a]],
      ["select {}", [a, a]],
      ["select {}", [undefined]],
      ["select {a}", [{ a: undefined }]],
    ] as [string, unknown[]][]
  ) {
    assertThrows(
      () => new SQL(format).format(...args),
      ProgrammingError,
      "Cannot",
      format,
    );
  }
});

Deno.test("SQ-05 SQL, Identifier: what is not a string is a TypeError", () => {
  const anything = (value: unknown) => value as string;
  assertThrows(() => new SQL(anything(10)), TypeError, "must be a string");
  const none = [] as unknown as [string];
  assertThrows(() => new Identifier(...none), TypeError, "needs a name");
  assertThrows(() => new Identifier(anything(10)), TypeError);
  assertThrows(() => new Identifier("a", anything(null)), TypeError);
});

Deno.test("SQ-09 Literal: a value without a dumper is an error at asString", () => {
  class Unknown {}
  for (const value of [new Unknown(), () => 1, Symbol("x")]) {
    const literal = new Literal(value);
    assertThrows(() => literal.asString(), ProgrammingError);
    assertThrows(() => new Composed([literal]).asString(), ProgrammingError);
    assertThrows(() => quote(value), ProgrammingError);
  }
  assertThrows(() => quote(undefined), ProgrammingError, "undefined");
});

Deno.test("SQ-11 Composable: concat, repeat and equals", () => {
  const a = new SQL("a");
  const b = new Identifier("b");
  let sum = a.concat(b);
  assert(sum instanceof Composed);
  assertEquals(sum.asString(), 'a"b"');
  sum = sum.concat(new Literal(1), sum);
  assertEquals(sum.asString(), 'a"b"1a"b"');
  assertEquals([...sum].length, 5);
  const three = a.repeat(3);
  assert(three instanceof Composed);
  assertEquals(three.asString(), "aaa");
  assertEquals(sum.repeat(0).asString(), "");
  assertThrows(() => a.repeat(-1), RangeError);
  assertThrows(() => a.repeat(1.5), RangeError);
  assertThrows(() => a.concat("x" as unknown as SQL), TypeError);

  const items = [a, b];
  assert(new Composed(items).equals(new Composed([a, new Identifier("b")])));
  assertFalse(new Composed(items).equals(items));
  assertFalse(new Composed(items).equals(new Composed([b, a])));
  assertFalse(new Composed(items).equals(new Composed([a])));
  assert(a.equals(new SQL("a")));
  assertFalse(a.equals(new Identifier("a")));
  assertFalse(new Identifier("a").equals(new Identifier("a", "b")));
  assert(new Literal([1, ["x"]]).equals(new Literal([1, ["x"]])));
  assertFalse(new Literal(1).equals(new Literal("1")));
  assert(new Placeholder("a").equals(new Placeholder("a")));
  assertFalse(new Placeholder("a", "b").equals(new Placeholder("a")));
});

Deno.test("SQ-13 asString, asBytes: without a connection, in UTF-8 and in LATIN9", () => {
  const codec = codecFor("LATIN9");
  const latin9: SqlContext = {
    adapters,
    session: { ...NO_SESSION, encoding: codec.encoding },
    encode(text) {
      const out = new Uint8Array(text.length * codec.maxBytesPerUnit);
      return out.subarray(0, codec.encodeInto(text, out, 0));
    },
  };
  const euro = new Literal("€");
  assertEquals(euro.asString(), "'€'");
  assertEquals([...euro.asBytes()], [0x27, 0xe2, 0x82, 0xac, 0x27]);
  assertEquals([...euro.asBytes(latin9)], [0x27, 0xa4, 0x27]);
  assertEquals([...asBytes("€", latin9)], [0x27, 0xa4, 0x27]);
  assertEquals([...asBytes(new SQL("€"), latin9)], [0xa4]);
  const { encode: _, ...mute } = latin9;
  assertThrows(() => euro.asBytes(mute), NotSupportedError, "LATIN9");
  assertThrows(() => new SQL("\ud800").asBytes(), DataError);
});

Deno.test("SQ-15 quoteString, quoteIdentifier: backslashes, NUL, broken text", () => {
  assertEquals(quoteString(""), "''");
  assertEquals(quoteString("foo\\bar"), " E'foo\\\\bar'");
  assertEquals(quoteIdentifier("foo\\bar"), '"foo\\bar"');
  assertEquals(new Literal("").asString(), "''");
  assertEquals(new Literal("foo\\bar").asString(), " E'foo\\\\bar'");
  assertEquals(new Identifier("foo\\bar").asString(), '"foo\\bar"');
  for (const text of ["a\0", "\ud800", "a\udc00b"]) {
    assertThrows(() => quoteString(text), DataError);
    assertThrows(() => quoteIdentifier(text), DataError);
    assertThrows(() => new Literal(text).asString(), DataError);
    assertThrows(() => new Identifier(text).asString(), DataError);
  }
});

Deno.test("SQ-17 quoteIdentifier: quotes are doubled", () => {
  assertEquals(quoteIdentifier('blah"blah'), '"blah""blah"');
  assertEquals(new Identifier('blah"blah').asString(), '"blah""blah"');
});

Deno.test("Literal: reads the same whatever standard_conforming_strings is", () => {
  // Without a backslash both readings agree; with one it is an E string.
  for (let code = 1; code < 128; code++) {
    const char = String.fromCharCode(code);
    for (const text of [char, `${char}'`, `'${char}`, `${char}' or 1=1 --`]) {
      const literal = quote(text);
      assertEquals(literal.startsWith(" E'"), text.includes("\\"));
      const body = literal.slice(literal.indexOf("'") + 1, -1);
      assertFalse(body.replaceAll("''", "").includes("'"), literal);
      if (text.includes("\\")) {
        assertFalse(body.replaceAll("\\\\", "").includes("\\"), literal);
      }
    }
  }
});

Deno.test("F8 Identifier: quoted exactly, never split, NUL refused", () => {
  for (
    const name of ['"', "a.b", "x".repeat(200), "__proto__", " ", "é💥", '";--']
  ) {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    assertEquals(new Identifier(name).asString(), quoted);
    assertEquals(new Identifier("s", name).asString(), `"s".${quoted}`);
    assertEquals(sql.id(name).asString(), quoted);
    assertEquals(
      sql`select ${sql.id(name)}`.render(adaptationOf()).text,
      `select ${quoted}`,
    );
  }
  assertThrows(() => new Identifier("a\0b").asString(), DataError);
  assertThrows(() => sql`${sql.id("\0")}`.render(adaptationOf()), DataError);
});

Deno.test("Literal: a sign is spaced", () => {
  assertEquals(
    new SQL("select -{}").format(-1).asString().replace(/ +/g, " "),
    "select - -1",
  );
  // Also where the dumper is a user's, who did not think of it.
  const careless = new AdaptersMap(adapters);
  careless.registerDumper("number", {
    format: 0,
    oid: 23,
    dump: (value: number, out) => out.text(String(value)),
    text: String,
    quote: String,
  });
  assertEquals(
    new SQL("select -{}").format(-1).asString({ adapters: careless }),
    "select - -1",
  );
});

Deno.test("Placeholder: follows the style of the cursor", () => {
  const query = new SQL("select {}, {}").format(
    new Placeholder(),
    new Placeholder(),
  );
  assertEquals(query.asString(), "select %s, %s");
  assertEquals(queryText(query, adaptationOf(), "%"), "select %s, %s");
  assertEquals(queryText(query, adaptationOf(), "$"), "select $1, $2");
  assertEquals(new Placeholder("a").asString(), "%(a)s");
  assertEquals(new Placeholder("a", "b").asString(), "%(a)b");
  assertEquals(new Placeholder("", "t").asString(), "%t");
  for (const part of [new Placeholder("a"), new Placeholder("", "b")]) {
    assertThrows(
      () => queryText(part, adaptationOf(), "$"),
      ProgrammingError,
      "RawCursor",
    );
  }
  assertThrows(() => new Placeholder("a)"), ProgrammingError, '")"');
  assertThrows(() => new Placeholder("a", "x" as "s"), TypeError);
  assertThrows(() => new Placeholder(1 as unknown as string), TypeError);
});

Deno.test("queryText: percent signs of names and literals pass for no placeholders", () => {
  const query = new SQL("select {} as {}, %s").format(
    "%s",
    new Identifier("%b"),
  );
  assertEquals(
    queryText(query, adaptationOf(), "%"),
    `select '%%s' as "%%b", %s`,
  );
  for (const style of ["$", null] as const) {
    assertEquals(
      queryText(query, adaptationOf(), style),
      `select '%s' as "%b", %s`,
    );
  }
});

Deno.test("SQL.join, Composed.join: parts with something between", () => {
  const names = ["a", "b"].map((name) => new Identifier(name));
  assertEquals(new SQL(", ").join(names).asString(), '"a", "b"');
  assertEquals(new SQL(", ").join([1, "x"]).asString(), "1, 'x'");
  assertEquals(new SQL(", ").join([]).asString(), "");
  assertEquals(new Composed(names).join(".").asString(), '"a"."b"');
  assertEquals(new Composed(names).join(new SQL("-")).asString(), '"a"-"b"');
  assertThrows(
    () => new Composed(names).join(1 as unknown as string),
    TypeError,
  );
  assertThrows(
    () => new SQL(", ").join([1, undefined]),
    ProgrammingError,
    "item 2 is undefined",
  );
  assertThrows(() => new Composed([sql`x`]), TypeError, "template");
  assertThrows(() => new SQL("{}").format(sql.text(1)), TypeError, "template");
});

Deno.test("NULL, DEFAULT, quote, asString: text of parts and values", () => {
  assertEquals([NULL.asString(), DEFAULT.asString()], ["NULL", "DEFAULT"]);
  assertEquals(quote(null), "NULL");
  assertEquals(asString("it's"), "'it''s'");
  assertEquals(asString(new Identifier("x")), '"x"');
  assertEquals(asString(10, { adapters }), "10");
  assertEquals(asString(10, adaptationOf()), "10");
});

Deno.test("Composable.inspect: shows the class and what it holds", () => {
  const query = new SQL("{} {x} {}").format(1n, new Placeholder("p", "t"), {
    x: new Identifier("a", 'b"'),
  });
  assertEquals(
    query.inspect(),
    'Composed([Literal(1n), SQL(" "), Identifier("a", "b\\""), SQL(" "), Placeholder("p", format="t")])',
  );
  assertEquals(Deno.inspect(query), query.inspect());
  assertEquals(`${new SQL("x")}`, 'SQL("x")');
  assertEquals(
    new Literal([null, "x", new Map(), undefined]).inspect(),
    'Literal([null, "x", [Map], undefined])',
  );
});

Deno.test("Composable: a class of the user's own is a part", () => {
  class Now extends Composable {
    override asString(): string {
      return "now() /* 100% */";
    }
    override equals(other: unknown): boolean {
      return other instanceof Now;
    }
    override inspect(): string {
      return "Now()";
    }
  }
  const query = new SQL("select {}").format(new Now());
  assertEquals(query.asString(), "select now() /* 100% */");
  assertEquals(
    queryText(query, adaptationOf(), "%"),
    "select now() /* 100%% */",
  );
  assertNotStrictEquals(query, new Now().concat());
});
