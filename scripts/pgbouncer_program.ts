/**
 * Where PgBouncer is on this machine.
 *
 * @module
 */

/** Where Debian and others put it, which is not always in PATH. */
const PATHS = [
  "/usr/sbin/pgbouncer",
  "/usr/bin/pgbouncer",
  "/usr/local/sbin/pgbouncer",
  "/usr/local/bin/pgbouncer",
  "/opt/homebrew/bin/pgbouncer",
];

/** The path of the program; `null` if it is not installed. */
export const PGBOUNCER: string | null = PATHS.find(isFile) ?? null;

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
