/**
 * The table of grants in the README, row by row: each script has exactly the
 * grants that the row says.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { realServer } from "./connection/tls_support.ts";
import { parseDsn, testDsn, testServer } from "./support/database.ts";
import { denoRun, type DenoRunOptions } from "./support/deno_run.ts";

const { host, port, socketDir } = testServer();
const { user, dbname } = parseDsn(testDsn());
const NET = `--allow-net=${host}:${port}`;
const tls = await realServer();

/** Connects with the arguments as JSON, and prints who is connected or what is wrong. */
const SCRIPT = `
const [conninfo, options] = JSON.parse(Deno.args[0]);
try {
  await using conn = await pgts.connect(conninfo, options);
  const row = await conn.execute("select session_user as u, current_setting('application_name') as a").fetchOne();
  console.log("connected as", row.u, row.a, conn.info.hostaddr);
} catch (error) {
  console.log(error.constructor.name, error.message);
}
`;

async function run(
  conninfo: string,
  flags: readonly string[],
  { options = {}, ...rest }: DenoRunOptions & { options?: object } = {},
): Promise<string> {
  const { code, text } = await denoRun(SCRIPT, {
    flags: ["--no-prompt", ...flags],
    args: [JSON.stringify([conninfo, options])],
    ...rest,
  });
  assertEquals(code, 0, text);
  return text;
}

/** A connection string without the user, which the environment may give. */
const ADDRESS = `host=${host} port=${port} dbname=${dbname}`;
const EXPLICIT = `${ADDRESS} user=${user}`;
const AS_USER = `connected as ${user}`;
const SCRAM = "pgts_scram";
const PASSWORD = "scram pass";

