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
