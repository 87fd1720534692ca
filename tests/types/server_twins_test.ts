/**
 * What a user gets never depends on the format that the server sent it in: every
 * type that may come in either gives equal values, and the list of these types
 * is the one that is documented.
 *
 * The seed of the random values is part of every message; `PGTS_TEST_SEED` sets
 * it.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import {
  adapters,
  DataError,
  type ExecuteOptions,
  PgError,
  sql,
} from "../../mod.ts";
import {
  Format,
  type LoaderClass,
  NumericAsNumberBinaryLoader,
  NumericAsNumberLoader,
  Transformer,
} from "../../types/mod.ts";
import { NO_SESSION } from "../../types/adapt.ts";
import {
  exact,
  open,
  Random,
  type TupleConnection,
  unseen,
} from "../support/values.ts";
import { COUNT, fill, TWINS } from "../support/value_sources.ts";

Deno.test("D-16 the types that may come in either format are the documented ones", () => {
  const transformer = new Transformer(adapters, NO_SESSION);
  const found: string[] = [];
  for (const { name, oid, arrayOid } of adapters.types) {
    if (oid !== 0 && transformer.binaryEquals(oid)) found.push(name);
    if (arrayOid !== 0) {
      assertEquals(
        transformer.binaryEquals(arrayOid),
        transformer.binaryEquals(oid),
        name,
      );
    }
  }
  assertEquals(found.sort(), [...TWINS]);
  // These have a loader of binary values, and stay text for a reason of their own.
  for (const name of ["numeric", "char"]) {
    const oid = adapters.types.getOid(name);
    assertEquals(adapters.getLoader(oid, Format.BINARY) !== null, true, name);
    assertEquals(transformer.binaryEquals(oid), false, name);
  }
  for (const name of ["record", "money"]) {
    assertEquals(transformer.binaryEquals(adapters.types.getOid(name)), false);
  }
});

/** Reads the same rows as text, in binary, and as they come at first and later. */
async function assertSame(
  conn: TupleConnection,
  query: string,
  message: string,
): Promise<void> {
  const text = await conn.execute(query, undefined, { binary: false })
    .fetchAll();
  const expected = text.map(exact);
  const fresh = unseen(query);
  for (const options of [{ binary: true }, {}, {}, { prepare: true }, {}]) {
    const used = Object.keys(options).length === 0 ? fresh : query;
    const rows = await conn.execute(used, undefined, options).fetchAll();
    assertEquals(rows.length, text.length, message);
    const values = rows.map(exact);
    for (const [index, row] of values.entries()) {
      assertEquals(row, expected[index], `${message}, row ${index}`);
    }
  }
}

for (const type of TWINS) {
  // No server since PostgreSQL 10 sends a column of the type unknown.
  if (type === "unknown") continue;
  // array_agg() of these makes another one; server_int_vector_test.ts has them.
  if (type === "int2vector" || type === "oidvector") continue;
  Deno.test(`D-16 ${type}: text and binary give equal values, alone and in arrays`, async () => {
    const random = new Random();
    const message = `${type}, PGTS_TEST_SEED=${random.seed}`;
    await using conn = await open();
    await conn.execute("set time zone 'UTC'");
    const count = await fill(conn, type, random);
    assertEquals(
      (await conn.execute("select count(*) from twins where v is not null")
        .fetchOne())?.[0],
      BigInt(count),
      message,
    );
    const zones = type === "timestamptz"
      ? [
        "UTC",
        "Asia/Tokyo",
        "America/Chicago",
        "Africa/Monrovia",
        "Asia/Kathmandu",
        "Europe/Amsterdam",
      ]
      : ["UTC"];
    for (const zone of zones) {
      await conn.execute(sql`set time zone ${sql.literal(zone)}`);
      const where = `${message}, ${zone}`;
      await assertSame(conn, "select v from twins order by n", where);
      await assertSame(
        conn,
        "select n, array[v], array[v, null, v], array[[v, null], [null, v]], array_fill(v, array[2], array[-1]) from twins order by n",
        where,
      );
      await assertSame(
        conn,
        "select array_agg(v order by n), array_agg(array[v, v] order by n), '{}'::" +
          `${type}[] from twins`,
        where,
      );
    }
  });
}

Deno.test("D-16 what can not be loaded is refused in either format, with the same words", async () => {
  await using conn = await open();
  const expressions = [
    "'infinity'::date",
    "'-infinity'::date",
    "'275760-09-14'::date",
    "'infinity'::timestamp",
    "'-infinity'::timestamptz",
    "'294276-01-01'::timestamp",
    "'275760-09-14'::timestamptz",
    "'24:00'::time",
    "'24:00+00'::timetz",
    ...(conn.info.serverVersion >= 170000
      ? ["'infinity'::interval", "'-infinity'::interval"]
      : []),
  ];
  for (const expression of expressions) {
    for (const shown of [expression, `array[${expression}]`]) {
      const query = `select ${shown} as v`;
      const messages = new Set<string>();
      for (const binary of [true, false, undefined, undefined]) {
        const options = binary === undefined ? {} : { binary };
        const error = await assertRejects(
          () => conn.execute(query, undefined, options),
          DataError,
        );
        messages.add(error.message);
      }
      assertEquals(messages.size, 1, [...messages].join("\n"));
    }
  }
});

