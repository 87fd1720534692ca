import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Connection,
  type CopyWriter,
  DataError,
  InterfaceError,
  ProgrammingError,
  QueuedWriter,
  TransactionStatus,
} from "../../mod.ts";
import { BadCopyFileFormat, UniqueViolation } from "../../errors/mod.ts";
import { sql } from "../../mod.ts";
import {
  assertError,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
} from "./support.ts";

const FORMATS = ["text", "binary"] as const;

/** A connection with an open transaction and a table `t`. */
async function prepared(columns: string): Promise<Connection> {
  const conn = await open();
  await conn.execute(`create temp table t (${columns})`);
  conn.autocommit = false;
  return conn;
}

async function rowsOf(conn: Connection): Promise<unknown[]> {
  const rows = await conn.execute("select * from t").fetchAll();
  return rows.map((row) => Object.values(row));
}

Deno.test(
  "COPY-01 COPY-03 copy: rows in both formats, with types set, are stored",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await prepared(
        "id int4, big int8, name text, at timestamptz",
      );
      const at = Temporal.Instant.from("2024-02-29T12:00:00.5Z");
      const returned = await conn.copy(
        `copy t from stdin (format ${format})`,
        async (copy) => {
          assertEquals([copy.direction, copy.binary], [
            "in",
            format === "binary",
          ]);
          copy.setTypes(["int4", "int8", "text", "timestamptz"]);
          await copy.writeRow([1, 2n, "héllo\t€", at]);
          await copy.writeRow([2, null, null, null]);
          return "value";
        },
      );
      assertEquals(returned, "value");
      const rows = await rowsOf(conn);
      assertEquals(rows, [[1, 2n, "héllo\t€", at], [2, null, null, null]]);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "CO-04 copy: parameters of both kinds and templates are put into the statement",
  quiet(async () => {
    await using conn = await open();
    const read = async (
      ...args: [string, unknown[] | Record<string, unknown>]
    ) =>
      await conn.copy(args[0], args[1], async (copy) => {
        copy.setTypes(["int4"]);
        return (await Array.fromAsync(copy.rows())).flat();
      });
    const wanted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const source = (placeholder: string) =>
      `copy (select n from generate_series(1, ${placeholder}) n) to stdout`;
    assertEquals(await read(source("%s"), [10]), wanted);
    assertEquals(await read(source("%(top)s"), { top: 10 }), wanted);
    const top = 2;
    const text = await conn.copy(
      sql`copy (select ${"it's"}::text from generate_series(1, ${top})) to stdout`,
      (copy) => new Response(copy.readable).text(),
    );
    assertEquals(text, "it's\nit's\n");
    for (
      const text of [
        "copy (select '%s') to stdout",
        "copy (select 1 -- %s\n) to stdout",
      ]
    ) {
      const error = await rejection(conn.copy(text, [1], () => {}));
      assertError(error, {
        class: ProgrammingError,
        usable: true,
        reached: false,
      });
    }
    await assertUsable(conn);
  }),
);

