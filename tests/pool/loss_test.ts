/**
 * Servers that go away, come back, fall silent or refuse: the pool heals.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "../../mod.ts";
import {
  CannotConnectNow,
  InvalidPassword,
  TooManyConnections,
} from "../../errors/mod.ts";
import { Member } from "../../pool/member.ts";
import { ConnectionPool, PoolTimeout } from "../../pool/mod.ts";
import { poolSettings } from "../../pool/settings.ts";
import { ScramMemory } from "../../protocol/auth_scram_memory.ts";
import * as b from "../support/backend.ts";
import { ChaosProxy } from "../support/chaos_proxy.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import {
  answer,
  assertError,
  ONE,
  open,
  pause,
  quiet,
  rejection,
  serveOnes,
  until,
} from "../connection/support.ts";
import {
  at,
  causeOf,
  makePool,
  openPool,
  pidOf,
  pidsOf,
  terminate,
  untilSize,
} from "./support.ts";

/** A proxy before the test server, and how to connect through it. */
async function proxied() {
  const { host, port, user } = testServer();
  const proxy = await ChaosProxy.open({ hostname: host, port });
  return {
    proxy,
    conninfo:
      `host=127.0.0.1 port=${proxy.port} user=${user} dbname=postgres sslmode=disable`,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/** How many sockets of this machine are open that lead to a port of it. */
async function socketsTo(port: number): Promise<number> {
  const ESTABLISHED = "01";
  const remote = `:${port.toString(16).padStart(4, "0").toUpperCase()}`;
  const table = await Deno.readTextFile("/proc/net/tcp");
  return table.split("\n").map((line) => line.trim().split(/\s+/))
    .filter((row) => row[2]?.endsWith(remote) && row[3] === ESTABLISHED)
    .length;
}

/** Waits for what may take a back-off or two. */
async function eventually(
  claim: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + 8000;
  while (!await claim()) {
    assert(performance.now() < end, `not within 8 s: ${what}`);
    await pause(10);
  }
}

Deno.test(
  "H1 execute: FIN or RST in the middle of a row, and a write that nobody takes, are an error that tells what was sent, and the pool replaces the connection",
  quiet(async () => {
    const ends: Record<string, (session: ScriptedSession) => Promise<void>> = {
      fin: async (session) => {
        await session.readUntilSync();
        const row = b.dataRow(["a row that is longer than what comes of it"]);
        await session.send(
          b.parseComplete(),
          b.bindComplete(),
          b.rowDescription([{ name: "one", oid: 25 }]),
          row.subarray(0, row.length - 9),
        );
        session.close();
      },
      // What is closed with bytes unread is reset.
      rst: async (session) => {
        await session.peek();
        await pause(20);
        session.close();
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup();
        if (session.index === 0) await end(session);
        else await session.serve((burst) => answer(burst, ONE));
      });
      const { pool } = await openPool(at(server));
      await using _ = pool;
      const size = name === "rst" ? 20_000_000 : 10;
      const error = await rejection(
        pool.execute("select %s::text as one", ["x".repeat(size)]),
      );
      assertError(error, {
        class: OperationalError,
        says: ["lost"],
        usable: false,
        reached: true,
      });
      await untilSize(pool, 1);
      assertEquals(await pool.execute("select 1").fetchOne(), { one: 1 });
      assertEquals(pool.getStats().returnsBad, 1);
    }
    await using link = await proxied();
    const { pool } = await openPool({ conninfo: link.conninfo });
    await using _ = pool;
    const rows = pool.execute(
      "select repeat('x', 100) from generate_series(1, 3000000)",
    );
    const failing = rejection(rows);
    await until(() => link.proxy.links[0]!.delivered("toClient") > 1e6, "rows");
    link.proxy.reset();
    assertError(await failing, {
      class: OperationalError,
      says: ["lost", "before it had answered"],
      usable: false,
      reached: true,
    });
    await eventually(() => pool.getStats().poolAvailable === 1, "replaced");
    assertEquals(await pool.execute("select 1 as n").fetchOne(), { n: 1 });
  }),
);

Deno.test(
  "H2 execute: half-open in the middle of a statement, a deadline of 2 s settles it, destroys the socket, and the slot is filled again",
  quiet(async () => {
    await using link = await proxied();
    const { pool, warnings } = await openPool({
      conninfo: link.conninfo,
      connectOptions: { cancelTimeout: 0.5 },
    });
    await using _ = pool;
    const signal = AbortSignal.timeout(1500);
    const started = performance.now();
    const running = rejection(
      pool.execute("select pg_sleep(0.2)", undefined, { signal }),
    );
    await pause(50);
    assertEquals(await socketsTo(link.proxy.port), 1);
    link.proxy.welcome = "ignore";
    link.proxy.links[0]!.blackHole();
    await pause(100);
    const error = await running;
    const took = performance.now() - started;
    assert(error === signal.reason, Deno.inspect(error));
    assert(took > 1400 && took < 2600, `${took} ms`);
    link.proxy.welcome = "pass";
    await eventually(() => pool.getStats().poolAvailable === 1, "filled");
    assertEquals(await pool.execute("select 1 as n").fetchOne(), { n: 1 });
    assertEquals(pool.getStats().returnsBad, 1);
    assertEquals(await socketsTo(link.proxy.port), 1);
    warnings.length = 0;
  }),
);

Deno.test(
  "H3 J15 check: connections that are dead, frozen or left with an open transaction are replaced, or made clean, within the time that the client has",
  quiet(async () => {
    await using link = await proxied();
    let dirty = 0;
    const { pool, warnings } = await openPool({
      conninfo: link.conninfo,
      minSize: 3,
      check: async (conn) => {
        await conn.execute("select 1"); // leaves a transaction open
        dirty++;
      },
    });
    await using _ = pool;
    const pids = await pidsOf(pool);
    assert(dirty >= 3);
    {
      await using conn = await pool.getConn();
      assertEquals(conn.info.transactionStatus, 0);
    }
    await terminate(...pids);
    await pool.connection((conn) => conn.execute("select 1"), { timeout: 3 });
    await eventually(() => pool.getStats().poolAvailable === 3, "replaced");
    pids.push(...await pidsOf(pool));
    warnings.length = 0;
    // All that are there are half-open: nothing comes, not even an error.
    for (const each of link.proxy.links) each.blackHole();
    const started = performance.now();
    const conn = await pool.getConn({ timeout: 3 });
    assert(performance.now() - started < 3000);
    assert(!pids.includes(pidOf(conn)));
    assertEquals((await conn.execute("select 1 as n").fetchOne())?.n, 1);
    await conn.commit();
    await pool.putConn(conn);
    assert(pool.getStats().connectionsLost >= 1);
    assert(warnings.every((line) => line.includes("did not pass its check")));
    warnings.length = 0;
    // A check that always fails does not end in a busy loop, but in PoolTimeout.
    let tries = 0;
    const bad = makePool({
      check: () => {
        tries++;
        throw new Error("never good");
      },
    });
    await using _bad = await bad.pool.open(true);
    const error = await rejection(bad.pool.getConn({ timeout: 1.5 }));
    assertError(error, { class: PoolTimeout });
    assert(tries >= 2 && tries <= 6, `${tries} checks in 1.5 s`);
    assertEquals(bad.pool.getStats().requestsErrors, 1);
  }),
);

Deno.test(
  "getConn: aborted while a connection is checked, or while another is made clean, it rejects at once, and costs no slot",
  quiet(async () => {
    let slow = true;
    const { pool, warnings } = await openPool({
      minSize: 2,
      check: async (conn) => {
        if (slow) await conn.execute("select pg_sleep(4)");
      },
      reset: async (conn) => {
        await conn.execute("select pg_sleep(0.3)");
        await conn.rollback();
      },
    });
    await using _ = pool;
    const started = performance.now();
    const checking = ["one", "two"].map((reason) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 50);
      return rejection(pool.getConn({ signal: controller.signal }));
    });
    assertEquals(await Promise.all(checking), ["one", "two"]);
    assert(performance.now() - started < 1500);
    slow = false;
    await untilSize(pool, 2);
    warnings.length = 0;
    const held = [await pool.getConn(), await pool.getConn()];
    const controller = new AbortController();
    const waiting = rejection(pool.getConn({ signal: controller.signal }));
    const back = held.map((conn) => pool.putConn(conn));
    controller.abort("enough");
    assertEquals(await waiting, "enough");
    await Promise.all(back);
    await untilSize(pool, 2);
    assertEquals(warnings, []);
    assertEquals(pool.getStats().requestsErrors, 3);
  }),
);

