/**
 * The servers that the tests themselves rely on: that they start, stop, and
 * never outlive whoever started them.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type Server, startServer } from "../scripts/server.ts";
import { exists, isAlive, waitFor } from "../scripts/server_cache.ts";

/** Sends a startup message and returns the code of the authentication answer. */
async function authCode(conn: Deno.Conn, user: string): Promise<number> {
  const text = new TextEncoder().encode(
    `user\0${user}\0database\0postgres\0\0`,
  );
  const message = new Uint8Array(8 + text.length);
  const view = new DataView(message.buffer);
  view.setInt32(0, message.length);
  view.setInt32(4, 3 << 16);
  message.set(text, 8);
  await conn.write(message);
  const answer = new Uint8Array(9);
  let filled = 0;
  while (filled < 9) {
    const n = await conn.read(answer.subarray(filled));
    if (n === null) throw new Error("The server closed the connection");
    filled += n;
  }
  assertEquals(String.fromCharCode(answer[0]!), "R");
  return new DataView(answer.buffer).getInt32(5);
}

async function codeOverTcp(server: Server, user: string): Promise<number> {
  const { host: hostname, port } = server;
  using conn = await Deno.connect({ hostname, port });
  return await authCode(conn, user);
}

async function codeOverUnix(server: Server, user: string): Promise<number> {
  const path = `${server.socketDir}/.s.PGSQL.${server.port}`;
  using conn = await Deno.connect({ transport: "unix", path });
  return await authCode(conn, user);
}

async function startOwner(): Promise<{
  owner: Deno.ChildProcess;
  server: { pid: number; port: number; dataDir: string };
}> {
  const path = new URL("support/fixtures/owns_server.ts", import.meta.url);
  const owner = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path.pathname],
    stdout: "piped",
  }).spawn();
  const reader = owner.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The owner ended without starting a server");
    text += value;
  }
  await reader.cancel();
  return { owner, server: JSON.parse(text) };
}

Deno.test("startServer: two servers run at once and leave nothing", async () => {
  let pids: number[] = [];
  let folders: string[] = [];
  {
    await using one = await startServer();
    await using two = await startServer({
      settings: { application_name: "it's" },
      hba: ["host all denied 127.0.0.1/32 reject"],
    });
    assertNotEquals(one.port, two.port);
    assertNotEquals(one.dataDir, two.dataDir);
    for (const server of [one, two]) {
      assertEquals(await codeOverTcp(server, "postgres"), 0);
      assertEquals(await codeOverUnix(server, "postgres"), 0);
    }
    await assertRejects(() => codeOverTcp(two, "denied"));
    pids = [one.pid, two.pid];
    folders = [one.dataDir, two.dataDir, one.socketDir, two.socketDir];
  }
  assertEquals(pids.filter(isAlive), []);
  for (const folder of folders) assert(!await exists(folder), folder);
});

Deno.test("startServer: each role is asked for its kind of password", async () => {
  await using server = await startServer();
  for (const code of [codeOverTcp, codeOverUnix]) {
    assertEquals(await code(server, "pgts_scram"), 10);
    assertEquals(await code(server, "pgts_md5"), 5);
    assertEquals(await code(server, "pgts_clear"), 3);
  }
});

Deno.test("Server.restart: after a stop and after a kill, on the same port", async () => {
  await using server = await startServer();
  const { port, pid } = server;
  await server.stop("immediate");
  await assertRejects(() => codeOverTcp(server, "postgres"));
  await server.restart();
  assertEquals(await codeOverTcp(server, "postgres"), 0);
  server.kill("SIGKILL");
  await server.restart();
  assertEquals(await codeOverTcp(server, "postgres"), 0);
  assertEquals(server.port, port);
  assertNotEquals(server.pid, pid);
  assertStringIncludes(await server.log(), "automatic recovery");
});

Deno.test("startServer: a setting that the server refuses is an error with its log", async () => {
  const settings = { no_such_setting: "1" };
  const error = await assertRejects(() => startServer({ settings }), Error);
  assertStringIncludes(error.message, "no_such_setting");
});

Deno.test("startServer: a killed owner's server is gone after the next start", async () => {
  const { owner, server } = await startOwner();
  assert(isAlive(server.pid));
  owner.kill("SIGKILL");
  await owner.status;
  await using next = await startServer();
  assert(!isAlive(server.pid));
  assert(!await exists(server.dataDir));
  assertEquals(await codeOverTcp(next, "postgres"), 0);
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`startServer: a server ends by itself when its owner gets ${signal}`, async () => {
    const { owner, server } = await startOwner();
    owner.kill(signal);
    await owner.status;
    assert(await waitFor(() => !isAlive(server.pid), 10_000));
    const gone = async () => !await exists(server.dataDir);
    assert(await waitFor(gone, 10_000));
  });
}
