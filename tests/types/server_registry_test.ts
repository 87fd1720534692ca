/**
 * The registry of types against the catalogue of a real server, and the types
 * that have no loader of their own.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { adapters, connect, sql, Typed, TypeInfo } from "../../mod.ts";
import { Format, OID } from "../../types/mod.ts";
import { answer, openScripted } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { assertExact, open } from "../support/values.ts";

Deno.test("adapters.types: every built-in type has the OIDs and names of the server's catalogue", async () => {
  await using conn = await open();
  // Tables and what was made from 10000 on are not built-in types.
  const rows = await conn.execute(
    `select typname, oid, typarray, typdelim::text, oid::regtype::text
    from pg_catalog.pg_type
    where oid < 10000 and typrelid = 0 and not exists (
      select from pg_catalog.pg_type e where e.typarray = pg_type.oid
    )
    order by 2`,
  ).fetchAll();
  assert(rows.length > 90);
  const missing: unknown[] = [];
  for (const [name, oid, arrayOid, delimiter, regtype] of rows) {
    const info = adapters.types.get(oid as number);
    if (info === null) {
      missing.push(name);
      continue;
    }
    assertEquals(
      [info.name, info.oid, info.arrayOid, info.delimiter, info.regtype],
      [name, oid, arrayOid, delimiter, regtype],
    );
    assertEquals(adapters.types.get(name as string), info);
    assertEquals(adapters.types.get(regtype as string), info);
    if (arrayOid !== 0) {
      assertEquals(adapters.types.get(arrayOid as number), info);
      assertEquals(adapters.types.getOid(`${name}[]`), arrayOid);
    }
  }
  // A newer server may have types that pgts does not know yet.
  if (conn.info.serverVersion < 190000) assertEquals(missing, []);
  if (conn.info.serverVersion >= 180000) {
    const known = new Set(rows.map((row) => row[1]));
    const more = [...adapters.types].filter(({ oid }) => !known.has(oid));
    assertEquals(more.map(String), []);
  }
});

Deno.test("adapters.types: int4 is shown in short", () => {
  assertEquals(
    Deno.inspect(adapters.types.get("int4")),
    "<TypeInfo: int4 (oid: 23, array oid: 1007)>",
  );
});

Deno.test("adapters.types: ranges and multiranges are those of the catalogue", async () => {
  await using conn = await open();
  const rows = await conn.execute(
    `select r.rngtypid::regtype::text, r.rngsubtype${
      conn.info.serverVersion >= 140000 ? ", r.rngmultitypid" : ", 0"
    } from pg_catalog.pg_range r where r.rngtypid < 10000`,
  ).fetchAll();
  assertEquals(rows.length >= 6, true);
  for (const [name, subtype, multirange] of rows) {
    const info = adapters.types.get(name as string);
    assertEquals((info as { subtypeOid?: number } | null)?.subtypeOid, subtype);
    if (multirange === 0) continue;
    const multi = adapters.types.get(multirange as number) as
      | { rangeOid?: number; subtypeOid?: number }
      | null;
    assertEquals(multi?.rangeOid, info?.oid);
    assertEquals(multi?.subtypeOid, subtype);
  }
});

/** Values of types that have no loader of their own, as the server's input takes them. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  aclitem: ["=r/postgres"],
  box: ["(3,4),(1,2)"],
  circle: ["<(1,2),3>"],
  int2vector: ["1 2 3", ""],
  jsonpath: ['$."a"[*]'],
  line: ["{1,2,3}"],
  lseg: ["[(1,2),(3,4)]"],
  money: ["$1.50", "-$92,233,720,368,547,758.08"],
  oidvector: ["1 2 4294967295"],
  path: ["((1,2),(3,4))", "[(1,2),(3,4)]"],
  point: ["(1,2)", "(-0.5,1e+300)"],
  polygon: ["((1,2),(3,4),(5,6))"],
  refcursor: ["a cursor"],
  regclass: ["pg_class"],
  regcollation: ['"C"'],
  regconfig: ["english"],
  regdictionary: ["english_stem"],
  regnamespace: ["pg_catalog"],
  regoper: ["|/"],
  regoperator: ["+(integer,integer)"],
  regproc: ["now"],
  regprocedure: ["abs(integer)"],
  regrole: ["postgres"],
  regtype: ["integer", "double precision"],
  tsquery: ["'fat' & 'rat'"],
  tsvector: ["'a':1A 'it''s':2 'ü'"],
  xml: ["<a>ü &amp; b</a>"],
};

Deno.test("a type without a loader of its own arrives as the server's text, in the first and in later runs", async () => {
  await using conn = await open();
  await conn.execute("set time zone 'UTC'");
  await conn.execute("set lc_monetary to 'C'");
  const names = (await conn.execute(
    `select typname from pg_catalog.pg_type
    where oid < 10000 and typrelid = 0 and typtype in ('b', 'r', 'm')
      and not exists (
        select from pg_catalog.pg_type e where e.typarray = pg_type.oid
      )
    order by 1`,
  ).fetchAll()).map((row) => String(row[0]));
  const internal =
    /^(pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_brin.*|pg_ddl_command|gtsvector)$/;
  let seen = 0;
  for (const name of names) {
    const oid = adapters.types.getOid(name);
    const ownLoader = adapters.getLoader(oid, Format.TEXT) !== null;
    if (ownLoader || internal.test(name)) continue;
    const values = VALUES[name];
    assert(values !== undefined, `There are no values of ${name}`);
    if (name === "xml" && !(await hasXml())) continue;
    seen++;
    for (const value of values) {
      const text = sql.literal(value);
      const cast = sql.raw(name);
      const query = sql`select ${text}::${cast}`;
      const hasArray = adapters.types.get(oid)!.arrayOid !== 0;
      for (let run = 0; run < 8; run++) {
        assertExact(await conn.execute(query).fetchOne(), [value], name);
        if (!hasArray) continue;
        assertExact(
          await conn.execute(
            sql`select array[${text}::${cast}, null], array[[${text}::${cast}], [${text}::${cast}]]`,
          ).fetchOne(),
          [[value, null], [[value], [value]]],
          `${name}[]`,
        );
      }
      assertExact(
        await conn.execute(query, undefined, { prepare: true }).fetchOne(),
        [value],
        name,
      );
      assertExact(
        await conn.execute(query, undefined, { binary: false }).fetchOne(),
        [value],
        name,
      );
      // Forced, what nobody here can read is given as the bytes that it is. The
      // server has no bytes of an aclitem.
      if (
        name !== "aclitem" && adapters.getLoader(oid, Format.BINARY) === null
      ) {
        const row = await conn.execute(query, undefined, { binary: true })
          .fetchOne();
        assert(row?.[0] instanceof Uint8Array, name);
      }
      // And what came as text can be sent as a string, or in an array of them.
      for (const kind of ["s", "t"]) {
        assertExact(
          await conn.execute(`select %${kind}::${name}`, [value]).fetchOne(),
          [value],
        );
        // The server alone knows the type, and its arrays of boxes have semicolons.
        if (!hasArray || name === "box") continue;
        assertExact(
          await conn.execute(`select %${kind}::${name}[]`, [[value, null]])
            .fetchOne(),
          [[value, null]],
        );
      }
    }
  }
  assert(seen > 15, String(seen));

  async function hasXml(): Promise<boolean> {
    try {
      await conn.execute("select '<a/>'::xml");
      return true;
    } catch {
      return false;
    }
  }
});

Deno.test("records arrive as their texts, domains as the type under them, void as nothing", async () => {
  await using conn = await open();
  await conn.execute(
    "create domain pg_temp.positive as int4 check (value > 0)",
  );
  for (let run = 0; run < 7; run++) {
    const row = await conn.execute(
      `select row(1, 'a b', null), array[row(1, 2)], 5::pg_temp.positive,
        array[5]::pg_temp.positive[]::int4[], pg_sleep(0)`,
    ).fetchOne();
    // A domain is described as the type under it.
    assertEquals(row, [["1", "a b", null], [["1", "2"]], 5, [5], ""]);
  }
});

Deno.test("K11 a type with an OID beyond 16 bits arrives whole", async () => {
  await using conn = await open();
  await conn.execute(
    "create type pg_temp.large as enum ('one'); create temp table large_oid (v pg_temp.large)",
  );
  const [oid] = await conn.execute("select 'pg_temp.large'::regtype::oid")
    .fetchOne() ?? [];
  const cursor = await conn.execute("select v, array[v] from large_oid");
  assertEquals(cursor.description?.[0]?.typeCode, oid);
  const [[high] = []] = await conn.execute(
    "select 4294967295::oid, oid from pg_class limit 1",
  )
    .fetchAll();
  assertEquals(high, 4294967295);
  // No server of a test has given away so many.
  for (const wide of [65_536 + OID.INT4, 2 ** 31 + OID.INT4, 4_294_967_295]) {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) =>
        answer(burst, {
          columns: [{ name: "v", oid: wide }],
          rows: [["1"]],
          tag: "SELECT 1",
        })
      );
    });
    await using scripted = await openScripted(server, { prepareThreshold: 0 });
    new TypeInfo("wide", wide, 0).register(scripted);
    scripted.adapters.registerLoader(wide, (text) => `wide ${text}`);
    for (let run = 0; run < 3; run++) {
      const cursor = await scripted.execute("select %s as v", [
        new Typed("x", "wide"),
      ]);
      assertEquals(cursor.description?.[0]?.typeCode, wide);
      assertEquals(await cursor.fetchAll(), [{ v: "wide 1" }]);
    }
    const oids = server.sessions[0]!.received.flatMap((message) =>
      message.tag === "P" ? message.oids : []
    );
    assertEquals(oids, [wide]);
  }
});

Deno.test("K9 the same text with parameters of other types", async () => {
  await using conn = await connect(testDsn(), { autocommit: true });
  const query = "select %s as v";
  const values = [1, "text", null, [1, null], 1.5, 2n ** 62n, true, ["a"], {}];
  for (let run = 0; run < 8; run++) {
    for (const value of values) {
      const row = await conn.execute(query, [value]).fetchOne();
      // Untyped text is what the server calls text, arrays of it as well.
      const expected = Array.isArray(value) && value[0] === "a" ? "{a}" : value;
      assertExact(row?.v, expected);
    }
  }
});
