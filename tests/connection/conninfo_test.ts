import {
  assert,
  assertEquals,
  assertNotMatch,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  conninfoDefaults,
  conninfoToDict,
  makeConninfo,
} from "../../connection/conninfo.ts";
import { PARAMETERS } from "../../connection/conninfo_table.ts";
import { resolveParameters } from "../../connection/options.ts";
import { DataError, ProgrammingError } from "../../errors/base.ts";
import { CORPUS } from "./conninfo_corpus.ts";
import { withEnvironment } from "./environment.ts";

function fails(conninfo: string): ProgrammingError {
  return assertThrows(() => conninfoToDict(conninfo), ProgrammingError);
}

Deno.test("CI-02 conninfoToDict: keywords and values", () => {
  assertEquals(conninfoToDict("dbname=foo user=bar"), {
    dbname: "foo",
    user: "bar",
  });
});

Deno.test("CI-04 conninfoToDict: a quoted value keeps its spaces", () => {
  assertEquals(conninfoToDict("dbname='foo bar'"), { dbname: "foo bar" });
});

Deno.test("CI-06 conninfoToDict: backslashes escape quotes and backslashes", () => {
  assertEquals(conninfoToDict("dbname='a\\'b'"), { dbname: "a'b" });
  assertEquals(conninfoToDict("dbname='a\\\\b'"), { dbname: "a\\b" });
});

Deno.test("CI-08 conninfoToDict: values that are not ASCII stay", () => {
  assertEquals(conninfoToDict("dbname=☃"), { dbname: "☃" });
  assertEquals(conninfoToDict("postgresql:///%E2%98%83"), { dbname: "☃" });
});

Deno.test("CI-10 conninfoToDict: a URI without a host has no host", () => {
  assertEquals(
    conninfoToDict("postgresql://tester:secret@/test?port=5433"),
    { user: "tester", password: "secret", dbname: "test", port: "5433" },
  );
});

Deno.test("CI-12 conninfoToDict: a URI with two hosts", () => {
  assertEquals(
    conninfoToDict(
      "postgresql://host1:123,host2:456/somedb?target_session_attrs=any&application_name=myapp",
    ),
    {
      host: "host1,host2",
      port: "123,456",
      dbname: "somedb",
      target_session_attrs: "any",
      application_name: "myapp",
    },
  );
});

Deno.test("CI-14 conninfoToDict: an unterminated quote does not show the password", () => {
  for (
    const text of [
      "dbname=x password='hunter2",
      "password=hunter2 dbname='x",
      "user='x password=hunter2",
    ]
  ) {
    const { message } = fails(text);
    assertNotMatch(message, /hunter2/);
    assert(message.includes("is not closed"));
  }
});

Deno.test("CI-16 conninfoToDict: a word without = is an error that tells where", () => {
  assert(fails("dbname=foo bar").message.includes("position 12"));
});

Deno.test("CI-18 makeConninfo: an unknown parameter is an error that names it", () => {
  const error = assertThrows(
    () => makeConninfo("dbname=foo", { bar: "baz" } as never),
    ProgrammingError,
  );
  assert(error.message.includes('"bar"'));
  assertNotMatch(error.message, /baz/);
});

Deno.test("CI-20 makeConninfo: an override wins", () => {
  assertEquals(makeConninfo("dbname=foo", { dbname: "bar" }), "dbname=bar");
  assertEquals(
    makeConninfo("dbname=foo user=u", { dbname: "bar" }),
    "dbname=bar user=u",
  );
});

Deno.test("CI-22 makeConninfo: numbers are taken", () => {
  assertEquals(
    makeConninfo("", { dbname: "foo", port: 15432 }),
    "dbname=foo port=15432",
  );
});

Deno.test("CI-24 makeConninfo: quotes are escaped", () => {
  const text = makeConninfo("", { dbname: "a'b" });
  assertEquals(text, "dbname=a\\'b");
  assertEquals(conninfoToDict(text), { dbname: "a'b" });
  for (const value of ["a b", "\\", "'", "a\tb", " ", "a=b", "\\' \\", "☃"]) {
    assertEquals(conninfoToDict(makeConninfo("", { password: value })), {
      password: value,
    });
  }
});

Deno.test("CI-26 makeConninfo: an empty value is kept", () => {
  const text = makeConninfo("", { password: "", user: "u" });
  assertEquals(text, "password='' user=u");
  assertEquals(conninfoToDict(text), { password: "", user: "u" });
});

Deno.test("CI-28 makeConninfo: a URI stays unless something is added", () => {
  const uri = "postgresql://u%41:p@h1,h2/db?sslmode=disable";
  assertStrictEquals(makeConninfo(uri), uri);
  assertStrictEquals(makeConninfo(uri, {}), uri);
  assertStrictEquals(makeConninfo(uri, { port: null, user: undefined }), uri);
  assertEquals(
    makeConninfo("postgresql://u%41:p@h/db", { dbname: "x y" }),
    "user=uA password=p host=h dbname='x y'",
  );
  assertEquals(
    makeConninfo(new URL("postgresql://u@h/db")),
    "postgresql://u@h/db",
  );
});

