/**
 * An address that answers nothing: its queue of connections is full, so that the
 * kernel drops whatever asks for another one, as a dead route would.
 *
 * @module
 */

/** An address at which no connection is ever opened. */
export class BlackHole implements AsyncDisposable {
  /** The address, on the loopback interface. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #fillers: Deno.TcpConn[] = [];

  private constructor(hostname: string, port: number) {
    this.hostname = hostname;
    this.#listener = Deno.listen({ hostname, port, tcpBacklog: 1 });
    this.port = this.#listener.addr.port;
  }

  /**
   * Opens one.
   *
   * @param port The port; 0 for a free one.
   * @param hostname The address.
   */
  static async open(port = 0, hostname = "127.0.0.2"): Promise<BlackHole> {
    const hole = new BlackHole(hostname, port);
    try {
      await hole.#fill();
    } catch (error) {
      await hole[Symbol.asyncDispose]();
      throw error;
    }
    return hole;
  }

  async #fill(): Promise<void> {
    const { hostname, port } = this;
    for (let i = 0; i < 20; i++) {
      try {
        const signal = AbortSignal.timeout(200);
        this.#fillers.push(await Deno.connect({ hostname, port, signal }));
      } catch (error) {
        if (error instanceof DOMException) return;
        throw error;
      }
    }
    throw new Error("The queue of the listener does not become full");
  }

  /** How many connections this machine is trying to open to it. */
  async dialled(): Promise<number> {
    const SYN_SENT = "02";
    const [a, b, c, d] = this.hostname.split(".").map(Number);
    const hex = [d, c, b, a, this.port >> 8, this.port & 255]
      .map((byte) => (byte ?? 0).toString(16).padStart(2, "0").toUpperCase())
      .join("");
    const remote = `${hex.slice(0, 8)}:${hex.slice(8)}`;
    const table = await Deno.readTextFile("/proc/net/tcp");
    return table.split("\n").map((line) => line.trim().split(/\s+/))
      .filter((row) => row[2] === remote && row[3] === SYN_SENT).length;
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const conn of this.#fillers) conn.close();
    this.#listener.close();
    return Promise.resolve();
  }
}
