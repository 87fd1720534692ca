/**
 * Which certificates there are for tests; `certificates.ts` makes them.
 *
 * @module
 */

/** What is special about a certificate. */
export interface Recipe {
  readonly subject: string;
  readonly names?: string;
  readonly issuer?: "ca" | "intermediate" | "other";
  readonly key?: readonly string[];
  readonly sign?: readonly string[];
  readonly dates?: readonly string[];
  readonly usage?: "serverAuth" | "clientAuth";
}

/** Arguments of `openssl genpkey`. */
export const EC: readonly string[] = [
  "-algorithm",
  "EC",
  "-pkeyopt",
  "ec_paramgen_curve:P-256",
];
/** Arguments of `openssl genpkey`. */
export const RSA: readonly string[] = [
  "-algorithm",
  "RSA",
  "-pkeyopt",
  "rsa_keygen_bits:2048",
];
/** The names of this machine. */
export const LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1";

/** The certificates, by name. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  good: { subject: "/CN=localhost", names: LOCAL },
  chained: { subject: "/CN=localhost", names: LOCAL, issuer: "intermediate" },
  wrong_name: { subject: "/CN=localhost", names: "DNS:wrong.example" },
  name_only: { subject: "/CN=localhost", names: "DNS:localhost" },
  cn_only: { subject: "/CN=localhost" },
  expired: {
    subject: "/CN=localhost",
    names: LOCAL,
    dates: ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
  },
  future: {
    subject: "/CN=localhost",
    names: LOCAL,
    dates: ["-startdate", "20900101000000Z", "-enddate", "20910101000000Z"],
  },
  revoked: { subject: "/CN=localhost", names: LOCAL },
  rsa: { subject: "/CN=localhost", names: LOCAL, key: RSA },
  rsa_pss: {
    subject: "/CN=localhost",
    names: LOCAL,
    issuer: "other",
    sign: [
      "-sigopt",
      "rsa_padding_mode:pss",
      "-sigopt",
      "rsa_pss_saltlen:digest",
      "-md",
      "sha384",
    ],
  },
  rsa_signed: { subject: "/CN=localhost", names: LOCAL, issuer: "other" },
  sha512: { subject: "/CN=localhost", names: LOCAL, sign: ["-md", "sha512"] },
  client: {
    subject: "/O=pgts/CN=tls_user",
    key: RSA,
    usage: "clientAuth",
  },
};
