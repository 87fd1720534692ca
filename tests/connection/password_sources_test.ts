/**
 * Where passwords come from: a function, the password file, the environment.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { InvalidPassword } from "../../errors/mod.ts";
import {
  connect,
  ConnectionTimeout,
  type ConnectOptions,
  type DictRow,
  OperationalError,
} from "../../mod.ts";
import { testServer } from "../support/database.ts";
import { type Files, inHome } from "./environment.ts";
import { assertError, open, pause, quiet, rejection } from "./support.ts";

const PASSWORD = "scram pass";
const { host, port, socketDir } = testServer();

/** Connects, and gives who the server says it is, or the error. */
async function login(
  options: ConnectOptions<DictRow> = {},
): Promise<{ user: unknown; error: unknown; warnings: string[] }> {
  const warnings: string[] = [];
  try {
    await using conn = await connect({
      host,
      port,
      dbname: "postgres",
      user: "pgts_scram",
      onWarning: (message) => warnings.push(message),
      ...options,
    });
    const row = await conn.execute("select session_user as u").fetchOne();
    return { user: row?.u, error: null, warnings };
  } catch (error) {
    return { user: null, error, warnings };
  }
}

async function accepted(
  options: ConnectOptions<DictRow> = {},
): Promise<void> {
  const { user, error, warnings } = await login(options);
  assertEquals([error, user, warnings], [null, "pgts_scram", []]);
}

/** That there is no password, as the driver says, or the wrong one, as the server does. */
async function refused(
  options: ConnectOptions<DictRow>,
  why: "missing" | "wrong",
): Promise<string[]> {
  const { error, warnings } = await login(options);
  if (why === "wrong") assert(error instanceof InvalidPassword, String(error));
  else {
    assert(error instanceof OperationalError, String(error));
    assertEquals(error.sqlstate, null);
    assertStringIncludes(error.message, "password");
  }
  return warnings;
}

/** Runs while the role has another password. */
async function withPassword(
  password: string,
  run: () => Promise<void>,
): Promise<void> {
  await using admin = await open();
  const change = (to: string) =>
    admin.execute(`alter role pgts_scram password '${to}'`);
  await change(password);
  try {
    await run();
  } finally {
    await change(PASSWORD);
  }
}

Deno.test(
  "D13 connect: a function gives the password: async, rejecting, throwing, slow, another each time",
  quiet(async () => {
    const user = "pgts_scram";
    let calls = 0;
    const give = async () => {
      calls++;
      await pause(5);
      return PASSWORD;
    };
    for (let i = 1; i <= 3; i++) {
      await using conn = await open({ user, password: give });
      assertEquals(calls, i);
      await conn.execute("select 1");
      assertEquals(calls, i, "asked once for each connection");
    }
    // Who needs no password is not asked for one.
    await using _trusted = await open({ password: give });
    assertEquals(calls, 3);

    const refusal = new Error("the vault is sealed");
    const throwing = (): string => {
      throw refusal;
    };
    for (const password of [() => Promise.reject(refusal), throwing]) {
      const error = await rejection(open({ user, password }));
      const reasons: unknown[] = [];
      for (
        let one: unknown = error;
        one instanceof Error;
        one = one.cause
      ) reasons.push(one);
      assert(reasons.includes(refusal), Deno.inspect(error));
    }

    const tokens = ["stale", PASSWORD, "stale again"];
    const rotate = () => Promise.resolve(tokens.shift() ?? "");
    assertError(await rejection(open({ user, password: rotate })), {
      class: InvalidPassword,
      sqlstate: "28P01",
      usable: false,
    });
    await using _rotated = await open({ user, password: rotate });
    assertEquals(tokens, ["stale again"]);

    const start = performance.now();
    const slow = async () => {
      await pause(600);
      return PASSWORD;
    };
    const late = open({ user, password: slow, connectTimeout: 0.2 });
    assertError(await rejection(late), {
      class: ConnectionTimeout,
      says: ["connect_timeout"],
      usable: false,
    });
    assert(performance.now() - start < 500);
    const reason = new Error("no longer wanted");
    const signal = AbortSignal.timeout(20);
    const controller = new AbortController();
    signal.addEventListener("abort", () => controller.abort(reason));
    const aborted = open({ user, password: slow, signal: controller.signal });
    assertStrictEquals(await rejection(aborted), reason);
    await pause(700); // until the slow ones have come to their ends
    await using _patient = await open({ user, password: slow });
  }),
);

