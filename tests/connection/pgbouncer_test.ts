/**
 * Through PgBouncer: Debian's for real, in session and in transaction mode. What
 * only newer poolers do is played.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  type ConnectOptions,
  type DictRow,
  ProgrammingError,
  ProtocolError,
} from "../../mod.ts";
import { ProtocolViolation } from "../../errors/mod.ts";
import { type PostgresVersion, startServer } from "../../scripts/server.ts";
import * as b from "../support/backend.ts";
import type { FrontendMessage } from "../support/frontend_reader.ts";
import { startPgBouncer, testPooler } from "../support/pgbouncer.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  assertUsable,
  ONE,
  openScripted,
  quiet,
  rejection,
  statementsOf,
  until,
} from "./support.ts";

const MODES = ["session", "transaction"] as const;

function openAt(
  dsn: string,
  options: ConnectOptions<DictRow> = {},
): Promise<Connection> {
  return connect(dsn, { autocommit: true, ...options });
}

/** Aborts a statement that takes long, and runs another. */
async function assertCancels(conn: Connection): Promise<void> {
  const start = performance.now();
  const signal = AbortSignal.timeout(100);
  const error = await rejection(
    conn.execute("select pg_sleep(20)", undefined, { signal }),
  );
  assert(error === signal.reason, Deno.inspect(error));
  assert(performance.now() - start < 2500);
  await assertUsable(conn);
}

testPooler(
  "B5 connect: asked for 3.2, PostgreSQL 14 to 17 and newer poolers make it 3.0; PgBouncer 1.18 refuses and takes 3.0",
  quiet(async () => {
    const versions: readonly PostgresVersion[] = ["14", "15", "16", "17"];
    for (const version of versions) {
      await using server = await startServer({ version });
      await using conn = await openAt(server.dsn, {
        maxProtocolVersion: "3.2",
      });
      assertEquals(conn.info.fullProtocolVersion, 30000, version);
      await assertCancels(conn);
    }
    for (const poolMode of MODES) {
      await using pooler = await startPgBouncer({ poolMode });
      const refused = await rejection(
        openAt(pooler.dsn, { maxProtocolVersion: "3.2" }),
      );
      // As with libpq: what a pooler makes of a version is not guessed at.
      assertError(refused, {
        class: ProtocolViolation,
        says: ["bad packet header"],
        sqlstate: "08P01",
        usable: false,
      });
      for (const options of [{}, { maxProtocolVersion: "3.0" }] as const) {
        await using conn = await openAt(pooler.dsn, options);
        assertEquals(conn.info.fullProtocolVersion, 30000);
        await assertCancels(conn);
      }
    }
    await using newer = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(
        b.negotiateProtocolVersion(0x30000, []),
        b.authenticationOk(),
        b.backendKeyData(7, 99),
        b.readyForQuery(),
      );
      await session.serve(async (burst) => {
        if (!statementIn(burst).includes("pg_sleep")) return answer(burst, ONE);
        await until(() => newer.cancelRequests.length > 0, "cancelled");
        return [b.errorResponse({ code: "57014" }), b.readyForQuery()];
      });
    });
    await using conn = await openScripted(newer, { maxProtocolVersion: "3.2" });
    assertEquals(conn.info.fullProtocolVersion, 30000);
    await assertCancels(conn);
    assertEquals(newer.cancelRequests[0]?.key, b.int32(99));
    assertEquals(newer.cancelRequests[0]?.pid, 7);
  }),
);

testPooler(
  "connect: cancel requests through PgBouncer hit the statement that is meant, and no other",
  quiet(async () => {
    for (const poolMode of MODES) {
      await using pooler = await startPgBouncer({
        poolMode,
        settings: { default_pool_size: "4" },
      });
      const work = async (client: number) => {
        await using conn = await openAt(pooler.dsn, { prepareThreshold: null });
        for (let turn = 0; turn < 15; turn++) {
          const signal = AbortSignal.timeout((client * 7 + turn * 3) % 9);
          try {
            await conn.execute("select pg_sleep(0.005)", undefined, { signal });
          } catch (error) {
            assert(error === signal.reason, Deno.inspect(error));
          }
          const nonce = `${client} ${turn}`;
          const row = await conn.execute("select %s::text as nonce", [nonce])
            .fetchOne();
          assertEquals(row, { nonce });
        }
      };
      const clients = poolMode === "session" ? 4 : 12;
      await Promise.all(Array.from({ length: clients }, (_, i) => work(i)));
    }
  }),
);

