import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  OperationalError,
  PgError,
  PipelineAborted,
  ProtocolError,
} from "../../errors/base.ts";
import { AdminShutdown, DivisionByZero } from "../../errors/mod.ts";
import {
  StatementExchange,
  SyncExchange,
} from "../../protocol/extended_query.ts";
import { SimpleQueryExchange } from "../../protocol/simple_query.ts";
import { Status } from "../../protocol/tags.ts";
import * as b from "../support/backend.ts";
import { Harness } from "../support/engine_harness.ts";
import { answer, COLUMNS, WHOLE } from "../support/sessions.ts";

const ERROR = b.errorResponse({ code: "22012", message: "division by zero" });
const FATAL = b.errorResponse({ severity: "FATAL", code: "57P01" });

function statement(harness: Harness, name: string): StatementExchange {
  return harness.enqueue(
    new StatementExchange(harness.sink(name), { steps: WHOLE, sync: false }),
    name,
  );
}

function query(harness: Harness, name = "query"): SimpleQueryExchange {
  return harness.send(
    new SimpleQueryExchange(harness.sink(name), "select 1"),
    name,
  );
}

/** Statements and a Sync, all sent. */
function group(harness: Harness, names: string[]): StatementExchange[] {
  const statements = names.map((name) => statement(harness, name));
  harness.send(new SyncExchange(), "sync");
  return statements;
}

/** Everything is over, once, and the reason of the loss was told once. */
function assertLost(harness: Harness): void {
  assertEquals(harness.lost.length, 1);
  assertEquals(harness.lost[0], harness.engine.failure);
  assert(!harness.engine.busy);
  for (const [exchange, count] of harness.settled) {
    assertEquals(count, 1);
    assertInstanceOf(exchange.error, PgError);
  }
}

Deno.test("Engine: the transaction status is known before the exchange is over", async () => {
  const harness = new Harness();
  for (const [letter, status] of Object.entries({ T: "T", E: "E", I: "I" })) {
    const exchange = query(harness);
    let seen = 0;
    exchange.onSettle = () => seen = harness.engine.transactionStatus;
    harness.feed(b.commandComplete("SET"), b.readyForQuery(status as "I"));
    await exchange.done;
    assertEquals(seen, letter.charCodeAt(0));
  }
  assertEquals(harness.engine.transactionStatus, Status.IDLE);
  assert(!harness.engine.busy);
});

Deno.test("A4 Engine: an unknown message type in the middle of a result", () => {
  for (const tag of ["?", "\0", "V", "F", "z"]) {
    const harness = new Harness();
    query(harness);
    harness.feed(b.rowDescription(COLUMNS), b.dataRow(["1", "a"]));
    assertEquals(harness.lost, []);
    harness.feed(b.message(tag, b.int32(0)));
    assertInstanceOf(harness.engine.failure, ProtocolError);
    assertLost(harness);
  }
  // Already its header, with the rest still to come.
  const harness = new Harness();
  query(harness);
  harness.feed(b.rowDescription(COLUMNS), b.header("?", 1000));
  assertInstanceOf(harness.engine.failure, ProtocolError);
});

Deno.test("A7 Engine: a complete unsolicited result is a ProtocolError at once", () => {
  const result = b.concat(
    b.rowDescription(COLUMNS),
    b.dataRow(["1", "a"]),
    b.commandComplete("SELECT 1"),
    b.readyForQuery("I"),
  );
  for (const pieces of [[result], [result.slice(0, 9), result.slice(9)]]) {
    const harness = new Harness();
    const first = query(harness, "first");
    harness.feed(result);
    assertEquals(first.error, null);
    const lines = harness.log.length;
    for (const piece of pieces) harness.feed(piece);
    assertInstanceOf(harness.engine.failure, ProtocolError);
    assertEquals(harness.lost.length, 1);

    const next = query(harness, "next");
    harness.feed(result);
    assertInstanceOf(next.error, ProtocolError);
    assertEquals(harness.settled.get(next), 1);
    const rows = harness.log.slice(lines).filter((line) => / row /.test(line));
    assertEquals(rows, []);
  }
});

Deno.test("A7 Engine: what is not sent yet cannot be answered", () => {
  for (const stray of [answer(["1", "a"]), b.readyForQuery("I"), ERROR]) {
    const harness = new Harness();
    const waiting = statement(harness, "waiting");
    harness.feed(stray);
    assertInstanceOf(harness.engine.failure, ProtocolError);
    assertEquals(waiting.sent, false);
    assertEquals(harness.log.filter((line) => / row /.test(line)), []);
    assertLost(harness);
  }
});

