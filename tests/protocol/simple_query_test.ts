import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ProgrammingError, ProtocolError } from "../../errors/base.ts";
import { DivisionByZero, SyntaxError } from "../../errors/mod.ts";
import { SimpleQueryExchange } from "../../protocol/simple_query.ts";
import * as b from "../support/backend.ts";
import { Harness } from "../support/engine_harness.ts";
import { COLUMNS } from "../support/sessions.ts";
import { checkOrder, MESSAGES, type MessageType } from "../support/order.ts";

const ROWS = b.rowDescription([{ name: "n", oid: 23 }]);
const ROW = b.dataRow(["1"]);
const DONE = b.commandComplete("SELECT 1");
const IDLE = b.readyForQuery("I");
const ERROR = b.errorResponse({ code: "22012", message: "division by zero" });

function begin(harness: Harness): SimpleQueryExchange {
  return harness.send(
    new SimpleQueryExchange(harness.sink("it"), "select 1"),
  );
}

Deno.test("SimpleQueryExchange: every message in every state", () => {
  const between: MessageType[] = ["C", "E", "G", "H", "I", "T"];
  checkOrder(begin, [
    { name: "at the start", before: [], legal: between },
    { name: "in rows", before: [ROWS], legal: ["C", "D", "E"] },
    { name: "after a row", before: [ROWS, ROW], legal: ["C", "D", "E"] },
    {
      name: "after a statement",
      before: [ROWS, ROW, DONE],
      legal: [...between, "Z"],
    },
    {
      name: "after an empty one",
      before: [MESSAGES.I],
      legal: [...between, "Z"],
    },
    { name: "after an error", before: [ERROR], legal: ["Z"] },
    { name: "after an error in rows", before: [ROWS, ERROR], legal: ["Z"] },
    { name: "after CopyIn", before: [MESSAGES.G], legal: ["E"] },
    {
      name: "after CopyIn behind a result",
      before: [DONE, MESSAGES.G],
      legal: ["E"],
    },
    { name: "in COPY out", before: [MESSAGES.H], legal: ["E", "c", "d"] },
    {
      name: "after COPY out",
      before: [DONE, MESSAGES.H, MESSAGES.d, MESSAGES.c],
      legal: ["C", "E"],
    },
  ]);
});

Deno.test("L8 SimpleQueryExchange: all results before the failing statement, then its error", () => {
  const harness = new Harness();
  const exchange = begin(harness);
  harness.feed(
    b.commandComplete("CREATE TABLE"),
    ROWS,
    ROW,
    ROW,
    b.commandComplete("SELECT 2"),
    b.rowDescription(COLUMNS),
    b.dataRow(["1", "x"]),
    ERROR,
  );
  assertEquals(harness.settled.get(exchange), 0);
  harness.feed(IDLE);
  assertInstanceOf(exchange.error, DivisionByZero);
  assertEquals(
    harness.log.map((line) => line.split(" ").slice(0, 3).join(" ")),
    [
      "it complete CREATE",
      "it describe n:23",
      'it row "\\u0000\\u0001\\u0000\\u0000\\u0000\\u00011"',
      'it row "\\u0000\\u0001\\u0000\\u0000\\u0000\\u00011"',
      "it complete SELECT",
      "it describe id:23,näme:25",
      'it row "\\u0000\\u0002\\u0000\\u0000\\u0000\\u00011\\u0000\\u0000\\u0000\\u0001x"',
      "it settled DivisionByZero",
    ],
  );
});

Deno.test("L10 SimpleQueryExchange: an error after rows; the next query has its own rows alone", () => {
  const harness = new Harness();
  const failing = begin(harness);
  harness.feed(ROWS, ROW, ROW, ROW, ERROR, IDLE);
  assertInstanceOf(failing.error, DivisionByZero);
  const next = harness.send(
    new SimpleQueryExchange(harness.sink("next"), "select 2"),
    "next",
  );
  harness.feed(ROWS, b.dataRow(["2"]), DONE, IDLE);
  assertEquals(next.error, null);
  assertEquals(
    harness.log.filter((line) => line.startsWith("next")),
    [
      "next describe n:23",
      'next row "\\u0000\\u0001\\u0000\\u0000\\u0000\\u00012"',
      "next complete SELECT 1",
      "next settled well",
    ],
  );
});

