/**
 * Composite types on a real server: rows without a name, registered types, and
 * everything that has to be quoted in them.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CompositeInfo,
  DataError,
  ProgrammingError,
  registerComposite,
  sql,
  Tuple,
  TypeInfo,
} from "../../mod.ts";
import { Identifier } from "../../sql/mod.ts";
import { quiet } from "../connection/support.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  KINDS,
  open,
  type TupleConnection,
} from "../support/values.ts";

async function fetchType(
  conn: TupleConnection,
  name: string | Identifier,
): Promise<CompositeInfo> {
  const info = await CompositeInfo.fetch(conn, name);
  assert(info !== null);
  return info;
}

/** What the values below need to be written as. */
const TEXTS = [
  "",
  " ",
  "a b",
  "null",
  "NULL",
  '"',
  '""',
  "\\",
  '\\"',
  ",",
  "(",
  ")",
  "(,)",
  "{}",
  "'",
  "\n\t\r\v\f",
  "é€猫🐈",
  "\u0085\u00a0\u2028",
  '("a,""b\\\\",)',
];

Deno.test(
  "CT-02 row: row() is empty, row(null) is too in text and has a null in binary",
  quiet(async () => {
    await using conn = await open();
    await assertLoads(conn, "row()", []);
    const load = async (expression: string, binary: boolean) => {
      const rows = conn.execute(`select ${expression}`, undefined, { binary });
      return (await rows.fetchOne())?.[0];
    };
    assertEquals(await load("row(null)", false), []);
    assertEquals(await load("row(null)", true), [null]);
    assertEquals(await load("row(null, null)", false), [null, null]);
    assertEquals(await load("row(1, 'a')", false), ["1", "a"]);
    assertEquals(await load("row(1, 'a'::text)", true), [1, "a"]);
    assertEquals(await load("array[row(1, null)]", false), [["1", null]]);
    assertEquals(await load("array[row(1, null)]", true), [[1, null]]);
    assertEquals(
      await load("row(row(1, 'x y'), array[true])", false),
      ['(1,"x y")', "{t}"],
    );
    assertEquals(
      await load("row(row(1, 'x y'::text), array[true])", true),
      [[1, "x y"], [true]],
    );
    const first = await conn.execute("select row(1)").fetchOne();
    const second = await conn.execute("select row(1)").fetchOne();
    assertEquals([first, second], [[["1"]], [["1"]]]);
  }),
);

Deno.test(
  "CT-02 P10 row: every text comes through, in both formats",
  quiet(async () => {
    await using conn = await open();
    for (const binary of [false, true]) {
      const rows = conn.execute(
        "select row(%s::text, null, %s::text)",
        [TEXTS.join("|"), ""],
        { binary },
      );
      assertEquals((await rows.fetchOne())?.[0], [TEXTS.join("|"), null, ""]);
      for (const text of TEXTS) {
        const row = conn.execute(
          "select row(%s::text, %s::text)",
          [text, text],
          {
            binary,
          },
        );
        assertEquals((await row.fetchOne())?.[0], [text, text]);
      }
    }
  }),
);

Deno.test(
  "CT-04 P10 registerComposite: objects by field, in arrays, nested, in every way",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(`
      create type pg_temp.inner_type as (foo text, bar int8, baz float8);
      create type pg_temp.outer_type as (one inner_type, many inner_type[], at timestamptz)`);
    const inner = await fetchType(conn, "inner_type");
    registerComposite(inner, conn);
    const outer = await fetchType(conn, "outer_type");
    registerComposite(outer, conn);
    const value = { foo: "hello", bar: 10n, baz: 20 };
    await assertLoads(conn, "('hello', 10, 20)::inner_type", value);
    await assertLoads(
      conn,
      "array[('hello', 10, 20), null]::inner_type[]",
      [value, null],
    );
    const empty = { foo: null, bar: null, baz: null };
    await assertLoads(conn, "(null, null, null)::inner_type", empty);
    await assertLoads(conn, "null::inner_type", null);
    const sent = Tuple.of(inner, value);
    for (const kind of KINDS) {
      const [row] = await conn.execute(
        `select %${kind}, pg_typeof(%${kind})::text`,
        [
          sent,
          [sent],
        ],
      ).fetchAll();
      assertEquals(row, [value, "inner_type[]"]);
    }
    await assertTrips(conn, sent, "inner_type", { expected: value });
    for (const text of TEXTS) {
      const one = { foo: text, bar: null, baz: -0 };
      const tuple = Tuple.of(inner, one);
      await assertTrips(
        conn,
        Tuple.of(outer, { one: tuple, many: [tuple, null], at: null }),
        "outer_type",
        {
          // An array of rows has a binary form, and what the field has is known.
          expected: { one, many: [one, null], at: null },
          arrays: text === '("a,""b\\\\",)',
        },
      );
    }
  }),
);

