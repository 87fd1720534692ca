/**
 * The oldest Deno that pgts runs on, from npm.
 *
 * @module
 */

import { join } from "node:path";
import {
  cacheFolder,
  exists,
  removeAll,
  run,
  withCacheLock,
} from "../../scripts/server_cache.ts";

const VERSION = "2.7.1";

/**
 * The oldest Deno, downloaded if it is not here yet.
 *
 * @returns The path of the program.
 */
export async function oldestDeno(): Promise<string> {
  const path = join(await cacheFolder("bin"), `deno-${VERSION}`);
  if (!await exists(path)) {
    await withCacheLock(async () => {
      if (!await exists(path)) await download(path);
    });
  }
  return path;
}

/** The package holds the program and no code, so it is taken from Deno's cache. */
async function download(path: string): Promise<void> {
  const { os, arch } = Deno.build;
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  const name = `@deno/${os}-${cpu}${os === "linux" ? "-glibc" : ""}`;
  const work = await cacheFolder("tmp", crypto.randomUUID());
  try {
    await run(Deno.execPath(), {
      args: ["cache", "--no-config", "--quiet", `npm:${name}@${VERSION}`],
      cwd: work,
      env: { DENO_DIR: work, NO_COLOR: "1" },
    });
    for await (const registry of Deno.readDir(join(work, "npm"))) {
      const program = join(work, "npm", registry.name, name, VERSION, "deno");
      if (!await exists(program)) continue;
      await Deno.chmod(program, 0o755);
      await Deno.rename(program, path);
      return;
    }
    throw new Error(`Failed to find Deno ${VERSION} in the package "${name}"`);
  } finally {
    await removeAll(work);
  }
}
