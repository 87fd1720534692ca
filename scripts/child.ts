/**
 * Runs Deno on something for a script and sees to it that the child ends when
 * the script is told to.
 *
 * @module
 */

const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The repository's root, where every child runs. */
export const ROOT: string = new URL("..", import.meta.url).pathname
  .replace(/\/$/, "");

/**
 * Runs Deno with its output shown.
 *
 * @param args the arguments
 * @param env what to add to the environment
 * @returns the exit code
 */
export async function deno(
  args: string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: ROOT,
    stdin: "null",
  }).spawn();
  const stop = (): void => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  try {
    const status = await child.status;
    return status.signal === null ? status.code : 130;
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  }
}
