import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Column, connect } from "../../mod.ts";
import { testDsn } from "../support/database.ts";

async function columnsOf(expressions: string[]): Promise<Column[]> {
  await using conn = await connect(testDsn(), { autocommit: true });
  const list = expressions.map((each, i) => `${each} as c${i}`).join(", ");
  const cursor = await conn.execute(`select ${list}`);
  return [...cursor.description!];
}

Deno.test("CP-04 Column: precision, scale and sizes", async () => {
  const [numeric, date] = await columnsOf([
    "null::numeric(10, 2)",
    "current_date",
  ]);
  assertEquals(numeric!.precision, 10);
  assertEquals(numeric!.scale, 2);
  assertEquals(numeric!.displaySize, null);
  assertEquals(numeric!.internalSize, null);
  assertEquals(date!.internalSize, 4);
  assertEquals(date!.precision, null);
});

Deno.test("CP-06 Column: unpacks to seven items", async () => {
  const [column] = await columnsOf(["null::varchar(42)"]);
  const items = [...column!];
  assertEquals(items.length, 7);
  assertEquals(items, ["c0", 1043, 42, null, null, null, null]);
  assertEquals(column!.nullOk, null);
  assertStringIncludes(String(column), "varchar(42)");
});

Deno.test("CP-08 description: still there when the connection is closed", async () => {
  const conn = await connect(testDsn(), { autocommit: true });
  const cursor = await conn.execute("select 1 as n, 'x' as t");
  await conn.close();
  assertEquals(
    cursor.description?.map(({ name, typeCode }) => [name, typeCode]),
    [["n", 23], ["t", 25]],
  );
});

Deno.test("Column: typeDisplay says the type as SQL does", async () => {
  const cases: [string, string][] = [
    ["1::int4", "int4"],
    ["null::numeric(10, 2)", "numeric(10,2)"],
    ["null::numeric", "numeric"],
    ["null::varchar(42)", "varchar(42)"],
    ["null::varchar(42)[]", "varchar(42)[]"],
    ["null::char(7)", "bpchar(7)"],
    ["null::timestamp(3)", "timestamp(3)"],
    ["null::timestamptz(0)", "timestamptz(0)"],
    ["null::time(6)", "time(6)"],
    ["null::interval(2)", "interval(2)"],
    ["null::interval", "interval"],
    ["null::bit(8)", "bit(8)"],
    ["null::varbit(9)", "varbit(9)"],
    ["null::int4[]", "int4[]"],
  ];
  const columns = await columnsOf(cases.map(([expression]) => expression));
  assertEquals(
    columns.map((each) => each.typeDisplay),
    cases.map(([, shown]) => shown),
  );
});

Deno.test("Column: a negative scale, which PostgreSQL has from 15 on", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  if (conn.info.serverVersion < 150000) return;
  const cursor = await conn.execute("select null::numeric(10, -3) as c");
  assertEquals(cursor.description?.[0]?.typeDisplay, "numeric(10,-3)");
});

Deno.test("Column: the table it comes from", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  await conn.execute("create temp table origin (a int, b text)");
  const cursor = await conn.execute(
    "select b, 1 as one, 'origin'::regclass::oid as oid from origin",
  );
  const [b, one] = cursor.description!;
  assertEquals(b!.tableColumn, 2);
  assertEquals(typeof b!.tableOid, "number");
  assertEquals([one!.tableOid, one!.tableColumn], [null, null]);
});
