/**
 * numeric as the decimals of decimal.js and big.js, on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import BigJs from "big.js";
import { Decimal } from "decimal.js";
import {
  adapters,
  connect,
  DataError,
  Int4Range,
  PgError,
  Range,
  registerNumeric,
  scalarRow,
  sql,
} from "../../mod.ts";
import {
  AdaptersMap,
  IntNumeric,
  type NumericClass,
  Transformer,
} from "../../types/mod.ts";
import { NO_SESSION } from "../../types/adapt.ts";
import { quiet } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import {
  everyWay,
  KINDS,
  open,
  Random,
  type TupleConnection,
} from "../support/values.ts";

/** What both libraries have; that of big.js comes without types. */
interface AnyDecimal {
  toString(): string;
  toFixed(): string;
}
type DecimalClass = NumericClass<AnyDecimal>;
const Big = BigJs as unknown as DecimalClass;
const LIBRARIES: readonly [string, DecimalClass][] = [
  ["decimal.js", Decimal],
  ["big.js", Big],
];

const DIGITS = "1234567890".repeat(12);
const FINITE: readonly string[] = [
  "0",
  "1",
  "-1",
  "0.1",
  "-0.5",
  "123456789.987654321",
  "0.000000000000000000001",
  "1e-400",
  "1e400",
  "-9.99e250",
  "9007199254740993",
  "170141183460469231731687303715884105727",
  DIGITS,
  `-${DIGITS}.${DIGITS}`,
  `0.${DIGITS}`,
  `${"9".repeat(1000)}.${"9".repeat(1000)}`,
];

/** Asserts that a value is a decimal of the class, digit by digit what is expected. */
function assertDecimal(
  value: unknown,
  type: DecimalClass,
  text: string,
  message: string,
): void {
  assert(value instanceof type, message);
  assertEquals(value.toFixed(), new type(text).toFixed(), message);
}

async function assertDecimalTrips(
  conn: TupleConnection,
  type: DecimalClass,
  text: string,
): Promise<void> {
  const sent = new type(text);
  for (const kind of KINDS) {
    const values = await everyWay(conn, `select %${kind}`, [sent]);
    for (const [way, value] of values) {
      assertDecimal(value, type, text, `${text} %${kind} ${way}`);
    }
    const lists = await everyWay(conn, `select %${kind}`, [[sent, null]]);
    for (const [way, value] of lists) {
      assert(Array.isArray(value) && value.length === 2);
      assertDecimal(value[0], type, text, `${text} %${kind} ${way}`);
      assertEquals(value[1], null);
    }
    // The server got this very number, whatever the class makes of it afterwards.
    const row = await conn.execute(
      `select %${kind} = %t::text::numeric, pg_typeof(%${kind})::text`,
      [sent, text, sent],
    ).fetchOne();
    assertEquals(row, [true, "numeric"], text);
  }
  const literal = sql.literal(sent);
  const row = await conn.execute(
    sql`select ${literal}, pg_typeof(${literal})::text`,
  ).fetchOne();
  assertDecimal(row?.[0], type, text, `literal ${text}`);
  assertEquals(row?.[1], "numeric");
}