Deno.test(
  "CO-10 COPY-09 copy: the same primary keys twice are a UniqueViolation at the exit, INERROR",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await prepared("id int4 primary key");
      const cursor = conn.cursor();
      const error = await rejection(
        cursor.copy(`copy t from stdin (format ${format})`, async (copy) => {
          copy.setTypes(["int4"]);
          await copy.writeRow([1]);
          await copy.writeRow([1]);
        }),
      );
      assertError(error, {
        class: UniqueViolation,
        sqlstate: "23505",
        usable: true,
      });
      assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
      assertEquals([cursor.rowCount, cursor.statusMessage], [-1, null]);
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "CO-12 copy: an empty block copies nothing, INTRANS",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await prepared("id int4");
      const cursor = conn.cursor();
      await cursor.copy(`copy t from stdin (format ${format})`, () => {});
      assertEquals([cursor.rowCount, cursor.statusMessage], [0, "COPY 0"]);
      assertEquals(conn.info.transactionStatus, TransactionStatus.INTRANS);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "CO-18 writeRow: another number of fields than types, columns or the first row is a DataError",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await prepared("a text, b text");
      await conn.copy(`copy t from stdin (format ${format})`, async (copy) => {
        const wrong = (values: unknown[]) =>
          rejection(copy.writeRow(values)).then((error) =>
            assertError(error, {
              class: DataError,
              says: [`${values.length} fields`],
            })
          );
        await wrong(["a"]);
        await copy.writeRow(["a", "b"]);
        await wrong(["a", "b", "c"]);
        copy.setTypes(["text", "text", "text"]);
        await wrong(["a", "b"]);
        copy.setTypes(["text", "text"]);
        await copy.writeRow(["c", "d"]);
      });
      assertEquals(await rowsOf(conn), [["a", "b"], ["c", "d"]]);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "CO-24 writeRow: what the text format means something by is escaped",
  quiet(async () => {
    const blocks: string[] = [];
    const tap = (server: CopyWriter): CopyWriter => ({
      write: (block) => {
        blocks.push(new TextDecoder().decode(block));
        return server.write(block);
      },
      finish: (error) => server.finish(error),
    });
    await using conn = await prepared("a text, b text");
    const special = "\b\t\n\v\f\r\\";
    const long = special + "x".repeat(100) + "é\\";
    await conn.copy("copy t from stdin", async (copy) => {
      await copy.writeRow([special, long]);
      await copy.writeRow(["\\.", "\\N"]);
      await copy.writeRow([null, ""]);
    }, { writer: tap });
    const escaped = "\\b\\t\\n\\v\\f\\r\\\\";
    assertEquals(blocks, [
      `${escaped}\t${escaped}${"x".repeat(100)}é\\\\\n` +
      "\\\\.\t\\\\N\n" + "\\N\t\n",
    ]);
    assertEquals(await rowsOf(conn), [[special, long], ["\\.", "\\N"], [
      null,
      "",
    ]]);
    await conn.rollback();
  }),
);

Deno.test(
  "CO-26 CO-28 CUR-10 copy: rowCount, statusMessage and description",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (id int, data text)");
    const cursor = conn.cursor();
    const names = () => cursor.description?.map((column) => column.name);
    await cursor.copy("copy t from stdin", async (copy) => {
      assertEquals([cursor.rowCount, copy.rowCount], [-1, -1]);
      assertEquals(names(), ["column_1", "column_2"]);
      await copy.writeRows([[1, "a"], [2, "b"], [3, "c"]]);
    });
    assertEquals([cursor.rowCount, cursor.statusMessage], [3, "COPY 3"]);
    assertEquals(names(), ["column_1", "column_2"]);
    assertError(await rejection(cursor.fetchOne()), {
      class: ProgrammingError,
    });
    const error = await rejection(
      cursor.copy("copy t from stdin", (copy) => copy.write("1\n")),
    );
    assertError(error, { class: BadCopyFileFormat, usable: true });
    assertEquals(cursor.rowCount, -1);
    await cursor.copy(
      "copy (select 1 from generate_series(1, 5)) to stdout",
      (copy) => Array.fromAsync(copy),
    );
    assertEquals(cursor.rowCount, 5);
    assertEquals(names(), ["column_1"]);
    await cursor.execute("select 1 as one");
    assertEquals(names(), ["one"]);
  }),
);

Deno.test(
  "CO-30 COPY-13 copy: statements of others on the connection wait for the end of the block",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (n int)");
    const seen: unknown[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const query of ["copy t from stdin", "copy t to stdout"]) {
      await conn.copy(query, async (copy) => {
        if (copy.direction === "in") await copy.write("1\n2\n");
        else await Array.fromAsync(copy);
        for (const i of [1, 2]) {
          waiting.push(
            conn.execute("select count(*)::int as n from t").fetchOne()
              .then((row) => seen.push([i, row?.n])),
          );
        }
        await pause(50);
        assertEquals(seen, []);
      });
      await Promise.all(waiting);
      assertEquals(seen.splice(0), [[1, 2], [2, 2]]);
    }
  }),
);

