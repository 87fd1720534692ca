/**
 * hstore on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, Jsonb, registerHstore, TypeInfo } from "../../mod.ts";
import { quiet } from "../connection/support.ts";
import {
  assertLoads,
  assertTrips,
  KINDS,
  open,
  type TupleConnection,
} from "../support/values.ts";

/** Runs a test inside a transaction in which the extension is there. */
async function withHstore(
  test: (conn: TupleConnection, info: TypeInfo) => Promise<void>,
): Promise<void> {
  await using conn = await open();
  await conn.execute("begin");
  // Never committed: other tests use the same database.
  await conn.execute("create schema hst; create extension hstore schema hst");
  await conn.execute("set local search_path to public, hst");
  const info = await TypeInfo.fetch(conn, "hstore");
  assert(info !== null);
  await test(conn, info);
  await conn.execute("rollback");
}

/** Every printable ASCII character, and some more. */
const PRINTABLE = Array.from(
  { length: 95 },
  (_, i) => String.fromCharCode(32 + i),
);

Deno.test(
  "CT-22 P10 registerHstore: round trips, alone and in arrays",
  quiet(() =>
    withHstore(async (conn, info) => {
      registerHstore(info, conn);
      const values: Record<string, string | null>[] = [
        {},
        { a: "b", c: null },
        Object.fromEntries(PRINTABLE.map((key) => [key, key])),
        { [PRINTABLE.join("")]: PRINTABLE.join(""), "": "" },
        { "é€猫🐈": "\n\t", NULL: "null", constructor: "x", toString: "y" },
      ];
      for (const value of values) await assertTrips(conn, value, "hstore");
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, pg_typeof(%${kind})::text`,
          [{ a: "1" }, [{ a: "1" }], new Map()],
        ).fetchOne();
        assertEquals(row, ["hstore", "hstore[]", "hstore"]);
      }
    })
  ),
);

Deno.test(
  "CT-18 hstore as the server writes it: empty, spaces, NULL, quotes, backslashes, non-ASCII",
  quiet(() =>
    withHstore(async (conn, info) => {
      registerHstore(info, conn);
      await assertLoads(conn, "''::hstore", {});
      await assertLoads(conn, `'"a"=>"1"'::hstore`, { a: "1" });
      await assertLoads(conn, `'a=>1,  b => NULL'::hstore`, {
        a: "1",
        b: null,
      });
      await assertLoads(conn, `'a=>"NULL"'::hstore`, { a: "NULL" });
      await assertLoads(conn, "hstore('a\"b\\', '\\\"')", { 'a"b\\': '\\"' });
      await assertLoads(conn, "hstore('é€', '猫')", { "é€": "猫" });
    })
  ),
);

Deno.test(
  "registerHstore: other encodings in text; in binary, where the server sends wrong lengths, a DataError",
  quiet(() =>
    withHstore(async (conn, info) => {
      registerHstore(info, conn);
      await conn.execute("set local client_encoding to SJIS");
      const query = "select hstore('ソ', '\"表\\')";
      for (let i = 0; i < 3; i++) {
        const row = await conn.execute(query).fetchOne();
        assertEquals(row, [{ "ソ": '"表\\' }]);
      }
      for (const kind of KINDS) {
        const sent = conn.execute(`select (%${kind})->'ソ'`, [{ "ソ": "表" }]);
        assertEquals(await sent.fetchOne(), ["表"]);
      }
      const ascii = "select 'a=>1'::hstore";
      const rows = conn.execute(ascii, undefined, { binary: true });
      assertEquals(await rows.fetchOne(), [{ a: "1" }]);
      await assertRejects(
        () => conn.execute(query, undefined, { binary: true }).fetchOne(),
        DataError,
        "ask for text",
      );
    })
  ),
);

Deno.test(
  "registerHstore: loaded objects have no prototype, so that every key is safe",
  quiet(() =>
    withHstore(async (conn, info) => {
      registerHstore(info, conn);
      for (const binary of [false, true]) {
        const rows = conn.execute(
          "select hstore('__proto__', 'x')",
          undefined,
          { binary },
        );
        const [value] = (await rows.fetchOne()) as [Record<string, unknown>];
        assertEquals(Object.getPrototypeOf(value), null);
        assertEquals(Object.entries(value), [["__proto__", "x"]]);
        assertEquals(
          await conn.execute("select (%s)->'__proto__'", [value]).fetchOne(),
          ["x"],
        );
      }
    })
  ),
);

Deno.test(
  "registerHstore: maps out on request, and maps in",
  quiet(() =>
    withHstore(async (conn, info) => {
      const map = new Map([["a", "1"], ["b", null], ["__proto__", "x"]]);
      registerHstore(info, conn, { as: "map" });
      for (const binary of [false, true]) {
        for (const kind of KINDS) {
          const [row] = await conn.execute(
            `select %${kind}, %${kind}`,
            [map, [map]],
            { binary },
          ).fetchAll();
          for (const value of [row?.[0], (row?.[1] as unknown[])[0]]) {
            assert(value instanceof Map);
            assertEquals([...value].sort(), [...map].sort());
          }
        }
      }
    })
  ),
);

Deno.test(
  "registerHstore: what is no string is refused, JSON goes by its wrapper",
  quiet(() =>
    withHstore(async (conn, info) => {
      registerHstore(info, conn);
      const bad: object[] = [
        { a: 1 },
        { a: undefined },
        { a: {} },
        new Map([[1, "x"]]),
        { a: "\0" },
        { "\ud800": "x" },
      ];
      for (const value of bad) {
        for (const kind of KINDS) {
          await assertRejects(
            () => conn.execute(`select %${kind}`, [value]),
            DataError,
          );
        }
      }
      assertEquals(
        await conn.execute("select %s", [new Jsonb({ a: 1 })]).fetchOne(),
        [{ a: 1 }],
      );
    })
  ),
);
