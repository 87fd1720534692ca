/**
 * One connection as the server sees it: messages of the client come in decoded,
 * bytes go out exactly as they are given. The server that accepts connections is
 * in `scripted_server.ts`.
 *
 * @module
 */

import * as backend from "./backend.ts";
import {
  type FrontendMessage,
  FrontendReader,
  type FrontendTag,
  type MessageOf,
} from "./frontend_reader.ts";

/** What a server reports at the start unless told otherwise. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  server_version: "18.4",
  server_encoding: "UTF8",
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  integer_datetimes: "on",
  standard_conforming_strings: "on",
};

/** What {@linkcode ScriptedSession.startup} tells the client. */
export interface StartupAnswer {
  /** Parameters beside or instead of {@linkcode PARAMETERS}; `null` leaves one out. */
  parameters?: Record<string, string | null>;
  /** The process ID and the key to cancel with; `null` sends no BackendKeyData. */
  key?: { pid: number; key: Uint8Array | number } | null;
}

/** One connection, from the server's side. */
export class ScriptedSession {
  /** Which connection it is, from 0. */
  readonly index: number;
  /** Every message that has been read. */
  readonly received: FrontendMessage[] = [];

  readonly #conn: Deno.TcpConn;
  readonly #reader = new FrontendReader();
  readonly #buffer = new Uint8Array(64 * 1024);
  #unread: FrontendMessage | null = null;
  #closed = false;
  #left = false;

  /** @internal */
  constructor(conn: Deno.TcpConn, index: number) {
    this.#conn = conn;
    this.index = index;
  }

  /** Whether the client has ended the connection, as far as has been read. */
  get left(): boolean {
    return this.#left;
  }

  /**
   * Reads the next message.
   *
   * @returns The message, or `null` at the end of the connection.
   * @throws {FrontendError} If it is not what the protocol says.
   */
  async read(): Promise<FrontendMessage | null> {
    let message = this.#unread;
    this.#unread = null;
    if (message !== null) return message;
    while ((message = this.#reader.next()) === null) {
      const count = this.#closed
        ? null
        : await this.#conn.read(this.#buffer).catch(ignoreLoss);
      if (count === null) {
        this.#left = true;
        return null;
      }
      this.#reader.push(this.#buffer.subarray(0, count));
    }
    this.received.push(message);
    return message;
  }

  /** Reads the next message without consuming it. */
  async peek(): Promise<FrontendMessage | null> {
    return this.#unread = await this.read();
  }

  /**
   * Reads a message that must be of one type.
   *
   * @param tag Its tag, or its name where it has none.
   * @throws {Error} If another message comes, or none.
   */
  async expect<Tag extends FrontendTag>(tag: Tag): Promise<MessageOf<Tag>> {
    const message = await this.read();
    if (message?.tag === tag) return message as MessageOf<Tag>;
    throw new Error(
      `Session ${this.index} expected "${tag}": got ${
        message === null ? "the end" : Deno.inspect(message)
      } after ${this.received.map((message) => message.tag).join(" ")}`,
    );
  }

  /**
   * Reads a burst: all up to Sync, Flush or Query, which is the last of the messages.
   *
   * @returns The messages; none if the client said goodbye or left.
   */
  async readUntilSync(): Promise<FrontendMessage[]> {
    const burst: FrontendMessage[] = [];
    for (;;) {
      const message = await this.read();
      if (message === null || message.tag === "X") return [];
      burst.push(message);
      if (["S", "H", "Q"].includes(message.tag)) return burst;
    }
  }

  /**
   * Plays the start of a session that needs no password: declines encryption,
   * takes the StartupMessage, reports parameters and key, and is ready.
   *
   * @param answer What differs from the usual.
   * @returns The StartupMessage.
   */
  async startup(answer: StartupAnswer = {}): Promise<MessageOf<"startup">> {
    const startup = await this.readStartup();
    await this.send(backend.authenticationOk(), ...sessionStart(answer));
    return startup;
  }

  /** Declines encryption, if it is asked for, and takes the StartupMessage. */
  async readStartup(): Promise<MessageOf<"startup">> {
    for (;;) {
      const { tag } = await this.peek() ?? {};
      if (tag !== "ssl" && tag !== "gssenc") return this.expect("startup");
      await this.read();
      await this.sendRaw(backend.bytes("N"));
    }
  }

  /**
   * Answers bursts until the client leaves.
   *
   * @param answer Gives the messages to send for a burst; none ends the loop.
   */
  async serve(
    answer: (
      burst: FrontendMessage[],
    ) =>
      | readonly Uint8Array[]
      | null
      | Promise<readonly Uint8Array[] | null>,
  ): Promise<void> {
    for (;;) {
      const burst = await this.readUntilSync();
      if (burst.length === 0) return;
      const messages = await answer(burst);
      if (messages === null) return;
      await this.send(...messages);
    }
  }

  /** Sends messages in one write. That the client has left is no failure. */
  send(...messages: readonly Uint8Array[]): Promise<void> {
    return this.sendRaw(backend.concat(...messages));
  }

  /** Sends bytes as they are. That the client has left is no failure. */
  async sendRaw(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed;) {
      const count = await this.#conn.write(bytes.subarray(at))
        .catch(ignoreLoss);
      if (count === null) return;
      at += count;
    }
  }

  /**
   * Sends bytes in pieces, with time in between to read each by itself.
   *
   * @param bytes All the bytes.
   * @param sizes The sizes of the pieces; when they are used up they start again.
   */
  async sendSplit(
    bytes: Uint8Array,
    sizes: readonly number[] = [1],
  ): Promise<void> {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = Math.max(1, sizes[i % sizes.length] ?? 1);
      await this.sendRaw(bytes.subarray(at, at + size));
      at += size;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Says nothing, and reads until the client says goodbye or leaves. */
  async silence(): Promise<void> {
    let last = this.received.at(-1) ?? null;
    while (last?.tag !== "X" && !this.#left) last = await this.read();
  }

  /** Ends the server's side; the client's side stays open. */
  async closeWrite(): Promise<void> {
    await this.#conn.closeWrite().catch(ignoreLoss);
  }

  /** Closes the connection at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}

/** What follows AuthenticationOk: parameters, key, ReadyForQuery. */
export function sessionStart(answer: StartupAnswer = {}): Uint8Array[] {
  const { parameters, key = { pid: 4711, key: 0x01020304 } } = answer;
  const messages: Uint8Array[] = [];
  const all = { ...PARAMETERS, ...parameters };
  for (const [name, value] of Object.entries(all)) {
    if (value !== null) messages.push(backend.parameterStatus(name, value));
  }
  if (key !== null) messages.push(backend.backendKeyData(key.pid, key.key));
  messages.push(backend.readyForQuery("I"));
  return messages;
}

/** The end of a connection looks different each time: a reset, a broken pipe, a closed socket. */
function ignoreLoss(error: unknown): null {
  if (
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted
  ) return null;
  throw error;
}
