/**
 * What the parameters of a connection say about TLS: whether, how and with
 * which files. Nothing is read here; `tls_material.ts` does that.
 *
 * The meanings are libpq's: see the section "SSL Support" of its documentation.
 * Where it would pass over what a user has asked for, this is an error.
 *
 * @module
 */

import { NotSupportedError, ProgrammingError } from "../errors/base.ts";
import { isPem } from "./tls_der.ts";

/** The values of `sslmode`. */
export type SslMode =
  | "disable"
  | "allow"
  | "prefer"
  | "require"
  | "verify-ca"
  | "verify-full";

/** Where something comes from that is a file or text. */
export type PemSource =
  /** The user has given the text itself. */
  | { readonly kind: "text"; readonly text: string }
  /** The user has named a file, which must be there. */
  | { readonly kind: "file"; readonly path: string }
  /** Nothing was given: the file in the user's home directory, if there is one. */
  | { readonly kind: "default" };

/** The versions of TLS that runtimes still speak. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** How a connection is to be protected. */
export interface TlsPlan {
  /** What is asked of TLS. */
  readonly mode: SslMode;
  /**
   * What to try, in this order, on a connection each. Where `plain` follows
   * `tls`, a server that has no TLS is talked to in clear text on the same
   * connection.
   */
  readonly steps: readonly ("plain" | "tls")[];
  /**
   * Whether a handshake that fails is followed by an attempt in clear text. Only
   * for who has written `prefer`: it is not done by default.
   */
  readonly plainAfterFailure: boolean;
  /** Whether TLS begins at once, without asking for it. */
  readonly direct: boolean;
  /** What is trusted; `system` is what the runtime trusts. */
  readonly roots: PemSource | { readonly kind: "system" };
  /** The certificate of the client; `null` for none. */
  readonly certificate: PemSource | null;
  /** Its key. */
  readonly key: PemSource;
  /** The password of the key, apart from what could be printed. */
  readonly keyPassword: () => string | null;
  /** The revocation lists; `null` for none. */
  readonly revoked: PemSource | null;
  /** A directory of such lists; `null` for none. */
  readonly revokedDirectory: string | null;
  /** Whether the host is named in clear text when TLS begins. */
  readonly sni: boolean;
  /** The oldest version. */
  readonly minVersion: TlsVersion;
  /** The newest version. */
  readonly maxVersion: TlsVersion;
  /** Whether the session must be bound to the channel. */
  readonly mustBind: boolean;
}

type Parameters = Readonly<Record<string, string>>;

const MODES: readonly string[] = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] satisfies SslMode[];
const SYSTEM = "system";

/**
 * Works out how a connection is to be protected.
 *
 * @param parameters The parameters by libpq's keyword. `sslmode` must be there
 * if the user has given it, even where it is the default.
 * @param options The secret ones, which are kept apart, and whether the
 * connection goes over a Unix socket, where there is no TLS.
 * @returns The plan.
 * @throws {ProgrammingError} If a value is none that is known, or two of them
 * contradict each other.
 * @throws {NotSupportedError} If something is asked for that no runtime does.
 */
export function planTls(
  parameters: Parameters,
  options: {
    readonly sslPassword?: string | null;
    readonly unixSocket?: boolean;
  } = {},
): TlsPlan {
  const { sslPassword = null, unixSocket = false } = options;
  const mode = unixSocket ? "disable" : modeOf(parameters);
  const direct = isDirect(parameters, mode);
  const plan: TlsPlan = {
    mode,
    steps: stepsOf(mode),
    plainAfterFailure: mode === "prefer" && Boolean(parameters.sslmode),
    direct,
    roots: parameters.sslrootcert === SYSTEM
      ? { kind: "system" }
      : sourceOf(parameters.sslrootcert),
    certificate: parameters.sslcertmode === "disable"
      ? null
      : sourceOf(parameters.sslcert),
    key: sourceOf(parameters.sslkey),
    keyPassword: () => sslPassword,
    revoked: revokedOf(parameters),
    revokedDirectory: parameters.sslcrldir || null,
    // As libpq, which looks for a 1 and takes all else for "no".
    sni: (parameters.sslsni || "1").startsWith("1"),
    minVersion: minVersionOf(parameters),
    maxVersion: "TLSv1.3",
    mustBind: parameters.channel_binding === "require",
  };
  if (mode === "disable") return plan;
  refuseUnsupported(parameters);
  return { ...plan, maxVersion: maxVersionOf(parameters) };
}

