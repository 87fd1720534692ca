/**
 * Arrays on a real server, by every kind of placeholder and in both formats of
 * results.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DataError,
  type PgError,
  ProgrammingError,
  sql,
  TypeInfo,
} from "../../mod.ts";
import { Int2, Int4, Int8 } from "../../types/mod.ts";
import { quiet } from "../connection/support.ts";
import {
  assertExact,
  assertLoads,
  assertTrips,
  KINDS,
  open,
  type TupleConnection,
} from "../support/values.ts";

/** What the server understands by an array, as its own text of it. */
async function assertUnderstood(
  conn: TupleConnection,
  value: unknown,
  type: string,
  text: string,
): Promise<void> {
  for (const kind of KINDS) {
    const row = await conn.execute(`select %${kind}::${type}::text`, [value])
      .fetchOne();
    assertEquals(row, [text], `%${kind}::${type}`);
  }
  const literal = sql.literal(value);
  const row = await conn.execute(
    sql`select ${literal}::${sql.raw(type)}::text`,
  ).fetchOne();
  assertEquals(row, [text], `literal ::${type}`);
}

Deno.test(
  "AR-01 an empty array: '{}' of any type in all formats, and [] back",
  quiet(async () => {
    await using conn = await open();
    for (const type of ["text[]", "int4[]", "box[]", "timestamptz[]"]) {
      for (const value of [[], [[]], [[], []], [[[], []], [[], []]]]) {
        await assertUnderstood(conn, value, type, "{}");
        await assertTrips(conn, value, type, { expected: [], arrays: false });
      }
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select array_ndims(%${kind}::${type}), %${kind}::${type} is null`,
          [[], []],
        ).fetchOne();
        assertEquals(row, [null, false]);
      }
    }
    for (const type of ["text[]", "int4[]"]) {
      for (const kind of KINDS) {
        assertEquals(
          await conn.execute(`select %${kind}::${type} = '{}'`, [[]])
            .fetchOne(),
          [true],
        );
      }
    }
    await assertLoads(conn, "'{}'::text[]", []);
    await assertLoads(conn, "'{}'::int4[]", []);
  }),
);

/** Texts that have to be quoted somewhere, and some that need not. */
const EDGES = [
  "",
  " ",
  "\t\n\v\f\r",
  " a",
  "a ",
  "a b",
  "null",
  "NULL",
  "NuLl",
  "nullx",
  "{",
  "}",
  "{}",
  '"',
  '""',
  "\\",
  "\\\\",
  '\\"',
  "\\x41",
  ",",
  ";",
  "'",
  "''",
  "[0:1]={a}",
  "=",
  "(",
  "é€猫🐈",
  "\u0085\u00a0\u2028\u3000\ufeff",
  "a\u00a0",
];

Deno.test(
  "AR-03 arrays of strings: every quoting edge comes back, flat and nested",
  quiet(async () => {
    await using conn = await open();
    const lists: unknown[][] = [
      ["foo", "null", "", "baz"],
      [["fo{o", "ba}r"], ['ba"z', "qu'x"], ["qu ux", " "]],
      EDGES,
      [EDGES, EDGES.toReversed()],
      ["null", null, "NULL"],
      Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1)),
    ];
    for (const list of lists) {
      await assertTrips(conn, list, "text[]", { arrays: false });
    }
    await assertUnderstood(
      conn,
      ["foo", "null", "", "baz"],
      "text[]",
      '{foo,"null","",baz}',
    );
    await assertUnderstood(
      conn,
      [["fo{o", "ba}r"], ['ba"z', "qu'x"], ["qu ux", " "]],
      "text[]",
      '{{"fo{o","ba}r"},{"ba\\"z",qu\'x},{"qu ux"," "}}',
    );
    // One by one, so that none hides behind its neighbours.
    for (const text of EDGES) {
      await assertTrips(conn, [text], "text[]", { arrays: false });
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select (%${kind}::text[])[1] = %${kind}::text`,
          [[text], text],
        ).fetchOne();
        assertEquals(row, [true], JSON.stringify(text));
      }
    }
  }),
);

