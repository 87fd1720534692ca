/**
 * Several hosts and addresses, in order and by lot: from the connection string
 * to the open connection.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectionAttempts } from "../../connection/attempts.ts";
import { attemptErrors } from "../../connection/attempt_runner.ts";
import { InvalidPassword } from "../../errors/mod.ts";
import {
  connect,
  type Connection,
  ConnectionTimeout,
  OperationalError,
} from "../../mod.ts";
import * as b from "../support/backend.ts";
import { testDsn, testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  open,
  quiet,
  rejection,
  serveOnes,
} from "./support.ts";

/** A port on which nobody listens. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A server that takes connections and says nothing. */
function deafServer(): ScriptedServer {
  return new ScriptedServer((session) => session.silence(), {
    immediate: true,
  });
}

/** A server that says that it is a standby. */
function standbyServer(): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.startup({
      parameters: {
        in_hot_standby: "on",
        default_transaction_read_only: "off",
      },
    });
    await session.serve((burst) => answer(burst, ONE));
  });
}

/** A server that refuses every session. */
function refusingServer(code: string, message: string): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.readStartup();
    await session.send(
      b.errorResponse({ severity: "FATAL", code, message }),
    );
    session.close();
  });
}

function hostsOf(...ports: readonly number[]): { host: string; port: string } {
  return {
    host: ports.map(() => "127.0.0.1").join(","),
    port: ports.join(","),
  };
}

async function works(conn: Connection): Promise<void> {
  await conn.execute("select 1 as one").fetchOne();
}

Deno.test(
  "AT-13 connect: names that are all unknown are an OperationalError that names them",
  quiet(async () => {
    const error = await rejection(
      connect("host=bad1.invalid,bad2.invalid user=u"),
    );
    assertError(error, {
      class: OperationalError,
      says: ["bad1.invalid", "bad2.invalid"],
      sqlstate: null,
      usable: false,
      reached: false,
    });
    // One of them unknown is no reason not to connect to the other.
    const { host, port } = testServer();
    await using conn = await open({ host: `bad1.invalid,${host}`, port });
    assertEquals(conn.info.host, host);
  }),
);

Deno.test(
  "AT-21 connect: one host that cannot be reached is its own error, without a heading",
  quiet(async () => {
    const port = closedPort();
    const error = await rejection(open({ host: "127.0.0.1", port }));
    const { message } = assertError(error, {
      class: OperationalError,
      says: [`Cannot connect to "127.0.0.1:${port}"`, "refused"],
      usable: false,
      reached: false,
    });
    assert(!/attempts|\n/.test(message), message);
    assertEquals(attemptErrors(error), []);
  }),
);

Deno.test(
  "AT-23 connect: after connect_timeout at a deaf host the second is connected to, and info tells it",
  quiet(async () => {
    await using deaf = deafServer();
    const { port } = testServer();
    const start = performance.now();
    await using conn = await open({
      ...hostsOf(deaf.port, port),
      connectTimeout: 2,
    });
    const ms = performance.now() - start;
    assert(ms > 1900 && ms < 3500, `${ms} ms`);
    assertEquals([conn.info.host, conn.info.port], ["127.0.0.1", port]);
    await works(conn);
  }),
);

Deno.test(
  "AT-27 connect: a user of null is as good as none",
  quiet(async () => {
    const conninfo = `${testDsn()} user=pgts_scram password='scram pass'`;
    await using conn = await connect(conninfo, { user: null });
    assertEquals(conn.info.user, "pgts_scram");
    const row = await conn.execute("select session_user as name").fetchOne();
    assertEquals(row, { name: "pgts_scram" });
  }),
);

