import { assertEquals } from "@std/assert";
import { DataError, ProgrammingError } from "../../mod.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  assertUsable,
  ONE,
  open,
  openScripted,
  pause,
  quiet,
  rejection,
} from "./support.ts";

const FORMATS = ["text", "binary"] as const;
const SIGNATURE = "PGCOPY\n\xff\r\n\0";

Deno.test(
  "CO-02 COPY-05 read, iteration: the blocks that the server sends, one for a row, header and trailer in them",
  quiet(async () => {
    await using conn = await open();
    const query = (format: string) =>
      `copy (select n, 'x' from generate_series(1, 3) n) to stdout (format ${format})`;
    const latin1 = (block: Uint8Array) =>
      new TextDecoder("latin1").decode(block);
    await conn.copy(query("text"), async (copy) => {
      const blocks = (await Array.fromAsync(copy)).map(latin1);
      assertEquals(blocks, ["1\tx\n", "2\tx\n", "3\tx\n"]);
      assertEquals((await copy.read()).length, 0);
      await copy.end();
      assertEquals((await copy.read()).length, 0);
    });
    const blocks: Uint8Array[] = [];
    await conn.copy(query("binary"), async (copy) => {
      for (let block = await copy.read(); block.length > 0;) {
        blocks.push(block);
        block = await copy.read();
      }
    });
    assertEquals(blocks.length, 4);
    const row = "\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x01x";
    assertEquals(latin1(blocks[0]!), `${SIGNATURE}${"\0".repeat(8)}${row}`);
    assertEquals([...blocks[3]!], [0xff, 0xff]);
  }),
);

Deno.test(
  "COPY-05 read: blocks of all sizes, while many or few of them wait",
  quiet(async () => {
    await using conn = await open();
    const sizes = [...Array(300).keys(), 65_535, 65_536, 70_000, 400_000, 0, 1];
    const query =
      `copy (select repeat(chr(97 + n::int % 26), size) || n from unnest($$${`{${
        sizes.join(",")
      }}`}$$::int[]) with ordinality as t(size, n)) to stdout`;
    const wanted = sizes.map((size, n) =>
      String.fromCharCode(97 + (n + 1) % 26).repeat(size) + `${n + 1}\n`
    );
    const text = (block: Uint8Array) => new TextDecoder().decode(block);
    for (const lag of [0, 50]) {
      await conn.copy(query, async (copy) => {
        await pause(lag);
        assertEquals((await Array.fromAsync(copy)).map(text), wanted);
      });
    }
    const many = "copy (select n from generate_series(1, 200000) n) to stdout";
    await conn.copy(many, async (copy) => {
      await pause(50); // Until so many wait that no more is read.
      let n = 0;
      for await (const block of copy) assertEquals(text(block), `${++n}\n`);
      assertEquals(n, 200_000);
    });
  }),
);

Deno.test(
  "COPY-05 read, readRow, iteration: who asks before something is there is served in the order of asking, and at the end everybody is told",
  quiet(async () => {
    await using conn = await open();
    const query =
      "copy (select n from generate_series(1, 3) n where pg_sleep(0.02) is not null) to stdout";
    const text = (block: Uint8Array) => new TextDecoder().decode(block);
    await conn.copy(query, async (copy) => {
      const reads = Array.from({ length: 5 }, () => copy.read());
      const blocks = (await Promise.all(reads)).map(text);
      assertEquals(blocks, ["1\n", "2\n", "3\n", "", ""]);
    });
    await conn.copy(query, async (copy) => {
      const rows = Array.from({ length: 5 }, () => copy.readRow());
      assertEquals(await Promise.all(rows), [["1"], ["2"], ["3"], null, null]);
    });
    await conn.copy(query, async (copy) => {
      const iterator = copy.rows();
      const steps = Array.from({ length: 4 }, () => iterator.next());
      assertEquals((await Promise.all(steps)).map(({ value }) => value), [
        ["1"],
        ["2"],
        ["3"],
        undefined,
      ]);
      assertEquals(await iterator.next(), { done: true, value: undefined });
    });
    // One that waits does not keep another from what comes meanwhile in its turn.
    await conn.copy(query, async (copy) => {
      const first = copy.read();
      await pause(100);
      const second = copy.readRow();
      assertEquals([text(await first), await second], ["1\n", ["2"]]);
      for await (const row of copy.rows()) {
        assertEquals(row, ["3"]);
        break;
      }
      assertEquals(await copy.readRow(), null);
    });
  }),
);

