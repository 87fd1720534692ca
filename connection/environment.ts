/**
 * What the process knows of its surroundings: environment variables, the
 * operating system's user, the runtime.
 *
 * Nothing here ever prompts for a permission or throws for the lack of one:
 * what must not be known is absent. Files are read in `files.ts`.
 *
 * @module
 */

import { homedir, userInfo } from "node:os";

/** The parts of `Deno` that are used here, each of which another runtime may lack. */
interface Runtime {
  readonly env?: { get(name: string): string | undefined };
  readonly permissions?: {
    querySync?(descriptor: unknown): { readonly state: string };
  };
  readonly build?: { readonly os: string };
  readonly version?: { readonly deno: string };
}

interface Globals {
  readonly Deno?: Runtime;
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly platform?: string;
  };
  readonly navigator?: { readonly userAgent?: string };
}

const globals = globalThis as unknown as Globals;

/**
 * Whether a permission has been granted. Never prompts. Where the runtime has
 * no permissions to ask about, everything is granted.
 *
 * @param descriptor What `Deno.permissions.querySync` takes.
 * @returns Whether it may be used without a prompt.
 */
export function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  const { permissions } = globals.Deno ?? {};
  if (permissions?.querySync === undefined) return true;
  try {
    return permissions.querySync(descriptor).state === "granted";
  } catch {
    return false;
  }
}

/**
 * An environment variable.
 *
 * @param name Its name.
 * @returns Its value, or `null` if it is not set or must not be read.
 */
export function readEnv(name: string): string | null {
  return readVariable(name, false);
}

/**
 * Environment variables, many at a time: asks about permissions once where all
 * of them are granted.
 *
 * @returns What {@linkcode readEnv} does.
 */
export function environmentReader(): (name: string) => string | null {
  const isAllGranted = isGranted({ name: "env" });
  return (name) => readVariable(name, isAllGranted);
}

function readVariable(name: string, isEnvGranted: boolean): string | null {
  try {
    const { Deno: deno, process } = globals;
    if (deno?.env === undefined) return process?.env?.[name] ?? null;
    const isReadable = isEnvGranted ||
      isGranted({ name: "env", variable: name });
    if (!isReadable) return null;
    return deno.env.get(name) ?? null;
  } catch {
    return null;
  }
}

type SysKind = "uid" | "gid" | "username" | "homedir";

function areSysGranted(...kinds: SysKind[]): boolean {
  return kinds.every((kind) => isGranted({ name: "sys", kind }));
}

/**
 * The name of the operating system's user: the owner of the process where that
 * may be asked, else what the environment says.
 *
 * @returns The name, or `null` if it cannot be known.
 */
export function osUserName(): string | null {
  try {
    if (areSysGranted("uid", "gid", "username", "homedir")) {
      const { username } = userInfo();
      if (username) return username;
    }
  } catch {
    // A uid without an entry among the users: the environment may still know.
  }
  return readEnv("USER") || readEnv("LOGNAME") || readEnv("USERNAME") || null;
}

/**
 * The home directory of the user.
 *
 * @returns Its path, or `null` if it cannot be known.
 */
export function homeDirectory(): string | null {
  const home = readEnv("HOME") ||
    (isWindows() ? readEnv("USERPROFILE") : null);
  if (home) return home;
  try {
    return areSysGranted("homedir") ? homedir() || null : null;
  } catch {
    return null;
  }
}

/**
 * Whether this is Windows.
 *
 * @returns `true` on Windows.
 */
export function isWindows(): boolean {
  const { Deno: deno, process } = globals;
  return deno?.build?.os === "windows" || process?.platform === "win32";
}

/**
 * The runtime and its version, for messages.
 *
 * @returns For example `Deno 2.9.6`.
 */
export function runtimeName(): string {
  const version = globals.Deno?.version?.deno;
  if (version !== undefined) return `Deno ${version}`;
  return globals.navigator?.userAgent ?? "an unknown runtime";
}