Deno.test("Engine: every message without a statement, but those that may come at any time", () => {
  const legal = [
    b.noticeResponse(),
    b.notificationResponse(1, "c", "p"),
    b.parameterStatus("TimeZone", "UTC"),
  ];
  const illegal = [
    b.authenticationOk(),
    b.backendKeyData(1, 2),
    b.bindComplete(),
    b.closeComplete(),
    b.commandComplete("SELECT 1"),
    b.copyInResponse(),
    b.copyOutResponse(),
    b.copyBothResponse(),
    b.copyData("x"),
    b.copyDone(),
    b.dataRow(["1"]),
    b.emptyQueryResponse(),
    ERROR,
    b.negotiateProtocolVersion(0x30000),
    b.noData(),
    b.parameterDescription([23]),
    b.parseComplete(),
    b.portalSuspended(),
    b.readyForQuery("I"),
    b.rowDescription(COLUMNS),
  ];
  const idle = new Harness();
  idle.feed(...legal);
  assertEquals(idle.log, [
    "notice Note",
    "notification 1 c p",
    "parameter TimeZone=UTC",
  ]);
  for (const message of illegal) {
    const harness = new Harness();
    harness.feed(message);
    const tag = String.fromCharCode(message[0]!);
    assertInstanceOf(harness.engine.failure, ProtocolError, tag);
    assertEquals(harness.lost.length, 1, tag);
  }
});

Deno.test("Engine: an error without a statement keeps what the server said as the cause", () => {
  const harness = new Harness();
  harness.feed(ERROR);
  assertInstanceOf(harness.engine.failure?.cause, DivisionByZero);
});

Deno.test("L7 Engine: an ErrorResponse to a Sync, and to one behind a failed statement", () => {
  const harness = new Harness();
  const sync = harness.send(new SyncExchange());
  harness.feed(b.errorResponse({ code: "40001" }), b.readyForQuery("I"));
  assertInstanceOf(sync.error, OperationalError);
  assertEquals((sync.error as PgError).sqlstate, "40001");
  assertEquals(harness.engine.failure, null);

  const [failing] = group(harness, ["failing"]);
  harness.feed(ERROR, b.errorResponse({ code: "40001" }), b.readyForQuery("I"));
  assertInstanceOf(failing?.error, DivisionByZero);
  assertEquals(
    harness.log.at(-1),
    "sync settled SerializationFailure 40001 Oops",
  );
  assertEquals(harness.engine.failure, null);
});

Deno.test("L7 Engine: of two FATALs the first counts, each exchange has an error of its own", () => {
  const harness = new Harness();
  const [first, second] = group(harness, ["first", "second"]);
  harness.feed(FATAL, b.errorResponse({ severity: "FATAL", code: "XX001" }));
  assertInstanceOf(harness.engine.failure, AdminShutdown);
  assertInstanceOf(first?.error, AdminShutdown);
  assertInstanceOf(second?.error, AdminShutdown);
  assert(first.error !== second.error);
  assertEquals(second.error.diag.sqlstate, "57P01");
  assertEquals(second.error.cause, harness.engine.failure);
  assertLost(harness);
  harness.feed(FATAL); // nothing more happens
  assertLost(harness);
});

Deno.test("Engine: PANIC and a translated FATAL end the connection, idle or not", () => {
  for (
    const fields of [{ severity: "PANIC" }, {
      severity: undefined,
      S: "FATALE",
      V: "FATAL",
    }]
  ) {
    const harness = new Harness();
    harness.feed(b.errorResponse({ ...fields, code: "57P01" }));
    assertInstanceOf(harness.engine.failure, AdminShutdown);
    assertEquals(harness.lost.length, 1);
  }
});

