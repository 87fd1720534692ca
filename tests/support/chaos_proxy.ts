/**
 * A TCP proxy that stands before a server and does to connections what networks
 * do: it stalls, freezes, delays, trickles, swallows, half-closes and resets, in
 * each direction on its own, when told to or by a schedule with a seed.
 *
 * It knows nothing of what goes through it, and nothing of the driver.
 *
 * @example Freeze what the server says, in the middle of a statement
 * ```ts ignore
 * await using proxy = await ChaosProxy.open({ port: 5432 });
 * const conn = await connect(`host=127.0.0.1 port=${proxy.port}`);
 * proxy.freeze("toClient");
 * const answer = conn.execute("select 1").fetchOne(); // waits
 * proxy.thaw();
 * await answer;
 * ```
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import type { Direction, FlowConditions } from "./chaos_flow.ts";
import {
  ChaosControls,
  ChaosLink,
  type Directions,
  each,
  fairLink,
} from "./chaos_link.ts";
import { Random } from "./random.ts";

/** Where connections go to. */
export interface ChaosTarget {
  /** The port of the server. */
  readonly port: number;
  /** Its address. @default {"127.0.0.1"} */
  readonly hostname?: string;
}

/** How a proxy begins. */
export interface ChaosOptions {
  /** The port to listen on. @default {0}, a free one */
  readonly port?: number;
  /** The address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string;
  /** Decides what is random. */
  readonly seed?: number;
}

/**
 * What happens to those who connect: `"pass"` connects them to the server,
 * `"refuse"` answers with RST, `"ignore"` takes the connection and is silent.
 */
export type Welcome = "pass" | "refuse" | "ignore";

/** Stands before a server. What is done to it is done to all its connections, and to those to come. */
export class ChaosProxy extends ChaosControls implements AsyncDisposable {
  /** Where new connections go to. */
  target: ChaosTarget;
  /** What happens to those who connect from now on. */
  welcome: Welcome = "pass";
  /** Decides what is random. */
  readonly random: Random;
  readonly #server: Server;
  readonly #links = new Set<ChaosLink>();
  readonly #loose = new Set<Socket>();
  readonly #conditions = fairLink();
  readonly #held: Socket[] = [];
  #together = 1;
  #patience = 0;
  #holding: ReturnType<typeof setTimeout> | undefined;
  #connects = 0;
  #reached = 0;

  private constructor(target: ChaosTarget, seed?: number) {
    super();
    this.target = target;
    this.random = new Random(seed);
    this.#server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
      (client) => this.#greet(client),
    );
  }

  /**
   * Opens one.
   *
   * @param target Where connections go to.
   * @param options Where it listens.
   * @returns The proxy, listening.
   */
  static async open(
    target: ChaosTarget,
    { port = 0, hostname = "127.0.0.1", seed }: ChaosOptions = {},
  ): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target, seed);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    proxy.#server.once("error", reject);
    proxy.#server.listen(port, hostname, resolve);
    await promise;
    return proxy;
  }

  /** The port. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new TypeError("Cannot tell the port: the proxy is closed");
    }
    return address.port;
  }

  /** The connections that are open, in the order in which they reached the server. */
  get links(): readonly ChaosLink[] {
    return [...this.#links];
  }

  /** How many have connected to the proxy so far. */
  get connects(): number {
    return this.#connects;
  }

  override change(
    change: Partial<FlowConditions>,
    directions: Directions,
  ): void {
    for (const name of each(directions)) {
      Object.assign(this.#conditions[name], change);
    }
    for (const link of this.#links) link.change(change, directions);
  }

  /** Is done to the connections that there are, not to those to come. */
  override halfClose(direction: Direction): void {
    for (const link of this.links) link.halfClose(direction);
  }

  /** Is done to the connections that there are, not to those to come. */
  override reset(directions: Directions = "both"): void {
    for (const link of this.links) link.reset(directions);
  }

  /** Nothing is done to bytes any more, except on links that are black holes: these are reset. */
  heal(): void {
    for (const link of this.links) {
      if (link.isBlackHole) link.reset();
    }
    this.change({ frozen: false, latency: 0, piece: Infinity }, "both");
    for (const name of each("both")) this.#conditions[name].swallowed = false;
    this.welcome = "pass";
    this.reorder(1);
  }

  /**
   * Who connects has to wait until so many do, and then they reach the server in
   * a random order.
   *
   * @param together How many; 1 ends it.
   * @param patience After how many milliseconds those who wait go on anyway.
   */
  reorder(together: number, patience = 100): void {
    this.#together = together;
    this.#patience = patience;
    if (this.#held.length >= together) this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#holding);
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => resolve())
    );
    for (const socket of this.#loose) socket.destroy();
    const ends = this.links.map((link) => link.closed);
    for (const link of this.links) link.close();
    await Promise.all([closed, ...ends]);
  }

  #greet(client: Socket): void {
    this.#connects++;
    client.on("error", () => {}); // tells that it closes
    this.#keep(client);
    if (this.welcome === "refuse") client.resetAndDestroy();
    else if (this.welcome === "pass") this.#hold(client);
  }

  #keep(socket: Socket): void {
    this.#loose.add(socket);
    socket.once("close", () => this.#loose.delete(socket));
  }

  #hold(client: Socket): void {
    this.#held.push(client);
    if (this.#held.length >= this.#together) this.#release();
    else this.#holding ??= setTimeout(() => this.#release(), this.#patience);
  }

  /** Lets all go on that wait, in a random order. */
  #release(): void {
    clearTimeout(this.#holding);
    this.#holding = undefined;
    const { random } = this;
    const held = this.#held.splice(0);
    while (held.length > 0) {
      const [client] = held.splice(random.between(0, held.length - 1), 1);
      if (client !== undefined && !client.destroyed) this.#dial(client);
    }
  }

  #dial(client: Socket): void {
    const { port, hostname = "127.0.0.1" } = this.target;
    const server = connect({
      port,
      host: hostname,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#keep(server);
    server.on("error", () => {});
    const failed = () => client.resetAndDestroy();
    server.once("close", failed);
    server.once("connect", () => {
      server.off("close", failed);
      this.#loose.delete(server);
      this.#loose.delete(client);
      this.#join(client, server);
    });
  }

  #join(client: Socket, server: Socket): void {
    if (client.destroyed) return void server.destroy();
    const number = this.#reached++;
    const link = new ChaosLink(number, client, server, this.#conditions);
    this.#links.add(link);
    link.closed.then(() => this.#links.delete(link));
  }
}
