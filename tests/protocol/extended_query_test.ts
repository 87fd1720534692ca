import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  OperationalError,
  ProgrammingError,
  ProtocolError,
} from "../../errors/base.ts";
import { DivisionByZero } from "../../errors/mod.ts";
import {
  StatementExchange,
  type StatementExchangeOptions,
  Step,
  SyncExchange,
} from "../../protocol/extended_query.ts";
import * as b from "../support/backend.ts";
import { Harness } from "../support/engine_harness.ts";
import { checkOrder, MESSAGES } from "../support/order.ts";
import { answer, WHOLE } from "../support/sessions.ts";

const { 1: PARSED, 2: BOUND, 3: CLOSED, T, D, C, I, t, n, G, H, d, c } =
  MESSAGES;
const IDLE = b.readyForQuery("I");
const ERROR = b.errorResponse({ code: "22012", message: "division by zero" });

function begin(
  options: StatementExchangeOptions,
): (harness: Harness) => StatementExchange {
  return (harness) =>
    harness.send(new StatementExchange(harness.sink("it"), options));
}

Deno.test("StatementExchange: every message in every state of a whole statement", () => {
  const bound = [PARSED, BOUND, T];
  checkOrder(begin({ steps: WHOLE, sync: true }), [
    { name: "at the start", before: [], legal: ["1", "E"] },
    { name: "parsed", before: [PARSED], legal: ["2", "E"] },
    { name: "bound", before: [PARSED, BOUND], legal: ["T", "n", "E"] },
    { name: "described", before: bound, legal: ["D", "C", "I", "E", "G", "H"] },
    {
      name: "after a row",
      before: [...bound, D],
      legal: ["D", "C", "I", "E", "G", "H"],
    },
    {
      name: "without columns",
      before: [PARSED, BOUND, n],
      legal: ["C", "I", "E", "G", "H"],
    },
    { name: "complete", before: [...bound, C], legal: ["Z", "E"] },
    { name: "empty", before: [PARSED, BOUND, n, I], legal: ["Z", "E"] },
    { name: "after an error", before: [PARSED, ERROR], legal: ["Z"] },
    {
      name: "after an error in rows",
      before: [...bound, D, ERROR],
      legal: ["Z"],
    },
    { name: "after CopyIn", before: [PARSED, BOUND, n, G], legal: ["E"] },
    {
      name: "in COPY out",
      before: [PARSED, BOUND, n, H],
      legal: ["c", "d", "E"],
    },
    {
      name: "after COPY out",
      before: [PARSED, BOUND, n, H, d, c],
      legal: ["C", "E"],
    },
  ]);
});

Deno.test("StatementExchange: every message in every state of a preparation behind two Closes", () => {
  const steps = Step.PARSE | Step.PARAMETERS | Step.DESCRIBE;
  checkOrder(begin({ steps, closes: 2, sync: true }), [
    { name: "at the start", before: [], legal: ["3", "E"] },
    { name: "one closed", before: [CLOSED], legal: ["3", "E"] },
    { name: "both closed", before: [CLOSED, CLOSED], legal: ["1", "E"] },
    { name: "parsed", before: [CLOSED, CLOSED, PARSED], legal: ["t", "E"] },
    {
      name: "with parameters",
      before: [CLOSED, CLOSED, PARSED, t],
      legal: ["T", "n", "E"],
    },
    {
      name: "described",
      before: [CLOSED, CLOSED, PARSED, t, T],
      legal: ["Z", "E"],
    },
  ]);
});

Deno.test("StatementExchange: every message in every state of a prepared statement", () => {
  const steps = Step.BIND | Step.EXECUTE;
  checkOrder(begin({ steps, sync: true, described: true }), [
    { name: "at the start", before: [], legal: ["2", "E"] },
    { name: "bound", before: [BOUND], legal: ["D", "C", "I", "E", "G", "H"] },
    { name: "complete", before: [BOUND, D, C], legal: ["Z", "E"] },
  ]);
  checkOrder(begin({ steps, sync: true }), [
    { name: "undescribed", before: [BOUND], legal: ["C", "I", "E", "G", "H"] },
  ]);
});

Deno.test("StatementExchange: every message in every state without a Sync of its own", () => {
  checkOrder(begin({ steps: WHOLE, sync: false }), [
    { name: "at the start", before: [], legal: ["1", "E"] },
    { name: "parsed", before: [PARSED], legal: ["2", "E"] },
    { name: "bound", before: [PARSED, BOUND], legal: ["T", "n", "E"] },
    {
      name: "in COPY out",
      before: [PARSED, BOUND, n, H],
      legal: ["c", "d", "E"],
    },
  ]);
});

Deno.test("SyncExchange: every message, with an error before or without", () => {
  checkOrder((harness) => harness.send(new SyncExchange()), [
    { name: "at the start", before: [], legal: ["Z", "E"] },
    { name: "after an error", before: [ERROR], legal: ["Z"] },
  ]);
});