function modeOf({ sslmode, sslrootcert }: Parameters): SslMode {
  const given = sslmode || (sslrootcert === SYSTEM ? "verify-full" : "prefer");
  if (!isMode(given)) {
    throw new ProgrammingError(
      `Cannot use the parameter "sslmode": invalid value, it must be ${
        MODES.map((one) => `"${one}"`).join(", ")
      }`,
    );
  }
  if (sslrootcert === SYSTEM && given !== "verify-full") {
    throw new ProgrammingError(
      `Cannot use the parameter "sslmode" with the value "${given}": it is too weak for sslrootcert=system, whose certificates anybody can get for a host of their own, use "verify-full"`,
    );
  }
  return given;
}

function isMode(value: string): value is SslMode {
  return MODES.includes(value);
}

function stepsOf(mode: SslMode): TlsPlan["steps"] {
  switch (mode) {
    case "disable":
      return ["plain"];
    case "allow":
      return ["plain", "tls"];
    case "prefer":
      return ["tls", "plain"];
    default:
      return ["tls"];
  }
}

function isDirect({ sslnegotiation }: Parameters, mode: SslMode): boolean {
  switch (sslnegotiation || "postgres") {
    case "postgres":
      return false;
    case "direct":
      break;
    default:
      throw new ProgrammingError(
        'Cannot use the parameter "sslnegotiation": invalid value, it must be "postgres" or "direct"',
      );
  }
  if (mode === "allow" || mode === "prefer") {
    throw new ProgrammingError(
      `Cannot use the parameter "sslmode" with the value "${mode}": it is too weak for sslnegotiation=direct, which leaves no way back to clear text, use "require", "verify-ca" or "verify-full"`,
    );
  }
  return mode !== "disable";
}

function sourceOf(value: string | undefined): PemSource {
  if (!value) return { kind: "default" };
  return isPem(value)
    ? { kind: "text", text: value }
    : { kind: "file", path: value };
}

/** The default list counts only where no list and no directory is named. */
function revokedOf({ sslcrl, sslcrldir }: Parameters): PemSource | null {
  return !sslcrl && sslcrldir ? null : sourceOf(sslcrl);
}

function minVersionOf({ ssl_min_protocol_version }: Parameters): TlsVersion {
  return versionOf(ssl_min_protocol_version) === "TLSv1.3"
    ? "TLSv1.3"
    : "TLSv1.2";
}

function maxVersionOf(
  { ssl_max_protocol_version: given }: Parameters,
): TlsVersion {
  const version = versionOf(given) ?? "TLSv1.3";
  if (version === "TLSv1.2" || version === "TLSv1.3") return version;
  throw new NotSupportedError(
    `Cannot use the parameter "ssl_max_protocol_version" with the value "${version}": TLS that old is broken and no longer spoken, use "TLSv1.2" or "TLSv1.3"`,
  );
}

function versionOf(value: string | undefined): string | null {
  const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
  const lower = value?.toLowerCase();
  return versions.find((one) => one.toLowerCase() === lower) ?? null;
}

/** What cannot be done is never passed over. */
function refuseUnsupported(parameters: Parameters): void {
  const { sslcertmode, sslkeylogfile, sslkey, sslcert } = parameters;
  if (sslcertmode === "require") {
    throw new NotSupportedError(
      'Cannot use the parameter "sslcertmode" with the value "require": no runtime tells whether the server has asked for a certificate, use "allow" and let pg_hba.conf demand one',
    );
  }
  if (sslkeylogfile) {
    throw new NotSupportedError(
      'Cannot use the parameter "sslkeylogfile": no runtime gives away the keys of its connections, leave it out',
    );
  }
  if (sslkey?.startsWith("engine:")) {
    throw new NotSupportedError(
      'Cannot use the parameter "sslkey" with an engine: pgts reads keys from files and text only',
    );
  }
  if (sslcert && isPem(sslcert) && !sslkey && !holdsKey(sslcert)) {
    throw new ProgrammingError(
      'Cannot use the parameter "sslcert": it is given as text, so "sslkey" must be given too',
    );
  }
}

/** Whether text has a key in it beside what else it has. */
export function holdsKey(text: string): boolean {
  return /-----BEGIN ([A-Z]+ )*PRIVATE KEY-----/.test(text);
}
