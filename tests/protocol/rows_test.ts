import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ResultCollector } from "../../connection/result.ts";
import {
  dictRow,
  type RowFactory,
  scalarRow,
  tupleRow,
} from "../../connection/rows.ts";
import { DataError, ProtocolError } from "../../errors/base.ts";
import { StatementExchange } from "../../protocol/extended_query.ts";
import { SimpleQueryExchange } from "../../protocol/simple_query.ts";
import { NO_SESSION } from "../../types/adapt.ts";
import { adapters } from "../../types/defaults.ts";
import { RowPlan } from "../../types/row_decoder.ts";
import { Transformer } from "../../types/transformer.ts";
import * as b from "../support/backend.ts";
import { Harness } from "../support/engine_harness.ts";
import { WHOLE } from "../support/sessions.ts";

/** Rows before the one that matters: by the loop, its last, compiled, compiled for long. */
const WARM = [0, 31, 32, 33, 100];
const FACTORIES: [string, RowFactory<unknown>][] = [
  ["dictRow", dictRow],
  ["tupleRow", tupleRow],
  ["scalarRow", scalarRow],
  ["a function", () => (values) => values.length],
];
const IDLE = b.readyForQuery("I");

function collector(rowFactory: RowFactory<unknown> = dictRow): ResultCollector {
  const transformer = new Transformer(adapters, NO_SESSION);
  return new ResultCollector(
    { binary: undefined, transformer, rowFactory, results: [] },
    null,
  );
}

/** A statement of `columns` text columns, of which `rows` good rows have come. */
function running(
  columns: number,
  rows: number,
  rowFactory: RowFactory<unknown>,
): { harness: Harness; exchange: StatementExchange; sink: ResultCollector } {
  const harness = new Harness();
  const sink = collector(rowFactory);
  const exchange = harness.send(
    new StatementExchange(sink, { steps: WHOLE, sync: true }),
  );
  const names = Array.from({ length: columns }, (_, i) => `c${i}`);
  harness.feed(
    b.parseComplete(),
    b.bindComplete(),
    b.rowDescription(names.map((name) => ({ name, oid: 25 }))),
  );
  for (let i = 0; i < rows; i++) harness.feed(b.dataRow(names));
  assertEquals([harness.engine.failure, exchange.error], [null, null]);
  return { harness, exchange, sink };
}

/** Each body, as the next DataRow in every form of the decoder, must close the connection. */
function refused(columns: number, bodies: readonly Uint8Array[]): void {
  for (const [name, rowFactory] of FACTORIES) {
    if (columns === 0 && rowFactory === scalarRow) continue;
    for (const warm of WARM) {
      for (const body of bodies) {
        const { harness, exchange } = running(columns, warm, rowFactory);
        // What follows must not be taken for the end of the row.
        harness.feed(b.concat(b.message("D", body), b.dataRow(["c0", "c1"])));
        const what = `${name}, ${warm} rows, ${body}`;
        assertInstanceOf(harness.engine.failure, ProtocolError, what);
        assertStringIncludes(harness.engine.failure.message, "a row", what);
        assertEquals(harness.lost, [harness.engine.failure], what);
        assertEquals(exchange.error, harness.engine.failure, what);
        assertEquals([...harness.settled.values()], [1], what);
      }
    }
  }
}

Deno.test("A2 RowPlan: a field length runs past the message", () => {
  const first = b.value("c0");
  refused(2, [
    b.concat(b.int16(2), b.int32(1), b.value("c1")),
    b.concat(b.int16(2), first, b.int32(3), b.bytes("c1")),
    b.concat(b.int16(2), first, b.int32(0x7fff_ffff), b.bytes("c1")),
    b.concat(b.int16(2), b.int32(0x7fff_ffff), first),
    b.concat(b.int16(2), first, b.int32(1)),
    b.concat(b.int16(2), first, b.int32(0), b.bytes("x")),
  ]);
});

Deno.test("A3 RowPlan: 30 000 fields in an empty body, and other bodies that are too short", () => {
  const whole = b.dataRow(["c0", "c1"]).slice(5);
  const cut = Array.from(whole, (_, length) => whole.slice(0, length));
  refused(2, [b.int16(30_000), b.int16(2), ...cut]);
  refused(0, [b.int16(30_000), new Uint8Array()]);
});

Deno.test("A6 RowPlan: n - 1, n + 1 and no columns where n were described", () => {
  refused(2, [
    b.dataRow(["c0"]).slice(5),
    b.dataRow(["c0", "c1", "c2"]).slice(5),
    b.dataRow([]).slice(5),
    b.concat(b.int16(-2), b.value("c0"), b.value("c1")),
    b.concat(b.int16(2), b.value("c0"), b.value("c1"), b.value("c2")),
  ]);
  refused(1, [b.dataRow([]).slice(5), b.dataRow(["c0", "c1"]).slice(5)]);
  refused(0, [b.dataRow(["c0"]).slice(5)]);
  const wide = Array.from({ length: 201 }, (_, i) => `c${i}`); // never compiled
  refused(201, [b.dataRow(wide.slice(1)).slice(5)]);
});

