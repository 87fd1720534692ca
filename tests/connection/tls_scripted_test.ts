import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  ConnectionTimeout,
  OperationalError,
  PgError,
} from "../../mod.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { TlsFront, type TlsFrontOptions } from "../support/tls_front.ts";
import {
  assertDead,
  assertError,
  assertUsable,
  pause,
  rejection,
  runScript,
  serveOnes,
  until,
} from "./support.ts";
import { connectTo, type Options, realServer, test } from "./tls_support.ts";

const server = await realServer();
const { files, ca } = server;

/** Somebody before the real server. */
function between(options: Partial<TlsFrontOptions> = {}): TlsFront {
  return new TlsFront({
    target: server.port,
    targetRoot: files.text("ca.crt"),
    shown: files.server("good"),
    ...options,
  });
}

test("C2 connect: a handshake that fails is never followed by clear text, unless prefer was asked for", async () => {
  const failing = [{ alpn: ["h2"] }, { cutAfter: 10 }];
  for (const options of failing) {
    await using scripted = new ScriptedServer(serveOnes);
    for (const sslMode of [undefined, "allow", "require", "verify-full"]) {
      // With allow, clear text comes first, and is refused.
      await using front = between({ ...options, target: scripted.port });
      const error = await rejection(connectTo(front.port, {
        ...(sslMode === undefined ? {} : { sslMode }),
        sslRootCert: ca,
      }));
      assertError(error, { class: OperationalError, usable: false });
      assertEquals(
        front.beginnings,
        sslMode === "allow" ? ["clear text"] : ["request"],
      );
    }
    assertEquals(scripted.sessions.length, 0);
    // Who has asked for it gets it, and can see it.
    await using front = between({
      ...options,
      clearText: true,
      target: scripted.port,
    });
    await using conn = await connectTo(front.port, { sslMode: "prefer" });
    await assertUsable(conn);
    assertEquals(conn.info.sslInUse, false);
    assertEquals(front.beginnings, ["request", "clear text"]);
  }
  // A certificate that is refused is a handshake that fails.
  await using front = between({ shown: files.server("expired") });
  const error = await rejection(
    connectTo(front.port, { sslRootCert: ca }),
  );
  assertError(error, { class: OperationalError, says: ["has expired"] });
  assertEquals(front.beginnings, ["request"]);
});

test("C3 connect: N under require and verify-* is an error, and nothing further is sent", async () => {
  for (const sslMode of ["require", "verify-ca", "verify-full"]) {
    await using scripted = new ScriptedServer(async (session) => {
      await session.expect("ssl");
      await session.sendRaw(new TextEncoder().encode("N"));
      assertEquals(await session.read(), null);
    });
    const error = await rejection(
      connectTo(scripted.port, { sslMode, sslRootCert: ca, password: "x" }),
    );
    assertError(error, {
      class: OperationalError,
      says: ["the server has no TLS"],
      usable: false,
    });
    await until(() => scripted.sessions[0]?.left === true, "the end");
    assertEquals(scripted.sessions.length, 1);
  }
});

/** A server that answers a request for TLS or does not, and then says nothing. */
class Stalling implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #answer: string;
  readonly #tasks: Promise<void>[] = [];
  readonly #open = new Set<Deno.TcpConn>();
  /** How many bytes have come. */
  received = 0;
  /** How many connections have begun, and ended. */
  counts: [begun: number, ended: number] = [0, 0];

  constructor(answer: string) {
    this.#answer = answer;
    this.#tasks.push(this.#accept());
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) conn.close();
    for (let i = 0; i < this.#tasks.length; i++) await this.#tasks[i];
  }

  async #accept(): Promise<void> {
    for (;;) {
      const conn = await this.#listener.accept().catch(() => null);
      if (conn === null) return;
      this.#tasks.push(this.#play(conn));
    }
  }

  async #play(conn: Deno.TcpConn): Promise<void> {
    this.counts[0]++;
    this.#open.add(conn);
    const buffer = new Uint8Array(4096);
    for (let first = true;; first = false) {
      const count = await conn.read(buffer).catch(() => null);
      if (count === null) break;
      this.received += count;
      if (first) await conn.write(new TextEncoder().encode(this.#answer));
    }
    this.counts[1]++;
    this.#open.delete(conn);
    try {
      conn.close();
    } catch {
      // It is closed already: this server ends.
    }
  }
}

test("C11 connect: a handshake that stalls ends with the connect_timeout, and leaves no socket", async () => {
  const cases: [answer: string, options: Options][] = [
    ["S", {}],
    ["S", { sslMode: "verify-full", sslRootCert: ca }],
    ["", { sslMode: "require" }],
    ["", { sslMode: "require", sslNegotiation: "direct" }],
  ];
  await Promise.all(cases.map(async ([answer, options]) => {
    await using stalling = new Stalling(answer);
    const start = performance.now();
    const error = await connectTo(stalling.port, {
      ...options,
      connectTimeout: 2,
    }).then(() => null, (error) => error);
    const elapsed = performance.now() - start;
    assertError(error, {
      class: ConnectionTimeout,
      says: ["connect_timeout"],
      usable: false,
    });
    assert(elapsed > 1900 && elapsed < 3000, `${elapsed} ms`);
    await until(() => stalling.counts[1] === 1, "the socket is closed");
    assertEquals(stalling.counts, [1, 1]);
  }));
});