/** Runs with a home directory that has these files. */
async function atHome(
  files: Readonly<Record<string, string>>,
  use: (home: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "pgts_home_" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${home}/${name}`, text, { mode: 0o600 });
    }
    await use(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("grants: TCP, with TLS and without, needs the network alone", async () => {
  assertStringIncludes(await run(EXPLICIT, [NET]), AS_USER);
  const over = (options: object) =>
    run("user=postgres dbname=postgres host=localhost hostaddr=127.0.0.1", [
      `--allow-net=127.0.0.1:${tls.port}`,
    ], { options: { port: tls.port, ...options } });
  const root = tls.files.text("ca.crt");
  for (
    const options of [
      { user: "ssl_only", sslMode: "require" },
      { user: "ssl_only", sslMode: "verify-full", sslRootCert: root },
    ]
  ) {
    assertStringIncludes(await over(options), "connected as ssl_only");
  }
  assertStringIncludes(
    await over({ sslMode: "verify-full", sslRootCert: "system" }),
    "its issuer is not among those",
  );
  const denied = await run(EXPLICIT, ["--allow-net=127.0.0.9"]);
  assertStringIncludes(denied, "InterfaceError");
  assertStringIncludes(denied, NET);
});

Deno.test({
  name:
    "Q5 grants: a Unix socket needs three, and an error names what is missing",
  ignore: socketDir === "",
  async fn() {
    const path = `${socketDir}/.s.PGSQL.${port}`;
    const conninfo =
      `host=${socketDir} port=${port} dbname=${dbname} user=${user}`;
    const grants = [
      `--allow-net=unix:${path}`,
      `--allow-read=${path}`,
      `--allow-write=${path}`,
    ];
    assertStringIncludes(await run(conninfo, grants), AS_USER);
    for (const missing of grants) {
      const text = await run(
        conninfo,
        grants.filter((grant) => grant !== missing),
      );
      assertStringIncludes(text, "InterfaceError");
      assertStringIncludes(text, `a permission is missing, run Deno with`);
      assertStringIncludes(text, missing);
      // Only what is missing, so that nobody grants more than is needed.
      for (const granted of grants.filter((grant) => grant !== missing)) {
        assert(!text.includes(granted), text);
      }
    }
    const none = await run(conninfo, []);
    for (const grant of grants) assertStringIncludes(none, grant);
  },
});

Deno.test("grants: PG* variables that are granted count, others do not", async () => {
  const env = {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: dbname,
    PGAPPNAME: "from environment",
    USER: user,
  };
  const names = Object.keys(env);
  assertStringIncludes(
    await run("", [NET, `--allow-env=${names}`], { env }),
    `${AS_USER} from environment`,
  );
  const some = names.filter((name) => name !== "PGAPPNAME");
  const text = await run("", [NET, `--allow-env=${some}`], { env });
  assertStringIncludes(text, AS_USER);
  assert(!text.includes("from environment"), text);
});

Deno.test("grants: the password file and service files that are granted count, others do not", async () => {
  const service =
    `[ours]\nhost=${host}\nport=${port}\ndbname=${dbname}\nuser=${SCRAM}\n`;
  const files = {
    ".pgpass": `*:*:*:${SCRAM}:${PASSWORD}\n`,
    ".pg_service.conf": service,
  };
  await atHome(files, async (HOME) => {
    const conninfo = `${ADDRESS} user=${SCRAM}`;
    const env = { HOME };
    const grants = [NET, "--allow-env=HOME", `--allow-read=${HOME}/.pgpass`];
    const connected = `connected as ${SCRAM}`;
    assertStringIncludes(await run(conninfo, grants, { env }), connected);
    for (const missing of grants.slice(1)) {
      const rest = grants.filter((grant) => grant !== missing);
      assertStringIncludes(await run(conninfo, rest, { env }), "password");
    }
    assertStringIncludes(
      await run(
        "service=ours",
        [
          ...grants,
          `--allow-read=${HOME}/.pgpass,${HOME}/.pg_service.conf`,
        ].filter((grant) => grant !== grants[2]),
        { env },
      ),
      connected,
    );
    assertStringIncludes(
      await run("service=ours", grants, { env }),
      "no service file that can be read defines it",
    );
  });
});

Deno.test("grants: a file that a parameter names needs its own, and an error says so", async () => {
  const files = { passwords: `*:*:*:${SCRAM}:${PASSWORD}\n` };
  await atHome(files, async (home) => {
    const passfile = `${home}/passwords`;
    const conninfo = `${ADDRESS} user=${SCRAM} passfile=${passfile}`;
    assertStringIncludes(
      await run(conninfo, [NET, `--allow-read=${passfile}`]),
      `connected as ${SCRAM}`,
    );
    const text = await run(conninfo, [NET]);
    assertStringIncludes(text, "--allow-read");
    assertStringIncludes(text, "passfile");
    const root = await run(
      `host=localhost hostaddr=127.0.0.1 port=${tls.port} user=u sslmode=verify-ca sslrootcert=${tls.ca}`,
      [`--allow-net=127.0.0.1:${tls.port}`],
    );
    assertStringIncludes(root, "--allow-read");
  });
});

Deno.test("grants: the addresses of a name are tried one by one where name and addresses are granted", async () => {
  using closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  const conninfo = `host=localhost port=${port} user=u`;
  const named = await run(conninfo, [`--allow-net=localhost:${port}`]);
  assertStringIncludes(named, `Cannot connect to "localhost:${port}"`);
  const addressed = await run(conninfo, [
    `--allow-net=localhost,127.0.0.1:${port},[::1]:${port}`,
  ]);
  assertStringIncludes(addressed, `Cannot connect to "127.0.0.1:${port}"`);
});

Deno.test({
  name:
    "Q4 connect: with env, read and sys denied there is no prompt, and variables and files count as absent",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const files = {
      ".pgpass": "no password file\n",
      ".pg_service.conf": "[wrong]\nhost=wrong.invalid\n",
    };
    await atHome(files, async (HOME) => {
      const env = {
        HOME,
        PGHOST: "wrong.invalid",
        PGPORT: "1",
        PGUSER: "wrong",
        PGPASSWORD: "wrong",
        PGSERVICE: "wrong",
        PGSSLMODE: "wrong",
        PGTZ: "wrong",
      };
      await Deno.mkdir(`${HOME}/.postgresql`);
      await Deno.writeTextFile(`${HOME}/.postgresql/root.crt`, "wrong");
      const denied = ["--deny-env", "--deny-read", "--deny-sys"];
      // On a terminal Deno would ask for what has been neither granted nor denied.
      for (const flags of [[NET], [NET, ...denied]]) {
        const { code, text } = await denoRun(SCRIPT, {
          flags,
          args: [JSON.stringify([EXPLICIT, {}])],
          env,
          terminal: true,
        });
        assertEquals(code, 0, text);
        assertStringIncludes(text, AS_USER);
        assert(!/requests|prompt|wrong/i.test(text), text);
      }
      // The terminal does ask where something wants it to, and waits.
      const { text } = await denoRun('Deno.env.get("PGHOST")', {
        terminal: true,
        limit: 1500,
      });
      assertStringIncludes(text, "requests env access");
    });
  },
});
