import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import * as errors from "../../errors/mod.ts";
import { errorFromSqlstate } from "../../errors/from_response.ts";
import { SQLSTATE_CLASSES } from "../../errors/sqlstate.ts";

/** The rule of ERR-02, written down a second time. */
function expectedBase(code: string): typeof errors.DatabaseError {
  if (/^(08|27|28|2F|38|39|3B|40|53|54|55|57|58|F|H)/.test(code)) {
    return errors.OperationalError;
  }
  if (/^22/.test(code)) return errors.DataError;
  if (/^23/.test(code)) return errors.IntegrityError;
  if (/^(24|25|2B|2D|X)/.test(code)) return errors.InternalError;
  if (/^(10|20|21|26|34|3D|3F|42|44|P)/.test(code)) {
    return errors.ProgrammingError;
  }
  if (/^0A/.test(code)) return errors.NotSupportedError;
  return errors.DatabaseError;
}

Deno.test("SQLSTATE_CLASSES: every class has its code, its base and its name", () => {
  assert(SQLSTATE_CLASSES.size > 250, `only ${SQLSTATE_CLASSES.size} classes`);
  const names = new Set<string>();
  for (const [code, ErrorClass] of SQLSTATE_CLASSES) {
    assertEquals(ErrorClass.sqlstate, code);
    assertStrictEquals(
      Object.getPrototypeOf(ErrorClass),
      expectedBase(code),
      code,
    );
    assert(!names.has(ErrorClass.name), `two classes ${ErrorClass.name}`);
    names.add(ErrorClass.name);
    const error = new ErrorClass("what");
    assertEquals(error.sqlstate, code);
    assertEquals(error.name, ErrorClass.name);
    assertInstanceOf(error, globalThis.Error);
    assertInstanceOf(error, errors.PgError);
  }
});

Deno.test("errors/mod.ts: exports every SQLSTATE class under its name", () => {
  const exported: Record<string, unknown> = { ...errors };
  for (const ErrorClass of SQLSTATE_CLASSES.values()) {
    assertStrictEquals(exported[ErrorClass.name], ErrorClass);
  }
  assertStrictEquals(errors.Error, errors.PgError);
  assertStrictEquals(errors.SyntaxError_, errors.SyntaxError);
});

Deno.test("SQLSTATE_CLASSES: the names that do not follow from the condition", () => {
  const names = (codes: string) =>
    codes.split(" ").map((code) => SQLSTATE_CLASSES.get(code)?.name);
  assertEquals(
    names("XX000 39004 22004 38002 38003 38004 2F002 22001 2202E"),
    [
      "InternalError_",
      "NullValueNotAllowedExt",
      "NullValueNotAllowed",
      "ModifyingSqlDataNotPermittedExt",
      "ProhibitedSqlStatementAttemptedExt",
      "ReadingSqlDataNotPermittedExt",
      "ModifyingSqlDataNotPermitted",
      "StringDataRightTruncation",
      "ArraySubscriptError",
    ],
  );
  // Codes that only older or only newer servers send; warnings have no class.
  assertEquals(
    names("72000 25P04 58P03 10608 02000 01004 00000"),
    [
      "SnapshotTooOld",
      "TransactionTimeout",
      "FileNameTooLong",
      "InvalidArgumentForXquery",
      "NoData",
      undefined,
      undefined,
    ],
  );
});

Deno.test("ER-06 PgError.sqlstate: null on general classes, the code on an SQLSTATE class", () => {
  const general = [
    errors.PgError,
    errors.InterfaceError,
    errors.DatabaseError,
    errors.DataError,
    errors.OperationalError,
    errors.IntegrityError,
    errors.InternalError,
    errors.ProgrammingError,
    errors.NotSupportedError,
    errors.ProtocolError,
    errors.ConnectionTimeout,
    errors.CancellationTimeout,
    errors.PipelineAborted,
    errors.ResultTooLarge,
  ];
  for (const ErrorClass of general) {
    assertStrictEquals(ErrorClass.sqlstate, null);
    assertStrictEquals(new ErrorClass().sqlstate, null);
  }
  assertEquals(errors.UndefinedTable.sqlstate, "42P01");
  assertEquals(new errors.UndefinedTable().sqlstate, "42P01");
});