Deno.test(
  "Tuple: without a type the server finds it, with one it must fit",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create type pg_temp.pair as (a int4, b text)");
    const info = await fetchType(conn, "pair");
    registerComposite(info, conn);
    const value = { a: 1, b: "x,y" };
    await assertTrips(conn, new Tuple([1, "x,y"]), "pair", {
      expected: value,
      arrays: false,
    });
    assertThrows(() => new Tuple([1], info), ProgrammingError, "2 fields");
    assertThrows(
      () => Tuple.of(info, { a: 1 }),
      ProgrammingError,
      'the field "b" is missing',
    );
    const inherited = Object.create({ b: "x" });
    inherited.a = 1;
    assertThrows(() => Tuple.of(info, inherited), ProgrammingError, '"b"');
    for (const kind of KINDS) {
      await assertRejects(
        () =>
          conn.execute(`select %${kind}::pair`, [new Tuple([1, undefined])]),
        ProgrammingError,
        "position 1 is undefined",
      );
    }
    const values: unknown[] = [1];
    const loop = new Tuple(values);
    (loop.values as unknown[]).push(loop);
    await assertRejects(
      () => conn.execute("select %s::text", [loop]),
      DataError,
      "contains itself",
    );
    await assertRejects(
      () => conn.execute("select %b", [new Tuple([true, "x"], info)]),
      DataError,
      'the field "a" is of another type',
    );
    assertEquals(await conn.execute("select 1").fetchAll(), [[1]]);
    assertEquals([...new Tuple([1, 2])], [1, 2]);
  }),
);

Deno.test(
  "CT-06 registerComposite: factory, makeObject and makeSequence are used; a class that is not iterable is warned of",
  quiet(async () => {
    const warnings: string[] = [];
    await using conn = await open({ onWarning: (text) => warnings.push(text) });
    await conn.execute("create type pg_temp.pair as (a int4, b text)");
    const info = await fetchType(conn, "pair");

    class Pair {
      readonly a: number | null;
      readonly b: string | null;
      constructor(a: number | null, b: string | null) {
        this.a = a;
        this.b = b;
      }
    }
    class IterablePair extends Pair implements Iterable<unknown> {
      *[Symbol.iterator]() {
        yield this.a;
        yield this.b;
      }
    }

    assertEquals(info.jsType, null);
    // A function.
    registerComposite(info, conn, {
      factory: (a: number, b: string) => `${a}/${b}`,
    });
    await assertLoads(conn, "(1, 'x')::pair", "1/x");
    await assertLoads(conn, "array[(1, 'x')]::pair[]", ["1/x"]);

    // An iterable class.
    registerComposite(info, conn, { factory: IterablePair });
    assertEquals(info.jsType, IterablePair);
    const [[value] = []] = await conn.execute("select (1, 'x')::pair")
      .fetchAll();
    assert(value instanceof IterablePair);
    assertEquals([...value], [1, "x"]);
    for (const kind of KINDS) {
      const [row] = await conn.execute(
        `select (%${kind}).a, (%${kind}::pair[])[1] = %${kind}`,
        [value, [value], value],
      ).fetchAll();
      assertEquals(row, [1, true]);
    }

    // Both functions, with the type.
    const calls: unknown[] = [];
    registerComposite(info, conn, {
      factory: Pair,
      makeObject: (values, type) => {
        calls.push(type);
        return new Pair(Number(values[0]) + 1, String(values[1]));
      },
      makeSequence: (pair, type) => {
        calls.push(type);
        return [pair.a, pair.b];
      },
    });
    const [[made] = []] = await conn.execute("select (1, 'x')::pair")
      .fetchAll();
    assert(made instanceof Pair);
    assertEquals([made.a, made.b], [2, "x"]);
    assertEquals(
      await conn.execute("select (%s).a", [made]).fetchOne(),
      [2],
    );
    assertEquals(
      await conn.execute(sql`select (${sql.literal(made)}).b`).fetchOne(),
      ["x"],
    );
    assert(calls.length >= 3);
    assert(calls.every((type) => type === info));
    assertEquals(warnings, []);

    // Neither iterable nor taken apart.
    registerComposite(info, conn, { factory: Pair });
    assertEquals(warnings.length, 1);
    assert(warnings[0]!.includes("Pair"), warnings[0]);
    const [[other] = []] = await conn.execute("select (1, 'x')::pair")
      .fetchAll();
    assert(other instanceof Pair);
    for (const kind of KINDS) {
      await assertRejects(
        () => conn.execute(`select %${kind}`, [other]),
        TypeError,
        "makeSequence",
      );
    }
    assertEquals(await conn.execute("select 1").fetchAll(), [[1]]);

    // As many values as fields.
    registerComposite(info, conn, {
      factory: Pair,
      makeSequence: (pair) => [pair.a],
    });
    await assertRejects(
      () => conn.execute("select %s", [other]),
      ProgrammingError,
      "2 fields",
    );
    assertThrows(
      () => registerComposite(info, conn, { makeSequence: () => [] }),
      ProgrammingError,
      "factory",
    );
  }),
);

