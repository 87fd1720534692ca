/**
 * An engine without a network, and a log of all that it tells: what tests of
 * `protocol/` compare.
 *
 * @module
 */

import { PgError } from "../../errors/base.ts";
import { Engine } from "../../protocol/engine.ts";
import type { Exchange, ResultSink } from "../../protocol/exchange.ts";
import type { ReadBuffer } from "../../protocol/read_buffer.ts";
import { concat } from "./backend.ts";
import { type FrontendMessage, readFrontend } from "./frontend_reader.ts";

/** An engine whose events, sinks and exchanges write into one log. */
export class Harness {
  /** The engine. */
  readonly engine: Engine;
  /** What happened, one line each, in order. */
  readonly log: string[] = [];
  /** The reasons for which the connection was given up: never more than one. */
  readonly lost: PgError[] = [];
  /** How often each exchange was settled. */
  readonly settled: Map<Exchange, number> = new Map();

  /** @param maxMessageSize As for the engine. */
  constructor(maxMessageSize?: number) {
    const { log } = this;
    this.engine = new Engine({
      flush: () => {},
      notice: (diag) => log.push(`notice ${diag.messagePrimary}`),
      notification: ({ pid, channel, payload }) =>
        log.push(`notification ${pid} ${channel} ${payload}`),
      parameter: (name, value) => log.push(`parameter ${name}=${value}`),
      lost: (reason) => {
        this.lost.push(reason);
        log.push(`lost ${told(reason)}`);
      },
    }, maxMessageSize);
  }

  /** A sink that writes into the log. */
  sink(name: string): ResultSink {
    const { log } = this;
    return {
      describe: (fields) =>
        log.push(
          `${name} describe ${
            fields.map((field) => `${field.name}:${field.typeOid}`).join(",")
          }`,
        ),
      row: (source) => log.push(`${name} row ${rowText(source)}`),
      complete: (tag) => log.push(`${name} complete ${tag}`),
      empty: () => log.push(`${name} empty`),
    };
  }

  /** Puts an exchange into the queue without sending it. */
  enqueue<E extends Exchange>(exchange: E, name: string = "it"): E {
    this.settled.set(exchange, 0);
    exchange.onSettle = () => {
      this.settled.set(exchange, (this.settled.get(exchange) ?? 0) + 1);
      this.log.push(`${name} settled ${told(exchange.error)}`);
    };
    this.engine.enqueue(exchange);
    return exchange;
  }

  /** Puts an exchange into the queue, and sends it. */
  send<E extends Exchange>(exchange: E, name?: string): E {
    this.enqueue(exchange, name);
    this.engine.flush();
    return exchange;
  }

  /** Receives bytes from the server, all at once. */
  feed(...messages: readonly Uint8Array[]): void {
    this.engine.input.push(concat(...messages));
    this.engine.receive();
  }

  /** Takes what was written for the server. */
  written(): FrontendMessage[] {
    const messages = readFrontend(this.engine.output.written());
    this.engine.output.clear();
    return messages;
  }

  /** The tags of what was written for the server. */
  tags(): string {
    return this.written().map((message) => message.tag).join("");
  }
}

/** An error in one line: the class, the SQLSTATE, the message. */
export function told(error: unknown): string {
  if (error === null) return "well";
  if (!(error instanceof PgError)) return String(error);
  return `${error.name} ${error.sqlstate} ${error.message}`;
}

/** The body of a DataRow as text, with everything that is not ASCII escaped. */
function rowText(source: ReadBuffer): string {
  const body = source.bytes.subarray(source.start, source.end);
  return JSON.stringify(String.fromCharCode(...body));
}

/** The messages that some bytes of a server consist of. */
export function splitMessages(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const end = at + 1 + view.getInt32(1);
    messages.push(bytes.slice(at, end));
    at = end;
  }
  return messages;
}
