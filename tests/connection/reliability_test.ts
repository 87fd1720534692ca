import { assert, assertEquals } from "@std/assert";
import { connect, ProtocolError } from "../../mod.ts";
import * as b from "../support/backend.ts";
import type { FrontendMessage } from "../support/frontend_reader.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  answer,
  assertDead,
  assertError,
  ONE,
  openScripted,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

const { concat } = b;

const COLUMN = { name: "one", oid: 23 };

/** Sends bytes in answer to the first burst, then says nothing. */
function breaking(
  bytes: (burst: FrontendMessage[]) => Uint8Array,
): (session: ScriptedSession) => Promise<void> {
  return async (session) => {
    await session.startup();
    await session.sendRaw(bytes(await session.readUntilSync()));
    await session.silence();
  };
}

/** Runs a query against such a server, by both protocols: each time it must find the server broken. */
async function assertBreaks(
  bytes: (burst: FrontendMessage[]) => Uint8Array,
  says: readonly string[],
  maxMessageSize?: number,
): Promise<void> {
  await using server = new ScriptedServer(breaking(bytes));
  for (const params of [undefined, [1]]) {
    const conn = await openScripted(server, { maxMessageSize });
    const running = conn.execute("select %s", params);
    const queued = conn.execute("select 2");
    const [error, other] = await Promise.all([
      rejection(running),
      rejection(queued),
    ]);
    assertError(error, {
      class: ProtocolError,
      says,
      usable: false,
      reached: true,
    });
    assertError(other, {
      class: ProtocolError,
      usable: false,
      reached: false,
    });
    await assertDead(conn);
    // The socket is closed, and nothing was sent any more.
    const session = server.sessions.at(-1)!;
    await until(() => session.left, "the client has left");
    assertEquals(session.received.filter(({ tag }) => tag === "X"), []);
  }
}

/** What comes before the rows of an answer, in either protocol. */
function head(burst: FrontendMessage[]): Uint8Array {
  const described = b.rowDescription([COLUMN]);
  return burst.at(-1)?.tag === "Q"
    ? described
    : concat(b.parseComplete(), b.bindComplete(), described);
}

Deno.test(
  "A1 Connection: a message length of 0 to 3 closes the connection",
  quiet(async () => {
    for (const tag of ["D", "Z", "N"]) {
      for (let length = 0; length < 4; length++) {
        await assertBreaks(
          (burst) =>
            concat(head(burst), b.header(tag, length), b.bytes("....")),
          [`announces ${length} bytes`],
        );
      }
    }
  }),
);

Deno.test(
  "A1 connect: a message length of 0 to 3 ends connecting",
  quiet(async () => {
    for (let length = 0; length < 4; length++) {
      await using server = new ScriptedServer(async (session) => {
        await session.readStartup();
        await session.sendRaw(concat(b.header("R", length), b.bytes("....")));
        await session.silence();
      });
      assertError(await rejection(openScripted(server)), {
        class: ProtocolError,
        usable: false,
      });
      await until(() => server.sessions[0]!.left, "the client has left");
    }
  }),
);

Deno.test(
  "A4 Connection: an unknown message type in the middle of a result closes the connection",
  quiet(async () => {
    for (const tag of ["?", "\0", "Q", "ÿ"]) {
      const type = Uint8Array.of(tag.charCodeAt(0));
      await assertBreaks(
        (burst) =>
          concat(
            head(burst),
            b.dataRow(["1"]),
            type,
            b.int32(4),
            b.dataRow(["2"]),
            b.commandComplete("SELECT 2"),
            b.readyForQuery("I"),
          ),
        ["message of type"],
      );
    }
  }),
);

Deno.test(
  "A5 Connection: a header that announces 2 GiB is refused without memory for it, by a limit that can be set",
  quiet(async () => {
    const before = Deno.memoryUsage();
    for (const length of [0x7fffffff, 0x80000000, 0xffffffff]) {
      await assertBreaks(
        (burst) => concat(head(burst), b.header("D", length)),
        ["announces"],
      );
    }
    const { external, rss } = Deno.memoryUsage();
    assert(external - before.external < 64e6 && rss - before.rss < 256e6);

    const row = (size: number) => b.dataRow(["7".repeat(size)]);
    await assertBreaks(
      (burst) => concat(head(burst), row(5000)),
      ["5010 bytes"],
      4096,
    );
    await using server = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => {
        const columns = [{ name: "one", oid: 25 }];
        return answer(burst, { columns, rows: [["7".repeat(4000)]] });
      });
    });
    await using conn = await openScripted(server, { maxMessageSize: 4096 });
    const row1 = await conn.execute("select 1").fetchOne();
    assertEquals(row1, { one: "7".repeat(4000) });
  }),
);

