/**
 * Somebody in between: takes clients with TLS, shows a certificate, and passes
 * on what they say to a server, with TLS or without. So a scripted server has
 * TLS, and a real one has an attacker before it.
 *
 * @module
 */

import type { CertificateFiles } from "./certificates.ts";

/** How a {@linkcode TlsFront} behaves. */
export interface TlsFrontOptions {
  /** The port of the server on 127.0.0.1. */
  readonly target: number;
  /** The authority of the server's certificate, as PEM text; without it the server gets clear text. */
  readonly targetRoot?: string;
  /** What is shown to clients. */
  readonly shown: CertificateFiles;
  /** Changes what the server says. */
  readonly edit?: (bytes: Uint8Array) => Uint8Array;
  /** After how many bytes of TLS to a client its TCP connection is cut. */
  readonly cutAfter?: number;
  /** Whether clients that begin in clear text are passed on too, instead of hung up on. */
  readonly clearText?: boolean;
  /** The address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string;
  /** The protocols within TLS. @default {["postgresql"]} */
  readonly alpn?: string[];
}

/** What a client has begun with. */
export type Beginning = "request" | "direct" | "clear text" | "nothing";

/** Listens on a port of its own until it is disposed of. */
export class TlsFront implements AsyncDisposable {
  /** What each client has begun with, in the order of the connections. */
  readonly beginnings: Beginning[] = [];
  readonly #options: TlsFrontOptions;
  readonly #outer: Deno.TcpListener;
  readonly #inner: Deno.TlsListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks: Promise<void>[] = [];

  /** @param options How it behaves. */
  constructor(options: TlsFrontOptions) {
    this.#options = options;
    const here = { hostname: "127.0.0.1", port: 0 };
    this.#outer = Deno.listen({
      hostname: options.hostname ?? here.hostname,
      port: 0,
    });
    this.#inner = Deno.listenTls({
      ...here,
      cert: Deno.readTextFileSync(options.shown.cert),
      key: Deno.readTextFileSync(options.shown.key),
      alpnProtocols: options.alpn ?? ["postgresql"],
    });
    this.#tasks.push(
      this.#accept(this.#outer, (conn) => this.#begin(conn)),
      this.#accept(this.#inner, (conn) => this.#passOn(conn)),
    );
  }

  /** The port. */
  get port(): number {
    return this.#outer.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#outer.close();
    this.#inner.close();
    for (const conn of this.#open) this.#close(conn);
    for (let i = 0; i < this.#tasks.length; i++) await this.#tasks[i];
  }

  async #accept<C extends Deno.Conn>(
    listener: { accept(): Promise<C> },
    play: (conn: C) => Promise<void>,
  ): Promise<void> {
    for (;;) {
      let conn: C;
      try {
        conn = await listener.accept();
      } catch {
        return; // the listener is closed
      }
      this.#open.add(conn);
      // Whoever breaks off the handshake, or anything else, ends that alone.
      this.#tasks.push(play(conn).catch(() => this.#close(conn)));
    }
  }

  /** Answers what comes in clear text, and hands on what is encrypted. */
  async #begin(client: Deno.TcpConn): Promise<void> {
    client.setNoDelay(true);
    const first = new Uint8Array(4096);
    let count = await client.read(first) ?? 0;
    const beginning = count === 0
      ? "nothing"
      : first[0] === 0x16
      ? "direct"
      : first[4] === 4
      ? "request"
      : "clear text";
    this.beginnings.push(beginning);
    const isClear = beginning === "clear text";
    if (beginning === "nothing" || isClear && !this.#options.clearText) {
      return this.#close(client);
    }
    if (beginning === "request") {
      await client.write(Uint8Array.of(0x53));
      count = 0;
    }
    const port = isClear ? this.#options.target : this.#inner.addr.port;
    const inner = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#open.add(inner);
    inner.setNoDelay(true);
    if (count > 0) await writeAll(inner, first.subarray(0, count));
    await this.#join(client, inner, {
      limit: isClear ? Infinity : this.#options.cutAfter ?? Infinity,
    });
  }

  async #passOn(client: Deno.TlsConn): Promise<void> {
    await client.handshake();
    const { target: port, targetRoot, edit } = this.#options;
    const hostname = "127.0.0.1";
    const server = targetRoot === undefined
      ? await Deno.connect({ hostname, port })
      : await Deno.connectTls({
        hostname,
        port,
        caCerts: [targetRoot],
        alpnProtocols: ["postgresql"],
      });
    this.#open.add(server);
    await this.#join(client, server, edit === undefined ? {} : { edit });
  }

  /** Passes bytes on both ways, until one of the two ends. */
  async #join(
    client: Deno.Conn,
    server: Deno.Conn,
    { edit, limit = Infinity }: {
      edit?: (bytes: Uint8Array) => Uint8Array;
      limit?: number;
    },
  ): Promise<void> {
    const down = pump(server, client, { edit: edit ?? ((same) => same), limit })
      .then(async (whole) => {
        if (whole) await client.closeWrite().catch(() => {});
        this.#close(client);
        this.#close(server);
      });
    await pump(client, server, { edit: (same) => same, limit: Infinity });
    this.#close(server);
    await down;
  }

  #close(conn: Deno.Conn): void {
    this.#open.delete(conn);
    try {
      conn.close();
    } catch {
      // It is closed already.
    }
  }
}

/** Returns whether the end was reached, and not the limit. */
async function pump(
  from: Deno.Conn,
  to: Deno.Conn,
  { edit, limit }: { edit: (bytes: Uint8Array) => Uint8Array; limit: number },
): Promise<boolean> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    for (let sent = 0; sent < limit;) {
      const count = await from.read(buffer);
      if (count === null) return true;
      const bytes = edit(buffer.subarray(0, Math.min(count, limit - sent)));
      await writeAll(to, bytes);
      sent += bytes.length;
    }
    return false;
  } catch {
    return true; // one of the two has gone
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}
