/**
 * Certificates, keys and revocation lists for tests, made by the `openssl`
 * program: version 3.0 or later, which must be installed. There is no fallback;
 * on a machine without it the tests that need certificates fail and say so.
 *
 * They are made once per process, in a folder of its own below the system's
 * folder for temporary files, which is removed when the next process makes
 * its own.
 *
 * @module
 */

import { join } from "node:path";
import {
  exists,
  giveToServerUser,
  isAlive,
  removeAll,
  run,
} from "../../scripts/server_cache.ts";
import { EC, LOCAL, type Recipe, RECIPES, RSA } from "./certificate_recipes.ts";

/** A certificate and its key, as files. */
export interface CertificateFiles {
  /** The certificate; below it those that lead to the root, where there are any. */
  readonly cert: string;
  /** The key, readable by the user that made it alone. */
  readonly key: string;
}

/** Everything that is made. */
export interface Certificates {
  /** The folder in which all files are. */
  readonly folder: string;
  /**
   * The path of a file.
   *
   * @param name Its name in the folder, such as `ca.crt`.
   */
  path(name: string): string;
  /**
   * The text of a file.
   *
   * @param name Its name in the folder.
   */
  text(name: string): string;
  /**
   * A certificate and its key, the key owned by the user that PostgreSQL runs as.
   *
   * @param name The name of the certificate.
   */
  server(name: string): CertificateFiles;
}

const CONFIG = `
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
[any]
commonName = supplied
organizationName = optional
`;

let made: Promise<Certificates> | null = null;

/**
 * The certificates, made on the first call.
 *
 * @returns Where they are.
 * @throws {Error} If there is no `openssl` program.
 */
export function certificates(): Promise<Certificates> {
  return made ??= make();
}

/** Whether certificates can be made on this machine. */
export async function hasOpenssl(): Promise<boolean> {
  return await run("openssl", { args: ["version"] }).then(
    () => true,
    () => false,
  );
}

async function make(): Promise<Certificates> {
  const temp = Deno.env.get("TMPDIR") || "/tmp";
  const folder = join(temp, `pgts-certificates-${Deno.pid}`);
  if (!await exists(join(folder, "done"))) {
    if (!await hasOpenssl()) {
      throw new Error(
        'Failed to make certificates: there is no "openssl" program, install it',
      );
    }
    await sweep(temp);
    await removeAll(folder);
    await Deno.mkdir(folder);
    await Deno.chmod(folder, 0o755);
    await makeAll(folder);
    await Deno.writeTextFile(join(folder, "done"), "");
  }
  const path = (name: string) => join(folder, name);
  return {
    folder,
    path,
    text: (name) => Deno.readTextFileSync(path(name)),
    server: (name) => ({
      cert: path(`${name}.crt`),
      key: path(`server-${name}.key`),
    }),
  };
}

/** Removes what ended processes have left. */
async function sweep(temp: string): Promise<void> {
  for await (const { name } of Deno.readDir(temp)) {
    const [, pid] = /^pgts-certificates-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) {
      await removeAll(join(temp, name));
    }
  }
}

