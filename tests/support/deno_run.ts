/**
 * Scripts in a Deno of their own: with certain grants, in a certain environment,
 * by a certain version.
 *
 * @module
 */

/** How a script is run. */
export interface DenoRunOptions {
  /** What comes after `deno run`: grants. */
  readonly flags?: readonly string[];
  /** Its whole environment, beside what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Code that runs before pgts is imported. */
  readonly before?: string;
  /** Its arguments. */
  readonly args?: readonly string[];
  /** The program. By default the one that runs the tests. */
  readonly deno?: string;
  /** Whether it has a terminal, on which Deno could ask for a permission. */
  readonly terminal?: boolean;
  /**
   * After how many milliseconds it is ended.
   *
   * @default {60_000}
   */
  readonly limit?: number;
}

/** What a script did. */
export interface DenoRunResult {
  /** Its exit code. */
  readonly code: number;
  /** What it printed, errors and warnings included. */
  readonly text: string;
}

const ROOT = new URL("../..", import.meta.url);

/**
 * Runs a script that has all of `mod.ts` as `pgts`.
 *
 * @param script Its text.
 * @param options How.
 * @returns What it did.
 */
export async function denoRun(
  script: string,
  options: DenoRunOptions = {},
): Promise<DenoRunResult> {
  const {
    flags = [],
    env = {},
    args = [],
    terminal = false,
    limit = 60_000,
  } = options;
  const deno = options.deno ?? Deno.execPath();
  const mod = new URL("mod.ts", ROOT).href;
  const folder = await Deno.makeTempDir({ prefix: "pgts_run_" });
  const signal = AbortSignal.timeout(limit);
  try {
    const path = `${folder}/main.ts`;
    await Deno.writeTextFile(`${folder}/before.ts`, options.before ?? "");
    await Deno.writeTextFile(
      path,
      `import "./before.ts";\nimport * as pgts from "${mod}";\n${script}`,
    );
    const config = new URL("deno.json", ROOT).pathname;
    const command = [
      ...[deno, "run", "--quiet", "--no-lock", `--config=${config}`],
      ...[...flags, path, ...args],
    ];
    const [program = "", ...rest] = terminal
      ? ["script", "-qec", command.map(quote).join(" "), "/dev/null"]
      : command;
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: rest,
      cwd: ROOT,
      clearEnv: true,
      env: { ...surroundings(), ...env },
      stdin: "null",
      signal,
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What Deno needs to find its cache, npm and a temporary directory. */
export function surroundings(): Record<string, string> {
  const out: Record<string, string> = { NO_COLOR: "1", TERM: "dumb" };
  const names = ["PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "DENO_DIR"];
  const registry = ["NPM_CONFIG_REGISTRY", "HTTPS_PROXY", "DENO_CERT"];
  for (const name of [...names, ...registry]) {
    const value = Deno.env.get(name);
    if (value !== undefined) out[name] = value;
  }
  const home = out.XDG_CACHE_HOME ?? `${out.HOME}/.cache`;
  // The home directory is often another one, the cache is not.
  return { DENO_DIR: `${home}/deno`, ...out };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
