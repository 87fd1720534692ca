import { assertEquals } from "@std/assert";
import {
  apiLevel,
  BINARY,
  connect,
  DATETIME,
  type DbApiType,
  NUMBER,
  paramStyle,
  ROWID,
  STRING,
  threadSafety,
} from "../../mod.ts";
import { testDsn } from "../support/database.ts";

Deno.test("TYP-30 apiLevel, threadSafety, paramStyle: as psycopg has them", () => {
  assertEquals([apiLevel, threadSafety, paramStyle], ["2.0", 2, "pyformat"]);
});

const ALL = [STRING, BINARY, NUMBER, DATETIME, ROWID];

/** The names of the kinds that a type belongs to. */
function kindsOf(oid: number): string[] {
  return ALL.filter((kind) => kind.has(oid)).map(String);
}

Deno.test("CP-12 DB-API type objects: each type by its OID belongs to the kind that it should", async () => {
  const sorted = (kind: DbApiType) => [...kind].sort((a, b) => a - b);
  assertEquals(sorted(NUMBER), [20, 21, 23, 700, 701, 1700]);
  assertEquals(sorted(DATETIME), [1082, 1083, 1114, 1184, 1186, 1266]);
  assertEquals(sorted(STRING), [18, 19, 25, 1042, 1043]);
  assertEquals(sorted(BINARY), [17]);
  assertEquals(sorted(ROWID), [26]);
  // And so does what the server says of columns.
  await using conn = await connect(testDsn(), { autocommit: true });
  const expected = {
    "1::int2": "NUMBER",
    "1::int4": "NUMBER",
    "1::int8": "NUMBER",
    "1::float4": "NUMBER",
    "1::float8": "NUMBER",
    "1.5": "NUMBER",
    "now()": "DATETIME",
    "localtimestamp": "DATETIME",
    "current_date": "DATETIME",
    "current_time": "DATETIME",
    "localtime": "DATETIME",
    "interval '1 day'": "DATETIME",
    "'x'::text": "STRING",
    "'x'::varchar": "STRING",
    "'x'::char(3)": "STRING",
    "'x'::name": "STRING",
    "'x'::bytea": "BINARY",
    "1::oid": "ROWID",
    "true": undefined,
    "array[1]": undefined,
  };
  for (const [expression, kind] of Object.entries(expected)) {
    const cursor = await conn.execute(`select ${expression} as value`);
    assertEquals(
      kindsOf(cursor.description?.[0]?.typeCode ?? 0),
      kind === undefined ? [] : [kind],
      expression,
    );
  }
  assertEquals(kindsOf(0), []);
});
