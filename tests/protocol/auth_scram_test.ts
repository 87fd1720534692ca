import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { createHmac } from "node:crypto";
import {
  NotSupportedError,
  OperationalError,
  ProtocolError,
} from "../../errors/base.ts";
import { Authenticator } from "../../protocol/auth.ts";
import { scramKeys, scramVerifier } from "../../protocol/auth_scram.ts";
import {
  authenticator,
  exchanged,
  NONCE,
  ok,
  request,
  SALT,
  sasl,
  ScramServer,
  text,
} from "./auth_support.ts";

Deno.test("scramKeys: the exchange of RFC 7677", async () => {
  const keys = await scramKeys("pencil", decodeBase64(SALT), 4096);
  const message = "n=user,r=rOprNGfwEbeRWgbNEkqO," +
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096," +
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const hmac = (key: Uint8Array) =>
    createHmac("sha256", key).update(message).digest();
  const signature = hmac(keys.storedKey);
  assertEquals(
    encodeBase64(keys.clientKey.map((byte, at) => byte ^ signature[at]!)),
    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  );
  assertEquals(
    encodeBase64(hmac(keys.serverKey)),
    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  );
});

Deno.test("scramVerifier: the form in which the server stores it", async () => {
  // Recorded from PostgreSQL 15 for the password "a, soft hyphen, b".
  assertEquals(
    await scramVerifier(
      "a\u00ADb",
      decodeBase64("ohcM+NMo4npw8RkYzSFF1A=="),
      4096,
    ),
    "SCRAM-SHA-256$4096:ohcM+NMo4npw8RkYzSFF1A==$J4ySuEBHs+b2ADJ2xaATLiLNM1KGQU1A4Lg3XHfYoJk=:AJqkIENh7vAHFHIvtYR5bNggSl7DYqJMUroY3tInMGs=",
  );
});

Deno.test("Authenticator: SCRAM as PostgreSQL speaks it, byte by byte", async () => {
  const client = authenticator();
  assertEquals([client.finished, client.method], [false, null]);
  const first = await client.receive(sasl("SCRAM-SHA-256"));
  assertEquals(
    first,
    new Uint8Array([
      ...new TextEncoder().encode("SCRAM-SHA-256\0"),
      ...[0, 0, 0, 32],
      ...new TextEncoder().encode(`n,,n=,r=${NONCE}`),
    ]),
  );
  const server = new ScramServer();
  const proof = await client.receive(server.begin(first));
  assertEquals(
    text(proof),
    `c=biws,r=${NONCE}Srv,p=OllEgYMp33PeL9DPlZObbK3YF6ft3afiLY4UyvelovQ=`,
  );
  assertEquals(await client.receive(server.finish(proof)), null);
  assertEquals(client.finished, false);
  assertEquals(await client.receive(ok()), null);
  assertEquals(
    [client.finished, client.method, client.usedPassword, client.needsPassword],
    [true, "scram-sha-256", true, false],
  );
});

Deno.test("Authenticator: the end of SCRAM and Ok of one read need no wait between them", async () => {
  const { client, server } = await exchanged();
  const last = client.receive(server.final);
  const accepted = client.receive(ok());
  assertEquals(client.finished, true);
  assertEquals(await Promise.all([last, accepted]), [null, null]);
});

Deno.test("Authenticator: the bytes of a request are not kept", async () => {
  const client = authenticator();
  const server = new ScramServer();
  const begin = sasl("SCRAM-SHA-256");
  const pending = client.receive(begin);
  begin.fill(0x41);
  const challenge = server.begin(await pending);
  const answer = client.receive(challenge);
  challenge.fill(0x41);
  server.finish(await answer);
});

Deno.test("Authenticator: nonces are random, 24 characters", async () => {
  const nonces = new Set<string>();
  for (let count = 0; count < 20; count++) {
    const client = new Authenticator({
      user: "ann",
      password: "pencil",
      cleartextAllowed: false,
    });
    const first = text(await client.receive(sasl("SCRAM-SHA-256"))) ?? "";
    nonces.add(/r=([A-Za-z0-9+/]{24})$/.exec(first)?.[1] ?? "");
  }
  assertEquals(nonces.size, 20);
  assert(!nonces.has(""));
});

Deno.test("D1 Authenticator: SCRAM that ends without the server's proof is refused", async () => {
  const early = authenticator();
  await early.receive(sasl("SCRAM-SHA-256"));
  await assertRejects(() => early.receive(ok()), ProtocolError, "proving");
  assertEquals(early.finished, false);

  const { client } = await exchanged();
  await assertRejects(() => client.receive(ok()), ProtocolError, "proving");
  assertEquals(client.finished, false);
});