Deno.test("SimpleQueryExchange: the position of an error points into the text", () => {
  const harness = new Harness();
  const exchange = harness.send(new SimpleQueryExchange(null, "selec 1"));
  harness.feed(
    b.errorResponse({ code: "42601", message: "syntax error", position: 1 }),
    IDLE,
  );
  assertInstanceOf(exchange.error, SyntaxError);
  assertEquals(
    exchange.error.message,
    "syntax error\nLINE 1: selec 1\n        ^",
  );
});

Deno.test("SimpleQueryExchange: what a sink throws fails the statement, the rest is drained", () => {
  for (const place of ["describe", "row", "complete", "empty"] as const) {
    const harness = new Harness();
    const reason = new Error(place);
    const sink = harness.sink("it");
    let calls = 0;
    sink[place] = () => {
      calls++;
      throw reason;
    };
    const exchange = harness.send(new SimpleQueryExchange(sink, "q"));
    harness.feed(ROWS, ROW, ROW, DONE, b.emptyQueryResponse(), ROWS, ROW, DONE);
    assertEquals(harness.engine.failure, null, place);
    harness.feed(IDLE);
    assertEquals(exchange.error, reason);
    assertEquals(calls, 1);
    const next = begin(harness);
    harness.feed(DONE, IDLE);
    assertEquals([next.error, harness.engine.failure], [null, null]);
  }
});

Deno.test("SimpleQueryExchange: a ProtocolError of a sink's row closes the connection", () => {
  const harness = new Harness();
  const sink = harness.sink("it");
  const reason = new ProtocolError("malformed row");
  sink.row = () => {
    throw reason;
  };
  const exchange = harness.send(new SimpleQueryExchange(sink, "q"));
  harness.feed(ROWS, ROW);
  assertEquals(harness.engine.failure, reason);
  assertEquals(exchange.error, reason);
});

Deno.test("SimpleQueryExchange: an error of the sink stays when the server fails too", () => {
  const harness = new Harness();
  const sink = harness.sink("it");
  const reason = new Error("first");
  sink.row = () => {
    throw reason;
  };
  const exchange = harness.send(new SimpleQueryExchange(sink, "q"));
  harness.feed(ROWS, ROW, ERROR, IDLE);
  assertEquals(exchange.error, reason);
  assertEquals(harness.engine.failure, null);
});

Deno.test("SimpleQueryExchange: COPY in is answered with CopyFail, the connection goes on", () => {
  const harness = new Harness();
  const exchange = begin(harness);
  harness.feed(b.copyInResponse([0, 0]));
  const [fail, ...rest] = harness.written();
  assert(fail?.tag === "f");
  assertEquals(rest, []);
  harness.feed(b.errorResponse({ code: "57014", message: fail.message }), IDLE);
  assertInstanceOf(exchange.error, ProgrammingError);
  assertEquals(harness.engine.failure, null);
  const next = begin(harness);
  harness.feed(DONE, IDLE);
  assertEquals(next.error, null);
});

Deno.test("SimpleQueryExchange: the data of a COPY out that nobody wants is dropped", () => {
  const harness = new Harness();
  const exchange = begin(harness);
  harness.feed(
    b.copyOutResponse(),
    b.copyData("1\n"),
    b.copyData("2\n"),
    b.copyDone(),
    b.commandComplete("COPY 2"),
    IDLE,
  );
  assertInstanceOf(exchange.error, ProgrammingError);
  assertEquals([harness.engine.failure, harness.tags()], [null, ""]);
});

Deno.test("A11 SimpleQueryExchange: hostile counts in a COPY that nobody wants", () => {
  for (const tag of ["G", "H"]) {
    const harness = new Harness();
    begin(harness);
    harness.feed(b.message(tag, Uint8Array.of(0), b.int16(-1)));
    assertInstanceOf(harness.engine.failure, ProtocolError);
    assertEquals(harness.tags(), "");
  }
});
