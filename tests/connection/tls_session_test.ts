import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { loadTls } from "../../connection/tls_material.ts";
import { planTls } from "../../connection/tls_options.ts";
import { dialTls } from "../../connection/transport_tls.ts";
import { OperationalError } from "../../errors/base.ts";
import {
  OF_SESSION,
  type Parameters,
  test,
  tlsServer,
} from "../support/tls_server.ts";
import { TlsSession } from "../support/tls_session.ts";

const server = await tlsServer();
const { files } = server;
const ca = files.path("ca.crt");

test("C10 C20 dialTls: client certificates through SSLRequest and direct, encrypted keys, and none", async () => {
  await server.show("good");
  const client = {
    sslmode: "require",
    sslcert: files.path("client.crt"),
    sslkey: files.path("client.key"),
  };
  const variants: [Parameters, string?][] = [
    [client],
    [{ ...client, sslnegotiation: "direct" }],
    [{
      ...client,
      sslcert: files.text("client.crt"),
      sslkey: files.text("client.key"),
    }],
    [{ ...client, ssl_max_protocol_version: "TLSv1.2" }],
    [{ ...client, sslkey: files.path("client_pkcs8.key") }, "key pass"],
    [{ ...client, sslkey: files.path("client_traditional.key") }, "key pass"],
    [{ ...client, sslmode: "verify-full", sslrootcert: ca }],
  ];
  for (const [parameters, sslPassword] of variants) {
    await using session = await server.open(parameters, {
      user: "tls_user",
      ...(sslPassword ? { sslPassword } : {}),
    });
    const [[, , name] = []] = await session.query(OF_SESSION);
    assertStringIncludes(name ?? "", "CN=tls_user");
  }
  for (
    const parameters of [{ sslmode: "require" }, {
      ...client,
      sslcertmode: "disable",
    }]
  ) {
    await assertRejects(
      () => server.open(parameters, { user: "tls_user" }),
      Error,
      "requires a valid client certificate",
    );
  }
  await assertRejects(
    () =>
      server.open({ ...client, sslkey: files.path("client_open.key") }, {
        user: "tls_user",
      }),
    OperationalError,
    "others than its owner",
  );
});

test("dialTls: TCP cut in the middle of a row without close_notify is a lost connection, not a short result", async () => {
  await server.show("good");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const relay = async (from: Deno.Conn, to: Deno.Conn, limit: number) => {
    const buffer = new Uint8Array(4096);
    for (let sent = 0; sent < limit;) {
      const count = await from.read(buffer);
      if (count === null) break;
      sent += await to.write(buffer.subarray(0, count));
    }
  };
  const relaying = (async () => {
    const near = await listener.accept();
    const far = await Deno.connect({
      hostname: "127.0.0.1",
      port: server.port,
    });
    const upwards = relay(near, far, Infinity).catch(() => {});
    await relay(far, near, 100_000);
    near.close();
    far.close();
    await upwards;
  })();
  const settings = await loadTls(planTls({ sslmode: "require" }));
  assert(settings);
  const { transport } = await dialTls(
    { hostname: "127.0.0.1", port: listener.addr.port, keepAlive: false },
    { settings, host: "localhost", plainAllowed: false },
    AbortSignal.timeout(5000),
  );
  const session = new TlsSession(transport);
  await session.logIn({ user: "postgres" });
  await assertRejects(
    () =>
      session.query("select repeat('x', 1000) from generate_series(1, 1000)"),
    Error,
    "closed the connection",
  );
  transport.close();
  await relaying;
  listener.close();
});

/** Dials in a process of its own, and waits until that ends. */
async function runApart(
  options: {
    parameters: Parameters;
    mode?: string;
    host?: string;
    grants?: string[];
    env?: Record<string, string>;
  },
): Promise<{ code: number; out: string; err: string }> {
  const { parameters, mode = "unref", host = "localhost" } = options;
  const child = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: [
      "run", "--no-prompt", "--no-check",
      `--allow-net=127.0.0.1:${server.port}`, ...(options.grants ?? []),
      "tests/support/fixtures/idle_tls.ts",
      String(server.port), host, mode, JSON.stringify(parameters),
    ],
    cwd: new URL("../..", import.meta.url).pathname,
    env: options.env ?? {},
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const patience = mode === "ref" ? 1500 : 20_000;
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, out: text(stdout), err: text(stderr) };
}

test("NodeTlsTransport: needs the net permission alone, and an idle one that is unref'd lets the process end", async () => {
  await server.show("good");
  const parameters = { sslmode: "require" };
  const out = "node:tls postgresql bound";
  assertEquals(await runApart({ parameters }), { code: 0, out, err: "" });
  const held = await runApart({ parameters, mode: "ref" });
  assertEquals([held.code === 0, held.out], [false, out]);
});

