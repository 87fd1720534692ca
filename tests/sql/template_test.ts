/**
 * The `sql` tag, without a server.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertFalse,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  DataError,
  NotSupportedError,
  ProgrammingError,
} from "../../errors/base.ts";
import type { Query } from "../../sql/bind.ts";
import { bindQuery, bindRawQuery } from "../../sql/bind.ts";
import { adaptationOf } from "../../sql/context.ts";
import {
  Composed,
  DEFAULT,
  Identifier,
  isSql,
  Literal,
  NULL,
  Placeholder,
  SQL,
  sql,
  SqlTemplate,
} from "../../sql/mod.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";

const adaptation = adaptationOf();

/** Text, values, formats. */
function render(template: SqlTemplate): [string, readonly unknown[], string] {
  const { text, values, formats } = template.render(adaptation);
  return [text, values, formats.join("")];
}

function bind(query: Query, params?: readonly unknown[]) {
  return bindQuery(query, params, adaptation);
}

Deno.test("sql: values become parameters, each one its own", () => {
  const x = "1; drop table t";
  assertEquals(render(sql`select ${x}, ${x}, ${null} from t`), [
    "select $1, $2, $3 from t",
    [x, x, null],
    "sss",
  ]);
  assertEquals(render(sql`select 1`), ["select 1", [], ""]);
  assertEquals(render(sql`${1}`), ["$1", [1], "s"]);
  assertEquals(render(sql`select 100 % ${7} %s`)[0], "select 100 % $1 %s");
});

Deno.test("sql: a place in the program is worked out once", () => {
  const make = (x: unknown) => sql`select ${x}`.render(adaptation);
  assertEquals(make(1), make(1));
  assertStrictEquals(make(1).formats, make(2).formats);
  assertEquals(make(sql.id("a")).text, 'select "a"');
  assertEquals(make(3).values, [3]);
  const template = sql`select ${sql.literal(1)}, ${2}`;
  assertEquals(render(template), render(template));
});

Deno.test("sql: parts and templates are merged, parameters counted through", () => {
  const condition = sql`a = ${1} and ${sql.id("s", "b")} = ${2}`;
  assertEquals(
    render(
      sql`select ${0}, ${sql.raw("now()")} from ${
        sql.id("t")
      } where ${condition} or ${condition} limit ${new Composed([
        new SQL("1 + "),
        new Literal(5),
      ])} -- ${"end"}`,
    ),
    [
      'select $1, now() from "t" where a = $2 and "s"."b" = $3 or a = $4 and "s"."b" = $5 limit 1 + 5 -- $6',
      [0, 1, 2, 1, 2, "end"],
      "ssssss",
    ],
  );
});

Deno.test("sql: templates nest as deep as they like", () => {
  let condition = sql`true`;
  for (let depth = 0; depth < 20_000; depth++) {
    condition = sql`${condition} or a = ${depth}`;
  }
  const { text, values } = condition.render(adaptation);
  assertEquals(values.length, 20_000);
  assert(text.startsWith("true or a = $1 or") && text.endsWith("= $20000"));
});

Deno.test("QC-15 bindQuery: parameters beside a template are a TypeError", () => {
  for (const query of [sql`select 1`, sql`select ${1}`]) {
    for (const params of [[], [1], {}]) {
      assertThrows(
        () => bindQuery(query, params, adaptation),
        TypeError,
        "interpolate",
      );
    }
  }
  assertEquals(bind(sql`select ${1}`).values, [1]);
});

Deno.test("QC-17 sql.literal: goes into the text, the rest is counted through", () => {
  assertEquals(
    render(sql`select ${"a"}, ${sql.literal("it's")}, ${"b"}`),
    ["select $1, 'it''s', $2", ["a", "b"], "ss"],
  );
  assertEquals(render(sql`${sql.literal(null)} ${1}`)[0], "NULL $1");
});

Deno.test("QC-19 sql: every part is its own marker, and a misplaced one is an error", () => {
  const asName = (value: unknown) => value as string;
  for (
    const part of [
      new SQL("x"),
      new Identifier("x"),
      new Literal("x"),
      new Composed([]),
      new Placeholder(),
      sql`x`,
      sql.text("x"),
    ]
  ) {
    assertThrows(
      () => sql.id(asName(part)),
      ProgrammingError,
      "interpolate the SQL object itself",
    );
  }
  assertThrows(() => sql.id(asName(10)), TypeError);
  for (
    const part of [
      new Placeholder(),
      new Placeholder("secret"),
      new SQL("{}").format(new Placeholder()),
      new Composed([new Composed([new Placeholder("x", "b")])]),
      sql`${new Placeholder()}`,
    ]
  ) {
    assertThrows(
      () => sql`select ${part}`.render(adaptation),
      ProgrammingError,
      "interpolate the value itself",
    );
  }
});