testPooler(
  "connect: statements are prepared through PgBouncer in session mode, and dropped by Close",
  quiet(async () => {
    await using pooler = await startPgBouncer({ poolMode: "session" });
    await using conn = await openAt(pooler.dsn, {
      prepareThreshold: 0,
      preparedMax: 2,
    });
    for (let n = 0; n < 12; n++) {
      const row = await conn.execute(`select %s::int4 + ${n % 4} as n`, [n])
        .fetchOne();
      assertEquals(row, { n: n + n % 4 });
    }
    const { count } = (await conn.execute(
      "select count(*)::int4 as count from pg_prepared_statements",
      undefined,
      { prepare: false },
    ).fetchOne())!;
    assertEquals(count, 2);
  }),
);

testPooler(
  "K5 connect: PgBouncer in transaction mode, with prepareThreshold null on 1.18, and with statements prepared where it keeps them",
  quiet(async () => {
    await using pooler = await startPgBouncer({
      poolMode: "transaction",
      settings: { default_pool_size: "3" },
    });
    const backends = new Set<unknown>();
    const work = async (client: number) => {
      await using conn = await openAt(pooler.dsn, {
        prepareThreshold: null,
        autocommit: client % 2 === 0,
      });
      for (let turn = 0; turn < 20; turn++) {
        const sum = await conn.transaction(async (tx) => {
          const first = await tx.execute(
            "select %s::int4 as n, pg_backend_pid() as pid",
            [client],
          ).fetchOne();
          const second = await tx.execute(
            "select %s::int4 as n, pg_backend_pid() as pid",
            [turn],
          ).fetchOne();
          assertEquals(first?.pid, second?.pid);
          backends.add(first?.pid);
          return Number(first?.n) + Number(second?.n);
        });
        assertEquals(sum, client + turn);
        const rows = await conn.pipeline((p) =>
          Promise.all(
            [1, 2, 3].map((n) =>
              p.execute("select %s::int4 as n", [n + turn]).fetchOne()
            ),
          )
        );
        assertEquals(rows.map((row) => row?.n), [1, 2, 3].map((n) => n + turn));
        if (!conn.autocommit) await conn.commit();
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, i) => work(i)));
    // The connections to the server did go from hand to hand.
    assert(backends.size > 1 && backends.size <= 3, `${backends.size}`);
    await using watcher = await openAt(pooler.dsn, { prepareThreshold: null });
    const left = await watcher.execute(
      "select name from pg_prepared_statements",
    )
      .fetchAll();
    assertEquals(left, []);

    // From 1.21 on a pooler follows Parse and Close of the protocol, and not
    // what SQL says of them.
    await using newer = new ScriptedServer(async (session) => {
      await session.startup();
      await session.serve((burst) => answer(burst, ONE));
    });
    await using conn = await openScripted(newer, {
      prepareThreshold: 0,
      preparedMax: 1,
    });
    for (let n = 0; n < 6; n++) {
      await conn.execute(`select ${n % 2} as one where %s`, [true]);
    }
    const { received } = newer.sessions[0]!;
    const named = received.filter((message) =>
      message.tag === "P" && message.name !== ""
    );
    const closed = received.filter((message) => message.tag === "C");
    assertEquals([named.length, closed.length], [6, 5]);
    const texts = statementsOf(newer.sessions[0]);
    assert(!texts.some((text) => /deallocate|discard/i.test(text)));
  }),
);