Deno.test("D2 Authenticator: a wrong or malformed server signature, and an error of the server", async () => {
  const wrong = (await exchanged()).server.signature;
  const flipped = (at: number) => {
    const bytes = decodeBase64(wrong);
    bytes[at]! ^= 1;
    return encodeBase64(bytes);
  };
  for (const at of [0, 15, 31]) {
    const { client } = await exchanged();
    await assertRejects(
      () => client.receive(request(12, `v=${flipped(at)}`)),
      OperationalError,
      "does not know the password",
    );
    await assertRejects(() => client.receive(ok()), ProtocolError);
  }
  for (
    const malformed of [
      "",
      "v=",
      "v",
      `x=${wrong}`,
      `V=${wrong}`,
      `v=${wrong.slice(0, -4)}`,
      `v=${wrong.slice(0, -1)}`,
      `v= ${wrong}`,
      `v=${wrong}\n`,
      `v=${wrong},x=1`,
      `v=${wrong}\0`,
      "v=!!!!",
      `v=${wrong}AAAA`,
    ]
  ) {
    const { client } = await exchanged();
    const error = await assertRejects(
      () => client.receive(request(12, malformed)),
      ProtocolError,
      "malformed",
    );
    assert(!error.message.includes(wrong));
    assertEquals(client.finished, false);
  }
  const { client } = await exchanged();
  await assertRejects(
    () => client.receive(request(12, "e=invalid-proof")),
    OperationalError,
    "invalid-proof",
  );
  const other = authenticator();
  await other.receive(sasl("SCRAM-SHA-256"));
  await assertRejects(
    () => other.receive(request(11, "e=other-error")),
    OperationalError,
    "other-error",
  );
  const binary = (await exchanged()).client;
  await assertRejects(
    () => binary.receive(request(12, [0x76, 0x3d, 0xff])),
    ProtocolError,
    "malformed",
  );
});

Deno.test("D3 Authenticator: a nonce that does not extend ours ends it before a proof is sent", async () => {
  for (
    const nonce of [
      NONCE,
      NONCE.slice(0, -1),
      `x${NONCE}`,
      `${NONCE.toLowerCase()}Srv`,
      "other",
      `${NONCE.slice(0, -1)}!Srv`,
    ]
  ) {
    const client = authenticator();
    await client.receive(sasl("SCRAM-SHA-256"));
    await assertRejects(
      () => client.receive(request(11, `r=${nonce},s=${SALT},i=4096`)),
      ProtocolError,
      "nonce",
    );
    await assertRejects(() => client.receive(ok()), ProtocolError);
  }
});

Deno.test("D4 Authenticator: iterations above the cap are refused at once, those below block nothing", async () => {
  for (
    const iterations of ["100001", "3000000", "2147483648", "9".repeat(40)]
  ) {
    const client = authenticator();
    await client.receive(sasl("SCRAM-SHA-256"));
    const start = performance.now();
    await assertRejects(
      () =>
        client.receive(request(11, `r=${NONCE}Srv,s=${SALT},i=${iterations}`)),
      OperationalError,
      "scramMaxIterations",
    );
    assert(performance.now() - start < 100);
  }
  const small = authenticator({ scramMaxIterations: 4095 });
  await small.receive(sasl("SCRAM-SHA-256"));
  await assertRejects(
    () => small.receive(request(11, `r=${NONCE}Srv,s=${SALT},i=4096`)),
    OperationalError,
    "4095",
  );

  await exchanged({}, 100_000);
  const client = authenticator({ scramMaxIterations: 1_000_000 });
  await client.receive(sasl("SCRAM-SHA-256"));
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await client.receive(request(11, `r=${NONCE}Srv,s=${SALT},i=1000000`));
  } finally {
    clearInterval(timer);
  }
  assert(ticks > 3, `${ticks} ticks`);
});

Deno.test("D5 Authenticator: one iteration is enough, none is not", async () => {
  const { client, server } = await exchanged({}, 1);
  await client.receive(server.final);
  await client.receive(ok());
  assert(client.finished);

  for (const iterations of ["0", "00", "-1", "+1", "1.5", "1e3", "", " 1"]) {
    const other = authenticator();
    await other.receive(sasl("SCRAM-SHA-256"));
    await assertRejects(
      () =>
        other.receive(request(11, `r=${NONCE}Srv,s=${SALT},i=${iterations}`)),
      ProtocolError,
      "malformed",
    );
  }
});

Deno.test("D6 Authenticator: a mandatory extension is refused", async () => {
  const client = authenticator();
  await client.receive(sasl("SCRAM-SHA-256"));
  await assertRejects(
    () => client.receive(request(11, `m=x,r=${NONCE}Srv,s=${SALT},i=4096`)),
    NotSupportedError,
    "extension",
  );
  assertEquals(client.finished, false);
});