for (const [name, type] of LIBRARIES) {
  Deno.test(
    `D-6 registerNumeric with ${name}: every finite decimal comes back, to the last of a thousand digits`,
    quiet(async () => {
      await using conn = await open();
      registerNumeric(conn, type);
      const random = new Random();
      const digits = (most: number) =>
        random.list(most, () => random.between(0, 9)).join("");
      const texts = [
        ...FINITE,
        ...Array.from({ length: 20 }, () => `-1${digits(150)}.${digits(150)}1`),
      ];
      for (const text of texts) await assertDecimalTrips(conn, type, text);
    }),
  );

  Deno.test(
    `D-6 registerNumeric with ${name}: in arrays, ranges, COPY and composite values`,
    quiet(async () => {
      await using conn = await open();
      registerNumeric(conn, type);
      const [low, high] = [new type("1.5"), new type("1e30")];
      for (const kind of KINDS) {
        const row = await conn.execute(
          `select %${kind}, %${kind}, lower(%${kind})`,
          [
            [[low, null], [high, low]],
            new Range<unknown>(low, high),
            new Range<unknown>(low, null),
          ],
        ).fetchOne();
        const [list, range, lower] = row!;
        assertEquals(String(list), "1.5,,1e+30,1.5");
        assert(range instanceof Range);
        assertDecimal(range.lower, type, "1.5", kind);
        assertDecimal(range.upper, type, "1e30", kind);
        // Compared as decimals, not as the texts "9" and "1e+30".
        assert(range.contains(new type("9")));
        assert(!range.contains(new type("1.4999")));
        assertDecimal(lower, type, "1.5", kind);
      }
      await conn.execute("create temp table amounts (a numeric, b numeric[])");
      for (const format of ["text", "binary"]) {
        await conn.execute("truncate amounts");
        await conn.cursor().copy(
          `copy amounts from stdin (format ${format})`,
          async (copy) => {
            copy.setTypes(["numeric", "numeric[]"]);
            await copy.writeRow([low, [high, null]]);
            // What else becomes a numeric still does.
            await copy.writeRow(["2.50", [1, 2n, "3.0", new IntNumeric(4)]]);
          },
        );
        const rows = await conn.execute(
          "select a::text, b::text from amounts",
        ).fetchAll();
        assertEquals(rows, [
          ["1.5", `{1${"0".repeat(30)},NULL}`],
          ["2.50", "{1,2,3.0,4}"],
        ]);
        const read: unknown[][] = [];
        await conn.cursor().copy(
          `copy (select 1.5::numeric) to stdout (format ${format})`,
          async (copy) => {
            copy.setTypes(["numeric"]);
            for await (const row of copy.rows()) read.push(row);
          },
        );
        assertDecimal(read[0]?.[0], type, "1.5", format);
      }
      const row = conn.execute("select row(1.5, null)", undefined, {
        binary: true,
      });
      const [record] = (await row.fetchOne())!;
      assertDecimal((record as unknown[])[0], type, "1.5", "record");
      // Integers are what they were.
      assertEquals(await conn.execute("select %s, 1::int8", [7]).fetchOne(), [
        7,
        1n,
      ]);
      const integers = await conn.execute("select %s", [new Int4Range(1, 2)])
        .fetchOne();
      assertEquals(String(integers), "[1, 2)");
    }),
  );
}

Deno.test(
  "D-6 registerNumeric with decimal.js: NaN and the infinities come back",
  quiet(async () => {
    await using conn = await open();
    registerNumeric(conn, Decimal as DecimalClass);
    for (const text of ["NaN", "Infinity", "-Infinity"]) {
      // Before PostgreSQL 14 numeric has no infinity.
      if (text !== "NaN" && conn.info.serverVersion < 140000) continue;
      const sent = new Decimal(text);
      for (const kind of KINDS) {
        const values = await everyWay(
          conn,
          `select array[%${kind}, '${text}'::numeric, null]`,
          [sent],
        );
        for (const [way, value] of values) {
          assertEquals(String(value), `${text},${text},`, way);
        }
      }
      const row = await conn.execute(
        sql`select ${sql.literal(sent)}::text, ${sent}::text`,
      ).fetchOne();
      assertEquals(row, [text, text]);
    }
    // A zero below zero is a zero: numeric has no other.
    const zero = await conn.execute("select %s::text", [new Decimal("-0")])
      .fetchOne();
    assertEquals(zero, ["0"]);
  }),
);