test("C7 dialTls: sslrootcert=system works where the runtime trusts the authority, by either stack", async () => {
  const env = { DENO_CERT: ca, NODE_EXTRA_CA_CERTS: ca };
  const system = { sslrootcert: "system" };
  await server.show("good");
  const run = async (
    options: { parameters: Parameters; host?: string; grants?: string[] },
  ) => (await runApart({ ...options, env })).out;
  assertEquals(
    await run({ parameters: system }),
    "Deno.startTls postgresql bound",
  );
  assertEquals(
    await run({ parameters: { ...system, sslnegotiation: "direct" } }),
    "Deno.startTls postgresql bound",
  );
  assertEquals(
    await run({ parameters: { ...system, channel_binding: "require" } }),
    "node:tls postgresql bound",
  );
  const wrong = "the certificate of the server is refused, it is not for";
  for (const extra of [{}, { channel_binding: "require" }]) {
    const parameters = { ...system, ...extra };
    assertStringIncludes(
      await run({ parameters, host: "db.example.com" }),
      wrong,
    );
  }
  // To follow the chain, what the runtime trusts must be known.
  const listed = { ...system, sslcrl: files.text("ca.crl") };
  const grants = ["--allow-sys", "--allow-env"];
  assertStringIncludes(
    (await runApart({ parameters: listed, env })).err,
    "run Deno with --allow-sys",
  );
  assertEquals(
    await run({ parameters: listed, grants }),
    "node:tls postgresql bound",
  );
  await server.show("revoked");
  assertStringIncludes(
    await run({ parameters: listed, grants }),
    "it has been revoked",
  );
  await server.show("expired");
  assertStringIncludes(await run({ parameters: system }), "it has expired");
});

test("C13 dialAgain: a cancel request goes over TLS, judged as the session was", async () => {
  await server.show("good");
  await using session = await server.open({
    sslmode: "verify-full",
    sslrootcert: ca,
  });
  const sleeping = assertRejects(
    () => session.query("select pg_sleep(60)"),
    Error,
    "canceling statement due to user request",
  );
  const request = new Uint8Array(12 + session.key.length - 4);
  new DataView(request.buffer).setInt32(0, request.length);
  new DataView(request.buffer).setInt32(4, 80877102);
  request.set(session.key, 8);
  const again = await session.transport.dialAgain(AbortSignal.timeout(5000));
  assertEquals(again.constructor, session.transport.constructor);
  await again.write(request);
  assertEquals(await again.read(new Uint8Array(16)), null);
  again.close();
  await sleeping;
  // A server that has become another one is not talked to.
  await server.show("revoked");
  await using other = await server.open({
    sslmode: "verify-ca",
    sslrootcert: ca,
    sslcrl: files.path("ca_empty.crl"),
  });
  await server.show("expired");
  await assertRejects(
    () => other.transport.dialAgain(AbortSignal.timeout(5000)),
    OperationalError,
    "it has expired",
  );
});

test("C16 dialTls: the binding of every kind of certificate is what the server reckons with", async () => {
  const login = {
    user: "pgts_scram",
    password: "scram pass",
    channelBindingMode: "require",
  } as const;
  for (const name of ["good", "rsa", "sha512", "rsa_pss"]) {
    await server.show(name);
    for (const ssl_max_protocol_version of ["TLSv1.2", "TLSv1.3"]) {
      const { transport, tls } = await server.dial({
        sslmode: "require",
        ssl_max_protocol_version,
      });
      await using session = new TlsSession(transport, tls);
      await session.logIn(login);
      assertEquals(session.method, "scram-sha-256");
    }
  }
  {
    // Another hash is found out.
    const { transport, tls } = await server.dial({ sslmode: "require" });
    assert(tls?.channelBinding);
    const data = new Uint8Array(32);
    const channelBinding = { ...tls.channelBinding, data };
    await using session = new TlsSession(transport, tls);
    await assertRejects(
      () => session.logIn({ ...login, channelBinding }),
      Error,
      "channel binding check failed",
    );
  }
  // An Ed25519 certificate has no hash to bind to.
  await server.show("ed25519");
  const { transport, tls } = await server.dial({ sslmode: "require" });
  assertEquals(tls?.channelBinding, null);
  await using session = new TlsSession(transport, tls);
  await assertRejects(
    () => session.logIn(login),
    OperationalError,
    'channelBinding is "require"',
  );
});

test("dialTls: versions of TLS are those that are asked for", async () => {
  await server.show("good");
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    await using session = await server.open({
      sslmode: "require",
      ssl_min_protocol_version: version,
      ssl_max_protocol_version: version,
    });
    const [[used] = []] = await session.query(OF_SESSION);
    assertEquals(used, version);
    assertEquals(session.tls?.protocol, version);
  }
});

test("NodeTlsTransport: a pending read is rejected by close(), what comes after fails in order", async () => {
  await server.show("good");
  const { transport } = await server.dial({ sslmode: "require" });
  const reading = assertRejects(
    () => transport.read(new Uint8Array(8)),
    Deno.errors.Interrupted,
  );
  transport.close();
  transport.close();
  await reading;
  await assertRejects(
    () => transport.read(new Uint8Array(8)),
    Deno.errors.Interrupted,
  );
  await assertRejects(() => transport.write(new Uint8Array(8)));
});

test("NodeTlsTransport: large results and statements arrive whole, with a slow reader too", async () => {
  await server.show("good");
  await using session = await server.open({ sslmode: "require" });
  const [[text] = []] = await session.query(
    "select repeat('0123456789', 200000)",
  );
  assertEquals(text, "0123456789".repeat(200_000));
  const long = "x".repeat(1_000_000);
  assertEquals(await session.query(`select length('${long}')`), [["1000000"]]);
  const query = session.query("select repeat('y', 2000000)");
  await new Promise((done) => setTimeout(done, 100));
  assertEquals((await query)[0]?.[0]?.length, 2_000_000);
});
