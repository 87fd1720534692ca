/**
 * A PostgreSQL with TLS for a file of tests, and what the tests do with it:
 * have it show one certificate or another, dial, log in.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { readPem } from "../../connection/tls_der.ts";
import { loadTls } from "../../connection/tls_material.ts";
import { planTls } from "../../connection/tls_options.ts";
import { canUseNodeTls } from "../../connection/tls_runtime.ts";
import { isHandshakeFailure } from "../../connection/tls_verdict.ts";
import {
  type DialledTransport,
  dialTls,
} from "../../connection/transport_tls.ts";
import { OperationalError } from "../../errors/base.ts";
import { type Server, startServer } from "../../scripts/server.ts";
import { type Certificates, certificates } from "./certificates.ts";
import { TlsSession } from "./tls_session.ts";

/** Parameters of a connection by libpq's keyword. */
export type Parameters = Record<string, string>;

/** How a test connects. */
export interface OpenOptions {
  readonly host?: string;
  readonly user?: string;
  readonly password?: string;
  readonly sslPassword?: string;
}

/** What a session's own row of `pg_stat_ssl` says. */
export const OF_SESSION: string =
  "select version, cipher, client_dn from pg_stat_ssl where pid = pg_backend_pid()";

/** A test for runtimes whose `node:tls` can be relied on: Deno 2.8 and later. */
export function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore: !canUseNodeTls(), fn });
}

/**
 * A server that takes TLS connections alone, and `tls_user` with a certificate
 * alone. It runs while the tests of one file do.
 */
export class TlsServer {
  /** The certificates. */
  readonly files: Certificates;
  #server: Server | null = null;
  #shown = "good";

  /** Registers the start and the end of the server with the tests of the file. */
  constructor(files: Certificates) {
    this.files = files;
    Deno.test.beforeAll(() => this.#start());
    Deno.test.afterAll(async () => await this.#server?.[Symbol.asyncDispose]());
  }

  /** The port, on 127.0.0.1. */
  get port(): number {
    return this.#started().port;
  }

  /** Has the server show another certificate from now on. */
  async show(name: string): Promise<void> {
    if (name === this.#shown) return;
    const { cert, key } = this.files.server(name);
    await Deno.writeTextFile(
      `${this.#started().dataDir}/postgresql.conf`,
      `ssl_cert_file = '${cert}'\nssl_key_file = '${key}'\n`,
      { append: true },
    );
    this.#started().kill("SIGHUP");
    const [expected] = readPem(this.files.text(`${name}.crt`), /^CERTIFICATE$/);
    for (let attempt = 0; attempt < 100; attempt++) {
      const { transport, tls } = await this.dial({ sslmode: "require" });
      transport.close();
      if (tls?.certificate?.toString() === expected?.toString()) {
        this.#shown = name;
        return;
      }
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`The server did not take the certificate "${name}"`);
  }

  /** Connects, and does not log in. */
  async dial(
    parameters: Parameters,
    { host = "localhost", sslPassword }: OpenOptions = {},
  ): Promise<DialledTransport> {
    const settings = await loadTls(
      planTls(parameters, { sslPassword: sslPassword ?? null }),
    );
    assert(settings);
    return await dialTls(
      { hostname: "127.0.0.1", port: this.port, keepAlive: true },
      { settings, host, plainAllowed: false },
      AbortSignal.timeout(10_000),
    );
  }

  /** Connects and logs in. */
  async open(
    parameters: Parameters,
    options: OpenOptions = {},
  ): Promise<TlsSession> {
    const { user = "postgres", password } = options;
    const { transport, tls } = await this.dial(parameters, options);
    const session = new TlsSession(transport, tls);
    try {
      await session.logIn({
        user,
        ...(password === undefined ? {} : { password }),
      });
    } catch (error) {
      transport.close();
      throw error;
    }
    return session;
  }

  /** Why the server is refused when it shows a certificate. */
  async refused(
    certificate: string,
    parameters: Parameters,
    host = "localhost",
  ): Promise<string> {
    await this.show(certificate);
    const error = await assertRejects(
      () => this.dial(parameters, { host }),
      OperationalError,
    );
    assert(isHandshakeFailure(error), error.message);
    return error.message;
  }

  /** Fails unless the server is accepted when it shows a certificate. */
  async accepted(
    certificate: string,
    parameters: Parameters,
    host = "localhost",
  ): Promise<void> {
    await this.show(certificate);
    await using session = await this.open(parameters, { host });
    assertEquals(await session.query("select 42"), [["42"]]);
  }

  #started(): Server {
    assert(this.#server);
    return this.#server;
  }

  async #start(): Promise<void> {
    if (!canUseNodeTls()) return;
    const { cert, key } = this.files.server("good");
    this.#server = await startServer({
      settings: {
        ssl: "on",
        ssl_cert_file: cert,
        ssl_key_file: key,
        ssl_ca_file: this.files.path("ca.crt"),
      },
      hba: [
        "hostssl all tls_user 127.0.0.1/32 cert",
        "hostnossl all all 127.0.0.1/32 reject",
      ],
    });
    await using session = await this.open({ sslmode: "require" });
    await session.query("create role tls_user login");
  }
}

/** A server for the tests of the file that calls this. */
export async function tlsServer(): Promise<TlsServer> {
  return new TlsServer(await certificates());
}
