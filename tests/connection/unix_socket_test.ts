/**
 * Unix sockets: by path, by abstract name, and what is none.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OperationalError } from "../../mod.ts";
import { testServer } from "../support/database.ts";
import { assertError, open, quiet, rejection } from "./support.ts";

async function socketFailure(host: string, port = 5432): Promise<string> {
  const error = await rejection(open({ host, port }));
  return assertError(error, {
    class: OperationalError,
    says: [`Cannot connect to "${host}/.s.PGSQL.${port}"`],
    usable: false,
    reached: false,
  }).message;
}

Deno.test(
  "B17 connect: Unix sockets with too long a path, missing, not a socket, by path and abstract",
  quiet(async () => {
    const folder = await Deno.makeTempDir();
    try {
      const long = `/tmp/${"x".repeat(110)}`;
      assertStringIncludes(await socketFailure(long), "path is too long");
      assertStringIncludes(await socketFailure(`${folder}/no`), "No such file");
      await Deno.writeTextFile(`${folder}/.s.PGSQL.5432`, "no socket");
      assertStringIncludes(await socketFailure(folder), "refused");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    const { socketDir, port } = testServer();
    assert(socketDir !== "");
    await using conn = await open({ host: socketDir, port });
    await conn.execute("select 1");
    assertEquals(conn.info.host, socketDir);
    if (Deno.build.os !== "linux") return;

    // The server has no abstract name: one is made that passes everything on.
    const name = `pgts-${crypto.randomUUID()}`;
    using listener = Deno.listen({
      transport: "unix",
      path: `\0${name}/.s.PGSQL.${port}`,
    });
    const serving = relay(listener, `${socketDir}/.s.PGSQL.${port}`);
    {
      await using abstract = await open({ host: `@${name}`, port });
      await abstract.execute("select 1");
    }
    await serving;
  }),
);

/** Passes one connection on to a Unix socket, until both sides have ended it. */
async function relay(listener: Deno.UnixListener, to: string): Promise<void> {
  const near = await listener.accept();
  const far = await Deno.connect({ transport: "unix", path: to });
  await Promise.allSettled([
    near.readable.pipeTo(far.writable),
    far.readable.pipeTo(near.writable),
  ]);
}
