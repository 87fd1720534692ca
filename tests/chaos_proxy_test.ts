import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChaosProxy } from "./support/chaos_proxy.ts";
import {
  type ChaosStep,
  playSteps,
  randomSteps,
} from "./support/chaos_schedule.ts";
import { Random } from "./support/random.ts";

const MIB = 1024 * 1024;

/** A server that gives back what it gets, and says how each client left. */
class EchoServer implements AsyncDisposable {
  readonly ends: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  readonly #task = this.#accept();

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    const tasks: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      this.#conns.add(conn);
      tasks.push(this.#serve(conn));
    }
    await Promise.all(tasks);
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    conn.setNoDelay(true);
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await conn.read(buffer);
        if (count === null) break;
        await writeAll(conn, buffer.subarray(0, count));
      }
      this.ends.push("end");
    } catch (error) {
      this.ends.push(nameOf(error));
    }
    if (this.#conns.delete(conn)) conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    this.#conns.clear();
    await this.#task;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : String(error);
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await conn.write(bytes.subarray(at));
}

/** A client that is only bytes. */
class Client implements Disposable {
  /** How many bytes each read gave. */
  readonly reads: number[] = [];
  #closed = false;
  readonly conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
    conn.setNoDelay(true);
  }

  static async open(proxy: ChaosProxy): Promise<Client> {
    const { port } = proxy;
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends bytes and gets as many. */
  async echo(text: string): Promise<string> {
    await writeAll(this.conn, new TextEncoder().encode(text));
    return await this.read(text.length);
  }

  /** Reads so many bytes, or up to the end. */
  async read(count: number): Promise<string> {
    const bytes = new Uint8Array(count);
    let at = 0;
    while (at < count) {
      const got = await this.conn.read(bytes.subarray(at));
      if (got === null) break;
      this.reads.push(got);
      at += got;
    }
    return new TextDecoder().decode(bytes.subarray(0, at));
  }

  /** Can be done again. */
  [Symbol.dispose](): void {
    if (!this.#closed) this.conn.close();
    this.#closed = true;
  }
}

/** That a client gets an RST, be it at once or when it says something. */
async function assertRefused(proxy: ChaosProxy): Promise<void> {
  await assertRejects(async () => {
    using client = await Client.open(proxy);
    await client.read(1);
  }, Deno.errors.ConnectionReset);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(claim: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 3000;
  while (!claim()) {
    assert(performance.now() < end, `not within 3 s: ${what}`);
    await pause(5);
  }
}

/** Whether a promise is still waiting after a while. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  const nothing = Symbol();
  return await Promise.race([promise, pause(50).then(() => nothing)]) ===
    nothing;
}

Deno.test("ChaosProxy: passes on bytes and ends in both directions", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  assertEquals(await client.echo("hello"), "hello");
  const large = "x".repeat(3 * MIB);
  const sending = writeAll(client.conn, new TextEncoder().encode(large));
  assertEquals((await client.read(large.length)).length, large.length);
  await sending;
  const [link] = proxy.links;
  assertEquals(link?.delivered("toClient"), large.length + 5);
  assertEquals(link?.delivered("toServer"), large.length + 5);
  await client.conn.closeWrite();
  assertEquals(await client.read(1), "");
  await link?.closed;
  assertEquals([proxy.links.length, proxy.connects], [0, 1]);
  assertEquals(server.ends, ["end"]);
});

Deno.test("ChaosProxy: a frozen direction delivers nothing and holds the sender back, the other goes on", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  proxy.freeze("toClient");
  const answer = client.echo("hello");
  assert(await waits(answer));
  assertEquals(proxy.links[0]?.delivered("toServer"), 5);
  assertEquals(proxy.links[0]?.delivered("toClient"), 0);
  proxy.thaw("toClient");
  assertEquals(await answer, "hello");

  proxy.freeze("toServer");
  let sent = 0;
  const total = 16 * MIB;
  const sending = (async () => {
    const block = new Uint8Array(64 * 1024);
    while (sent < total) sent += await client.conn.write(block);
  })();
  await pause(200);
  const [before] = [sent];
  await pause(100);
  assertEquals(sent, before);
  assert(before < total);
  proxy.thaw();
  await client.read(total);
  await sending;

  // A connection that comes later is frozen too, and a stall ends by itself.
  const stall = proxy.stall(150);
  using later = await Client.open(proxy);
  const late = later.echo("late");
  assert(await waits(late));
  await stall;
  assertEquals(await late, "late");
});

Deno.test("ChaosProxy: a black hole takes everything, the end of the stream too", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  assertEquals(await client.echo("a"), "a");
  proxy.blackHole("toServer");
  const answer = client.echo("b".repeat(1000));
  await client.conn.closeWrite();
  assert(await waits(answer));
  assertEquals(proxy.links[0]?.delivered("toServer"), 1001);
  assertEquals(proxy.links[0]?.isBlackHole, true);
  assertEquals(server.ends, []);
  // There is no way back.
  proxy.heal();
  assertEquals(nameOf(await answer.catch((error) => error)), "ConnectionReset");
  using fresh = await Client.open(proxy);
  assertEquals(await fresh.echo("c"), "c");
});

Deno.test("ChaosProxy: bytes trickle one by one, and are late together", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  proxy.trickle(1, "toClient", 2);
  assertEquals(await client.echo("trickle"), "trickle");
  assert(client.reads.length >= 4, `${client.reads}`);
  proxy.trickle(Infinity);

  // Twenty bursts are on their way at the same time.
  proxy.delay(200, "toServer");
  const began = performance.now();
  for (let i = 0; i < 20; i++) {
    await writeAll(client.conn, Uint8Array.of(i));
    await pause(1);
  }
  await client.read(20);
  const took = performance.now() - began;
  assert(took >= 199 && took < 2000, `${took}`);
});

Deno.test("ChaosProxy: a half-closed direction is over for its receiver alone", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  assertEquals(await client.echo("a"), "a");
  proxy.halfClose("toClient");
  assertEquals(await client.read(1), "");
  await writeAll(client.conn, new Uint8Array(100));
  await until(
    () => proxy.links[0]?.delivered("toServer") === 101,
    "what the client says still gets to the server",
  );
  using other = await Client.open(proxy);
  assertEquals(await other.echo("b"), "b");
  proxy.links[1]?.halfClose("toServer");
  await until(() => server.ends.length === 1, "the server sees the end");
  assertEquals(server.ends, ["end"]);
});

Deno.test("ChaosProxy: a reset is an RST to whom it is meant for", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using first = await Client.open(proxy);
  assertEquals(await first.echo("a"), "a");
  proxy.reset("toClient");
  await assertRejects(() => first.read(1), Deno.errors.ConnectionReset);
  await until(() => server.ends.length === 1, "the server sees an end");
  using second = await Client.open(proxy);
  assertEquals(await second.echo("a"), "a");
  proxy.reset("toServer");
  assertEquals(await second.read(1), "");
  await until(() => server.ends.length === 2, "the server sees an RST");
  assertEquals(server.ends, ["end", "ConnectionReset"]);
  // What one side does is passed on to the other.
  using third = await Client.open(proxy);
  assertEquals(await third.echo("a"), "a");
  const [link] = proxy.links;
  third[Symbol.dispose]();
  await link?.closed;
  assertEquals(server.ends[2], "end");
});

Deno.test("ChaosProxy: something is done after exactly so many bytes", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  assertEquals(await client.echo("a"), "a");
  const link = proxy.links[0]!;
  link.after(1000, "toClient", () => link.halfClose("toClient"));
  await writeAll(client.conn, new Uint8Array(5000));
  assertEquals((await client.read(5000)).length, 1000);
});

Deno.test("ChaosProxy: who connects is refused, ignored, or let through in another order", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server, { seed: 3 });
  proxy.welcome = "refuse";
  await assertRefused(proxy);
  proxy.welcome = "ignore";
  using ignored = await Client.open(proxy);
  const answer = ignored.echo("a");
  assert(await waits(answer));
  proxy.welcome = "pass";
  // Eight who connect one after the other get through in the order of the seed.
  proxy.reorder(8, 60_000);
  const clients: Client[] = [];
  for (let i = 0; i < 7; i++) clients.push(await Client.open(proxy));
  const echoes = clients.map((client, i) => client.echo("x".repeat(i + 1)));
  assert(await waits(Promise.any(echoes)));
  clients.push(await Client.open(proxy));
  await Promise.all(echoes);
  const order = proxy.links.map((link) => link.delivered("toServer"));
  assertEquals(order.toSorted(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert(order.some((bytes, i) => bytes !== (i + 1) % 8));
  // Who waits for too few others goes on alone.
  proxy.reorder(8, 20);
  using alone = await Client.open(proxy);
  assertEquals(await alone.echo("a"), "a");
  // The server is not there.
  proxy.reorder(1);
  proxy.target = { port: 1 };
  await assertRefused(proxy);
  ignored[Symbol.dispose]();
  await answer.catch(() => {});
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("ChaosProxy: is disposed of while senders and receivers are stuck", async () => {
  await using server = new EchoServer();
  const proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  const sending = (async () => {
    for (;;) await client.conn.write(new Uint8Array(64 * 1024));
  })();
  const frozen = await Client.open(proxy);
  proxy.links[1]?.freeze();
  await pause(100);
  const end = assertRejects(() => sending);
  await proxy[Symbol.asyncDispose]();
  await end;
  frozen[Symbol.dispose]();
});

Deno.test("randomSteps: the same seed gives the same steps, every fault among them", () => {
  const take = (seed: number) => randomSteps(new Random(seed)).take(300);
  const steps = take(1).toArray();
  assertEquals(take(1).toArray(), steps);
  assert(JSON.stringify(take(2).toArray()) !== JSON.stringify(steps));
  assertEquals(new Set(steps.map(({ fault }) => fault)).size, 9);
  const only = randomSteps(new Random(1), { weights: { reset: 1 }, all: 0 });
  for (const { fault, victim } of only.take(50)) {
    assertEquals([fault, typeof victim], ["reset", "number"]);
  }
});

Deno.test("playSteps: plays a list that was written down, and undoes what lasts", async () => {
  await using server = new EchoServer();
  await using proxy = await ChaosProxy.open(server);
  using client = await Client.open(proxy);
  const step: ChaosStep = {
    wait: 0,
    fault: "stall",
    directions: "both",
    victim: 0,
    ms: 200,
  };
  const stalled = playSteps(proxy, [step, { ...step, fault: "delay" }]);
  await pause(20);
  const answer = client.echo("a");
  assert(await waits(answer));
  assertEquals(await stalled, 2);
  assertEquals(await answer, "a");

  // Without end, until it is told to; then all is fair again.
  const controller = new AbortController();
  const steps = randomSteps(new Random(), { mostWait: 5, mostMs: 60_000 });
  const playing = playSteps(proxy, steps, controller.signal);
  for (let i = 0; i < 20; i++) {
    const some = await Client.open(proxy).catch(() => null);
    const echo = some?.echo("a token").catch(() => "");
    await pause(20);
    some?.[Symbol.dispose]();
    assert("a token".startsWith(await echo ?? ""));
  }
  controller.abort();
  assert(await playing > 5);
  using fresh = await Client.open(proxy);
  assertEquals(await fresh.echo("still there"), "still there");
});