Deno.test("QC-21 sql.join: templates make one template, a mixture is a TypeError", () => {
  const list = sql.join([sql`a = ${1}`, sql`b = ${2}`], sql` and `);
  assert(list instanceof SqlTemplate);
  assertEquals(render(list), ["a = $1 and b = $2", [1, 2], "ss"]);
  assertEquals(
    render(sql`select ${0} where ${list}`)[0],
    "select $1 where a = $2 and b = $3",
  );
  for (
    const items of [
      [sql`a`, sql.id("b")],
      [new SQL("a"), sql`b`],
      [new Literal(1), sql`b`],
      [sql`a`, new Composed([])],
      [sql`a`, new Placeholder()],
      [1, DEFAULT],
    ]
  ) assertThrows(() => sql.join(items), TypeError, "mixes");
});

Deno.test("sql.join: lists of values, of names, of anything iterable", () => {
  assertEquals(render(sql`x in (${sql.join([1, "a", null])})`), [
    "x in ($1, $2, $3)",
    [1, "a", null],
    "sss",
  ]);
  const names = ["a", "b"].map((name) => sql.id(name));
  assertEquals(
    render(sql`select ${sql.join(names)}, ${1}`)[0],
    'select "a", "b", $1',
  );
  assertEquals(render(sql.join([])), ["", [], ""]);
  assertEquals(render(sql.join(new Set([1, 2]), new SQL(" | ")))[0], "$1 | $2");
  assertEquals(
    render(sql.join([sql.bin(1), 2, sql`now()`])),
    ["$1, $2, now()", [1, 2], "bs"],
  );
  assertEquals(
    render(sql.join([1, 2], sql` + ${"x"} + `)),
    ["$1 + $2 + $3", [1, "x", 2], "sss"],
  );
  assertThrows(
    () => sql.join([1], ", " as unknown as SQL),
    TypeError,
    "separator",
  );
  const many = sql.join(Array(65_536).fill(0));
  assertThrows(() => many.render(adaptation), ProgrammingError, "65535");
});

Deno.test("sql.text, sql.bin: force the format", () => {
  assertEquals(
    render(sql`select ${sql.text(1)}, ${sql.bin("a")}, ${2}, ${sql.bin(null)}`),
    ["select $1, $2, $3, $4", [1, "a", 2, null], "tbsb"],
  );
});

Deno.test("sql: undefined is refused with its number (D-10)", () => {
  for (
    const template of [
      sql`select ${1}, ${undefined}`,
      sql`select ${sql.id("t")}, ${1}, ${undefined}`,
      sql`select ${1}, ${sql`${undefined}`}`,
      sql`select ${1}, ${sql.text(undefined)}`,
      sql.join([1, undefined]),
    ]
  ) {
    assertThrows(
      () => template.render(adaptation),
      ProgrammingError,
      "parameter 2 is undefined",
    );
  }
  assertThrows(
    () => sql`${sql.literal(undefined)}`.render(adaptation),
    ProgrammingError,
    "undefined",
  );
});

Deno.test("F10 sql: only what our classes made is SQL", () => {
  class Lookalike {
    render() {
      return { text: "1;drop", values: [], formats: [] };
    }
    asString() {
      return "1;drop";
    }
  }
  const values: unknown[] = [
    JSON.parse('{"a":{"raw":"1;drop"}}'),
    JSON.parse('{"raw":["1;drop"],"strings":["1;drop"],"values":[]}'),
    JSON.parse('{"__proto__":{"raw":"x"},"text":"1;drop","asString":1}'),
    ["1;drop"],
    Object.assign(["1;drop"], { raw: ["1;drop"] }),
    { then: () => "1;drop" },
    { toString: () => "1;drop" },
    { [Symbol.toPrimitive]: () => "1;drop" },
    new Lookalike(),
    { constructor: SQL, text: "1;drop" },
    () => "1;drop",
  ];
  for (const value of values) {
    assertFalse(isSql(value));
    const [text, bound] = render(sql`select ${value}`);
    assertEquals(text, "select $1");
    assertStrictEquals(bound[0], value);
    // A query that is no query is refused, not taken apart.
    assertThrows(() => bind(value as Query), TypeError, "must be a string");
    // The tag is not a function to call with data.
    assertThrows(
      () => sql(value as TemplateStringsArray),
      TypeError,
      "sql is a tag",
    );
  }
  // Nor does an object that imitates a class by its prototype get through.
  const forged = Object.create(SQL.prototype);
  assertThrows(() => sql`select ${forged}`.render(adaptation), TypeError);
  for (const part of [sql`x`, sql.id("x"), NULL, new Placeholder()]) {
    assert(isSql(part));
  }
  assertFalse(isSql(sql.text(1)));
});

Deno.test("sql: cannot be called", () => {
  for (const value of ["select 1", ["select 1"], null, undefined, 1]) {
    assertThrows(
      () => sql(value as unknown as TemplateStringsArray),
      TypeError,
      "sql is a tag",
    );
  }
  let strings: TemplateStringsArray | undefined;
  ((it: TemplateStringsArray, ..._: unknown[]) => strings = it)`a${1}b`;
  assertEquals(render(sql(strings as TemplateStringsArray, 1))[0], "a$1b");
  assertThrows(() => sql(strings as TemplateStringsArray), TypeError);
});

