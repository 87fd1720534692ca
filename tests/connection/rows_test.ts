import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  argsRow,
  type BaseCursor,
  classRow,
  type Connection,
  dictRow,
  kwargsRow,
  type NamedTuple,
  namedTupleRow,
  ProgrammingError,
  type RowFactory,
  scalarRow,
  tupleRow,
} from "../../mod.ts";
import {
  assertError,
  assertUsable,
  open,
  quiet,
  rejection,
} from "./support.ts";

function one<R>(
  conn: Connection,
  rowFactory: RowFactory<R>,
  query: string,
): Promise<R | null> {
  return conn.cursor({ rowFactory }).execute(query).fetchOne();
}

Deno.test(
  "RW-02 dictRow: columns called __proto__ or constructor are own properties and change no prototype",
  quiet(async () => {
    await using conn = await open();
    const query =
      `select 1 as "__proto__", 2 as "constructor", 3 as "toString" from generate_series(1, 50)`;
    const factories = [
      dictRow,
      dictRow({ duplicates: "last" }),
      kwargsRow((row) => row),
    ];
    for (const rowFactory of factories) {
      const rows = await conn.cursor({ rowFactory }).execute(query).fetchAll();
      assertEquals(rows.length, 50);
      for (const row of rows) {
        assert(Object.getPrototypeOf(row) === Object.prototype);
        assertEquals(Object.entries(row), [
          ["__proto__", 1],
          ["constructor", 2],
          ["toString", 3],
        ]);
      }
    }
    assertEquals(Object.hasOwn({}, "__proto__"), false);
  }),
);

Deno.test(
  "RW-04 namedTupleRow: the same columns share a class, others have another",
  quiet(async () => {
    await using conn = await open();
    const row = async (query: string) =>
      (await one(conn, namedTupleRow, query))!;
    const classOf = (row: NamedTuple) => Object.getPrototypeOf(row);
    const first = await row("select 1 as id, 'Ada' as name");
    const again = await row("select 2 as id, 'Bob' as name");
    const other = await row("select 2 as id, 'Bob' as names");
    assert(classOf(first) === classOf(again));
    assert(classOf(first) !== classOf(other));
    assertEquals([first.id, first.name, first[0], first.length], [
      1,
      "Ada",
      1,
      2,
    ]);
    assertEquals([...again], [2, "Bob"]);
    assert(Array.isArray(first) && Object.isFrozen(first));
    assert(Object.getPrototypeOf(first.map((x) => x)) === Array.prototype);
    assertEquals(JSON.stringify(first), '[1,"Ada"]');
    assertThrows(() => Object.assign(first, { id: 3 }), TypeError);
    const odd = await row(
      `select 1 as "a-b", 2 as "1st", 3 as "_x", 4 as "?column?", 5 as length, 6 as "größe", 7 as constructor, 8 as map`,
    );
    assertEquals(
      [odd.a_b, odd.f1st, odd.f_x, odd.f_column_, odd.flength, odd.größe],
      [1, 2, 3, 4, 5, 6],
    );
    assertEquals([odd.fconstructor, odd.map, odd.length], [7, 8, 8]);
    const twice = one(conn, namedTupleRow, `select 1 as "a-b", 2 as a_b`);
    assertError(await rejection(twice), {
      class: ProgrammingError,
      says: ['"a_b"', "tupleRow"],
    });
    await assertUsable(conn);
  }),
);

class Person {
  name: string | undefined = undefined;
  age = 0;
}

Deno.test(
  "RW-06 classRow: a missing or an extra column is a TypeError at execute",
  quiet(async () => {
    await using conn = await open();
    const cursor = conn.cursor({ rowFactory: classRow(Person) });
    for (
      const query of [
        "select 36 as age",
        "select 'Ada' as name, 36 as age, 1 as more",
      ]
    ) {
      const error = await rejection(cursor.execute(query));
      assert(error instanceof TypeError, Deno.inspect(error));
      await assertUsable(conn);
    }
    await cursor.execute("select 'Ada' as name");
    const person = await cursor.fetchOne();
    assert(person instanceof Person);
    assertEquals({ ...person }, { name: "Ada", age: 0 });
  }),
);

Deno.test(
  "RW-08 scalarRow: the first column, and without columns a ProgrammingError",
  quiet(async () => {
    await using conn = await open();
    assertEquals(await one(conn, scalarRow, "select 1, 2"), 1);
    assertError(await rejection(one(conn, scalarRow, "select")), {
      class: ProgrammingError,
    });
    await assertUsable(conn);
  }),
);

Deno.test(
  "RW-10 G11 rows: without columns there is one row, empty, whatever it is made into",
  quiet(async () => {
    await using conn = await open();
    const all = async <R>(rowFactory: RowFactory<R>): Promise<R[]> => {
      const cursor: BaseCursor<R> = conn.cursor({ rowFactory });
      await cursor.execute("select");
      assertEquals([cursor.description, cursor.rowCount], [[], 1]);
      return await cursor.fetchAll();
    };
    assertEquals(await all(tupleRow), [[]]);
    assertEquals(await all(dictRow), [{}]);
    assertEquals((await all(namedTupleRow)).map((row) => [...row]), [[]]);
    assertEquals(await all(argsRow((...values) => values.length)), [0]);
    assertEquals(await all(kwargsRow((row) => row)), [{}]);
    class Defaults {
      n = 7;
    }
    const [row] = await all(classRow(Defaults));
    assert(row instanceof Defaults);
    assertEquals(row.n, 7);
    // An empty statement, 1,600 columns, names of 63 bytes.
    assertEquals((await conn.execute("")).description, null);
    const names = Array.from(
      { length: 1600 },
      (_, i) => `c${i}`.padEnd(63, "x"),
    );
    const wide = await conn.execute(
      `select ${names.map((name, i) => `${i} as "${name}"`).join()}`,
    ).fetchOne();
    assertEquals(wide, Object.fromEntries(names.map((name, i) => [name, i])));
  }),
);
