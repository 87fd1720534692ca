/**
 * `examples/deploy.ts` as it is deployed: with few grants, over TLS, frozen,
 * stopped, and on servers that go away.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { canUseNodeTls } from "../connection/tls_runtime.ts";
import {
  answer,
  open,
  pause,
  statementsOf,
  until,
} from "./connection/support.ts";
import { realServer } from "./connection/tls_support.ts";
import * as b from "./support/backend.ts";
import { parseDsn, testDsn } from "./support/database.ts";
import type { FrontendMessage } from "./support/frontend_reader.ts";
import { oldestDeno } from "./support/old_deno.ts";
import { ScriptedServer } from "./support/scripted_server.ts";
import type { ScriptedSession } from "./support/scripted_session.ts";
import {
  compileExample,
  EXAMPLE,
  GRANTS,
  ServedExample,
} from "./support/served_example.ts";

const { host, port, user, dbname } = parseDsn(testDsn());
const tls = await realServer();
const folder = await Deno.makeTempDir({ prefix: "pgts_deploy_" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
const compiled = await compileExample(folder);

/** The URI of the test server, for sessions that are told apart by a name. */
function urlFor(application: string, parameters = ""): string {
  return `postgresql://${user}@${host}:${port}/${dbname}?application_name=${application}${parameters}`;
}

/** A schema with two tables, for as long as it is held. */
async function schemaWithTables(): Promise<
  AsyncDisposable & { readonly name: string }
> {
  const name = `deploy_${crypto.randomUUID().slice(0, 8)}`;
  await using conn = await open();
  await conn.execute(`create schema ${name};
    create table ${name}.empty (n int);
    create table ${name}.filled (n int);
    insert into ${name}.filled select generate_series(1, 10)`);
  return {
    name,
    async [Symbol.asyncDispose](): Promise<void> {
      await using conn = await open();
      await conn.execute(`drop schema ${name} cascade`);
    },
  };
}

/** How many sessions of a name there are. */
async function sessions(application: string): Promise<number> {
  await using conn = await open();
  const rows = await conn.execute(
    "select 1 from pg_stat_activity where application_name = %s",
    [application],
  ).fetchAll();
  return rows.length;
}

/** A name for the sessions of one test. */
function application(): string {
  return `deploy_${crypto.randomUUID().slice(0, 8)}`;
}

Deno.test("examples/deploy.ts: rows as JSON, from a pool that the first request opens, with two grants", async () => {
  await using schema = await schemaWithTables();
  const name = application();
  await using served = await ServedExample.start(urlFor(name));
  const nothing = await served.get("/");
  assertEquals(nothing.status, 404);
  assertEquals(await sessions(name), 0);
  const before = Temporal.Now.instant();
  const { status, headers, body } = await served.get(
    `/tables?schema=${schema.name}`,
  );
  assertEquals([status, headers.get("content-type")], [
    200,
    "application/json",
  ]);
  const rows = body as { name: string; bytes: string; at: string }[];
  assertEquals(rows.map(({ name, bytes }) => [name, bytes]), [
    ["empty", "0"], // a bigint, as text
    ["filled", "8192"],
  ]);
  const age = Temporal.Instant.from(rows[0]!.at).since(before).abs();
  assert(age.total("seconds") < 60, rows[0]!.at);
  assertEquals(await sessions(name), 1);
  const many = await Promise.all(
    Array.from({ length: 20 }, () => served.get("/tables?schema=none")),
  );
  assertEquals(
    many.map(({ status, body }) => [status, body]),
    Array(20).fill([200, []]),
  );
  assert(await sessions(name) <= 4);
});

Deno.test({
  name:
    "examples/deploy.ts: over TLS, with PEM in DATABASE_URL or in DATABASE_CA",
  ignore: !canUseNodeTls(),
  async fn() {
    const pem = tls.files.text("ca.crt");
    const url =
      `postgresql://ssl_only@localhost:${tls.port}/postgres?hostaddr=127.0.0.1`;
    const inside = `${url}&sslmode=verify-full&sslrootcert=${
      encodeURIComponent(pem)
    }`;
    const granted = {
      grants: ["--allow-net", "--allow-env=DATABASE_URL,DATABASE_CA"],
    };
    const other = tls.files.text("other.crt");
    const ways = [
      [inside, {}, 200],
      [url, { env: { DATABASE_CA: pem }, ...granted }, 200],
      [
        url,
        { env: { DATABASE_CA: pem.replaceAll("\n", "\\n") }, ...granted },
        200,
      ],
      [url, { env: { DATABASE_CA: other }, ...granted }, 503],
      // Without the grant the variable counts as not set, and there is no prompt.
      [url, { env: { DATABASE_CA: other } }, 200],
    ] as const;
    for (const [databaseUrl, options, expected] of ways) {
      await using served = await ServedExample.start(databaseUrl, options);
      const { status } = await served.get("/tables?schema=none");
      assertEquals(status, expected, served.printed);
    }
  },
});

