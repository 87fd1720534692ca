/**
 * The example of a type of one's own, `examples/pgvector.ts`.
 *
 * The extension is not part of PostgreSQL and may not be there. A stand-in then
 * shows that what comes back is what was sent, and the bytes that are sent are
 * compared with those that pgvector's own vector_send() writes.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, DataError, sql } from "../../mod.ts";
import { registerVector, Vector } from "../../examples/pgvector.ts";
import { quiet } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import { withExtensionType } from "../support/extension_type.ts";
import {
  assertExact,
  assertTrips,
  type TupleConnection,
  unseen,
} from "../support/values.ts";

/** What `select vector_send('[1,0.5,-2]'::vector)` gives with pgvector. */
const SENT = "000300003f8000003f000000c0000000";

async function withVector(
  check: (conn: TupleConnection, real: boolean) => Promise<void>,
): Promise<void> {
  await withExtensionType("vector", "vector", async ({ conn, real }) => {
    await registerVector(conn);
    await check(conn, real);
  });
}

Deno.test(
  "P10 examples/pgvector.ts: vectors come back in both formats, alone and in arrays",
  quiet(() =>
    withVector(async (conn, real) => {
      const vectors = [
        new Vector([1, 0.5, -2]),
        new Vector([0.1, -0, 1e-45, 3.4e38]),
        new Vector(Array.from({ length: 1536 }, (_, at) => Math.sin(at))),
      ];
      if (real) {
        for (const vector of vectors) {
          await assertTrips(conn, vector, "vector");
        }
      }
      for (const vector of vectors) {
        for (const sent of [vector, [vector, null], [[vector], [vector]]]) {
          for (const [kind, binary] of [["t", false], ["b", true]] as const) {
            // The stand-in gives back in one format only what came in it.
            const cursor = conn.execute(unseen(`select %${kind}`), [sent], {
              binary,
            });
            assertExact(await cursor.fetchOne(), [sent]);
          }
        }
      }
      const sent = await conn.execute(
        "select encode(vector_send(%s), 'hex'), encode(vector_send(%b), 'hex')",
        [vectors[0], vectors[0]],
      ).fetchOne();
      assertEquals(sent, [SENT, SENT]);
      const text = await conn.execute("select vector_out(%t)::text", [
        vectors[0],
      ]).fetchOne();
      assertEquals(text, ["[1,0.5,-2]"]);
      const literal = sql.literal(vectors[0]);
      assertEquals(
        await conn.execute(
          sql`select ${literal}::text, pg_typeof(${literal})::text`,
        ).fetchOne(),
        ["[1,0.5,-2]", "vector"],
      );
    })
  ),
);

Deno.test(
  "examples/pgvector.ts: vectors go through COPY in both formats",
  quiet(() =>
    withVector(async (conn) => {
      const rows = [
        [1, new Vector([1, 2, 3])],
        [2, null],
        [3, new Vector([-0.5])],
      ];
      await conn.execute("create temp table item (id int4, place vector)");
      for (const format of ["text", "binary"] as const) {
        await conn.execute("truncate item");
        await conn.cursor().copy(
          `copy item from stdin (format ${format})`,
          async (copy) => {
            copy.setTypes(["int4", "vector"]);
            for (const row of rows) await copy.writeRow(row);
          },
        );
        const stored = await conn.execute(
          "select * from item order by id",
          undefined,
          { binary: format === "binary" },
        ).fetchAll();
        assertExact(stored, rows);
      }
    })
  ),
);

Deno.test(
  "examples/pgvector.ts: a malformed vector is a DataError that names its column",
  quiet(() =>
    withVector(async (conn, real) => {
      if (real) return; // It writes none; the stand-in writes whatever it got.
      for (
        const [expression, binary] of [
          ["''::vector", false],
          ["'[]'::vector", false],
          ["'[1,]'::vector", false],
          ["'[1,x]'::vector", false],
          ["'[1 ,2]'::vector", false],
          ["'[0x1]'::vector", false],
          ["'[1-1]'::vector", false],
          ["'[1,2'::vector", false],
          ["'\\x'::bytea::vector", true],
          ["'\\x0001'::bytea::vector", true],
          ["'\\x00010000'::bytea::vector", true],
          ["'\\x000100003f800000ff'::bytea::vector", true],
          ["'\\xffff00003f800000'::bytea::vector", true],
        ] as const
      ) {
        const error = await assertRejects(
          () =>
            conn.execute(`select ${expression} as place`, undefined, {
              binary,
            }),
          DataError,
          "Cannot read a vector",
        );
        assert(error.message.includes('"place"'), error.message);
        assert(error.connectionUsable);
      }
    })
  ),
);

Deno.test(
  "examples/pgvector.ts: says so where the database does not have the type",
  quiet(async () => {
    await using conn = await connect(testDsn(), { autocommit: true });
    await assertRejects(
      () => registerVector(conn, "no_such_schema.vector"),
      Error,
      "create extension vector",
    );
    assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
  }),
);
