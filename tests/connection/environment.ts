/**
 * An environment for tests that depend on variables.
 *
 * @module
 */

/**
 * Runs a function with these PG* variables and no others, and with these other
 * variables beside what there is.
 */
export function withEnvironment<T>(
  variables: Readonly<Record<string, string>>,
  run: () => T,
): T {
  const before = Deno.env.toObject();
  try {
    for (const name of Object.keys(before)) {
      if (name.startsWith("PG")) Deno.env.delete(name);
    }
    for (const [name, value] of Object.entries(variables)) {
      Deno.env.set(name, value);
    }
    return run();
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
    for (const [name, value] of Object.entries(before)) {
      Deno.env.set(name, value);
    }
  }
}

/** What a home directory holds: the text of files and their modes. */
export type Files = Readonly<
  Record<string, readonly [text: string, mode: number]>
>;

/** Runs with a home and with these PG* variables, in which `~` stands for the home. */
export async function inHome(
  files: Files,
  variables: Readonly<Record<string, string>>,
  run: (home: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  const before = Deno.env.toObject();
  try {
    for (const [name, [text, mode]] of Object.entries(files)) {
      await Deno.writeTextFile(`${home}/${name}`, text);
      await Deno.chmod(`${home}/${name}`, mode);
    }
    for (const name of Object.keys(before)) {
      if (/^PG(?!TS_)/.test(name)) Deno.env.delete(name);
    }
    Deno.env.set("HOME", home);
    for (const [name, value] of Object.entries(variables)) {
      Deno.env.set(name, value.replace("~", home));
    }
    await run(home);
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
    for (const [name, value] of Object.entries(before)) {
      Deno.env.set(name, value);
    }
    await Deno.remove(home, { recursive: true });
  }
}
