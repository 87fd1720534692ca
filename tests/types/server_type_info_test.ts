/**
 * Types as the catalogue of a real server has them: finding them in every
 * transaction status and client encoding, and what becomes of those that are
 * created again.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  adapters,
  CompositeInfo,
  connect,
  EnumInfo,
  MultirangeInfo,
  ProgrammingError,
  RangeInfo,
  registerComposite,
  registerEnum,
  TransactionStatus,
  Typed,
  TypeInfo,
} from "../../mod.ts";
import { InFailedSqlTransaction } from "../../errors/mod.ts";
import { Identifier } from "../../sql/mod.ts";
import { assertError, quiet, rejection } from "../connection/support.ts";
import { testDsn } from "../support/database.ts";
import { assertLoads, open, type TupleConnection } from "../support/values.ts";

const KINDS = [TypeInfo, RangeInfo, MultirangeInfo, CompositeInfo, EnumInfo];

/** Types in the schema for temporary objects, which is gone with the session. */
async function createTypes(conn: TupleConnection): Promise<void> {
  await conn.execute(`
    create type pg_temp.mood as enum ('sad', 'ok', 'happy');
    create type pg_temp.pair as (a int4, gone text, b text);
    alter type pg_temp.pair drop attribute gone;
    create type pg_temp.spanne as range (subtype = int4);
    create domain pg_temp.positive as int4 check (value > 0);
    create domain pg_temp.small as pg_temp.positive check (value < 10)`);
}

Deno.test(
  "AD-19 TypeInfo.fetch: null for what is not there, in every status, which stays what it was",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    const status = () => conn.info.transactionStatus;
    for (const kind of KINDS) {
      assertEquals(await kind.fetch(conn, "nosuch"), null);
      assertEquals(await kind.fetch(conn, "nosuch.nosuch"), null);
      assertEquals(await kind.fetch(conn, new Identifier("no such €")), null);
    }
    assertEquals(status(), TransactionStatus.IDLE);
    await conn.execute("select 1");
    for (const kind of KINDS) {
      assertEquals(await kind.fetch(conn, "nosuch"), null);
      assertEquals(await kind.fetch(conn, "order"), null);
    }
    assertEquals(status(), TransactionStatus.INTRANS);
    await rejection(conn.execute("select nosuch"));
    assertEquals(status(), TransactionStatus.INERROR);
    for (const kind of KINDS) {
      assertError(await rejection(kind.fetch(conn, "nosuch")), {
        class: InFailedSqlTransaction,
        usable: true,
      });
    }
    assertEquals(status(), TransactionStatus.INERROR);
    await conn.rollback();
    assertEquals((await TypeInfo.fetch(conn, "int4"))?.oid, 23);
    assertEquals(status(), TransactionStatus.IDLE);
  }),
);

Deno.test(
  "fetch: each kind finds its own, with what it is made of",
  quiet(async () => {
    await using conn = await open();
    await createTypes(conn);
    const mood = await EnumInfo.fetch(conn, "mood");
    assertEquals(mood?.labels, ["sad", "ok", "happy"]);
    const pair = await CompositeInfo.fetch(conn, "PAIR");
    assertEquals(pair?.fieldNames, ["a", "b"]);
    assertEquals(pair?.fieldTypes, [23, 25]);
    const range = await RangeInfo.fetch(conn, "pg_temp.spanne");
    assertEquals(range?.subtypeOid, 23);
    if (conn.info.serverVersion >= 140000) {
      const [[name] = []] = await conn.execute(
        "select rngmultitypid::regtype::text from pg_range where rngtypid = 'spanne'::regtype",
      ).fetchAll();
      const multi = await MultirangeInfo.fetch(conn, name as string);
      assertEquals([multi?.rangeOid, multi?.subtypeOid], [range?.oid, 23]);
    }
    for (const kind of [RangeInfo, MultirangeInfo, CompositeInfo]) {
      assertEquals(await kind.fetch(conn, "mood"), null);
    }
    for (const kind of [EnumInfo, RangeInfo, MultirangeInfo]) {
      assertEquals(await kind.fetch(conn, "pair"), null);
    }
    const found = await TypeInfo.fetch(conn, "mood");
    assertEquals(found?.constructor, TypeInfo);
    assertEquals([found?.oid, found?.arrayOid], [mood?.oid, mood?.arrayOid]);
    assertEquals((await TypeInfo.fetch(conn, "small"))?.baseOid, 23);
    assertEquals(found?.baseOid, 0);
  }),
);

Deno.test(
  "fetch: a type without fields or labels is still of its kind",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(
      "create type pg_temp.nothing as (); create type pg_temp.never as enum ()",
    );
    assertEquals((await CompositeInfo.fetch(conn, "nothing"))?.fieldNames, []);
    assertEquals((await EnumInfo.fetch(conn, "never"))?.labels, []);
  }),
);