Deno.test(
  "CT-08 registerComposite: names of any kind, in literals and through a table",
  quiet(async () => {
    await using conn = await open();
    for (
      const name of ["a-b", "0", "order", "€", "'", '"', "\\", "__proto__"]
    ) {
      const type = new Identifier(name);
      const field = new Identifier(`${name}`);
      await conn.execute(
        sql`create type pg_temp.${type} as (${field} text, plain int4)`,
      );
      const info = await fetchType(conn, type);
      registerComposite(info, conn);
      const [[value] = []] = await conn.execute(
        sql`select ('x', 1)::${type}`,
      ).fetchAll() as [Record<string, unknown>][];
      assertEquals(Object.entries(value!), [[name, "x"], ["plain", 1]]);
      assertEquals(Object.getPrototypeOf(value), Object.prototype);
      const sent = Tuple.of(info, value!);
      await conn.execute(
        sql`create temp table kept (v ${type}, many ${type}[])`,
      );
      await conn.execute("insert into kept values (%s, %s)", [sent, [sent]]);
      await conn.execute("insert into kept values (%b, %b)", [sent, [sent]]);
      await conn.execute(
        sql`insert into kept values (${sql.literal(sent)}, ${
          sql.literal([sent])
        })`,
      );
      const rows = await conn.execute("select v, many from kept").fetchAll();
      assertExact(rows, Array(3).fill([value, [value]]));
      await conn.execute("drop table kept");
    }
  }),
);

Deno.test("CT-10 registerComposite: null is a TypeError that says composite", () => {
  assertThrows(() => registerComposite(null), TypeError, "composite");
});

Deno.test(
  "registerComposite: types of one field and of none",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(
      "create type pg_temp.one as (a text); create type pg_temp.nothing as ()",
    );
    for (const name of ["one", "nothing"]) {
      registerComposite(await fetchType(conn, name), conn);
    }
    await assertLoads(conn, "row(null)::one", { a: null });
    await assertLoads(conn, "row('')::one", { a: "" });
    await assertLoads(conn, "row()::nothing", {});
  }),
);

Deno.test(
  "registerComposite: a field whose formats differ is asked for as text",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create type pg_temp.priced as (a money, r int4range)");
    registerComposite(await fetchType(conn, "priced"), conn);
    const query = "select ('1.5', '[1,3)')::priced";
    const expected = [[{ a: "$1.50", r: "[1,3)" }]];
    for (let i = 0; i < 3; i++) {
      const [[value] = []] = await conn.execute(query).fetchAll();
      assertEquals((value as { a: unknown }).a, expected[0]![0]!.a);
    }
  }),
);

Deno.test(
  "registerComposite: a type that has been altered since is a DataError that names the column",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create type pg_temp.pair as (a int4, b text)");
    const before = await fetchType(conn, "pair");
    registerComposite(before, conn);
    await conn.execute("alter type pg_temp.pair add attribute c int4");
    for (const binary of [false, true]) {
      await assertRejects(
        () =>
          conn.execute("select (1, 'x', 2)::pair as p", undefined, { binary })
            .fetchAll(),
        DataError,
        'column "p"',
      );
    }
    registerComposite(await fetchType(conn, "pair"), conn);
    await assertLoads(conn, "(1, 'x', 2)::pair", { a: 1, b: "x", c: 2 });
  }),
);

Deno.test(
  "registerComposite: encodings in which a byte of a character looks like a quote",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create type pg_temp.pair as (a text, b text)");
    registerComposite(await fetchType(conn, "pair"), conn);
    for (const encoding of ["SJIS", "GBK", "BIG5"]) {
      await conn.execute(`set client_encoding to ${encoding}`);
      for (const binary of [false, true]) {
        // In SJIS the second byte of these is a backslash.
        const text = encoding === "SJIS" ? "ソ表,十" : "中,\\";
        const rows = conn.execute("select (%s, %s)::pair", [text, '"'], {
          binary,
        });
        assertEquals(await rows.fetchOne(), [{ a: text, b: '"' }]);
      }
    }
  }),
);

Deno.test(
  "registerComposite: on a cursor it concerns that cursor only",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create type pg_temp.pair as (a int4, b text)");
    const info = await fetchType(conn, "pair");
    assertEquals(info instanceof TypeInfo, true);
    const cursor = conn.cursor();
    registerComposite(info, cursor);
    const query = "select (1, 'x')::pair";
    assertEquals(await cursor.execute(query).fetchOne(), [{ a: 1, b: "x" }]);
    assertEquals(await conn.execute(query).fetchOne(), ["(1,x)"]);
  }),
);
