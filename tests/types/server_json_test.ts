/**
 * json and jsonb on a real server.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { adapters, Json, Jsonb, sql } from "../../mod.ts";
import { parseJson, setJsonLoads } from "../../types/mod.ts";
import { quiet } from "../connection/support.ts";
import { assertLoads, KINDS, open } from "../support/values.ts";

Deno.test(
  "JS-02 Json and Jsonb say their types",
  quiet(async () => {
    await using conn = await open();
    for (const content of [[], {}, "x", 1, true, null, [1, [2]]]) {
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, %${kind}, %${kind}`,
          [
            new Json(content),
            new Jsonb(content),
            new Json(content),
            new Jsonb(content),
          ],
        ).fetchOne();
        assertEquals(row, ["json", "jsonb", content, content]);
      }
      const [json, jsonb] = [
        sql.literal(new Json(content)),
        sql.literal(new Jsonb(content)),
      ];
      assertEquals(
        await conn.execute(
          sql`select pg_typeof(${json})::text, pg_typeof(${jsonb})::text`,
        ).fetchOne(),
        ["json", "jsonb"],
      );
    }
    const arrays = await conn.execute(
      "select pg_typeof(%s)::text, pg_typeof(%s)::text",
      [[new Json([]), null], [new Jsonb([])]],
    ).fetchOne();
    assertEquals(arrays, ["json[]", "jsonb[]"]);
  }),
);

Deno.test(
  "JS-04 setJsonLoads: globally for connections to come, and for one cursor alone",
  quiet(async () => {
    await using before = await open();
    const query =
      `select '{"a": 1}'::json, '{"a": 1}'::jsonb, array['1'::jsonb]`;
    const mark = (who: string) => (text: string) => [who, parseJson(text)];
    const marked = (who: string) => [
      [who, { a: 1 }],
      [who, { a: 1 }],
      [[who, 1]],
    ];
    const plain = [{ a: 1 }, { a: 1 }, [1]];
    try {
      setJsonLoads(mark("global"), adapters);
      await using conn = await open();
      const cursor = conn.cursor();
      setJsonLoads(mark("cursor"), cursor);
      const other = conn.cursor();
      for (const binary of [false, true]) {
        const options = { binary };
        const read = async (from: typeof cursor) =>
          await from.execute(query, undefined, options).fetchOne();
        assertEquals(await read(cursor), marked("cursor"));
        assertEquals(await read(other), marked("global"));
        assertEquals(await read(conn.cursor()), marked("global"));
        assertEquals(
          await conn.execute(query, undefined, options).fetchOne(),
          marked("global"),
        );
        // A connection that was there before keeps what it had.
        assertEquals(
          await before.execute(query, undefined, options).fetchOne(),
          plain,
        );
      }
    } finally {
      setJsonLoads(parseJson, adapters);
    }
    await using after = await open();
    assertEquals(await after.execute(query).fetchOne(), plain);
  }),
);

Deno.test(
  "JS-06 large integers: rounded by default, exact by a loads function that sees their source",
  quiet(async () => {
    await using conn = await open();
    const text = '{"n": 9007199254740993, "m": -1, "half": 0.5}';
    const load = async () => {
      for (const type of ["json", "jsonb"]) {
        const rows = await conn.execute(`select '${text}'::${type}`).fetchOne();
        assertEquals(rows, [{ n: 9007199254740992, m: -1, half: 0.5 }]);
      }
    };
    await load();
    setJsonLoads(
      (json) =>
        parseJson(
          json,
          (_key, value, { source }) =>
            typeof value === "number" && !Number.isSafeInteger(value) &&
              source !== undefined && /^-?\d+$/.test(source)
              ? BigInt(source)
              : value,
        ),
      conn,
    );
    for (const type of ["json", "jsonb"]) {
      await assertLoads(conn, `'${text}'::${type}`, {
        n: 9007199254740993n,
        m: -1,
        half: 0.5,
      });
    }
  }),
);

Deno.test(
  "JS-08 COPY out with jsonb among the types: parsed, in both formats",
  quiet(async () => {
    await using conn = await open();
    for (const format of ["text", "binary"]) {
      const rows: unknown[] = [];
      await conn.cursor().copy(
        `copy (values ('{"a": [1, null, "\\\\x\\t"]}'::jsonb, '[{"b": 2}]'::json), ('null', null)) to stdout (format ${format})`,
        async (copy) => {
          copy.setTypes(["jsonb", "json"]);
          for await (const row of copy.rows()) rows.push(row);
        },
      );
      assertEquals(rows, [
        [{ a: [1, null, "\\x\t"] }, [{ b: 2 }]],
        [null, null],
      ]);
      assert(rows.length === 2);
    }
  }),
);
