/**
 * The example of a type of one's own, `examples/pgvector.ts`.
 *
 * The extension is not part of PostgreSQL and may not be there. A base type then
 * stands in for it, which the server keeps exactly as it came: what was sent as
 * text comes as that text, what was sent in binary as those bytes. The bytes are
 * checked against what pgvector's own vector_send() writes.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, DataError, sql } from "../../mod.ts";
import { registerVector, Vector } from "../../examples/pgvector.ts";
import { quiet } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import {
  assertExact,
  assertTrips,
  open,
  type TupleConnection,
  unseen,
} from "../support/values.ts";

/** What `select vector_send('[1,0.5,-2]'::vector)` gives with pgvector. */
const SENT = "000300003f8000003f000000c0000000";

/** The schema of the stand-in, before all others. */
const SCHEMA = "pgvector_stand_in";

async function hasExtension(conn: TupleConnection): Promise<boolean> {
  const rows = await conn.execute(
    "select 1 from pg_available_extensions where name = 'vector'",
  ).fetchAll();
  return rows.length > 0;
}

/** Makes sure of a type "vector", the real one where the server has it. */
async function createVector(conn: TupleConnection): Promise<boolean> {
  if (await hasExtension(conn)) {
    await conn.execute("create extension if not exists vector");
    return true;
  }
  await conn.execute(`
    begin;
    drop schema if exists ${SCHEMA} cascade;
    create schema ${SCHEMA};
    set search_path to ${SCHEMA};
    create type vector;
    create function vector_in(cstring) returns vector
      language internal immutable strict as 'textin';
    create function vector_out(vector) returns cstring
      language internal immutable strict as 'textout';
    create function vector_recv(internal) returns vector
      language internal immutable strict as 'bytearecv';
    create function vector_send(vector) returns bytea
      language internal immutable strict as 'byteasend';
    create type vector (input = vector_in, output = vector_out,
      receive = vector_recv, send = vector_send);
    create cast (bytea as vector) without function;
    commit`);
  return false;
}

async function withVector(
  check: (conn: TupleConnection, real: boolean) => Promise<void>,
): Promise<void> {
  await using conn = await open();
  const real = await createVector(conn);
  try {
    await registerVector(conn);
    await check(conn, real);
  } finally {
    if (!real) await conn.execute(`drop schema ${SCHEMA} cascade`);
  }
}

Deno.test(
  "examples/pgvector.ts: vectors come back in both formats, alone and in arrays",
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
