import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  copyRecords,
  DataError,
  insertMany,
  ProgrammingError,
  RawCursor,
  tupleRow,
} from "../../mod.ts";
import { UniqueViolation } from "../../errors/mod.ts";
import { Identifier } from "../../sql/mod.ts";
import {
  assertError,
  assertUsable,
  open,
  quiet,
  rejection,
} from "./support.ts";

Deno.test(
  "copyRecords: arrays and objects, from iterables and async iterables, binary and text",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(`
      create domain pg_temp.small as int check (value < 1000);
      create temp table t (id int, big int8, tags text[], doc jsonb, at timestamptz,
        n pg_temp.small, double int generated always as (id * 2) stored)
    `);
    const at = Temporal.Instant.from("2024-05-06T07:08:09Z");
    const row = (
      id: number,
    ) => [id, BigInt(id), ["a", null], { a: [id] }, at, 5];
    const names = ["id", "big", "tags", "doc", "at", "n"];
    const named = (id: number) =>
      Object.fromEntries(row(id).map((value, i) => [names[i], value]));
    async function* slowly<T>(values: Iterable<T>): AsyncGenerator<T> {
      for (const value of values) yield await Promise.resolve(value);
    }
    for (const binary of [undefined, true, false]) {
      for (
        const records of [
          [row(1), row(2)],
          [named(1), named(2)],
          slowly([row(1), row(2)]),
          slowly([named(1), named(2)]),
          new Set([named(1), row(2)]),
        ]
      ) {
        assertEquals(await copyRecords(conn, "t", records, { binary }), 2);
        const stored = await conn.execute("select * from t order by id")
          .fetchAll();
        assertEquals(stored, [
          { ...named(1), double: 2 },
          { ...named(2), double: 4 },
        ]);
        await conn.execute("truncate t");
      }
    }
    assertEquals(await copyRecords(conn, "t", []), 0);
    const some = await copyRecords(
      conn,
      "t",
      [["x", 7]].map(([, id]) => [id]),
      {
        columns: ["id"],
      },
    );
    assertEquals(some, 1);
  }),
);

Deno.test(
  "copyRecords, insertMany: names are quoted, whatever is in them, and any kind of connection will do",
  quiet(async () => {
    const evil = `t"; drop table x; -- %s`;
    await using conn = await open({
      rowFactory: tupleRow as never,
      cursorFactory: RawCursor,
    });
    const quoted = `"${evil.replaceAll('"', '""')}"`;
    await conn.execute(
      `create temp table ${quoted} (${quoted} int primary key)`,
    );
    assertEquals(await copyRecords(conn, evil, [{ [evil]: 1 }]), 1);
    assertEquals(await copyRecords(conn, ["pg_temp", evil], [[2]]), 1);
    assertEquals(
      await copyRecords(conn, new Identifier("pg_temp", evil), [[3]]),
      1,
    );
    const done = await insertMany(conn, evil, [[3], [4]], {
      onConflict: { columns: [evil], update: [evil] },
      returning: [evil],
    });
    assertEquals(done, { rowCount: 2, rows: [{ [evil]: 3 }, { [evil]: 4 }] });
  }),
);

Deno.test(
  "copyRecords: what goes wrong stores nothing, and the connection is usable",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (id int primary key, name text)");
    const reason = new RangeError("source failed");
    function* failing(): Generator<unknown[]> {
      yield [1, "a"];
      throw reason;
    }
    assertStrictEquals(
      await rejection(copyRecords(conn, "t", failing())),
      reason,
    );
    const fails: [
      unknown[],
      new (...args: never[]) => ProgrammingError | DataError,
    ][] = [
      [[{ id: 1, nam: "a" }], ProgrammingError],
      [[{ id: 1, name: "a" }, { id: 2 }], ProgrammingError],
      [[[1, "a"], [2]], DataError],
      [[[1, "a"], [1.5, "b"]], DataError],
    ];
    for (const [records, wanted] of fails) {
      const error = await rejection(
        copyRecords(conn, "t", records as unknown[][]),
      );
      assertError(error, { class: wanted });
      await assertUsable(conn);
    }
    const twice = await rejection(copyRecords(conn, "t", [[1, "a"], [1, "b"]]));
    assertError(twice, { class: UniqueViolation });
    const missing = await rejection(copyRecords(conn, "no such table", [[1]]));
    assertEquals((missing as ProgrammingError).sqlstate, "42P01");
    const count = await conn.execute("select count(*)::int as n from t")
      .fetchOne();
    assertEquals(count, { n: 0 });
  }),
);

Deno.test(
  "insertMany: more values than parameters are allowed, by COPY or by arrays",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(
      "create temp table t (id int primary key, name text, tags int[], doc json)",
    );
    const rows = Array.from(
      { length: 40_000 },
      (_, id) => [id, `n${id}`, [id, 1], [id]],
    );
    assertEquals(await insertMany(conn, "t", rows), {
      rowCount: 40_000,
      rows: [],
    });
    const again = await insertMany(
      conn,
      "t",
      [...rows, [-1, null, null, null]],
      {
        onConflict: "nothing",
        returning: ["id"],
      },
    );
    assertEquals(again, { rowCount: 1, rows: [{ id: -1 }] });
    const updated = await insertMany(
      conn,
      "t",
      rows.map(([id]) => ({ id, name: "new" })),
      {
        onConflict: { columns: ["id"], update: ["name"] },
      },
    );
    assertEquals(updated.rowCount, 40_000);
    const row = await conn.execute(
      "select count(*)::int as n, min(name) as name from t where name = 'new' and tags[1] = id and doc::jsonb = jsonb_build_array(id)",
    ).fetchOne();
    assertEquals(row, { n: 40_000, name: "new" });
    const error = await rejection(
      insertMany(conn, "t", [[1, "a", null, undefined]], { returning: ["id"] }),
    );
    assert(
      error instanceof ProgrammingError && error.message.includes('"doc"'),
    );
  }),
);
