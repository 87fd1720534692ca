import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { loadTls } from "../../connection/tls_material.ts";
import { planTls } from "../../connection/tls_options.ts";
import { requestTls } from "../../connection/tls_request.ts";
import { isHandshakeFailure } from "../../connection/tls_verdict.ts";
import { dialTls } from "../../connection/transport_tls.ts";
import { certificates } from "../support/certificates.ts";
import { test } from "../support/tls_server.ts";
import { OperationalError, ProtocolError } from "../../errors/base.ts";

/** A server that answers the first bytes and keeps what comes after them. */
class Answering implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #answer: Uint8Array | null;
  readonly #closes: boolean;
  readonly #conns: Deno.Conn[] = [];
  readonly #task: Promise<void>;
  readonly received: number[][] = [];
  /** How many connections have been ended by the other side. */
  ended = 0;

  constructor(answer: string | null, closes = false) {
    this.#answer = answer === null ? null : new TextEncoder().encode(answer);
    this.#closes = closes;
    this.#task = this.#accept();
  }

  get address() {
    const { port } = this.#listener.addr;
    return { hostname: "127.0.0.1", port, keepAlive: false };
  }

  async #accept(): Promise<void> {
    const plays: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      this.#conns.push(conn);
      plays.push(this.#play(conn).catch(() => void this.ended++));
    }
    await Promise.all(plays);
  }

  async #play(conn: Deno.Conn): Promise<void> {
    const got: number[] = [];
    this.received.push(got);
    const buffer = new Uint8Array(4096);
    for (let first = true;; first = false) {
      const count = await conn.read(buffer);
      if (count === null) return void this.ended++;
      got.push(...buffer.subarray(0, count));
      if (first && this.#answer !== null) await conn.write(this.#answer);
      if (first && this.#closes) conn.closeWrite();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) {
      try {
        conn.close();
      } catch {
        // closed by the listener's end
      }
    }
    await this.#task;
  }
}

const REQUEST = [0, 0, 0, 8, 4, 210, 22, 47];

async function ask(
  server: Answering,
  sslmode = "require",
  signal?: AbortSignal,
) {
  const settings = await loadTls(planTls({ sslmode, sslrootcert: "" }));
  if (settings === null) throw new Error("no TLS");
  return await dialTls(server.address, {
    settings,
    host: "localhost",
    plainAllowed: settings.plan.steps.includes("plain"),
  }, signal ?? AbortSignal.timeout(5000));
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) {
    await new Promise((done) => setTimeout(done, 5));
  }
  assertEquals(condition(), true);
}

Deno.test("requestTls: sends SSLRequest in however many writes and reads one byte", async () => {
  const written: number[] = [];
  const stream = (answer: string) => ({
    write: (bytes: Uint8Array) => {
      written.push(...bytes.subarray(0, 3));
      return Promise.resolve(Math.min(3, bytes.length));
    },
    read: (into: Uint8Array) => {
      into.set(new TextEncoder().encode(answer));
      return Promise.resolve(answer.length);
    },
  });
  assertEquals(await requestTls(stream("S"), "here"), "accepted");
  assertEquals(written, REQUEST);
  assertEquals(await requestTls(stream("N"), "here"), "refused");
});

test("C1 dialTls: data after the S is an error and nothing more is sent", async () => {
  for (const answer of ["S\x16", "SN", "SE\0\0\0\x10SFATAL\0\0", "NS"]) {
    await using server = new Answering(answer);
    const error = await assertRejects(
      () => ask(server, "prefer"),
      ProtocolError,
    );
    assertStringIncludes(error.message, "data before TLS");
    await until(() => server.ended === 1);
    assertEquals(server.received, [REQUEST]);
  }
});

test("C3 dialTls: N under require and verify-* is an error, nothing further is sent", async () => {
  const modes = [
    ["require", ""],
    ["verify-ca", (await certificates()).path("ca.crt")],
    ["verify-full", "system"],
  ] as const;
  for (const [mode, sslrootcert] of modes) {
    await using server = new Answering("N");
    const settings = await loadTls(planTls({ sslmode: mode, sslrootcert }));
    if (settings === null) throw new Error("no TLS");
    const error = await assertRejects(
      () =>
        dialTls(server.address, {
          settings,
          host: "localhost",
          plainAllowed: false,
        }, AbortSignal.timeout(5000)),
      OperationalError,
    );
    assertStringIncludes(
      error.message,
      `the server has no TLS and sslmode=${mode} demands it`,
    );
    assertEquals(isHandshakeFailure(error), false);
    await until(() => server.ended === 1);
    assertEquals(server.received, [REQUEST]);
  }
});

