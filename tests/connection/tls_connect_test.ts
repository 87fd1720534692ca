import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Connection,
  OperationalError,
  PgError,
  ProgrammingError,
} from "../../mod.ts";
import {
  InvalidAuthorizationSpecification,
  InvalidPassword,
} from "../../errors/mod.ts";
import { testServer } from "../support/database.ts";
import * as b from "../support/backend.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import type { ScriptedSession } from "../support/scripted_session.ts";
import { TlsFront } from "../support/tls_front.ts";
import { assertError, rejection } from "./support.ts";
import {
  connectTo,
  type Options,
  realServer,
  test,
  tlsOf,
} from "./tls_support.ts";

const server = await realServer();
const { files, ca } = server;

/** Whether the session that was opened has TLS; checked on both sides. */
async function encrypted(opening: Promise<Connection>): Promise<boolean> {
  await using conn = await opening;
  const { ssl, version, cipher } = await tlsOf(conn);
  assertEquals(conn.info.sslInUse, ssl);
  assertEquals(conn.info.sslAttribute("protocol"), version);
  assertEquals(conn.info.sslAttribute("cipher"), cipher);
  return ssl === true;
}

const MODES = [
  undefined,
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] as const;

/** Opens a session by each sslmode: `true` for TLS, `false` for none, else the SQLSTATE. */
async function byMode(
  open: (options: Options) => Promise<Connection>,
): Promise<Record<string, boolean | string | null>> {
  const out: Record<string, boolean | string | null> = {};
  for (const sslMode of MODES) {
    try {
      out[sslMode ?? "default"] = await encrypted(open({
        ...(sslMode === undefined ? {} : { sslMode }),
        ...(sslMode?.startsWith("verify") ? { sslRootCert: ca } : {}),
      }));
    } catch (error) {
      assert(error instanceof PgError, Deno.inspect(error));
      out[sslMode ?? "default"] = error.sqlstate;
    }
  }
  return out;
}

test("connect: every sslmode with a server that has TLS, and with users of one way alone", async () => {
  const strict = { require: true, "verify-ca": true, "verify-full": true };
  assertEquals(await byMode((options) => server.connect(options)), {
    default: true,
    disable: false,
    allow: false,
    prefer: true,
    ...strict,
  });
  // With allow, the second try is the one with TLS.
  const sslOnly = await byMode((options) =>
    server.connect({ ...options, user: "ssl_only" })
  );
  assertEquals(sslOnly, {
    default: true,
    disable: "28000",
    allow: true,
    prefer: true,
    ...strict,
  });
  // With prefer, the second try is the one without.
  const plainOnly = await byMode((options) =>
    server.connect({ ...options, user: "plain_only" })
  );
  assertEquals(plainOnly, {
    default: false,
    disable: false,
    allow: false,
    prefer: false,
    require: "28000",
    "verify-ca": "28000",
    "verify-full": "28000",
  });
});

test("C19 connect: sslmode=prefer and a server without TLS: clear text, and it shows", async () => {
  const { port } = testServer();
  assertEquals(await byMode((options) => connectTo(port, options)), {
    default: false,
    disable: false,
    allow: false,
    prefer: false,
    require: null,
    "verify-ca": null,
    "verify-full": null,
  });
  for (const sslMode of ["require", "verify-full"]) {
    const options = { sslMode, sslRootCert: ca };
    assertError(await rejection(connectTo(port, options)), {
      class: OperationalError,
      says: ["the server has no TLS", `sslmode=${sslMode}`],
      usable: false,
    });
  }
  await using conn = await connectTo(port, { sslMode: "prefer" });
  assertEquals(conn.info.sslInUse, false);
  assertEquals(conn.info.sslAttribute("protocol"), null);
});