testPooler(
  "K14 connect: PgBouncer refuses startup options by name, has a console in autocommit mode, and a URI may say pgbouncer=true",
  quiet(async () => {
    await using pooler = await startPgBouncer({ poolMode: "transaction" });
    const error = await rejection(
      openAt(pooler.dsn, { options: "-c geqo=off" }),
    );
    assertError(error, {
      class: ProtocolViolation,
      says: ["unsupported startup parameter: options"],
      usable: false,
    });
    await using conn = await openAt(pooler.dsn, { applicationName: "pgts x" });
    assertEquals(
      await conn.execute("show application_name").fetchOne(),
      { application_name: "pgts x" },
    );

    await using admin = await openAt(pooler.consoleDsn);
    const row = await admin.execute("show version").fetchOne();
    assert(String(row?.version).startsWith("PgBouncer"));
    const pools = await admin.execute("show pools").fetchAll();
    assert(pools.some(({ database }) => database === "postgres"));
    const uri = `postgres://postgres@127.0.0.1:${pooler.port}/postgres`;
    for (
      const [query, threshold] of [
        ["?pgbouncer=true", null],
        ["?pgbouncer=true&application_name=x", null],
        ["?application_name=x&pgbouncer=true", null],
        ["?pgbouncer=false&application_name=x", 5],
        ["?application_name=x", 5],
      ] as const
    ) {
      await using pooled = await openAt(uri + query);
      assertEquals(pooled.prepareThreshold, threshold, query);
      assertEquals(
        pooled.info.getParameters().application_name,
        query.includes("name=x") ? "x" : undefined,
      );
      for (let i = 0; i < 12; i++) {
        await pooled.execute("select %s::int4", [i]).fetchOne();
      }
    }
    await using told = await openAt(`${uri}?pgbouncer=true`, {
      prepareThreshold: 7,
    });
    assertEquals(told.prepareThreshold, 7);
    assertError(await rejection(openAt(`${uri}?pgbouncer=maybe`)), {
      class: ProgrammingError,
      says: ["is not a connection parameter"],
    });

    // The console has the simple protocol alone and no transactions, and says so.
    await using joined = await connect(pooler.consoleDsn);
    assertError(await rejection(joined.execute("show version")), {
      class: ProtocolViolation,
      says: ["extended query protocol not supported by admin console"],
      usable: false,
    });
  }),
);

/** A pooler that answers a cancel request and the statement that it is for. */
function answeringPooler(
  toRequest: readonly Uint8Array[],
  toStatement: readonly Uint8Array[],
): ScriptedServer {
  const pooler: ScriptedServer = new ScriptedServer(async (session) => {
    await session.startup();
    await session.serve(async (burst) => {
      if (!statementIn(burst).includes("pg_sleep")) return answer(burst, ONE);
      await until(() => pooler.cancelRequests.length > 0, "cancelled");
      return toStatement;
    });
  }, { onCancel: (session) => session.send(...toRequest) });
  return pooler;
}

function statementIn(burst: readonly FrontendMessage[]): string {
  return burst.map((message) => "text" in message ? message.text : "").join();
}

const CANCELLED = [
  b.errorResponse({ code: "57014", message: "canceling" }),
  b.readyForQuery(),
];

Deno.test(
  "I6 connect: what a pooler answers to a cancel request is ignored",
  quiet(async () => {
    const failed = b.errorResponse({ severity: "FATAL", message: "no cancel" });
    for (const bytes of [[failed], [failed, failed], [b.bytes("E")]]) {
      await using pooler = answeringPooler(bytes, CANCELLED);
      await using conn = await openScripted(pooler);
      await assertCancels(conn);
    }
  }),
);

Deno.test(
  "I7 connect: a ReadyForQuery too many after a cancel is a ProtocolError, and shifts no result",
  quiet(async () => {
    await using pooler = answeringPooler([], [...CANCELLED, b.readyForQuery()]);
    await using conn = await openScripted(pooler);
    const signal = AbortSignal.timeout(50);
    const error = await rejection(
      conn.execute("select pg_sleep(20)", undefined, { signal }),
    );
    assert(error === signal.reason || error instanceof ProtocolError);
    await until(() => conn.closed, "the connection is given up");
    const next = await rejection(conn.execute("select 1 as one"));
    assert(next instanceof ProtocolError, Deno.inspect(next));
    assert(next.connectionUsable === false && next.reachedServer === false);
  }),
);
