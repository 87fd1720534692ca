/**
 * What the tests of connections with TLS share: a real server with TLS, and
 * connecting to it through `connect()`.
 *
 * @module
 */

import { assert } from "@std/assert";
import { canUseNodeTls } from "../../connection/tls_runtime.ts";
import {
  connect,
  type Connection,
  type ConnectOptions,
  type DictRow,
} from "../../mod.ts";
import { type Server, startServer } from "../../scripts/server.ts";
import { type Certificates, certificates } from "../support/certificates.ts";
import { quiet } from "./support.ts";

/** Options of `connect()`. */
export type Options = ConnectOptions<DictRow>;

/** A test for runtimes whose `node:tls` can be relied on, that leaves no error to nobody. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !canUseNodeTls(), fn: quiet(fn) });
}

/** Connects to a port of this machine, whose name is `localhost`. */
export function connectTo(
  port: number,
  options: Options = {},
): Promise<Connection> {
  return connect({
    host: "localhost",
    hostaddr: "127.0.0.1",
    port,
    user: "postgres",
    dbname: "postgres",
    autocommit: true,
    ...options,
  });
}

/** What the server says of the session's TLS. */
export async function tlsOf(
  conn: Connection,
): Promise<Record<string, unknown>> {
  const row = await conn.execute(
    "select ssl, version, cipher, client_dn from pg_stat_ssl where pid = pg_backend_pid()",
  ).fetchOne();
  assert(row);
  return row;
}

/** A server with TLS, which runs while the tests of one file do. */
export class RealServer {
  /** The certificates. */
  readonly files: Certificates;
  /** The authority of the server's certificate, as a file. */
  readonly ca: string;
  #server: Server | null = null;

  /** @param files The certificates. */
  constructor(files: Certificates) {
    this.files = files;
    this.ca = files.path("ca.crt");
    Deno.test.beforeAll(() => this.#start());
    Deno.test.afterAll(async () => await this.#server?.[Symbol.asyncDispose]());
  }

  /** The server. */
  get started(): Server {
    assert(this.#server);
    return this.#server;
  }

  /** The port. */
  get port(): number {
    return this.started.port;
  }

  /** Connects. */
  connect(options: Options = {}): Promise<Connection> {
    return connectTo(this.port, options);
  }

  async #start(): Promise<void> {
    if (!canUseNodeTls()) return;
    const { cert, key } = this.files.server("good");
    this.#server = await startServer({
      settings: {
        ssl: "on",
        ssl_cert_file: cert,
        ssl_key_file: key,
        ssl_ca_file: this.ca,
        log_connections: "all",
      },
      hba: [
        "hostssl all tls_user 127.0.0.1/32 cert",
        "hostssl all ssl_only 127.0.0.1/32 trust",
        "hostnossl all ssl_only 127.0.0.1/32 reject",
        "hostssl all plain_only 127.0.0.1/32 reject",
        "hostnossl all plain_only 127.0.0.1/32 trust",
      ],
    });
    await using conn = await this.connect({ sslMode: "disable" });
    for (const role of ["tls_user", "ssl_only", "plain_only"]) {
      await conn.execute(`create role ${role} login`);
    }
  }
}

/** A server for the tests of the file that calls this. */
export async function realServer(): Promise<RealServer> {
  return new RealServer(await certificates());
}