test("connect: of two ways that fail, the error is the one that tells why", async () => {
  const refuse = (code: string) => async (session: ScriptedSession) => {
    await session.readStartup();
    await session.send(b.errorResponse({ severity: "FATAL", code }));
    session.close();
  };
  for (
    const [first, second, telling] of [
      ["28P01", "28000", "28P01"],
      ["28000", "28P01", "28P01"],
      ["28000", "28000", "28000"],
      ["53300", "28000", "53300"],
    ] as const
  ) {
    await using scripted = new ScriptedServer([refuse(first), refuse(second)]);
    await using front = new TlsFront({
      target: scripted.port,
      shown: files.server("good"),
      clearText: true,
    });
    const error = await rejection(connectTo(front.port));
    assert(error instanceof PgError);
    assertEquals(error.sqlstate, telling);
    assertEquals(front.beginnings, ["request", "clear text"]);
  }
  // Nothing is told by a second way that is not there.
  await using scripted = new ScriptedServer(refuse("28000"));
  const refused = rejection(connectTo(scripted.port, { sslMode: "allow" }));
  assertError(await refused, { class: InvalidAuthorizationSpecification });
  assertEquals(scripted.sessions.length, 2);
  let asked = 0;
  const wrong = rejection(server.connect({
    user: "pgts_scram",
    password: () => `wrong ${asked++}`,
  }));
  assertError(await wrong, { class: InvalidPassword, sqlstate: "28P01" });
  assertEquals(asked, 1, "the password is asked for once for both ways");
});

test("connect: what comes after the authentication is the server's decision, by either way", async () => {
  await using front = new TlsFront({
    target: server.port,
    targetRoot: files.text("ca.crt"),
    shown: files.server("good"),
  });
  for (
    const options of [{ dbname: "missing" }, {
      dbname: "missing",
      user: "pgts_scram",
      password: "scram pass",
      channelBinding: "disable",
    }]
  ) {
    const error = await rejection(connectTo(front.port, options));
    assert(error instanceof PgError);
    assertEquals(error.sqlstate, "3D000");
  }
  assertEquals(front.beginnings, ["request", "request"]);
});

test("C8 connect: sslnegotiation=direct, and a server that does not say that it is PostgreSQL", async () => {
  const direct = { sslNegotiation: "direct", sslMode: "require" };
  {
    await using conn = await server.connect(direct);
    assertEquals(conn.info.sslAttribute("alpn"), "postgresql");
    assertEquals((await tlsOf(conn)).ssl, true);
  }
  const verified = { ...direct, sslMode: "verify-full", sslRootCert: ca };
  assert(await encrypted(server.connect(verified)));
  for (const alpn of [[], ["h2"]]) {
    await using front = new TlsFront({
      target: server.port,
      targetRoot: files.text("ca.crt"),
      shown: files.server("good"),
      alpn,
    });
    const error = await rejection(connectTo(front.port, direct));
    assert(error instanceof OperationalError);
    assertStringIncludes(error.message, "PostgreSQL");
    assertEquals(front.beginnings, ["direct"]);
  }
});

test("C9 connect: sslnegotiation=direct with sslmode=prefer or allow is an error of the configuration", async () => {
  for (const sslMode of [undefined, "prefer", "allow"]) {
    const error = await rejection(server.connect({
      sslNegotiation: "direct",
      ...(sslMode === undefined ? {} : { sslMode }),
    }));
    assertError(error, {
      class: ProgrammingError,
      says: ["too weak for sslnegotiation=direct"],
    });
  }
});

test("connect: large results, a thousand statements and a pipeline go through TLS", async () => {
  await using conn = await server.connect();
  const row = await conn.execute("select repeat('0123456789', 500000) as text")
    .fetchOne();
  assertEquals(row?.text, "0123456789".repeat(500_000));
  const rows = await conn.execute(
    "select i, repeat('x', 100) as x from generate_series(1, 20000) i",
  ).fetchAll();
  assertEquals([rows.length, rows.at(-1)?.i], [20_000, 20_000]);
  for (let i = 0; i < 1000; i++) {
    assertEquals(await conn.execute("select %s::int4 as i", [i]).fetchOne(), {
      i,
    });
  }
  const long = "y".repeat(3_000_000);
  assertEquals(
    await conn.execute("select length(%s) as n", [long]).fetchOne(),
    { n: long.length },
  );
  const numbers = await conn.pipeline(() =>
    Promise.all(Array.from(
      { length: 200 },
      async (_, i) =>
        (await conn.execute("select %s::int4 as i", [i]).fetchOne())?.i,
    ))
  );
  assertEquals(numbers, Array.from({ length: 200 }, (_, i) => i));
});
