import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  findPassword,
  openPasswordFile,
  type PasswordKey,
} from "../../connection/pgpass.ts";
import { OperationalError } from "../../errors/base.ts";
import { withEnvironment } from "./environment.ts";

const KEY: PasswordKey = { host: "h", port: 5432, dbname: "d", user: "u" };

function find(text: string, key: Partial<PasswordKey> = {}): string | null {
  return findPassword(text, { ...KEY, ...key });
}

/** Runs with a directory for a home. */
async function withHome(run: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await run(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** What a look-up finds in a home, and what was said about it. */
async function lookIn(
  home: string,
  options: { passfile?: string; explicit?: boolean } = {},
): Promise<{ found: string | null; warnings: string[] }> {
  const warnings: string[] = [];
  // The variables are read before the first wait.
  const lookup = await withEnvironment({ HOME: home }, () =>
    openPasswordFile({
      passfile: options.passfile,
      explicit: options.explicit,
      warn: (one) => warnings.push(one),
    }));
  const found = lookup(KEY);
  lookup({ ...KEY, host: "other" });
  return { found, warnings };
}

async function write(path: string, mode: number): Promise<void> {
  await Deno.writeTextFile(path, "h:5432:d:u:secret\n");
  await Deno.chmod(path, mode);
}

/** Makes a file that is like a password file but cannot be read. */
async function writeUnreadable(path: string): Promise<void> {
  await write(path, 0o200);
  if (Deno.uid() !== 0) return;
  // The superuser may read everything, but nothing that is larger than memory.
  await Deno.truncate(path, 3 * 2 ** 30);
}

Deno.test("findPassword: the first line that fits wins", () => {
  assertEquals(find("h:5432:d:u:one\nh:5432:d:u:two\n"), "one");
  assertEquals(find("x:5432:d:u:no\nh:5432:d:u:yes"), "yes");
  assertEquals(find("h:5432:d:u:\n*:*:*:*:two"), "");
  for (
    const line of [
      "x:5432:d:u:p",
      "h:5433:d:u:p",
      "h:5432:x:u:p",
      "h:5432:d:x:p",
    ]
  ) assertEquals(find(line), null);
  assertEquals(find(""), null);
  assertEquals(find("h:5432:d:u"), null);
});

Deno.test("findPassword: * stands for anything, but only alone in its field", () => {
  assertEquals(find("*:*:*:*:p"), "p");
  assertEquals(find("h:*:d:*:p"), "p");
  assertEquals(find("h*:*:*:*:p"), null);
  assertEquals(find("\\*:*:*:*:p"), null);
  assertEquals(find("\\*:*:*:*:p", { host: "*" }), "p");
});

Deno.test("findPassword: backslashes escape colons and themselves", () => {
  assertEquals(find("\\:\\:1:5432:d:u:p", { host: "::1" }), "p");
  assertEquals(find("::1:5432:d:u:p", { host: "::1" }), "p");
  assertEquals(find("h:5432:a\\:b\\\\:u:p", { dbname: "a:b\\" }), "p");
  assertEquals(find("h:5432:d:u:a\\:b\\\\c"), "a:b\\c");
  assertEquals(find("h:5432:d:u:a:what follows"), "a");
  assertEquals(find("h:5432:d:u:a\\"), "a\\");
  assertEquals(find("h:5432:d:u:\\a"), "a");
});

Deno.test("findPassword: comments, blank lines and ends of lines", () => {
  const text = "# h:5432:d:u:comment\r\n\r\n\nh:5432:d:u:p # no comment\r\n";
  assertEquals(find(text), "p # no comment");
  assertEquals(find(" # x\n h:5432:d:u:p"), null);
  assertEquals(find("#h:5432:d:u:p", { host: "#h" }), null);
});

Deno.test("findPassword: localhost is for no host and for the default socket directory", () => {
  const text = "localhost:5432:d:u:p";
  for (const host of ["", "localhost", "/tmp", "/var/run/postgresql"]) {
    assertEquals(find(text, { host }), "p", host);
  }
  assertEquals(find(text, { host: "/srv/sockets" }), null);
  assertEquals(find("/srv/sockets:5432:d:u:p", { host: "/srv/sockets" }), "p");
  assertEquals(find("/tmp:5432:d:u:p", { host: "/tmp" }), null);
});

Deno.test("findPassword: an address counts only where there is no name", () => {
  const text = "10.0.0.1:5432:d:u:p";
  assertEquals(find(text, { hostaddr: "10.0.0.1" }), null);
  assertEquals(find(text, { host: "", hostaddr: "10.0.0.1" }), "p");
  assertEquals(
    find("localhost:5432:d:u:p", { host: "", hostaddr: "::1" }),
    null,
  );
});

Deno.test("D15 openPasswordFile: trusts what only its owner can read, and warns once of the rest", async () => {
  await withHome(async (home) => {
    const path = `${home}/.pgpass`;
    assertEquals(await lookIn(home), { found: null, warnings: [] });
    for (const mode of [0o600, 0o400]) {
      await write(path, mode);
      assertEquals(await lookIn(home), { found: "secret", warnings: [] });
    }
    for (const mode of [0o640, 0o644, 0o604, 0o660, 0o601]) {
      await write(path, mode);
      const { found, warnings } = await lookIn(home);
      assertEquals(found, null);
      assertEquals(warnings.length, 1);
      assertStringIncludes(warnings[0] ?? "", path);
      assertStringIncludes(warnings[0] ?? "", "0600");
    }
    await Deno.remove(path);
    await Deno.mkdir(path, { mode: 0o700 });
    const { found, warnings } = await lookIn(home);
    assertEquals(found, null);
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0] ?? "", "not a plain file");
  });
  // What cannot be read is as good as absent.
  await withHome(async (home) => {
    await writeUnreadable(`${home}/.pgpass`);
    assertEquals(await lookIn(home), { found: null, warnings: [] });
  });
  assertEquals(find("*:5432:*:u:any"), "any");
  assertEquals(find("h:5432:d:u:a\\:b"), "a:b");
  assertEquals(find("localhost:5432:d:u:p", { host: "/tmp" }), "p");
});

