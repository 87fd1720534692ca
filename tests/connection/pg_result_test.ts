import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DiagnosticField, ExecStatus } from "../../connection/pg_constants.ts";
import { PgResult } from "../../connection/pg_result.ts";
import { PgError, ProgrammingError } from "../../errors/base.ts";
import { connect } from "../../mod.ts";
import { testDsn } from "../support/database.ts";
import { UndefinedColumn } from "../../errors/sqlstate.ts";
import { openLow, rows } from "./pgconn_support.ts";
import { assertError, open, quiet, rejection } from "./support.ts";

Deno.test(
  "PgConn.exec: the last result; execAll: all of them",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const text =
      "create temp table t (n int4, s varchar(5)); insert into t values (1, null), (2, 'é'); select n, s, n + 1 from t";
    const all = await pgconn.execAll(text);
    assertEquals(all.map(({ status }) => status), [
      ExecStatus.COMMAND_OK,
      ExecStatus.COMMAND_OK,
      ExecStatus.TUPLES_OK,
    ]);
    assertEquals(all.map((result) => result.commandStatus), [
      "CREATE TABLE",
      "INSERT 0 2",
      "SELECT 2",
    ]);
    assertEquals(all.map((result) => result.commandTuples), [null, 2, 2]);
    assertEquals(all[1]!.oidValue, 0);
    const result = all[2]!;
    assertEquals(rows(result), [["1", null, "2"], ["2", "é", "3"]]);
    assertEquals(result.ftable(0), result.ftable(1));
    assertEquals([result.ftable(0) > 0, result.ftable(2)], [true, 0]);
    assertEquals([0, 1, 2].map((i) => result.ftablecol(i)), [1, 2, 0]);
    assertEquals([0, 1].map((i) => result.fsize(i)), [4, -1]);
    assertEquals([0, 1].map((i) => result.fmod(i)), [-1, 9]);
    assertEquals(result.fformat(0), 0);
    assertEquals([result.fname(3), result.ftype(3), result.nparams], [
      null,
      0,
      0,
    ]);
    assertThrows(
      () => result.getValue(2, 0),
      ProgrammingError,
      "2 rows and 3 columns",
    );
    assertThrows(() => result.getValue(0, 3), ProgrammingError);
    assertEquals(String(result), "<PgResult TUPLES_OK, 2 x 3>");

    assertEquals(rows(await pgconn.exec("select 1; select 2")), [["2"]]);
    assertEquals((await pgconn.exec("")).status, ExecStatus.EMPTY_QUERY);
    assertEquals((await pgconn.execParams("")).status, ExecStatus.EMPTY_QUERY);
    const none = await pgconn.exec("select from t");
    assertEquals([none.status, none.nfields, none.ntuples], [
      ExecStatus.TUPLES_OK,
      0,
      2,
    ]);
  }),
);

Deno.test(
  "PgResult: a value is a copy, and outlives what comes after it",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const result = await pgconn.exec("select repeat('a', 1000), 'b'");
    await pgconn.exec("select repeat('z', 1000) from generate_series(1, 1000)");
    result.getValue(0, 0)!.fill(0);
    assertEquals(rows(result), [["a".repeat(1000), "b"]]);
  }),
);

Deno.test(
  "PgConn.execParams: types and formats of parameters and rows",
  quiet(async () => {
    await using opened = await openLow();
    const { pgconn } = opened;
    const binary = await pgconn.execParams(
      "select $1::int4, $2::bytea, $3::text",
      [
        Uint8Array.of(0, 0, 1, 2),
        Uint8Array.of(0, 255),
        null,
      ],
      { formats: [1, 1, 0], resultFormat: 1 },
    );
    assertEquals([0, 1, 2].map((i) => binary.getValue(0, i)), [
      Uint8Array.of(0, 0, 1, 2),
      Uint8Array.of(0, 255),
      null,
    ]);
    assertEquals(binary.fformat(0), 1);
    // Bytes are text unless they are said to be binary, as in libpq.
    const text = await pgconn.execParams("select pg_typeof($1)::text, $1", [
      new TextEncoder().encode("12"),
    ], { types: [20] });
    assertEquals(rows(text), [["bigint", "12"]]);
  }),
);

Deno.test(
  "PgResult.fromError: the fields of an error",
  quiet(async () => {
    await using opened = await openLow();
    const error = await assertRejects(
      () => opened.pgconn.exec("select nonsense"),
      UndefinedColumn,
    );
    const result = PgResult.fromError(error);
    assertEquals(result.status, ExecStatus.FATAL_ERROR);
    assertEquals(result.errorField(DiagnosticField.SQLSTATE), "42703");
    assertEquals(result.errorField("V"), "ERROR");
    assertEquals(result.errorField("P"), "8");
    assertEquals(result.errorField(DiagnosticField.TABLE_NAME), null);
    for (const field of Object.values(DiagnosticField)) {
      const value = result.errorField(field);
      assertEquals(value === null || value.length > 0, true, field);
    }
  }),
);

Deno.test(
  "PgError.pgresult: the result of the statement that failed, made when it is asked for",
  quiet(async () => {
    await using conn = await open();
    const failures: (() => PromiseLike<unknown>)[] = [
      () => conn.execute("select nonsense"),
      () => conn.execute("select %s, nonsense", [1]),
      () => conn.executeMany("select %s, nonsense", [[1], [2]]),
      () => conn.pipeline((p) => p.execute("select nonsense")),
      () => conn.copy("copy (select nonsense) to stdout", () => {}),
      () => conn.pgconn.exec("select nonsense"),
    ];
    for (const fail of failures) {
      const error = assertError(await rejection(fail()), {
        class: UndefinedColumn,
      });
      const { pgresult } = error;
      assert(pgresult instanceof PgResult);
      assertEquals(pgresult.status, ExecStatus.FATAL_ERROR);
      assertEquals(pgresult.errorField("C"), error.sqlstate);
      assertEquals(pgresult.errorField("M"), error.diag.messagePrimary);
      assertEquals([pgresult.ntuples, pgresult.nfields], [0, 0]);
      assert(error.pgresult === pgresult, "the same each time");
      assert(!("pgresult" in error.toJSON()));
    }
    // Where no statement failed on the server, there is no result.
    const misuse = await rejection(conn.execute("select %s", [1, 2]));
    assertEquals((misuse as PgError).pgresult, null);
    const refused = await rejection(connect(testDsn(), { dbname: "nowhere" }));
    assert(refused instanceof PgError && refused.sqlstate === "3D000");
    assertEquals(refused.pgresult, null);
  }),
);