Deno.test("L2 Engine: an error at item k of n, for every k", () => {
  const count = 5;
  for (let k = 0; k < count; k++) {
    const harness = new Harness();
    const names = Array.from({ length: count }, (_, i) => `item ${i}`);
    const items = group(harness, names);
    const later = group(harness, ["later"]);
    for (let i = 0; i < k; i++) harness.feed(answer([`${i}`, "kept"]));
    harness.feed(b.parseComplete(), ERROR);
    items.forEach((item, i) => {
      if (i < k) assertEquals(item.error, null);
      else if (i === k) assertInstanceOf(item.error, DivisionByZero);
      else {
        assertInstanceOf(item.error, PipelineAborted);
        assertEquals(item.error.cause, items[k]?.error);
      }
      assertEquals(harness.settled.get(item), 1);
    });
    assertEquals(harness.settled.get(later[0]!), 0);
    harness.feed(b.readyForQuery("I"), answer(["9", "later"]));
    harness.feed(b.readyForQuery("I"));
    assertEquals(later[0]?.error, null);
    assertEquals(harness.engine.failure, null);
    assertEquals(
      harness.log.filter((line) => / row /.test(line)).length,
      k + 1,
    );
    assertEquals(
      harness.log.filter((line) => line.startsWith("sync")),
      ["sync settled well", "sync settled well"],
    );
  }
});

Deno.test("L2 Engine: what joins a pipeline after the error is skipped up to the Sync", () => {
  const harness = new Harness();
  const first = statement(harness, "first");
  harness.engine.flush();
  harness.feed(ERROR);
  assertInstanceOf(first.error, DivisionByZero);
  const joined = statement(harness, "joined");
  assertInstanceOf(joined.error, PipelineAborted);
  assertEquals(harness.settled.get(joined), 1);
  harness.send(new SyncExchange(), "sync");
  const [after] = group(harness, ["after"]);
  harness.feed(b.readyForQuery("I"), answer(), b.readyForQuery("I"));
  assertEquals(after?.error, null);
  assertEquals(harness.engine.failure, null);
});

Deno.test("L2 Engine: a statement with a Sync of its own is skipped, the next one runs", () => {
  const harness = new Harness();
  const options = { steps: WHOLE, sync: true };
  statement(harness, "begin");
  const own = harness.send(new StatementExchange(null, options), "own");
  const next = harness.send(new StatementExchange(null, options), "next");
  harness.feed(ERROR);
  assertEquals(harness.settled.get(own), 0); // its ReadyForQuery is to come
  harness.feed(b.readyForQuery("I"), answer(), b.readyForQuery("I"));
  assertInstanceOf(own.error, PipelineAborted);
  assertEquals(next.error, null);
});

Deno.test("Engine: thousands of skipped statements that were never sent", () => {
  const harness = new Harness();
  statement(harness, "failing");
  harness.engine.flush();
  const waiting = Array.from(
    { length: 3000 },
    (_, i) => statement(harness, `item ${i}`),
  );
  harness.feed(ERROR);
  assert(waiting.every((item) => item.error instanceof PipelineAborted));
  harness.send(new SyncExchange(), "sync");
  const [after] = group(harness, ["after"]);
  assert(after?.sent);
  assert(waiting.every((item) => !item.sent));
  harness.feed(b.readyForQuery("I"), answer(), b.readyForQuery("I"));
  assertEquals([after.error, harness.engine.failure], [null, null]);
});

Deno.test("Engine: a queue of thousands keeps its order", () => {
  const harness = new Harness();
  const names = Array.from({ length: 5000 }, (_, i) => `item ${i}`);
  group(harness, names);
  for (const name of names) harness.feed(answer([name, null]));
  harness.feed(b.readyForQuery("I"));
  const rows = harness.log.filter((line) => / row /.test(line));
  assertEquals(rows.length, names.length);
  rows.forEach((line, i) => assert(line.startsWith(`item ${i} row`), line));
  assert(rows.every((line, i) => line.includes(`item ${i}\xff`)));
  assert(!harness.engine.busy);
});

Deno.test("Engine: after a ProtocolError everything queued is over once, each with its own error", () => {
  const harness = new Harness();
  const items = group(harness, ["a", "b", "c"]);
  const unsent = statement(harness, "unsent");
  harness.feed(b.parseComplete(), b.parseComplete());
  assertLost(harness);
  const errors = [...items, unsent].map((item) => item.error);
  assertEquals(new Set(errors).size, errors.length);
  for (const error of errors) assertInstanceOf(error, ProtocolError);
  assertEquals(errors[0], harness.engine.failure);
  const late = query(harness, "late");
  assertInstanceOf(late.error, ProtocolError);
  assert(late.error !== harness.engine.failure);
  harness.engine.fail(new Error("again"));
  assertLost(harness);
});

Deno.test("Engine: a reason that is no error of pgts becomes the cause of one", () => {
  const harness = new Harness();
  const exchange = query(harness);
  const reason = new TypeError("strange");
  harness.engine.fail(reason);
  assertInstanceOf(exchange.error, OperationalError);
  assertEquals(exchange.error.cause, reason);
});
