/**
 * Conversion of placeholders, and taking the parameters.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ProgrammingError } from "../../errors/base.ts";
import type { QueryParameters } from "../../sql/query.ts";
import {
  convertQuery,
  convertRawQuery,
  MAX_PARAMETERS,
  orderParameters,
} from "../../sql/query.ts";

/** Both steps: text, values, formats. */
function take(
  query: string,
  params: QueryParameters,
): [string, readonly unknown[], string] {
  const converted = convertQuery(query, params);
  const values = orderParameters(converted, params);
  return [converted.text, values, converted.formats.join("")];
}

Deno.test("QC-01 convertQuery: a doubled percent sign is one", () => {
  assertEquals(take("foo %% bar", []), ["foo % bar", [], ""]);
  assertEquals(take("%%%s%%%%", [1]), ["%$1%%", [1], "s"]);
  assertEquals(take("%%s", []), ["%s", [], ""]);
});

Deno.test("QC-03 convertQuery: a name that is repeated is one parameter", () => {
  assertEquals(
    take("%(hi)s %(there)s %(hi)s", { there: 1, hi: "x", other: 3 }),
    ["$1 $2 $1", ["x", 1], "ss"],
  );
});

Deno.test("convertQuery: the letter asks for the format", () => {
  assertEquals(take("select %t", [1]), ["select $1", [1], "t"]);
  assertEquals(take("%s %b %t", [1, 2, 3])[2], "sbt");
});

Deno.test("convertQuery: letters of names", () => {
  assertEquals(
    take("%(a)b%(b)t%(a)b", { a: 1, b: 2 }),
    ["$1$2$1", [1, 2], "bt"],
  );
});

Deno.test("QC-07 convertQuery: what starts no placeholder is an error", () => {
  for (
    const query of [
      "foo %d bar",
      "% bar",
      "%%% bar",
      "%(foo)d",
      "%(foo bar",
      "%(foo) bar",
      "%",
      "%()s",
      "%(foo)",
      "%S",
      "%💥",
    ]
  ) {
    for (const params of [[], [1], { foo: 1 }]) {
      const error = assertThrows(
        () => convertQuery(query, params),
        ProgrammingError,
      );
      assertStringIncludes(error.message, "at position ");
      assertStringIncludes(error.message, "%%");
      assert(error.message.isWellFormed());
    }
  }
  const error = assertThrows(
    () => convertQuery("é💥 %d", []),
    ProgrammingError,
    '"%d" is not a placeholder at position 4,',
  );
  assertEquals(error.connectionUsable, null);
});

Deno.test("convertQuery: named and positional placeholders do not mix", () => {
  for (const query of ["%s %(a)s", "%(a)s %s", "%(a)s %% %b"]) {
    for (const params of [[1], { a: 1 }]) {
      assertThrows(
        () => convertQuery(query, params),
        ProgrammingError,
        "mixes named and positional",
      );
    }
  }
  assertThrows(
    () => convertQuery("%(a)s %(a)b", { a: 1 }),
    ProgrammingError,
    '"%(a)b" asks for another format than "%(a)s"',
  );
});

Deno.test("QC-09 convertQuery: the kind of the parameters fits the placeholders", () => {
  const named = assertThrows(() => take("select %s", { a: 1 }), TypeError);
  assertStringIncludes(named.message, "need an array");
  const listed = assertThrows(() => take("select %(name)s", [1]), TypeError);
  assertStringIncludes(listed.message, "need an object");
});

Deno.test("convertQuery: only arrays and objects with names are parameters", () => {
  for (
    const params of [
      "x",
      new String("x"),
      1,
      true,
      1n,
      null,
      Symbol("x"),
      () => 1,
      new Uint8Array(1),
      new ArrayBuffer(1),
      new DataView(new ArrayBuffer(1)),
      new Set([1]),
      new Map([["name", 1]]),
      new Date(0),
      Promise.resolve([1]),
      [1].values(),
    ]
  ) {
    for (const query of ["select %s", "select %(name)s", "select 1"]) {
      assertThrows(
        () => convertQuery(query, params as unknown as QueryParameters),
        TypeError,
        "must be an array or an object",
      );
      assertThrows(
        () => convertRawQuery(query, params as unknown as QueryParameters),
        TypeError,
        "needs an array",
      );
    }
  }
  assertThrows(
    () => convertQuery(10 as unknown as string, []),
    TypeError,
    "must be a string",
  );
});

