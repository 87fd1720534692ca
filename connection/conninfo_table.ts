/**
 * The table of connection parameters: what libpq 18 knows, and what pgts does
 * with each. A parameter that begins to work changes its line here.
 *
 * Whether the values of a connection fit the table is checked in
 * `conninfo_check.ts`.
 *
 * @module
 */

/** A connection parameter as libpq describes it. */
export interface ConninfoParameter {
  /** The name in connection strings. */
  readonly keyword: string;
  /** The environment variable that is used where the parameter is not given. */
  readonly envvar: string | null;
  /** The value that is used where neither is given. */
  readonly compiled: string | null;
  /** What a form would put beside its field. */
  readonly label: string;
  /** `*` for a secret, `D` for what only experts change, else empty. */
  readonly dispchar: string;
  /** The width of its field in a form. */
  readonly dispsize: number;
}

/** What the values of a parameter look like. */
export type ValueForm = "text" | "integer" | readonly string[];

/** What pgts does with a parameter. */
export interface Handling {
  /**
   * `works`: it has its effect. `inert`: it is checked and has no effect.
   * `refused`: a value that asks for what pgts cannot do is an error.
   */
  readonly status: "works" | "inert" | "refused";
  /** What its values look like; a list holds all that there are. */
  readonly form: ValueForm;
  /** Of a parameter that is refused: the values that ask for nothing special. */
  readonly accepted?: readonly string[];
}

/** A line of the table. */
export interface ParameterRow extends ConninfoParameter {
  /** The name in an object of options. */
  readonly option: string;
  /** What pgts does with it. */
  readonly handling: Handling;
}

const TEXT: Handling = { status: "works", form: "text" };
const INTEGER: Handling = { status: "works", form: "integer" };
const INERT: Handling = { status: "inert", form: "text" };
const INERT_INTEGER: Handling = { status: "inert", form: "integer" };
/** Refused unless empty. */
const REFUSED: Handling = { status: "refused", form: "text", accepted: [""] };

/** A parameter with a closed set of values, of which `accepted` ask for nothing special. */
function oneOf(
  form: readonly string[],
  ...accepted: readonly string[]
): Handling {
  return { status: "refused", form, accepted };
}

const REPLICATION: Handling = {
  status: "refused",
  form: "text",
  accepted: ["", "false", "off", "no", "0"],
};

/** From the oldest to the newest. In `ssl_min_protocol_version` the case is free. */
export const TLS_VERSIONS: readonly string[] = [
  "",
  "TLSv1",
  "TLSv1.1",
  "TLSv1.2",
  "TLSv1.3",
];
const PROTOCOL_VERSIONS: readonly string[] = ["3.0", "3.2", "latest"];

const TLS_VERSION: Handling = { status: "works", form: TLS_VERSIONS };
const SSL_MODE: Handling = {
  status: "works",
  form: ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
};
const SSL_NEGOTIATION: Handling = {
  status: "works",
  form: ["postgres", "direct"],
};
const SSL_CERT_MODE: Handling = {
  status: "works",
  form: ["disable", "allow", "require"],
};
const BINDING: Handling = {
  status: "works",
  form: ["disable", "prefer", "require"],
};
const GSS_MODE: Handling = oneOf(
  ["disable", "prefer", "require"],
  "disable",
  "prefer",
);
const SESSION: Handling = {
  status: "works",
  form: [
    "any",
    "read-write",
    "read-only",
    "primary",
    "standby",
    "prefer-standby",
  ],
};
const BALANCE: Handling = { status: "works", form: ["disable", "random"] };
const PROTOCOL: Handling = { status: "works", form: PROTOCOL_VERSIONS };

type Line = [
  keyword: string,
  option: string,
  envvar: string | null,
  compiled: string | null,
  label: string,
  dispchar: string,
  dispsize: number,
  handling: Handling,
];