Deno.test("examples/deploy.ts: what goes wrong is 500 or 503, and neither answer nor log has a secret", async () => {
  const secret = "hush:%2F'hush";
  const failures = [
    [`postgresql://pgts_scram:${secret}@${host}:${port}/postgres`, "", 503],
    [`postgresql://${user}:${secret}@127.0.0.1:1/postgres`, "", 503],
    [
      `postgresql://${user}:${secret}@${host}:${port}/postgres?nonsense=1`,
      "",
      503,
    ],
    [`postgresql://${user}:${secret}@${host}:${port}/${dbname}`, "%00", 500],
    [null, "", 500],
  ] as const;
  await Promise.all(failures.map(async ([databaseUrl, schema, expected]) => {
    await using served = await ServedExample.start(databaseUrl);
    const { status, headers, body } = await served.get(
      `/tables?schema=${schema}`,
    );
    assertEquals(status, expected, served.printed);
    assertEquals(body, {
      error: status === 503
        ? "The database is not available"
        : "Something went wrong",
    });
    assertEquals(headers.get("retry-after"), status === 503 ? "1" : null);
    await until(() => served.printed.includes("rror"), "the log tells");
    assert(!/hush/.test(served.printed), served.printed);
  }));
});

Deno.test({
  name:
    "examples/deploy.ts: sessions that ended while the process was frozen are noticed before they are used",
  ignore: Deno.build.os === "windows",
  async fn() {
    const name = application();
    await using served = await ServedExample.start(urlFor(name));
    assertEquals((await served.get("/tables")).status, 200);
    for (let run = 0; run < 3; run++) {
      served.kill("SIGSTOP");
      await using admin = await open();
      const ended = await admin.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = %s",
        [name],
      ).fetchAll();
      assertEquals(ended.length, 1);
      const answer = served.get("/tables?schema=none");
      await pause(50); // it is there when the process goes on
      served.kill("SIGCONT");
      assertEquals((await answer).status, 200, served.printed);
    }
  },
});

Deno.test({
  name:
    "examples/deploy.ts: goes on after its server was stopped, killed and started again",
  ignore: !canUseNodeTls(),
  async fn() {
    const server = tls.started;
    await using served = await ServedExample.start(
      `postgresql://postgres@localhost:${tls.port}/postgres?hostaddr=127.0.0.1&sslmode=require`,
    );
    const until = async (expected: number) => {
      const end = performance.now() + 30_000;
      for (;;) {
        const { status } = await served.get("/tables?schema=none");
        if (status === expected) return;
        assert(performance.now() < end, `${status}: ${served.printed}`);
        await pause(100);
      }
    };
    await until(200);
    for (const mode of ["fast", "immediate", "SIGKILL"] as const) {
      if (mode === "SIGKILL") server.kill("SIGKILL");
      else await server.stop(mode);
      await until(503);
      await server.restart("immediate");
      await until(200);
    }
  },
});

/** A server that a function plays for every session, and that takes checks for what they are. */
function playing(
  play: (
    session: ScriptedSession,
    burst: readonly FrontendMessage[],
  ) => Uint8Array[] | "silence" | "end",
): ScriptedServer {
  return new ScriptedServer(async (session) => {
    await session.startup();
    await session.serve((burst) => {
      const [first] = burst;
      const isCheck = first?.tag === "Q" && first.text === "";
      const answered = play(session, burst);
      if (answered === "silence") return [];
      if (answered === "end") {
        session.close();
        return null;
      }
      return isCheck ? [b.emptyQueryResponse(), b.readyForQuery()] : answered;
    });
  });
}

const TABLE = {
  columns: [{ name: "name", oid: 25 }],
  rows: [["a"]],
  tag: "SELECT 1",
};

/** How often each session was asked for the tables. */
function asked(server: ScriptedServer): number[] {
  return server.sessions.map((session) =>
    session.received.filter(({ tag }) => tag === "B").length
  );
}