Deno.test(
  "fetch: names as they stand in SQL, quoted, qualified, of several words, or as Identifier",
  quiet(async () => {
    await using conn = await open();
    for (
      const [name, oid] of [
        ["integer", 23],
        ["INT", 23],
        ["double  precision", 701],
        ["timestamp with time zone", 1184],
        ["pg_catalog.int4", 23],
        [' "pg_catalog" . "int4" ', 23],
        ["char", 1042],
        ['"char"', 18],
        ["decimal", 1700],
        ["pg_type", null],
      ] as const
    ) {
      const info = await TypeInfo.fetch(conn, name);
      if (oid !== null) assertEquals(info?.oid, oid, name);
      assert(info !== null, name);
    }
    assertEquals(
      (await TypeInfo.fetch(conn, new Identifier("pg_catalog", "bool")))?.oid,
      16,
    );
    await conn.execute(
      `create type pg_temp."Ab "".'\\ €" as enum ('x'); create type pg_temp."order" as enum ('x')`,
    );
    const quoted = await TypeInfo.fetch(conn, `"Ab "".'\\ €"`);
    assertEquals(quoted?.name, `Ab ".'\\ €`);
    assertEquals(
      (await TypeInfo.fetch(conn, new Identifier("pg_temp", quoted!.name)))
        ?.oid,
      quoted?.oid,
    );
    assertEquals((await TypeInfo.fetch(conn, '"order"'))?.name, "order");
    assertEquals(await TypeInfo.fetch(conn, '"Order"'), null);
    for (
      const name of ["", " ", "a b", '"', '""', "a.", "1a", "a;b", "a.b.c"]
    ) {
      assertError(await rejection(TypeInfo.fetch(conn, name)), {
        class: ProgrammingError,
        says: ["Cannot look up the type"],
      });
    }
  }),
);

Deno.test(
  "ADP-10 fetch: any client encoding, SQL_ASCII too, and names that it does not have",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(`create type pg_temp."größe €" as enum ('für €', '猫')`);
    for (const encoding of ["UTF8", "LATIN1", "SJIS", "GBK", "SQL_ASCII"]) {
      await conn.execute(`set client_encoding to ${encoding}`);
      const info = await EnumInfo.fetch(conn, new Identifier("größe €"));
      assertEquals(info?.name, "größe €", encoding);
      assertEquals(info?.labels, ["für €", "猫"], encoding);
    }
  }),
);

Deno.test(
  "fetch: in a pipeline and beside statements of other tasks",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline(async () => {
      const first = conn.execute("select 1");
      const info = TypeInfo.fetch(conn, "int4");
      const last = conn.execute("select 2");
      assertEquals(await (await first).fetchAll(), [[1]]);
      assertEquals((await info)?.oid, 23);
      assertEquals(await (await last).fetchAll(), [[2]]);
    });
  }),
);

Deno.test(
  "F14 fetch: a search_path with operators and functions of its own changes nothing",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("begin");
    await conn.execute(`
      create schema hostile;
      create type hostile.mood as enum ('b', 'a');
      create function hostile.no(oid, oid) returns bool language sql as 'select false';
      create operator hostile.= (leftarg = oid, rightarg = oid, function = hostile.no);
      create function hostile.no(name, name) returns bool language sql as 'select false';
      create operator hostile.= (leftarg = name, rightarg = name, function = hostile.no);
      create function hostile.no("char", "char") returns bool language sql as 'select false';
      create operator hostile.= ("leftarg" = "char", rightarg = "char", function = hostile.no);
      create function hostile.no(int2, int2) returns bool language sql as 'select false';
      create operator hostile.> (leftarg = int2, rightarg = int2, function = hostile.no);
      create function hostile.pg_type_is_visible(oid) returns bool language sql as 'select false';
      create function hostile.convert_to(text, name) returns bytea language sql as 'select null::bytea';
      create function hostile.encode(bytea, text) returns text language sql as $$select 'zz'$$;
      create function hostile.decode(text, text) returns bytea language sql as 'select null::bytea';
      create function hostile.format_type(oid, int4) returns text language sql as $$select 'x'$$;
      create table hostile.pg_type (oid oid, typname name);
      create table hostile.pg_enum (enumtypid oid, enumlabel name);
      create type hostile.int8 as enum ('x');
      create type hostile.name as enum ('x');
      create type hostile.text as enum ('x');
      create type hostile.pair as (a pg_catalog.int4, b pg_catalog.int8);
      set local search_path to hostile, pg_catalog`);
    // The path is in force: this comparison is the hostile one.
    assertEquals(
      await conn.execute("select 1::oid = 1::oid").fetchAll(),
      [[false]],
    );
    const mood = await EnumInfo.fetch(conn, "mood");
    assertEquals(mood?.labels, ["b", "a"]);
    assertEquals(mood?.regtype, "mood");
    const pair = await CompositeInfo.fetch(conn, "hostile.pair");
    assertEquals(pair?.fieldNames, ["a", "b"]);
    assertEquals(pair?.fieldTypes, [23, 20]);
    assertEquals((await TypeInfo.fetch(conn, "pg_catalog.int8"))?.oid, 20);
    await conn.execute("rollback");
  }),
);

