/**
 * The example for PostGIS, `examples/postgis.ts`.
 *
 * The extension is not part of PostgreSQL and may not be there. A stand-in then
 * shows that what comes back is what was sent. What PostGIS itself writes stands
 * below, as its geometry_send() gave it.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  DataError,
  PgError,
  ProgrammingError,
  sql,
} from "../../mod.ts";
import {
  type Coordinates,
  Geometry,
  type GeometryType,
  registerGeometry,
} from "../../examples/postgis.ts";
import { quiet } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import { withExtensionType } from "../support/extension_type.ts";
import {
  assertExact,
  assertTrips,
  type TupleConnection,
  unseen,
} from "../support/values.ts";

/** What PostGIS 3.3 writes, in the byte order of most machines, and what it means. */
const WRITTEN: readonly [string, Geometry][] = [
  [
    "0101000020e6100000000000000000f03f0000000000000040",
    new Geometry("Point", [1, 2], 4326),
  ],
  [
    "0106000080010000000103000080010000000400000000000000000000000000000000000000" +
    "000000000000f03f000000000000f03f0000000000000000000000000000f03f000000000000" +
    "f03f000000000000f03f000000000000f03f00000000000000000000000000000000000000" +
    "000000f03f",
    new Geometry("MultiPolygon", [[[
      [0, 0, 1],
      [1, 0, 1],
      [1, 1, 1],
      [0, 0, 1],
    ]]]),
  ],
  ["0101000000000000000000f87f000000000000f87f", new Geometry("Point", [])],
  ["010300000000000000", new Geometry("Polygon", [])],
  [
    "0104000000020000000101000000000000000000f03f00000000000000400101000000" +
    "00000000000008400000000000001040",
    new Geometry("MultiPoint", [[1, 2], [3, 4]]),
  ],
];

const SHAPES: readonly Geometry[] = [
  ...WRITTEN.map(([, geometry]) => geometry),
  new Geometry("Point", [-0.1, 1e-300, 5], 3857),
  new Geometry("LineString", [[0, 0], [1, 1.5]]),
  new Geometry("LineString", []),
  new Geometry("Polygon", [
    [[0, 0], [9, 0], [9, 9], [0, 0]],
    [[1, 1], [2, 1], [2, 2], [1, 1]],
  ], 4326),
  new Geometry("MultiLineString", [[[0, 0, 0], [1, 1, 1]], [[2, 2, 2], [
    3,
    3,
    3,
  ]]]),
  new Geometry("MultiPolygon", []),
];

async function withGeometry(
  check: (conn: TupleConnection, real: boolean) => Promise<void>,
): Promise<void> {
  await withExtensionType("postgis", "geometry", async ({ conn, real }) => {
    await registerGeometry(conn);
    await check(conn, real);
  });
}

Deno.test(
  "CT-26 examples/postgis.ts: a geometry without registration cannot be adapted",
  quiet(async () => {
    await using conn = await connect(testDsn(), { autocommit: true });
    const geometry = new Geometry("Point", [1, 2]);
    for (const kind of ["s", "t", "b"]) {
      for (const value of [geometry, [geometry]]) {
        const error = await assertRejects(
          () => conn.execute(`select %${kind}`, [value]),
          ProgrammingError,
          "Cannot adapt a value of the class Geometry",
        );
        assert(error instanceof PgError && error.connectionUsable);
      }
    }
    await assertRejects(
      () => registerGeometry(conn, "no_such_schema.geometry"),
      Error,
      "create extension postgis",
    );
    assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
  }),
);

