import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OperationalError, PgError, ProgrammingError } from "../../mod.ts";
import { InvalidAuthorizationSpecification } from "../../errors/mod.ts";
import { TlsFront } from "../support/tls_front.ts";
import { assertError, assertUsable, rejection } from "./support.ts";
import {
  connectTo,
  type Options,
  realServer,
  test,
  tlsOf,
} from "./tls_support.ts";

const server = await realServer();
const { files, ca } = server;

/** Why a server that shows a certificate is refused. */
async function refusal(name: string, options: Options): Promise<string> {
  await using front = new TlsFront({
    target: server.port,
    targetRoot: files.text("ca.crt"),
    shown: files.server(name),
  });
  const error = await rejection(connectTo(front.port, options));
  assertError(error, {
    class: OperationalError,
    usable: false,
    sqlstate: null,
  });
  assertEquals(front.beginnings, ["request"]);
  return error instanceof PgError ? error.message : "";
}

/** Fails unless a server that shows a certificate is taken. */
async function taken(name: string, options: Options): Promise<void> {
  await using front = new TlsFront({
    target: server.port,
    targetRoot: files.text("ca.crt"),
    shown: files.server(name),
  });
  await using conn = await connectTo(front.port, options);
  await assertUsable(conn);
  assertEquals(conn.info.sslInUse, true);
}

/** What a process prints that trusts an authority and connects with sslrootcert=system. */
async function systemTrusting(authority: string): Promise<string> {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      `import { connect } from "${mod}";
       await using conn = await connect({
         host: "localhost", hostaddr: "127.0.0.1", port: ${server.port},
         user: "postgres", dbname: "postgres", sslRootCert: "system",
       });
       const row = await conn.execute(
         "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
       ).fetchOne();
       console.log(String(row?.ssl && conn.info.sslInUse));`,
    ],
    cwd: new URL("../..", import.meta.url),
    env: {
      DENO_CERT: authority,
      NODE_EXTRA_CA_CERTS: authority,
      NO_COLOR: "1",
    },
  });
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return text.decode(stdout).trim() || text.decode(stderr);
}

test("C5 connect: verify-full refuses a wrong name, self-signed, expired and revoked certificates with the reason, and takes an IP SAN", async () => {
  const full = { sslMode: "verify-full", sslRootCert: ca };
  assertStringIncludes(
    await refusal("wrong_name", full),
    'it is not for the host "localhost" but for "wrong.example"',
  );
  assertStringIncludes(await refusal("self_signed", full), "it is self-signed");
  assertStringIncludes(await refusal("expired", full), "it has expired on");
  const list = { ...full, sslCrl: files.path("ca.crl") };
  assertStringIncludes(await refusal("revoked", list), "it has been revoked");
  const directory = { ...full, sslCrlDir: files.path("lists") };
  assertStringIncludes(
    await refusal("revoked", directory),
    "it has been revoked",
  );
  await taken("revoked", full);
  await taken("good", list);
  await taken("good", { ...full, host: "127.0.0.1" });
  assertStringIncludes(
    await refusal("name_only", { ...full, host: "127.0.0.1" }),
    "it is not for the host",
  );
});

test("C6 connect: verify-ca takes a wrong name and refuses a wrong chain", async () => {
  await taken("wrong_name", { sslMode: "verify-ca", sslRootCert: ca });
  const other = {
    sslMode: "verify-ca",
    sslRootCert: files.path("other.crt"),
  };
  assertStringIncludes(await refusal("good", other), "root certificate");
  // A root certificate is looked at with sslmode=require too, as in libpq.
  assertStringIncludes(
    await refusal("good", { ...other, sslMode: "require" }),
    "root certificate",
  );
});

test("C7 connect: a private authority by text and by path; sslrootcert=system forces verify-full", async () => {
  for (const sslRootCert of [ca, files.text("ca.crt")]) {
    for (const sslMode of ["verify-ca", "verify-full"]) {
      await using conn = await server.connect({ sslMode, sslRootCert });
      assertEquals((await tlsOf(conn)).ssl, true);
    }
  }
  assertEquals(await systemTrusting(ca), "true");
  assertStringIncludes(
    await refusal("good", { sslRootCert: "system" }),
    "its issuer is not among those that the runtime trusts",
  );
  for (const sslMode of ["prefer", "require", "verify-ca"]) {
    const error = await rejection(
      server.connect({ sslMode, sslRootCert: "system" }),
    );
    assertError(error, { class: ProgrammingError, says: ["too weak"] });
  }
});

const SHOWN: Options = {
  user: "tls_user",
  sslMode: "require",
  sslCert: files.path("client.crt"),
  sslKey: files.path("client.key"),
};

test("C10 connect: client certificates through SSLRequest and direct, and none is an error", async () => {
  for (
    const options of [
      SHOWN,
      { ...SHOWN, sslNegotiation: "direct" },
      { ...SHOWN, sslMode: "verify-full", sslRootCert: ca },
      {
        ...SHOWN,
        sslCert: files.text("client.crt"),
        sslKey: files.text("client.key"),
      },
    ]
  ) {
    await using conn = await server.connect(options);
    assertEquals((await tlsOf(conn)).client_dn, "/CN=tls_user/O=pgts");
  }
  for (const sslNegotiation of ["postgres", "direct"]) {
    const anonymous = { user: "tls_user", sslMode: "require", sslNegotiation };
    assertError(await rejection(server.connect(anonymous)), {
      class: InvalidAuthorizationSpecification,
      says: ["requires a valid client certificate"],
      usable: false,
    });
  }
});

test("connect: a client certificate that the server refuses is an error that says so", async () => {
  for (const sslMode of ["prefer", "require"]) {
    const error = await rejection(server.connect({
      sslMode,
      sslCert: files.path("self_signed.crt"),
      sslKey: files.path("self_signed.key"),
    }));
    assertError(error, {
      class: OperationalError,
      says: ["does not accept the certificate of the client"],
      usable: false,
    });
  }
});

test("C20 connect: a key file that others may read is refused, encrypted keys with their password work", async () => {
  const open = { ...SHOWN, sslKey: files.path("client_open.key") };
  assertError(await rejection(server.connect(open)), {
    class: OperationalError,
    says: ["others than its owner"],
  });
  const sslKey = files.path("client_pkcs8.key");
  const sslPassword = "key pass";
  await using conn = await server.connect({ ...SHOWN, sslKey, sslPassword });
  assertEquals((await tlsOf(conn)).client_dn, "/CN=tls_user/O=pgts");
  for (const sslPassword of [undefined, "wrong pass"]) {
    const error = await rejection(
      server.connect({ ...SHOWN, sslKey, sslPassword }),
    );
    assertError(error, { class: OperationalError });
    assert(!Deno.inspect(error).includes("wrong pass"));
  }
});
