import { assert, assertEquals } from "@std/assert";
import { canUseNodeTls } from "../../connection/tls_runtime.ts";
import { OperationalError, PgError } from "../../mod.ts";
import { InvalidAuthorizationSpecification } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { ScriptedSession } from "../support/scripted_session.ts";
import { TlsFront, type TlsFrontOptions } from "../support/tls_front.ts";
import { assertError, assertUsable, rejection, until } from "./support.ts";
import { connectTo, type Options, realServer, test } from "./tls_support.ts";

const server = await realServer();
const { files } = server;
const SCRAM = { user: "pgts_scram", password: "scram pass" } as const;

/** Somebody before the real server, who has a certificate of his own. */
function between(options: Partial<TlsFrontOptions> = {}): TlsFront {
  return new TlsFront({
    target: server.port,
    targetRoot: files.text("ca.crt"),
    shown: files.server("good"),
    ...options,
  });
}

/** Takes SCRAM-SHA-256-PLUS off the list that the server offers. */
function withoutPlus(bytes: Uint8Array): Uint8Array {
  const offer = b.authenticationSasl(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
  const text = String.fromCharCode(...bytes.subarray(0, offer.length));
  return text === String.fromCharCode(...offer)
    ? b.authenticationSasl(["SCRAM-SHA-256"])
    : bytes;
}

/** Fails unless the server logs this while something runs, or soon after. */
async function assertLogs(
  parts: readonly string[],
  run: () => Promise<void>,
): Promise<void> {
  const before = (await server.started.log()).length;
  await run();
  await until(async () => {
    const log = (await server.started.log()).slice(before);
    return parts.every((part) => log.includes(part));
  }, `the server logs ${parts.join(" and ")}`);
}

/** The mechanism and the GS2 header of a client, where the server offers some. */
async function firstOf(
  mechanisms: readonly string[],
  options: Options,
  tls = true,
): Promise<[mechanism: string, header: string]> {
  let body = new Uint8Array();
  await using scripted = new ScriptedServer(async (session) => {
    await session.readStartup();
    await session.send(b.authenticationSasl(mechanisms));
    body = new Uint8Array((await session.expect("p")).body);
    session.close();
  });
  await using front = new TlsFront({
    target: scripted.port,
    shown: files.server("good"),
  });
  const { port } = tls ? front : scripted;
  assert(await rejection(connectTo(port, { ...SCRAM, ...options })));
  const [name = ""] = new TextDecoder().decode(body).split("\0");
  const text = new TextDecoder().decode(body.subarray(name.length + 5));
  return [name, text.slice(0, text.indexOf("n=,"))];
}

const BOTH = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"];

test("C14 connect: SCRAM-SHA-256-PLUS is used by default, and the server finds out who is in between", async () => {
  await assertLogs([
    'identity="pgts_scram" method=scram-sha-256',
    "user=pgts_scram database=postgres SSL enabled",
  ], async () => {
    await using conn = await server.connect(SCRAM);
    await assertUsable(conn);
    assertEquals(conn.info.sslInUse, true);
  });
  assertEquals(await firstOf(BOTH, {}), [
    "SCRAM-SHA-256-PLUS",
    "p=tls-server-end-point,,",
  ]);
  await using front = between({ shown: files.server("rsa") });
  for (const channelBinding of [undefined, "prefer", "require"]) {
    await assertLogs(["SCRAM channel binding check failed"], async () => {
      const error = await rejection(connectTo(front.port, {
        ...SCRAM,
        sslMode: "require",
        ...(channelBinding === undefined ? {} : { channelBinding }),
      }));
      assertError(error, {
        class: InvalidAuthorizationSpecification,
        says: ["channel binding check failed"],
        usable: false,
      });
    });
  }
  // Nothing else would have stopped him.
  await using conn = await connectTo(front.port, {
    ...SCRAM,
    sslMode: "require",
    channelBinding: "disable",
  });
  await assertUsable(conn);
});

/** Fails unless a connection that must be bound is refused before the password is asked for. */
async function assertUnbound(
  port: number,
  options: Options,
  says: string,
): Promise<void> {
  let asked = 0;
  const password = () => {
    asked++;
    return "scram pass";
  };
  const error = await rejection(connectTo(port, {
    ...SCRAM,
    channelBinding: "require",
    ...options,
    password,
  }));
  assertError(error, {
    class: OperationalError,
    says: ['channelBinding is "require"', says],
    sqlstate: null,
    usable: false,
  });
  assertEquals(asked, 0);
}

test("C15 connect: channel_binding=require fails without PLUS, with md5, clear text, trust, and without TLS", async () => {
  await using stripping = between({ edit: withoutPlus });
  for (const sslMode of ["prefer", "require"]) {
    const noPlus = "the server does not offer SCRAM-SHA-256-PLUS";
    await assertUnbound(stripping.port, { sslMode }, noPlus);
    const noScram = "the server did not use SCRAM";
    for (const user of ["pgts_md5", "pgts_clear", "postgres"]) {
      await assertUnbound(server.port, { sslMode, user }, noScram);
    }
  }
  const noTls = "there is no TLS channel to bind to";
  const off = testServer().port;
  await assertUnbound(server.port, { sslMode: "disable" }, noTls);
  await assertUnbound(server.port, { sslMode: "allow" }, noTls);
  await assertUnbound(off, { sslMode: "prefer" }, noTls);
  await assertUnbound(off, {}, noTls);
  await assertUnbound(server.port, {
    host: server.started.socketDir,
    hostaddr: "",
  }, noTls);
  // And it is no wall: with all of it there, it connects.
  await using conn = await server.connect({
    ...SCRAM,
    channelBinding: "require",
  });
  await assertUsable(conn);
});

test("C16 connect: channel_binding=require with an Ed25519 certificate fails closed, with RSA-PSS it is bound", async () => {
  await using front = between({ shown: files.server("ed25519") });
  const required = { ...SCRAM, channelBinding: "require", sslMode: "require" };
  await assertUnbound(front.port, required, "no TLS channel to bind to");
  const { cert, key } = files.server("rsa_pss");
  await using admin = await server.connect();
  await admin.execute(`alter system set ssl_cert_file = '${cert}'`);
  await admin.execute(`alter system set ssl_key_file = '${key}'`);
  await admin.execute("select pg_reload_conf()");
  const options = {
    ...required,
    sslMode: "verify-full",
    sslRootCert: files.path("other.crt"),
  };
  try {
    await until(async () => {
      try {
        await using conn = await server.connect(options);
        await assertUsable(conn);
        return true;
      } catch (error) {
        if (!String(error).includes("root certificate")) throw error;
        return false; // it is still the other certificate
      }
    }, "the certificate that is signed by RSA-PSS");
  } finally {
    await admin.execute("alter system reset ssl_cert_file");
    await admin.execute("alter system reset ssl_key_file");
    await admin.execute("select pg_reload_conf()");
  }
});

test("C17 connect: the server refuses where somebody took PLUS off its list", async () => {
  await using front = between({ edit: withoutPlus });
  for (const channelBinding of ["prefer", undefined]) {
    const error = await rejection(connectTo(front.port, {
      ...SCRAM,
      sslMode: "require",
      ...(channelBinding === undefined ? {} : { channelBinding }),
    }));
    assertError(error, {
      class: InvalidAuthorizationSpecification,
      says: ["channel binding negotiation error"],
      usable: false,
    });
  }
  const alone = ["SCRAM-SHA-256"];
  const [mechanism = ""] = alone;
  assertEquals(await firstOf(alone, {}), [mechanism, "y,,"]);
  const disable = { channelBinding: "disable" };
  assertEquals(await firstOf(BOTH, disable), [mechanism, "n,,"]);
  assertEquals(await firstOf(BOTH, {}, false), [mechanism, "n,,"]);
});

test("connect: requireAuth refuses a server that asks for another method, or for none, by either way", async () => {
  for (const sslMode of ["prefer", "require", "disable"]) {
    for (const user of ["postgres", "pgts_md5", "pgts_clear"]) {
      const error = await rejection(server.connect({
        user,
        sslMode,
        requireAuth: "scram-sha-256",
        password: () => {
          throw new Error("nobody asks for it");
        },
      }));
      assertError(error, {
        class: OperationalError,
        says: ["which requireAuth does not allow"],
        sqlstate: null,
        usable: false,
      });
    }
  }
});

/** An address of this machine that is not loopback, if it has one. */
const own = Deno.networkInterfaces().find(({ family, address }) =>
  family === "IPv4" && !address.startsWith("127.")
)?.address;

Deno.test({
  name:
    "D7 connect: a password is not sent in clear text over TCP, unless requireAuth lists it or there is TLS",
  ignore: own === undefined,
  fn: async () => {
    const hostname = own ?? "";
    using listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    const options = {
      host: hostname,
      hostaddr: hostname,
      user: "pgts_clear",
      sslMode: "disable",
    };
    const play = async (): Promise<string | null> => {
      const session = new ScriptedSession(await listener.accept(), 0);
      await session.readStartup();
      await session.send(b.authenticationCleartextPassword());
      const answer = await session.read();
      session.close();
      return answer?.tag === "p" ? new TextDecoder().decode(answer.body) : null;
    };
    for (
      const [requireAuth, sent] of [
        [undefined, null],
        ["!md5", null],
        ["scram-sha-256,password", "secret\0"],
      ] as const
    ) {
      let asked = 0;
      const [received, error] = await Promise.all([
        play(),
        rejection(connectTo(port, {
          ...options,
          ...(requireAuth === undefined ? {} : { requireAuth }),
          password: () => {
            asked++;
            return "secret";
          },
        })),
      ]);
      assertEquals([received, asked], [sent, sent === null ? 0 : 1]);
      assert(error instanceof PgError);
      assertEquals(error.message.includes("in clear text"), sent === null);
    }
    if (!canUseNodeTls()) return;
    await using front = between({ hostname });
    await using conn = await connectTo(front.port, {
      ...options,
      password: "clear pass",
      sslMode: "require",
    });
    assertEquals(conn.info.sslInUse, true);
    await assertUsable(conn);
  },
});