Deno.test(
  "a connection that a borrower has reset, or whose server turned read-only, is replaced when it comes back",
  quiet(async () => {
    const { pool, warnings } = await openPool({
      configure: async (conn) => {
        await conn.setAutocommit(true);
        await conn.execute("set application_name = 'configured'");
      },
      connectOptions: { targetSessionAttrs: "read-write" },
    });
    await using _ = pool;
    const name = "select current_setting('application_name') as name";
    const [first] = await pidsOf(pool);
    const conn = await pool.getConn();
    await conn.pgconn.reset();
    await pool.putConn(conn);
    assertEquals(await pool.execute(name).fetchOne(), { name: "configured" });
    const [second] = await pidsOf(pool);
    assert(second !== first);
    // As a server does that became a standby.
    await pool.execute("set default_transaction_read_only = on");
    assertEquals(await pool.execute(name).fetchOne(), { name: "configured" });
    assert((await pidsOf(pool))[0] !== second);
    assertEquals(warnings, []);
  }),
);

Deno.test(
  "checkConnection: finds a connection dead that is, by a round trip that leaves nothing open",
  quiet(async () => {
    await using link = await proxied();
    await using pool = (await openPool({
      conninfo: link.conninfo,
      check: ConnectionPool.checkConnection,
    })).pool;
    const [pid] = await pidsOf(pool);
    await using conn = await open();
    await ConnectionPool.checkConnection(conn);
    assertEquals(conn.info.transactionStatus, 0);
    await terminate(pid!);
    assertEquals(await pool.execute("select 1 as n").fetchOne(), { n: 1 });
    await conn.close();
    const error = await rejection(ConnectionPool.checkConnection(conn));
    assert(error instanceof OperationalError);
  }),
);

