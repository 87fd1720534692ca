/**
 * From a plan to what TLS needs: certificates, keys and revocation lists are
 * read and checked before a server is dialled.
 *
 * @module
 */

import {
  NotSupportedError,
  OperationalError,
  ProgrammingError,
} from "../errors/base.ts";
import { runtimeName } from "./environment.ts";
import { type Certificate, readCertificate } from "./tls_certificate.ts";
import { readRevocationLists, type RevocationList } from "./tls_crl.ts";
import { readPem, writePem } from "./tls_der.ts";
import {
  checkKeyFile,
  DEFAULT_FILES,
  defaultPath,
  loadDirectory,
  type Loaded,
  loadSource,
} from "./tls_files.ts";
import { type ClientIdentity, clientIdentity } from "./tls_key.ts";
import { holdsKey, type TlsPlan } from "./tls_options.ts";
import { canUseNodeTls, runtimeRoots } from "./tls_runtime.ts";

/** Everything that is needed to protect a connection. */
export interface TlsSettings {
  /** What was planned. */
  readonly plan: TlsPlan;
  /** What is checked of the server's certificate. */
  readonly verify: "nothing" | "chain" | "chain and name";
  /** What is trusted, as PEM texts; `null` for what the runtime trusts. */
  readonly roots: readonly string[] | null;
  /** What is trusted, as far as it is needed to follow a chain. */
  readonly rootCertificates: readonly Certificate[];
  /** What the client shows; `null` for nothing. */
  readonly identity: ClientIdentity | null;
  /** The revocation lists to ask; `null` if none is to be asked. */
  readonly lists: readonly RevocationList[] | null;
  /**
   * What does TLS: `Deno.startTls` where it can do all that is asked for, else
   * `node:tls`.
   */
  readonly stack: "Deno.startTls" | "node:tls";
}

/**
 * Reads what a plan needs.
 *
 * @param plan The plan.
 * @returns The settings; `null` if TLS is not to be tried, or may be left out
 * and this runtime cannot do what is asked of it.
 * @throws {OperationalError} If a file cannot be read or used, or there is
 * nothing to verify the server with.
 * @throws {ProgrammingError} If revocation is to be checked and nothing else is.
 * @throws {NotSupportedError} If TLS is demanded and this runtime cannot do it.
 */
export async function loadTls(plan: TlsPlan): Promise<TlsSettings | null> {
  if (!plan.steps.includes("tls")) return null;
  const [roots, identity] = await Promise.all([
    loadRoots(plan),
    loadIdentity(plan),
  ]);
  const isSystem = plan.roots.kind === "system";
  const verify = plan.mode === "verify-full"
    ? "chain and name"
    // With roots there is a reason to look at what they say.
    : roots !== null
    ? "chain"
    : "nothing";
  const lists = await loadLists(plan, roots !== null);
  const plain = isSystem && plan.mode === "verify-full" && identity === null &&
    lists === null && plan.sni && plan.minVersion === "TLSv1.2" &&
    plan.maxVersion === "TLSv1.3" && !plan.mustBind;
  if (!plain && !canUseNodeTls()) {
    // As libpq does where it was built without TLS.
    if (plan.steps.includes("plain")) return null;
    throw new NotSupportedError(
      `Cannot use sslmode=${plan.mode} here: ${runtimeName()} cannot tell whether the server is to be trusted, run Deno 2.8 or later, or use sslmode=verify-full with sslrootcert=system and nothing beside`,
    );
  }
  return {
    plan,
    verify,
    roots: roots?.map(({ der }) => writePem(der, "CERTIFICATE")) ?? null,
    rootCertificates: roots ?? (isSystem && lists ? systemRoots() : []),
    identity,
    lists,
    stack: plain ? "Deno.startTls" : "node:tls",
  };
}

