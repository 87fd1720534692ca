/**
 * What of the runtime is used, and runtimes that lack some of it.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { realServer } from "./connection/tls_support.ts";
import { parseDsn, testDsn, testServer } from "./support/database.ts";
import { denoRun } from "./support/deno_run.ts";
import { codeImports } from "./support/import_graph.ts";
import { oldestDeno } from "./support/old_deno.ts";

const { host, port, socketDir } = testServer();
const { user, dbname } = parseDsn(testDsn());
const tls = await realServer();

const TCP = { host, port, user, dbname, sslMode: "disable" };
const UNIX = { host: socketDir, port, user, dbname };

/** Connects with each of the options in turn, and tells what came of it. */
const SCRIPT = `
for (const options of JSON.parse(Deno.args[0])) {
  try {
    await using conn = await pgts.connect({ autocommit: true, ...options });
    const { n } = await conn.execute("select %s::int8 as n", [1]).fetchOne();
    const sums = await conn.transaction((tx) =>
      Promise.all([1, 2].map(async (x) =>
        (await tx.execute("select %s + %s as sum", [x, x]).fetchOne()).sum
      ))
    );
    const signal = AbortSignal.timeout(50);
    const name = await conn.execute("select pg_sleep(9)", undefined, { signal })
      .then(() => "late", (error) => error.name);
    const { d } = await conn.execute("select %s::date as d", ["2026-01-02"])
      .fetchOne().catch((error) => ({ d: error.constructor.name }));
    console.log(typeof n, sums.join(), name, String(d));
  } catch (error) {
    console.log(error.constructor.name, error.message);
  }
}
`;

const WORKS = "bigint 2,4 TimeoutError 2026-01-02\n";

/** Tells when node:tls is loaded: nothing imports it, see the test of that. */
const TELL_OF_TLS = `
import process from "node:process";
const get = process.getBuiltinModule;
process.getBuiltinModule = (id) => {
  console.log("loaded", id);
  return get.call(process, id);
};
`;

Deno.test("Q10 connect: plain TCP and Unix sockets never load node:tls, on the oldest Deno as on the current one", async () => {
  for (const entry of Object.values(config.exports)) {
    const loads = (await codeImports(entry)).filter(({ to }) =>
      /^node:(tls|net|http|https)$/.test(to)
    );
    assertEquals(loads, [], entry);
  }
  const plain = [TCP, ...(socketDir === "" ? [] : [UNIX])];
  for (const deno of [Deno.execPath(), await oldestDeno()]) {
    const options = { flags: ["-A"], before: TELL_OF_TLS, deno };
    const { code, text } = await denoRun(SCRIPT, {
      ...options,
      args: [JSON.stringify(plain)],
    });
    assertEquals([code, text], [0, WORKS.repeat(plain.length)]);
    // It would be told.
    const secure = {
      host: "localhost",
      hostaddr: "127.0.0.1",
      port: tls.port,
      user: "ssl_only",
      dbname: "postgres",
      sslMode: "require",
    };
    const told = await denoRun(SCRIPT, {
      ...options,
      args: [JSON.stringify([secure])],
    });
    assertStringIncludes(told.text, "loaded node:tls");
    if (deno === Deno.execPath()) assertStringIncludes(told.text, WORKS);
    else assertStringIncludes(told.text, "NotSupportedError");
  }
});

Deno.test("connect: runtimes that lack some of Deno's API, or Temporal", async () => {
  const before = `
    for (const name of ["setKeepAlive", "setNoDelay", "ref", "unref"]) {
      delete Deno.TcpConn?.prototype[name];
      const { connect } = Deno;
      Deno.connect = async (options) =>
        Object.defineProperty(await connect(options), name, { value: undefined });
    }
    for (const name of ["permissions", "stat", "statSync", "uid", "version"]) {
      delete Deno[name];
    }
    delete globalThis.Temporal;
  `;
  const { text } = await denoRun(SCRIPT, {
    flags: ["-A"],
    args: [JSON.stringify([TCP, { ...TCP, sslMode: "prefer" }])],
    before,
  });
  const line = "bigint 2,4 TimeoutError NotSupportedError\n";
  assertEquals(text, line.repeat(2));
});

Deno.test("connect: in a worker that has the network alone", async () => {
  const script = `
    const url = new URL("./worker.ts", import.meta.url);
    Deno.writeTextFileSync(url, Deno.args[1]);
    const worker = new Worker(url, {
      type: "module",
      deno: { permissions: { net: [Deno.args[2]], read: false, env: false } },
    });
    const { promise, resolve, reject } = Promise.withResolvers();
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(JSON.parse(Deno.args[0]));
    console.log(typeof pgts.connect, await promise);
    worker.terminate();
  `;
  const inWorker = `
    import { connect } from ${JSON.stringify(import.meta.resolve("../mod.ts"))};
    self.onmessage = async ({ data }) => {
      try {
        await using conn = await connect(data);
        const row = await conn.execute("select 42 as n").fetchOne();
        self.postMessage("the worker has " + row.n);
      } catch (error) {
        self.postMessage(String(error));
      }
    };
  `;
  const { text } = await denoRun(script, {
    flags: ["-A", "--unstable-worker-options"],
    args: [JSON.stringify(TCP), inWorker, `${host}:${port}`],
  });
  assertStringIncludes(text, "the worker has 42");
});