Deno.test(
  "H14 all connections are closed by the server while the event loop is blocked for 5 s: no statement afterwards is sent on a dead one",
  quiet(async () => {
    const application_name = `pgts_blocked_${crypto.randomUUID()}`;
    const { pool, warnings } = await openPool({
      minSize: 5,
      connectOptions: { application_name },
    });
    await using _ = pool;
    const before = await pidsOf(pool);
    await using admin = await open();
    const killing = admin.execute(
      "select pg_sleep(1), (select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = %s)",
      [application_name],
    ).then(() => {});
    await pause(100);
    const word = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(word, 0, 0, 5000);
    const rows = await Promise.all(
      Array.from(
        { length: 20 },
        (_, n) => pool.execute("select %s::int4 as n", [n]).fetchOne(),
      ),
    );
    assertEquals(rows.map((row) => row?.n), Array.from(rows, (_, n) => n));
    await killing;
    await untilSize(pool, 5);
    const after = await pidsOf(pool);
    assertEquals(after.filter((pid) => before.includes(pid)), []);
    assertEquals(pool.getStats().connectionsLost, 5);
    assert(warnings.every((line) => line.includes("is lost")), warnings.join());
  }),
);

Deno.test(
  "idle connections that the server ends are replaced at once, without anybody asking for one",
  quiet(async () => {
    const { pool, warnings } = await openPool({ minSize: 3 });
    await using _ = pool;
    const before = await pidsOf(pool);
    await terminate(...before);
    await until(() => pool.getStats().connectionsLost === 3, "noticed");
    await untilSize(pool, 3);
    assertEquals(
      (await pidsOf(pool)).filter((pid) => before.includes(pid)),
      [],
    );
    assertEquals(warnings.length, 3);
    assert(warnings[0]!.includes("administrator"), warnings[0]);
  }),
);

