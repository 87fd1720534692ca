import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ProgrammingError, ProtocolError } from "../../errors/base.ts";
import { UniqueViolation } from "../../errors/mod.ts";
import { CopyExchange, writeCopyStart } from "../../protocol/copy_exchange.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";
import * as b from "../support/backend.ts";
import { Harness } from "../support/engine_harness.ts";
import { checkOrder, MESSAGES } from "../support/order.ts";

const { C, D, I, c, d, s } = MESSAGES;
const STARTED = [MESSAGES["1"], MESSAGES["2"]];
const G = b.concat(...STARTED, MESSAGES.G);
const H = b.concat(...STARTED, MESSAGES.H);
const IDLE = b.readyForQuery("I");
const ERROR = b.errorResponse({ code: "23505", message: "duplicate" });

function copyIn(harness: Harness): CopyExchange {
  return harness.send(new CopyExchange("copy t from stdin", () => {}));
}

function copyOut(harness: Harness): CopyExchange {
  return harness.send(
    new CopyExchange("copy t to stdout", (source) => {
      harness.log.push(source.text(source.start, source.end));
    }),
  );
}

Deno.test("CopyExchange, in: every message in every state", () => {
  const finish = (exchange: CopyExchange, { engine }: Harness) =>
    exchange.finish(engine);
  const abort = (exchange: CopyExchange, { engine }: Harness) =>
    exchange.abort(engine, "no");
  checkOrder(copyIn, [
    { name: "at the start", before: [], legal: ["1", "E"] },
    { name: "parsed", before: STARTED.slice(0, 1), legal: ["2", "E"] },
    {
      name: "bound",
      before: STARTED,
      legal: ["G", "H", "C", "D", "I", "s", "E"],
    },
    {
      name: "with a row of no COPY",
      before: [...STARTED, D],
      legal: ["G", "H", "C", "D", "I", "s", "E"],
    },
    { name: "while copying", before: [G], legal: ["E"] },
    { name: "after CopyDone", before: [G], client: finish, legal: ["C", "E"] },
    { name: "after CopyFail", before: [G], client: abort, legal: ["E"] },
    { name: "after an error", before: [G, ERROR], legal: ["Z"] },
    { name: "refused at once", before: [ERROR], legal: ["Z"] },
  ]);
  const harness = new Harness();
  const exchange = copyIn(harness);
  harness.feed(G);
  exchange.finish(harness.engine);
  harness.feed(C, IDLE);
  assertEquals([exchange.error, harness.engine.failure], [null, null]);
});

Deno.test("CopyExchange, out: every message in every state", () => {
  checkOrder(copyOut, [
    { name: "while copying", before: [H], legal: ["d", "c", "E"] },
    { name: "after data", before: [H, d], legal: ["d", "c", "E"] },
    { name: "after CopyDone", before: [H, d, c], legal: ["C", "E"] },
    { name: "complete", before: [H, c, C], legal: ["Z", "E"] },
    { name: "after an error", before: [H, d, ERROR], legal: ["Z"] },
  ]);
});

Deno.test("CopyExchange: blocks and CopyDone on the wire, the command tag", async () => {
  const harness = new Harness();
  const exchange = copyIn(harness);
  exchange.write(harness.engine, b.bytes("too early"));
  assertEquals([exchange.wantsData, harness.tags()], [false, ""]);
  harness.feed(...STARTED, b.copyInResponse([0, 1], 1));
  await exchange.started;
  assertEquals(exchange.formats, { format: 1, columns: [0, 1] });
  exchange.write(harness.engine, b.bytes("1\n"));
  exchange.write(harness.engine, new Uint8Array());
  exchange.finish(harness.engine);
  exchange.finish(harness.engine);
  exchange.write(harness.engine, b.bytes("too late"));
  assertEquals(harness.written(), [
    { tag: "d", data: b.bytes("1\n") },
    { tag: "d", data: new Uint8Array() },
    { tag: "c" },
    { tag: "S" },
  ]);
  harness.feed(b.commandComplete("COPY 1"), IDLE);
  await exchange.done;
  assertEquals([exchange.commandTag, exchange.error], ["COPY 1", null]);
});

