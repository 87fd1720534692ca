/**
 * What hostile text in statements, names and values must not achieve, on a real
 * server. Its counterpart without a server is in tests/sql/.
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ClientCursor,
  copyRecords,
  DataError,
  dictRow,
  insertMany,
  Listener,
  ProgrammingError,
  RawCursor,
  Rollback,
  scalarRow,
  sql,
  tupleRow,
} from "../../mod.ts";
import { Identifier, quote } from "../../sql/mod.ts";
import { SyntaxError } from "../../errors/mod.ts";
import { testDsn } from "../support/database.ts";
import { open, quiet } from "./support.ts";

/** Places in a statement where a placeholder is no placeholder to the server. */
const PLACES: readonly (readonly [string, string])[] = [
  ["select $tag$ @ $tag$ as v", " @ "],
  ["select $$ @ $$ as v", " @ "],
  ["select E'\\'@' as v", "'@"],
  ["select '@' as v", "@"],
  ["select 'x' as v -- @", "x"],
  ["select 'x' /* @ /* @ */ @ */ as v", "x"],
  ["select 'x' as v, 1 as \"@\"", "x"],
];

Deno.test(
  "F2 RawCursor, sql: a placeholder inside quotes or a comment is left as it is",
  quiet(async () => {
    await using conn = await open();
    const raw = new RawCursor(conn);
    for (const [text, value] of PLACES) {
      await raw.execute(text.replaceAll("@", "$1"), []);
      const found = (await raw.fetchOne() as { v: string }).v;
      assertEquals(found, value.replaceAll("@", "$1"), text);
      for (const mark of ["%s", "%(name)s", "$1"]) {
        const fragment = sql.raw(text.replaceAll("@", mark));
        const row = await conn.execute(sql`${fragment}`).fetchOne();
        assertEquals(row?.v, value.replaceAll("@", mark), text);
      }
    }
  }),
);

Deno.test(
  "F2 Cursor, copy: a placeholder inside quotes or a comment is never an injection",
  quiet(async () => {
    await using conn = await open();
    const hostile = "'; drop table victim; --*/ $tag$ $$ \"";
    await conn.execute("create temp table victim (n int)");
    for (const [text] of PLACES) {
      await assertRejects(
        () => conn.execute(text.replace("@", "%s"), [hostile]),
        Error,
        undefined,
        text,
      );
      const client = new ClientCursor(conn);
      await assertRejects(
        () => client.execute(text.replace("@", "%s"), [hostile]),
        ProgrammingError,
        "placeholder",
        text,
      );
      const copied = `copy (${text.replace("@", "%s")}\n) to stdout`;
      const error = await assertRejects(
        () => conn.copy(copied, [hostile], () => {}),
        ProgrammingError,
        "placeholder",
        text,
      );
      assertEquals(error.reachedServer, false);
      assertEquals(
        await conn.execute("select count(*)::int4 as n from victim").fetchOne(),
        { n: 0 },
      );
    }
  }),
);

Deno.test("F4 Literal: text that is not well-formed is refused at every edge", () => {
  for (const lone of ["\ud800", "\udbff", "\udc00", "\udfff"]) {
    for (const text of [lone, `a${lone}`, `${lone}'`, `'${lone};--`]) {
      assertThrows(() => quote(text), DataError, "surrogate", escape(text));
      assertThrows(() => new Identifier(text).asString(), DataError);
    }
  }
  assertThrows(() => quote("a\0b"), DataError, "NUL");
});

Deno.test(
  "F4 quote: the ends of the ranges of UTF-8, and every character set, come back as they were",
  quiet(async () => {
    const edges = [
      "\u007f",
      "\u0080",
      "\u07ff",
      "\u0800",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{10ffff}",
    ];
    await using conn = await open();
    for (const edge of edges) {
      for (const text of [edge, `'${edge}`, `${edge}'`, `\\${edge}\\'`]) {
        const row = await conn.execute(`select ${quote(text, conn)} as v`)
          .fetchOne();
        assertEquals(row?.v, text);
      }
    }
    // Encodings whose second byte may be a quote or a backslash in ASCII.
    for (const encoding of ["SJIS", "BIG5", "GBK", "GB18030", "UHC"]) {
      await conn.execute(`set client_encoding to ${encoding}`);
      for (const text of ["表'", "功\\'", "誠';--", "許''"]) {
        let quoted: string;
        try {
          quoted = `select ${quote(text, conn)} as v`;
          assertEquals((await conn.execute(quoted).fetchOne())?.v, text);
        } catch (error) {
          // What the encoding does not have is refused, not bent.
          assert(error instanceof DataError, `${encoding} ${text}: ${error}`);
        }
      }
    }
  }),
);

