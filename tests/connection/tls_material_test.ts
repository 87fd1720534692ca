import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { loadTls } from "../../connection/tls_material.ts";
import { planTls } from "../../connection/tls_options.ts";
import { canUseNodeTls } from "../../connection/tls_runtime.ts";
import {
  NotSupportedError,
  OperationalError,
  ProgrammingError,
} from "../../errors/base.ts";
import { certificates } from "../support/certificates.ts";
import { test } from "../support/tls_server.ts";

const files = await certificates();
const ca = files.path("ca.crt");
const client = {
  sslcert: files.path("client.crt"),
  sslkey: files.path("client.key"),
};

/** Runs with another home directory. */
async function withHome<T>(
  make: (folder: string) => Promise<void>,
  run: () => Promise<T>,
): Promise<T> {
  const home = await Deno.makeTempDir();
  const before = Deno.env.get("HOME");
  try {
    await Deno.mkdir(`${home}/.postgresql`);
    await make(`${home}/.postgresql`);
    Deno.env.set("HOME", home);
    return await run();
  } finally {
    if (before === undefined) Deno.env.delete("HOME");
    else Deno.env.set("HOME", before);
    await Deno.remove(home, { recursive: true });
  }
}

const bare = (
  parameters: Record<string, string>,
  sslPassword: string | null = null,
) =>
  withHome(
    () => Promise.resolve(),
    () => loadTls(planTls(parameters, { sslPassword })),
  );

async function refusal(
  parameters: Record<string, string>,
  sslPassword: string | null = null,
) {
  const error = await assertRejects(
    () => bare(parameters, sslPassword),
    OperationalError,
  );
  return error.message;
}

test("loadTls: what is verified, and by what", async () => {
  const verified = async (parameters: Record<string, string>) => {
    const settings = await bare(parameters);
    return settings && `${settings.verify}, ${settings.stack}`;
  };
  assertEquals(await verified({ sslmode: "disable" }), null);
  for (const sslmode of ["allow", "prefer", "require"]) {
    assertEquals(await verified({ sslmode }), "nothing, node:tls");
    // A root certificate is a reason to verify.
    assertEquals(
      await verified({ sslmode, sslrootcert: ca }),
      "chain, node:tls",
    );
  }
  assertEquals(
    await verified({ sslmode: "verify-ca", sslrootcert: ca }),
    "chain, node:tls",
  );
  assertEquals(
    await verified({ sslmode: "verify-full", sslrootcert: ca }),
    "chain and name, node:tls",
  );
  const system = { sslrootcert: "system" };
  assertEquals(await verified(system), "chain and name, Deno.startTls");
  const more: Record<string, string>[] = [
    client,
    { sslsni: "0" },
    { ssl_min_protocol_version: "TLSv1.3" },
    { ssl_max_protocol_version: "TLSv1.2" },
    { channel_binding: "require" },
    { sslcrl: files.path("ca.crl") },
    { sslcrldir: files.path("lists") },
  ];
  for (const one of more) {
    assertEquals(
      await verified({ ...system, ...one }),
      "chain and name, node:tls",
    );
  }
});

test("loadTls: verify-ca and verify-full without a root certificate say so", async () => {
  for (const sslmode of ["verify-ca", "verify-full"]) {
    const message = await refusal({ sslmode });
    assertStringIncludes(message, `as sslmode=${sslmode} demands`);
    assertStringIncludes(message, "/.postgresql/root.crt");
    assertStringIncludes(message, "sslrootcert=system");
  }
});

test("loadTls: a file that is named and cannot be used is an error, whatever the sslmode", async () => {
  for (const sslmode of ["prefer", "require", "verify-full"]) {
    const missing = await refusal({ sslmode, sslrootcert: "/secret/path" });
    assertEquals(
      missing,
      'Cannot read the file that "sslrootcert" names: it does not exist',
    );
    const empty = await refusal({ sslmode, sslrootcert: files.path("ca.crl") });
    assertStringIncludes(empty, "there is no root certificate in it");
    const broken = await refusal({
      sslmode,
      sslrootcert:
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    });
    assertStringIncludes(broken, 'Cannot use the text of "sslrootcert"');
    const list = await refusal({ sslmode, sslrootcert: ca, sslcrl: ca });
    assertStringIncludes(list, "the revocation list in it is malformed");
    assertStringIncludes(
      await refusal({ sslmode, sslrootcert: ca, sslcrl: "/secret/list" }),
      '"sslcrl" names: it does not exist',
    );
    assertStringIncludes(
      await refusal({ sslmode, sslrootcert: ca, sslcrldir: "/secret/list" }),
      '"sslcrldir" names: it does not exist',
    );
    // A list that nothing makes use of is not passed over.
    for (const keyword of ["sslcrl", "sslcrldir"]) {
      if (sslmode === "verify-full") continue;
      await assertRejects(
        () => bare({ sslmode, [keyword]: files.path("ca.crl") }),
        ProgrammingError,
        "nothing is verified",
      );
    }
  }
});