Deno.test("CopyExchange: after an error nothing more is sent, the connection goes on", async () => {
  const harness = new Harness();
  const exchange = copyIn(harness);
  harness.feed(G, ERROR);
  assert(!exchange.wantsData);
  exchange.write(harness.engine, b.bytes("x"));
  exchange.finish(harness.engine);
  exchange.abort(harness.engine, "x");
  assertEquals(harness.tags(), "S");
  harness.feed(IDLE);
  await exchange.done;
  assertInstanceOf(exchange.error, UniqueViolation);
  assertEquals(harness.engine.failure, null);
});

Deno.test("CopyExchange: abort sends the reason, and what the server says is the error", async () => {
  const harness = new Harness();
  const exchange = copyIn(harness);
  harness.feed(G);
  exchange.abort(harness.engine, "source failed");
  exchange.finish(harness.engine);
  assertEquals(harness.written(), [
    { tag: "f", message: "source failed" },
    { tag: "S" },
  ]);
  harness.feed(b.errorResponse({ code: "57014" }), IDLE);
  await exchange.done;
  assertEquals(exchange.commandTag, null);
  assert(exchange.error !== null);
});

Deno.test("CopyExchange: `started` settles when they never start", async () => {
  for (const begin of [copyIn, copyOut]) {
    const refused = new Harness();
    const exchange = begin(refused);
    refused.feed(ERROR, IDLE);
    await exchange.started;
    assertEquals(exchange.formats, null);
    assertInstanceOf(exchange.error, UniqueViolation);

    const lost = new Harness();
    const other = begin(lost);
    lost.engine.fail(new ProtocolError("gone"));
    await other.started;
    assertInstanceOf(other.error, ProtocolError);
  }
});

Deno.test("CopyExchange: a taker that throws fails the COPY, the rest is drained", () => {
  const harness = new Harness();
  const reason = new RangeError("full");
  let blocks = 0;
  const exchange = harness.send(
    new CopyExchange("copy", () => {
      if (++blocks === 2) throw reason;
    }),
  );
  harness.feed(H, d, d, d, c, b.commandComplete("COPY 3"), IDLE);
  assertEquals([exchange.error, blocks], [reason, 2]);
  assertEquals(harness.engine.failure, null);
});

Deno.test("A11 CopyExchange: hostile counts and formats", () => {
  for (const [begin, tag] of [[copyIn, "G"], [copyOut, "H"]] as const) {
    for (
      const body of [
        [Uint8Array.of(0), b.int16(-1)],
        [Uint8Array.of(0), b.int16(-32768), new Uint8Array(10)],
        [Uint8Array.of(0), b.int16(2), b.int16(0)],
        [Uint8Array.of(2), b.int16(0)],
        [Uint8Array.of(0), b.int16(1), b.int16(-1)],
      ]
    ) {
      const harness = new Harness();
      const exchange = begin(harness);
      harness.feed(...STARTED, b.message(tag, ...body));
      assertInstanceOf(harness.engine.failure, ProtocolError);
      assertEquals(harness.settled.get(exchange), 1);
    }
  }
});

Deno.test("COPY-10 CopyExchange: what is no COPY is a ProgrammingError, whatever the server answers", async () => {
  for (const answer of [[C], [D, s], [D, D, C], [I]]) {
    const harness = new Harness();
    const exchange = copyIn(harness);
    harness.feed(...STARTED, ...answer, IDLE);
    await exchange.started;
    assertInstanceOf(exchange.error, ProgrammingError);
    assertEquals([exchange.direction, exchange.commandTag], [null, null]);
    assertEquals([harness.tags(), harness.engine.failure], ["S", null]);
  }
});

Deno.test("writeCopyStart: Parse, Bind, Execute and Flush, and no Sync", () => {
  const out = new WriteBuffer();
  writeCopyStart(out, "copy t to stdout");
  const tags: string[] = [];
  for (let at = 0; at < out.length; at += 1 + out.view.getInt32(at + 1)) {
    tags.push(String.fromCharCode(out.bytes[at]!));
  }
  assertEquals(tags.join(""), "PBEH");
});
