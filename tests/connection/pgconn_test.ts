import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  ConnStatus,
  PipelineStatus,
  TransactionStatus,
} from "../../connection/connection_status.ts";
import { ExecStatus } from "../../connection/pg_constants.ts";
import type { PgConn } from "../../connection/pgconn.ts";
import {
  DataError,
  OperationalError,
  PgError,
  ProtocolError,
} from "../../errors/base.ts";
import {
  InvalidCursorName,
  InvalidSqlStatementName,
  SyntaxError,
  UniqueViolation,
} from "../../errors/sqlstate.ts";
import * as backend from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { openLow, rows } from "./pgconn_support.ts";
import { quiet, rejection } from "./support.ts";

/** That a connection answers what it is asked, and not something else. */
async function assertInSync(pgconn: PgConn): Promise<void> {
  assertEquals(rows(await pgconn.execParams("select $1", ["here"])), [[
    "here",
  ]]);
  assertEquals(rows(await pgconn.exec("select 'there'")), [["there"]]);
}

Deno.test(
  "LP-07 PgConn.prepare: runs until it is closed, then it is an error",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const prepared = await pgconn.prepare(
      "add",
      "select $1 + $2::int4 as sum",
      [20],
    );
    assertEquals(prepared.status, ExecStatus.COMMAND_OK);
    assertEquals(prepared.nfields, 0);
    const described = await pgconn.describePrepared("add");
    assertEquals(described.status, ExecStatus.COMMAND_OK);
    assertEquals(described.nparams, 2);
    assertEquals([described.paramType(0), described.paramType(1)], [20, 23]);
    assertEquals([described.fname(0), described.ftype(0)], ["sum", 20]);
    for (const n of ["1", "2"]) {
      const result = await pgconn.execPrepared("add", [n, "40"]);
      assertEquals(rows(result), [[String(Number(n) + 40)]]);
    }
    const closed = await pgconn.closePrepared("add");
    assertEquals(closed.status, ExecStatus.COMMAND_OK);
    for (
      const use of [
        () => pgconn.execPrepared("add", ["1", "2"]),
        () => pgconn.describePrepared("add"),
      ]
    ) {
      const error = await assertRejects(use, InvalidSqlStatementName);
      assertEquals(error.sqlstate, "26000");
      await assertInSync(pgconn);
    }
    await pgconn.closePrepared("add"); // no error, as in libpq
  }),
);

Deno.test(
  "LP-07 PgConn.describePortal: gives the columns of a declared cursor",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    await pgconn.exec("begin");
    await pgconn.exec(
      "declare cur cursor for select 1::int4 as a, 'x'::varchar(7) as b",
    );
    const described = await pgconn.describePortal("cur");
    assertEquals(described.status, ExecStatus.COMMAND_OK);
    assertEquals([described.nfields, described.ntuples], [2, 0]);
    assertEquals([described.fname(0), described.ftype(0)], ["a", 23]);
    assertEquals([described.fname(1), described.ftype(1)], ["b", 1043]);
    assertEquals(rows(await pgconn.exec("fetch cur")), [["1", "x"]]);
    await pgconn.closePortal("cur");
    await assertRejects(() => pgconn.describePortal("cur"), InvalidCursorName);
    assertEquals(pgconn.transactionStatus, TransactionStatus.INERROR);
    await pgconn.exec("rollback");
    await assertInSync(pgconn);
  }),
);

Deno.test(
  "LP-09 PgConn: after an error in any extended step the connection is in sync",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const syntax = await assertRejects(
      () => pgconn.prepare("p", "selec 1"),
      SyntaxError,
    );
    assertEquals(syntax.sqlstate, "42601");
    assertEquals(syntax.connectionUsable, true);
    assertStringIncludes(pgconn.errorMessage, "selec");
    await assertInSync(pgconn);
    await assertRejects(
      () => pgconn.execPrepared("p"),
      InvalidSqlStatementName,
    );
    await assertInSync(pgconn);
    // Bind fails, then Execute.
    await assertRejects(
      () => pgconn.execParams("select $1::int4", ["x"]),
      DataError,
    );
    await assertInSync(pgconn);
    await assertRejects(
      () => pgconn.execParams("select 1 / $1::int4", ["0"]),
      DataError,
    );
    await assertInSync(pgconn);
    // Sync itself: what it commits fails when all else has succeeded.
    await pgconn.exec(
      "create temp table u (n int unique deferrable initially deferred)",
    );
    await pgconn.exec("insert into u values (1)");
    await assertRejects(
      () => pgconn.execParams("insert into u values ($1)", ["1"]),
      UniqueViolation,
    );
    assertEquals(pgconn.transactionStatus, TransactionStatus.IDLE);
    await assertInSync(pgconn);
  }),
);

Deno.test(
  "LP-09 PgConn.prepare: an error that comes for the Sync after ParseComplete",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      const burst = await session.readUntilSync();
      assertEquals(burst.map(({ tag }) => tag), ["P", "S"]);
      const error = backend.errorResponse({
        code: "23505",
        message: "at Sync",
      });
      await session.send(
        backend.parseComplete(),
        error,
        backend.readyForQuery(),
      );
      await session.expect("Q");
      await session.send(
        backend.commandComplete("LISTEN"),
        backend.readyForQuery(),
      );
      await session.silence();
    });
    await using opened = await openLow(server.dsn);
    const { pgconn } = opened;
    await assertRejects(
      () => pgconn.prepare("p", "select 1"),
      UniqueViolation,
      "at Sync",
    );
    assertEquals((await pgconn.exec("listen x")).commandStatus, "LISTEN");
  }),
);

