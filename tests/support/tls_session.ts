/**
 * The least that is needed to use a transport as a session: logging in, and
 * statements whose values are text. For tests of what lies below connections.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { TlsDetails } from "../../connection/tls_details.ts";
import type { Transport } from "../../connection/transport.ts";
import { Authenticator } from "../../protocol/auth.ts";
import type { ChannelBinding } from "../../protocol/auth_scram.ts";
import type { ChannelBindingMode } from "../../protocol/auth_sasl.ts";
import {
  writeAuthentication,
  writeQuery,
  writeStartup,
  writeTerminate,
} from "../../protocol/frontend.ts";
import { WriteBuffer } from "../../protocol/write_buffer.ts";

/** Who logs in, and how. */
export interface Login {
  readonly user: string;
  readonly password?: string;
  readonly channelBinding?: ChannelBinding | null;
  readonly channelBindingMode?: ChannelBindingMode;
}

interface Message {
  readonly tag: string;
  readonly body: Uint8Array;
}

/** A session on a transport. */
export class TlsSession implements AsyncDisposable {
  /** The transport. */
  readonly transport: Transport;
  /** What it takes to cancel: the body of BackendKeyData. */
  key: Uint8Array = new Uint8Array();
  /** How the client was authenticated. */
  method: string | null = null;
  #rest = new Uint8Array();

  /** What is known of the TLS. */
  readonly tls: TlsDetails | null;

  /**
   * @param transport An open transport.
   * @param tls What is known of its TLS.
   */
  constructor(transport: Transport, tls: TlsDetails | null = null) {
    this.transport = transport;
    this.tls = tls;
  }

  /**
   * Logs in.
   *
   * @throws {Error} With what the server says, if it refuses.
   */
  async logIn(login: Login): Promise<void> {
    const { user, password = null, channelBindingMode } = login;
    const { channelBinding = this.tls?.channelBinding ?? null } = login;
    const authenticator = new Authenticator({
      user,
      password,
      cleartextAllowed: true,
      channelBinding,
      channelBindingMode,
    });
    await this.#send((out) =>
      writeStartup(out, { user, database: "postgres", client_encoding: "UTF8" })
    );
    for (;;) {
      const { tag, body } = await this.#next();
      if (tag === "R") {
        const answer = await authenticator.receive(body);
        if (answer) await this.#send((out) => writeAuthentication(out, answer));
      }
      if (tag === "K") this.key = body;
      if (tag === "Z") break;
    }
    this.method = authenticator.method;
    assert(authenticator.finished);
  }

  /** Runs a statement and returns its rows. */
  async query(text: string): Promise<(string | null)[][]> {
    await this.#send((out) => writeQuery(out, text));
    const rows: (string | null)[][] = [];
    for (;;) {
      const { tag, body } = await this.#next();
      if (tag === "D") rows.push(readRow(body));
      if (tag === "Z") return rows;
    }
  }

  /** Says goodbye and closes. */
  async close(): Promise<void> {
    await this.#send(writeTerminate).catch(() => {});
    this.transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #send(write: (out: WriteBuffer) => void): Promise<void> {
    const out = new WriteBuffer(64);
    write(out);
    await this.transport.write(out.written());
  }

  async #next(): Promise<Message> {
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const message = this.#first();
      if (message?.tag === "E") throw new Error(readError(message.body));
      if (message !== null) return message;
      const count = await this.transport.read(buffer);
      if (count === null) throw new Error("the server closed the connection");
      const rest = new Uint8Array(this.#rest.length + count);
      rest.set(this.#rest);
      rest.set(buffer.subarray(0, count), this.#rest.length);
      this.#rest = rest;
    }
  }

  #first(): Message | null {
    const bytes = this.#rest;
    if (bytes.length < 5) return null;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(1);
    if (bytes.length < 1 + length) return null;
    this.#rest = bytes.slice(1 + length);
    return {
      tag: String.fromCharCode(bytes[0]!),
      body: bytes.slice(5, 1 + length),
    };
  }
}

function readRow(body: Uint8Array): (string | null)[] {
  const view = new DataView(body.buffer, body.byteOffset);
  let at = 2;
  return Array.from({ length: view.getInt16(0) }, () => {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return new TextDecoder().decode(body.subarray(at - length, at));
  });
}

function readError(body: Uint8Array): string {
  return new TextDecoder().decode(body).split("\0").map((field) =>
    field[0] === "M" || field[0] === "C" ? field.slice(1) : ""
  ).filter(Boolean).join(" ");
}
