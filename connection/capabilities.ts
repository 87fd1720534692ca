/**
 * What this version of pgts can do on this runtime, for programs that run with
 * several.
 *
 * @module
 */

import { NotSupportedError } from "../errors/base.ts";
import { isWindows, runtimeName } from "./environment.ts";
import { canUseNodeTls } from "./tls_runtime.ts";

/** The version of pgts. */
export const version = "0.1.0";

/** How a capability is asked for. */
export type CapabilityCheck = boolean | {
  /** Whether to throw where it is missing. */
  check?: boolean | undefined;
};

/** Tells whether a capability is there, or throws if asked to. */
export type CapabilityTest = (check?: CapabilityCheck) => boolean;

/**
 * What pgts can do. Every method returns whether a feature is there; with
 * `true` or `{ check: true }` it throws a NotSupportedError if it is not.
 */
export interface Capabilities {
  /** Whether passwords can be encrypted on the client. */
  readonly hasEncryptPassword: CapabilityTest;
  /** Whether the IP address that is connected to is known. */
  readonly hasHostaddr: CapabilityTest;
  /** Whether there is a pipeline mode. */
  readonly hasPipeline: CapabilityTest;
  /** Whether the form of a trace can be chosen. */
  readonly hasSetTraceFlags: CapabilityTest;
  /** Whether statements can be cancelled over the connection's own transport. */
  readonly hasCancelSafe: CapabilityTest;
  /** Whether `stream()` can be told how many rows to hold. */
  readonly hasStreamChunked: CapabilityTest;
  /** Whether prepared statements are closed by a message of the protocol. */
  readonly hasSendClosePrepared: CapabilityTest;
  /** Whether it can be told that GSSAPI was used. */
  readonly hasUsedGssapi: CapabilityTest;
  /** Whether the version of the protocol can be told with its minor number. */
  readonly hasFullProtocolVersion: CapabilityTest;
  /** Whether the owner of the server's process can be demanded. */
  readonly hasRequirePeer: CapabilityTest;
  /** Whether revoked certificates are refused. */
  readonly hasCrl: CapabilityTest;
  /** Whether there is a blocking API. */
  readonly hasSync: CapabilityTest;
  /** Whether Unix sockets can be connected to. */
  readonly hasUnixSocket: CapabilityTest;
}

/** What can be used, what it is called in messages, and whether it is there. */
function ask(
  feature: string,
  there: boolean | (() => boolean),
): CapabilityTest {
  return (check = false) => {
    const available = typeof there === "boolean" ? there : there();
    const demanded = typeof check === "boolean" ? check : check.check === true;
    if (demanded && !available) {
      throw new NotSupportedError(
        `Cannot use the feature "${feature}": it is not available in pgts ${version} on ${runtimeName()}`,
      );
    }
    return available;
  };
}

/**
 * What pgts can do.
 *
 * @example
 * ```ts
 * import { capabilities } from "@x/pgts";
 *
 * console.log(capabilities.hasPipeline()); // true
 * console.log(capabilities.hasUsedGssapi()); // false
 * ```
 */
export const capabilities: Capabilities = Object.freeze({
  hasEncryptPassword: ask("Connection.encryptPassword()", true),
  hasHostaddr: ask("ConnectionInfo.hostaddr", true),
  hasPipeline: ask("Connection.pipeline()", true),
  hasSetTraceFlags: ask("the flags of PgConn.trace()", true),
  hasCancelSafe: ask("Connection.cancelSafe()", true),
  hasStreamChunked: ask("the size of Cursor.stream()", true),
  hasSendClosePrepared: ask("closing prepared statements", true),
  hasUsedGssapi: ask("PgConn.usedGssapi", false),
  hasFullProtocolVersion: ask("ConnectionInfo.fullProtocolVersion", true),
  hasRequirePeer: ask("requirepeer", !isWindows()),
  hasCrl: ask("sslcrl", canUseNodeTls),
  hasSync: ask("the blocking API", false),
  hasUnixSocket: ask("Unix sockets", !isWindows()),
});