Deno.test("CI-30 makeConninfo: an unknown parameter in a URI is an error", () => {
  assertThrows(
    () => makeConninfo("postgresql://h/db?nosuch=param"),
    ProgrammingError,
    "is not a connection parameter",
  );
});

Deno.test("CI-32 conninfoToDict, makeConninfo: database is a synonym of dbname", () => {
  assertEquals(conninfoToDict("", { database: "sigh" }), { dbname: "sigh" });
  assertEquals(
    conninfoToDict("dbname=x", { database: "sigh" }),
    { dbname: "sigh" },
  );
  assertEquals(makeConninfo("", { database: "sigh" }), "dbname=sigh");
  withEnvironment({ USER: "u" }, () => {
    const resolved = resolveParameters("", { database: "sigh" }, new Set());
    assertEquals(resolved.parameters.dbname, "sigh");
  });
  assertThrows(
    () => conninfoToDict("", { database: "a", dbname: "b" }),
    ProgrammingError,
    'the options "database" and "dbname"',
  );
  // As in libpq, a string does not know it.
  fails("database=sigh");
});

Deno.test("CI-36 conninfoDefaults: the built-in values and those of the environment", () => {
  const find = (keyword: string) =>
    conninfoDefaults().find((one) => one.keyword === keyword);
  const port = {
    keyword: "port",
    envvar: "PGPORT",
    compiled: "5432",
    label: "Database-Port",
    dispchar: "",
    dispsize: 6,
  };
  withEnvironment({}, () => {
    assertEquals(find("port"), { ...port, val: "5432" });
    assertEquals(find("host")?.val, null);
  });
  withEnvironment({ PGPORT: "15432", PGPASSWORD: "hunter2" }, () => {
    assertEquals(find("port"), { ...port, val: "15432" });
    assertEquals(find("password")?.val, "hunter2");
    const shown = Deno.inspect(find("password")) +
      JSON.stringify(conninfoDefaults());
    assertNotMatch(shown, /hunter2/);
  });
  withEnvironment({ PGREQUIRESSL: "1" }, () => {
    assertEquals(find("sslmode")?.val, "require");
  });
});

Deno.test("conninfoDefaults: every parameter of libpq 18", () => {
  const keywords = conninfoDefaults().map(({ keyword }) => keyword);
  assertEquals(keywords.length, 50);
  assertEquals(keywords, [...PARAMETERS.keys()]);
  assertEquals(new Set(keywords).size, 50);
});

Deno.test("CI-38 conninfoToDict: an IPv6 address loses its brackets", () => {
  assertEquals(conninfoToDict("postgresql://[2001:db8::1]:5433"), {
    host: "2001:db8::1",
    port: "5433",
  });
});

Deno.test("B14 conninfoToDict: odd strings mean what they mean to libpq", () => {
  assertEquals(conninfoToDict("dbname=a\\"), { dbname: "a" });
  assertEquals(conninfoToDict("postgres://:/db"), { dbname: "db" });
  assertEquals(conninfoToDict("postgres://h:/"), { host: "h" });
  assert(fails("postgres://h/%00").message.includes("%00"));
  assertEquals(conninfoToDict("user=a user=b"), { user: "b" });
  assertEquals(conninfoToDict("postgres://h?user=a&user=b"), {
    host: "h",
    user: "b",
  });
  assertEquals(conninfoToDict("postgres://[::1]"), { host: "::1" });
  assertEquals(conninfoToDict("postgres://h1,h2:5433"), {
    host: "h1,h2",
    port: ",5433",
  });
});

Deno.test("B13 conninfoToDict: the corpus, keywords and URIs, parses as libpq 18 parses it", () => {
  assert(CORPUS.length >= 120);
  for (const [text, expected] of CORPUS) {
    let actual: Record<string, string> | null;
    try {
      actual = conninfoToDict(text);
    } catch (error) {
      assert(error instanceof ProgrammingError, String(error));
      actual = null;
    }
    assertEquals(actual, expected, JSON.stringify(text));
  }
});

Deno.test("conninfoToDict: bytes that are not UTF-8 are refused", () => {
  for (const bytes of ["%ff", "%C3", "%C0%80", "%ED%A0%80"]) {
    assert(fails(`postgres://h/${bytes}`).message.includes("UTF-8"));
  }
});

Deno.test("conninfoToDict: null and undefined change nothing, an empty string does", () => {
  assertEquals(
    conninfoToDict("dbname=a user=b", {
      dbname: null,
      user: undefined,
      password: "",
    }),
    { dbname: "a", user: "b", password: "" },
  );
});

Deno.test("conninfoToDict: both spellings, numbers and booleans in an object", () => {
  assertEquals(
    conninfoToDict(undefined, {
      applicationName: "a",
      target_session_attrs: "any",
      connectTimeout: 5,
      keepalives: false,
      requireSsl: true,
    }),
    {
      application_name: "a",
      target_session_attrs: "any",
      connect_timeout: "5",
      keepalives: "0",
      sslmode: "require",
    },
  );
});

