import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as backend from "./support/backend.ts";
import {
  FrontendError,
  FrontendReader,
  readFrontend,
  textValues,
} from "./support/frontend_reader.ts";
import { ScriptedServer } from "./support/scripted_server.ts";
import { PARAMETERS } from "./support/scripted_session.ts";

const { concat, cstring, int16, int32, message } = backend;

/** A client that is only bytes. */
class RawClient implements Disposable {
  readonly conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  static async open(server: ScriptedServer): Promise<RawClient> {
    return new RawClient(
      await Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    );
  }

  async send(...messages: Uint8Array[]): Promise<void> {
    const bytes = concat(...messages);
    let at = 0;
    while (at < bytes.length) at += await this.conn.write(bytes.subarray(at));
  }

  async read(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    let at = 0;
    while (at < count) {
      const part = await this.conn.read(bytes.subarray(at));
      if (part === null) return bytes.subarray(0, at);
      at += part;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

function startupMessage(...words: string[]): Uint8Array {
  const body = concat(int32(0x30000), ...words.map(cstring), cstring(""));
  return concat(int32(body.length + 4), body);
}

const SSL_REQUEST = concat(int32(8), int32(80877103));
const ANSWER = [backend.commandComplete("SET"), backend.readyForQuery("I")];

Deno.test("backend: golden bytes of messages of every form", () => {
  assertEquals(
    backend.dataRow(["a", null, Uint8Array.of(0)]),
    // deno-fmt-ignore
    Uint8Array.of(
      0x44, 0, 0, 0, 20, 0, 3,
      0, 0, 0, 1, 0x61, 255, 255, 255, 255, 0, 0, 0, 1, 0,
    ),
  );
  assertEquals(
    backend.errorResponse({ code: "42601", message: "m", Q: "?" }),
    message(
      "E",
      ...["SERROR", "VERROR", "C42601", "Mm", "Q?", ""].map(cstring),
    ),
  );
  assertEquals(
    backend.rowDescription([{ name: "n", oid: 4294967295 }]),
    // deno-fmt-ignore
    Uint8Array.of(
      0x54, 0, 0, 0, 26, 0, 1, 0x6e, 0, 0, 0, 0, 0, 0, 0,
      255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0,
    ),
  );
  assertEquals(
    backend.copyInResponse([1, 0], 1),
    Uint8Array.of(0x47, 0, 0, 0, 11, 1, 0, 2, 0, 1, 0, 0),
  );
  assertEquals(
    backend.authenticationSasl(["X"]),
    Uint8Array.of(0x52, 0, 0, 0, 11, 0, 0, 0, 10, 0x58, 0, 0),
  );
  assertEquals(
    backend.negotiateProtocolVersion(0x30000, ["o"]),
    Uint8Array.of(0x76, 0, 0, 0, 14, 0, 3, 0, 0, 0, 0, 0, 1, 0x6f, 0),
  );
  assertEquals(
    backend.notificationResponse(1, "c", "p"),
    Uint8Array.of(0x41, 0, 0, 0, 12, 0, 0, 0, 1, 0x63, 0, 0x70, 0),
  );
});

Deno.test("FrontendReader: every message, whole and byte by byte", () => {
  const burst = concat(
    message("Q", cstring("select 1")),
    message("P", cstring("s"), cstring("t"), int16(1), int32(23)),
    message(
      "B",
      cstring(""),
      cstring("s"),
      int16(1),
      int16(0),
      int16(2),
      backend.value("x"),
      backend.value(null),
      int16(1),
      int16(1),
    ),
    message("D", cstring("Ss")),
    message("C", cstring("P")),
    message("E", cstring(""), int32(7)),
    message("S"),
    message("H"),
    message("d", int16(1)),
    message("c"),
    message("f", cstring("no")),
    message("p", cstring("pw")),
    message("X"),
  );
  const decoded = readFrontend(burst);
  assertEquals(decoded.map((one) => one.tag).join(""), "QPBDCESHdcfpX");
  assertEquals(decoded[1], { tag: "P", name: "s", text: "t", oids: [23] });
  assert(decoded[2]?.tag === "B");
  assertEquals(textValues(decoded[2]), ["x", null]);
  assertEquals(decoded[2].resultFormats, [1]);
  assertEquals(decoded[4], { tag: "C", kind: "P", name: "" });
  assertEquals(decoded[5], { tag: "E", portal: "", maxRows: 7 });

  const reader = new FrontendReader({ started: true });
  const slowly = Array.from(burst, (byte) => {
    reader.push(Uint8Array.of(byte));
    return reader.all();
  }).flat();
  assertEquals(slowly, decoded);
});

Deno.test("FrontendReader: the untagged messages of a start", () => {
  const reader = new FrontendReader();
  reader.push(concat(SSL_REQUEST, int32(8), int32(80877104)));
  reader.push(startupMessage("user", "u", "database", "d"));
  reader.push(message("S"));
  assertEquals(reader.all(), [
    { tag: "ssl" },
    { tag: "gssenc" },
    {
      tag: "startup",
      version: 0x30000,
      parameters: { user: "u", database: "d" },
    },
    { tag: "S" },
  ]);
  const cancel = new FrontendReader();
  cancel.push(concat(int32(16), int32(80877102), int32(9), int32(1)));
  assertEquals(cancel.next(), { tag: "cancel", pid: 9, key: int32(1) });
});

Deno.test("FrontendReader: what the protocol forbids is an error", () => {
  const wrong: [string, Uint8Array][] = [
    ["unknown type", message("?")],
    ["length 3", backend.header("S", 3)],
    ["a byte too many", message("S", Uint8Array.of(0))],
    ["no end of string", message("Q", backend.bytes("x"))],
    ["wrong kind", message("D", cstring("xs"))],
    ["a rest", message("S").slice(0, 4)],
    [
      "two formats for one value",
      message("B", cstring(""), cstring(""), int16(2), int32(0), int16(1)),
    ],
  ];
  for (const [what, bytes] of wrong) {
    assertThrows(() => readFrontend(bytes), FrontendError, "", what);
  }
});

Deno.test("ScriptedServer: startup, bursts, the log, Terminate", async () => {
  await using server = new ScriptedServer(async (session) => {
    const { parameters } = await session.startup({
      parameters: { TimeZone: "Europe/Rome", server_encoding: null },
    });
    assertEquals(parameters, { user: "tester" });
    await session.serve(() => ANSWER);
  });
  using client = await RawClient.open(server);
  await client.send(SSL_REQUEST);
  assertEquals(await client.read(1), backend.bytes("N"));
  await client.send(startupMessage("user", "tester"));
  const { server_encoding: _, ...rest } = PARAMETERS;
  const expected = concat(
    backend.authenticationOk(),
    ...Object.entries({ ...rest, TimeZone: "Europe/Rome" })
      .map(([name, value]) => backend.parameterStatus(name, value)),
    backend.backendKeyData(4711, 0x01020304),
    backend.readyForQuery("I"),
  );
  assertEquals(await client.read(expected.length), expected);
  for (const burst of [[message("Q", cstring("x"))], [message("S")]]) {
    await client.send(...burst);
    const length = concat(...ANSWER).length;
    assertEquals(await client.read(length), concat(...ANSWER));
  }
  await client.send(message("X"));
  assertEquals(await client.read(1), new Uint8Array()); // the script is over
  assertEquals(
    server.sessions[0]?.received.map((one) => one.tag),
    ["ssl", "startup", "Q", "S", "X"],
  );
});

Deno.test("ScriptedServer: sendSplit gives every byte; scripts in turn", async () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i);
  await using server = new ScriptedServer([
    async (session) => {
      await session.sendSplit(bytes, [1, 7, 0]);
      session.close();
    },
    (session) => session.close(),
  ], { immediate: true });
  using first = await RawClient.open(server);
  assertEquals(await first.read(100), bytes);
  using second = await RawClient.open(server);
  assertEquals(await second.read(1), new Uint8Array());
});

Deno.test("ScriptedServer: cancel requests are kept apart", async () => {
  const order: string[] = [];
  await using server = new ScriptedServer(() => {
    order.push("script");
  }, { onCancel: () => void order.push("cancel") });
  using client = await RawClient.open(server);
  await client.send(
    concat(int32(16), int32(80877102), int32(7), int32(0x01020304)),
  );
  assertEquals(await client.read(1), new Uint8Array());
  assertEquals(server.cancelRequests, [
    { tag: "cancel", pid: 7, key: Uint8Array.of(1, 2, 3, 4) },
  ]);
  assertEquals(order, ["cancel"]);
  assertEquals(server.sessions.length, 0);
});

Deno.test("ScriptedServer: a script that fails makes the disposal fail", async () => {
  const server = new ScriptedServer(async (session) => {
    await session.startup();
    await session.expect("Q");
  });
  using client = await RawClient.open(server);
  await client.send(startupMessage("user", "tester"), message("S"));
  await assertRejects(
    () => server[Symbol.asyncDispose](),
    Error,
    'expected "Q": got { tag: "S" }',
  );
});

Deno.test("ScriptedServer: stops although a client stays, and waits for nobody else", async () => {
  const server = new ScriptedServer((session) => session.silence());
  using client = await RawClient.open(server);
  await client.send(startupMessage("user", "tester"));
  await server[Symbol.asyncDispose]();
  assertEquals(await client.read(1), new Uint8Array());
});
