/**
 * The parameter `require_auth`: which methods of authentication a server may ask for.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { AuthMethodName } from "../protocol/auth.ts";

const METHODS: readonly AuthMethodName[] = [
  "password",
  "md5",
  "gss",
  "sspi",
  "scram-sha-256",
  "oauth",
  "none",
];

/**
 * Reads a list of methods. One with `!` before each takes these away from all;
 * any other names those that are left. `none` is a server that asks for nothing.
 *
 * @param value The parameter.
 * @param name How to name it in messages.
 * @returns The methods that are allowed, or `null` for any.
 * @throws {ProgrammingError} If a method is unknown or given twice, or if some
 * have a `!` and others have none.
 */
export function parseRequireAuth(
  value: string,
  name = 'the parameter "require_auth"',
): ReadonlySet<AuthMethodName> | null {
  if (value === "") return null;
  const parts = value.split(",");
  const negated = value.startsWith("!");
  const named = new Set<AuthMethodName>();
  for (const part of parts) {
    if (part.startsWith("!") !== negated) {
      throw new ProgrammingError(
        `Cannot use ${name}: some methods have a "!" and others have none, write it before each method or before none`,
      );
    }
    const text = negated ? part.slice(1) : part;
    const method = METHODS.find((one) => one === text);
    if (method === undefined) {
      throw new ProgrammingError(
        `Cannot use ${name}: invalid method, it must be one of ${
          METHODS.map((one) => `"${one}"`).join(", ")
        }, with commas and no spaces in between`,
      );
    }
    // Whoever writes a method twice meant another one the second time.
    if (named.has(method)) {
      throw new ProgrammingError(
        `Cannot use ${name}: the method "${method}" is given more than once`,
      );
    }
    named.add(method);
  }
  return negated ? new Set(METHODS).difference(named) : named;
}

/**
 * Whether a list names the method `password`, which is what it takes to send a
 * password in clear text over a connection that is not encrypted.
 *
 * @param value The parameter, which {@linkcode parseRequireAuth} accepts.
 * @returns Whether the method is listed; one that no `!` takes away is not.
 */
export function listsCleartext(value: string): boolean {
  return value.split(",").includes("password");
}
