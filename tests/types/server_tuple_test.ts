/**
 * `Tuple` with all kinds of values in it, nested, with and without a type, on a
 * real server.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  CompositeInfo,
  Int4Range,
  Interval,
  Jsonb,
  Range,
  registerComposite,
  sql,
  TimeTz,
  Tuple,
} from "../../mod.ts";
import { Circle, Int2Vector, Point } from "../../types/mod.ts";
import { quiet } from "../connection/support.ts";
import { assertExact, everyWay, KINDS, open } from "../support/values.ts";

Deno.test(
  "Tuple: rows in rows and arrays of rows, with a value of every helper in them",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(`
      create type pg_temp.spot as (at point, round circle, "the key" int2vector);
      create type pg_temp.visit as (
        first spot, others spot[], days int4range, span interval, hour timetz,
        note jsonb, weights float4[], amount numeric, raw bytea, nothing text)`);
    const spot = await CompositeInfo.fetch(conn, "spot");
    assert(spot !== null);
    registerComposite(spot, conn);
    const visit = await CompositeInfo.fetch(conn, "visit");
    assert(visit !== null);
    registerComposite(visit, conn);

    const round = new Circle(new Point(0, -0), Infinity);
    const days = new Int4Range(1, null);
    const span = new Interval(1, -2, 3_000_001n);
    const hour = new TimeTz(Temporal.PlainTime.from("12:34:56.789"), -3600);
    const raw = Uint8Array.of(0, 92, 34);
    const note = { a: ['"', "\\", null] };
    const row = (make: (values: unknown[], info: CompositeInfo) => Tuple) => {
      const one = make(
        [new Point(1, NaN), round, new Int2Vector([1, 2])],
        spot,
      );
      const other = make([null, null, new Int2Vector([3])], spot);
      return make([
        one,
        [other, null, one],
        days,
        span,
        hour,
        new Jsonb(note),
        Float32Array.of(0.5, -0),
        "1.50",
        raw,
        null,
      ], visit);
    };
    const one = { at: new Point(1, NaN), round, "the key": [1, 2] };
    const other = { at: null, round: null, "the key": [3] };
    const expected = {
      first: one,
      others: [other, null, one],
      days: new Range(1, null),
      span,
      hour,
      note,
      weights: [0.5, -0],
      amount: "1.50",
      raw,
      nothing: null,
    };

    const anonymous = row((values) => new Tuple(values));
    const typed = row((values, info) => new Tuple(values, info));
    for (const sent of [anonymous, typed]) {
      for (const kind of KINDS) {
        // A numeric field takes no string in binary, so a typed row goes as text.
        if (kind === "b" && sent === typed) continue;
        for (
          const [query, params, wanted] of [
            [`select %${kind}::visit`, [sent], expected],
            [`select %${kind}::visit[]`, [[sent, null]], [expected, null]],
          ] as const
        ) {
          const values = await everyWay(conn, query, params);
          for (const [way, value] of values) {
            assertExact(value, wanted, `${query} ${way}`);
          }
        }
      }
      const literal = sql.literal(sent);
      assertExact(
        await conn.execute(sql`select ${literal}::visit`).fetchOne(),
        [expected],
      );
    }
  }),
);

Deno.test(
  "Tuple: without a type and without a cast it is a row for any number of fields",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table line (a int4, b text)");
    const rows = [new Tuple([1, 'x"y']), new Tuple([2, null])];
    for (const kind of KINDS) {
      await conn.execute("truncate line");
      await conn.execute(
        `insert into line select (r).* from unnest(%${kind}::line[]) as r`,
        [rows],
      );
      assertEquals(
        await conn.execute("select * from line order by a").fetchAll(),
        [[1, 'x"y'], [2, null]],
      );
      const nested = new Tuple([1, new Tuple(["a b", new Tuple([null])]), [2]]);
      assertEquals(
        await conn.execute(`select %${kind}::text`, [nested]).fetchOne(),
        ['(1,"(""a b"",""()"")",{2})'],
      );
    }
    // What the server makes of rows comes as arrays, at any depth.
    const record = conn.execute(
      "select row(1, row('a b'::text, row(point '(1,2)', array[row(2)])))",
      undefined,
      { binary: true },
    );
    assertEquals(await record.fetchOne(), [
      [1, ["a b", [new Point(1, 2), [[2]]]]],
    ]);
  }),
);
