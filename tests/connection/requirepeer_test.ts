import { assertRejects } from "@std/assert";
import { checkPeer } from "../../connection/requirepeer.ts";
import { NotSupportedError, OperationalError } from "../../errors/base.ts";

/** Runs with a Unix socket that this process listens on. */
async function withSocket(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/.s.PGSQL.5432`;
  try {
    using _listener = Deno.listen({ transport: "unix", path });
    await run(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function userName(uid: number): string {
  const line = Deno.readTextFileSync("/etc/passwd").split("\n")
    .find((line) => line.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? "";
}

const isUnix = Deno.build.os === "linux" || Deno.build.os === "darwin";

Deno.test({
  name:
    "checkPeer: the owner of the socket by name and by number, and nobody else",
  ignore: !isUnix,
  fn: () =>
    withSocket(async (path) => {
      const uid = Deno.uid() ?? -1;
      await checkPeer(path, String(uid));
      if (userName(uid) !== "") await checkPeer(path, userName(uid));
      const other = uid === 0 ? "nobody" : "root";
      await assertRejects(
        () => checkPeer(path, other),
        OperationalError,
        "belongs to",
      );
      await assertRejects(
        () => checkPeer(path, String(uid + 1)),
        OperationalError,
        "belongs to",
      );
      await assertRejects(
        () => checkPeer(path, "no such user"),
        OperationalError,
        "there is no user",
      );
      await assertRejects(
        () => checkPeer(`${path}x`, String(uid)),
        OperationalError,
        "cannot be found out",
      );
      await assertRejects(
        () => checkPeer("\0abstract", String(uid)),
        NotSupportedError,
      );
    }),
});