// In libpq's order.
// deno-fmt-ignore
const LINES: readonly Line[] = [
  ["service", "service", "PGSERVICE", null, "Database-Service", "", 20, TEXT],
  ["user", "user", "PGUSER", null, "Database-User", "", 20, TEXT],
  ["password", "password", "PGPASSWORD", null, "Database-Password", "*", 20, TEXT],
  ["passfile", "passfile", "PGPASSFILE", null, "Database-Password-File", "", 64, TEXT],
  ["channel_binding", "channelBinding", "PGCHANNELBINDING", "prefer", "Channel-Binding", "", 8, BINDING],
  ["connect_timeout", "connectTimeout", "PGCONNECT_TIMEOUT", null, "Connect-timeout", "", 10, INTEGER],
  ["dbname", "dbname", "PGDATABASE", null, "Database-Name", "", 20, TEXT],
  ["host", "host", "PGHOST", null, "Database-Host", "", 40, TEXT],
  ["hostaddr", "hostaddr", "PGHOSTADDR", null, "Database-Host-IP-Address", "", 45, TEXT],
  ["port", "port", "PGPORT", "5432", "Database-Port", "", 6, TEXT],
  ["client_encoding", "clientEncoding", "PGCLIENTENCODING", null, "Client-Encoding", "", 10, TEXT],
  ["options", "options", "PGOPTIONS", "", "Backend-Options", "", 40, TEXT],
  ["application_name", "applicationName", "PGAPPNAME", null, "Application-Name", "", 64, TEXT],
  ["fallback_application_name", "fallbackApplicationName", null, null, "Fallback-Application-Name", "", 64, TEXT],
  ["keepalives", "keepalives", null, null, "TCP-Keepalives", "", 1, INTEGER],
  ["keepalives_idle", "keepalivesIdle", null, null, "TCP-Keepalives-Idle", "", 10, INERT_INTEGER],
  ["keepalives_interval", "keepalivesInterval", null, null, "TCP-Keepalives-Interval", "", 10, INERT_INTEGER],
  ["keepalives_count", "keepalivesCount", null, null, "TCP-Keepalives-Count", "", 10, INERT_INTEGER],
  ["tcp_user_timeout", "tcpUserTimeout", null, null, "TCP-User-Timeout", "", 10, INERT_INTEGER],
  ["sslmode", "sslMode", "PGSSLMODE", "prefer", "SSL-Mode", "", 12, SSL_MODE],
  ["sslnegotiation", "sslNegotiation", "PGSSLNEGOTIATION", "postgres", "SSL-Negotiation", "", 9, SSL_NEGOTIATION],
  ["sslcompression", "sslCompression", "PGSSLCOMPRESSION", "0", "SSL-Compression", "", 1, INERT],
  ["sslcert", "sslCert", "PGSSLCERT", null, "SSL-Client-Cert", "", 64, TEXT],
  ["sslkey", "sslKey", "PGSSLKEY", null, "SSL-Client-Key", "", 64, TEXT],
  ["sslcertmode", "sslCertMode", "PGSSLCERTMODE", null, "SSL-Client-Cert-Mode", "", 8, SSL_CERT_MODE],
  ["sslpassword", "sslPassword", null, null, "SSL-Client-Key-Password", "*", 20, TEXT],
  ["sslrootcert", "sslRootCert", "PGSSLROOTCERT", null, "SSL-Root-Certificate", "", 64, TEXT],
  ["sslcrl", "sslCrl", "PGSSLCRL", null, "SSL-Revocation-List", "", 64, TEXT],
  ["sslcrldir", "sslCrlDir", "PGSSLCRLDIR", null, "SSL-Revocation-List-Dir", "", 64, TEXT],
  ["sslsni", "sslSni", "PGSSLSNI", "1", "SSL-SNI", "", 1, TEXT],
  ["requirepeer", "requirePeer", "PGREQUIREPEER", null, "Require-Peer", "", 10, TEXT],
  ["require_auth", "requireAuth", "PGREQUIREAUTH", null, "Require-Auth", "", 14, TEXT],
  ["min_protocol_version", "minProtocolVersion", "PGMINPROTOCOLVERSION", null, "Min-Protocol-Version", "", 6, PROTOCOL],
  ["max_protocol_version", "maxProtocolVersion", "PGMAXPROTOCOLVERSION", null, "Max-Protocol-Version", "", 6, PROTOCOL],
  ["ssl_min_protocol_version", "sslMinProtocolVersion", "PGSSLMINPROTOCOLVERSION", "TLSv1.2", "SSL-Minimum-Protocol-Version", "", 8, TLS_VERSION],
  ["ssl_max_protocol_version", "sslMaxProtocolVersion", "PGSSLMAXPROTOCOLVERSION", null, "SSL-Maximum-Protocol-Version", "", 8, TLS_VERSION],
  ["gssencmode", "gssEncMode", "PGGSSENCMODE", "disable", "GSSENC-Mode", "", 8, GSS_MODE],
  ["krbsrvname", "krbSrvName", "PGKRBSRVNAME", "postgres", "Kerberos-service-name", "", 20, INERT],
  ["gsslib", "gssLib", "PGGSSLIB", null, "GSS-library", "", 7, INERT],
  ["gssdelegation", "gssDelegation", "PGGSSDELEGATION", "0", "GSS-delegation", "", 1, INERT],
  ["replication", "replication", null, null, "Replication", "D", 5, REPLICATION],
  ["target_session_attrs", "targetSessionAttrs", "PGTARGETSESSIONATTRS", "any", "Target-Session-Attrs", "", 15, SESSION],
  ["load_balance_hosts", "loadBalanceHosts", "PGLOADBALANCEHOSTS", "disable", "Load-Balance-Hosts", "", 8, BALANCE],
  ["scram_client_key", "scramClientKey", null, null, "SCRAM-Client-Key", "D", 64, TEXT],
  ["scram_server_key", "scramServerKey", null, null, "SCRAM-Server-Key", "D", 64, TEXT],
  ["oauth_issuer", "oauthIssuer", null, null, "OAuth-Issuer", "", 40, REFUSED],
  ["oauth_client_id", "oauthClientId", null, null, "OAuth-Client-ID", "", 40, REFUSED],
  ["oauth_client_secret", "oauthClientSecret", null, null, "OAuth-Client-Secret", "*", 40, REFUSED],
  ["oauth_scope", "oauthScope", null, null, "OAuth-Scope", "", 15, REFUSED],
  ["sslkeylogfile", "sslKeyLogFile", null, null, "SSL-Key-Log-File", "D", 64, TEXT],
];

/** The parameters by keyword, in libpq's order. */
export const PARAMETERS: ReadonlyMap<string, ParameterRow> = new Map(
  LINES.map((
    [keyword, option, envvar, compiled, label, dispchar, dispsize, handling],
  ) => [
    keyword,
    { keyword, option, envvar, compiled, label, dispchar, dispsize, handling },
  ]),
);

/** The setting that libpq once had instead of `sslmode`. */
export const REQUIRESSL = "requiressl";

/**
 * The `sslmode` that a value of `requiressl` stands for.
 *
 * @param value The value.
 * @returns `require` for what begins with a 1, else `prefer`.
 */
export function sslModeOfRequireSsl(value: string): string {
  return value.startsWith("1") ? "require" : "prefer";
}

/** By what the keys of an object of options become keywords. */
export const OPTION_KEYS: ReadonlyMap<string, string> = new Map([
  ...[...PARAMETERS.values()].flatMap(({ keyword, option }) =>
    [[option, keyword], [keyword, keyword]] as const
  ),
  ["database", "dbname"],
  ["requireSsl", REQUIRESSL],
  [REQUIRESSL, REQUIRESSL],
]);