async function loadRoots(plan: TlsPlan): Promise<Certificate[] | null> {
  if (plan.roots.kind === "system") return null;
  const loaded = await loadSource(plan.roots, DEFAULT_FILES.roots);
  if (loaded === null) {
    if (!plan.mode.startsWith("verify-")) return null;
    const path = defaultPath(DEFAULT_FILES.roots.file);
    throw new OperationalError(
      `Cannot verify the server as sslmode=${plan.mode} demands: ${
        path === null
          ? "no root certificate is given and the home directory is not known"
          : `no root certificate is given and the file "${path}" does not exist or must not be read`
      }, give the certificate as "sslrootcert", or use sslrootcert=system for those that the system trusts, or sslmode=require to verify nothing`,
    );
  }
  return readRoots(loaded);
}

function systemRoots(): Certificate[] {
  const roots = runtimeRoots();
  if (roots !== null) return roots;
  throw new OperationalError(
    'Cannot check revocation with sslrootcert=system: the permission to read what the runtime trusts is missing, run Deno with --allow-sys --allow-env, or give the root certificate as "sslrootcert"',
  );
}

function readRoots({ bytes, name }: Loaded): Certificate[] {
  let certificates: Certificate[];
  try {
    certificates = readPem(
      new TextDecoder().decode(bytes),
      /^(X509 )?CERTIFICATE$/,
    ).map(readCertificate);
  } catch {
    throw new OperationalError(
      `Cannot use ${name}: a root certificate in it is malformed`,
    );
  }
  if (certificates.length > 0) return certificates;
  throw new OperationalError(
    `Cannot use ${name}: there is no root certificate in it, it must be PEM text`,
  );
}

async function loadIdentity(plan: TlsPlan): Promise<ClientIdentity | null> {
  if (plan.certificate === null) return null;
  const certificate = await loadSource(
    plan.certificate,
    DEFAULT_FILES.certificate,
  );
  if (certificate === null) {
    if (plan.key.kind === "default") return null;
    throw new ProgrammingError(
      'Cannot use the parameter "sslkey": there is no certificate that belongs to it, give it as "sslcert"',
    );
  }
  const { certificate: { kind }, key } = plan;
  const isJoint = kind === "text" && key.kind === "default" &&
    holdsKey(new TextDecoder().decode(certificate.bytes));
  const loaded = isJoint ? certificate : await loadSource(
    key,
    DEFAULT_FILES.key,
  );
  if (loaded === null) {
    throw new OperationalError(
      `Cannot use ${certificate.name}: there is no key that belongs to it, give it as "sslkey"`,
    );
  }
  if (!isJoint) await checkKeyFile(key, loaded.name);
  return clientIdentity(certificate, loaded, plan.keyPassword());
}

async function loadLists(
  plan: TlsPlan,
  hasRoots: boolean,
): Promise<RevocationList[] | null> {
  const { revoked, revokedDirectory, roots } = plan;
  const isAsked = revokedDirectory !== null ||
    (revoked !== null && revoked.kind !== "default");
  if (!hasRoots && roots.kind !== "system") {
    if (!isAsked) return null;
    const keyword = revokedDirectory === null ? "sslcrl" : "sslcrldir";
    throw new ProgrammingError(
      `Cannot use the parameter "${keyword}": without root certificates nothing is verified, give them as "sslrootcert"`,
    );
  }
  // The default list belongs to the default roots and to files of them.
  if (!isAsked && roots.kind === "system") return null;
  const loaded: Loaded[] = [];
  if (revoked !== null) {
    const one = await loadSource(revoked, DEFAULT_FILES.revoked);
    if (one !== null) loaded.push(one);
    else if (!isAsked) return null;
  }
  if (revokedDirectory !== null) {
    loaded.push(...await loadDirectory(revokedDirectory));
  }
  return loaded.flatMap(({ bytes, name }) => {
    try {
      return readRevocationLists(bytes);
    } catch {
      throw new OperationalError(
        `Cannot use ${name}: the revocation list in it is malformed`,
      );
    }
  });
}