Deno.test(
  "CO-06 COPY-04 COPY-06 rows, readRow: strings or bytes without types, values with them",
  quiet(async () => {
    await using conn = await open();
    const query = (format: string) =>
      `copy (select 1::int4, null::text, 'a\tb' where true) to stdout (format ${format})`;
    const bytes = (...values: number[]) => Uint8Array.from(values);
    const untyped = {
      text: ["1", null, "a\tb"],
      binary: [bytes(0, 0, 0, 1), null, bytes(97, 9, 98)],
    };
    for (const format of FORMATS) {
      await conn.copy(query(format), async (copy) => {
        assertEquals(await Array.fromAsync(copy.rows()), [untyped[format]]);
        assertEquals(await copy.readRow(), null);
      });
      await conn.copy(query(format), async (copy) => {
        copy.setTypes(["int4", "text", 25]);
        assertEquals(await copy.readRow(), [1, null, "a\tb"]);
        assertEquals(await copy.readRow(), null);
        assertEquals(await copy.readRow(), null);
      });
      for (const types of [["int4"], ["int4", "text", "text", "text"]]) {
        const error = await rejection(conn.copy(query(format), async (copy) => {
          copy.setTypes(types);
          await copy.readRow();
        }));
        assertError(error, { class: ProgrammingError, says: ["setTypes()"] });
      }
      const error = await rejection(conn.copy(query(format), async (copy) => {
        copy.setTypes(["uuid", "text", "bool"]);
        await copy.readRow();
      }));
      assertError(error, { class: DataError, says: ["field 1"] });
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "CO-08 M7 rows, writeRow: all characters from 1 to 255 and more, out and in, in text and binary",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (n int, s text)");
    const all = String.fromCodePoint(
      ...Array.from({ length: 255 }, (_, i) => i + 1),
      0x20ac,
      0x1d11e,
    );
    const values = [
      ...all,
      all,
      "\\.",
      "\\N",
      "\\",
      "",
      "a\r\nb",
      all.repeat(50),
    ];
    for (const format of FORMATS) {
      await conn.execute("truncate t");
      await conn.copy(`copy t from stdin (format ${format})`, (copy) => {
        copy.setTypes(["int4", "text"]);
        return copy.writeRows(values.map((value, n) => [n, value]));
      });
      const stored = await conn.execute("select s from t order by n")
        .fetchAll();
      assertEquals(stored.map(({ s }) => s), values);
      const read = await conn.copy(
        `copy t to stdout (format ${format})`,
        (copy) => {
          copy.setTypes(["int4", "text"]);
          return Array.fromAsync(copy.rows());
        },
      );
      assertEquals(read, values.map((value, n) => [n, value]));
    }
  }),
);

Deno.test(
  "DT-12 setTypes: timestamptz in text and binary, exact in every zone",
  quiet(async () => {
    for (const zone of ["UTC", "Asia/Kathmandu", "America/St_Johns"]) {
      await using conn = await open();
      await conn.execute(`set timezone to '${zone}'`);
      for (const format of FORMATS) {
        const [row] = await conn.copy(
          `copy (select '2000-01-01 01:02:03.123456-10:20'::timestamptz) to stdout (format ${format})`,
          (copy) => {
            copy.setTypes(["timestamptz"]);
            return Array.fromAsync(copy.rows());
          },
        );
        assertEquals(String(row![0]), "2000-01-01T11:22:03.123456Z");
      }
    }
  }),
);

Deno.test(
  "JS-08 setTypes: jsonb comes parsed",
  quiet(async () => {
    await using conn = await open();
    const value = { a: ["x\ty", 1.5, null], "b\\": true };
    for (const format of FORMATS) {
      const rows = await conn.copy(
        `copy (select %s::jsonb) to stdout (format ${format})`,
        [value],
        (copy) => {
          copy.setTypes(["jsonb"]);
          return Array.fromAsync(copy.rows());
        },
      );
      assertEquals(rows, [[value]]);
    }
  }),
);

Deno.test(
  "M9 copy: notices in the middle of COPY go to their handler, in and out",
  quiet(async () => {
    await using conn = await open();
    const notices: string[] = [];
    conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary ?? ""));
    await conn.execute(`
      create function pg_temp.say(n int) returns int language plpgsql as
        'begin raise notice ''n %'', n; return n; end';
      create temp table t (n int check (pg_temp.say(n) > 0))
    `);
    await conn.copy("copy t from stdin", (copy) => copy.writeRows([[1], [2]]));
    assertEquals(notices.splice(0), ["n 1", "n 2"]);
    const rows = await conn.copy(
      "copy (select pg_temp.say(n) from t) to stdout",
      (copy) => Array.fromAsync(copy.rows()),
    );
    assertEquals([rows, notices], [[["1"], ["2"]], ["n 1", "n 2"]]);
  }),
);