Deno.test("H10 examples/deploy.ts: a peer that died silently gets no statement, the next one does", async () => {
  let dead = false;
  await using server = playing((session, burst) =>
    dead && session.index === 0 ? "silence" : answer(burst, TABLE)
  );
  const { port } = parseDsn(server.dsn);
  await using served = await ServedExample.start(
    `postgresql://me@127.0.0.1:${port}/db?sslmode=disable`,
  );
  assertEquals((await served.get("/tables")).body, [{ name: "a" }]);
  assertEquals(asked(server), [1]);
  dead = true;
  const again = await served.get("/tables");
  assertEquals([again.status, again.body], [200, [{ name: "a" }]]);
  assertEquals(asked(server), [1, 1]);
  assert(statementsOf(server.sessions[0]).includes(""), "it was checked");
});

Deno.test("H10 examples/deploy.ts: a statement that may have got to the server is not sent again", async () => {
  for (const end of ["end", "silence"] as const) {
    await using server = playing((_, burst) =>
      burst.some(({ tag }) => tag === "B") ? end : answer(burst, TABLE)
    );
    const { port } = parseDsn(server.dsn);
    await using served = await ServedExample.start(
      `postgresql://me@127.0.0.1:${port}/db?sslmode=disable`,
    );
    for (let request = 1; request <= 2; request++) {
      assertEquals((await served.get("/tables")).status, 503, served.printed);
      assertEquals(asked(server).reduce((sum, n) => sum + n), request);
    }
  }
});

Deno.test({
  name:
    "examples/deploy.ts: told to stop it answers what was asked, closes its sessions and ends",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using schema = await schemaWithTables();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const name = application();
      await using served = await ServedExample.start(urlFor(name));
      await using blocker = await open({ autocommit: false });
      await blocker.execute(`lock table ${schema.name}.filled`);
      const slow = served.get(`/tables?schema=${schema.name}`);
      await until(async () => await sessions(name) === 1, "it has begun");
      served.kill(signal);
      await pause(100);
      await blocker.rollback();
      const { status, body } = await slow;
      assertEquals([status, (body as unknown[]).length], [200, 2]);
      assertEquals(await served.ended(), 0, served.printed);
      assertEquals(await sessions(name), 0);
    }
    // Before the first request there is no pool to close.
    await using served = await ServedExample.start(null);
    served.kill("SIGTERM");
    assertEquals(await served.ended(), 0, served.printed);
  },
});

/** Expects that the example answers. */
async function assertServes(served: ServedExample): Promise<void> {
  await using schema = await schemaWithTables();
  const { status, body } = await served.get(`/tables?schema=${schema.name}`);
  assertEquals([status, (body as unknown[]).length], [200, 2], served.printed);
}

Deno.test("examples/deploy.ts: in a worker, where APIs are missing, and on an old Deno", async (t) => {
  await t.step("in a worker that has the same two grants", async () => {
    const main = `${folder}/main.ts`;
    await Deno.writeTextFile(
      main,
      `new Worker("file://${EXAMPLE}", { type: "module", deno: { permissions: {
        net: true, env: ["DATABASE_URL"], read: false } } });`,
    );
    await using served = await ServedExample.start(urlFor(application()), {
      main,
      grants: [...GRANTS, "--allow-read", "--unstable-worker-options"],
    });
    await assertServes(served);
  });
  await t.step(
    "without permissions, signals, settings of sockets and Temporal",
    async () => {
      const main = `${folder}/less.ts`;
      await Deno.writeTextFile(
        main,
        `const { connect } = Deno;
      for (const name of ["setKeepAlive", "setNoDelay", "ref", "unref"]) {
        delete Deno.TcpConn?.prototype[name];
        Deno.connect = async (options) =>
          Object.defineProperty(await connect(options), name, { value: undefined });
      }
      for (const name of ["permissions", "addSignalListener", "stat", "uid"]) {
        delete Deno[name];
      }
      delete globalThis.Temporal;
      await import("file://${EXAMPLE}");`,
      );
      await using served = await ServedExample.start(urlFor(application()), {
        main,
        grants: [...GRANTS, "--allow-import", "--allow-read"],
      });
      await assertServes(served);
    },
  );
  await t.step("on the oldest Deno that pgts runs on", async () => {
    await using served = await ServedExample.start(
      urlFor(application(), "&sslmode=disable"),
      { deno: await oldestDeno() },
    );
    await assertServes(served);
  });
});

const isHere = compiled.program !== null || compiled.failure !== null;

Deno.test({
  name: isHere
    ? "Q6 examples/deploy.ts: compiled, with the same two grants, beside worker and missing APIs above"
    : "Q6 examples/deploy.ts: compiled: left out, as the runtime that `deno compile` puts into a program is not in Deno's cache and cannot be downloaded here",
  ignore: !isHere,
  async fn() {
    const { program, failure } = compiled;
    assert(program !== null, failure ?? "");
    await using served = await ServedExample.start(urlFor(application()), {
      program,
    });
    await assertServes(served);
  },
});