Deno.test("sql: a backslash that JavaScript would take away is an error", () => {
  for (
    const template of [
      sql`select 'a' ~ '\d+'`,
      sql`select ${1}, '\.'`,
      sql`\s${sql.id("x")}`,
      sql`\unicode`,
      sql`\1`,
      sql`${sql`\w`}`,
    ]
  ) {
    assertThrows(
      () => template.render(adaptation),
      ProgrammingError,
      "double every backslash",
    );
    assertThrows(() => template.asString(), ProgrammingError);
  }
  assertEquals(
    render(sql`'\\d' '\n' '\u00e9' '\`' '\${x}' '\\\\x' '\x41'`)[0],
    "'\\d' '\n' 'é' '`' '${x}' '\\\\x' 'A'",
  );
});

Deno.test("sql: strings, comments and dollar quotes in the text stay as they are", () => {
  for (
    const template of [
      sql`select $tag$ $1 %s ? $tag$, ${1}`,
      sql`select E'\\' $1', ${1} -- %s`,
      sql`select "a$1", /* ${1} */ 2`,
    ]
  ) {
    const [text, values] = render(template);
    assertEquals(values, [1]);
    const source = template.inspect();
    assertStringIncludes(
      source,
      JSON.stringify(text.replace(/\$1(?=( -- %s| \*\/)?[^$]*$)/, "${…}")),
    );
  }
});

Deno.test("sql: what follows a parameter does not change its number", () => {
  assertEquals(render(sql`select ${1}0`)[0], "select $1 0");
  assertEquals(render(sql`${sql.raw("")}${1}${sql.raw("")}0`)[0], "$1 0");
  assertEquals(render(sql`${1}${sql.literal(5)}`)[0], "$1 5");
  assertEquals(render(sql`${sql`${1}`}${sql`2`}`)[0], "$1 2");
  assertEquals(render(sql`select -${-1} -- ${"\n"}`)[0], "select -$1 -- $2");
});

Deno.test("SqlTemplate.asString: literals in the place of parameters", () => {
  const query = sql`select ${"it's"}, ${sql.id("a")}, ${sql.text(1)}, ${null}`;
  assertEquals(query.asString(), `select 'it''s', "a", 1, NULL`);
  assertEquals(new TextDecoder().decode(query.asBytes()), query.asString());
  assertEquals(
    sql`-${-1}`.asString().replace(/ +/, " "),
    "- -1",
    "a sign must not make a comment",
  );
  assertThrows(() => sql`${"\0"}`.asString(), DataError);
  assertEquals(
    Deno.inspect(sql`select ${"secret"}`),
    'SqlTemplate("select ${…}")',
  );
  assertFalse(`${sql.text("secret")}`.includes("secret"));
});

Deno.test("QC-13 bindQuery: without params nothing is converted, with [] it is", () => {
  for (const text of ["%%", "select '%s' %d $1 % %("]) {
    assertEquals(bind(text), { text, values: null, formats: [] });
  }
  assertEquals(bind("%%", []), { text: "%", values: [], formats: [] });
  assertThrows(() => bind("%d", []), ProgrammingError);
  assertEquals(bind(new SQL("%%")).text, "%%");
  assertEquals(bind(new SQL("%%"), []).text, "%");
});

Deno.test("QC-05 bindQuery: %t gives the value as text", () => {
  const { text, values, formats } = bind("select %t", [1]);
  assertEquals([text, values, formats], ["select $1", [1], ["t"]]);
  const out = new WriteBuffer();
  const dumper = adaptation.getDumper(values?.[0], formats[0] ?? "s");
  assertEquals(dumper.format, 0);
  dumper.dump(values?.[0], out);
  assertEquals(new TextDecoder().decode(out.written()), "1");
});

Deno.test("bindQuery: composed statements take parameters", () => {
  const query = new SQL("select {} as {}, %s, {}").format(
    "100%",
    new Identifier("%s"),
    new Placeholder(),
  );
  assertEquals(bind(query, [1, 2]), {
    text: `select '100%' as "%s", $1, $2`,
    values: [1, 2],
    formats: ["s", "s"],
  });
  assertEquals(
    bindRawQuery(query, [1], adaptation).text,
    `select '100%' as "%s", %s, $1`,
  );
});

Deno.test("bindQuery: a template without values is like text without parameters", () => {
  assertEquals(bind(sql`select 1; select ${sql.id("a")}`), {
    text: 'select 1; select "a"',
    values: null,
    formats: [],
  });
});

Deno.test("bindRawQuery: $n and %s stay, only arrays, no templates", () => {
  assertEquals(bindRawQuery("select $1, $2::text", [1, null], adaptation), {
    text: "select $1, $2::text",
    values: [1, null],
    formats: ["s", "s"],
  });
  assertEquals(bindRawQuery("%s %%", [], adaptation).text, "%s %%");
  assertEquals(bindRawQuery("%s $1", undefined, adaptation).values, null);
  assertThrows(() => bindRawQuery("$1", { a: 1 }, adaptation), TypeError);
  assertThrows(
    () => bindRawQuery(sql`select ${1}`, undefined, adaptation),
    NotSupportedError,
  );
});
