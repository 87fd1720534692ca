/**
 * What the tests of listeners share: a proxy before the real server, and short
 * cuts.
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
import { ChaosProxy } from "../support/chaos_proxy.ts";
import { testDsn, testServer } from "../support/database.ts";
import { rejection } from "./support.ts";

/** A proxy before the test server. */
export function openProxy(): Promise<ChaosProxy> {
  return ChaosProxy.open({ port: testServer().port });
}

/** How to connect through a proxy. */
export function through({ port }: ChaosProxy): string {
  return `${testDsn()} host=127.0.0.1 port=${port} sslmode=disable`;
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