Deno.test("QC-11 convertQuery: the number of parameters fits the placeholders", () => {
  assertThrows(() => take("", [1]), ProgrammingError, "has no placeholders");
  assertThrows(
    () => take("%s", []),
    ProgrammingError,
    "has 1 placeholder and there are no parameters",
  );
  assertThrows(() => take("$1", [1]), ProgrammingError);
  assertThrows(
    () => take("%%", [1]),
    ProgrammingError,
    "has no placeholders and there is 1 parameter",
  );
  assertThrows(() => take("%s %s", [1]), ProgrammingError);
  assertThrows(() => take("%s", [1, 2]), ProgrammingError);
});

Deno.test("convertQuery: $n on a default cursor names RawCursor and the tag", () => {
  for (const params of [[1], { a: 1 }]) {
    const error = assertThrows(
      () => convertQuery("select $1::int4", params),
      ProgrammingError,
    );
    assertStringIncludes(error.message, "RawCursor");
    assertStringIncludes(error.message, "sql tag");
  }
  assertEquals(take("select $$a$$, $1", [])[0], "select $$a$$, $1");
  assertEquals(take("select '$1', %s", [2])[0], "select '$1', $1");
});

Deno.test("orderParameters: undefined is refused by position or name (D-10)", () => {
  assertThrows(
    () => take("%s %s", [null, undefined]),
    ProgrammingError,
    "parameter 2 is undefined, pass null",
  );
  // deno-lint-ignore no-sparse-arrays
  assertThrows(() => take("%s %s", [, 1]), ProgrammingError, "parameter 1 ");
  assertThrows(
    () => take("%(a)s", { a: undefined }),
    ProgrammingError,
    'parameter "a" is undefined',
  );
  assertThrows(
    () => take("%(a)s", { b: 1 }),
    ProgrammingError,
    'named "a"',
  );
  assertEquals(take("%s", [null])[1], [null]);
});

Deno.test("orderParameters: names are own properties or those of a class", () => {
  class Person {
    name = "Ada";
    get upper(): string {
      return this.name.toUpperCase();
    }
  }
  const person = new Person() as unknown as Record<string, unknown>;
  assertEquals(take("%(upper)s %(name)s", person)[1], ["ADA", "Ada"]);
  for (const name of ["constructor", "toString", "__proto__"]) {
    assertThrows(
      () => take(`%(${name})s`, { a: 1 }),
      ProgrammingError,
      "no such name",
    );
    assertThrows(() => take(`%(${name})s`, person), ProgrammingError);
    const parsed = JSON.parse(`{"${name}": "own"}`);
    assertEquals(take(`%(${name})s`, parsed)[1], ["own"]);
  }
  const bare = Object.assign(Object.create(null), { a: 1 });
  assertEquals(take("%(a)s", bare)[1], [1]);
});

Deno.test("orderParameters: extra names and an empty object are no trouble", () => {
  assertEquals(take("select 1%%", {}), ["select 1%", [], ""]);
  assertEquals(take("select 1", { a: 1 }), ["select 1", [], ""]);
});

Deno.test("convertQuery: placeholders inside strings and comments are found", () => {
  for (
    const [query, text] of [
      ["select '%s'", "select '$1'"],
      ["select $tag$%s$tag$", "select $tag$$1$tag$"],
      ["-- %s", "-- $1"],
      ["/* %s */", "/* $1 */"],
      ["select E'\\'%s'", "select E'\\'$1'"],
      ['select 1 as "%s"', 'select 1 as "$1"'],
    ] as const
  ) {
    assertEquals(take(query, ["x'; drop table t"])[0], text);
  }
});

