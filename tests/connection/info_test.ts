import { assert, assertEquals } from "@std/assert";
import {
  connect,
  ConnectionInfo,
  conninfoToDict,
  ConnStatus,
  NotSupportedError,
  OperationalError,
  PipelineStatus,
  TransactionStatus,
} from "../../mod.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  assertError,
  assertUsable,
  open,
  openScripted,
  quiet,
  rejection,
  serveOnes,
} from "./support.ts";

/** What needs the connection to be open. */
const LIVE = [
  "host",
  "hostaddr",
  "port",
  "dbname",
  "user",
  "password",
  "options",
  "backendPid",
  "secretKey",
  "secretKeyBytes",
  "fullProtocolVersion",
] as const;

/** Runs a block with an environment variable. */
async function withVariable(
  name: string,
  value: string,
  block: () => Promise<void>,
): Promise<void> {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  try {
    await block();
  } finally {
    if (before === undefined) Deno.env.delete(name);
    else Deno.env.set(name, before);
  }
}

Deno.test({
  name: "IN-02 info.port: a blank port is 5432, whatever PGPORT says",
  ignore: testServer().socketDir === "",
  fn: quiet(async () => {
    const { socketDir, port, user } = testServer();
    const folder = await Deno.makeTempDir();
    try {
      await Deno.symlink(
        `${socketDir}/.s.PGSQL.${port}`,
        `${folder}/.s.PGSQL.5432`,
      );
      await withVariable("PGPORT", "9999", async () => {
        await using conn = await connect(
          `host=${folder} port='' user=${user} dbname=postgres`,
        );
        assertEquals(conn.info.port, 5432);
        assertEquals(conn.info.getParameters(), {
          host: folder,
          user,
          dbname: "postgres",
        });
      });
      await using conn = await open();
      assertEquals(conn.info.port, port);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }),
});

Deno.test(
  "IN-04 info.dsn: what differs from the defaults, the environment's too, without the password, and it connects",
  quiet(() =>
    withVariable("PGAPPNAME", "hello test", async () => {
      await using conn = await open({
        password: "s3cr3t-Word",
        sslMode: "prefer",
        options: "-c geqo=off -c work_mem='1 MB'".replaceAll("'1 MB'", "4MB"),
      });
      const { dsn } = conn.info;
      assert(dsn.includes("application_name='hello test'"), dsn);
      assert(!dsn.includes("password") && !dsn.includes("s3cr3t"), dsn);
      assert(!dsn.includes("sslmode"), dsn);
      assertEquals(conninfoToDict(dsn), conn.info.getParameters());
      assertEquals(conn.info.options, "-c geqo=off -c work_mem=4MB");
      const { user, port } = testServer();
      const { host, hostaddr: _, ...rest } = conn.info.getParameters();
      assertEquals(host, testServer().host);
      assertEquals(rest, {
        user,
        port: String(port),
        dbname: "postgres",
        application_name: "hello test",
        options: "-c geqo=off -c work_mem=4MB",
      });
      await using again = await connect(dsn);
      assertEquals(again.info.dsn, dsn);
      const row = await again.execute(
        "select current_setting('application_name') as name, current_setting('geqo') as geqo",
      ).fetchOne();
      assertEquals(row, { name: "hello test", geqo: "off" });
    })
  ),
);

Deno.test(
  "info.dsn: a file of passwords is named, and a URI and its quoting come out as keywords",
  quiet(async () => {
    await using server = new ScriptedServer(serveOnes);
    const file = await Deno.makeTempFile();
    try {
      await using conn = await connect(
        `postgresql://o'neil:pw@127.0.0.1:${server.port}/a%20b?application_name=c%5Cd`,
        { passfile: file, sslMode: "disable" },
      );
      const expected = {
        user: "o'neil",
        dbname: "a b",
        host: "127.0.0.1",
        port: String(server.port),
        application_name: "c\\d",
        passfile: file,
        sslmode: "disable",
      };
      assertEquals(conn.info.getParameters(), expected);
      assertEquals(conninfoToDict(conn.info.dsn), expected);
      assertEquals([conn.info.user, conn.info.dbname], ["o'neil", "a b"]);
    } finally {
      await Deno.remove(file);
    }
  }),
);

Deno.test(
  "IN-06 IN-10 info: what is left to tell once the connection is closed, and what is an error then",
  quiet(async () => {
    const conn = await open({ autocommit: false });
    const { info } = conn;
    assertEquals(info.status, ConnStatus.OK);
    assertEquals(info.transactionStatus, TransactionStatus.IDLE);
    assertEquals(info.pipelineStatus, PipelineStatus.OFF);
    assert(info.backendPid > 0);
    const row = await conn.execute("select pg_backend_pid() as pid").fetchOne();
    assertEquals(row, { pid: info.backendPid });
    assertEquals(info.transactionStatus, TransactionStatus.INTRANS);
    await rejection(conn.execute("select 1/0"));
    assertEquals(info.transactionStatus, TransactionStatus.INERROR);
    assertEquals(info.errorMessage, "division by zero");
    for (const name of LIVE) assert(info[name] !== undefined, name);
    const { dsn } = info;
    await conn.close();
    assertEquals(info.status, ConnStatus.BAD);
    assertEquals(info.transactionStatus, TransactionStatus.UNKNOWN);
    for (const name of LIVE) {
      const error = await rejection(
        Promise.resolve().then(() => info[name]),
      );
      assertError(error, { class: OperationalError, says: ["it is closed"] });
    }
    assertEquals(info.dsn, dsn);
    assertEquals(info.parameterStatus("integer_datetimes"), "on");
    assertEquals(String(info).startsWith("[BAD] (host="), true);
  }),
);

Deno.test(
  "IN-08 info.parameterStatus: what the server reports, and null",
  quiet(async () => {
    await using conn = await open();
    assertEquals(conn.info.parameterStatus("nosuchparam"), null);
    for (const zone of ["Asia/Tokyo", "America/Lima"]) {
      await conn.execute(`set timezone to '${zone}'`);
      const shown = await conn.execute("show timezone").fetchOne();
      assertEquals(shown, { TimeZone: zone });
      assertEquals(conn.info.parameterStatus("TimeZone"), zone);
      assertEquals(conn.info.parameterStatuses.TimeZone, zone);
    }
  }),
);

Deno.test(
  "IN-12 info.timezone: the offsets of a name, of a number and of POSIX; an unknown one is UTC and warned of once",
  quiet(async () => {
    const warnings: string[] = [];
    await using conn = await open({ onWarning: (text) => warnings.push(text) });
    const hours = (date: string) =>
      Temporal.PlainDate.from(date).toZonedDateTime(conn.info.timezone)
        .offsetNanoseconds / 3.6e12;
    await conn.execute("set timezone to 'Europe/Rome'");
    assertEquals(conn.info.timezone, "Europe/Rome");
    assertEquals([hours("2000-01-01"), hours("2000-07-01")], [1, 2]);
    for (
      const zone of ["3", "-5", "5.5", "UTC", "'+02:00'", "'-01:15'", "'XXX-2'"]
    ) {
      await conn.execute(`set timezone to ${zone}`);
      const row = await conn.execute(
        "select extract(timezone from timestamptz '2000-01-01')::int as seconds",
      ).fetchOne();
      const { timezone } = conn.info;
      assertEquals({ seconds: hours("2000-01-01") * 3600 }, row, timezone);
    }
    assertEquals(warnings, []);
    for (const zone of ["FOO3BAR", "FOO3BAR", "<y>2<z>", "FOO3BAR"]) {
      await conn.execute(`set timezone to '${zone}'`);
      assertEquals([conn.info.timezone, conn.info.timezone], ["UTC", "UTC"]);
    }
    assertEquals(warnings.map((text) => /"(.*?)"/.exec(text)?.[1]), [
      "FOO3BAR",
      "<Y>2<Z>",
    ]);
  }),
);

Deno.test(
  "IN-14 IN-16 info.encoding: by the name of the platform; what nobody can decode is refused",
  quiet(async () => {
    await using conn = await open();
    const cases = [
      ["utf_8", "UTF8", "utf-8"],
      ["eucjp", "EUC_JP", "euc-jp"],
      ["euc-jp", "EUC_JP", "euc-jp"],
      ["latin9", "LATIN9", "iso8859-15"],
    ] as const;
    for (const [spelling, name, label] of cases) {
      await conn.execute("select set_config('client_encoding', %s, false)", [
        spelling,
      ]);
      assertEquals(
        [conn.info.parameterStatus("client_encoding"), conn.info.encoding],
        [name, label],
      );
      await conn.execute("set client_encoding to utf8");
    }
    await conn.execute("set client_encoding to EUC_TW");
    const error = await rejection(conn.execute("select 'x'").fetchOne());
    assertError(error, { class: NotSupportedError });
  }),
);

Deno.test(
  "IN-18 info: what else is told about the server and the session",
  quiet(async () => {
    await using conn = await open();
    const { info } = conn;
    assert(info instanceof ConnectionInfo);
    assertEquals(info.vendor, "PostgreSQL");
    assertEquals([info.protocolVersion, info.fullProtocolVersion], [3, 30000]);
    assertEquals([info.needsPassword, info.usedPassword], [false, false]);
    assertEquals([info.usedGssapi, info.sslInUse], [false, false]);
    assertEquals([info.sslAttribute("protocol"), info.sslAttributeNames], [
      null,
      [],
    ]);
    const { key, ...row } = await conn.execute(
      "select current_setting('server_version_num')::int as version, current_database() as dbname, current_user as user, host(inet_server_addr()) as key",
    ).fetchOne() as Record<string, unknown>;
    assertEquals(row, {
      version: info.serverVersion,
      dbname: info.dbname,
      user: info.user,
    });
    assertEquals(key, info.hostaddr);
    assertEquals(info.errorMessage, "");
    await rejection(conn.execute("select * from no_such_table"));
    assert(
      info.errorMessage.startsWith('relation "no_such_table" does not exist'),
    );
    await assertUsable(conn);
    await conn.pipeline(async (p) => {
      assertEquals(info.pipelineStatus, PipelineStatus.ON);
      await rejection(p.execute("select 1/0"));
      await p.sync();
      assertEquals(info.pipelineStatus, PipelineStatus.ON);
    });
    assertEquals(info.pipelineStatus, PipelineStatus.OFF);
  }),
);

Deno.test(
  "info: keys of four bytes and of more, no key, another vendor",
  quiet(async () => {
    const long = Uint8Array.from({ length: 32 }, (_, i) => i);
    const keys = [
      [{ pid: 7, key: 0x01020304 }, 0x01020304, Uint8Array.of(1, 2, 3, 4)],
      [{ pid: 7, key: -2 }, -2, Uint8Array.of(255, 255, 255, 254)],
      [{ pid: 7, key: long }, long, long],
      [null, null, null],
    ] as const;
    for (const [key, secretKey, bytes] of keys) {
      await using server = new ScriptedServer(async (session) => {
        await session.startup({ key, parameters: { crdb_version: "v25" } });
        await session.silence();
      });
      await using conn = await openScripted(server);
      assertEquals(conn.info.secretKey, secretKey);
      assertEquals(conn.info.secretKeyBytes, bytes);
      conn.info.secretKeyBytes?.fill(0); // a copy
      assertEquals(conn.info.secretKeyBytes, bytes);
      assertEquals(conn.info.vendor, "CockroachDB");
    }
  }),
);