const COMPLETE_RESULT = concat(
  b.rowDescription([COLUMN]),
  b.dataRow(["666"]),
  b.commandComplete("SELECT 1"),
  b.readyForQuery("I"),
);

Deno.test(
  "A7 Connection: a result that nobody asked for closes the connection and is never seen",
  quiet(async () => {
    // In the same packet as the answer, and later while the connection is idle.
    for (const later of [false, true]) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        const good = concat(...answer(await session.readUntilSync(), ONE));
        if (later) {
          await session.send(good);
          await pause(20);
          await session.send(COMPLETE_RESULT);
        } else await session.send(good, COMPLETE_RESULT);
        await session.silence();
      });
      const conn = await openScripted(server);
      const first = conn.execute("select 1").fetchAll();
      const second = later ? null : conn.execute("select 2").fetchAll();
      assertEquals(await first, [{ one: 1 }]);
      // At once: not only when something else is asked for.
      await until(() => conn.closed, "the connection is closed");
      const error = second === null
        ? await assertDead(conn)
        : await rejection(second);
      assertError(error, {
        class: ProtocolError,
        says: ["message of type", "while no statement was running"],
        usable: false,
      });
      await assertDead(conn);
      await until(() => server.sessions[0]!.left, "the client has left");
    }
  }),
);

Deno.test(
  "A15 Connection: a transaction status other than I, T and E closes the connection",
  quiet(async () => {
    for (const status of ["X", "\0", "i"] as const) {
      await assertBreaks(
        (burst) =>
          concat(
            head(burst),
            b.commandComplete("SELECT 0"),
            b.readyForQuery(status as "I"),
          ),
        ["status"],
      );
    }
  }),
);

Deno.test(
  "A17 Connection: without BackendKeyData an abort closes the connection, and says why",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      await session.startup({ key: null });
      await session.silence();
    });
    const conn = await openScripted(server);
    assertEquals(conn.info.backendPid, 0);
    const abort = new AbortController();
    const reason = new Error("enough");
    const running = conn.execute("select 1", undefined, {
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(reason), 10);
    assertEquals(await rejection(running), reason);
    const error = await assertDead(conn);
    assert(error.message.startsWith("Cannot cancel the statement"));
    assert(error.message.includes("the connection is closed"), error.message);
    assert(Deno.inspect(error).includes("did not send the key"));
    assertEquals(server.cancelRequests, []);
  }),
);

async function assertNoPostgres(
  sslMode: "disable" | "prefer",
  answerOf: (conn: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(1024));
    await answerOf(conn);
    // The client closes on what it has read, without waiting for the end.
    await conn.read(new Uint8Array(16)).catch(() => null);
  })();
  const start = performance.now();
  const error = await rejection(
    connect(`host=127.0.0.1 port=${port} user=u dbname=d`, { sslMode }),
  );
  assertError(error, {
    class: ProtocolError,
    says: ["not a PostgreSQL server", "check host and port"],
    usable: false,
    sqlstate: null,
  });
  assert(performance.now() - start < 500);
  await serving;
  listener.close();
}

Deno.test(
  "A20 connect: an HTTP server and a TLS-only port are not PostgreSQL servers, after one read",
  quiet(async () => {
    const http = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    const tlsAlert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70);
    const ssh = "SSH-2.0-OpenSSH_9.6\r\n";
    for (const bytes of [b.bytes(http), tlsAlert, b.bytes(ssh)]) {
      for (const mode of ["disable", "prefer"] as const) {
        // The first letter of SSH is also the word for TLS.
        if (mode === "prefer" && bytes[0] === 0x53) continue;
        await assertNoPostgres(
          mode,
          async (conn) => void await conn.write(bytes),
        );
        // One byte is enough to know.
        await assertNoPostgres(mode, async (conn) => {
          await conn.write(bytes.subarray(0, 1));
        });
      }
    }
  }),
);

Deno.test(
  "connect: a real HTTP server is told from a PostgreSQL server",
  quiet(async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("hello"),
    );
    const { port } = server.addr;
    const error = await rejection(
      connect(`host=127.0.0.1 port=${port} user=u dbname=d`),
    );
    assert(error instanceof Error, Deno.inspect(error));
    assertError(error, { class: ProtocolError, says: ["not a PostgreSQL"] });
  }),
);

/** Counts what a connection is told beside its results. */
