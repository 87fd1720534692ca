import { assert, assertEquals } from "@std/assert";
import {
  adapters,
  AdaptersMap,
  type Connection,
  DataError,
  IntegrityError,
  PgError,
  ProgrammingError,
  sql,
} from "../../mod.ts";
import {
  AdminShutdown,
  CheckViolation,
  ForeignKeyViolation,
  SyntaxError_,
  UndefinedParameter,
} from "../../errors/mod.ts";
import {
  assertError,
  assertFails,
  assertUsable,
  open,
  pause,
  quiet,
  rejection,
} from "./support.ts";

/** Runs a check on a connection in autocommit mode, and on one that is not. */
async function onBoth(
  check: (conn: Connection) => Promise<void>,
): Promise<void> {
  for (const autocommit of [true, false]) {
    await using conn = await open({ autocommit });
    await check(conn);
  }
}

Deno.test(
  "execute: a syntax error shows the line and a caret",
  quiet(() =>
    onBoth(async (conn) => {
      const error = await assertFails(
        conn,
        conn.execute("select 1,\n  2 frm nowhere"),
        {
          class: SyntaxError_,
          says: [
            'syntax error at or near "nowhere"\nLINE 2:   2 frm nowhere\n                ^',
          ],
          sqlstate: "42601",
          usable: true,
          reached: true,
        },
      );
      assertEquals(error.diag.statementPosition, "19");
      // Of the text as it is sent, with the placeholders of the server.
      await assertFails(conn, conn.execute("select %s + + from t", [1]), {
        class: SyntaxError_,
        says: ["LINE 1: select $1 + + from t\n", "\n                      ^"],
        sqlstate: "42601",
        usable: true,
        reached: true,
      });
    })
  ),
);

Deno.test(
  "execute: a wrong number or kind of parameters is told before anything is sent",
  quiet(() =>
    onBoth(async (conn) => {
      const before = { class: ProgrammingError, usable: true, reached: false };
      const run = (query: string, params?: unknown) =>
        conn.execute(query, params as unknown[]);
      await assertFails(conn, run("select %s, %s", [1]), {
        ...before,
        says: ["2", "1"],
      });
      await assertFails(conn, run("select %s", [1, 2]), {
        ...before,
        says: ["1", "2"],
      });
      await assertFails(conn, run("select %(a)s, %(b)s", { a: 1 }), {
        ...before,
        says: ["b"],
      });
      for (
        const [text, params] of [["%(a)s", [1]], ["%s", { a: 1 }]] as const
      ) {
        const error = await rejection(run(`select ${text}`, params));
        assert(error instanceof TypeError);
        await assertUsable(conn);
      }
      await assertFails(conn, run("select $1::int", [1]), {
        ...before,
        says: ["RawCursor"],
      });
      // Only the server can tell this.
      await assertFails(conn, run("select $1"), {
        class: UndefinedParameter,
        sqlstate: "42P02",
        usable: true,
        reached: true,
      });
    })
  ),
);

class Unknown {}

Deno.test(
  "execute: a value that cannot be sent is told by its position, before anything is sent",
  quiet(() =>
    onBoth(async (conn) => {
      const cases: [unknown, new (...args: never[]) => PgError, string[]][] = [
        [new Unknown(), ProgrammingError, ["$2", "Unknown"]],
        [Symbol("s"), ProgrammingError, ["$2", "symbol"]],
        [() => 1, ProgrammingError, ["$2", "function"]],
        [undefined, ProgrammingError, ["parameter 2", "undefined", "null"]],
        [[1, undefined], ProgrammingError, ["2", "undefined"]],
        [[new Unknown()], ProgrammingError, ["$2", "Unknown"]],
        ["a\0b", DataError, ["$2", "NUL"]],
        ["a\ud800b", DataError, ["$2", "surrogate"]],
        [["a\0b"], DataError, ["$2", "NUL"]],
        [["\udc00"], DataError, ["$2", "surrogate"]],
        [new Date(NaN), DataError, ["$2"]],
      ];
      for (const [value, Class, says] of cases) {
        const label = Deno.inspect(value);
        try {
          await assertFails(conn, conn.execute("select %s, %s", [1, value]), {
            class: Class,
            says,
            sqlstate: null,
            usable: true,
            reached: false,
          });
        } catch (error) {
          throw new Error(`with ${label}`, { cause: error });
        }
      }
      const named = conn.execute("select %(a)s", { a: undefined });
      await assertFails(conn, named, {
        class: ProgrammingError,
        says: ["undefined"],
        usable: true,
        reached: false,
      });
      const tagged = conn.execute(sql`select ${1}, ${undefined}`);
      await assertFails(conn, tagged, {
        class: ProgrammingError,
        says: ["undefined"],
        usable: true,
        reached: false,
      });
    })
  ),
);