test("loadTls: files in the home directory are used where nothing is named", async () => {
  const settings = await withHome(async (folder) => {
    for (
      const [from, to] of [["ca.crt", "root.crt"], ["ca.crl", "root.crl"], [
        "client.crt",
        "postgresql.crt",
      ], ["client.key", "postgresql.key"]] as const
    ) {
      await Deno.copyFile(files.path(from), `${folder}/${to}`);
    }
    await Deno.chmod(`${folder}/postgresql.key`, 0o600);
  }, async () => ({
    bare: await loadTls(planTls({ sslmode: "require" })),
    system: await loadTls(
      planTls({ sslrootcert: "system", sslcertmode: "disable" }),
    ),
    mixed: await loadTls(
      planTls({ sslmode: "verify-ca", sslcrldir: files.path("lists") }),
    ),
  }));
  assertEquals(settings.bare?.verify, "chain");
  assertEquals(settings.bare?.roots, [files.text("ca.crt")]);
  assertEquals(settings.bare?.lists?.length, 1);
  assert(settings.bare?.identity);
  assertEquals(settings.system?.stack, "Deno.startTls");
  assertEquals(settings.mixed?.lists?.length, 2);
});

test("C20 loadTls: a key file that others may read is refused as in libpq", async () => {
  const key = files.path("client_open.key");
  const load = () => bare({ ...client, sslkey: key });
  const isRoot = Deno.statSync(key).uid === 0;
  const rules: [number, boolean][] = [
    [0o600, true],
    [0o400, true],
    [0o640, isRoot],
    [0o644, false],
    [0o604, false],
    [0o660, false],
    [0o650, false],
    [0o601, false],
  ];
  try {
    for (const [mode, accepted] of rules) {
      await Deno.chmod(key, mode);
      if (accepted) assert((await load())?.identity, mode.toString(8));
      else {await assertRejects(
          load,
          OperationalError,
          "others than its owner have access",
        );}
    }
    if (isRoot) {
      await Deno.chown(key, 65534, 65534);
      await Deno.chmod(key, 0o640);
      await assertRejects(
        load,
        OperationalError,
        "others than its owner have access",
      );
    }
  } finally {
    if (isRoot) await Deno.chown(key, 0, 0);
    await Deno.chmod(key, 0o644);
  }
  assertStringIncludes(
    await refusal({ ...client, sslkey: files.folder }),
    "it is a directory",
  );
});

test("C20 loadTls: encrypted keys with their password, and never silently without", async () => {
  const expected = (await bare(client))?.identity?.options();
  assert(expected?.key.startsWith("-----BEGIN PRIVATE KEY-----"));
  for (const name of ["client_pkcs8.key", "client_traditional.key"]) {
    const sslkey = files.path(name);
    const settings = await bare({ ...client, sslkey }, "key pass");
    assertEquals(settings?.identity?.options(), expected);
    const wrong = await refusal({ ...client, sslkey }, "wrong pass");
    assertStringIncludes(wrong, 'is "sslpassword" right?');
    assertEquals(wrong.includes("wrong pass"), false);
    assertStringIncludes(
      await refusal({ ...client, sslkey }),
      'give its password as "sslpassword"',
    );
    assertStringIncludes(
      await refusal({ ...client, sslkey }, ""),
      'is "sslpassword" right?',
    );
  }
  const der = await bare({ ...client, sslkey: files.path("client_der.key") });
  assertEquals(der?.identity?.options(), expected);
  // A password that is not needed does no harm.
  assertEquals((await bare(client, "key pass"))?.identity?.options(), expected);
});

test("loadTls: certificate and key as text, and such that do not belong together", async () => {
  const expected = (await bare(client))?.identity?.options();
  const sslcert = files.text("client.crt");
  const sslkey = files.text("client.key");
  assertEquals(
    (await bare({ sslcert, sslkey }))?.identity?.options(),
    expected,
  );
  const joint = await bare({ sslcert: sslcert + sslkey });
  assertEquals(joint?.identity?.options().key, expected?.key);
  assertThrows(
    () => planTls({ sslcert }),
    ProgrammingError,
    '"sslkey" must be given too',
  );
  assertStringIncludes(
    await refusal({ ...client, sslkey: files.path("good.key") }),
    "does not belong to the key",
  );
  assertStringIncludes(
    await refusal({ ...client, sslcert: files.path("client.key") }),
    "there is no certificate in it",
  );
  assertStringIncludes(
    await refusal({ ...client, sslkey: files.text("ca.crt") }),
    "there is no key in it that can be read",
  );
  assertStringIncludes(
    await refusal({ sslcert: client.sslcert }),
    'give it as "sslkey"',
  );
  await assertRejects(
    () => bare({ sslkey }),
    ProgrammingError,
    'give it as "sslcert"',
  );
  assertEquals(
    (await bare({ ...client, sslcertmode: "disable" }))?.identity,
    null,
  );
});

test("loadTls: neither the key nor its password can be printed", async () => {
  const settings = await bare({
    ...client,
    sslkey: files.path("client_pkcs8.key"),
  }, "key pass");
  const key = settings?.identity?.options().key.split("\n")[1];
  assert(settings && key);
  for (
    const text of [
      Deno.inspect(settings, { depth: 10, showHidden: true }),
      JSON.stringify(settings),
    ]
  ) {
    assertEquals(text.includes("key pass") || text.includes(key), false);
  }
});

Deno.test({
  name:
    "loadTls: a runtime that cannot tell whom to trust is not relied on, and sslmode=prefer does without TLS",
  ignore: canUseNodeTls(),
  fn: async () => {
    assertEquals(await bare({}), null);
    assertEquals(await bare({ sslmode: "allow" }), null);
    assertEquals(
      (await bare({ sslrootcert: "system" }))?.stack,
      "Deno.startTls",
    );
    await assertRejects(
      () => bare({ sslmode: "require" }),
      NotSupportedError,
      "run Deno 2.8 or later",
    );
  },
});
