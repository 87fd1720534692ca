/**
 * Typed arrays as parameters, on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { adapters, DataError, sql } from "../../mod.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import { Format, NO_SESSION } from "../../types/adapt.ts";
import { Transformer } from "../../types/transformer.ts";
import { quiet } from "../connection/support.ts";
import {
  assertExact,
  assertTrips,
  KINDS,
  open,
  Random,
} from "../support/values.ts";

type Item = number | bigint;

/** Each class, its type, and values at the edges of it. */
const CASES: readonly [
  { from(items: Item[]): ArrayLike<Item> & Iterable<Item> },
  string,
  readonly Item[],
][] = [
  [Int8Array, "smallint", [0, -128, 127]],
  [Int16Array, "smallint", [0, -32768, 32767, 1]],
  [Uint16Array, "integer", [0, 65535]],
  [Int32Array, "integer", [0, -2147483648, 2147483647]],
  [Uint32Array, "bigint", [0, 1, 4294967295]],
  [BigInt64Array, "bigint", [0n, -(2n ** 63n), 2n ** 63n - 1n, -1n]],
  [Float16Array, "real", [0, -0, 0.5, 65504, NaN, Infinity, -Infinity]],
  [
    Float32Array,
    "real",
    [
      ...[0, -0, 0.1, 1e-45, 3.4028234663852886e38],
      ...[NaN, Infinity, -Infinity, 16777217],
    ],
  ],
  [
    Float64Array,
    "double precision",
    [0, -0, 0.1, 5e-324, 1.7976931348623157e308, NaN, Infinity, -Infinity],
  ],
].map(([of, type, items]) => [of, type, items]) as never;

/** The elements as they are loaded: int8 is a bigint. */
function loaded(array: Iterable<Item>, type: string): Item[] {
  const items = [...array];
  return type === "bigint" ? items.map(BigInt) : items;
}

Deno.test(
  "P10 typed arrays: each class has its type, and every element comes back, NaN and -0 as well",
  quiet(async () => {
    await using conn = await open();
    for (const [of, type, items] of CASES) {
      const array = of.from([...items]);
      await assertTrips(conn, array, `${type}[]`, {
        expected: loaded(array, type),
        arrays: false,
      });
      const empty = of.from([]);
      await assertTrips(conn, empty, `${type}[]`, {
        expected: [],
        arrays: false,
      });
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select pg_typeof(%${kind})::text, pg_typeof(%${kind})::text, %${kind} = '{}', array_dims(%${kind})`,
          [array, empty, empty, array],
        ).fetchOne();
        assertEquals(row, [
          `${type}[]`,
          `${type}[]`,
          true,
          `[1:${items.length}]`,
        ]);
      }
      const literal = sql.literal(array);
      assertEquals(
        await conn.execute(sql`select pg_typeof(${literal})::text`).fetchOne(),
        [`${type}[]`],
      );
    }
  }),
);

Deno.test(
  "typed arrays: bytes stay a bytea",
  quiet(async () => {
    await using conn = await open();
    const bytes = Uint8Array.of(0, 255);
    for (const kind of KINDS) {
      const row = await conn.execute(
        `select pg_typeof(%${kind})::text, %${kind}, pg_typeof(%${kind})::text`,
        [bytes, bytes, [bytes]],
      ).fetchOne();
      assertEquals(row, ["bytea", bytes, "bytea[]"]);
    }
  }),
);

Deno.test(
  "typed arrays in arrays: a level more, not elements that are arrays",
  quiet(async () => {
    await using conn = await open();
    const rows = [Float32Array.of(1.5, NaN), Float32Array.of(-0, 2)];
    const plain = rows.map((row) => [...row]);
    await assertTrips(conn, rows, "float4[]", {
      expected: plain,
      arrays: false,
    });
    await assertTrips(conn, [rows, rows], "float4[]", {
      expected: [plain, plain],
      arrays: false,
    });
    await assertTrips(conn, [new Int32Array(), new Int32Array()], "int4[]", {
      expected: [],
      arrays: false,
    });
    for (const kind of KINDS) {
      const row = await conn.execute(
        `select pg_typeof(%${kind})::text, array_dims(%${kind})`,
        [rows, rows],
      ).fetchOne();
      assertEquals(row, ["real[]", "[1:2][1:2]"]);
      for (
        const [wrong, part] of [
          [[Int32Array.of(1), Int32Array.of(1, 2)], "ragged"],
          [[Int32Array.of(1), null], "ragged"],
          [[Int32Array.of(1), Float32Array.of(1)], "different types"],
          [[Int32Array.of(1), [1]], "different types"],
        ] as const
      ) {
        const error = await assertRejects(
          () => conn.execute(`select %${kind}`, [wrong]),
          DataError,
          part,
        );
        assert(error.connectionUsable);
      }
    }
  }),
);

Deno.test(
  "typed arrays: a part of a larger buffer, and a hundred thousand elements",
  quiet(async () => {
    await using conn = await open();
    const random = new Random();
    const buffer = new Float64Array(100_002);
    for (let index = 0; index < buffer.length; index++) {
      buffer[index] = random.between(-1e9, 1e9) / 4096;
    }
    const part = buffer.subarray(1, -1);
    for (const kind of KINDS) {
      const row = await conn.execute(`select %${kind}`, [part]).fetchOne();
      assertExact(row, [[...part]], `seed ${random.seed}`);
    }
  }),
);

Deno.test("typed arrays: memory that was transferred away is a DataError", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  for (const format of ["t", "b"] as const) {
    const array = Int32Array.of(1, 2);
    structuredClone(array, { transfer: [array.buffer] });
    const dumper = transformer.getDumper(array, format);
    assertThrows(
      () => dumper.dump(array, new WriteBuffer()),
      DataError,
      "transferred",
    );
    assertThrows(() => dumper.text(array), DataError, "transferred");
  }
});

Deno.test("typed arrays: written in one pass, without growing byte by byte", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  const dumper = transformer.getDumper(Int32Array.of(1));
  assertEquals(dumper.format, Format.BINARY);
  const out = new WriteBuffer(1);
  dumper.dump(Int32Array.of(1, -1), out);
  assertEquals(
    out.written().toHex(),
    "000000010000000000000017" + "0000000200000001" + "0000000400000001" +
      "00000004ffffffff",
  );
  out.clear();
  dumper.dump(new Int32Array(), out);
  assertEquals(out.written().toHex(), "000000000000000000000017");
});