Deno.test("D-16 loaders chosen by the user: equal in both formats as well", async () => {
  const random = new Random();
  await using conn = await open();
  conn.adapters.registerLoader("numeric", NumericAsNumberLoader);
  conn.adapters.registerLoader("numeric", NumericAsNumberBinaryLoader);
  await conn.execute("create temp table decimals (n serial, v numeric)");
  const values = Array.from(
    { length: COUNT },
    () => `(${random.between(-(10 ** 9), 10 ** 9)}e${random.between(-20, 5)})`,
  );
  await conn.execute(
    `insert into decimals (v) values ('NaN'), (0), (0.0), (null), ${values}`,
  );
  const message = `numeric, PGTS_TEST_SEED=${random.seed}`;
  await assertSame(conn, "select v from decimals order by n", message);
  await assertSame(
    conn,
    "select array_agg(v order by n) from decimals",
    message,
  );
  const error = await assertRejects(
    () => conn.execute("select 1.2345678901234567890 as v"),
    DataError,
  );
  assertEquals(error instanceof PgError && error.connectionUsable, true);
});

Deno.test("P7 D-16 floats: lowered extra_float_digits is what text differs by, the documented exception", async () => {
  await using conn = await open();
  await conn.execute("set extra_float_digits to 0");
  const query = "select 0.1::float8 + 0.2::float8";
  assertEquals(
    await conn.execute(query, undefined, { binary: true }).fetchOne(),
    [0.1 + 0.2],
  );
  assertEquals(
    await conn.execute(query, undefined, { binary: false }).fetchOne(),
    [0.3],
  );
  await conn.execute("set extra_float_digits to 1");
  for (const binary of [true, false]) {
    assertEquals(
      await conn.execute(query, undefined, { binary }).fetchOne(),
      [0.1 + 0.2],
    );
  }
});

Deno.test("P7 bytea_output, lc_monetary: decoding is not affected", async () => {
  await using conn = await open();
  for (const output of ["escape", "hex"]) {
    await conn.execute(`set bytea_output to ${output}`);
    await assertSame(
      conn,
      "select decode('00ff5c27', 'hex'), array[decode('00ff5c27', 'hex')], ''::bytea",
      output,
    );
    const row = await conn.execute("select decode('00ff5c27', 'hex')")
      .fetchOne();
    assertEquals(row, [Uint8Array.of(0, 255, 0x5c, 0x27)]);
  }
  await conn.execute("set lc_monetary to 'C'");
  for (let run = 0; run < 3; run++) {
    assertEquals(
      await conn.execute("select 1234.5::money, array[1::money]").fetchOne(),
      ["$1,234.50", ["$1.00"]],
    );
  }
});

Deno.test("D-16 K12 chosen formats: text at first sight, then binary for the columns with a twin", async () => {
  await using conn = await open();
  // Loaders that tell by which of them a value came, and claim to be equal.
  class FromText {
    static readonly format: Format = Format.TEXT;
    load(): string {
      return "text";
    }
  }
  class FromBytes {
    static readonly format: Format = Format.BINARY;
    static readonly twin: LoaderClass = FromText;
    load(): string {
      return "binary";
    }
  }
  class AloneInBinary {
    static readonly format: Format = Format.BINARY;
    load(): string {
      return "binary";
    }
  }
  const { adapters } = conn;
  adapters.registerLoader("int4", FromText);
  adapters.registerLoader("int4", FromBytes);
  adapters.registerLoader("numeric", FromText);
  adapters.registerLoader("numeric", AloneInBinary);
  const query =
    "select 1::int4, 1::numeric, array[1::int4], array[1::numeric], 'x'::text, %s::int4";
  const run = async (options: ExecuteOptions = {}) =>
    await conn.execute(query, [1], options).fetchOne();
  const first = ["text", "text", ["text"], ["text"], "x", "text"];
  const later = ["binary", "text", ["binary"], ["text"], "x", "binary"];
  assertEquals(await run(), first);
  for (let count = 0; count < 8; count++) assertEquals(await run(), later);
  assertEquals(await run({ binary: false }), first);
  assertEquals(
    await run({ binary: true }),
    ["binary", "binary", ["binary"], ["binary"], "x", "binary"],
  );
  assertEquals(await run(), later);
  // What changes how values are written makes the columns unknown again.
  await conn.execute("set bytea_output to hex");
  assertEquals(await run({ prepare: false }), first);
  assertEquals(await run({ prepare: false }), later);
  // A loader that is no twin takes its column back to text.
  adapters.registerLoader("int4", AloneInBinary);
  assertEquals(await run(), first);
  assertEquals(await run(), first);
});