Deno.test(
  "CO-32 COPY-12 QueuedWriter: its task starts with the first write, ends with the block, and its error comes out",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (n int, pad text)");
    let queue: QueuedWriter | undefined;
    let running = 0;
    const cursor = conn.cursor();
    const pad = "x".repeat(1000);
    await cursor.copy("copy t from stdin", async (copy) => {
      assertEquals(queue?.running, false);
      for (let n = 0; n < 5000; n++) {
        await copy.writeRow([n, pad]);
      }
      assert(running > 10, `${running} blocks by the task`);
    }, {
      writer: (server) =>
        queue = new QueuedWriter({
          write: (block) => {
            if (queue?.running) running++;
            return server.write(block);
          },
          finish: () => server.finish(),
        }),
    });
    assertEquals([cursor.rowCount, queue?.running], [5000, false]);

    const broken = new RangeError("disk full");
    const error = await rejection(
      cursor.copy("copy t from stdin", async (copy) => {
        for (let n = 0; n < 5000; n++) await copy.writeRow([n, pad]);
      }, {
        writer: (server) =>
          queue = new QueuedWriter({
            write: () => Promise.reject(broken),
            finish: (error) => server.finish(error),
          }),
      }),
    );
    assertStrictEquals(error, broken);
    assertEquals(queue?.running, false);
    for (
      const writer of [
        () => {
          throw broken;
        },
        (server: CopyWriter): CopyWriter => ({
          write: (block) => server.write(block),
          finish: () => Promise.reject(broken),
        }),
      ]
    ) {
      const error = await rejection(
        cursor.copy("copy t from stdin", (copy) => copy.writeRow([1, "x"]), {
          writer,
        }),
      );
      assertStrictEquals(error, broken);
      await assertUsable(conn);
    }
    const count = await conn.execute("select count(*)::int as n from t")
      .fetchOne();
    assertEquals(count, { n: 5000 });
    await assertUsable(conn);
  }),
);

Deno.test(
  "COPY-02 M8 write: strings and bytes of any size and cut, all the same",
  quiet(async () => {
    await using conn = await prepared("n int, s text");
    const count = 3000;
    const text = Array.from({ length: count }, (_, n) => `${n}\tä€𝄞 ${n}\n`)
      .join("");
    const bytes = new TextEncoder().encode(text);
    const byParts =
      (size: number) =>
      async (copy: { write(data: string | Uint8Array): Promise<void> }) => {
        for (let at = 0; at < bytes.length; at += size) {
          await copy.write(bytes.subarray(at, at + size));
        }
      };
    const cursor = conn.cursor();
    for (
      const write of [
        byParts(1),
        byParts(7),
        byParts(65_536),
        byParts(bytes.length),
        (copy: { write(data: string): Promise<void> }) => copy.write(text),
        async (copy: { write(data: string): Promise<void> }) => {
          // Not awaited in between: the order is kept all the same.
          const half = text.indexOf("\n", text.length / 2) + 1;
          const first = copy.write(text.slice(0, half));
          const second = copy.write(text.slice(half));
          await Promise.all([first, second]);
        },
      ]
    ) {
      await cursor.copy("copy t from stdin", write);
      assertEquals(cursor.rowCount, count);
      const row = await conn.execute(
        "select count(distinct n)::int as n, string_agg(n || E'\\t' || s || E'\\n', '' order by n) as all from t",
      ).fetchOne();
      assertEquals([row?.n, row?.all === text], [count, true]);
      await conn.rollback();
      await conn.execute("truncate t");
      await conn.commit();
    }
    const error = await rejection(
      conn.copy(
        "copy t from stdin (format binary)",
        (copy) => copy.write("text"),
      ),
    );
    assert(error instanceof TypeError);
    await conn.rollback();
  }),
);

Deno.test(
  "copy: held by `await using`, it is given up unless end() is called",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (n int)");
    {
      await using copy = await conn.copy("copy t from stdin");
      await copy.writeRow([1]);
    }
    assertEquals(await rowsOf(conn), []);
    {
      await using copy = await conn.copy("copy t from stdin");
      await copy.writeRow([1]);
      await copy.end();
      await copy.end();
      assertEquals(copy.rowCount, 1);
      assertError(await rejection(copy.writeRow([1])), {
        class: InterfaceError,
      });
      assertError(await rejection(copy.read()), { class: ProgrammingError });
    }
    assertEquals(await rowsOf(conn), [[1]]);
    const stream = ReadableStream.from(["2\n", "3\n"]).pipeThrough(
      new TextEncoderStream(),
    );
    {
      await using copy = await conn.copy("copy t from stdin");
      await stream.pipeTo(copy.writable);
    }
    assertEquals(await rowsOf(conn), [[1], [2], [3]]);
  }),
);
