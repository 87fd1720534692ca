/**
 * Whom a registration concerns, on real connections, and where a dumper of a
 * user is asked.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  adapters,
  CompositeInfo,
  EnumInfo,
  registerComposite,
  sql,
  Tuple,
} from "../../mod.ts";
import {
  BinaryDumper,
  OID,
  TextDumper,
  type WriteBuffer,
} from "../../types/mod.ts";
import { quiet } from "../connection/support.ts";
import { open } from "../support/values.ts";

Deno.test(
  "AD-05 registerLoader: the global map concerns later connections, a connection its later cursors, a cursor itself",
  quiet(async () => {
    const query = "select '0/0'::pg_lsn";
    await using before = await open();
    const early = before.cursor();
    // This module's copy of the global map, so that no other test file sees it.
    adapters.registerLoader("pg_lsn", () => "global");
    await using after = await open();
    assertEquals(await after.execute(query).fetchOne(), ["global"]);
    assertEquals(await before.execute(query).fetchOne(), ["0/0"]);
    assertEquals(await early.execute(query).fetchOne(), ["0/0"]);

    before.adapters.registerLoader("pg_lsn", () => "connection");
    assertEquals(await before.execute(query).fetchOne(), ["connection"]);
    assertEquals(await early.execute(query).fetchOne(), ["0/0"]);
    assertEquals(await after.execute(query).fetchOne(), ["global"]);

    const own = before.cursor();
    own.adapters.registerLoader("pg_lsn", () => "cursor");
    assertEquals(await own.execute(query).fetchOne(), ["cursor"]);
    assertEquals(await before.execute(query).fetchOne(), ["connection"]);
    assertEquals(await before.cursor().execute(query).fetchOne(), [
      "connection",
    ]);
  }),
);

Deno.test(
  "ADP-07 connect: takes the adapters of another connection, of a cursor or a map as they are, for good",
  quiet(async () => {
    const query = "select '0/0'::pg_lsn";
    await using first = await open();
    first.adapters.registerLoader("pg_lsn", () => "first");
    await using second = await open({ context: first });
    const cursor = first.cursor();
    cursor.adapters.registerLoader("pg_lsn", () => "cursor");
    await using third = await open({ context: cursor });
    first.adapters.registerLoader("pg_lsn", () => "later");
    second.adapters.registerLoader("int4", () => "second");
    assertEquals(await second.execute(query).fetchOne(), ["first"]);
    assertEquals(await third.execute(query).fetchOne(), ["cursor"]);
    assertEquals(await first.execute("select 1").fetchOne(), [1]);
    assertEquals(await second.execute("select 1").fetchOne(), ["second"]);
  }),
);

Deno.test(
  "D-15 what is registered on a cursor after execute() affects its next result, not the one that is there",
  quiet(async () => {
    await using conn = await open();
    const cursor = conn.cursor();
    const query = "select n from generate_series(1, 3) as n";
    for (let run = 0; run < 3; run++) {
      await cursor.execute(query);
      const shown = (n: number) => [run === 0 ? n : `${run - 1}: ${n}`];
      assertEquals(await cursor.fetchOne(), shown(1));
      cursor.adapters.registerLoader("int4", (text) => `${run}: ${text}`);
      assertEquals(await cursor.fetchAll(), [shown(2), shown(3)]);
    }
  }),
);

Deno.test(
  "registerDumper: for a type, it serves a COPY with setTypes, also inside arrays",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create type pg_temp.grade as enum ('low', 'high')");
    const grade = (await EnumInfo.fetch(conn, "grade"))!;
    grade.register(conn);
    const labelOf = (value: number) => value > 5 ? "high" : "low";
    conn.adapters.registerDumper(grade, labelOf);
    await conn.execute("create temp table marks (g grade, many grade[])");
    await conn.cursor().copy("copy marks from stdin", async (copy) => {
      copy.setTypes(["grade", "grade[]"]);
      await copy.writeRow([7, [1, null, 9]]);
    });
    assertEquals(await conn.execute("select * from marks").fetchAll(), [
      ["high", ["low", null, "high"]],
    ]);
    // Elsewhere a number stays a number.
    assertEquals(await conn.execute("select %s", [7]).fetchOne(), [7]);
  }),
);

Deno.test(
  "a dumper may return null, which is NULL: as a parameter, in arrays and rows, as a literal and in COPY",
  quiet(async () => {
    class Maybe {
      readonly n: number | null;
      constructor(n: number | null) {
        this.n = n;
      }
    }
    class MaybeDumper extends TextDumper<Maybe> {
      override readonly oid: number = OID.INT4;
      override readonly cast: string = "int4";
      override text({ n }: Maybe): string | null {
        return n === null ? null : String(n);
      }
    }
    class MaybeBinaryDumper extends BinaryDumper<Maybe> {
      override readonly oid: number = OID.INT4;
      override readonly cast: string = "int4";
      override dump({ n }: Maybe, out: WriteBuffer): void | null {
        if (n === null) return null;
        out.int32(n);
      }
      override text({ n }: Maybe): string | null {
        return n === null ? null : String(n);
      }
    }
    await using conn = await open();
    await conn.execute("create type pg_temp.pair as (a int4, b int4)");
    const pair = (await CompositeInfo.fetch(conn, "pair"))!;
    registerComposite(pair, conn);
    conn.adapters.registerDumper(Maybe, MaybeBinaryDumper);
    conn.adapters.registerDumper(Maybe, MaybeDumper);
    const [none, one] = [new Maybe(null), new Maybe(1)];
    const values = [none, one, [none, one], new Tuple([none, one], pair)];
    const expected = [null, 1, [null, 1], { a: null, b: 1 }];
    for (const kind of ["s", "t", "b"]) {
      const marks = values.map(() => `%${kind}`).join();
      const row = await conn.execute(`select ${marks}`, values).fetchOne();
      assertEquals(row, expected, kind);
    }
    const literals = sql.join(values.map((value) => sql.literal(value)));
    assertEquals(
      await conn.execute(sql`select ${literals}`).fetchOne(),
      expected,
    );
    await conn.execute(
      "create temp table maybe (a int4, b int4, c int4[], d pair)",
    );
    for (const format of ["text", "binary"]) {
      await conn.execute("truncate maybe");
      await conn.cursor().copy(
        `copy maybe from stdin (format ${format})`,
        (copy) => copy.writeRow(values),
      );
      assertEquals(
        await conn.execute("select * from maybe").fetchAll(),
        [expected],
        format,
      );
    }
  }),
);

Deno.test(
  "AD-09 a text dumper of a user serves arrays and literals, and its quote() the latter",
  quiet(async () => {
    class Note {
      readonly text: string;
      constructor(text: string) {
        this.text = text;
      }
    }
    class NoteDumper extends TextDumper<Note> {
      override readonly oid: number = 25;
      override text({ text }: Note): string {
        return `*${text}*`;
      }
    }
    class QuotingDumper extends NoteDumper {
      override quote({ text }: Note): string {
        return `upper('${text}')`;
      }
    }
    await using conn = await open();
    const note = new Note('a,"b');
    conn.adapters.registerDumper(Note, NoteDumper);
    assertEquals(
      await conn.execute("select %s, %s", [note, [note, null]]).fetchOne(),
      ['*a,"b*', ['*a,"b*', null]],
    );
    assertEquals(
      await conn.execute(
        sql`select ${sql.literal(note)}, ${sql.literal([[note]])}`,
      ).fetchOne(),
      ['*a,"b*', [['*a,"b*']]],
    );
    conn.adapters.registerDumper(Note, QuotingDumper);
    assertEquals(
      await conn.execute(sql`select ${sql.literal(note)}`).fetchOne(),
      ['A,"B'],
    );
  }),
);