test("C4 dialTls: an error instead of S or N fails, and its text is not shown", async () => {
  for (const mode of ["prefer", "require"]) {
    await using server = new Answering(
      "ESFATAL\0Mpay here: http://evil.example\0\0",
    );
    const error = await assertRejects(
      () => ask(server, mode),
      OperationalError,
    );
    assertEquals(/evil|pay|FATAL/.test(Deno.inspect(error)), false);
    assertStringIncludes(error.message, "its text is not shown");
    await until(() => server.ended === 1);
    assertEquals(server.received, [REQUEST]);
  }
});

test("dialTls: N under prefer goes on in clear text on the same connection", async () => {
  await using server = new Answering("N");
  const { transport, tls } = await ask(server, "prefer");
  assertEquals(tls, null);
  await transport.write(new TextEncoder().encode("hello"));
  await until(() => server.received[0]?.length === 13);
  transport.close();
  await until(() => server.ended === 1);
  assertEquals(server.received.length, 1);
});

test("dialTls: an answer that makes no sense, and none", async () => {
  {
    await using server = new Answering("HTTP/1.1 400 Bad Request\r\n");
    const error = await assertRejects(() => ask(server), ProtocolError);
    assertStringIncludes(error.message, "not a PostgreSQL server");
  }
  await using server = new Answering("", true);
  const error = await assertRejects(() => ask(server), OperationalError);
  assertStringIncludes(
    error.message,
    "closed the connection when it was asked",
  );
});

test("dialTls: a handshake that fails after S is told apart and leaves no socket", async () => {
  for (const mode of ["prefer", "require"]) {
    await using server = new Answering("S", true);
    const error = await assertRejects(
      () => ask(server, mode),
      OperationalError,
    );
    assertEquals(isHandshakeFailure(error), true);
    await until(() => server.ended === 1);
    // One connection, and on it the request and a ClientHello alone.
    assertEquals(server.received.length, 1);
    assertEquals(server.received[0]?.slice(0, 9), [...REQUEST, 0x16]);
  }
});

/** Aborts when the server has got this many bytes, and waits for the end. */
async function abortAfter(
  server: Answering,
  bytes: number,
  sslrootcert: string,
): Promise<void> {
  const controller = new AbortController();
  const settings = await loadTls(
    planTls(sslrootcert ? { sslrootcert } : { sslmode: "require" }),
  );
  if (settings === null) throw new Error("no TLS");
  const dialling = dialTls(
    server.address,
    { settings, host: "localhost", plainAllowed: false },
    controller.signal,
  );
  const outcome = assertRejects(() => dialling);
  await until(() => (server.received[0]?.length ?? 0) >= bytes);
  const before = performance.now();
  controller.abort(new Error("enough"));
  assertEquals((await outcome as Error).message, "enough");
  assertEquals(performance.now() - before < 50, true);
}

test("dialTls: can be aborted before the answer and in the handshake, within 50 ms and without a socket left", async () => {
  for (const [answer, bytes] of [[null, 8], ["S", 9]] as const) {
    await using server = new Answering(answer);
    await abortAfter(server, bytes, "");
    await until(() => server.ended === 1);
  }
});

test("dialTls: can be aborted with Deno.startTls too", async () => {
  for (const [answer, bytes] of [[null, 8], ["S", 9]] as const) {
    await using server = new Answering(answer);
    await abortAfter(server, bytes, "system");
    // The runtime keeps the socket of a handshake that was cut short.
    if (answer === null) await until(() => server.ended === 1);
  }
});

test("dialTls: a handshake that stalls ends with the signal's timeout", async () => {
  await using server = new Answering("S");
  const before = performance.now();
  await assertRejects(
    () => ask(server, "require", AbortSignal.timeout(100)),
    DOMException,
    "timeout",
  );
  assertEquals(performance.now() - before < 200, true);
  await until(() => server.ended === 1);
});

test("C18 dialTls: the host is named in clear text where it has a name, never an address, and not with sslsni=0", async () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ["db.example.com", {}, true],
    ["db.example.com", { sslsni: "0" }, false],
    ["192.0.2.7", {}, false],
    ["2001:db8::7", {}, false],
    ["", {}, false],
  ];
  for (const [host, extra, named] of cases) {
    await using server = new Answering("S");
    const settings = await loadTls(planTls({ sslmode: "require", ...extra }));
    if (settings === null) throw new Error("no TLS");
    const controller = new AbortController();
    const dialling = assertRejects(() =>
      dialTls(
        server.address,
        { settings, host, plainAllowed: false },
        controller.signal,
      )
    );
    await until(() => (server.received[0]?.length ?? 0) > 100);
    controller.abort();
    await dialling;
    const hello = String.fromCharCode(...server.received[0] ?? []);
    // The extension that names the server is number 0, with a list in a list.
    const sni = `\0\0\0${String.fromCharCode(host.length + 5)}\0${
      String.fromCharCode(host.length + 3)
    }\0\0${String.fromCharCode(host.length)}${host}`;
    assertEquals(host !== "" && hello.includes(sni), named, host);
    assertEquals(host !== "" && hello.includes(host), named, host);
  }
});