Deno.test("ER-08 errorFromSqlstate: unknown codes get the general class of their first two characters", () => {
  assertStrictEquals(errorFromSqlstate("42P01"), errors.UndefinedTable);
  assertStrictEquals(errorFromSqlstate("42ZZZ"), errors.ProgrammingError);
  assertStrictEquals(errorFromSqlstate("PXX99"), errors.ProgrammingError);
  assertStrictEquals(errorFromSqlstate("40ZZZ"), errors.OperationalError);
  assertStrictEquals(errorFromSqlstate("HXX99"), errors.OperationalError);
  assertStrictEquals(errorFromSqlstate("XX999"), errors.InternalError);
  assertStrictEquals(errorFromSqlstate("0A999"), errors.NotSupportedError);
  assertStrictEquals(errorFromSqlstate("99999"), errors.DatabaseError);
  assertStrictEquals(errorFromSqlstate("01000"), errors.DatabaseError);
  assertStrictEquals(errorFromSqlstate(""), errors.DatabaseError);
  assertStrictEquals(errorFromSqlstate("     "), errors.DatabaseError);
  assertStrictEquals(errorFromSqlstate(null), errors.DatabaseError);
});

Deno.test("ER-16 SQLSTATE classes: bases that differ from what one would guess", () => {
  const baseOf = (ErrorClass: unknown) => Object.getPrototypeOf(ErrorClass);
  assertStrictEquals(
    baseOf(errors.InFailedSqlTransaction),
    errors.InternalError,
  );
  assertStrictEquals(baseOf(errors.ActiveSqlTransaction), errors.InternalError);
  assertStrictEquals(baseOf(errors.QueryCanceled), errors.OperationalError);
  assertStrictEquals(baseOf(errors.AdminShutdown), errors.OperationalError);
  assertStrictEquals(baseOf(errors.LockNotAvailable), errors.OperationalError);
});

Deno.test("lookup: by code and by constant name in any case", () => {
  assertStrictEquals(errors.lookup("42P01"), errors.UndefinedTable);
  assertStrictEquals(errors.lookup("42p01"), errors.UndefinedTable);
  assertStrictEquals(errors.lookup("UNDEFINED_TABLE"), errors.UndefinedTable);
  assertStrictEquals(errors.lookup("undefined_table"), errors.UndefinedTable);
  assertStrictEquals(errors.lookup("INTERNAL_ERROR"), errors.InternalError_);
  assertStrictEquals(
    errors.lookup("null_value_not_allowed_ext"),
    errors.NullValueNotAllowedExt,
  );
  const unknown = [
    "42ZZZ",
    "XXX",
    "",
    "lookup",
    "LOOKUP",
    "toString",
    "__proto__",
    "CLASS_DATA_EXCEPTION",
    "WARNING",
    "00000",
  ];
  for (const wrong of unknown) {
    assertThrows(() => errors.lookup(wrong), RangeError, `"${wrong}"`);
  }
});

Deno.test("errorcodes: from names to codes and back, classes of codes too", () => {
  assertEquals(errors.errorcodes.UNDEFINED_TABLE, "42P01");
  assertEquals(
    errors.errorcodes.CLASS_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION,
    "42",
  );
  assertEquals(errors.errorcodes.lookup("42P01"), "UNDEFINED_TABLE");
  assertEquals(errors.errorcodes.lookup("40"), "CLASS_TRANSACTION_ROLLBACK");
  assertEquals(errors.errorcodes.lookup("P0"), "CLASS_PL_PGSQL_ERROR");
  assertThrows(() => errors.errorcodes.lookup("99999"), RangeError, '"99999"');
  for (const [name, code] of Object.entries(errors.errorcodes)) {
    if (typeof code !== "string") continue;
    assertEquals(errors.errorcodes.lookup(code), name);
    assertEquals(code.length, name.startsWith("CLASS_") ? 2 : 5);
  }
  for (const code of SQLSTATE_CLASSES.keys()) {
    const name = errors.errorcodes.lookup(code);
    assertStrictEquals(errors.lookup(name), SQLSTATE_CLASSES.get(code));
  }
});

Deno.test("psycopg2's names: QueryCanceledError and TransactionRollbackError", () => {
  assertStrictEquals(errors.QueryCanceledError, errors.QueryCanceled);
  const isRollback = (value: unknown) =>
    value instanceof errors.TransactionRollbackError;
  assert(isRollback(new errors.SerializationFailure()));
  assert(isRollback(new errors.DeadlockDetected()));
  assert(isRollback(new errors.TransactionRollback()));
  assert(isRollback(new errors.OperationalError("", { sqlstate: "40ZZZ" })));
  assert(!isRollback(new errors.OperationalError()));
  assert(!isRollback(new errors.QueryCanceled()));
  assert(!isRollback({ sqlstate: "40001" }));
  assert(!isRollback(null));
});
