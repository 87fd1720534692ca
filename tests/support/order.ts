/**
 * Which message may come when: sends every message that a server has to an
 * exchange in each of its states, and checks that it is taken or that it ends
 * the connection.
 *
 * @module
 */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { PgError, ProtocolError } from "../../errors/base.ts";
import type { Exchange } from "../../protocol/exchange.ts";
import * as b from "./backend.ts";
import { Harness } from "./engine_harness.ts";

/** The types of messages; the last one does not exist. */
export type MessageType =
  | "1"
  | "2"
  | "3"
  | "C"
  | "D"
  | "E"
  | "G"
  | "H"
  | "I"
  | "K"
  | "R"
  | "T"
  | "W"
  | "Z"
  | "c"
  | "d"
  | "n"
  | "s"
  | "t"
  | "v"
  | "?";

/** A well-formed message of every type but those that may come at any time. */
export const MESSAGES: Readonly<Record<MessageType, Uint8Array>> = {
  "1": b.parseComplete(),
  "2": b.bindComplete(),
  "3": b.closeComplete(),
  C: b.commandComplete("SELECT 1"),
  D: b.dataRow(["1"]),
  E: b.errorResponse(),
  G: b.copyInResponse(),
  H: b.copyOutResponse(),
  I: b.emptyQueryResponse(),
  K: b.backendKeyData(1, 2),
  R: b.authenticationOk(),
  T: b.rowDescription([{ name: "n", oid: 23 }]),
  W: b.copyBothResponse(),
  Z: b.readyForQuery("I"),
  c: b.copyDone(),
  d: b.copyData("x"),
  n: b.noData(),
  s: b.portalSuspended(),
  t: b.parameterDescription([23]),
  v: b.negotiateProtocolVersion(0x30000),
  "?": b.message("?"),
};

/** A state of an exchange. */
export interface OrderState {
  /** What the state is. */
  name: string;
  /** The messages that lead to it. */
  before: readonly Uint8Array[];
  /** What the client does then. */
  client?(exchange: Exchange, harness: Harness): void;
  /** The types of messages that may come. */
  legal: readonly MessageType[];
}

/**
 * Tries every message in every state. Of two exchanges in the queue both must be
 * over after an illegal one, each once and with an error of its own.
 *
 * @param begin Sends the exchange.
 * @param states The states.
 */
export function checkOrder<E extends Exchange>(
  begin: (harness: Harness) => E,
  states: readonly (Omit<OrderState, "client"> & {
    client?(exchange: E, harness: Harness): void;
  })[],
): void {
  for (const { name, before, client, legal } of states) {
    for (const [tag, message] of Object.entries(MESSAGES)) {
      const harness = new Harness();
      const exchange = begin(harness);
      const other = begin(harness);
      for (const one of before) harness.feed(one);
      assertEquals(harness.engine.failure, null, name);
      client?.(exchange, harness);
      harness.feed(message);
      const { failure } = harness.engine;
      const what = `"${tag}" ${name}: ${failure?.message}`;
      if (legal.includes(tag as MessageType)) {
        assertEquals(failure, null, what);
        continue;
      }
      assertInstanceOf(failure, ProtocolError, what);
      assertEquals(harness.lost, [failure], what);
      assertEquals([...harness.settled.values()], [1, 1], what);
      assertInstanceOf(other.error, PgError, what);
      assertEquals(other.error === exchange.error, false, what);
    }
  }
}