Deno.test(
  "D-6 registerNumeric with big.js: what it has no value for is a DataError, never another value",
  quiet(async () => {
    await using conn = await open();
    registerNumeric(conn, Big);
    const specials = conn.info.serverVersion < 140000
      ? ["NaN"]
      : ["NaN", "Infinity", "-Infinity"];
    for (const text of specials) {
      for (const binary of [false, true]) {
        for (
          const expression of [
            `'${text}'::numeric`,
            `array[1, '${text}'::numeric]`,
            `numrange(1, '${text}'::numeric, '[]')`,
          ]
        ) {
          if (text === "-Infinity" && expression.startsWith("numrange")) {
            continue; // Such a range would end before it starts.
          }
          const error = await assertRejects(
            () =>
              conn.execute(`select ${expression} as amount`, undefined, {
                binary,
              }),
            DataError,
            `the numeric ${text}`,
          );
          assert(error.message.includes('"amount"'), error.message);
          assert(
            error.message.includes("numrange") ===
              expression.includes("numrange"),
          );
          assert(error.connectionUsable);
          assert(error.cause instanceof Error);
        }
      }
    }
    const row = await conn.execute("select 1.5::numeric").fetchOne();
    assertDecimal(row?.[0], Big, "1.5", "after the errors");
  }),
);

Deno.test(
  "P2 registerNumeric: the largest numeric there is, 131072 digits and 16383 after the point",
  quiet(async () => {
    await using conn = await open();
    const text = `${"1234567890".repeat(13108).slice(0, 131_072)}.${
      "9876543210".repeat(1639).slice(0, 16_383)
    }`;
    for (const [name, type] of LIBRARIES) {
      registerNumeric(conn, type);
      const sent = new type(text);
      for (const kind of KINDS) {
        for (const binary of [false, true]) {
          const row = await conn.execute(
            `select %${kind}, %${kind} = %t::text::numeric`,
            [sent, sent, text],
            { binary },
          ).fetchOne();
          assert(row?.[0] instanceof type);
          assert(row[0].toFixed() === sent.toFixed(), `${name} %${kind}`);
          assertEquals(row[1], true);
        }
      }
    }
  }),
);

Deno.test(
  "registerNumeric: on a cursor alone, on a connection, and on a map",
  quiet(async () => {
    await using conn = await open();
    const cursor = conn.cursor();
    registerNumeric(cursor, Decimal);
    const query = "select 1.50::numeric";
    const [one] = (await cursor.execute(query).fetchOne())!;
    assert(one instanceof Decimal);
    assertEquals(await conn.execute(query).fetchOne(), ["1.50"]);
    const map = new AdaptersMap(adapters);
    registerNumeric(map, Decimal);
    await using other = await connect(testDsn(), {
      context: { adapters: map },
      rowFactory: scalarRow,
    });
    assert(await other.execute(query).fetchOne() instanceof Decimal);
    assertEquals(await conn.execute(query).fetchOne(), ["1.50"]);
  }),
);

Deno.test(
  "registerNumeric: a class that needs options to be made and written",
  quiet(async () => {
    class Cents {
      readonly cents: bigint;
      constructor(cents: bigint) {
        this.cents = cents;
      }
    }
    await using conn = await open();
    registerNumeric<Cents>(conn, Cents as never, {
      parse: (text) => new Cents(BigInt(text.replace(".", ""))),
      format: ({ cents }) => `${cents}e-2`,
    });
    for (const kind of KINDS) {
      const [sum] = (await conn.execute(
        `select %${kind} + 0.05`,
        [new Cents(1999n)],
      ).fetchOne())!;
      assert(sum instanceof Cents);
      assertEquals(sum.cents, 2004n);
    }
  }),
);

Deno.test("registerNumeric: a class that is written as no decimal is a DataError", () => {
  class Broken {
    readonly text: unknown;
    constructor(text: unknown) {
      this.text = text;
    }
    toString(): string {
      return this.text as string;
    }
  }
  const map = new AdaptersMap(adapters);
  registerNumeric(map, Broken, { format: (value) => value.text as string });
  const transformer = new Transformer(map, NO_SESSION);
  for (const text of ["", "abc", "1,5", "1'; --", "0x10", 5, null]) {
    const value = new Broken(text);
    for (const format of ["t", "b"] as const) {
      const dumper = transformer.getDumper(value, format);
      const error = assertThrows(() => dumper.text(value), DataError);
      assert(error instanceof PgError);
      assertThrows(() => dumper.quote(value), DataError);
    }
  }
});