Deno.test(
  "F6 F7 execute: NUL and lone surrogates in the text of a statement are refused locally",
  quiet(() =>
    onBoth(async (conn) => {
      for (const [text, says] of [["\0", "NUL"], ["\ud800", "surrogate"]]) {
        for (const params of [undefined, [1]]) {
          const query = `select '${text}', ${params ? "%s" : "2"}`;
          await assertFails(conn, conn.execute(query, params), {
            class: DataError,
            says: [says!],
            sqlstate: null,
            usable: true,
            reached: false,
          });
        }
      }
      await assertFails(conn, conn.execute("select %s::text", ["a\0"]), {
        class: DataError,
        says: ["NUL"],
        usable: true,
        reached: false,
      });
    })
  ),
);

Deno.test(
  "execute: a server that is killed in the middle of a statement",
  quiet(() =>
    onBoth(async (conn) => {
      const query =
        "select pg_terminate_backend(pg_backend_pid()), pg_sleep(9)";
      await assertFails(conn, conn.execute(query), {
        class: AdminShutdown,
        says: ["terminating connection"],
        sqlstate: "57P01",
        usable: false,
        reached: true,
      });
      await pause(0);
    })
  ),
);

Deno.test(
  "execute: a column that its loader refuses is a DataError with column and type",
  quiet(() =>
    onBoth(async (conn) => {
      const cases = [
        ["select 1, 'infinity'::date as born", ["born", "date"]],
        ["select '24:00'::time as at", ["at", "time"]],
        ["select 'infinity'::timestamptz as never", ["never", "timestamp"]],
      ] as const;
      for (const [query, says] of cases) {
        for (let run = 0; run < 7; run++) { // text, binary, prepared
          await assertFails(conn, conn.execute(query), {
            class: DataError,
            says,
            sqlstate: null,
            usable: true,
            reached: true,
          });
        }
      }
      const context = { adapters: new AdaptersMap(adapters) };
      context.adapters.registerLoader("int4", () => {
        throw new RangeError("not this one");
      });
      await using picky = await open({ context });
      const query = "select 5 as five, generate_series(1, 3) as n";
      const error = await assertFails(picky, picky.execute(query), {
        class: DataError,
        says: ['"five"', "int", "not this one"],
        usable: true,
        reached: true,
      }).catch((error) => {
        // `select 1` of the check has an int4 too.
        assert(String(error).includes('"one"'), String(error));
        return error as DataError;
      });
      assert(error instanceof PgError);
      const text = await picky.execute("select 'still' as here").fetchOne();
      assertEquals(text, { here: "still" });
    })
  ),
);

Deno.test(
  "ER-02 PgError: a CHECK violation names constraint, table and schema",
  quiet(() =>
    onBoth(async (conn) => {
      await conn.execute(
        "create temp table test_exc (data int constraint chk_eq1 check (data = 1))",
      );
      if (!conn.autocommit) await conn.commit();
      for (const params of [undefined, [2]]) {
        const query = `insert into test_exc values (${params ? "%s" : "2"})`;
        const error = await assertFails(conn, conn.execute(query, params), {
          class: CheckViolation,
          says: ["chk_eq1"],
          sqlstate: "23514",
          usable: true,
          reached: true,
        });
        assert(error instanceof IntegrityError);
        assertEquals(error.diag.sqlstate, "23514");
        assertEquals(error.diag.constraintName, "chk_eq1");
        assertEquals(error.diag.tableName, "test_exc");
        assert(error.diag.schemaName?.startsWith("pg_temp"));
      }
    })
  ),
);

Deno.test(
  "ER-12 PgError: diag of a commit that fails",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    await conn.execute("create temp table target (id int primary key)");
    await conn.execute(
      "create temp table pointer (id int references target initially deferred)",
    );
    await conn.commit();
    await conn.execute("insert into pointer values (7)");
    const error = assertError(await rejection(conn.commit()), {
      class: ForeignKeyViolation,
      sqlstate: "23503",
      usable: true,
      reached: true,
    });
    assertEquals(error.diag.sqlstate, "23503");
    assertEquals(error.diag.constraintName, "pointer_id_fkey");
    await assertUsable(conn);
  }),
);