test("C12 connect: TCP cut in the middle of a row without close_notify is a lost connection, not a short result", async () => {
  const query = "select repeat('x', 1000) as x from generate_series(1, 1000)";
  const ways: ((conn: Connection) => Promise<unknown>)[] = [
    (conn) => conn.execute(query).fetchAll(),
    (conn) => conn.execute(`${query} where 1 = %s`, [1]).fetchAll(),
    (conn) => conn.pipeline(() => conn.execute(query).fetchAll()),
  ];
  for (const way of ways) {
    await using front = between({ cutAfter: 100_000 });
    const conn = await connectTo(front.port);
    assertEquals(conn.info.sslInUse, true);
    const error = await rejection(way(conn));
    assertError(error, {
      class: OperationalError,
      usable: false,
      reached: true,
    });
    await assertDead(conn);
  }
});

/** Aborts a statement that sleeps; the connection must work afterwards. */
async function assertAborts(conn: Connection): Promise<void> {
  const controller = new AbortController();
  const cursor = conn.cursor();
  const sleeping = rejection(
    cursor.execute("select pg_sleep(60)", [], { signal: controller.signal }),
  );
  await pause(50);
  const start = performance.now();
  controller.abort(new Error("enough"));
  const error = await sleeping;
  assert(error instanceof Error);
  assertEquals(error.message, "enough");
  assert(performance.now() - start < 2000);
  await assertUsable(conn);
}

test("C13 connect: the cancel request of a TLS session goes over TLS, and the next statement is fine", async () => {
  for (const sslNegotiation of ["postgres", "direct"]) {
    await using front = between({ clearText: true });
    await using conn = await connectTo(front.port, {
      sslMode: "verify-full",
      sslRootCert: ca,
      sslNegotiation,
    });
    await assertAborts(conn);
    const sleeping = rejection(conn.execute("select pg_sleep(60)"));
    await pause(50);
    await conn.cancelSafe();
    const error = await sleeping;
    assert(error instanceof PgError);
    assertEquals(error.sqlstate, "57014");
    await assertUsable(conn);
    const beginning = sslNegotiation === "direct" ? "direct" : "request";
    assertEquals(
      new Set(front.beginnings),
      new Set([beginning]),
      "all of them by TLS",
    );
    assert(front.beginnings.length >= 3);
  }
});

test("I16 connect: statements are cancelled over a Unix socket, TLS, and with a key of protocol 3.2", async () => {
  const { socketDir } = server.started;
  const unix = { host: socketDir, hostaddr: "" };
  const ways: Options[] = [
    unix,
    { ...unix, maxProtocolVersion: "3.2" },
    { sslMode: "require" },
    { sslMode: "require", maxProtocolVersion: "3.2" },
    { sslMode: "disable", maxProtocolVersion: "3.2" },
  ];
  for (const options of ways) {
    await using conn = await server.connect(options);
    assertEquals(conn.info.sslInUse, options.sslMode === "require");
    await assertAborts(conn);
  }
  // The longer key is in use where it is asked for.
  for (const [maxProtocolVersion, length] of [["3.0", 12], ["3.2", 40]]) {
    let isSeen = false;
    const head = String.fromCharCode(0x4b, 0, 0, 0, Number(length));
    await using front = between({
      edit(bytes) {
        isSeen ||= String.fromCharCode(...bytes).includes(head);
        return bytes;
      },
    });
    await using conn = await connectTo(front.port, {
      maxProtocolVersion: String(maxProtocolVersion),
    });
    assert(isSeen, `BackendKeyData of ${length} bytes`);
    await assertAborts(conn);
  }
});

test("Q7 connect: closing while a read is pending, and aborting before and in the handshake, leaves no socket and no error", async () => {
  for (const sslMode of ["require", "disable"]) {
    {
      const idle = await server.connect({ sslMode });
      await idle.close();
      assertEquals(idle.closed, true);
    }
    const busy = await server.connect({ sslMode });
    const sleeping = rejection(busy.execute("select pg_sleep(60)"));
    await pause(20);
    await busy.close();
    assertError(await sleeping, { class: OperationalError, usable: false });
  }
  for (
    const [answer, bytes, options] of [
      ["", 8, { sslMode: "require" }],
      ["S", 9, { sslMode: "require" }],
      ["", 8, { sslRootCert: "system" }],
      ["S", 9, { sslRootCert: "system" }],
    ] as const
  ) {
    await using stalling = new Stalling(answer);
    const controller = new AbortController();
    const { signal } = controller;
    const connecting = rejection(
      connectTo(stalling.port, { ...options, signal }),
    );
    await until(() => stalling.received >= bytes, "the client has begun");
    const start = performance.now();
    controller.abort(new Error("enough"));
    const error = await connecting;
    assert(error instanceof Error);
    assertEquals(error.message, "enough");
    assert(performance.now() - start < 200);
    // With Deno.startTls the runtime keeps the socket of a handshake that was
    // cut short until the other side closes it: nothing of it is left to us.
    if (answer === "S" && "sslRootCert" in options) continue;
    await until(() => stalling.counts[1] === 1, "the socket is closed");
  }
});

test("connect: a handshake of Deno.startTls that is cut short keeps no process alive", async () => {
  await using stalling = new Stalling("S");
  const start = performance.now();
  const { code, stdout, stderr } = await runScript(`
    const error = await connect({
      host: "localhost", hostaddr: "127.0.0.1", port: ${stalling.port}, user: "u",
      sslMode: "verify-full", sslRootCert: "system",
      signal: AbortSignal.timeout(200),
    }).catch((error) => error);
    console.log(error.name);
  `);
  assertEquals([code, stdout, stderr], [0, "TimeoutError\n", ""]);
  assert(performance.now() - start < 4000);
  await until(() => stalling.counts[1] === 1, "the socket is closed");
});
