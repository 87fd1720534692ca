/**
 * Values that cannot be sent: each has its error, nothing of the statement
 * reaches the server, and the connection goes on.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  DataError,
  Json,
  Jsonb,
  PgError,
  ProgrammingError,
  RawCursor,
  sql,
} from "../../mod.ts";
import { InvalidTextRepresentation } from "../../errors/mod.ts";
import {
  Float4,
  Int2,
  Int4,
  Int8,
  IntNumeric,
  Oid,
  Uuid,
} from "../../types/mod.ts";
import { KINDS, open, type TupleConnection } from "../support/values.ts";

/** Rejects with the class, before anything is sent, and the connection goes on. */
async function assertNotSent(
  conn: TupleConnection,
  run: () => PromiseLike<unknown>,
  expected: typeof ProgrammingError | typeof DataError,
  ...parts: string[]
): Promise<void> {
  const error = await assertRejects(async () => await run(), PgError);
  assertInstanceOf(error, expected, error.stack);
  for (const part of parts) assertStringIncludes(error.message, part);
  assertEquals(error.reachedServer, false, error.message);
  assertEquals(error.connectionUsable, true, error.message);
  assertEquals(await conn.execute("select 1").fetchOne(), [1]);
}

Deno.test("P9 undefined: refused with its place, alone, in arrays and in named sets", async () => {
  await using conn = await open();
  for (const kind of KINDS) {
    await assertNotSent(
      conn,
      () => conn.execute(`select %${kind}, %${kind}`, [1, undefined]),
      ProgrammingError,
      "undefined",
      "2",
    );
    await assertNotSent(
      conn,
      () =>
        conn.execute(`select %(one)${kind}, %(two)${kind}`, {
          one: 1,
          two: undefined,
        }),
      ProgrammingError,
      "undefined",
      "two",
    );
    for (
      const value of [[undefined], [1, undefined], [[1, 2], [3, undefined]]]
    ) {
      await assertNotSent(
        conn,
        () => conn.execute(`select %s, %${kind}`, [1, value]),
        ProgrammingError,
        "undefined",
        "2",
      );
    }
  }
  await assertNotSent(
    conn,
    () => conn.execute(sql`select ${1}, ${undefined}`),
    ProgrammingError,
    "undefined",
    "2",
  );
  // Inside of JSON it is what JSON.stringify makes of it.
  assertEquals(
    await conn.execute("select %s, %s", [
      { a: [undefined], b: undefined },
      new Jsonb([undefined]),
    ]).fetchOne(),
    [{ a: [null] }, [null]],
  );
  await using raw = await open({ cursorFactory: RawCursor });
  await assertNotSent(
    raw,
    () => raw.execute("select $1, $2", [1, undefined]),
    ProgrammingError,
    "undefined",
    "2",
  );
});

Deno.test("values that nothing in SQL stands for: a ProgrammingError that names the class, nothing sent", async () => {
  await using conn = await open();
  class Stranger {
    secret = "do not tell";
  }
  const strangers: [unknown, string][] = [
    [new Stranger(), "Stranger"],
    [() => 1, "function"],
    [Symbol("s"), "symbol"],
    [new Map(), "Map"],
    [new Set([1]), "Set"],
    [/a/, "RegExp"],
    [Promise.resolve(1), "Promise"],
  ];
  for (const [value, name] of strangers) {
    for (const kind of KINDS) {
      await assertNotSent(
        conn,
        () => conn.execute(`select %${kind}`, [value]),
        ProgrammingError,
        name,
      );
      await assertNotSent(
        conn,
        () => conn.execute(`select %${kind}`, [[1, value]]),
        ProgrammingError,
      );
    }
    const error = await assertRejects(
      () => conn.execute(sql`select ${sql.literal(value)}`),
      ProgrammingError,
    );
    assert(!error.message.includes("do not tell"));
  }
  for (const kind of KINDS) {
    await assertNotSent(
      conn,
      () => conn.execute(`select %${kind}`, [[1, "a"]]),
      DataError,
    );
    await assertNotSent(
      conn,
      () => conn.execute(`select %${kind}`, [[new Int4(1), new Int8(1)]]),
      DataError,
    );
  }
});

Deno.test("numbers out of range: refused by the wrapper, or by the server with its class", async () => {
  await using conn = await open();
  const makers: [() => unknown, string][] = [
    [() => new Int2(32768), "int2"],
    [() => new Int2(-32769), "int2"],
    [() => new Int2(1.5), "int2"],
    [() => new Int2(NaN), "int2"],
    [() => new Int4(2 ** 31), "int4"],
    [() => new Int4(-(2 ** 31) - 1), "int4"],
    [() => new Int8(2n ** 63n), "int8"],
    [() => new Int8(-(2n ** 63n) - 1n), "int8"],
    [() => new Int8(2 ** 53), "int8"],
    [() => new Oid(-1), "oid"],
    [() => new Oid(2 ** 32), "oid"],
    [() => new Float4(1e39), "float4"],
    [() => new Float4(1e-60), "float4"],
    [() => new IntNumeric(0.5), "numeric"],
  ];
  for (const [make, name] of makers) assertThrows(make, DataError, name);
  assertThrows(() => new Uuid("not a uuid"), DataError);
  for (const kind of KINDS) {
    for (const value of [40_000, 2n ** 31n, 1e300]) {
      const error = await assertRejects(
        () => conn.execute(`select %${kind}::int2`, [value]),
        DataError,
      );
      assertEquals(error.sqlstate, "22003");
      assertEquals(error.connectionUsable, true);
      assertEquals(error.reachedServer, true);
    }
    const error = await assertRejects(
      () => conn.execute(`select %${kind}::text::int4`, ["x"]),
      InvalidTextRepresentation,
    );
    assertInstanceOf(error, DataError);
  }
  // JSON has no form for these, and nothing of the statement is sent.
  for (const value of [{ a: 1n }, new Jsonb(() => 1), new Json(undefined)]) {
    await assertNotSent(
      conn,
      () => conn.execute("select %s", [value]),
      DataError,
      "JSON",
    );
  }
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  await assertNotSent(
    conn,
    () => conn.execute("select %s", [circle]),
    DataError,
    "JSON",
  );
});

Deno.test("L5 a parameter that fails late: nothing of the statement is on the wire", async () => {
  await using conn = await open();
  const values = [1, "a", [1], {}, new Date(0), "ok", "bad\0", 8];
  const marks = values.map(() => "%s::text").join(", ");
  for (let run = 0; run < 8; run++) {
    await assertNotSent(
      conn,
      () => conn.execute(`select ${marks}`, values),
      DataError,
      "7",
    );
  }
});
