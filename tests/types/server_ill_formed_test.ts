/**
 * Text that is no text, a lone surrogate or a NUL, inside of every kind of
 * value and by every way out: it never reaches the server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CompositeInfo,
  DataError,
  Multirange,
  PgError,
  Range,
  RangeInfo,
  registerComposite,
  registerRange,
  sql,
  Tuple,
  Typed,
} from "../../mod.ts";
import { KINDS, open } from "../support/values.ts";

const ILL_FORMED = ["\ud83d", "a\udc00b", "\udc00\ud83d", "\0", "a\0b"];

Deno.test("F5 F7 lone surrogates and NUL: refused in parameters, SQL, COPY and names, in values of every kind", async () => {
  await using conn = await open();
  await conn.execute(`
    create type pg_temp.pair as (a text, b text[]);
    create type pg_temp.span as range (subtype = text, collation = "C");
    create temp table kept (v text, vs text[], p pair, r span)`);
  const info = await CompositeInfo.fetch(conn, "pair");
  assert(info !== null);
  registerComposite(info, conn);
  const Span = registerRange(await RangeInfo.fetch(conn, "span"), conn);
  for (const bad of ILL_FORMED) {
    const values: [unknown, string][] = [
      [bad, "text"],
      [[["fine", bad]], "text[]"],
      [new Tuple([bad, null], info), "pair"],
      [new Tuple(["fine", [bad]], info), "pair"],
      [new Range("", bad), "span"],
      [new Span(bad), "span"],
      [new Multirange([new Range("", bad)]), "text"],
      [new Typed(bad, "text"), "text"],
      [new Typed([bad], "name[]"), "name[]"],
    ];
    for (const [value, type] of values) {
      for (const kind of KINDS) {
        const error = await assertRejects(
          () => conn.execute(`select %${kind}::${type}`, [value]),
          DataError,
        );
        assertEquals([error.reachedServer, error.connectionUsable], [
          false,
          true,
        ]);
      }
      await assertRejects(
        async () => await conn.execute(sql`select ${sql.literal(value)}`),
        DataError,
      );
    }

    const rows: unknown[][] = [
      [bad, null, null, null],
      ["fine", [bad], null, null],
      ["fine", null, new Tuple([bad, null], info), null],
      ["fine", null, null, new Range(bad, null)],
    ];
    for (const format of ["text", "binary"]) {
      for (const row of rows) {
        await assertRejects(
          () =>
            conn.cursor().copy(
              `copy kept from stdin (format ${format})`,
              async (copy) => {
                copy.setTypes(["text", "text[]", "pair", "span"]);
                await copy.writeRow(row);
              },
            ),
          DataError,
        );
      }
    }
    await assertRejects(
      () =>
        conn.cursor().copy(
          "copy kept (v) from stdin",
          (copy) => copy.write(`${bad}\n`),
        ),
      DataError,
    );

    for (
      const statement of [
        () => conn.execute(`select '${bad}'`),
        () => conn.execute(`select 1 as "${bad}"`),
        async () => await conn.execute(sql`select 1 as ${sql.id(bad)}`),
        async () => await conn.execute(sql`select * from ${sql.id("x", bad)}`),
        () => conn.execute(bad, []),
      ]
    ) {
      const error = await assertRejects(async () => await statement(), PgError);
      assert(error.reachedServer !== true);
    }
  }
  assertEquals(await conn.execute("select count(*) from kept").fetchOne(), [
    0n,
  ]);
});
