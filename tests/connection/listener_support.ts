/**
 * What the tests of listeners share: somebody between a listener and the real
 * server who cuts or freezes what goes through, and short cuts.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Connection,
  type Gap,
  type Listener,
  type ListenerOptions,
  type ListenItem,
  Notify,
} from "../../mod.ts";
import { testDsn, testServer } from "../support/database.ts";
import { pause, rejection } from "./support.ts";

/** Passes on what is said between clients and the test server. */
export class Gate implements AsyncDisposable {
  /** Whether new connections are hung up on. */
  closed = false;
  /** Is shown what a client says before it is passed on. */
  onSent: (bytes: Uint8Array) => void = () => {};
  /** How many connections have been let through. */
  passed = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #links = new Set<Link>();
  readonly #accepting: Promise<void>;

  constructor() {
    this.#accepting = this.#accept();
  }

  /** How to connect through it. */
  get dsn(): string {
    const { port } = this.#listener.addr;
    return `${testDsn()} host=127.0.0.1 port=${port} sslmode=disable`;
  }

  /** How many connections there are. */
  get open(): number {
    return this.#links.size;
  }

  /** Ends all connections. */
  cut(): void {
    for (const link of this.#links) link.close();
  }

  /** Passes on nothing more of the connections that are there, and says so to nobody. */
  freeze(): void {
    for (const link of this.#links) link.frozen = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
    while (this.#links.size > 0) await pause(1);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      if (this.closed) {
        client.close();
        continue;
      }
      this.passed++;
      const { port } = testServer();
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      const link = new Link(client, server, (bytes) => this.onSent(bytes));
      this.#links.add(link);
      link.done.then(() => this.#links.delete(link));
    }
  }
}

/** One connection through a {@linkcode Gate}. */
class Link {
  frozen = false;
  readonly done: Promise<void>;
  readonly #ends: readonly Deno.TcpConn[];
  #closed = false;

  constructor(
    client: Deno.TcpConn,
    server: Deno.TcpConn,
    onSent: (bytes: Uint8Array) => void,
  ) {
    this.#ends = [client, server];
    this.done = Promise.all([
      this.#pass(client, server, onSent),
      this.#pass(server, client),
    ]).then(() => {});
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of this.#ends) end.close();
  }

  async #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    onSent: (bytes: Uint8Array) => void = () => {},
  ): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        if (this.frozen) continue;
        onSent(buffer.subarray(0, count));
        let sent = 0;
        while (sent < count) {
          sent += await to.write(buffer.subarray(sent, count));
        }
      }
    } catch {
      // Closed by either side.
    }
    this.close();
  }
}

/** A channel that no other test uses. */
export function newChannel(): string {
  return `pgts ${crypto.randomUUID()}`;
}

/** Short waits, and warnings into a list. */
export function quick(
  warnings: string[],
  options: ListenerOptions = {},
): ListenerOptions {
  return {
    reconnect: { initial: 0.02, most: 0.1 },
    onWarning: (message) => warnings.push(message),
    ...options,
  };
}

/** Sends notifications, each in a transaction of its own. */
export async function notify(
  conn: Connection,
  channel: string,
  ...payloads: string[]
): Promise<void> {
  for (const payload of payloads) {
    await conn.execute("select pg_notify(%s, %s)", [channel, payload]);
  }
}

/** The next item, which must come within ten seconds. */
export async function nextItem(listener: Listener): Promise<ListenItem> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(reject, 10_000, new Error("no item within 10 s"));
  try {
    const { done, value } = await Promise.race([listener.next(), late]);
    assert(!done, "the listener has ended");
    return value;
  } finally {
    clearTimeout(timer);
  }
}

/** The payload of the next item, which must be a notification. */
export async function nextPayload(listener: Listener): Promise<string> {
  const item = await nextItem(listener);
  assert(item instanceof Notify, Deno.inspect(item));
  return item.payload;
}

/** The next item, which must be a gap. */
export async function nextGap(listener: Listener): Promise<Gap> {
  const item = await nextItem(listener);
  assert(item.kind === "gap", Deno.inspect(item));
  return item;
}

/** Ends the session of a listener as an administrator would. */
export async function terminate(
  conn: Connection,
  listener: Listener,
): Promise<void> {
  const { backendPid } = listener;
  assert(backendPid !== null);
  await conn.execute("select pg_terminate_backend(%s, 2000)", [backendPid]);
}

/** How many sessions have this name. */
export async function sessionsNamed(
  conn: Connection,
  name: string,
): Promise<number> {
  const row = await conn.execute(
    "select count(*)::int4 as n from pg_stat_activity where application_name = %s",
    [name],
  ).fetchOne();
  return row!.n as number;
}

/** Checks that nothing is given any more. */
export async function assertOver(listener: Listener): Promise<void> {
  assertEquals(await listener.next(), { done: true, value: undefined });
  assert(await rejection(listener.listen("x")) instanceof Error);
  assertEquals(listener.connected, false);
  assertEquals(listener.backendPid, null);
}