Deno.test("StatementExchange: what is known of the statement afterwards", () => {
  const harness = new Harness();
  const exchange = begin({
    steps: Step.PARSE | Step.PARAMETERS | Step.DESCRIBE,
    sync: true,
  })(harness);
  assertEquals([exchange.parsed, exchange.fields], [false, null]);
  harness.feed(PARSED);
  assertEquals([exchange.parsed, exchange.parameterOids], [true, null]);
  harness.feed(b.parameterDescription([23, 4294967295]), n);
  assertEquals(exchange.parameterOids, [23, 4294967295]);
  assertEquals(exchange.fields, []);
  harness.feed(IDLE);
  assertEquals(exchange.error, null);

  const failed = begin({ steps: WHOLE, sync: true })(harness);
  harness.feed(ERROR, IDLE);
  assertEquals(failed.parsed, false);
  assertInstanceOf(failed.error, DivisionByZero);
});

Deno.test("StatementExchange: over with its last answer where it has no Sync of its own", () => {
  for (
    const [last, before] of [
      [C, [PARSED, BOUND, T, D]],
      [I, [PARSED, BOUND, n]],
      [C, [PARSED, BOUND, n]],
    ] as const
  ) {
    const harness = new Harness();
    const exchange = begin({ steps: WHOLE, sync: false })(harness);
    harness.feed(...before);
    assertEquals(harness.settled.get(exchange), 0);
    harness.feed(last);
    assertEquals(harness.settled.get(exchange), 1);
  }
});

Deno.test("L10 StatementExchange: an error after k rows; the next query has its own rows alone", () => {
  for (const k of [0, 1, 50]) {
    const harness = new Harness();
    const failing = begin({ steps: WHOLE, sync: true })(harness);
    harness.feed(PARSED, BOUND, T);
    for (let i = 0; i < k; i++) harness.feed(D);
    harness.feed(ERROR, IDLE);
    assertInstanceOf(failing.error, DivisionByZero);
    const lines = harness.log.length;
    const next = begin({ steps: WHOLE, sync: true })(harness);
    harness.feed(answer(["7", "own"]), IDLE);
    assertEquals(next.error, null);
    const rows = harness.log.slice(lines).filter((line) => / row /.test(line));
    assertEquals(rows.length, 1);
    assertEquals(rows[0]?.includes("own"), true);
  }
});

Deno.test("StatementExchange: a sink that throws fails its statement alone", () => {
  for (const place of ["describe", "row", "complete"] as const) {
    const harness = new Harness();
    const sink = harness.sink("it");
    const reason = new TypeError(place);
    sink[place] = () => {
      throw reason;
    };
    const failing = harness.send(
      new StatementExchange(sink, { steps: WHOLE, sync: false }),
    );
    const next = begin({ steps: WHOLE, sync: false })(harness);
    const sync = harness.send(new SyncExchange());
    harness.feed(answer(["1", "a"], ["2", "b"]), answer(["3", "c"]), IDLE);
    assertEquals(failing.error, reason);
    assertEquals([next.error, sync.error], [null, null]);
    assertEquals(harness.engine.failure, null);
    assertEquals([...harness.settled.values()], [1, 1, 1]);
  }
});

Deno.test("StatementExchange: COPY in is answered with CopyFail and a Sync", () => {
  const harness = new Harness();
  const exchange = begin({ steps: WHOLE, sync: true })(harness);
  harness.feed(PARSED, BOUND, n, G);
  assertEquals(harness.tags(), "fS");
  harness.feed(b.errorResponse({ code: "57014" }), IDLE);
  assertInstanceOf(exchange.error, ProgrammingError);
  const next = begin({ steps: WHOLE, sync: true })(harness);
  harness.feed(answer(), IDLE);
  assertEquals([next.error, harness.engine.failure], [null, null]);
});

Deno.test("StatementExchange: COPY in within a pipeline closes the connection", () => {
  const harness = new Harness();
  const copy = begin({ steps: WHOLE, sync: false })(harness);
  const other = begin({ steps: WHOLE, sync: false })(harness);
  harness.feed(PARSED, BOUND, n, G);
  assertInstanceOf(copy.error, OperationalError);
  assertEquals(copy.error instanceof ProtocolError, false);
  assertInstanceOf(other.error, OperationalError);
  assertEquals(harness.lost.length, 1);
});

Deno.test("A11 StatementExchange: hostile counts close the connection", () => {
  const hostile: [Uint8Array[], Uint8Array][] = [
    [[PARSED, BOUND], b.message("T", b.int16(-1))],
    [[PARSED, BOUND], b.message("T", b.int16(32767))],
    [[PARSED, BOUND, n], b.message("G", b.int16(255))],
    [[PARSED, BOUND, n], b.message("H", Uint8Array.of(0), b.int16(-1))],
  ];
  for (const [before, message] of hostile) {
    const harness = new Harness();
    begin({ steps: WHOLE, sync: true })(harness);
    harness.feed(...before);
    assertEquals(harness.engine.failure, null);
    harness.feed(message);
    assertInstanceOf(harness.engine.failure, ProtocolError);
    assertEquals(harness.lost.length, 1);
  }
});

Deno.test("StatementExchange: messages without a body that have one are refused", () => {
  const cases: [Uint8Array[], string][] = [
    [[], "1"],
    [[PARSED], "2"],
    [[PARSED, BOUND], "n"],
    [[PARSED, BOUND, n], "I"],
    [[PARSED, BOUND, n, H], "c"],
  ];
  for (const [before, tag] of cases) {
    const harness = new Harness();
    begin({ steps: WHOLE, sync: true })(harness);
    harness.feed(...before, b.message(tag, Uint8Array.of(0)));
    assertInstanceOf(harness.engine.failure, ProtocolError, tag);
  }
});