/** Names that would do harm, or get lost, if they were not quoted. */
const HOSTILE: readonly string[] = [
  'x"; drop table victim; --',
  "x'; drop table victim; --",
  "x\\'; drop table victim; --",
  "$$; drop table victim; $$",
  "%s $1 %(name)s %%",
  "a.b",
  "Mixed Case",
  "select",
  "new\nline\t",
  "__proto__",
  "ünï ☃ 🦕",
  "x".repeat(63),
];

Deno.test(
  "F9 names: of channels, savepoints, cursors, targets of COPY and schemas are always quoted",
  quiet(async () => {
    await using conn = await open();
    await using listener = await Listener.connect(testDsn());
    await conn.execute("create temp table victim (n int)");
    const names = async (query: string) => {
      const cursor = conn.cursor({ rowFactory: scalarRow });
      return await cursor.execute(query).fetchAll();
    };
    for (const name of HOSTILE) {
      // Channels, of a listener and of a connection.
      await listener.listen(name);
      await conn.execute(sql`listen ${sql.id(name)}`);
      assertEquals(await names("select pg_listening_channels()"), [name]);
      await conn.execute("select pg_notify(%s, 'x')", [name]);
      const item = (await listener.next()).value;
      assert(item?.kind === "notify");
      assertEquals(item.channel, name);
      assertEquals(conn.pendingNotifies().map((one) => one.channel), [name]);
      await conn.execute(sql`unlisten ${sql.id(name)}`);
      await listener.unlisten(name);

      // Savepoints, released and rolled back to.
      await conn.transaction(async (tx) => {
        await tx.execute("insert into victim values (1)");
        await tx.transaction(async () => {}, { savepointName: name });
        await tx.transaction(async (inner) => {
          await inner.execute("delete from victim");
          throw new Rollback();
        }, { savepointName: name });
        assertEquals(await names("select n from victim"), [1]);
        throw new Rollback();
      });

      // Cursors on the server.
      await conn.transaction(async (tx) => {
        const cursor = tx.cursor(name, { scrollable: true });
        await cursor.execute("select generate_series(1, 5) as n");
        assertEquals(
          await names("select name from pg_cursors where name <> ''"),
          [name],
        );
        assertEquals(await cursor.fetchOne(), { n: 1 });
        await cursor.scroll(2);
        assertEquals((await cursor.fetchMany(1))[0], { n: 4 });
        await cursor.close();
        assertEquals(
          await names("select name from pg_cursors where name <> ''"),
          [],
        );
      });

      // Schemas, and targets of COPY: tables and columns.
      const schema = new Identifier(name).asString();
      await conn.transaction(async (tx) => {
        await tx.execute(`create schema ${schema}`);
        await tx.execute(
          sql`create table ${sql.id(name, name)} (${sql.id(name)} int)`,
        );
        await copyRecords(conn, [name, name], [{ [name]: 1 }]);
        await insertMany(conn, new Identifier(name, name), [{ [name]: 2 }]);
        await conn.copy(
          sql`copy ${sql.id(name, name)} (${sql.id(name)}) from stdin`,
          (copy) => copy.writeRow([3]),
        );
        const row = await tx.execute(
          sql`select array_agg(t) as all from (select ${
            sql.id(name)
          } as t from ${sql.id(name, name)}) as x`,
        ).fetchOne();
        assertEquals(row, { all: [1, 2, 3] });
        assertEquals(
          await names(
            "select nspname from pg_namespace join pg_class c on relnamespace = pg_namespace.oid where relname = nspname and relkind = 'r'",
          ),
          [name],
        );
        throw new Rollback();
      });
    }
    // What no name can be is refused, and nothing is sent of it.
    for (const name of ["a\0b", "\ud800"]) {
      const ways: (() => unknown)[] = [
        () => listener.listen(name),
        () => conn.execute(sql`listen ${sql.id(name)}`),
        () => conn.transaction(async () => {}, { savepointName: name }),
        () =>
          conn.transaction((tx) => tx.cursor(name).execute("select 1 as n")),
        () => copyRecords(conn, [name, "t"], [[1]]),
        () => copyRecords(conn, ["public", name], [[1]]),
        () => conn.copy(sql`copy ${sql.id(name)} from stdin`, () => {}),
      ];
      for (const way of ways) {
        await assertRejects(async () => await way(), DataError);
      }
    }
    assertEquals(await names("select count(*)::int4 from victim"), [0]);
  }),
);

