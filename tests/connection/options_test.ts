import {
  assert,
  assertEquals,
  assertNotMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { PARAMETERS } from "../../connection/conninfo_table.ts";
import {
  homeDirectory,
  osUserName,
  readEnv,
} from "../../connection/environment.ts";
import {
  readNamedFile,
  readOptionalFile,
  statOptionalFile,
} from "../../connection/files.ts";
import {
  type ConnectionParameters,
  connectTimeoutSeconds,
  DEFAULT_CONNECT_TIMEOUT,
  explicitService,
  type ResolvedParameters,
  resolveParameters,
} from "../../connection/options.ts";
import {
  DataError,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
} from "../../errors/base.ts";
import { withEnvironment } from "./environment.ts";

const DRIVER_KEYS = new Set(["autocommit", "prepareThreshold", "signal"]);
const USER = { user: "u" };

function resolve(
  conninfo?: string | URL,
  options: ConnectionParameters = USER,
  environment: Record<string, string> = {},
): ResolvedParameters {
  return withEnvironment(
    environment,
    () => resolveParameters(conninfo, options, DRIVER_KEYS),
  );
}

function invalid(conninfo: string, about: string): void {
  const error = assertThrows(
    () => resolve(`user=u ${conninfo}`, {}),
    ProgrammingError,
  );
  assertStringIncludes(error.message, about);
}

function refused(conninfo: string, keyword: string): NotSupportedError {
  const error = assertThrows(() => resolve(conninfo), NotSupportedError);
  assertStringIncludes(error.message, `"${keyword}"`);
  return error;
}

Deno.test("CI-34 resolveParameters: the connect timeout", () => {
  assertEquals(resolve("connect_timeout=1").connectTimeout, 1);
  assertEquals(resolve("connect_timeout=10").connectTimeout, 10);
  assertEquals(resolve("connect_timeout=' +7 '").connectTimeout, 7);
  invalid("connect_timeout=5.0", "invalid integer");
  invalid("connect_timeout=''", "invalid integer");
  invalid("connect_timeout=99999999999", "invalid integer");
  invalid("connect_timeout=0x5", "invalid integer");
  assertEquals(
    resolve("", { ...USER, connectTimeout: 1.5 }).connectTimeout,
    1.5,
  );
  assertEquals(
    resolve("", { ...USER, connect_timeout: 0.2 }).connectTimeout,
    0.2,
  );
  assertThrows(
    () => resolve("", { ...USER, connectTimeout: "1.5" }),
    ProgrammingError,
    "invalid integer",
  );
  for (const none of [0, -1]) {
    assertEquals(resolve(`connect_timeout=${none}`).connectTimeout, null);
    assertEquals(
      resolve("", { ...USER, connectTimeout: none }).connectTimeout,
      null,
    );
  }
  assertEquals(resolve("").connectTimeout, 130);
  assertEquals(DEFAULT_CONNECT_TIMEOUT, 130);
  const fromEnvironment = { PGCONNECT_TIMEOUT: "15" };
  assertEquals(resolve("", USER, fromEnvironment).connectTimeout, 15);
  assertEquals(
    resolve("connect_timeout=3", USER, fromEnvironment).connectTimeout,
    3,
  );
});

Deno.test("connectTimeoutSeconds: what a timer cannot hold is no limit", () => {
  assertEquals(connectTimeoutSeconds("2147483647"), null);
  assertEquals(connectTimeoutSeconds(Infinity), null);
  assertEquals(connectTimeoutSeconds(2_000_000), 2_000_000);
  assertThrows(() => connectTimeoutSeconds(NaN), ProgrammingError);
});

Deno.test("CI-40 resolveParameters: keep-alive settings that are no integers", () => {
  for (
    const keyword of [
      "keepalives",
      "keepalives_idle",
      "keepalives_interval",
      "keepalives_count",
      "tcp_user_timeout",
    ]
  ) {
    for (const value of ["x", "1.5", "''", "1x", "0x1", "99999999999"]) {
      invalid(`${keyword}=${value}`, "invalid integer value");
      invalid(`${keyword}=${value}`, `"${keyword}"`);
    }
    const { parameters } = resolve(`${keyword}=' 1 '`);
    assertEquals(parameters[keyword], "1");
  }
  assertEquals(resolve("keepalives=00").parameters.keepalives, "0");
});

Deno.test("B1 resolveParameters: NUL in any parameter is refused and not shown", () => {
  const names = [...PARAMETERS.values()].flatMap(({ keyword, option }) => [
    keyword,
    option,
  ]);
  for (const name of [...names, "database"]) {
    const error = assertThrows(
      () => resolve("", { ...USER, [name]: "hunter2\0" }),
      DataError,
    );
    assertNotMatch(error.message, /hunter2/);
    assertStringIncludes(error.message, `"${name}"`);
  }
  for (const name of ["user", "dbname", "application_name", "options"]) {
    const error = assertThrows(() => resolve(`${name}=hunter2\0`), DataError);
    assertNotMatch(error.message, /hunter2/);
    const escaped = assertThrows(
      () => resolve(`postgres://h/?${name}=hunter2%00`),
      ProgrammingError,
    );
    assertNotMatch(escaped.message, /hunter2/);
  }
});

Deno.test("resolveParameters: options win over the string, the string over the environment", () => {
  const environment = { PGUSER: "env", PGDATABASE: "env", PGAPPNAME: "env" };
  const { parameters } = resolve(
    "user=string dbname=string",
    { user: "option" },
    environment,
  );
  assertEquals(parameters, {
    application_name: "env",
    dbname: "string",
    user: "option",
    host: "localhost",
  });
});

Deno.test("resolveParameters: defaults of host, dbname and user", () => {
  withEnvironment({ USER: "someone" }, () => {
    const { parameters } = resolveParameters(undefined, {}, DRIVER_KEYS);
    assertEquals(parameters, {
      host: "localhost",
      user: osUserName() ?? "",
      dbname: osUserName() ?? "",
    });
  });
  assertEquals(resolve("dbname='' user=x").parameters.dbname, "u");
  assertEquals(resolve("user='' ", {}).parameters.user, osUserName());
  const { parameters } = resolve("hostaddr=127.0.0.1");
  assertEquals(parameters.host, undefined);
  assertEquals(resolve("host=''").parameters.host, "localhost");
});

Deno.test("resolveParameters: a URL is taken as its text", () => {
  const url = new URL("postgresql://u:p%40@h:5433/db?application_name=a%20b");
  const { parameters, password } = resolve(url, {});
  assertEquals(password, "p@");
  assertEquals(parameters, {
    user: "u",
    host: "h",
    port: "5433",
    dbname: "db",
    application_name: "a b",
  });
});

Deno.test("resolveParameters: the password stays apart", () => {
  for (
    const resolved of [
      resolve("password=hunter2"),
      resolve("password=x", { ...USER, password: "hunter2" }),
      resolve("", USER, { PGPASSWORD: "hunter2" }),
    ]
  ) {
    assertEquals(resolved.password, "hunter2");
    assertEquals(resolved.parameters.password, undefined);
  }
  const ask = () => "hunter2";
  const asked = resolve("password=x", { ...USER, password: ask });
  assertEquals(asked.password, ask);
  assertEquals(asked.parameters.password, undefined);
  assertEquals(resolve("").password, null);
  // An empty one hides that of the environment, as in libpq.
  assertEquals(
    resolve("password=''", USER, { PGPASSWORD: "x" }).password,
    null,
  );
});

Deno.test("resolveParameters: an unknown option is named, with the nearest known", () => {
  const unknown = (options: object) =>
    assertThrows(
      () => resolve("", { ...USER, ...options }),
      ProgrammingError,
    ).message;
  assertStringIncludes(unknown({ sslMod: "x" }), '"sslMod"');
  assertStringIncludes(unknown({ sslMod: "x" }), 'do you mean "sslMode"');
  assertStringIncludes(unknown({ aplicationName: 1 }), "application");
  assertStringIncludes(unknown({ autoCommit: true }), '"autocommit"');
  assertNotMatch(unknown({ zzzzzzzzzz: 1 }), /mean/);
  assertNotMatch(unknown({ wrong: "hunter2" }), /hunter2/);
  assertStringIncludes(unknown({ ["__proto__"]: 1, constructor: 1 }), "option");
});

Deno.test("resolveParameters: settings of the driver are none of its business", () => {
  const options = { ...USER, autocommit: true, prepareThreshold: null };
  assertEquals(resolve("", options).parameters.autocommit, undefined);
});

Deno.test("resolveParameters: ports", () => {
  assertEquals(resolve("port=5433").parameters.port, "5433");
  assertEquals(resolve("port=' +05433 '").parameters.port, "5433");
  assertEquals(resolve("port=''").parameters.port, undefined);
  assertEquals(resolve("", { ...USER, port: 5433 }).parameters.port, "5433");
  for (const port of ["0", "65536", "-1"]) {
    invalid(`port=${port}`, "invalid port number");
  }
  for (const port of ["1x", "1.0", "0x1", "99999999999"]) {
    invalid(`port=${port}`, "invalid integer value");
  }
  invalid("host=h port=1,2", "could not match 2 port numbers to 1 hosts");
  invalid(
    "host=h hostaddr=127.0.0.1,127.0.0.2",
    "could not match 1 host names to 2 hostaddr values",
  );
});

Deno.test("resolveParameters: addresses and hosts", () => {
  for (
    const address of [
      "127.0.0.1",
      "127.1",
      "0x7f.1",
      "::1",
      "fe80::1%eth0",
      "2001:db8::1",
    ]
  ) {
    assertEquals(
      resolve(`hostaddr=${address}`).parameters.hostaddr,
      address,
    );
  }
  for (const address of ["x", "1a", "localhost", "[::1]", "999.1.1.1", ":::"]) {
    invalid(`hostaddr=${address}`, "IP address");
  }
  for (const host of ["localhost", "::1", "/tmp", "@abstract", "a_b.c", "ü"]) {
    assertEquals(resolve(`host=${host}`).parameters.host, host);
  }
  // The rest of a password whose @ was not encoded must not reach the resolver.
  const error = assertThrows(
    () => resolve("postgres://u:pass@hunter2@h/db"),
    ProgrammingError,
    "%40",
  );
  assertNotMatch(error.message, /hunter2/);
});

Deno.test("resolveParameters: what is not there yet is refused by name", () => {
  const cases: [string, string][] = [
    ["gssencmode=require", "gssencmode"],
    ["replication=true", "replication"],
    ["replication=database", "replication"],
    ["oauth_issuer=x", "oauth_issuer"],
    ["oauth_client_id=x", "oauth_client_id"],
    ["oauth_client_secret=x", "oauth_client_secret"],
    ["oauth_scope=x", "oauth_scope"],
  ];
  for (const [conninfo, keyword] of cases) refused(conninfo, keyword);
  assertStringIncludes(
    refused("gssencmode=require", "gssencmode").message,
    'use "disable" or "prefer"',
  );
  const named = new Set(cases.map(([, keyword]) => keyword));
  for (const { keyword, handling } of PARAMETERS.values()) {
    if (handling.status === "refused") {
      assert(named.has(keyword), `${keyword} is not among the cases`);
    }
  }
  assertNotMatch(
    refused("oauth_client_secret=hunter2", "oauth_client_secret").message,
    /hunter2/,
  );
});

Deno.test("resolveParameters: hosts, TLS and authentication are taken as they are given", () => {
  for (
    const conninfo of [
      "sslmode=require",
      "sslmode=verify-full sslrootcert=system",
      "requiressl=1",
      "postgres://h/?ssl=true",
      "channel_binding=require",
      "sslmode=require sslnegotiation=direct",
      "sslcert=x sslkey=y sslpassword=z sslcrl=c sslcrldir=d",
      "ssl_min_protocol_version=TLSv1.3",
      "ssl_max_protocol_version=tlsv1.2",
      "min_protocol_version=3.2",
      "target_session_attrs=prefer-standby",
      "load_balance_hosts=random",
      "host=h1,h2",
      "host=h1,h2 port=1,2",
      "hostaddr=127.0.0.1,127.0.0.2",
      "require_auth=scram-sha-256",
      "require_auth=!password,!md5",
      "requirepeer=postgres host=/tmp",
      "service=x",
      "passfile=x",
    ]
  ) resolve(conninfo);
  assertEquals(resolve("requiressl=1").parameters.sslmode, "require");
  assertEquals(resolve("host=h1,h2 port=1,2").parameters.port, "1,2");
  for (const method of ["scram", "md5,!password", "md5,md5"]) {
    invalid(`require_auth=${method}`, '"require_auth"');
  }
  // The parameters as they were given say which of them come from defaults.
  const { given, parameters } = resolve("sslmode=prefer port=5432");
  assertEquals(given, { user: "u", sslmode: "prefer", port: "5432" });
  assertEquals(parameters, { user: "u", dbname: "u", host: "localhost" });
});

Deno.test("resolveParameters: the password of the key stays apart, like the other secrets", () => {
  const resolved = resolve("sslpassword=hunter2 password=hunter3");
  assertEquals(resolved.sslPassword, "hunter2");
  const { parameters, given } = resolved;
  assertNotMatch(JSON.stringify({ parameters, given }), /hunter/);
});

Deno.test("resolveParameters: a password file is explicit unless the environment names it", () => {
  assertEquals(resolve("").passwordFile, {
    passfile: undefined,
    explicit: false,
  });
  const variables = { PGPASSFILE: "/env" };
  assertEquals(resolve("", USER, variables).passwordFile, {
    passfile: "/env",
    explicit: false,
  });
  for (
    const [conninfo, options] of [["passfile=/p", USER], ["", {
      ...USER,
      passfile: "/p",
    }]] as const
  ) {
    assertEquals(resolve(conninfo, options, variables).passwordFile, {
      passfile: "/p",
      explicit: true,
    });
  }
});

Deno.test("resolveParameters: a service stands below the string and above the environment", () => {
  const { parameters } = withEnvironment(
    { PGHOST: "h1", PGPORT: "1", PGDATABASE: "d1" },
    () =>
      resolveParameters("host=h3", { user: "u" }, DRIVER_KEYS, {
        service: { host: "h2", port: "2" },
      }),
  );
  assertEquals(parameters, { user: "u", host: "h3", port: "2", dbname: "d1" });
  assertEquals(explicitService("service=a", {}), "a");
  assertEquals(explicitService("service=a", { service: "b" }), "b");
  assertEquals(explicitService(undefined, {}), undefined);
});

Deno.test("resolveParameters: what asks for nothing special is accepted", () => {
  for (
    const conninfo of [
      "sslmode=disable",
      "sslmode=allow",
      "sslmode=prefer",
      "requiressl=0",
      "sslmode=require host=/tmp",
      "sslmode=disable sslcert=x sslkey=y sslpassword=z sslrootcert=r sslcrl=c",
      "host=/tmp sslcert=x ssl_min_protocol_version=TLSv1.3",
      "channel_binding=prefer",
      "channel_binding=disable",
      "gssencmode=prefer krbsrvname=x gsslib=y gssdelegation=1",
      "sslcompression=1 sslsni=0 sslcertmode=allow",
      "ssl_min_protocol_version=tlsv1.2 ssl_max_protocol_version=''",
      "target_session_attrs=any load_balance_hosts=disable",
      "min_protocol_version=3.0 max_protocol_version=latest",
      "replication=false",
      "require_auth='' requirepeer=''",
      "passfile=x password=y",
      "keepalives_idle=10 keepalives_count=3 tcp_user_timeout=1000",
    ]
  ) resolve(conninfo);
  const { parameters } = resolve("sslmode=disable sslpassword=hunter2");
  assertNotMatch(JSON.stringify(parameters), /hunter2/);
});

Deno.test("resolveParameters: values outside of a closed set", () => {
  for (
    const [keyword, values] of Object.entries({
      sslmode: ["x", "''", "PREFER"],
      sslnegotiation: ["x", "''"],
      sslcertmode: ["x", "''"],
      channel_binding: ["x", "''", "Prefer"],
      gssencmode: ["x", "''"],
      target_session_attrs: ["x", "''", "Any"],
      load_balance_hosts: ["x", "''"],
      min_protocol_version: ["x", "''", "3.1", "3", "LATEST"],
      max_protocol_version: ["x", "''"],
      ssl_min_protocol_version: ["x", "TLSv1.4"],
      ssl_max_protocol_version: ["x"],
    })
  ) {
    for (const value of values) {
      invalid(`${keyword}=${value}`, `"${keyword}": invalid value`);
    }
  }
  invalid(
    "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
    "greater",
  );
});

Deno.test("resolveParameters: what comes from the environment is named so", () => {
  const error = assertThrows(
    () => resolve("", USER, { PGGSSENCMODE: "require" }),
    NotSupportedError,
    "environment variable PGGSSENCMODE",
  );
  assertStringIncludes(error.message, '"gssencmode"');
  assertThrows(
    () => resolve("", USER, { PGSSLMODE: "hunter2" }),
    ProgrammingError,
    "environment variable PGSSLMODE",
  );
  assertThrows(
    () => resolve("", USER, { PGREQUIREAUTH: "x" }),
    ProgrammingError,
    "environment variable PGREQUIREAUTH",
  );
});

Deno.test("resolveParameters: names of the application, encoding, session settings", () => {
  const { parameters } = resolve(
    "application_name='' fallback_application_name=f client_encoding=auto",
  );
  assertEquals(parameters.application_name, undefined);
  assertEquals(parameters.fallback_application_name, "f");
  assertEquals(parameters.client_encoding, undefined);
  assertEquals(
    resolve("", USER, {
      PGDATESTYLE: "German",
      PGTZ: "UTC",
      PGGEQO: "default",
      PGCLIENTENCODING: "LATIN1",
    }),
    {
      parameters: {
        client_encoding: "LATIN1",
        user: "u",
        host: "localhost",
        dbname: "u",
      },
      password: null,
      passwordFile: { passfile: undefined, explicit: false },
      scramKeys: null,
      sslPassword: null,
      given: { client_encoding: "LATIN1", user: "u" },
      connectTimeout: 130,
      settings: { datestyle: "German", timezone: "UTC" },
    },
  );
});

Deno.test("readEnv: a variable, an empty one, none", () => {
  withEnvironment({ PGHOST: "h", PGUSER: "" }, () => {
    assertEquals(readEnv("PGHOST"), "h");
    assertEquals(readEnv("PGUSER"), "");
    assertEquals(readEnv("PGPORT"), null);
  });
});

Deno.test({
  name: "resolveParameters: without permissions optional sources are absent",
  permissions: "none",
  fn() {
    assertEquals(readEnv("PATH"), null);
    assertEquals(osUserName(), null);
    assertEquals(homeDirectory(), null);
    const { parameters } = resolveParameters("user=u", {}, DRIVER_KEYS);
    assertEquals(parameters, { user: "u", dbname: "u", host: "localhost" });
    assertThrows(
      () => resolveParameters("", {}, DRIVER_KEYS),
      ProgrammingError,
      "--allow-env=PGUSER",
    );
  },
});

Deno.test({
  name: "osUserName, homeDirectory: with --allow-env alone",
  permissions: { env: ["USER", "LOGNAME", "HOME"] },
  fn() {
    const { USER: user, LOGNAME: logname, HOME: home } = {
      USER: Deno.env.get("USER"),
      LOGNAME: Deno.env.get("LOGNAME"),
      HOME: Deno.env.get("HOME"),
    };
    assertEquals(osUserName(), user || logname || null);
    assertEquals(homeDirectory(), home || null);
  },
});

Deno.test("readOptionalFile, statOptionalFile: what is not there is null", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "a:b");
    await Deno.chmod(path, 0o600);
    assertEquals(await readOptionalFile(path), "a:b");
    assertEquals(await readNamedFile(path, "passfile"), "a:b");
    assertEquals(await statOptionalFile(path), {
      isFile: true,
      mode: 0o600,
      uid: Deno.uid(),
    });
  } finally {
    await Deno.remove(path);
  }
  assertEquals(await readOptionalFile(path), null);
  assertEquals(await statOptionalFile(path), null);
});

async function failure(run: () => Promise<unknown>): Promise<OperationalError> {
  try {
    await run();
  } catch (error) {
    assert(error instanceof OperationalError);
    return error;
  }
  throw new Error("It did not fail");
}

Deno.test("readNamedFile: a file that cannot be read is an error without its path", async () => {
  const missing = await failure(() => readNamedFile("/no/hunter2", "sslcert"));
  assertStringIncludes(missing.message, '"sslcert" names: it does not exist');
  const directory = await failure(() => readNamedFile("/", "sslcert"));
  assertStringIncludes(directory.message, "directory");
  assertNotMatch(Deno.inspect(missing, { depth: 9 }), /hunter2/);
});

Deno.test({
  name: "readNamedFile: without permission the grant is named",
  permissions: "none",
  async fn() {
    const error = await failure(() => readNamedFile("/etc/passwd", "passfile"));
    assertStringIncludes(error.message, "--allow-read");
    assertEquals(await readOptionalFile("/etc/passwd"), null);
    assertEquals(await statOptionalFile("/etc/passwd"), null);
  },
});