Deno.test(
  "AR-05 nested integers, and NULL among them",
  quiet(async () => {
    await using conn = await open();
    for (const type of ["int2[]", "int4[]"]) {
      await assertTrips(conn, [[10, 20], [30, 40]], type, { arrays: false });
      await assertTrips(conn, [10, null, 30], type, { arrays: false });
    }
    await assertUnderstood(
      conn,
      [[10, 20], [30, 40]],
      "int4[]",
      "{{10,20},{30,40}}",
    );
    await assertUnderstood(conn, [10, null, 30], "int4[]", "{10,NULL,30}");
    const deep = [[[[[[1, null], [2, 3]]]]]];
    await assertTrips(conn, deep, "int4[]", { arrays: false });
    assertEquals(
      await conn.execute("select array_dims(%s)", [deep]).fetchOne(),
      ["[1:1][1:1][1:1][1:1][1:2][1:2]"],
    );
  }),
);

Deno.test(
  "AR-07 arrays of integers have the type of the widest element",
  quiet(async () => {
    await using conn = await open();
    const big = 2n ** 63n;
    const cases: [unknown[], string][] = [
      [[1, 2], "smallint[]"],
      [[1, 32768], "integer[]"],
      [[-32769, 1], "integer[]"],
      [[1, 2147483648], "bigint[]"],
      [[2147483648, 1], "bigint[]"],
      [[[1, 40000], [2147483648, 2]], "bigint[]"],
      [[null, 1, null, 2147483648, 40000], "bigint[]"],
      [[1, 2n], "bigint[]"],
      [[1, big], "numeric[]"],
      [[big, 1], "numeric[]"],
      [[1, 2147483648, -big - 1n], "numeric[]"],
      [[[1], [big]], "numeric[]"],
      [[1, 1.5], "double precision[]"],
      [[2147483648, 0.5, 1n], "double precision[]"],
      [[new Int2(1), new Int2(2)], "smallint[]"],
      [[new Int4(1), null], "integer[]"],
      [[new Int8(1)], "bigint[]"],
    ];
    for (const [value, type] of cases) {
      const elements = value.flat().filter((each) => each !== null);
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select pg_typeof(%${kind})::text, array(select unnest(%${kind})::text)`,
          [value, value.flat()],
        ).fetchOne();
        assertEquals(row?.[0], type, `%${kind} ${value}`);
        assertEquals(
          (row?.[1] as unknown[]).filter((each) => each !== null),
          elements.map(String),
        );
      }
    }
  }),
);

Deno.test(
  "AR-09 bounds are read over, in both formats and at any depth",
  quiet(async () => {
    await using conn = await open();
    await assertLoads(conn, "'[0:1]={a,b}'::text[]", ["a", "b"]);
    await assertLoads(
      conn,
      "'[1:1][-2:-1][3:5]={{{1,2,3},{4,5,6}}}'::int4[]",
      [[[1, 2, 3], [4, 5, 6]]],
    );
    await assertLoads(
      conn,
      "'[1:1][-2:-1][3:5]={{{1,2,3},{4,5,6}}}'::text[]",
      [[["1", "2", "3"], ["4", "5", "6"]]],
    );
    await assertLoads(
      conn,
      `'[-2147483648:-2147483647]={"[0:1]={a}",NULL}'::text[]`,
      ["[0:1]={a}", null],
    );
    await assertLoads(conn, "'[2147483645:2147483646]={1,2}'::int8[]", [
      1n,
      2n,
    ]);
    await assertLoads(
      conn,
      "(select array_agg(n) from generate_series(1, 3) n)[2:]",
      [2, 3],
    );
  }),
);

Deno.test(
  "AR-13 an empty array takes the type of its place: any(), and a column of floats",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(
      "create temp table place (id int4 primary key, name text, many float8[])",
    );
    await conn.execute("insert into place values (1, 'a', null)");
    for (const kind of KINDS) {
      for (const column of ["id", "name"]) {
        for (let run = 0; run < 3; run++) {
          const query = `select * from place where ${column} = any(%${kind})`;
          assertEquals(await conn.execute(query, [[]]).fetchAll(), []);
        }
      }
      await conn.execute("delete from place where id > 1");
      const found = await conn.execute(
        `select id from place where id = any(%${kind})`,
        [[1, 2]],
      ).fetchAll();
      assertEquals(found, [[1]]);
      await conn.cursor().executeMany(
        `insert into place (id, many) values (%${kind}, %${kind})`,
        [[2, [1.0]], [3, []], [4, [1.5, null]], [5, []]],
      );
      const stored = await conn.execute(
        "select many, many::text from place where id > 1 order by id",
      ).fetchAll();
      assertExact(stored, [
        [[1], "{1}"],
        [[], "{}"],
        [[1.5, null], "{1.5,NULL}"],
        [[], "{}"],
      ]);
    }
  }),
);

Deno.test(
  "arrays: as the fields of a COPY whose types are set, in both formats",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(
      "create temp table lists (n int4, a text[], b float4[])",
    );
    const vector = Float32Array.of(0.1, -0, NaN, Infinity);
    for (const format of ["text", "binary"]) {
      await conn.execute("truncate lists");
      const types = ["int4", "text[]", "float4[]"];
      await conn.cursor().copy(
        `copy lists from stdin (format ${format})`,
        async (copy) => {
          copy.setTypes(types);
          await copy.writeRow([1, EDGES, vector]);
          await copy.writeRow([2, [null], Float64Array.of(1, 2)]);
          await copy.writeRow([3, [], new Float32Array()]);
          // What is no array is refused, and not taken apart.
          for (const wrong of ["abc", 5, { length: 1 }, new Uint8Array(1)]) {
            const error = await assertRejects(
              () => copy.writeRow([4, wrong, null]),
              DataError,
              "field 2",
            );
            assert(error.message.includes("neither an array"), error.message);
          }
          await copy.writeRow([5, null, Int32Array.of(7)]);
        },
      );
      assertExact(
        await conn.execute("select * from lists order by n").fetchAll(),
        [
          [1, EDGES, [...vector]],
          [2, [null], [1, 2]],
          [3, [], []],
          [5, null, [7]],
        ],
        format,
      );
    }
  }),
);

Deno.test(
  "arrays: what cannot be one is refused before anything is sent",
  quiet(async () => {
    await using conn = await open();
    const refused: [unknown, new () => PgError, string][] = [
      [[[1], [2, 3]], DataError, "ragged"],
      [[1, [2]], DataError, "ragged"],
      [[1, "a"], DataError, "different types"],
      [[true, 1], DataError, "different types"],
      [[[[[[[[1]]]]]]], DataError, "more than 6 deep"],
      [[1, undefined], ProgrammingError, "[1] is undefined"],
      [["\0"], DataError, "NUL"],
      [["\ud800"], DataError, "surrogate"],
    ];
    for (const [value, type, part] of refused) {
      for (const kind of KINDS) {
        const error = await assertRejects(
          () => conn.execute(`select %${kind}`, [value]),
          type,
          part,
        );
        assert(error.connectionUsable);
      }
    }
    assertEquals(await conn.execute("select 1").fetchOne(), [1]);
  }),
);

Deno.test(
  "arrays of a domain and of a type with another delimiter come as lists once known",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create domain pg_temp.spot as box");
    (await TypeInfo.fetch(conn, "spot"))!.register(conn);
    for (const binary of [false, true]) {
      const rows = conn.execute(
        "select '{(1,1),(0,0);(2,2),(1,1)}'::box[]::spot[]",
        undefined,
        { binary },
      );
      const [list] = (await rows.fetchOne())!;
      assertEquals((list as unknown[]).map(String), [
        "(1,1),(0,0)",
        "(2,2),(1,1)",
      ]);
    }
  }),
);