Deno.test(
  "F11 F12 rows: whatever a column is called, it is a plain key",
  quiet(async () => {
    await using conn = await open();
    const names = [
      '"];Deno.exit(9)//',
      "`${Deno.exit(9)}`",
      "\\u0022;globalThis.hacked=1//",
      "\n*/globalThis.hacked=1/*",
      "\u2028globalThis.hacked=1",
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "then",
      "valueOf",
      "?column?",
      "0",
      "-1",
    ];
    const text = `select ${
      names.map((name, i) => `${i} as ${new Identifier(name).asString()}`)
        .join()
    }`;
    for (const binary of [undefined, true, false]) {
      for (let run = 0; run < 3; run++) {
        const cursor = conn.cursor({ binary });
        const row = await cursor.execute(text).fetchOne();
        assertEquals(Object.keys(row!).sort(), [...names].sort());
        for (const [i, name] of names.entries()) {
          assertEquals(Object.getOwnPropertyDescriptor(row, name)?.value, i);
        }
        assertEquals(Object.getPrototypeOf(row), Object.getPrototypeOf({}));
      }
    }
    assertEquals(Reflect.get(globalThis, "hacked"), undefined);
    assertEquals(Reflect.get({}, "0"), undefined);
  }),
);

Deno.test(
  "F12 rows: 1 600 columns",
  quiet(async () => {
    await using conn = await open();
    const numbers = Array.from({ length: 1600 }, (_, i) => i);
    const text = `select ${numbers.map((i) => `${i} as c${i}`).join()}`;
    for (let run = 0; run < 2; run++) {
      const row = await conn.execute(text).fetchOne();
      assertEquals(Object.values(row!), numbers);
      assertEquals(Object.keys(row!).at(-1), "c1599");
    }
  }),
);

Deno.test(
  "F13 dictRow: two columns of one name are never lost silently",
  quiet(async () => {
    await using conn = await open();
    const text = "select 1 as a, 2 as b, 3 as a";
    await assertRejects(
      () => conn.execute(text),
      ProgrammingError,
      '"a"',
    );
    const tuples = conn.cursor({ rowFactory: tupleRow });
    assertEquals(await tuples.execute(text).fetchOne(), [1, 2, 3]);
    const last = conn.cursor({ rowFactory: dictRow({ duplicates: "last" }) });
    assertEquals(await last.execute(text).fetchOne(), { a: 3, b: 2 });
  }),
);

Deno.test(
  "F15 execute: two statements with parameters run neither",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table once (n int)");
    for (const params of [[1, 2], []]) {
      const mark = params.length > 0 ? "%s" : "1";
      await assertRejects(
        () =>
          conn.execute(
            `insert into once values (${mark}); insert into once values (${mark})`,
            params,
          ),
        SyntaxError,
      );
    }
    const row = await conn.execute("select count(*)::int4 as n from once")
      .fetchOne();
    assertEquals(row, { n: 0 });
  }),
);

Deno.test(
  "K8 execute: a change of search_path gives a text its new meaning, prepared or not",
  quiet(async () => {
    await using conn = await open({ prepareThreshold: 2 });
    const schemas = ["pgts_k8_a", "pgts_k8_b"];
    // Types of the same width, and the same type under another name.
    await conn.execute(
      `create schema pgts_k8_a create table t (v int4, w text);
       create schema pgts_k8_b create table t (v float4, w2 text);
       insert into pgts_k8_a.t values (1, 'a');
       insert into pgts_k8_b.t values (1.5, 'b')`,
    );
    const expected = [{ v: 1, w: "a" }, { v: 1.5, w2: "b" }];
    const ways = [
      (schema: string) => conn.execute(`set search_path to ${schema}`),
      (schema: string) =>
        conn.execute("select set_config('search_path', %s, false)", [schema]),
      (schema: string) =>
        conn.execute(
          `do $$ begin perform set_config('search_path', '${schema}', false); end $$`,
        ),
    ];
    try {
      for (const prepare of [undefined, true, false]) {
        for (const set of ways) {
          for (let round = 0; round < 8; round++) {
            await set(schemas[round % 2]!);
            for (let run = 0; run < 1 + round % 4; run++) {
              const cursor = await conn.execute("select * from t", undefined, {
                prepare,
              });
              assertEquals(await cursor.fetchAll(), [expected[round % 2]!]);
            }
          }
        }
      }
    } finally {
      await conn.execute(
        "drop schema pgts_k8_a cascade; drop schema pgts_k8_b cascade",
      );
    }
  }),
);
