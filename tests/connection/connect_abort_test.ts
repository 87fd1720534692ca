import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { lookupAddresses } from "../../connection/transport_dns.ts";
import { connect, ConnectionTimeout } from "../../mod.ts";
import * as b from "../support/backend.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  assertError,
  open,
  pause,
  quiet,
  rejection,
  until,
} from "./support.ts";

/** A password that nobody ever gives. */
function never(): Promise<string> {
  return new Promise(() => {});
}

/** How far a server goes before it falls silent. */
const STAGES: Record<string, (session: ScriptedSession) => Promise<void>> = {
  "accepted, nothing said": async () => {},
  "startup message read": async (session) => {
    await session.readStartup();
  },
  "half a message": async (session) => {
    await session.readStartup();
    await session.sendRaw(b.header("R", 8));
  },
  "cleartext password wanted": async (session) => {
    await session.readStartup();
    await session.send(b.authenticationCleartextPassword());
  },
  "SCRAM begun": async (session) => {
    await session.readStartup();
    await session.send(b.authenticationSasl(["SCRAM-SHA-256"]));
  },
  "authenticated": async (session) => {
    await session.readStartup();
    await session.send(b.authenticationOk());
  },
  "all but ready": async (session) => {
    await session.readStartup();
    await session.send(
      b.authenticationOk(),
      b.parameterStatus("server_version", "18.4"),
      b.backendKeyData(1, 2),
    );
  },
};

/** A server that falls silent, and whether all who had connected have left. */
interface SilentServer extends AsyncDisposable {
  readonly dsn: string;
  /** Whether it has said all that it will say. */
  silent(): boolean;
  left(): boolean;
}

/** One that agrees to TLS and says no more: what comes then is no message. */
function silentInTls(): SilentServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let opened = 0;
  let silent = false;
  let ended = 0;
  const play = async (conn: Deno.TcpConn) => {
    opened++;
    const bytes = new Uint8Array(4096);
    await conn.read(bytes);
    await conn.write(b.bytes("S"));
    silent = true;
    while (await conn.read(bytes).catch(() => null) !== null);
    ended++;
    conn.close();
  };
  const accepting = (async () => {
    for await (const conn of listener) await play(conn);
  })();
  return {
    dsn: `host=127.0.0.1 port=${listener.addr.port} user=tester dbname=test`,
    silent: () => silent,
    left: () => opened > 0 && ended === opened,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}

function silentAt(stage: string): SilentServer {
  let silent = false;
  const server = scriptedAt(stage, () => silent = true);
  return {
    dsn: server.dsn,
    silent: () => silent,
    left: () =>
      server.sessions.length > 0 && server.sessions.every(({ left }) => left),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function scriptedAt(
  stage: string,
  onSilence: () => void = () => {},
): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await STAGES[stage]!(session);
    onSilence();
    await session.silence();
  }, { immediate: true });
}

/** A silent server for each stage, and how to come there. */
const SILENT: readonly {
  stage: string;
  sslMode: "disable" | "prefer" | "require";
  listen: () => SilentServer;
}[] = [
  ...Object.keys(STAGES).flatMap((stage) =>
    (["disable", "prefer"] as const).map((sslMode) => ({
      stage: `${stage}, ${sslMode}`,
      sslMode,
      listen: () => silentAt(stage),
    }))
  ),
  ...(["prefer", "require"] as const).map((sslMode) => ({
    stage: `TLS agreed to, ${sslMode}`,
    sslMode,
    listen: silentInTls,
  })),
];

Deno.test(
  "B7 connect: an abort at any stage, the look-up among them, rejects with its reason within 50 ms and leaves no socket",
  quiet(async () => {
    for (const { stage, sslMode, listen } of SILENT) {
      for (const password of ["secret", never]) {
        await using server = listen();
        const controller = new AbortController();
        const { signal } = controller;
        const connecting = rejection(
          connect(server.dsn, { signal, password, sslMode }),
        );
        await until(() => server.silent(), `${stage}: reached`);
        await pause(5);
        const start = performance.now();
        controller.abort();
        const error = await connecting;
        assertStrictEquals(error, signal.reason, stage);
        assert(error instanceof DOMException && error.name === "AbortError");
        assert(performance.now() - start < 50, stage);
        await until(() => server.left(), `${stage}: socket closed`);
      }
    }
    const host = "pgts-nosuch.invalid";
    const controller = new AbortController();
    const looking = rejection(lookupAddresses(host, 5432, controller.signal));
    const start = performance.now();
    controller.abort();
    assertStrictEquals(await looking, controller.signal.reason);
    assert(performance.now() - start < 50, "look-up");
    await rejection(lookupAddresses(host, 5432)); // nor is the first one left behind
  }),
);

Deno.test(
  "connect: an abort while dialling rejects with its reason and leaves no socket",
  quiet(async () => {
    const { socketDir } = testServer();
    const hosts = ["127.0.0.1", "localhost"];
    if (socketDir !== "") hosts.push(socketDir);
    for (const host of hosts) {
      for (let turns = 0; turns < 4; turns++) {
        const controller = new AbortController();
        const { signal } = controller;
        const connecting = rejection(open({ host, signal }));
        for (let i = 0; i < turns; i++) await Promise.resolve();
        const reason = new Error(host);
        const start = performance.now();
        controller.abort(reason);
        assertStrictEquals(await connecting, reason);
        assert(performance.now() - start < 50, host);
      }
    }
    await pause(5); // a Unix socket that opened too late is closed when it opens
  }),
);

Deno.test(
  "connect: an abort after it has connected does nothing",
  quiet(async () => {
    const controller = new AbortController();
    await using conn = await open({ signal: controller.signal });
    controller.abort(new Error("too late"));
    assertEquals(await conn.execute("select 1 as n").fetchOne(), { n: 1 });
  }),
);

Deno.test(
  "B6 connect: connect_timeout covers every stage, and a function that is to give the password",
  quiet(async () => {
    const attempts = SILENT.map(async ({ stage, sslMode, listen }) => {
      await using server = listen();
      const start = performance.now();
      const error = await rejection(
        connect(server.dsn, { connectTimeout: 1, password: never, sslMode }),
      );
      const ms = performance.now() - start;
      assertError(error, {
        class: ConnectionTimeout,
        says: ["127.0.0.1", "connect_timeout"],
        usable: false,
      });
      assert(ms > 900 && ms < 2900, `${stage}: ${ms} ms`);
      await until(() => server.left(), `${stage}: socket closed`);
    });
    await Promise.all(attempts);
  }),
);

Deno.test(
  "connect: 30 attempts that are aborted at random moments leave nothing behind on the server",
  quiet(async () => {
    const name = `pgts abort ${crypto.randomUUID()}`;
    await using watcher = await open();
    for (let i = 0; i < 30; i++) {
      const signal = AbortSignal.timeout(i % 6);
      const connecting = open({ signal, applicationName: name });
      await connecting.then((conn) => conn.close(), (error) => {
        assertStrictEquals(error, signal.reason);
      });
    }
    await until(async () => {
      const left = await watcher.execute(
        "select pid from pg_stat_activity where application_name = %s",
        [name],
      );
      return (await left.fetchAll()).length === 0;
    }, "the backends have ended");
  }),
);