Deno.test("A11 RowPlan: negative lengths other than -1", () => {
  const first = b.value("c0");
  refused(
    2,
    [-2, -3, -2147483648].flatMap((length) => [
      b.concat(b.int16(2), b.int32(length), first),
      b.concat(b.int16(2), first, b.int32(length)),
      b.concat(b.int16(2), b.int32(length), first, new Uint8Array(8)),
    ]),
  );
});

Deno.test("RowPlan: NULL, empty and plain values, by the loop and compiled", () => {
  for (const warm of WARM) {
    const { harness, sink, exchange } = running(3, warm, tupleRow);
    harness.feed(b.dataRow([null, "", "é"]), b.commandComplete("SELECT"), IDLE);
    assertEquals(exchange.error, null);
    assertEquals(sink.results[0]?.rows.at(-1), [null, "", "é"]);
    assertEquals(sink.results[0]?.rows.length, warm + 1);
  }
});

Deno.test("RowPlan: rows without columns, in every shape, by the loop and compiled", () => {
  for (
    const [shape, row] of [["object", {}], ["array", []], [
      "scalar",
      undefined,
    ]] as const
  ) {
    const plan = new RowPlan([], shape);
    const harness = new Harness();
    for (let i = 0; i < 100; i++) {
      harness.engine.input.push(b.dataRow([]));
      harness.engine.input.nextMessage();
      assertEquals(plan.decode(harness.engine.input), row);
    }
  }
});

Deno.test("L4 RowPlan: a loader or a row function that throws fails its query, not the connection", () => {
  const reason = new TypeError("mine");
  for (const warm of WARM) {
    let rows = 0;
    const throwing: RowFactory<unknown> = () => () => {
      if (rows++ === warm) throw reason;
    };
    const { harness, exchange, sink } = running(2, warm, throwing);
    harness.feed(b.dataRow(["a", "b"]), b.dataRow(["a", "b"]));
    harness.feed(b.commandComplete("SELECT 2"), IDLE);
    assertEquals([exchange.error, rows], [reason, warm + 1]);
    assertEquals(sink.results, []);

    const loading = collector();
    const failing = harness.send(new SimpleQueryExchange(loading, "q"));
    harness.feed(
      b.rowDescription([{ name: "a", oid: 25 }, { name: "n", oid: 23 }]),
    );
    for (let i = 0; i < warm; i++) harness.feed(b.dataRow(["a", "1"]));
    harness.feed(b.dataRow(["a", "no number"]), b.dataRow(["a", "2"]));
    harness.feed(b.commandComplete("SELECT 2"), IDLE);
    assertInstanceOf(failing.error, DataError);
    assertStringIncludes(failing.error.message, 'column "n" of type integer');

    const next = collector(scalarRow);
    const usable = harness.send(new SimpleQueryExchange(next, "q"));
    harness.feed(b.rowDescription([{ name: "n", oid: 23 }]), b.dataRow(["7"]));
    harness.feed(b.commandComplete("SELECT 1"), IDLE);
    assertEquals([usable.error, next.results[0]?.rows], [null, [7]]);
    assertEquals(harness.engine.failure, null);
  }
});

Deno.test("A16 CommandComplete: no NUL, no text, counts of 5 000 000 000 and 2^63", () => {
  const harness = new Harness();
  const sink = collector();
  const tags = [
    "UPDATE 5000000000",
    "INSERT 0 9007199254740991",
    "UPDATE 9223372036854775808",
    "",
    "SET",
    "COPY 0",
    "UPDATE -1",
  ];
  harness.send(new SimpleQueryExchange(sink, "q"));
  harness.feed(...tags.map(b.commandComplete), IDLE);
  assertEquals(harness.engine.failure, null);
  const { results } = sink;
  assertEquals(results.map((result) => result.commandTag), tags);
  assertEquals(results[0]?.rowCount, 5_000_000_000);
  assertEquals(results[1]?.rowCount, Number.MAX_SAFE_INTEGER);
  assertThrows(() => results[2]?.rowCount, DataError, "9223372036854775808");
  assertEquals(
    results.slice(3).map((result) => result.rowCount),
    [-1, -1, 0, -1],
  );

  const failing = harness.send(new SimpleQueryExchange(collector(), "q"));
  harness.feed(b.message("C", b.bytes("SELECT 1")), IDLE);
  assertInstanceOf(failing.error, ProtocolError);
  assertEquals(harness.lost, [failing.error]);
});
