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
 * Runs Deno with its output shown. A signal that asks this process to end ends
 * the child first and then this process; a server that it owns follows.
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
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  try {
    const status = await child.status;
    if (stopped) Deno.exit(130);
    return status.code;
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  }
}
