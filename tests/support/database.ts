/**
 * Which PostgreSQL server the tests use. `deno task test` starts it.
 *
 * @module
 */

/** What a connection string says, as far as tests need it. */
export interface DsnParts {
  /** The host name, address or socket folder. */
  host: string;
  /** The TCP port. */
  port: number;
  /** The user. */
  user: string;
  /** The database. */
  dbname: string;
  /** The password, if there is one. */
  password?: string;
}

/** The server that the tests use. */
export interface TestServer {
  /** The address. */
  host: string;
  /** The TCP port, also part of the socket's name. */
  port: number;
  /** The folder of the Unix socket; "" if it is not known. */
  socketDir: string;
  /** A superuser who needs no password. */
  user: string;
}

/**
 * The connection string of the test server.
 *
 * @returns a keyword/value string
 * @throws {Error} if the test was not started by `deno task test`
 */
export function testDsn(): string {
  const dsn = Deno.env.get("PGTS_TEST_DSN");
  if (dsn) return dsn;
  throw new Error(
    "Failed to find the test server: PGTS_TEST_DSN is not set, run the test " +
      'by "deno task test -- NAME"',
  );
}

/**
 * The test server's address, for connections over TCP or the Unix socket.
 *
 * @returns its parts
 * @throws {Error} if the test was not started by `deno task test`
 */
export function testServer(): TestServer {
  const { host, port, user } = parseDsn(testDsn());
  const socketDir = Deno.env.get("PGTS_TEST_SOCKET_DIR") ?? "";
  return { host, port, socketDir, user };
}

/**
 * Reads a connection string, a keyword/value one or a URI. This is for tests
 * only, and knows nothing of pgts, so that it cannot share its mistakes.
 *
 * @param dsn the connection string
 * @returns its parts, with defaults for those that are missing
 */
export function parseDsn(dsn: string): DsnParts {
  const found = new Map<string, string>();
  if (/^postgres(ql)?:/.test(dsn)) {
    const url = new URL(dsn);
    found.set("host", decodeURIComponent(url.hostname));
    found.set("port", url.port);
    found.set("user", decodeURIComponent(url.username));
    found.set("password", decodeURIComponent(url.password));
    found.set("dbname", decodeURIComponent(url.pathname.slice(1)));
    for (const [name, value] of url.searchParams) found.set(name, value);
  } else {
    const pattern = /(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))/g;
    for (const [, name = "", quoted, bare = ""] of dsn.matchAll(pattern)) {
      found.set(name, (quoted ?? bare).replace(/\\(.)/g, "$1"));
    }
  }
  const user = found.get("user") || "postgres";
  const parts: DsnParts = {
    host: found.get("host") || "127.0.0.1",
    port: Number(found.get("port") || 5432),
    user,
    dbname: found.get("dbname") || user,
  };
  const password = found.get("password");
  if (password) parts.password = password;
  return parts;
}
