import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClientCursor, OperationalError, RawCursor } from "../../mod.ts";
import { IdleInTransactionSessionTimeout } from "../../errors/mod.ts";
import {
  assertDead,
  assertError,
  open,
  quiet,
  rejection,
  until,
} from "./support.ts";

Deno.test(
  "CN-01 close: closed and not broken, twice does nothing, an old cursor is an OperationalError",
  quiet(async () => {
    const conn = await open();
    const cursor = conn.cursor();
    await cursor.execute("select 1 as n");
    await conn.close();
    assertEquals([conn.closed, conn.broken], [true, false]);
    await conn.close();
    assertEquals([conn.closed, conn.broken], [true, false]);
    assertError(await rejection(cursor.execute("select 2")), {
      class: OperationalError,
      says: ["it is closed"],
      usable: false,
      reached: false,
    });
    assertError(await rejection(conn.execute("select 2")), {
      class: OperationalError,
      says: ["it is closed"],
    });
  }),
);

Deno.test(
  "CN-03 cursor: on a closed connection is an OperationalError, with a name and without",
  quiet(async () => {
    const conn = await open();
    await conn.close();
    for (const open of [() => conn.cursor(), () => conn.cursor("foo")]) {
      assertThrows(open, OperationalError, "it is closed");
    }
  }),
);

Deno.test(
  "CN-13 setAutocommit: what is not boolean is stored as one",
  quiet(async () => {
    await using conn = await open({ autocommit: false });
    for (
      const [given, stored] of [
        [1, true],
        [0, false],
        ["yes", true],
        ["", false],
        [{}, true],
        [null, false],
        [undefined, false],
      ] as const
    ) {
      await conn.setAutocommit(given as unknown as boolean);
      assertEquals(conn.autocommit, stored);
      conn.autocommit = !stored;
      conn.autocommit = given as unknown as boolean;
      assertEquals(conn.autocommit, stored);
    }
  }),
);

Deno.test(
  "cursorFactory: cursor() and execute() give cursors of the class that is assigned",
  quiet(async () => {
    await using conn = await open();
    class Mine<Row> extends RawCursor<Row> {}
    for (const factory of [Mine, ClientCursor, RawCursor]) {
      conn.cursorFactory = factory;
      assertEquals(conn.cursor().constructor, factory);
      const cursor = await conn.execute("select 1 as n");
      assertEquals(cursor.constructor, factory);
      assertEquals(await cursor.fetchAll(), [{ n: 1 }]);
    }
  }),
);

Deno.test(
  "CN-29 execute: after idle_in_transaction_session_timeout it rejects with IdleInTransactionSessionTimeout",
  quiet(async () => {
    const conn = await open({ autocommit: false });
    await conn.execute("set idle_in_transaction_session_timeout = '50ms'");
    await until(() => conn.broken, "the server ends the session");
    const expected = {
      class: IdleInTransactionSessionTimeout,
      sqlstate: "25P03",
      usable: false,
      reached: false,
    };
    assertError(await rejection(conn.execute("select 1")), expected);
    assertError(await assertDead(conn), expected);
  }),
);

Deno.test(
  "CN-31 toString: the state of the connection, IDLE, and BAD when it is closed",
  quiet(async () => {
    const conn = await open({ autocommit: false });
    assert(String(conn).includes("[IDLE]"), String(conn));
    await conn.execute("select 1");
    assert(String(conn).includes("[INTRANS]"), String(conn));
    await conn.rollback();
    assert(Deno.inspect(conn).includes("[IDLE]"), Deno.inspect(conn));
    await conn.close();
    assert(String(conn).includes("[BAD]"), String(conn));
    assert(!String(conn).includes("[IDLE]"), String(conn));
  }),
);

Deno.test(
  "ER-04 notices and errors: text that is not ASCII is decoded in utf8 and latin9 sessions",
  quiet(async () => {
    for (const encoding of ["utf8", "latin9"]) {
      await using conn = await open({ clientEncoding: encoding });
      const heard: unknown[] = [];
      conn.addNoticeHandler(({ messagePrimary }) => heard.push(messagePrimary));
      await conn.execute("do $$ begin raise notice 'hello ä€'; end $$");
      assertEquals(heard, ["hello ä€"], encoding);
      const error = await rejection(
        conn.execute("do $$ begin raise exception 'oh ä€ œ'; end $$"),
      );
      assert(error instanceof Error && error.message.startsWith("oh ä€ œ"));
      assert(
        String(await rejection(conn.execute('select 1 from "ä€"'))).includes(
          '"ä€"',
        ),
      );
    }
  }),
);