Deno.test(
  "M8 rows: the same wherever the server cuts its blocks",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await open();
      const query =
        `copy (select n, repeat('é\t', n) from generate_series(1, 20) n) to stdout (format ${format})`;
      const read = (copy: import("../../mod.ts").Copy) => {
        copy.setTypes(["int4", "text"]);
        return Array.fromAsync(copy.rows());
      };
      const wanted = await conn.copy(query, read);
      assertEquals(wanted.length, 20);
      const data = b.concat(
        ...await conn.copy(query, (copy) => Array.fromAsync(copy)),
      );
      for (const size of [1, 3, 100, data.length]) {
        await using server = new ScriptedServer(async (session) => {
          await session.startup();
          for (const tag of ["P", "B", "E", "H"] as const) {
            await session.expect(tag);
          }
          const blocks: Uint8Array[] = [];
          for (let at = 0; at < data.length; at += size) {
            blocks.push(b.copyData(data.slice(at, at + size)));
          }
          await session.send(
            b.parseComplete(),
            b.bindComplete(),
            b.copyOutResponse([0, 0], format === "binary" ? 1 : 0),
            ...blocks,
            b.copyDone(),
            b.commandComplete("COPY 20"),
            b.readyForQuery("I"),
          );
          await session.expect("S");
          await session.serve((burst) => answer(burst, ONE));
        });
        await using scripted = await openScripted(server);
        assertEquals(await scripted.copy(query, read), wanted, `${size}`);
      }
    }
  }),
);

Deno.test(
  "M11 copy: CSV with a header, in and out, counts rows and not lines",
  quiet(async () => {
    await using conn = await open();
    await conn.execute(
      "create temp table t (a int, b text, c int generated always as (a * 2) stored)",
    );
    const cursor = conn.cursor();
    const csv = 'a,b\n1,"x,\n""y"""\n2,\n';
    await cursor.copy(
      "copy t (a, b) from stdin (format csv, header)",
      (copy) => copy.write(csv),
    );
    assertEquals([cursor.rowCount, cursor.statusMessage], [2, "COPY 2"]);
    assertEquals(await conn.execute("select * from t order by a").fetchAll(), [
      { a: 1, b: 'x,\n"y"', c: 2 },
      { a: 2, b: null, c: 4 },
    ]);
    const text = await cursor.copy(
      "copy t to stdout (format csv, header)",
      (copy) => new Response(copy.readable).text(),
    );
    assertEquals([text, cursor.rowCount], [csv, 2]);
    const piped = "x;NULL\n";
    await cursor.copy(
      "copy t (b, a) from stdin (delimiter ';', null 'NULL')",
      (copy) => copy.write(piped),
    );
    assertEquals(cursor.rowCount, 1);
  }),
);

Deno.test(
  "copy out: text in other client encodings, whose characters contain the bytes of a backslash",
  quiet(async () => {
    await using conn = await open();
    const value = "表\t能\\ソ";
    for (const encoding of ["SJIS", "BIG5", "GBK", "LATIN1"]) {
      await conn.execute(`set client_encoding to '${encoding}'`);
      const text = encoding === "LATIN1"
        ? "é\t\\"
        : encoding === "SJIS"
        ? value
        : "表\t能\\";
      const rows = await conn.copy(
        "copy (select %s::text) to stdout",
        [text],
        (copy) => Array.fromAsync(copy.rows()),
      );
      assertEquals(rows, [[text]], encoding);
      await conn.execute("create temp table if not exists t (s text)");
      await conn.execute("truncate t");
      await conn.copy("copy t from stdin", (copy) => copy.writeRow([text]));
      assertEquals(await conn.execute("select s from t").fetchAll(), [{
        s: text,
      }]);
    }
  }),
);