Deno.test("openPasswordFile: passfile takes the place of ~/.pgpass, unless it is empty", async () => {
  await withHome(async (home) => {
    await write(`${home}/.pgpass`, 0o600);
    await Deno.writeTextFile(`${home}/other`, "*:*:*:*:other", { mode: 0o600 });
    const passfile = `${home}/other`;
    assertEquals((await lookIn(home, { passfile })).found, "other");
    assertEquals((await lookIn(home, { passfile: "" })).found, "secret");
    const missing = { passfile: `${home}/missing`, explicit: true };
    assertEquals(await lookIn(home, missing), { found: null, warnings: [] });
  });
});

Deno.test("openPasswordFile: a warning does not tell a path from a connection string", async () => {
  await withHome(async (home) => {
    await write(`${home}/hunter2`, 0o644);
    const passfile = `${home}/hunter2`;
    const { warnings } = await lookIn(home, { passfile, explicit: true });
    assertEquals(warnings.length, 1);
    assert(!warnings.join().includes("hunter2"));
    assertStringIncludes(warnings.join(), '"passfile"');
  });
});

Deno.test({
  name:
    "openPasswordFile: without the permission to read, only a file that was named is an error",
  permissions: { read: false, env: true },
  async fn() {
    const warn = () => {};
    const absent = await openPasswordFile({ warn });
    assertEquals(absent(KEY), null);
    const passfile = "/some/file";
    assertEquals((await openPasswordFile({ passfile, warn }))(KEY), null);
    const error = await assertRejects(
      () => openPasswordFile({ passfile, explicit: true, warn }),
      OperationalError,
      "--allow-read",
    );
    assert(!error.message.includes(passfile));
  },
});

Deno.test({
  name:
    "openPasswordFile: without the permission for the environment there is no default",
  permissions: { read: true, env: false, sys: false },
  async fn() {
    const lookup = await openPasswordFile({ warn: () => {} });
    assertEquals(lookup(KEY), null);
  },
});
