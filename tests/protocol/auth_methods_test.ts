import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  DataError,
  NotSupportedError,
  OperationalError,
  PgError,
  ProgrammingError,
  ProtocolError,
} from "../../errors/base.ts";
import type { AuthMethodName } from "../../protocol/auth.ts";
import { md5Verifier } from "../../protocol/auth_md5.ts";
import {
  authenticator,
  exchanged,
  ok,
  request,
  sasl,
  text,
} from "./auth_support.ts";

const CLEARTEXT = request(3);
const MD5 = request(5, [0x93, 0x5e, 0x00, 0xff]);
const SCRAM = sasl("SCRAM-SHA-256");

Deno.test("Authenticator: no authentication", async () => {
  const client = authenticator({ password: null });
  assertEquals(await client.receive(ok()), null);
  assertEquals(
    [client.finished, client.method, client.usedPassword, client.needsPassword],
    [true, "none", false, false],
  );
});

Deno.test("Authenticator: cleartext, where it is allowed", async () => {
  const client = authenticator({ cleartextAllowed: true, password: "pä ss" });
  assertEquals(text(await client.receive(CLEARTEXT)), "pä ss·");
  assertEquals([client.method, client.finished], ["password", false]);
  assertEquals(await client.receive(ok()), null);
  assertEquals([client.finished, client.usedPassword], [true, true]);
});

Deno.test("Authenticator: cleartext, where it is not allowed, asks for no password", async () => {
  let asked = 0;
  const client = authenticator({
    password: () => {
      asked++;
      return "pencil";
    },
  });
  const error = await assertRejects(
    () => client.receive(CLEARTEXT),
    OperationalError,
    "requireAuth",
  );
  assert(!error.message.includes("pencil"));
  assertEquals([asked, client.usedPassword, client.finished], [
    0,
    false,
    false,
  ]);
});

Deno.test("Authenticator: MD5 with a recorded salt", async () => {
  assertEquals(
    md5Verifier("pencil", "ann"),
    "md528754acffc5400623f44a44d30b50393",
  );
  const client = authenticator();
  assertEquals(
    text(await client.receive(MD5)),
    "md5834640ee5f805f8b6637ad516c5bb97e·",
  );
  await client.receive(ok());
  assertEquals(
    [client.finished, client.method, client.usedPassword],
    [true, "md5", true],
  );
});

Deno.test('D9 Authenticator: no authentication while a password is set needs "none"', async () => {
  const anything = authenticator({ allowedMethods: null });
  await anything.receive(ok());
  assertEquals(anything.finished, true);
  const allowed = authenticator({
    allowedMethods: new Set<AuthMethodName>(["none", "md5"]),
  });
  await allowed.receive(ok());
  assertEquals(allowed.finished, true);
  const refused = authenticator({
    allowedMethods: new Set<AuthMethodName>(["scram-sha-256", "md5"]),
  });
  await assertRejects(
    () => refused.receive(ok()),
    OperationalError,
    "requireAuth",
  );
  assertEquals(refused.finished, false);
});

Deno.test("Authenticator: a method that requireAuth does not list", async () => {
  const cases: [Uint8Array, AuthMethodName][] = [
    [CLEARTEXT, "password"],
    [MD5, "md5"],
    [SCRAM, "scram-sha-256"],
    [request(7), "gss"],
    [request(9), "sspi"],
    [sasl("OAUTHBEARER"), "oauth"],
  ];
  for (const [body, method] of cases) {
    const others = new Set(cases.map(([, name]) => name));
    others.delete(method);
    const client = authenticator({
      allowedMethods: others,
      cleartextAllowed: true,
    });
    await assertRejects(
      () => client.receive(body),
      OperationalError,
      `${method}, which requireAuth does not allow`,
    );
    assertEquals([client.method, client.usedPassword], [method, false]);
  }
});

Deno.test("D10 Authenticator: messages out of order, twice or after Ok are a ProtocolError", async () => {
  const continued = request(11, "r=x,s=QUFB,i=1");
  const final = request(12, "v=AAAA");
  const every = [CLEARTEXT, MD5, SCRAM, continued, final, ok(), request(8)];
  const options = { cleartextAllowed: true };

  for (const body of [continued, final, request(8)]) {
    const client = authenticator();
    await assertRejects(() => client.receive(body), ProtocolError, "order");
    await assertRejects(() => client.receive(ok()), ProtocolError);
    assertEquals(client.finished, false);
  }
  for (const first of [CLEARTEXT, MD5]) {
    for (const second of every) {
      if (second === every[5]) continue;
      const client = authenticator(options);
      await client.receive(first);
      await assertRejects(() => client.receive(second), ProtocolError, "order");
      await assertRejects(() => client.receive(ok()), ProtocolError);
    }
  }
  for (const second of [CLEARTEXT, MD5, SCRAM, final, request(99)]) {
    const client = authenticator(options);
    await client.receive(SCRAM);
    await assertRejects(() => client.receive(second), ProtocolError, "order");
  }
  for (const third of [CLEARTEXT, MD5, SCRAM, continued]) {
    const { client } = await exchanged(options);
    await assertRejects(() => client.receive(third), ProtocolError, "order");
  }
  for (const fourth of [CLEARTEXT, MD5, SCRAM, continued]) {
    const { client, server } = await exchanged(options);
    await client.receive(server.final);
    await assertRejects(() => client.receive(fourth), ProtocolError, "order");
  }
  const { client: twice, server } = await exchanged();
  await twice.receive(server.final);
  await assertRejects(() => twice.receive(server.final), ProtocolError);
  for (const after of every) {
    const client = authenticator(options);
    await client.receive(ok());
    await assertRejects(() => client.receive(after), ProtocolError, "order");
  }
  for (const second of every) {
    // While the answer is still being worked out.
    const client = authenticator(options);
    const pending = client.receive(SCRAM);
    await assertRejects(() => client.receive(second), ProtocolError, "second");
    await assertRejects(() => pending, ProtocolError);
    await assertRejects(() => client.receive(ok()), ProtocolError);
  }
});

