import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  type ConnectOptions,
  type DictRow,
  OperationalError,
  sql,
} from "../../mod.ts";
import { InvalidPassword } from "../../errors/mod.ts";
import * as b from "../support/backend.ts";
import { testServer } from "../support/database.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import {
  answer,
  assertError,
  ONE,
  open,
  openScripted,
  quiet,
  rejection,
} from "./support.ts";

const ROLES = [
  ["pgts_scram", "scram pass"],
  ["pgts_md5", "md5 pass"],
  ["pgts_clear", "clear pass"],
] as const;

async function currentUser(conn: Connection): Promise<unknown> {
  return (await conn.execute("select session_user as name").fetchOne())?.name;
}

Deno.test(
  "connect: trust, SCRAM, MD5 and, on loopback, a password in clear text",
  quiet(async () => {
    await using trusted = await open();
    assertEquals(await currentUser(trusted), testServer().user);
    for (const [user, password] of ROLES) {
      await using conn = await open({ user, password });
      assertEquals(await currentUser(conn), user);
      assertEquals(conn.info.user, user);
      assert(!Deno.inspect(conn, { depth: 9 }).includes(password));
      assert(!JSON.stringify(conn.info.getParameters()).includes(password));
    }
    const { host, port } = testServer();
    for (const [user, password] of ROLES) {
      const uri = `postgresql://${user}:${
        encodeURIComponent(password)
      }@${host}:${port}/postgres`;
      await using conn = await connect(uri);
      assertEquals(await currentUser(conn), user);
    }
  }),
);

Deno.test({
  name: "CONN-15 connect: a Unix socket by its directory, by each method",
  ignore: testServer().socketDir === "",
  fn: quiet(async () => {
    const { socketDir: host } = testServer();
    await using trusted = await open({ host });
    const row = await trusted.execute("select inet_server_addr() is null as ok")
      .fetchOne();
    assertEquals(row, { ok: true });
    assertEquals([trusted.info.host, trusted.info.hostaddr], [host, ""]);
    for (const [user, password] of ROLES) {
      await using conn = await open({ host, user, password });
      assertEquals(await currentUser(conn), user);
    }
  }),
});

Deno.test(
  "connect: a function gives the password once for each connection, and only when it is wanted",
  quiet(async () => {
    let calls = 0;
    for (const [user, password] of ROLES) {
      calls = 0;
      const ask = async () => {
        calls++;
        await Promise.resolve();
        return password;
      };
      for (let i = 1; i <= 2; i++) {
        await using conn = await open({ user, password: ask });
        assertEquals(await currentUser(conn), user);
        assertEquals(calls, i);
      }
      await using simple = await open({ user, password: () => password });
      assertEquals(await currentUser(simple), user);
    }
    calls = 0;
    await using _trusted = await open({
      password: () => {
        calls++;
        return "unused";
      },
    });
    assertEquals(calls, 0);
  }),
);

Deno.test(
  "connect: a function that fails to give the password fails the connection, with its error as cause",
  quiet(async () => {
    const reason = new Error("vault is shut");
    const failing = [
      () => Promise.reject(reason),
      () => {
        throw reason;
      },
    ];
    for (const [user] of ROLES) {
      for (const password of failing) {
        const error = assertError(await rejection(open({ user, password })), {
          class: OperationalError,
          says: ["function that was to give the password failed"],
          sqlstate: null,
          usable: false,
        });
        assertEquals(error.cause, reason);
      }
    }
  }),
);

Deno.test(
  "D12 connect: without a password, or with an empty one, it says that one is needed",
  quiet(async () => {
    for (const [user] of ROLES) {
      for (const password of [undefined, "", () => ""]) {
        assertError(await rejection(open({ user, password })), {
          class: OperationalError,
          says: ["wants a password", user, "no password was given"],
          sqlstate: null,
          usable: false,
        });
      }
    }
  }),
);

