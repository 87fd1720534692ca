/**
 * The type of the connection parameters in an object of options. What they are
 * in a connection string, and what pgts does with each, is in
 * `conninfo_table.ts`.
 *
 * @module
 */

/** A value of a connection parameter; `null` and `undefined` leave it unset. */
export type ParameterValue = string | number | boolean | null | undefined;

/** Any text, without hiding the values that an editor could propose. */
// deno-lint-ignore ban-types
export type AnyText = string & {};

/** A password, or a function that gets one when the server asks for it. */
export type PasswordOption =
  | string
  | (() => string | Promise<string>)
  | null
  | undefined;

/** The parameters whose name in libpq is spelled otherwise than in camelCase. */
export type LibpqKeyword =
  | "application_name"
  | "channel_binding"
  | "client_encoding"
  | "connect_timeout"
  | "fallback_application_name"
  | "gssdelegation"
  | "gssencmode"
  | "gsslib"
  | "keepalives_count"
  | "keepalives_idle"
  | "keepalives_interval"
  | "krbsrvname"
  | "load_balance_hosts"
  | "max_protocol_version"
  | "min_protocol_version"
  | "oauth_client_id"
  | "oauth_client_secret"
  | "oauth_issuer"
  | "oauth_scope"
  | "require_auth"
  | "requirepeer"
  | "requiressl"
  | "scram_client_key"
  | "scram_server_key"
  | "ssl_max_protocol_version"
  | "ssl_min_protocol_version"
  | "sslcert"
  | "sslcertmode"
  | "sslcompression"
  | "sslcrl"
  | "sslcrldir"
  | "sslkey"
  | "sslkeylogfile"
  | "sslmode"
  | "sslnegotiation"
  | "sslpassword"
  | "sslrootcert"
  | "sslsni"
  | "target_session_attrs"
  | "tcp_user_timeout";

/** The parameters of a connection in libpq's own spelling. */
export type LibpqParameters = { [K in LibpqKeyword]?: ParameterValue };

/**
 * The parameters of a connection, in camelCase or in libpq's own spelling. They
 * mean what they mean to libpq; see the chapter "Parameter Key Words" of
 * PostgreSQL's documentation.
 *
 * A parameter that asks for what pgts cannot do is refused with a
 * NotSupportedError, never ignored.
 */