Deno.test(
  "J12 J16 open: a pool that is made before the database is up serves those who wait once it is, and tells the others why not",
  quiet(async () => {
    await using link = await proxied();
    link.proxy.welcome = "refuse";
    const { pool, warnings } = makePool({
      conninfo: link.conninfo,
      minSize: 2,
      maxSize: 4,
    });
    await using _ = await pool.open();
    const error = await rejection(pool.getConn({ timeout: 0.3 }));
    assertError(error, {
      class: PoolTimeout,
      says: ["connecting failed with"],
    });
    assert(causeOf(error) instanceof OperationalError);
    const waiting = Array.from(
      { length: 6 },
      (_, n) => pool.execute("select %s::int4 as n", [n]).fetchOne(),
    );
    await pause(100);
    link.proxy.welcome = "pass";
    const rows = await Promise.all(waiting);
    assertEquals(rows.map((row) => row?.n), [0, 1, 2, 3, 4, 5]);
    await eventually(() => pool.getStats().poolAvailable >= 2, "filled");
    assert(pool.getStats().connectionsErrors >= 1);
    assert(warnings.every((line) => line.includes("connecting failed")));
  }),
);

Deno.test(
  "J16 getConn: while one connect fails, a waiter is served by whichever connection comes first",
  quiet(async () => {
    await using server = new ScriptedServer(async (session) => {
      if (session.index === 1) return session.close();
      await serveOnes(session);
    });
    const { pool } = await openPool({ ...at(server), maxSize: 2 });
    await using _ = pool;
    const held = await pool.getConn();
    const waiting = pool.getConn();
    await until(() => pool.getStats().connectionsErrors === 1, "one failed");
    await pool.putConn(held);
    const got = await waiting;
    // And the next attempt serves the one after that.
    const next = await pool.getConn({ timeout: 3 });
    assertEquals(server.sessions.length, 3);
    await pool.putConn(got);
    await pool.putConn(next);
  }),
);

Deno.test(
  "B9 53300 and 57P03: the SQLSTATE reaches the client, and the pool backs off",
  quiet(async () => {
    const refusals = [
      ["53300", TooManyConnections],
      ["57P03", CannotConnectNow],
    ] as const;
    for (const [code, errorClass] of refusals) {
      let refusing = true;
      await using server = new ScriptedServer(async (session) => {
        if (!refusing) return await serveOnes(session);
        await session.readStartup();
        await session.send(b.errorResponse({ severity: "FATAL", code }));
        session.close();
      });
      const { pool, warnings } = makePool({ ...at(server), minSize: 10 });
      await using _ = await pool.open();
      const error = await rejection(pool.getConn({ timeout: 2.2 }));
      assertError(error, { class: PoolTimeout });
      const cause = causeOf(error);
      assert(cause instanceof errorClass, Deno.inspect(cause));
      assertEquals(cause.sqlstate, code);
      // Three at first, then one after a second.
      const tried = server.sessions.length;
      assert(tried >= 3 && tried <= 4, `${tried} attempts in 2.2 s`);
      assertEquals(warnings.length, tried);
      refusing = false;
      await eventually(() => pool.getStats().poolAvailable === 10, "filled");
    }
  }),
);

