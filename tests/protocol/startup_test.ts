import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { OperationalError, ProtocolError } from "../../errors/base.ts";
import { InvalidPassword } from "../../errors/mod.ts";
import { Authenticator } from "../../protocol/auth.ts";
import { ReadBuffer } from "../../protocol/read_buffer.ts";
import { inspectFirstBytes, StartupExchange } from "../../protocol/startup.ts";
import * as b from "../support/backend.ts";
import { Harness } from "../support/engine_harness.ts";
import { FrontendReader } from "../support/frontend_reader.ts";
import { checkOrder, MESSAGES } from "../support/order.ts";
import { PARAMETERS, sessionStart } from "../support/scripted_session.ts";

const OK = b.authenticationOk();
const IDLE = b.readyForQuery("I");

function begin(
  harness: Harness,
  password: string | null = null,
): StartupExchange {
  const exchange = new StartupExchange(
    new Authenticator({ user: "u", password, cleartextAllowed: true }),
  );
  exchange.start(harness.engine, { user: "u", database: "d" });
  return harness.send(exchange, "startup");
}

/** Lets an answer that is made in turns of the event loop be made. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

Deno.test("StartupExchange: the StartupMessage, parameters, key, ReadyForQuery", async () => {
  const harness = new Harness();
  const exchange = begin(harness);
  const reader = new FrontendReader();
  reader.push(harness.engine.output.written());
  assertEquals(reader.all(), [
    {
      tag: "startup",
      version: 0x30000,
      parameters: { user: "u", database: "d" },
    },
  ]);
  harness.feed(OK, ...sessionStart());
  await exchange.finish();
  assertEquals(exchange.error, null);
  assertEquals(exchange.processId, 4711);
  assertEquals(exchange.secretKey, Uint8Array.of(1, 2, 3, 4));
  assertEquals(
    harness.log,
    [
      ...Object.entries(PARAMETERS).map((pair) =>
        `parameter ${pair.join("=")}`
      ),
      "startup settled well",
    ],
  );
});

Deno.test("StartupExchange: every message in every state", () => {
  checkOrder(begin, [
    { name: "at the start", before: [], legal: ["R", "v", "E"] },
    { name: "negotiated", before: [MESSAGES.v], legal: ["R", "E"] },
    { name: "authenticated", before: [OK], legal: ["K", "Z", "E"] },
    { name: "with a key", before: [OK, MESSAGES.K], legal: ["K", "Z", "E"] },
    { name: "after an error", before: [MESSAGES.E], legal: ["Z"] },
    { name: "after a late error", before: [OK, MESSAGES.E], legal: ["Z"] },
  ]);
});

Deno.test("StartupExchange: a password is sent, then the session starts", async () => {
  const harness = new Harness();
  const exchange = begin(harness, "sesame");
  harness.engine.output.clear();
  harness.feed(b.authenticationCleartextPassword());
  await turns();
  assertEquals(harness.written(), [{ tag: "p", body: b.cstring("sesame") }]);
  harness.feed(OK, ...sessionStart({ key: null }));
  await exchange.finish();
  assertEquals([exchange.processId, exchange.secretKey], [null, null]);
});

Deno.test("StartupExchange: the server refuses the password", async () => {
  const harness = new Harness();
  const exchange = begin(harness, "wrong");
  harness.feed(b.authenticationCleartextPassword());
  await turns();
  harness.feed(
    b.errorResponse({ severity: "FATAL", code: "28P01", message: "no" }),
  );
  await exchange.finish();
  assertInstanceOf(exchange.error, InvalidPassword);
  assertEquals(harness.lost, [exchange.error]);
});

Deno.test("StartupExchange: ReadyForQuery before the proof of the server", async () => {
  const harness = new Harness();
  const exchange = begin(harness, "secret");
  harness.feed(b.authenticationSasl(["SCRAM-SHA-256"]));
  await turns();
  harness.feed(OK, IDLE);
  await exchange.finish().catch(() => {});
  assertInstanceOf(harness.engine.failure, ProtocolError);

  const early = new Harness();
  begin(early);
  early.feed(IDLE);
  assertInstanceOf(early.engine.failure, ProtocolError);
});

Deno.test("StartupExchange: a lost connection rejects, even while a password is awaited", async () => {
  const harness = new Harness();
  const { promise, resolve } = Promise.withResolvers<string>();
  const exchange = new StartupExchange(
    new Authenticator({
      user: "u",
      password: () => promise,
      cleartextAllowed: true,
    }),
  );
  exchange.start(harness.engine, { user: "u" });
  harness.send(exchange);
  harness.engine.output.clear();
  harness.feed(b.authenticationCleartextPassword());
  harness.engine.fail(new OperationalError("gone"));
  await exchange.finish();
  assertInstanceOf(exchange.error, OperationalError);
  resolve("late");
  await turns();
  assertEquals(harness.tags(), ""); // nothing is sent any more
});

Deno.test("StartupExchange: unknown options are accepted, another major and a second negotiation are not", async () => {
  const harness = new Harness();
  const exchange = begin(harness);
  harness.feed(b.negotiateProtocolVersion(0x30000, ["_pq_.x"]), OK, IDLE);
  await exchange.finish();
  assertEquals(exchange.error, null);

  for (
    const messages of [
      [b.negotiateProtocolVersion(0x40000)],
      [b.negotiateProtocolVersion(0x30002)],
      [b.negotiateProtocolVersion(0x20000)],
      [
        b.negotiateProtocolVersion(0x30000),
        b.negotiateProtocolVersion(0x30000),
      ],
      [OK, b.negotiateProtocolVersion(0x30000)],
    ]
  ) {
    const refused = new Harness();
    const exchange = begin(refused);
    refused.feed(...messages);
    assertInstanceOf(refused.engine.failure, ProtocolError);
    assertInstanceOf(exchange.error, ProtocolError);
  }
});

Deno.test("StartupExchange: AuthenticationOk that says more, or less, is refused", async () => {
  for (
    const message of [
      b.authentication(0, Uint8Array.of(0)),
      b.message("R", Uint8Array.of(0, 0, 0)),
      b.message("R"),
    ]
  ) {
    const harness = new Harness();
    const exchange = begin(harness);
    harness.feed(message);
    await turns();
    harness.feed(IDLE);
    await exchange.finish().catch(() => {});
    assertInstanceOf(harness.engine.failure, ProtocolError);
    assertInstanceOf(exchange.error, ProtocolError);
  }
});

Deno.test("StartupExchange: finish() rejects where no error came and no authentication either", async () => {
  const harness = new Harness();
  const exchange = begin(harness);
  exchange.settle(); // as a ReadyForQuery would that came too soon
  await assertRejects(() => exchange.finish(), ProtocolError);
});

Deno.test("inspectFirstBytes: messages of a server pass", () => {
  const messages = [
    new Uint8Array(),
    OK,
    b.noticeResponse(),
    b.negotiateProtocolVersion(0x30000),
    b.errorResponse({ code: "53300" }),
    b.errorResponse().slice(0, 4), // not enough to tell
  ];
  for (const message of messages) {
    const buffer = new ReadBuffer();
    buffer.push(message);
    assertEquals(inspectFirstBytes(buffer), null);
    assertEquals(buffer.unreadLength, message.length);
  }
});

Deno.test("inspectFirstBytes: HTTP, TLS, SSH and the like are no PostgreSQL server", () => {
  const others = [
    b.bytes("HTTP/1.1 400 Bad Request\r\n"),
    Uint8Array.of(0x15, 3, 1, 0, 2, 2, 40),
    b.bytes("SSH-2.0-OpenSSH"),
    b.bytes("-ERR unknown command\r\n"),
    b.bytes("H"),
    Uint8Array.of(0),
  ];
  for (const bytes of others) {
    const buffer = new ReadBuffer();
    buffer.push(bytes);
    const error = inspectFirstBytes(buffer);
    assertInstanceOf(error, ProtocolError);
    assertStringIncludes(error.message, "not a PostgreSQL server");
  }
});

Deno.test("inspectFirstBytes: an error in plain text keeps its text", () => {
  const buffer = new ReadBuffer();
  buffer.push(b.bytes("EFATAL:  could not fork new process\n\0"));
  const error = inspectFirstBytes(buffer);
  assertInstanceOf(error, OperationalError);
  assert(!(error instanceof ProtocolError));
  assertEquals(error.message, "could not fork new process");
});