Deno.test(
  "D15 connect: ~/.pgpass by its mode, a directory, an unreadable file, wildcards, escapes, localhost",
  quiet(async () => {
    const right = `${host}:${port}:postgres:pgts_scram:${PASSWORD}\n`;
    for (const mode of [0o600, 0o400]) {
      await inHome({ ".pgpass": [right, mode] }, {}, () => accepted());
    }
    for (const mode of [0o640, 0o644]) {
      await inHome({ ".pgpass": [right, mode] }, {}, async (home) => {
        const warnings = await refused({}, "missing");
        assertEquals(warnings.length, 1);
        assertStringIncludes(warnings[0]!, `${home}/.pgpass`);
        assertStringIncludes(warnings[0]!, "0600");
      });
    }
    await inHome({}, {}, async (home) => {
      assertEquals(await refused({}, "missing"), [], "there is none");
      await Deno.mkdir(`${home}/.pgpass`, { mode: 0o700 });
      const warnings = await refused({}, "missing");
      assertEquals(warnings.length, 1);
      assertStringIncludes(warnings[0]!, "not a plain file");
    });
    await inHome({ ".pgpass": [right, 0o200] }, {}, async (home) => {
      // The superuser may read everything, but nothing that is larger than memory.
      if (Deno.uid() === 0) await Deno.truncate(`${home}/.pgpass`, 3 * 2 ** 30);
      assertEquals(await refused({}, "missing"), []);
    });
    const others = `# ${right}nohost:*:*:*:no\n${host}:1:*:*:no\n`;
    for (
      const line of [`*:*:*:*:${PASSWORD}`, `${host}:*:postgres:*:${PASSWORD}`]
    ) {
      const text = `${others}${line}\n*:*:*:*:too late\n`;
      await inHome({ ".pgpass": [text, 0o600] }, {}, () => accepted());
    }
    await inHome(
      { ".pgpass": [`*:*:*:*:first\n${right}`, 0o600] },
      {},
      async () => void await refused({}, "wrong"),
    );
    // The default directory of sockets is localhost in the file, another one is itself.
    const text = `localhost:*:*:*:no\n${socketDir}:*:*:*:${PASSWORD}\n`;
    await inHome(
      { ".pgpass": [text, 0o600] },
      {},
      () => accepted({ host: socketDir }),
    );
    const local = `${host}:*:*:*:no\nlocalhost:*:*:*:${PASSWORD}\n`;
    await inHome(
      { ".pgpass": [local, 0o600] },
      {},
      () => accepted({ host: "localhost" }),
    );
    const escaped = `*:*:*:pgts_\\scram:a\\:b\\\\c\n`;
    await withPassword("a:b\\c", async () => {
      await inHome({ ".pgpass": [escaped, 0o600] }, {}, () => accepted());
    });
  }),
);

Deno.test(
  "CONN-30 connect: passfile, PGPASSFILE and ~/.pgpass give a password where there is none",
  quiet(async () => {
    const files: Files = {
      ".pgpass": ["*:*:*:*:of the home", 0o600],
      "right": [`*:*:*:pgts_scram:${PASSWORD}\n`, 0o600],
      "wrong": ["*:*:*:*:of the variable", 0o600],
    };
    await inHome(files, {}, async (home) => {
      await refused({}, "wrong");
      await accepted({ passfile: `${home}/right` });
      await accepted({ passfile: `${home}/wrong`, password: PASSWORD });
      await accepted({ password: () => PASSWORD });
      await refused({ passfile: `${home}/none` }, "missing");
    });
    await inHome(files, { PGPASSFILE: "~/right" }, async (home) => {
      await accepted();
      await refused({ passfile: `${home}/wrong` }, "wrong");
    });
    await inHome(files, { PGPASSWORD: PASSWORD }, () => accepted());
    // Each host has a line of its own.
    const lines = `nohost:*:*:*:no\n${host}:${port}:*:*:${PASSWORD}\n`;
    await inHome({ ".pgpass": [lines, 0o600] }, {}, async () => {
      await accepted({ host: `nohost.invalid,${host}`, port: `1,${port}` });
    });
  }),
);

Deno.test(
  "connect: a password that was changed counts for new sessions, and old ones go on",
  quiet(async () => {
    const user = "pgts_scram";
    await using before = await open({ user, password: PASSWORD });
    await withPassword("changed", async () => {
      assertError(await rejection(open({ user, password: PASSWORD })), {
        class: InvalidPassword,
        sqlstate: "28P01",
        usable: false,
      });
      const row = await before.execute("select 1 as one").fetchOne();
      assertEquals(row, { one: 1 });
      await using _after = await open({ user, password: "changed" });
    });
  }),
);