export interface ConnectionParameters extends LibpqParameters {
  /**
   * The name of the server, its address, or the directory of its Unix socket.
   * Several, with commas in between, are tried in order.
   *
   * @default {"localhost"}
   */
  host?: string | null | undefined;
  /** The IP address of the server, which saves looking up `host`. */
  hostaddr?: string | null | undefined;
  /**
   * The port, or the number in the name of the Unix socket.
   *
   * @default {5432}
   */
  port?: string | number | null | undefined;
  /** The database. By default the one named as the user. */
  dbname?: string | null | undefined;
  /** Another name of `dbname`. */
  database?: string | null | undefined;
  /** The role to connect as. By default the user of the operating system. */
  user?: string | null | undefined;
  /** The password, or a function that gets one when the server asks for it. */
  password?: PasswordOption;
  /**
   * A file of passwords, which is read where `password` is not given.
   *
   * @default {"~/.pgpass"}
   */
  passfile?: string | null | undefined;
  /** A service of the service file, whose parameters count where none are given here. */
  service?: string | null | undefined;
  /**
   * The most seconds that connecting may take, fractions allowed. 0 and less
   * wait without an end.
   *
   * @default {130}
   */
  connectTimeout?: string | number | null | undefined;
  /**
   * The encoding on the wire; `auto` is UTF8.
   *
   * @default {"UTF8"}
   */
  clientEncoding?: string | null | undefined;
  /** Command-line options for the server, such as `-c geqo=off`. */
  options?: string | null | undefined;
  /** What the session is called in `pg_stat_activity` and in the server's log. */
  applicationName?: string | null | undefined;
  /** The name where `applicationName` and PGAPPNAME are not set. */
  fallbackApplicationName?: string | null | undefined;
  /**
   * Whether the operating system watches over idle TCP connections.
   *
   * @default {true}
   */
  keepalives?: string | number | boolean | null | undefined;
  /** Seconds until the first keep-alive. Checked, without effect. */
  keepalivesIdle?: string | number | null | undefined;
  /** Seconds between keep-alives. Checked, without effect. */
  keepalivesInterval?: string | number | null | undefined;
  /** Lost keep-alives until the connection is. Checked, without effect. */
  keepalivesCount?: string | number | null | undefined;
  /** Milliseconds that data may stay unacknowledged. Checked, without effect. */
  tcpUserTimeout?: string | number | null | undefined;
  /**
   * Whether to use TLS, and how strictly the server is checked.
   *
   * @default {"prefer"}
   */
  sslMode?:
    | "disable"
    | "allow"
    | "prefer"
    | "require"
    | "verify-ca"
    | "verify-full"
    | AnyText
    | null
    | undefined;
  /** How TLS begins: asked for, or at once. */
  sslNegotiation?: "postgres" | "direct" | AnyText | null | undefined;
  /** Whether TLS compresses. Without effect: nobody does it any more. */
  sslCompression?: string | number | boolean | null | undefined;
  /** Old form of `sslMode: "require"`. */
  requireSsl?: string | number | boolean | null | undefined;
  /** The client's certificate: a file, or its text. */
  sslCert?: string | null | undefined;
  /** The key of the client's certificate: a file, or its text. */
  sslKey?: string | null | undefined;
  /** The password of the key. */
  sslPassword?: string | null | undefined;
  /** Whether a client certificate is sent. `require` is refused with TLS. */
  sslCertMode?: "disable" | "allow" | "require" | AnyText | null | undefined;
  /** The certificates to trust: a file, their text, or `system`. */
  sslRootCert?: string | null | undefined;
  /** A list of revoked certificates: a file, or its text. */
  sslCrl?: string | null | undefined;
  /** A directory of such lists. */
  sslCrlDir?: string | null | undefined;
  /**
   * Whether TLS names the host in clear text.
   *
   * @default {true}
   */
  sslSni?: string | number | boolean | null | undefined;
  /**
   * The oldest version of TLS. Older ones than 1.2 are never spoken.
   *
   * @default {"TLSv1.2"}
   */
  sslMinProtocolVersion?: string | null | undefined;
  /** The newest version of TLS. */
  sslMaxProtocolVersion?: string | null | undefined;
  /** Where to log the keys of TLS. Refused with TLS. */
  sslKeyLogFile?: string | null | undefined;
  /** The user that the server behind a Unix socket must belong to. */
  requirePeer?: string | null | undefined;
  /** The authentication methods to allow, or with `!` those to refuse. */
  requireAuth?: string | null | undefined;
  /** Whether SCRAM is bound to TLS. */
  channelBinding?:
    | "disable"
    | "prefer"
    | "require"
    | AnyText
    | null
    | undefined;
  /** The oldest version of the protocol to be content with. */
  minProtocolVersion?: "3.0" | "3.2" | "latest" | AnyText | null | undefined;
  /**
   * The newest version of the protocol to ask for. A server that has only older
   * ones makes it one of those; older poolers, such as PgBouncer 1.18,
   * refuse all but 3.0.
   *
   * @default {"3.0"}
   */
  maxProtocolVersion?: "3.0" | "3.2" | "latest" | AnyText | null | undefined;
  /** Whether GSSAPI encrypts. `require` is refused. */
  gssEncMode?: "disable" | "prefer" | "require" | AnyText | null | undefined;
  /** The Kerberos service. Without effect. */
  krbSrvName?: string | null | undefined;
  /** The GSSAPI library. Without effect. */
  gssLib?: string | null | undefined;
  /** Whether GSSAPI delegates credentials. Without effect. */
  gssDelegation?: string | number | boolean | null | undefined;
  /** Whether to be a replica. Refused for now. */
  replication?: string | boolean | null | undefined;
  /**
   * What kind of session is wanted. A host that has another makes room for the next.
   *
   * @default {"any"}
   */
  targetSessionAttrs?:
    | "any"
    | "read-write"
    | "read-only"
    | "primary"
    | "standby"
    | "prefer-standby"
    | AnyText
    | null
    | undefined;
  /**
   * Whether hosts are tried in random order.
   *
   * @default {"disable"}
   */
  loadBalanceHosts?: "disable" | "random" | AnyText | null | undefined;
  /**
   * The client key to use instead of the password in SCRAM: base64 of 32 bytes.
   * It needs `scramServerKey` beside it.
   */
  scramClientKey?: string | null | undefined;
  /** The server key that belongs to `scramClientKey`: base64 of 32 bytes. */
  scramServerKey?: string | null | undefined;
  /** The issuer of OAuth tokens. Refused. */
  oauthIssuer?: string | null | undefined;
  /** The client's name at the issuer. Refused. */
  oauthClientId?: string | null | undefined;
  /** The client's secret at the issuer. Refused. */
  oauthClientSecret?: string | null | undefined;
  /** The scope of the token. Refused. */
  oauthScope?: string | null | undefined;
}