Deno.test(
  "D16 a password that is changed while the pool is live: new connects fail with 28P01, few of them, and the sessions that are open go on",
  quiet(async () => {
    const user = "pgts_scram";
    await using admin = await open();
    let asked = 0;
    let password = "scram pass";
    const { pool } = await openPool({
      minSize: 2,
      maxSize: 8,
      connectOptions: {
        user,
        password: () => {
          asked++;
          return password;
        },
      },
    });
    await using _ = pool;
    assertEquals(asked, 2);
    try {
      await admin.changePassword(user, "another one");
      const held = [await pool.getConn(), await pool.getConn()];
      const failing = Array.from(
        { length: 20 },
        () => rejection(pool.getConn({ timeout: 1.5 })),
      );
      for (const error of await Promise.all(failing)) {
        assertError(error, { class: PoolTimeout });
        assertError(causeOf(error), {
          class: InvalidPassword,
          sqlstate: "28P01",
        });
      }
      // Three at once, then one after a second.
      assert(asked - 2 >= 3 && asked - 2 <= 4, `${asked - 2} attempts`);
      for (const conn of held) {
        const row = await conn.execute("select current_user as name")
          .fetchOne();
        assertEquals(row?.name, user);
        await conn.commit();
        await pool.putConn(conn);
      }
      assertEquals(await pool.execute("select 1 as n").fetchOne(), { n: 1 });
      password = "another one";
      const conns = [];
      for (let i = 0; i < 3; i++) conns.push(await pool.getConn());
      for (const conn of conns) await pool.putConn(conn);
    } finally {
      await admin.changePassword(user, "scram pass");
    }
  }),
);

Deno.test(
  "H15 Member.open: a name that gets another address, the sessions that are opened from then on go there",
  quiet(async () => {
    await using one = new ScriptedServer(serveOnes);
    await using two = new ScriptedServer(serveOnes);
    await using moved = await ChaosProxy.open({ port: two.port }, {
      hostname: "127.0.0.2",
      port: one.port,
    });
    let address = "127.0.0.1";
    const source = {
      settings: poolSettings({
        conninfo: one.dsn.replace(/host=\S+/, "host=name.test sslmode=disable"),
      }),
      scramMemory: new ScramMemory(),
      generation: 0,
      signal: new AbortController().signal,
      resolve: () => Promise.resolve([address]),
    };
    const first = await Member.open(source);
    assertEquals([one.sessions.length, two.sessions.length], [1, 0]);
    address = "127.0.0.2";
    const second = await Member.open(source);
    assertEquals([one.sessions.length, two.sessions.length], [1, 1]);
    assertEquals(moved.connects, 1);
    for (const member of [first, second]) {
      await member.close(new OperationalError("The test is over"));
    }
  }),
);

Deno.test(
  "H19 configure: a connection that is lost in it, or while a type is looked up in it, fails that attempt, and frees the slot",
  quiet(async () => {
    let attempts = 0;
    const { pool, warnings } = makePool({
      minSize: 1,
      configure: async (conn) => {
        await conn.setAutocommit(true);
        attempts++;
        if (attempts > 2) return;
        const sleeping = rejection(conn.execute("select pg_sleep(9)"));
        const lost = attempts === 1
          ? rejection(conn.lookUpType("no_such_type"))
          : sleeping;
        await terminate(pidOf(conn));
        await sleeping;
        throw await lost;
      },
    });
    await using _ = await pool.open();
    assertEquals(
      await pool.execute("select 1 as n", undefined, { timeout: 8 }).fetchOne(),
      { n: 1 },
    );
    assertEquals(attempts, 3);
    const { connectionsErrors, poolSize } = pool.getStats();
    assertEquals([connectionsErrors, poolSize], [2, 1]);
    assertEquals(warnings.length, 2, warnings.join("\n"));
  }),
);

Deno.test(
  "close: a pool whose connections do not answer any more closes all the same",
  quiet(async () => {
    await using link = await proxied();
    const { pool } = await openPool({ conninfo: link.conninfo, minSize: 3 });
    link.proxy.freeze();
    const started = performance.now();
    await pool.close(0.2);
    assert(performance.now() - started < 2500);
    assert(pool.closed);
  }),
);
