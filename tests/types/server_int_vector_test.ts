/**
 * int2vector and oidvector on a real server, and malformed ones.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { adapters, DataError } from "../../mod.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { Int2Vector, OID, OidVector } from "../../types/mod.ts";
import { Transformer } from "../../types/transformer.ts";
import { quiet } from "../connection/support.ts";
import { assertLoads, assertTrips, open, Random } from "../support/values.ts";

Deno.test(
  "P10 int2vector, oidvector: numbers come as arrays of numbers, in every way",
  quiet(async () => {
    await using conn = await open();
    const random = new Random();
    const small = () => random.between(-32768, 32767);
    const lists = [
      [0],
      [1, 2, 3],
      [-32768, 32767],
      random.list(90, small),
    ].filter((list) => list.length > 0);
    for (const list of lists) {
      await assertTrips(conn, new Int2Vector(list), "int2vector", {
        expected: list,
        arrays: false,
      });
      const oids = list.map((value) => (value * 131071) >>> 0);
      await assertTrips(conn, new OidVector(oids), "oidvector", {
        expected: oids,
        arrays: false,
      });
    }
    const vectors = [new Int2Vector([1, 2]), null, new Int2Vector([3])];
    await assertTrips(conn, vectors, "int2vector[]", {
      expected: [[1, 2], null, [3]],
      arrays: false,
    });
    await assertTrips(
      conn,
      [new OidVector([4294967295]), null],
      "oidvector[]",
      { expected: [[4294967295], null], arrays: false },
    );
    await assertLoads(conn, "' 1  2 '::int2vector", [1, 2]);
    await assertLoads(conn, "null::oidvector", null);
    for (const kind of ["s", "t", "b"]) {
      const row = await conn.execute(
        `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, (%${kind})[0], array_lower(%${kind}, 1)`,
        [
          new Int2Vector([1]),
          new OidVector([2]),
          new OidVector([7, 8]),
          new Int2Vector([9]),
        ],
      ).fetchOne();
      assertEquals(row, ["int2vector", "oidvector", 7, 0]);
    }
  }),
);

Deno.test(
  "int2vector, oidvector: what the catalogue has of them is read alike in both formats",
  quiet(async () => {
    await using conn = await open();
    for (
      const query of [
        "select indkey, indclass, indkey::text, indclass::text from pg_index order by indexrelid",
        "select array_agg(indkey), array_agg(indclass)::text[], null, null from pg_index where false",
        "select proargtypes, null, proargtypes::text, null from pg_proc order by oid",
      ]
    ) {
      const rows: unknown[][][] = [];
      for (const binary of [false, true]) {
        rows.push(
          await conn.execute(query, undefined, { binary }).fetchAll(),
        );
      }
      assertEquals(rows[0], rows[1]);
      for (const [one, other, ...texts] of rows[0]!) {
        for (const [index, vector] of [one, other].entries()) {
          if (vector === null) continue;
          assert(Array.isArray(vector));
          assertEquals(vector.join(" "), texts[index]);
        }
      }
    }
  }),
);

Deno.test(
  "int2vector, oidvector: an empty one goes out as text, which is all that the server takes",
  quiet(async () => {
    await using conn = await open();
    const pairs = [
      [new Int2Vector([]), "int2vector"],
      [new OidVector([]), "oidvector"],
    ] as const;
    for (const [empty, type] of pairs) {
      await assertTrips(conn, empty, type, {
        expected: [],
        arrays: false,
        kinds: ["s", "t"],
      });
      const error = await assertRejects(
        () => conn.execute("select %b", [empty]),
        DataError,
        "use %s",
      );
      assert(error.connectionUsable);
    }
  }),
);

Deno.test(
  "int2vector, oidvector: through COPY by their types, from plain arrays",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table keys (a int2vector, b oidvector)");
    const rows = [[[1, 2, 3], [4294967295]], [[-1], [0, 1]], [null, null]];
    for (const format of ["text", "binary"]) {
      await conn.execute("truncate keys");
      await conn.cursor().copy(
        `copy keys from stdin (format ${format})`,
        async (copy) => {
          copy.setTypes(["int2vector", "oidvector"]);
          for (const row of rows) await copy.writeRow(row);
          for (
            const wrong of ["1 2", 1, [1, "2"], [null], [1n], [40000], [0.5]]
          ) {
            await assertRejects(
              () => copy.writeRow([wrong, null]),
              DataError,
              "field 1",
            );
          }
        },
      );
      assertEquals(await conn.execute("select * from keys").fetchAll(), rows);
    }
  }),
);

Deno.test("Int2Vector, OidVector: hold what their elements hold", () => {
  for (const wrong of [[32768], [-32769], [1.5], [NaN], ["1"], [null], [1n]]) {
    assertThrows(() => new Int2Vector(wrong as number[]), DataError);
  }
  for (const wrong of [[-1], [4294967296]]) {
    assertThrows(() => new OidVector(wrong), DataError);
  }
  const vector = new Int2Vector(new Set([1, 2]));
  assertEquals([...vector], [1, 2]);
  assertEquals(String(vector), "1 2");
  assertEquals(vector.values, [1, 2]);
});

Deno.test("A12 A14 int2vector, oidvector: malformed values are DataErrors, in linear time", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  const load = (oid: number, bytes: Uint8Array, format: Format) => {
    const around = concat([Uint8Array.of(0x31), bytes, Uint8Array.of(0x31)]);
    return transformer.getLoader(oid, format)
      .load(new ReadBuffer(around), 1, around.length - 1);
  };
  const text = (value: string) => new TextEncoder().encode(value);
  for (const oid of [OID.INT2VECTOR, OID.OIDVECTOR]) {
    for (
      const hostile of [
        " ",
        "1 ",
        " 1",
        "1  2",
        "1,2",
        "1 x",
        "{1}",
        "1.5",
        "-",
        "1 9999999999999999",
        "1 ".repeat(200_000),
        " ".repeat(200_000),
      ]
    ) {
      assertThrows(() => load(oid, text(hostile), Format.TEXT), DataError);
    }
  }
  const hex = (digits: string) =>
    Uint8Array.fromHex(digits.replaceAll(" ", ""));
  const good =
    "00000001 00000000 00000015 00000002 00000000 00000002 0001 00000002 ffff";
  assertEquals(load(OID.INT2VECTOR, hex(good), Format.BINARY), [1, -1]);
  const bytes = hex(good);
  for (let end = 0; end < bytes.length; end++) {
    assertThrows(
      () => load(OID.INT2VECTOR, bytes.slice(0, end), Format.BINARY),
      DataError,
    );
  }
  const broken = [
    good + "00",
    good.replace("00000001 ", "00000002 "),
    good.replace("00000001 ", "7fffffff "),
    good.replace("00000001 ", "ffffffff "),
    good.replace("00000015", "00000017"),
    good.replace("00000015 00000002", "00000015 00000003"),
    good.replace("00000015 00000002", "00000015 7fffffff"),
    good.replace("00000015 00000002", "00000015 ffffffff"),
    good.replace("00000002 0001", "00000004 0001"),
    good.replace("00000002 0001", "ffffffff 0001"),
  ];
  for (const hostile of broken) {
    assertThrows(
      () => load(OID.INT2VECTOR, hex(hostile), Format.BINARY),
      DataError,
      "Cannot read a vector of integers",
    );
  }
  assertThrows(() => load(OID.OIDVECTOR, bytes, Format.BINARY), DataError);
});
