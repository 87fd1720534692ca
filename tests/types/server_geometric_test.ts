/**
 * The geometric types on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeHex } from "@std/encoding/hex";
import {
  connect,
  DataError,
  Json,
  PgError,
  ProgrammingError,
  sql,
} from "../../mod.ts";
import {
  Box,
  Circle,
  Line,
  LineSegment,
  OID,
  Path,
  Point,
  Polygon,
} from "../../types/mod.ts";
import {
  answer,
  assertError,
  ONE,
  openScripted,
  quiet,
  rejection,
} from "../connection/support.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { testDsn } from "../support/database.ts";
import { assertExact, assertTrips, open, Random } from "../support/values.ts";

const NUMBERS = [
  0,
  -0,
  1.5,
  -1e-7,
  1e21,
  5e-324,
  1.7976931348623157e308,
  0.1 + 0.2,
  NaN,
  Infinity,
  -Infinity,
];

Deno.test(
  "P10 geometric types: every coordinate comes back as it went out, in every way, in arrays",
  quiet(async () => {
    await using conn = await open();
    const points = NUMBERS.flatMap((x) =>
      NUMBERS.slice(0, 4).map((y) => new Point(x, y))
    );
    for (const point of points.slice(0, 12)) {
      await assertTrips(conn, point, "point");
    }
    const [one, two, three] = [points[8]!, points[33]!, points[41]!];
    const values: [object, string][] = [
      [new Line(1, NaN, -Infinity), "line"],
      [new Line(-0, 1e-5, -0), "line"],
      [new LineSegment(one, two), "lseg"],
      [new Box(one, three), "box"],
      [new Box(two, three), "box"],
      [new Box(new Point(0, 3), new Point(2, 1)), "box"],
      [new Path([one]), "path"],
      [new Path([one], true), "path"],
      [new Path(points), "path"],
      [new Path(points, true), "path"],
      [new Polygon([one]), "polygon"],
      [new Polygon(points), "polygon"],
      [new Circle(two, 0), "circle"],
      [new Circle(one, Infinity), "circle"],
      [new Circle(three, NaN), "circle"],
    ];
    for (const [value, type] of values) await assertTrips(conn, value, type);
  }),
);

Deno.test(
  "geometric types: the class decides the type, and the server understands it",
  quiet(async () => {
    await using conn = await open();
    const [origin, corner] = [new Point(0, 0), new Point(3, 4)];
    const typed: [object, string][] = [
      [origin, "point"],
      [new Line(1, 2, 3), "line"],
      [new LineSegment(origin, corner), "lseg"],
      [new Box(origin, corner), "box"],
      [new Path([origin, corner]), "path"],
      [new Polygon([origin, corner]), "polygon"],
      [new Circle(origin, 1), "circle"],
    ];
    for (const kind of ["s", "t", "b"]) {
      for (const [value, type] of typed) {
        const query =
          `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text`;
        assertEquals(
          await conn.execute(query, [value, [value, null]]).fetchOne(),
          [type, `${type}[]`],
        );
      }
      const row = await conn.execute(
        `select %${kind} <-> %${kind}, area(%${kind}), isopen(%${kind}), npoints(%${kind}), radius(%${kind}), %${kind} @> %${kind}`,
        [
          origin,
          corner,
          new Box(origin, corner),
          new Path([origin, corner]),
          new Polygon([origin, corner, new Point(0, 4)]),
          new Circle(origin, 2.5),
          new Box(corner, origin),
          new Point(1, 1),
        ],
      ).fetchOne();
      assertEquals(row, [5, 12, true, 3, 2.5, true]);
    }
    // The server's ways to make a value that nobody wrote out.
    const row = await conn.execute(
      "select line(point '(0,0)', point '(1,1)'), circle(box '((0,0),(2,2))'), polygon(4, circle '<(0,0),1>') ~= polygon(4, circle '<(0,0),1>'), pclose(path '[(1,1),(2,2)]'), box(point '(1,5)', point '(5,1)')",
    ).fetchOne();
    assertExact(row, [
      new Line(1, -1, 0),
      new Circle(new Point(1, 1), Math.SQRT2),
      true,
      new Path([new Point(1, 1), new Point(2, 2)], true),
      new Box(new Point(1, 1), new Point(5, 5)),
    ]);
  }),
);

Deno.test(
  "arrays of boxes: a semicolon stands between the elements, both ways, nested, with NULL and bounds",
  quiet(async () => {
    await using conn = await open();
    const box = (high: number, low: number) =>
      new Box(new Point(high, high), new Point(low, low));
    const boxes = [[box(1, 0), null], [null, box(3, 2)]];
    await assertTrips(conn, boxes, "box[]", { arrays: false });
    for (const kind of ["s", "t", "b"]) {
      const rows = conn.execute(
        `select %${kind}::box[]::text, (%${kind}::box[])[2][2] ~= box '(3,3),(2,2)'`,
        [boxes, boxes],
      );
      assertEquals(await rows.fetchOne(), [
        "{{(1,1),(0,0);NULL};{NULL;(3,3),(2,2)}}",
        true,
      ]);
    }
    for (const binary of [false, true]) {
      const rows = conn.execute(
        "select '[-1:0]={(1,1),(0,0);(3,3),(2,2)}'::box[], '{}'::box[], '{null}'::box[]",
        undefined,
        { binary },
      );
      assertEquals(await rows.fetchOne(), [
        [box(1, 0), box(3, 2)],
        [],
        [null],
      ]);
    }
    const literal = sql.literal([box(1, 0), box(3, 2)]);
    assertEquals(
      await conn.execute(sql`select ${literal}::text`).fetchOne(),
      ["{(1,1),(0,0);(3,3),(2,2)}"],
    );
  }),
);

Deno.test(
  "geometric types: through COPY in both formats, in composite types and as JSON",
  quiet(async () => {
    await using conn = await open();
    const random = new Random();
    const number = () => random.between(-1e6, 1e6) / 1024;
    const point = () => new Point(number(), number());
    const types = ["point", "box", "path", "polygon[]", "circle"];
    const rows = Array.from({ length: 50 }, () => [
      point(),
      new Box(point(), point()),
      new Path([point(), point()], random.pick([true, false])),
      [new Polygon([point()]), null],
      new Circle(point(), Math.abs(number())),
    ]);
    await conn.execute(
      "create temp table shapes (n serial, a point, b box, c path, d polygon[], e circle)",
    );
    for (const format of ["text", "binary"]) {
      await conn.execute("truncate shapes restart identity");
      await conn.cursor().copy(
        `copy shapes (a, b, c, d, e) from stdin (format ${format})`,
        async (copy) => {
          copy.setTypes(types);
          for (const row of rows) await copy.writeRow(row);
        },
      );
      const stored = await conn.execute(
        "select a, b, c, d, e from shapes order by n",
      ).fetchAll();
      assertExact(stored, rows, `seed ${random.seed}`);
      const read: unknown[] = [];
      await conn.cursor().copy(
        `copy (select a, b, c, d, e from shapes order by n) to stdout (format ${format})`,
        async (copy) => {
          copy.setTypes(types);
          for await (const row of copy.rows()) read.push(row);
        },
      );
      assertExact(read, rows, `seed ${random.seed}`);
    }
    assertEquals(
      await conn.execute("select %s::json", [new Json(new Point(1, 2))])
        .fetchOne(),
      [{ x: 1, y: 2 }],
    );
  }),
);

Deno.test(
  "geometric types: what only the server refuses is a DataError as well, and the session goes on",
  quiet(async () => {
    await using conn = await open();
    for (const kind of ["s", "t", "b"]) {
      await assertRejects(
        () => conn.execute(`select %${kind}`, [new Line(1e-7, 1e-8, 0)]),
        DataError,
      );
      assertEquals(await conn.execute("select 1").fetchOne(), [1]);
    }
  }),
);

Deno.test(
  "CT-26 a geometry object whose class is not registered cannot be adapted",
  quiet(async () => {
    // As the geometries of libraries for PostGIS are.
    class Geometry {
      readonly type = "Point";
      readonly coordinates = [1.2, 3.4];
      toString(): string {
        return "POINT (1.2 3.4)";
      }
    }
    await using conn = await connect(testDsn(), { autocommit: true });
    const geometry = new Geometry();
    for (const kind of ["s", "t", "b"]) {
      for (const value of [geometry, [geometry], [null, [geometry]]]) {
        const error = await assertRejects(
          () => conn.execute(`select %${kind}`, [value]),
          ProgrammingError,
          "Cannot adapt a value of the class Geometry",
        );
        assert(error instanceof PgError && error.connectionUsable);
      }
      await assertRejects(
        async () => await conn.execute(sql`select ${sql.literal(geometry)}`),
        ProgrammingError,
        "Cannot adapt a value of the class Geometry",
      );
    }
    assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
    // Registered, it is sent.
    conn.adapters.registerDumper(
      Geometry,
      ({ coordinates: [x, y] }: Geometry) => `(${x},${y})`,
    );
    assertEquals(
      await conn.execute("select %s::point as p", [geometry]).fetchOne(),
      { p: new Point(1.2, 3.4) },
    );
  }),
);

/** What no server writes: OID, malformed text, malformed bytes. */
const MALFORMED: readonly [string, number, string, string][] = [
  ["point", OID.POINT, "(1,2", "3ff0000000000000"],
  ["point", OID.POINT, "(1,x)", "3ff000000000000040000000000000000000"],
  ["line", OID.LINE, "{1,2}", "3ff0000000000000"],
  ["line", OID.LINE, "{0,0,1}", "00".repeat(24)],
  ["lseg", OID.LSEG, "[(1,2)]", "00".repeat(16)],
  ["box", OID.BOX, "(1,2)", "00".repeat(31)],
  ["path", OID.PATH, "[]", "0000000000"],
  ["path", OID.PATH, "((1,2)", "0200000001" + "00".repeat(16)],
  ["path", OID.PATH, "[(1,2))", "007fffffff" + "00".repeat(16)],
  ["polygon", OID.POLYGON, "()", "ffffffff"],
  ["polygon", OID.POLYGON, "((1,2),)", "00000002" + "00".repeat(16)],
  ["circle", OID.CIRCLE, "<(1,2),-1>", "00".repeat(16) + "bff0000000000000"],
  ["circle", OID.CIRCLE, "<(1,2)>", ""],
  ["int2vector", OID.INT2VECTOR, "1,2", "00000001"],
  ["oidvector", OID.OIDVECTOR, "1 x", "000000010000000000000015"],
];

Deno.test("A13 geometric types and vectors: malformed, they are DataErrors that name column and type", async () => {
  for (const [name, oid, text, hex] of MALFORMED) {
    let binary = false;
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) =>
        answer(
          burst,
          burst.some((message) => "text" in message && message.text === "good")
            ? ONE
            : {
              columns: [{ name: "bad", oid }],
              rows: [[binary ? decodeHex(hex) : text]],
              tag: "SELECT 1",
            },
        )
      );
    });
    await using conn = await openScripted(server);
    for (binary of [false, true]) {
      assertError(
        await rejection(conn.execute("bad", undefined, { binary })),
        {
          class: DataError,
          says: [`column "bad" of type ${name}`],
          usable: true,
        },
      );
      assertEquals(await conn.execute("good").fetchAll(), [{ one: 1 }]);
    }
  }
});