Deno.test("Authenticator: malformed requests are a ProtocolError", async () => {
  const bodies = [
    new Uint8Array(0),
    new Uint8Array(3),
    request(0, [0]),
    request(3, [0]),
    request(5),
    request(5, [1, 2, 3]),
    request(5, [1, 2, 3, 4, 5]),
    request(10),
    request(10, [0]),
    request(10, "SCRAM-SHA-256"),
    request(10, "SCRAM-SHA-256\0"),
    request(10, "\0SCRAM-SHA-256\0\0"),
    request(10, "SCRAM-SHA-256\0\0\0"),
    request(10, "x".repeat(5000) + "\0\0"),
  ];
  for (const body of bodies) {
    const client = authenticator({ cleartextAllowed: true });
    await assertRejects(
      () => client.receive(body),
      ProtocolError,
      "malformed",
      `${body}`,
    );
    assertEquals(client.usedPassword, false);
  }
});

Deno.test("D12 Authenticator: no password and an empty one are a clear error", async () => {
  for (const password of [null, "", () => "", () => Promise.resolve("")]) {
    for (const body of [CLEARTEXT, MD5, SCRAM]) {
      const client = authenticator({ password, cleartextAllowed: true });
      await assertRejects(
        () => client.receive(body),
        OperationalError,
        "no password was given",
      );
      assertEquals(
        [client.needsPassword, client.usedPassword, client.finished],
        [true, false, false],
      );
    }
  }
});

Deno.test("D14 Authenticator: methods that are not supported are named at once", async () => {
  const cases: [Uint8Array, string][] = [
    [request(2), "Kerberos V5"],
    [request(6), "SCM credentials"],
    [request(7), "GSSAPI"],
    [request(9), "SSPI"],
    [request(99), "99"],
    [request(-1), "-1"],
    [request(4, [1, 2]), "4"],
    [sasl("OAUTHBEARER"), "OAUTHBEARER"],
    [sasl("SCRAM-SHA-512", "X\x01é"), "SCRAM-SHA-512, X???"],
  ];
  for (const [body, name] of cases) {
    let asked = 0;
    const client = authenticator({
      password: () => {
        asked++;
        return "pencil";
      },
    });
    await assertRejects(
      () => client.receive(body),
      NotSupportedError,
      `method ${name} is not supported`,
    );
    assertEquals([asked, client.finished], [0, false]);
  }
  // Offered beside SCRAM, it does not matter.
  await authenticator().receive(sasl("OAUTHBEARER", "SCRAM-SHA-256"));
});

Deno.test("Authenticator: a password function is asked once, when the server wants a password", async () => {
  let asked = 0;
  const password = () => {
    asked++;
    return Promise.resolve("pencil");
  };
  const trusted = authenticator({ password });
  await trusted.receive(ok());
  assertEquals(asked, 0);
  const { client, server } = await exchanged({ password });
  await client.receive(server.final);
  await client.receive(ok());
  assertEquals([asked, client.finished], [1, true]);
});

Deno.test("Authenticator: what a password function throws is the cause", async () => {
  const cause = new Error("vault closed");
  const functions = [
    () => Promise.reject(cause),
    () => {
      throw cause;
    },
  ];
  for (const password of functions) {
    for (const body of [MD5, SCRAM]) {
      const client = authenticator({ password });
      const error = await assertRejects(
        () => client.receive(body),
        OperationalError,
        "function",
      );
      assertStrictEquals(error.cause, cause);
      assertEquals(client.needsPassword, false);
    }
  }
  const wrong = () => 12345 as unknown as string;
  await assertRejects(
    () => authenticator({ password: wrong }).receive(MD5),
    ProgrammingError,
    "number",
  );
});

Deno.test("Authenticator: a password that cannot be sent, and no error that shows it", async () => {
  for (const password of ["hünter\0zwölf", "hünter\ud800zwölf"]) {
    for (const body of [CLEARTEXT, MD5, SCRAM]) {
      const client = authenticator({ password, cleartextAllowed: true });
      const error = await assertRejects(() => client.receive(body), DataError);
      assert(error instanceof PgError);
      const shown = Deno.inspect([error, client]) + JSON.stringify(error);
      assert(!/nter|lf/.test(shown.replaceAll("self", "")), shown);
    }
  }
});
