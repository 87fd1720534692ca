import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { tlsAttribute } from "../../connection/tls_details.ts";
import { loadTls } from "../../connection/tls_material.ts";
import { planTls } from "../../connection/tls_options.ts";
import { dialTls } from "../../connection/transport_tls.ts";
import { OperationalError } from "../../errors/base.ts";
import { OF_SESSION, test, tlsServer } from "../support/tls_server.ts";

const server = await tlsServer();
const { files } = server;
const ca = files.path("ca.crt");

test("dialTls: sslmode=require takes any certificate, and the session is what the server says it is", async () => {
  for (
    const name of [
      "good",
      "wrong_name",
      "expired",
      "self_signed",
      "ed25519",
      "rsa_pss",
    ]
  ) {
    await server.accepted(name, { sslmode: "require" });
  }
  await server.show("good");
  await using session = await server.open({ sslmode: "require" });
  const { tls } = session;
  assert(tls);
  assertEquals(await session.query(OF_SESSION), [[
    tls.protocol,
    tls.cipher,
    null,
  ]]);
  assertEquals(tls.alpn, "postgresql");
  const attribute = (name: string) => tlsAttribute(tls, name);
  assertEquals(attribute("protocol"), "TLSv1.3");
  assertEquals(attribute("key_bits"), "256");
  assertEquals(attribute("compression"), "off");
  assertEquals(attribute("alpn"), "postgresql");
  assertEquals(attribute("library"), "node:tls");
  assertEquals(attribute("other"), null);
});

test("C5 dialTls: verify-full refuses a wrong name, self-signed, expired and revoked certificates with the reason, and takes an IP SAN", async () => {
  const full = { sslmode: "verify-full", sslrootcert: ca };
  await server.accepted("good", full);
  await server.accepted("good", full, "127.0.0.1");
  await server.accepted("good", full, "::1");
  await server.accepted("chained", full);
  await server.accepted("cn_only", full);
  assertStringIncludes(
    await server.refused("wrong_name", full),
    'it is not for the host "localhost" but for "wrong.example"',
  );
  assertStringIncludes(
    await server.refused("good", full, "127.0.0.2"),
    'it is not for the host "127.0.0.2"',
  );
  assertStringIncludes(
    await server.refused("name_only", full, "127.0.0.1"),
    "it is not for the host",
  );
  assertStringIncludes(
    await server.refused("self_signed", full),
    "it is self-signed",
  );
  assertStringIncludes(
    await server.refused("expired", full),
    "it has expired on 2021-01-01",
  );
  assertStringIncludes(
    await server.refused("future", full),
    "it is not valid before 2090-01-01",
  );
  const list = { ...full, sslcrl: files.path("ca.crl") };
  assertStringIncludes(
    await server.refused("revoked", list),
    "it has been revoked",
  );
  await server.accepted("good", list);
  await server.show("good");
  await assertRejects(
    () => server.dial(full, { host: "" }),
    OperationalError,
    'only "hostaddr" is given',
  );
});

test("C6 dialTls: verify-ca takes a wrong name and refuses a wrong chain", async () => {
  const chain = (root: string) => ({
    sslmode: "verify-ca",
    sslrootcert: files.path(root),
  });
  await server.accepted("good", chain("ca.crt"), "other.example");
  await server.accepted("wrong_name", chain("ca.crt"));
  await server.accepted("self_signed", chain("self_signed.crt"));
  assertStringIncludes(
    await server.refused("good", chain("other.crt")),
    "root certificate",
  );
  // The same name as the root has, and another key.
  assertStringIncludes(
    await server.refused("good", chain("forger.crt")),
    "root certificate",
  );
  assertStringIncludes(
    await server.refused("client", chain("ca.crt")),
    "it is not meant for servers",
  );
  // With a root certificate, weaker modes look at the chain too.
  assertStringIncludes(
    await server.refused("good", {
      sslmode: "require",
      sslrootcert: files.path("other.crt"),
    }),
    "root certificate",
  );
});

test("C7 dialTls: a private authority by text and by path, and sslrootcert=system", async () => {
  await server.accepted("good", {
    sslmode: "verify-full",
    sslrootcert: files.text("ca.crt"),
  });
  await server.accepted("good", {
    sslmode: "verify-full",
    sslrootcert: files.text("other.crt") + files.text("ca.crt"),
  });
  await server.accepted("good", { sslmode: "verify-full", sslrootcert: ca });
  // The system does not know our authority, whichever stack is used.
  for (const extra of [{}, { ssl_max_protocol_version: "TLSv1.2" }]) {
    const system = { sslrootcert: "system", ...extra };
    assertStringIncludes(
      await server.refused("good", system),
      "the certificate of the server is refused",
    );
  }
});

test("dialTls: revocation lists cover every certificate of the chain, and fail closed", async () => {
  const lists = (sslcrl: string, sslcrldir = "") => ({
    sslmode: "verify-ca",
    sslrootcert: ca,
    sslcrl: sslcrl && files.path(sslcrl),
    sslcrldir: sslcrldir && files.path(sslcrldir),
  });
  await server.accepted("good", lists("ca_der.crl"));
  await server.accepted("good", lists("", "lists"));
  await server.accepted("chained", lists("both_empty.crl"));
  await server.accepted("chained", lists("", "lists"));
  await server.accepted("chained", lists("intermediate_empty.crl", "lists"));
  assertStringIncludes(
    await server.refused("chained", lists("intermediate.crl", "lists")),
    "it has been revoked",
  );
  assertStringIncludes(
    await server.refused("chained", lists("ca.crl")),
    "it is on no revocation list",
  );
  assertStringIncludes(
    await server.refused("chained", lists("intermediate_empty.crl")),
    "between it and the trusted root is on no revocation list",
  );
  assertStringIncludes(
    await server.refused("good", lists("ca_expired.crl")),
    "has expired on 2021-01-01",
  );
  assertStringIncludes(
    await server.refused("good", lists("forged.crl")),
    "is not signed by it",
  );
  assertStringIncludes(
    await server.refused("revoked", lists("", "lists")),
    "it has been revoked",
  );
});

test("C8 dialTls: sslnegotiation=direct", async () => {
  await server.show("good");
  await using session = await server.open({
    sslmode: "verify-full",
    sslrootcert: ca,
    sslnegotiation: "direct",
  });
  assertEquals(session.tls?.alpn, "postgresql");
  assertEquals(
    await session.query(
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    ),
    [["t"]],
  );
  // A server that speaks TLS without ALPN, as one before PostgreSQL 17 would.
  const { cert } = files.server("good");
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(cert),
    key: files.text("good.key"),
  });
  const accepting = listener.accept().then(async (conn) => {
    await conn.read(new Uint8Array(1)).catch(() => {});
    conn.close();
  });
  const settings = await loadTls(
    planTls({ sslmode: "require", sslnegotiation: "direct" }),
  );
  assert(settings);
  await assertRejects(
    () =>
      dialTls(
        { hostname: "127.0.0.1", port: listener.addr.port, keepAlive: false },
        { settings, host: "localhost", plainAllowed: false },
        AbortSignal.timeout(5000),
      ),
    OperationalError,
    "sslnegotiation=direct needs",
  );
  await accepting;
});
