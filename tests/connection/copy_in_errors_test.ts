import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Connection,
  DataError,
  NotSupportedError,
  ProgrammingError,
  TransactionStatus,
} from "../../mod.ts";
import {
  CheckViolation,
  SyntaxError as ServerSyntaxError,
  UniqueViolation,
} from "../../errors/mod.ts";
import {
  assertError,
  assertUsable,
  open,
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
  "CO-14 COPY-07 M1 copy: an exception in the block comes out as it is, INERROR, nothing is stored",
  quiet(async () => {
    for (const rows of [0, 1, 1000, 20_000]) {
      await using conn = await prepared("id int4");
      await conn.commit();
      const reason = new RangeError("source failed");
      let written = 0;
      const error = await rejection(
        conn.copy("copy t from stdin", async (copy) => {
          for (; written < rows; written++) await copy.writeRow([written]);
          throw reason;
        }),
      );
      assertStrictEquals(error, reason);
      assertEquals(written, rows);
      assertEquals(conn.info.transactionStatus, TransactionStatus.INERROR);
      await conn.rollback();
      assertEquals(await rowsOf(conn), []);
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "CO-20 writeRow: a row whose dumper throws leaves nothing behind, the others are stored",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await prepared("a int4, b text");
      class Picky {
        readonly value: number;
        constructor(value: number) {
          this.value = value;
        }
      }
      const text = (picky: Picky): string => {
        if (picky.value === 2) throw new TypeError("not this one");
        return `picky ${picky.value}`;
      };
      conn.adapters.registerDumper(
        Picky,
        {
          format: format === "text" ? 0 : 1,
          oid: 25,
          dump: (value: Picky, out: { text(text: string): void }) =>
            out.text(text(value)),
          text,
          quote: text,
        } as never,
      );
      const cursor = conn.cursor();
      await cursor.copy(
        `copy t from stdin (format ${format})`,
        async (copy) => {
          for (const n of [2, 1, 2, 3]) {
            const written = copy.writeRow([
              n === 2 ? 5 : 70_000 + n,
              new Picky(n),
            ]);
            if (n !== 2) await written;
            else assert(await rejection(written) instanceof TypeError);
          }
        },
      );
      assertEquals(cursor.rowCount, 2);
      assertEquals(await rowsOf(conn), [[70001, "picky 1"], [
        70003,
        "picky 3",
      ]]);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "CO-22 writeRow: with types set, a value of the wrong type fails before anything is sent, and the COPY goes on",
  quiet(async () => {
    for (const format of FORMATS) {
      await using conn = await prepared("a int4, b text, c date");
      const date = Temporal.PlainDate.from("2024-01-02");
      await conn.copy(`copy t from stdin (format ${format})`, async (copy) => {
        copy.setTypes(["int4", "text", "date"]);
        for (
          const values of [
            ["x", "x", date],
            [1.5, "x", date],
            [2 ** 40, "x", date],
            [1, 2, date],
            [1, {}, date],
            [1, "x", 3],
            [undefined, "x", date],
          ]
        ) {
          const error = await rejection(copy.writeRow(values));
          assert(error instanceof Error, Deno.inspect(values));
        }
        await copy.writeRow([1, "x", date]);
      });
      assertEquals(await rowsOf(conn), [[1, "x", date]]);
      await conn.rollback();
    }
  }),
);

Deno.test(
  "M2 M9 copy: a row that the server rejects stops the source with its SQLSTATE, and writing on repeats it",
  quiet(async () => {
    await using conn = await prepared("n int check (n <> 500), pad text");
    await conn.commit();
    const pad = "x".repeat(1000);
    let written = 0;
    let later: unknown;
    const error = await rejection(
      conn.copy("copy t from stdin", async (copy) => {
        try {
          for (; written < 1_000_000; written++) {
            await copy.writeRow([written, pad]);
          }
        } catch (error) {
          later = await rejection(copy.writeRow([1, "again"]));
          throw error;
        }
      }),
    );
    assertError(error, {
      class: CheckViolation,
      sqlstate: "23514",
      usable: true,
    });
    assertStrictEquals(later, error);
    assert(
      written < 1_000_000,
      `${written} rows before the source was stopped`,
    );
    await conn.rollback();
    assertEquals(await rowsOf(conn), []);
    // An error that the block ignores is not lost.
    const swallowed = await rejection(
      conn.copy("copy t from stdin", async (copy) => {
        await copy.write("500\tx\n");
        await copy.write("y".repeat(1_000_000)).catch(() => {});
      }),
    );
    assertEquals((swallowed as DataError).sqlstate, "23514");
    await assertUsable(conn);
  }),
);

Deno.test(
  "M6 copy: broken binary data is a DataError or 08P01, and the connection is usable",
  quiet(async () => {
    await using conn = await prepared("a int4, b int4");
    await conn.commit();
    const header = [..."PGCOPY\n\xff\r\n\0"].map((c) => c.charCodeAt(0));
    const start = [...header, 0, 0, 0, 0, 0, 0, 0, 0];
    const int4 = [0, 0, 0, 4, 0, 0, 0, 1];
    for (
      const [what, bytes] of [
        ["no signature", [1, 2, 3]],
        ["field count", [...start, 0, 1, ...int4, 255, 255]],
        ["width of int4", [
          ...start,
          0,
          2,
          ...int4,
          0,
          0,
          0,
          2,
          0,
          1,
          255,
          255,
        ]],
        ["cut in a row", [...start, 0, 2, ...int4]],
        ["bytes behind the trailer", [...start, 255, 255, 0]],
      ] as const
    ) {
      const error = await rejection(
        conn.copy(
          "copy t from stdin (format binary)",
          (copy) => copy.write(Uint8Array.from(bytes)),
        ),
      );
      assert(
        error instanceof DataError ||
          (error as DataError).sqlstate === "08P01",
        `${what}: ${Deno.inspect(error)}`,
      );
      await assertUsable(conn);
    }
    // Since PostgreSQL ignores it, a trailer that is missing loses nothing.
    const cursor = conn.cursor();
    await cursor.copy(
      "copy t from stdin (format binary)",
      (copy) => copy.write(Uint8Array.from([...start, 0, 2, ...int4, ...int4])),
    );
    assertEquals(cursor.rowCount, 1);
    await conn.rollback();
  }),
);

Deno.test(
  "copy: NUL and lone surrogates never reach the server, and the COPY goes on",
  quiet(async () => {
    await using conn = await prepared("a text");
    await conn.copy("copy t from stdin", async (copy) => {
      for (const bad of ["\ud800", "a\0b", "\udc00x".padStart(100_000)]) {
        assertError(await rejection(copy.writeRow([bad])), {
          class: DataError,
        });
        assertError(await rejection(copy.write(bad)), { class: DataError });
      }
      await copy.writeRow(["good"]);
    });
    assertEquals(await rowsOf(conn), [["good"]]);
    await conn.rollback();
    const error = await rejection(
      conn.copy("copy \ud800 from stdin", () => {}),
    );
    assertError(error, { class: DataError, usable: true, reached: false });
  }),
);

Deno.test(
  "COPY-10 EXEC-05 M3 copy: what is no COPY, and several statements, are ProgrammingErrors",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (n int)");
    for (
      const statement of [
        "select 1",
        "select n from generate_series(1, 100000) n",
        "insert into t values (1)",
        "insert into t values (1) returning n",
        "set application_name = 'x'",
        "",
        "reset application_name",
      ]
    ) {
      const error = await rejection(conn.copy(statement, () => {}));
      assertError(error, {
        class: ProgrammingError,
        usable: true,
        says: ["execute()"],
      });
      await assertUsable(conn);
    }
    for (
      const statements of [
        "copy t from stdin; select 1",
        "select 1; copy t from stdin",
        "copy t from stdin; copy t from stdin",
        "copy t to stdout; copy t to stdout",
        "copi t from stdin",
      ]
    ) {
      const error = await rejection(conn.copy(statements, () => {}));
      assertError(error, { class: ServerSyntaxError, usable: true });
      await assertUsable(conn);
    }
    for (const statement of ["copy t from stdin", "copy t to stdout"]) {
      const error = await rejection(conn.execute(statement));
      assertError(error, {
        class: ProgrammingError,
        usable: true,
        says: ["copy()"],
      });
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "PIPE-05 copy: not supported in a pipeline, which goes on",
  quiet(async () => {
    await using conn = await open();
    await conn.pipeline(async (p) => {
      const error = await rejection(
        conn.copy("copy (select 1) to stdout", () => {}),
      );
      assertError(error, {
        class: NotSupportedError,
        usable: true,
        reached: false,
      });
      assertEquals(await p.execute("select 1 as one").fetchOne(), { one: 1 });
    });
  }),
);

Deno.test(
  "TX-22 transaction: left with an error while a COPY is open, the error comes out, with one warning",
  quiet(async () => {
    const warnings: string[] = [];
    await using conn = await open({
      onWarning: (message) => warnings.push(message),
    });
    await conn.execute("create temp table t (n int)");
    const reason = new RangeError("mine");
    for (
      const query of [
        "copy t from stdin",
        "copy (select generate_series(1, 1000000)) to stdout",
      ]
    ) {
      const error = await rejection(conn.transaction(async () => {
        await conn.copy(query);
        throw reason;
      }));
      assertStrictEquals(error, reason);
      assertEquals(warnings.splice(0).length, 1);
      await assertUsable(conn);
    }
  }),
);

Deno.test(
  "M13 copy: one that fails inside a block of transaction() is undone with its savepoint only",
  quiet(async () => {
    await using conn = await open();
    await conn.execute("create temp table t (n int primary key)");
    await conn.transaction(async (tx) => {
      await conn.copy("copy t from stdin", (copy) => copy.write("1\n"));
      const error = await rejection(
        tx.transaction(() =>
          conn.copy("copy t from stdin", (copy) => copy.write("2\n1\n"))
        ),
      );
      assertError(error, { class: UniqueViolation });
      await conn.copy("copy t from stdin", (copy) => copy.write("3\n"));
    });
    assertEquals(await rowsOf(conn), [[1], [3]]);
  }),
);