Deno.test(
  "D11 connect: passwords are prepared as the server prepares them",
  quiet(async () => {
    await using admin = await open();
    const passwords: [stored: string, given: string][] = [
      "I⅓ﬁx ß",
      "soft\u00adhyphen",
      "no\u00a0break",
      "𝒳",
      "x".repeat(1000),
      "ß".repeat(1000),
      "a'b\\c\"d",
      " leading and trailing ",
      "\u200b\u06dd", // prohibited: taken as it is by both sides
    ].map((password) => [password, password]);
    // What is prepared alike is the same password.
    passwords.push(["IX", "I\u00adX"], ["ª", "a"], ["Ⅸ", "IX"], [
      "a b",
      "a\u00a0b",
    ]);
    const alter = async (password: string) => {
      await admin.execute(
        sql`alter role pgts_scram password ${sql.literal(password)}`,
      );
    };
    try {
      await admin.execute("set password_encryption = 'scram-sha-256'");
      for (const [stored, given] of passwords) {
        await alter(stored);
        await using conn = await open({ user: "pgts_scram", password: given });
        assertEquals(await currentUser(conn), "pgts_scram");
      }
      const wrong = open({ user: "pgts_scram", password: "a  b" });
      assertError(await rejection(wrong), { class: InvalidPassword });
    } finally {
      await alter("scram pass");
    }
  }),
);

/** What a server gets when a client of these options connects. */
async function startupOf(
  options: ConnectOptions<DictRow>,
): Promise<Record<string, string>> {
  let parameters: Record<string, string> = {};
  await using server = new ScriptedServer(async (session) => {
    ({ parameters } = await session.startup());
    await session.serve((burst) => answer(burst, ONE));
  });
  await using _conn = await openScripted(server, options);
  return parameters;
}

const NAMES = [
  "with space",
  `quotes ' and "`,
  "back\\slash \\' end\\",
  "ünïcödé ☃ 𝒳",
  " = leading",
  "%20 &?#@:/",
  "$user",
];

Deno.test(
  "B19 connect: names of database, user and application arrive exactly as given",
  quiet(async () => {
    for (const name of NAMES) {
      const parameters = await startupOf({
        user: name,
        dbname: name,
        applicationName: name,
      });
      assertEquals(parameters.user, name);
      assertEquals(parameters.database, name);
      assertEquals(parameters.application_name, name);
    }

    await using admin = await open();
    const quoted = (text: string) =>
      `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
    const { host, port } = testServer();
    for (const name of [NAMES[1]!, NAMES[2]!, NAMES[3]!]) {
      const id = sql.id(name);
      await admin.execute(sql`create role ${id} login`);
      await admin.execute(sql`create database ${id} template template0`);
      try {
        const query =
          "select session_user as u, current_database() as d, current_setting('application_name') as a";
        const asciiName = name.replace(/[^ -~]/g, "?");
        const text = quoted(name);
        const url = encodeURIComponent(name);
        for (
          const dsn of [
            `host=${host} port=${port} user=${text} dbname=${text} application_name=${
              quoted(asciiName)
            }`,
            `postgresql://${url}@${host}:${port}/${url}?application_name=${
              encodeURIComponent(asciiName)
            }`,
          ]
        ) {
          await using conn = await connect(dsn);
          assertEquals(await conn.execute(query).fetchOne(), {
            u: name,
            d: name,
            a: asciiName,
          });
        }
      } finally {
        await admin.execute(sql`drop database ${id}`);
        await admin.execute(sql`drop role ${id}`);
      }
    }
  }),
);

Deno.test(
  "B20 connect: options with escaped blanks arrive exactly",
  quiet(async () => {
    const { host, port, user } = testServer();
    const options = "-c pgts.a=b\\ c -c pgts.d=e\\\\f -c search_path='x,y'";
    const uri = `postgresql://${user}@${host}:${port}/postgres?options=${
      encodeURIComponent(options)
    }`;
    for (const conn of [await open({ options }), await connect(uri)]) {
      await using _ = conn;
      const show = async (name: string) =>
        (await conn.execute("select current_setting(%s) as value", [name])
          .fetchOne())?.value;
      assertEquals(await show("pgts.a"), "b c");
      assertEquals(await show("pgts.d"), "e\\f");
      assertEquals(conn.info.options, options);
    }
  }),
);

Deno.test(
  "connect: a password that the server asks for in clear text stays here unless the way is safe",
  quiet(async () => {
    // From loopback it is sent; what is not loopback cannot be played here: see protocol/auth.
    await using server = new ScriptedServer(async (session) => {
      await session.readStartup();
      await session.send(b.authenticationCleartextPassword());
      const { body } = await session.expect("p");
      assertEquals(body, b.cstring("secret"));
      await session.send(
        b.errorResponse({ severity: "FATAL", code: "28P01", message: "no" }),
      );
      session.close();
    });
    const error = await rejection(
      openScripted(server, { password: "secret" }),
    );
    assertError(error, { class: InvalidPassword, usable: false });
    assert(!Deno.inspect(error).includes("secret"));
  }),
);