Deno.test("conninfoToDict: values of other types are refused, not shown", () => {
  const values = [{ secret: "hunter2" }, ["hunter2"], () => "hunter2", NaN];
  for (const value of values) {
    const error = assertThrows(
      () => conninfoToDict("", { user: value } as never),
      ProgrammingError,
      '"user"',
    );
    assertNotMatch(error.message, /hunter2/);
  }
  assertThrows(() => conninfoToDict(5 as never), ProgrammingError, "number");
});

Deno.test("conninfoToDict: long hostile strings take no time", () => {
  const long = 200_000;
  const start = performance.now();
  conninfoToDict("dbname=" + "\\a".repeat(long));
  conninfoToDict("dbname='" + " ".repeat(long) + "'");
  fails("x".repeat(long));
  fails("postgres://a" + " ".repeat(long) + "b");
  fails("postgres://h/d?" + "user=a&".repeat(long / 10) + "&");
  assertEquals(
    conninfoToDict("postgres://" + "h,".repeat(long / 10)).port?.length,
    long / 10,
  );
  assert(performance.now() - start < 2000);
});

const HEAD = "Qz7head";
const TAIL = "Xk9tail";
const BREAKERS = [
  "",
  " ",
  "'",
  '"',
  "\\",
  "@",
  ":",
  "/",
  "?",
  "#",
  "&",
  "=",
  "%",
  "%zz",
  "%00",
  "%ff",
  "[",
  "]",
  ",",
  ";",
  "\t",
  "\n",
  "' ",
  " =",
  "= ",
  "\\'",
  "@@",
  "/@",
  "?a=b=",
  "://",
  "\0",
  "\ud800",
];

/** Strings with a password in every place, most of them malformed. */
function* stringsWithPassword(): Generator<string> {
  for (const breaker of BREAKERS) {
    const password = HEAD + breaker + TAIL;
    yield* [
      `password=${password}`,
      `password=${password} user=u`,
      `user=u password=${password} nosuch=1`,
      `password='${password}' dbname='x`,
      `password='${password}`,
      `password = '${password}'x`,
      `password ${password}`,
      `passwort=${password}`,
      `${password}`,
      `${password}=x`,
      `user=u port=${password} password=x`,
      `sslmode=${password}`,
      `connect_timeout=${password}`,
      `keepalives=${password}`,
      `hostaddr=${password}`,
      `target_session_attrs=${password}`,
      `require_auth=${password}`,
      `service=${password}`,
      `replication=${password}`,
      `postgres://u:${password}@h/db?nosuch=1`,
      `postgres://u:${password}@h:x/db`,
      `postgres://u:${password}@h:99999/db`,
      `postgres://u:${password}@[h/db`,
      `postgres://u:${password}@h/%zz`,
      `postgres://u:${password}@h/db?sslmode=x`,
      `postgres://u:${password}@h/db?a`,
      `postgres://${password}@[]/db`,
      `postgres://u:p@${password}:0/db`,
      `postgres://u:p@[${password}`,
      `postgres://u:p@[::1]${password}`,
      `postgres://h:${password}/db`,
      `postgres://h/${password}?=`,
      `postgres://h/db?password=${password}&x`,
      `postgres://h/db?${password}=x`,
      `postgres://h/db?password=${password}=`,
      `postgres://h/db?sslmode=${password}`,
      `postgres:/u:${password}@h`,
      `mysql://u:${password}@h/db`,
      ` postgres://u:${password}@h/db`,
    ];
  }
}

Deno.test("E2 conninfoToDict, makeConninfo, resolveParameters: no error shows a piece of a password", () => {
  let strings = 0;
  let errors = 0;
  withEnvironment({ USER: "someone" }, () => {
    for (const text of stringsWithPassword()) {
      strings++;
      let failed = false;
      for (
        const parse of [
          () => conninfoToDict(text),
          () => makeConninfo(text, { user: "x" }),
          () => resolveParameters(text, {}, new Set()),
          () => resolveParameters(text, { password: `${HEAD}\0` }, new Set()),
        ]
      ) {
        try {
          parse();
        } catch (error) {
          failed = true;
          assert(error instanceof Error);
          const shown = error.message + Deno.inspect(error) +
            JSON.stringify(error) + String(error.cause);
          assert(
            !shown.includes(HEAD) && !shown.includes(TAIL),
            `${JSON.stringify(text)}: ${error.message}`,
          );
        }
      }
      if (failed) errors++;
    }
  });
  assert(strings >= 1000 && errors >= 500, `${errors} of ${strings}`);
});

Deno.test("conninfoToDict: NUL and lone surrogates are a DataError that shows nothing", () => {
  for (const odd of ["\0", "\ud800"]) {
    for (
      const parse of [
        () => conninfoToDict(`password=hunter2${odd}`),
        () => conninfoToDict("", { password: `hunter2${odd}` }),
        () => makeConninfo("", { user: `hunter2${odd}` }),
      ]
    ) {
      const error = assertThrows(parse, DataError);
      assertNotMatch(error.message, /hunter2/);
    }
  }
});