Deno.test(
  "B10 connect: refused, timeout, a session of the wrong kind, a wrong password: one error lists each",
  quiet(async () => {
    await using deaf = deafServer();
    await using standby = standbyServer();
    await using unasked = new ScriptedServer(serveOnes);
    const refused = closedPort();
    const { port } = testServer();
    const secret = "s3cr3t-Wrong";
    const options = {
      user: "pgts_scram",
      dbname: "postgres",
      connectTimeout: 0.3,
      targetSessionAttrs: "primary",
    };
    const ports = [refused, deaf.port, standby.port, port];
    const error = await rejection(
      open({
        ...options,
        ...hostsOf(...ports, unasked.port),
        password: secret,
      }),
    );
    const { message } = assertError(error, {
      class: InvalidPassword,
      sqlstate: "28P01",
      usable: false,
      says: ["4 attempts failed"],
    });
    const lines = message.split("\n").slice(1);
    const reasons = [
      "refused",
      "connect_timeout",
      "hot standby",
      'password authentication failed for user "pgts_scram"',
    ];
    assertEquals(lines.length, 4);
    const listed = attemptErrors(error);
    for (const [index, reason] of reasons.entries()) {
      assertStringIncludes(lines[index]!, `"127.0.0.1", port ${ports[index]}`);
      assertStringIncludes(lines[index]!, reason);
      const { host, port, reason: told } = listed[index]!;
      assertEquals([host, port], ["127.0.0.1", ports[index]]);
      assertStringIncludes(told, reason);
    }
    assert(listed[1]!.error instanceof ConnectionTimeout);
    assert(!Deno.inspect(error, { depth: 20 }).includes(secret));
    // As in libpq, a password that one server refused is not shown to the next.
    assertEquals(unasked.sessions.length, 0);

    await using conn = await open({
      ...options,
      ...hostsOf(...ports),
      password: "scram pass",
    });
    assertEquals(conn.info.port, port);
    await works(conn);
  }),
);

Deno.test(
  "connect: a server that is full or starting says so by its SQLSTATE",
  quiet(async () => {
    const cases = [
      ["53300", "sorry, too many clients already"],
      ["57P03", "the database system is starting up"],
    ] as const;
    for (const [code, message] of cases) {
      await using server = refusingServer(code, message);
      await using second = new ScriptedServer(serveOnes);
      const ports = [server.port, second.port];
      const alone = await rejection(open(hostsOf(server.port)));
      assert(alone instanceof OperationalError);
      assertEquals([alone.sqlstate, alone.message], [code, message]);
      assertEquals(alone.connectionUsable, false);
      // As in libpq, a server that cannot take sessions now makes room for the next.
      const connecting = open(hostsOf(...ports));
      if (code === "57P03") {
        await using conn = await connecting;
        assertEquals(conn.info.port, second.port);
      } else {
        const error = await rejection(connecting);
        assert(error instanceof OperationalError);
        assertEquals(error.sqlstate, code);
        assertEquals(second.sessions.length, 0);
      }
    }
  }),
);

/** How often each of the ports was connected to. */
async function spread(
  ports: readonly number[],
  tries: number,
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (let i = 0; i < tries; i++) {
    await using conn = await open({
      ...hostsOf(...ports),
      loadBalanceHosts: "random",
    });
    const { port } = conn.info;
    counts.set(port, (counts.get(port) ?? 0) + 1);
  }
  return counts;
}

Deno.test(
  "B12 connect: load_balance_hosts=random spreads evenly over hosts and over the addresses of a name",
  quiet(async () => {
    await using one = new ScriptedServer(serveOnes);
    await using two = new ScriptedServer(serveOnes);
    await using three = new ScriptedServer(serveOnes);
    const ports = [one.port, two.port, three.port];
    // 60 of 180 are expected; more than 6 standard deviations off is no accident.
    const counts = await spread([...ports, closedPort()], 180);
    assertEquals(counts.size, 3);
    for (const port of ports) {
      const count = counts.get(port) ?? 0;
      assert(count > 22 && count < 98, `${count} of 180`);
    }
    // In order, unless random is asked for.
    for (let i = 0; i < 5; i++) {
      await using conn = await open(hostsOf(...ports));
      assertEquals(conn.info.port, one.port);
    }
    const first = new Map<string, number>();
    for (let i = 0; i < 600; i++) {
      const { attempts } = await connectionAttempts(
        { host: "name", load_balance_hosts: "random" },
        { resolve: () => Promise.resolve(["10.0.0.1", "10.0.0.2", "::3"]) },
      );
      assertEquals(attempts.length, 3);
      const address = attempts[0]!.hostaddr!;
      first.set(address, (first.get(address) ?? 0) + 1);
    }
    assertEquals(first.size, 3);
    for (const count of first.values()) {
      assert(count > 130 && count < 270, `${count} of 600`);
    }
  }),
);

Deno.test(
  "connect: an address on which nobody listens does not hold up the next",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    const start = performance.now();
    await using conn = await open({
      hostaddr: "::1,127.0.0.1",
      host: "localhost,localhost",
      port: server.port,
    });
    assert(performance.now() - start < 1000);
    assertEquals(conn.info.host, "localhost");
    assertEquals(conn.info.hostaddr, "127.0.0.1");
  }),
);
