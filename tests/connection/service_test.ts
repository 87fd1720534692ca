import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseService, serviceParameters } from "../../connection/service.ts";
import {
  DataError,
  NotSupportedError,
  OperationalError,
} from "../../errors/base.ts";
import { withEnvironment } from "./environment.ts";

const FILE = `
# comment
before any section, and nobody reads it

[one]
host=h1
  # a comment, indented
\tport=5433\t
dbname=a = b
host=second
user=
[two]
host=h2
nonsense
[one]
port=1
`;

/** The parameters of a service, with these files and variables. */
async function serviceIn(
  files: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
  service?: string,
): Promise<Record<string, string>> {
  const home = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${home}/${name}`, text);
    }
    const all = Object.entries({ HOME: "", ...variables }).map((
      [name, value],
    ) => [name, name === "PGSERVICE" ? value : `${home}${value}`]);
    // The variables are read before the first wait.
    return await withEnvironment(
      Object.fromEntries(all),
      () => serviceParameters(service),
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function malformed(line: string, about: string): void {
  assertThrows(
    () => parseService(`[s]\n\n${line}\n`, "s", "/etc/file"),
    OperationalError,
    about,
  );
}

Deno.test("parseService: the lines of one section, the first of each keyword", () => {
  assertEquals(parseService(FILE, "one", "f"), {
    host: "h1",
    port: "5433",
    dbname: "a = b",
    user: "",
  });
  assertEquals(parseService(FILE, "three", "f"), null);
  assertEquals(parseService("", "one", "f"), null);
  assertEquals(parseService("[one]", "one", "f"), {});
  assertEquals(parseService("[one]\r\nhost=h\r\n[two]", "one", "f"), {
    host: "h",
  });
});

Deno.test("parseService: the name of a section is exact, what follows it is not read", () => {
  const text = "[one two] \nhost=a\n[One]\nhost=b\n[one] # c\nhost=c\n";
  assertEquals(parseService(text, "one two", "f"), { host: "a" });
  assertEquals(parseService(text, "one", "f"), { host: "c" });
  assertEquals(parseService("[]\nhost=a", "", "f"), { host: "a" });
});

Deno.test("parseService: a malformed line is named by its number, and not quoted", () => {
  malformed("nonsense", 'line 3 of "/etc/file"');
  malformed("nosuch=1", "unknown parameter");
  malformed("host =h", "unknown parameter");
  malformed("requiressl=1", "unknown parameter");
  malformed("servicefile=/x", "unknown parameter");
  malformed("=x", "unknown parameter");
  malformed("service=other", "another service");
  for (const line of ["pass word=hunter2", "hunter2", "service=hunter2"]) {
    const error = assertThrows(() => parseService(`[s]\n${line}`, "s", "f"));
    assert(error instanceof Error && !error.message.includes("hunter2"));
  }
  assertThrows(
    () => parseService("[s]\nldap://ldap.example/x", "s", "f"),
    NotSupportedError,
    "LDAP",
  );
  assertThrows(
    () => parseService("[s]\npassword=\0", "s", "f"),
    DataError,
    '"password"',
  );
});

Deno.test("serviceParameters: no service, no parameters", async () => {
  assertEquals(await serviceIn({ ".pg_service.conf": FILE }, {}), {});
});

Deno.test("serviceParameters: the parameter wins over PGSERVICE", async () => {
  const files = { ".pg_service.conf": "[a]\nhost=a\n[b]\nhost=b\n" };
  const variables = { PGSERVICE: "a" };
  assertEquals(await serviceIn(files, variables), { host: "a" });
  assertEquals(await serviceIn(files, variables, "b"), { host: "b" });
});

Deno.test("serviceParameters: the user's file, then the system's", async () => {
  const files = {
    ".pg_service.conf": "[a]\nhost=user",
    "pg_service.conf": "[a]\nhost=system\n[b]\nhost=system",
    named: "[a]\nhost=named",
    empty: "",
  };
  const system = { PGSYSCONFDIR: "" };
  assertEquals(await serviceIn(files, system, "a"), { host: "user" });
  assertEquals(await serviceIn(files, system, "b"), { host: "system" });
  const named = { ...system, PGSERVICEFILE: "/named" };
  assertEquals(await serviceIn(files, named, "a"), { host: "named" });
  assertEquals(await serviceIn(files, named, "b"), { host: "system" });
  // The variable takes the place of the file in the home directory.
  const empty = { PGSERVICEFILE: "/empty" };
  await assertRejects(() => serviceIn(files, empty, "a"), OperationalError);
});

Deno.test("serviceParameters: a service or a named file that is not there is an error", async () => {
  const error = await assertRejects(
    () => serviceIn({}, {}, "hunter2"),
    OperationalError,
    'Cannot find the service that the parameter "service" names',
  );
  assert(!error.message.includes("hunter2"));
  await assertRejects(
    () => serviceIn({}, { PGSERVICE: "x" }),
    OperationalError,
    "PGSERVICE",
  );
  await assertRejects(
    () =>
      serviceIn({ "pg_service.conf": "[a]" }, {
        PGSERVICEFILE: "/missing",
        PGSYSCONFDIR: "",
      }, "a"),
    OperationalError,
    "missing",
  );
});

Deno.test("serviceParameters: a malformed line ends the search", async () => {
  const files = {
    ".pg_service.conf": "[a]\nnosuch=1",
    "pg_service.conf": "[a]\nhost=h",
  };
  await assertRejects(
    () => serviceIn(files, { PGSYSCONFDIR: "" }, "a"),
    OperationalError,
    "line 2",
  );
});

Deno.test({
  name:
    "serviceParameters: without permissions nothing is read, and a service that is asked for says so",
  permissions: { read: false, env: false, sys: false },
  async fn() {
    assertEquals(await serviceParameters(undefined), {});
    await assertRejects(
      () => serviceParameters("a"),
      OperationalError,
      "--allow-read",
    );
  },
});