Deno.test(
  "AR-11 an array of a table's type is text, and a list once the type is registered",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table thing (a int4, b text)");
    const query = "select array[(1, 'x'), (2, null)]::thing[]";
    assertEquals(await conn.execute(query).fetchAll(), [['{"(1,x)","(2,)"}']]);
    (await TypeInfo.fetch(conn, "thing"))?.register(conn);
    assertEquals(await conn.execute(query).fetchAll(), [[["(1,x)", "(2,)"]]]);
  }),
);

Deno.test(
  "register: on a cursor, on a connection, and on the global map for connections to come",
  quiet(async () => {
    await using conn = await open();
    await createTypes(conn);
    const info = (await TypeInfo.fetch(conn, "mood"))!;
    const query = "select '{ok,sad}'::mood[]";
    const cursor = conn.cursor();
    info.register(cursor);
    assertEquals(await cursor.execute(query).fetchOne(), [["ok", "sad"]]);
    assertEquals(await conn.execute(query).fetchOne(), ["{ok,sad}"]);
    info.register(conn);
    assertEquals(await conn.execute(query).fetchOne(), [["ok", "sad"]]);
    assertEquals(adapters.types.get("mood"), null);
    // Nothing can be taken off the global map, so another name than any test has.
    const own = new TypeInfo("registered_globally", 4_000_000_001, 0);
    own.register();
    await using later = await open();
    assertEquals(later.adapters.types.get("registered_globally"), own);
    assertEquals(conn.adapters.types.get("registered_globally"), null);
  }),
);

Deno.test(
  "P10 domains: values, arrays and fields are those of the type they are over",
  quiet(async () => {
    await using conn = await open();
    await createTypes(conn);
    await conn.execute("create type pg_temp.cell as (n small, d date)");
    for (const name of ["positive", "small"]) {
      (await TypeInfo.fetch(conn, name))!.register(conn);
    }
    registerComposite(await CompositeInfo.fetch(conn, "cell"), conn);
    await assertLoads(conn, `5::small`, 5);
    await assertLoads(conn, `'{5,NULL}'::small[]`, [5, null]);
    await assertLoads(conn, `'{50}'::positive[]`, [50]);
    await assertLoads(conn, `(5, null)::cell`, { n: 5, d: null });
  }),
);

Deno.test(
  "K7 enums, composites and domains that are dropped and created again work under their new OIDs",
  quiet(async () => {
    await using conn = await open({ prepareThreshold: 2 });
    await using other = await connect(testDsn(), { autocommit: true });
    const schema = `k7_${crypto.randomUUID().slice(0, 8)}`;
    await other.execute(`create schema ${schema}`);
    try {
      await conn.execute(`set search_path to ${schema}`);
      const oids = new Set<number>();
      for (
        const [extra, by, base, made] of [
          ["x", other, "int4", 7],
          ["y", conn, "text", "7"],
          ["z", other, "bool", true],
        ] as const
      ) {
        await by.execute(`
          drop type if exists ${schema}.pair, ${schema}.mood, ${schema}.kind;
          create type ${schema}.mood as enum ('${extra}');
          create domain ${schema}.kind as ${base};
          create type ${schema}.pair as (m ${schema}.mood, ${extra} int4)`);
        const kind = (await TypeInfo.fetch(conn, "kind"))!;
        oids.add(kind.oid);
        assertEquals(kind.baseOid, conn.adapters.types.getOid(base));
        kind.register(conn);
        for (let i = 0; i < 4; i++) {
          const rows = conn.execute("select array[%s]::kind[]", [
            new Typed(made, "kind"),
          ]);
          assertEquals(await rows.fetchAll(), [[[made]]]);
        }
        const mood = (await EnumInfo.fetch(conn, "mood"))!;
        const pair = (await CompositeInfo.fetch(conn, "pair"))!;
        oids.add(mood.oid).add(pair.oid);
        const moods = registerEnum(mood, conn);
        registerComposite(pair, conn);
        assertEquals(pair.fieldTypes, [mood.oid, 23]);
        for (let i = 0; i < 4; i++) {
          const rows = conn.execute(
            `select array[(%s, 1)]::pair[] as p, %s as m`,
            [extra, moods.of(extra)],
          );
          assertEquals(await rows.fetchAll(), [[
            [{ m: extra, [extra]: 1 }],
            extra,
          ]]);
        }
        assertEquals(conn.adapters.types.get("mood"), mood);
      }
      assertEquals(oids.size, 9);
      // What was registered before is forgotten: its OIDs can become other types.
      for (const oid of [...oids].slice(0, 6)) {
        assertEquals(conn.adapters.types.get(oid), null);
      }
    } finally {
      await other.execute(`drop schema ${schema} cascade`);
    }
  }),
);