Deno.test("convertQuery: values never get into the text", () => {
  assertEquals(take("select -%s -- %s", [-1, "\n"])[0], "select -$1 -- $2");
  // A digit that follows must not change the number of the parameter.
  assertEquals(take("select %s0", [1])[0], "select $1 0");
});

Deno.test("convertRawQuery: $n and percent signs stay, count is the server's matter", () => {
  const query = "select $1, $2::text, 5 %s 3, '%d'";
  const converted = convertRawQuery(query, [1, null]);
  assertEquals(converted, { text: query, formats: ["s", "s"], names: null });
  assertEquals(orderParameters(converted, [1, null]), [1, null]);
  assertThrows(() => convertRawQuery(query, { a: 1 }), TypeError);
  const many = Array(60).fill(0);
  assertEquals(convertRawQuery("$60", many).formats.length, 60);
  assertThrows(
    () => orderParameters(convertRawQuery("$1", [undefined]), [undefined]),
    ProgrammingError,
    "parameter 1 is undefined",
  );
});

Deno.test("convertQuery: no more parameters than the protocol counts", () => {
  const most = Array(MAX_PARAMETERS).fill(0);
  const query = "%s,".repeat(MAX_PARAMETERS);
  assertEquals(convertQuery(query, most).formats.length, MAX_PARAMETERS);
  for (
    const convert of [
      () => convertQuery(query + "%s", [...most, 0]),
      () => convertRawQuery("$1", [...most, 0]),
    ]
  ) assertThrows(convert, ProgrammingError, "the protocol allows 65535");
});

Deno.test("convertQuery: remembers short texts with few parameters", () => {
  const query = "select %s /* remembered */";
  const first = convertQuery(query, [1]);
  assertStrictEquals(convertQuery(query, [2]), first);
  for (let index = 0; index < 100; index++) convertQuery(`${index} %s`, [1]);
  assertStrictEquals(convertQuery(query, [2]), first);
  for (let index = 0; index < 600; index++) convertQuery(`${index} %s`, [1]);
  assert(convertQuery(query, [2]) !== first, "the memory is bounded");

  const long = `select %s /* ${"x".repeat(5000)} */`;
  assert(convertQuery(long, [1]) !== convertQuery(long, [1]));
  const wide = "%s,".repeat(51);
  const params = Array(51).fill(0);
  assert(convertQuery(wide, params) !== convertQuery(wide, params));
});

Deno.test("convertQuery: random texts give a statement or the two errors", () => {
  let seed = 42;
  function random(below: number): number {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  }
  const pieces = "% %% %s %b %t %(a)s %(b) %( ) ( a $1 $ 0 ' \" é 💥 \ud800 \0"
    .split(" ");
  const kinds: QueryParameters[] = [[], [1], [1, 2], {}, { a: 1, b: 2 }];
  let converted = 0;
  for (let round = 0; round < 20_000; round++) {
    let query = "";
    for (let left = random(8); left > 0; left--) {
      query += pieces[random(pieces.length)];
    }
    try {
      const [text, values, formats] = take(query, kinds[round % 5] ?? []);
      assertEquals(values.length, formats.length);
      const highest = [...text.matchAll(/\$(\d+)/g)].length;
      assert(highest >= values.length);
      converted++;
    } catch (error) {
      if (!(error instanceof ProgrammingError || error instanceof TypeError)) {
        throw error;
      }
      assert(!error.message.includes("Cannot read"), error.message);
    }
  }
  assert(converted > 1000, `only ${converted} were converted`);
});

Deno.test("orderParameters: options in the place of parameters are refused, names that nothing asks for are not", () => {
  const order = (query: string, params: Record<string, unknown>) =>
    orderParameters(convertQuery(query, params), params);
  const { signal } = new AbortController();
  assertThrows(
    () => order("select 1", { signal }),
    TypeError,
    "execute(query, undefined, { signal })",
  );
  assertEquals(order("select 1", { signal: "red" }), []);
  assertEquals(order("select %(a)s", { a: 1, b: 2 }), [1]);
});