Deno.test(
  "LP-11 PgConn: a message of unknown type is an error and ends the connection",
  quiet(async () => {
    for (const use of ["exec", "execParams"] as const) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        await session.read();
        await session.send(backend.message("!", new Uint8Array(4)));
        await session.silence();
      });
      await using opened = await openLow(server.dsn);
      const { pgconn } = opened;
      const error = await rejection(pgconn[use]("select 1"));
      assertInstanceOf(error, ProtocolError);
      assertInstanceOf(error, OperationalError);
      assertEquals(error.connectionUsable, false);
      assertEquals(pgconn.status, ConnStatus.BAD);
      assertEquals(pgconn.transactionStatus, TransactionStatus.UNKNOWN);
      await assertRejects(() => pgconn.exec("select 1"), OperationalError);
    }
  }),
);

Deno.test(
  "PgConn: what cannot be sent is refused, and nothing of it is",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const wrong: [string, () => Promise<unknown>][] = [
      [
        "$2: Cannot send a value of type undefined",
        () =>
          pgconn.execParams("select $1, $2", [
            "a",
            undefined as unknown as null,
          ]),
      ],
      [
        "2 formats are given for 1 parameters",
        () => pgconn.execParams("select $1", ["a"], { formats: [0, 0] }),
      ],
      [
        "there is no format 2",
        () => pgconn.execPrepared("p", [], { resultFormat: 2 as 1 }),
      ],
      [
        "1 types are given for 0 parameters",
        () => pgconn.execParams("select 1", [], { types: [23] }),
      ],
      ["a NUL character", () => pgconn.exec("select 1\0")],
      ["$1: Cannot send text", () => pgconn.execParams("select $1", ["\0"])],
    ];
    for (const [message, use] of wrong) {
      const error = await assertRejects(use, PgError, message);
      assertEquals(error.sqlstate, null);
      await assertInSync(pgconn);
    }
    await assertRejects(
      () => pgconn.exec("copy (select 1) to stdout"),
    );
    await assertInSync(pgconn);
    await assertRejects(
      () => pgconn.execParams("copy (select 1) to stdout"),
    );
    await assertInSync(pgconn);
  }),
);

Deno.test(
  "PgConn: statements wait for their turn",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn, executor } = opened;
    const answers = await Promise.all([
      pgconn.execParams("select $1 from pg_sleep(0.05)", ["1"]).then(rows),
      executor.ask("select '2'"),
      pgconn.prepare("three", "select '3'").then(() =>
        pgconn.execPrepared("three")
      ).then(rows),
      pgconn.exec("select nonsense").catch((error) => error.sqlstate),
      pgconn.exec("select '4'").then(rows),
    ]);
    assertEquals(answers, [[["1"]], "2", [["3"]], "42703", [["4"]]]);
  }),
);

Deno.test(
  "PgConn: no transaction is opened for a statement, and what it does is noted",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn, executor, transactions } = opened;
    transactions.autocommit = false;
    await pgconn.exec("select 1");
    assertEquals(pgconn.transactionStatus, TransactionStatus.IDLE);
    await pgconn.execParams("begin");
    assertEquals([transactions.open, transactions.dirty], [true, false]);
    await pgconn.exec("create temp table w (n int)");
    assertEquals([pgconn.transactionStatus, transactions.dirty], [
      TransactionStatus.INTRANS,
      true,
    ]);
    assertEquals(await executor.endTransaction("ROLLBACK"), "ROLLBACK");
    assertEquals([transactions.open, transactions.dirty], [false, false]);
    // A block that waits for its first statement begins with it.
    transactions.openWithNext(transactions.characteristics);
    await pgconn.exec("select 1");
    assertEquals(pgconn.transactionStatus, TransactionStatus.INTRANS);
  }),
);

Deno.test(
  "PgConn: tells about the connection",
  quiet(async () => {
    const opened = await openLow();
    const { pgconn } = opened;
    const [[db, user, pid, version] = []] = rows(
      await pgconn.exec(
        "select current_database(), current_user, pg_backend_pid(), current_setting('server_version_num')",
      ),
    );
    assertEquals([pgconn.db, pgconn.user], [db, user]);
    assertEquals([pgconn.backendPid, pgconn.serverVersion], [
      Number(pid),
      Number(version),
    ]);
    assertEquals([pgconn.status, pgconn.pipelineStatus], [
      ConnStatus.OK,
      PipelineStatus.OFF,
    ]);
    assertEquals(pgconn.protocolVersion, 3);
    assertEquals(pgconn.errorMessage, "");
    await pgconn.exec("set application_name to 'low'");
    assertEquals(pgconn.parameterStatus("application_name"), "low");
    assertEquals(pgconn.parameterStatus("nonsense"), null);
    await opened[Symbol.asyncDispose]();
    assertEquals(pgconn.status, ConnStatus.BAD);
    assertThrows(() => pgconn.host, OperationalError);
    await assertRejects(
      () => pgconn.exec("select 1"),
      OperationalError,
      "closed",
    );
  }),
);