async function makeAll(folder: string): Promise<void> {
  const openssl = (...args: string[]) =>
    run("openssl", { cwd: folder, args, env: { OPENSSL_CONF: "req.cnf" } });
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(folder, name), text);
  await write("req.cnf", CONFIG);
  await Promise.all([
    makeRoot("ca", "/CN=pgts test root"),
    makeRoot("other", "/CN=pgts other root", RSA),
    // The same name as the first root and another key: what a forger has.
    makeRoot("forger", "/CN=pgts test root"),
    makeRoot("self_signed", "/CN=localhost", EC, LOCAL),
    makeRoot("ed25519", "/CN=localhost", ["-algorithm", "ED25519"], LOCAL),
  ]);
  for (const name of ["self_signed", "ed25519"]) await makeServerKey(name);
  await request("intermediate", "/CN=pgts test intermediate");
  await authority("ca");
  await sign("ca", "intermediate", ["-extensions", "root"]);
  await authority("intermediate");
  await authority("other");
  await authority("forger");
  for (const [name, recipe] of Object.entries(RECIPES)) {
    await fromRecipe(name, recipe);
  }
  const chain = await text("intermediate.crt");
  await write("leaf_alone.crt", await text("chained.crt"));
  await write("chained.crt", await text("chained.crt") + chain);
  await lists();
  await clientKeys();

  async function makeRoot(
    name: string,
    subject: string,
    key: readonly string[] = EC,
    names?: string,
  ): Promise<void> {
    await makeKey(name, key);
    // deno-fmt-ignore
    await openssl(
      "req", "-x509", "-new", "-key", `${name}.key`, "-out", `${name}.crt`,
      "-subj", subject, "-days", "30", "-config", "req.cnf",
      "-extensions", "root",
      ...(names === undefined ? [] : ["-addext", `subjectAltName=${names}`]),
    );
  }

  async function makeKey(name: string, key: readonly string[]): Promise<void> {
    await openssl("genpkey", ...key, "-out", `${name}.key`);
    await Deno.chmod(join(folder, `${name}.key`), 0o600);
  }

  /** A copy for the server, which refuses a key that is not its user's. */
  async function makeServerKey(name: string): Promise<void> {
    const copy = join(folder, `server-${name}.key`);
    await Deno.copyFile(join(folder, `${name}.key`), copy);
    await Deno.chmod(copy, 0o600);
    await giveToServerUser(copy);
  }

  async function request(
    name: string,
    subject: string,
    key: readonly string[] = EC,
  ): Promise<void> {
    await makeKey(name, key);
    // deno-fmt-ignore
    await openssl(
      "req", "-new", "-key", `${name}.key`, "-out", `${name}.csr`,
      "-subj", subject, "-config", "req.cnf",
    );
  }

  /** The files that `openssl ca` keeps its books in. */
  async function authority(name: string): Promise<void> {
    await write(`${name}.index`, "");
    await write(`${name}.index.attr`, "unique_subject = no\n");
    await write(`${name}.serial`, "1000\n");
    await write(
      `${name}.cnf`,
      `${CONFIG}
[ca]
default_ca = here
[here]
database = ${name}.index
serial = ${name}.serial
new_certs_dir = .
certificate = ${name}.crt
private_key = ${name}.key
default_md = sha256
default_days = 20
default_crl_days = 20
policy = any
`,
    );
  }

  async function sign(
    issuer: string,
    name: string,
    args: readonly string[],
  ): Promise<void> {
    // deno-fmt-ignore
    await openssl(
      "ca", "-batch", "-notext", "-config", `${issuer}.cnf`,
      "-in", `${name}.csr`, "-out", `${name}.crt`, ...args,
    );
  }

  async function fromRecipe(name: string, recipe: Recipe): Promise<void> {
    const { issuer = "ca", usage = "serverAuth" } = recipe;
    await request(name, recipe.subject, recipe.key);
    const names = recipe.names ? `subjectAltName = ${recipe.names}\n` : "";
    await write(
      `${name}.ext`,
      `basicConstraints = CA:FALSE\nextendedKeyUsage = ${usage}\n${names}`,
    );
    // deno-fmt-ignore
    await sign(issuer, name, [
      "-extfile", `${name}.ext`, ...(recipe.sign ?? []), ...(recipe.dates ?? []),
    ]);
    await makeServerKey(name);
  }

  function text(name: string): Promise<string> {
    return Deno.readTextFile(join(folder, name));
  }

  async function lists(): Promise<void> {
    const list = (authority: string, out: string, ...args: string[]) =>
      // deno-fmt-ignore
      openssl(
        "ca", "-gencrl", "-config", `${authority}.cnf`, "-out", out, ...args,
      );
    await list("ca", "ca_empty.crl");
    await list("intermediate", "intermediate_empty.crl");
    await list("other", "other.crl");
    await list(
      "other",
      "other_pss.crl",
      ...[
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:digest",
        "-md",
        "sha384",
      ],
    );
    await list("forger", "forged.crl");
    // deno-fmt-ignore
    await list(
      "ca", "ca_expired.crl", "-crl_lastupdate", "20200101000000Z",
      "-crl_nextupdate", "20210101000000Z",
    );
    // deno-fmt-ignore
    await list(
      "ca", "ca_future.crl", "-crl_lastupdate", "20900101000000Z",
      "-crl_nextupdate", "20910101000000Z",
    );
    await openssl("ca", "-config", "ca.cnf", "-revoke", "revoked.crt");
    await list("ca", "ca.crl");
    // deno-fmt-ignore
    await openssl(
      "ca", "-config", "intermediate.cnf", "-revoke", "leaf_alone.crt",
      "-crl_reason", "keyCompromise",
    );
    await list("intermediate", "intermediate.crl");
    await openssl("ca", "-config", "ca.cnf", "-revoke", "intermediate.crt");
    await list("ca", "ca_without_intermediate.crl");
    // deno-fmt-ignore
    await openssl(
      "crl", "-in", "ca.crl", "-outform", "DER", "-out", "ca_der.crl",
    );
    await write(
      "both_empty.crl",
      await text("ca_empty.crl") + await text("intermediate_empty.crl"),
    );
    await Deno.mkdir(join(folder, "lists"));
    for (const name of ["ca.crl", "intermediate_empty.crl"]) {
      await Deno.copyFile(join(folder, name), join(folder, "lists", name));
    }
  }

  async function clientKeys(): Promise<void> {
    // deno-fmt-ignore
    await openssl(
      "pkcs8", "-topk8", "-in", "client.key", "-out", "client_pkcs8.key",
      "-passout", "pass:key pass", "-v2", "aes-256-cbc",
    );
    // deno-fmt-ignore
    await openssl(
      "rsa", "-in", "client.key", "-out", "client_traditional.key",
      "-aes256", "-passout", "pass:key pass", "-traditional",
    );
    // deno-fmt-ignore
    await openssl(
      "pkcs8", "-topk8", "-nocrypt", "-in", "client.key",
      "-outform", "DER", "-out", "client_der.key",
    );
    await Deno.copyFile(
      join(folder, "client.key"),
      join(folder, "client_open.key"),
    );
    await Deno.chmod(join(folder, "client_open.key"), 0o644);
    for (const name of ["pkcs8", "traditional", "der"]) {
      await Deno.chmod(join(folder, `client_${name}.key`), 0o600);
    }
  }
}
