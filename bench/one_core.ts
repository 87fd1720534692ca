/**
 * Puts the server and the clients on one core of the machine.
 *
 * What a single round trip takes depends on whether client and server share a
 * core: waking another core costs several times what any driver does, and the
 * scheduler changes its mind from run to run. On one core the work is what
 * counts. Needs `taskset` and a server on this machine.
 *
 * @module
 */

const CORE = "0";

/** What goes before a command to run it on that core. */
export const ON_ONE_CORE: readonly string[] = ["taskset", "--cpu-list", CORE];

/**
 * Puts a server on one core; its new sessions inherit that.
 *
 * @param pid The process ID of the postmaster.
 * @returns What takes that back when it is disposed of, or `null` where this
 * machine cannot do it.
 */
export async function useOneCore(
  pid: number,
): Promise<AsyncDisposable | null> {
  const before = await taskset([String(pid)]);
  const cores = before?.match(/: ([\d,-]+)\s*$/)?.[1];
  if (cores === undefined) return null;
  if (await taskset([CORE, String(pid)]) === null) return null;
  return {
    async [Symbol.asyncDispose]() {
      await taskset([cores, String(pid)]);
    },
  };
}

async function taskset(args: readonly string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("taskset", {
      args: ["--cpu-list", "--pid", ...args],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
