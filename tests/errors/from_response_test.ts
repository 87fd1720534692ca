import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { inspect } from "node:util";
import { DatabaseError, OperationalError } from "../../errors/base.ts";
import { ProgrammingError } from "../../errors/base.ts";
import { Diagnostic, FIELD_NAMES } from "../../errors/diagnostic.ts";
import {
  errorFromDiagnostic,
  errorFromPlainText,
} from "../../errors/from_response.ts";
import { UndefinedTable, UniqueViolation } from "../../errors/sqlstate.ts";

const ALL_FIELDS = {
  S: "ERREUR",
  V: "ERROR",
  C: "23505",
  M: "duplicate key value violates unique constraint",
  D: "Key (email)=(someone@example.com) already exists.",
  H: "the hint",
  P: "8",
  p: "9",
  q: "the internal query",
  W: "the context",
  s: "public",
  t: "person",
  c: "email",
  d: "text",
  n: "person_email_key",
  F: "nbtinsert.c",
  L: "666",
  R: "_bt_check_unique",
};

Deno.test("errorFromDiagnostic: class, message, diag and the state of the connection", () => {
  const diag = new Diagnostic({
    C: "42P01",
    M: 'relation "nothing" does not exist',
    P: "15",
  });
  const cause = new Error("cause");
  const error = errorFromDiagnostic(diag, "select * from nothing", {
    cause,
    connectionUsable: true,
    reachedServer: true,
  });
  assertStrictEquals(error.constructor, UndefinedTable);
  assertEquals(
    error.message,
    'relation "nothing" does not exist\n' +
      "LINE 1: select * from nothing\n" +
      "                      ^",
  );
  assertStrictEquals(error.diag, diag);
  assertStrictEquals(error.cause, cause);
  assertEquals(error.connectionUsable, true);
  assertEquals(error.reachedServer, true);
  assertStringIncludes(error.stack ?? "", "UndefinedTable: relation");
});

Deno.test("errorFromDiagnostic: a code without a class of its own is kept", () => {
  const error = errorFromDiagnostic(
    new Diagnostic({ C: "PXX99", M: "made up" }),
  );
  assertStrictEquals(error.constructor, ProgrammingError);
  assertEquals(error.sqlstate, "PXX99");
  assertStrictEquals(error.connectionUsable, null);
  assertStrictEquals(error.reachedServer, null);
});

Deno.test("errorFromDiagnostic: a blank or missing code becomes null on a DatabaseError", () => {
  for (const fields of [{ C: "", M: "oops" }, { M: "oops" }, {}]) {
    const error = errorFromDiagnostic(new Diagnostic(fields));
    assertStrictEquals(error.constructor, DatabaseError);
    assertStrictEquals(error.sqlstate, null);
    assert(error.message.length > 0);
  }
});

Deno.test("E4 errorFromDiagnostic: detail, hint and context only in diag, the detail not even in inspect and JSON", () => {
  const error = errorFromDiagnostic(
    new Diagnostic(ALL_FIELDS),
    "insert something",
  );
  assertStrictEquals(error.constructor, UniqueViolation);
  assertEquals(
    error.message,
    `${ALL_FIELDS.M}\nLINE 1: insert something\n               ^`,
  );
  assertEquals(error.diag.messageDetail, ALL_FIELDS.D);
  assertEquals(error.diag.messageHint, ALL_FIELDS.H);
  assertEquals(error.diag.context, ALL_FIELDS.W);

  const detail = "someone@example.com";
  const shown = [
    Deno.inspect(error),
    Deno.inspect(error, { showHidden: true, depth: 10 }),
    Deno.inspect({ error: [error] }, { depth: 10 }),
    Deno.inspect(error.diag),
    inspect(error, { depth: 10 }),
    inspect(error.diag),
    JSON.stringify(error),
    JSON.stringify(error.diag),
    String(error),
    String(error.stack),
  ];
  for (const text of shown) assert(!text.includes(detail), text);
  assertStringIncludes(Deno.inspect(error.diag), "person_email_key");
  assertStringIncludes(inspect(error.diag), "person_email_key");
  assertStringIncludes(JSON.stringify(error), "person_email_key");
});

Deno.test("Diagnostic: all eighteen fields, null where the server sent none", () => {
  assertEquals(FIELD_NAMES.length, 18);
  const diag = new Diagnostic(ALL_FIELDS);
  assertEquals(
    FIELD_NAMES.map((name) => diag[name]),
    Object.values(ALL_FIELDS),
  );
  const empty = new Diagnostic();
  for (const name of FIELD_NAMES) assertStrictEquals(empty[name], null);
});

Deno.test("Diagnostic: goes through structuredClone and to a worker with all fields", async () => {
  const diag = new Diagnostic(ALL_FIELDS);
  const all = Object.fromEntries(FIELD_NAMES.map((name) => [name, diag[name]]));
  assertEquals({ ...structuredClone(diag) }, all);
  const empty = structuredClone(new Diagnostic());
  assertEquals(Object.keys(empty), [...FIELD_NAMES]);
  const { port1, port2 } = new MessageChannel();
  const got = Promise.withResolvers<unknown>();
  port2.onmessage = ({ data }) => got.resolve(data);
  port1.postMessage({ diag });
  assertEquals(await got.promise, { diag: all });
  port1.close();
  port2.close();
});

Deno.test("Diagnostic.toJSON: survives structuredClone and JSON", () => {
  const plain = new Diagnostic(ALL_FIELDS).toJSON();
  assertEquals(Object.keys(plain).length, 17);
  assertEquals(structuredClone(plain), plain);
  assertEquals(JSON.parse(JSON.stringify(plain)), plain);
});

Deno.test("PgError.toJSON: survives structuredClone and JSON", () => {
  const plain = errorFromDiagnostic(new Diagnostic(ALL_FIELDS)).toJSON();
  assertEquals(structuredClone(plain), plain);
  assertEquals(JSON.parse(JSON.stringify(plain)), plain);
  assertEquals(plain.name, "UniqueViolation");
  assertEquals(plain.sqlstate, "23505");
});

Deno.test("errorFromPlainText: without severity and without the line feed at the end", () => {
  const error = errorFromPlainText(
    "FATAL:  could not fork new process for connection: no memory\n",
    { connectionUsable: false },
  );
  assertStrictEquals(error.constructor, OperationalError);
  assertEquals(
    error.message,
    "could not fork new process for connection: no memory",
  );
  assertEquals(error.connectionUsable, false);
  assertStrictEquals(error.sqlstate, null);
  assertInstanceOf(errorFromPlainText("\n"), OperationalError);
  assert(errorFromPlainText("\n").message.length > 0);
});