Deno.test("Authenticator: malformed first messages of the server", async () => {
  for (
    const first of [
      "",
      "r=",
      `r=${NONCE}Srv`,
      `r=${NONCE}Srv,s=${SALT}`,
      `s=${SALT},r=${NONCE}Srv,i=4096`,
      `r=${NONCE}Srv,s=,i=4096`,
      `r=${NONCE}Srv,s=W22Z\n,i=4096`,
      `r=${NONCE}Srv,s=W22,i=4096`,
      `r=${NONCE}Srv,s=W=2Z,i=4096`,
      `r=${NONCE}Srv,s=${SALT},i=4096,x=1`,
      `r=${NONCE}Srv,s=${SALT},i=4096\0`,
      `r=${NONCE}Srv,s=${SALT},i=4096\n`,
      `r=${NONCE} Srv,s=${SALT},i=4096`,
      `r=${NONCE}é,s=${SALT},i=4096`,
    ]
  ) {
    const client = authenticator();
    await client.receive(sasl("SCRAM-SHA-256"));
    await assertRejects(
      () => client.receive(request(11, first)),
      ProtocolError,
      "malformed",
      JSON.stringify(first),
    );
  }
});

Deno.test("D18 Authenticator: signatures are compared in constant time", async () => {
  const source = await Deno.readTextFile(
    new URL("../../protocol/auth_scram.ts", import.meta.url),
  );
  assert(source.includes('from "@std/crypto/timing-safe-equal"'));
  assert(source.includes("timingSafeEqual(signature, expected)"));
  assertEquals(source.match(/signature\s*[!=]==/g), null);
  const { client, server } = await exchanged();
  const { client: other } = await exchanged({ password: "pencil" });
  assertNotEquals(server.signature, "");
  await client.receive(server.final);
  await other.receive(server.final);
});

const channelBinding = {
  type: "tls-server-end-point",
  data: Uint8Array.from([0, 1, 0xff]),
} as const;
const BOTH = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"];

Deno.test("Authenticator: binds the channel where the server offers it", async () => {
  for (const mode of ["prefer", "require", undefined] as const) {
    const client = authenticator({ channelBinding, channelBindingMode: mode });
    const first = await client.receive(sasl(...BOTH));
    assertEquals(
      text(first?.subarray(0, 19) ?? null),
      "SCRAM-SHA-256-PLUS·",
    );
    assert(text(first)?.endsWith(`p=tls-server-end-point,,n=,r=${NONCE}`));
    const server = new ScramServer();
    const proof = await client.receive(server.begin(first));
    await client.receive(server.finish(proof, [0, 1, 0xff]));
    await client.receive(ok());
    assert(client.finished);
  }
});

Deno.test("Authenticator: tells the server when it could have bound the channel", async () => {
  const cases = [
    [{ channelBinding }, ["SCRAM-SHA-256"], "y,,"],
    [{ channelBinding: null }, ["SCRAM-SHA-256"], "n,,"],
    [{ channelBinding: null }, BOTH, "n,,"],
    [{ channelBinding, channelBindingMode: "disable" }, BOTH, "n,,"],
    [{ channelBinding, channelBindingMode: "disable" }, [
      "SCRAM-SHA-256",
    ], "n,,"],
  ] as const;
  for (const [options, offered, flag] of cases) {
    const client = authenticator(options);
    const first = await client.receive(sasl(...offered));
    assertEquals(first?.subarray(0, 14).at(-1), 0);
    const server = new ScramServer();
    const proof = await client.receive(server.begin(first));
    assertEquals(server.header, flag);
    await client.receive(server.finish(proof));
  }
});

Deno.test("Authenticator: channel binding that is required and cannot be is refused", async () => {
  const options = {
    channelBinding,
    channelBindingMode: "require",
    cleartextAllowed: true,
  } as const;
  const refused = [
    [options, sasl("SCRAM-SHA-256"), "SCRAM-SHA-256-PLUS"],
    [{ ...options, channelBinding: null }, sasl(...BOTH), "TLS"],
    [options, request(3), "SCRAM"],
    [options, request(5, [1, 2, 3, 4]), "SCRAM"],
    [options, ok(), "SCRAM"],
  ] as const;
  for (const [given, body, message] of refused) {
    const client = authenticator(given);
    await assertRejects(() => client.receive(body), OperationalError, message);
    assertEquals([client.finished, client.usedPassword], [false, false]);
  }
  await assertRejects(
    () => authenticator().receive(sasl("SCRAM-SHA-256-PLUS")),
    NotSupportedError,
    "SCRAM-SHA-256-PLUS only",
  );
});