Deno.test(
  "examples/postgis.ts: geometries come back in both formats, alone and in arrays",
  quiet(() =>
    withGeometry(async (conn, real) => {
      for (const shape of SHAPES) {
        if (real) await assertTrips(conn, shape, "geometry", { arrays: false });
        // The type has a colon between the elements of an array, unlike the stand-in.
        for (const sent of [shape, [shape, null]]) {
          for (const [kind, binary] of [["t", false], ["b", true]] as const) {
            const cursor = conn.execute(unseen(`select %${kind}`), [sent], {
              binary,
            });
            assertEquals(await cursor.fetchOne(), [sent]);
          }
        }
      }
      const literal = sql.literal(SHAPES[0]);
      assertEquals(
        await conn.execute(sql`select pg_typeof(${literal})::text`).fetchOne(),
        ["geometry"],
      );
      if (!real) return;
      const written = await conn.execute(
        "select st_astext(%s), st_srid(%s), st_astext(%s)",
        [SHAPES[0], SHAPES[0], SHAPES[1]],
      ).fetchOne();
      assertEquals(written, [
        "POINT(1 2)",
        4326,
        "MULTIPOLYGON Z (((0 0 1,1 0 1,1 1 1,0 0 1)))",
      ]);
    })
  ),
);

Deno.test(
  "examples/postgis.ts: what PostGIS writes is read, in either byte order",
  quiet(() =>
    withGeometry(async (conn) => {
      for (const [hex, geometry] of WRITTEN) {
        const literals = [hex, hex.toUpperCase(), String(geometry)];
        for (const digits of literals) {
          const text = await conn.execute(
            unseen(`select '${digits}'::geometry`),
            undefined,
            { binary: false },
          ).fetchOne();
          assertExact(text, [geometry]);
          const bytes = await conn.execute(
            unseen(`select '\\x${digits}'::bytea::geometry`),
            undefined,
            { binary: true },
          ).fetchOne();
          assertExact(bytes, [geometry]);
        }
      }
    })
  ),
);

Deno.test(
  "examples/postgis.ts: what is malformed is a DataError that names its column",
  quiet(() =>
    withGeometry(async (conn, real) => {
      if (real) return; // It writes nothing malformed; the stand-in does.
      const [good = ""] = WRITTEN[1] ?? [];
      const hostile = [
        "",
        ...[2, 10, 18, 30, 100, good.length - 2].map((end) =>
          good.slice(0, end)
        ),
        `${good}00`,
        `02${good.slice(2)}`,
        `01${"ff".repeat(4)}${good.slice(10)}`,
        `0108000080${good.slice(10)}`, // a circular string
        `0107000080${good.slice(10)}`, // a collection
        good.replace("0103000080", "0102000080"),
        good.replace("0103000080", "0106000080"),
        `0102000000${"ff".repeat(4)}`,
        `0106000000${"ffffff7f"}`,
      ];
      for (const digits of hostile) {
        for (
          const [expression, binary] of [
            [`'${digits}'::geometry`, false],
            [`'\\x${digits}'::bytea::geometry`, true],
          ] as const
        ) {
          const error = await assertRejects(
            () =>
              conn.execute(`select ${expression} as area`, undefined, {
                binary,
              }),
            DataError,
            "Cannot read a geometry",
          );
          assert(error.message.includes('"area"'), error.message);
          assert(error.connectionUsable);
        }
      }
      await assertRejects(
        () =>
          conn.execute("select 'x1'::geometry", undefined, { binary: false }),
        DataError,
      );
    })
  ),
);

Deno.test("examples/postgis.ts: coordinates that do not fit the type are a DataError", () => {
  const wrong: [GeometryType, unknown][] = [
    ["Point", [1]],
    ["Point", [1, 2, 3, 4]],
    ["Point", ["1", "2"]],
    ["Point", [[1, 2]]],
    ["LineString", [1, 2]],
    ["LineString", [[1, 2], [1, 2, 3]]],
    ["Polygon", [[1, 2]]],
    ["MultiPoint", [1, 2]],
    ["MultiPolygon", [[[1, 2]]]],
  ];
  for (const [type, coordinates] of wrong) {
    assertThrows(
      () => String(new Geometry(type, coordinates as Coordinates)),
      DataError,
      "Cannot send a geometry",
    );
  }
});
