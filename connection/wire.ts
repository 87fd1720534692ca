/**
 * Joins the protocol engine and the transport: one read is always pending, what
 * is written together leaves together, and whatever ends the connection ends it
 * for everybody who waits.
 *
 * @module
 */

import { OperationalError, type PgError } from "../errors/base.ts";
import { Engine, type EngineEvents } from "../protocol/engine.ts";
import { writeTerminate } from "../protocol/frontend.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { PROTOCOL_3_0 } from "../protocol/tags.ts";
import type { TextCodec } from "../protocol/text.ts";
import { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Transport } from "./transport.ts";

/** How long the reader may go on after a write failed: the server's reason may be on its way. */
const GRACE_MS = 1000;
const TERMINATE_MS = 500;
/**
 * How long answers are read in a row before other tasks get a turn: a read that
 * finds bytes is over at once, without the event loop going round.
 */
const HOLD_MS = 5;

/** What a wire tells the layer above. */
export type WireEvents = Omit<EngineEvents, "flush">;

/** Looks at the bytes that go over a connection. */
export interface WireTap {
  /** These go to the server. */
  sent(bytes: Uint8Array): void;
  /** These came from the server. */
  received(bytes: Uint8Array): void;
  /** What comes from now on belongs to another session. */
  restart(): void;
}

/** One open connection to a server. */
export class Wire {
  /** The protocol's side of the connection. */
  readonly engine: Engine;
  /** The network's side of the connection. */
  readonly transport: Transport;
  /** The process ID of the session, to cancel with; `null` if the server did not tell. */
  processId: number | null = null;
  /** The version of the protocol that is spoken. */
  protocolVersion: number = PROTOCOL_3_0;
  /** The key to cancel with; `null` if the server did not tell. */
  secretKey: Uint8Array | null = null;
  /** Looks at the first bytes from the server before they are taken for messages. */
  inspect: (() => PgError | null) | null = null;

  /** How many seconds an aborted statement may take to end before the connection is given up. */
  cancelTimeout = 10;

  /** Is shown what is sent and received. */
  tap: WireTap | null = null;

  readonly #events: WireEvents;
  #spare = new WriteBuffer();
  #writing = false;
  #sending: Promise<void> = Promise.resolve();
  #paused: PromiseWithResolvers<void> | null = null;
  readonly #lost = Promise.withResolvers<void>();
  #reading: Promise<void> = Promise.resolve();
  #refs = 0;
  #refed = true;
  #closing = false;
  #goodbye: Promise<void> | null = null;
  #grace: ReturnType<typeof setTimeout> | null = null;

  /**
   * @param transport An open transport; the wire closes it.
   * @param events Who is told what.
   * @param maxMessageSize The largest message that is accepted, in bytes.
   */
  constructor(
    transport: Transport,
    events: WireEvents,
    maxMessageSize?: number,
  ) {
    this.transport = transport;
    this.#events = events;
    this.engine = new Engine({
      ...events,
      flush: () => this.#flush(),
      lost: (reason) => {
        this.#end();
        events.lost(reason);
      },
    }, maxMessageSize);
  }

  /** Starts to read. */
  start(): void {
    this.#reading = this.#read();
  }

  /** Adds an exchange whose messages are in the output. */
  enqueue(exchange: Exchange): void {
    this.engine.enqueue(exchange);
  }

  /** Sends what is in the output, and keeps the process alive until it is answered. */
  flush(): void {
    this.engine.flush();
    this.#updateRef();
  }

  /** Keeps the process alive until {@linkcode Wire.unref} is called as often. */
  ref(): void {
    this.#refs++;
    this.#updateRef();
  }

  /** Takes a {@linkcode Wire.ref} back. */
  unref(): void {
    this.#refs--;
    this.#updateRef();
  }

  /** How often {@linkcode Wire.ref} holds. */
  get refs(): number {
    return this.#refs;
  }

  /** Has it hold as often as it did once. */
  set refs(count: number) {
    this.#refs = count;
    this.#updateRef();
  }

  /**
   * Reads no more from the server until {@linkcode Wire.resume} is called or the
   * connection ends: who takes the rows lags behind. The server then waits too.
   */
  pause(): void {
    this.#paused ??= Promise.withResolvers<void>();
  }

  /** Takes a {@linkcode Wire.pause} back. */
  resume(): void {
    this.#paused?.resolve();
    this.#paused = null;
  }

  /**
   * Waits until what was flushed has been taken by the transport: who produces
   * data faster than the server takes it would fill the memory.
   */
  async drained(): Promise<void> {
    while (this.#writing && this.engine.failure === null) await this.#sending;
  }

  /** Takes over from another wire, which is closed, who wants it alive and who looks on. */
  follow(old: Wire): void {
    this.#refs += old.#refs;
    this.cancelTimeout = old.cancelTimeout;
    this.#updateRef();
    this.tap = old.tap;
    this.tap?.restart();
  }

  /** Reads and writes text in another encoding from now on. */
  setCodec(codec: TextCodec): void {
    this.engine.input.codec = codec;
    this.engine.output.codec = codec;
    this.#spare.codec = codec;
  }

  /**
   * Ends the connection in good order: says goodbye, then closes.
   *
   * @param reason What those are told who still wait for an answer.
   */
  async close(reason: PgError): Promise<void> {
    this.#closing = true; // The end of the pending read is waited for below.
    this.#updateRef();
    if (this.engine.failure === null) {
      const goodbye = new WriteBuffer(16);
      writeTerminate(goodbye);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, TERMINATE_MS);
      // Not into the middle of what is being written.
      const said = this.#sending
        .then(() => this.transport.write(goodbye.written()))
        .catch(() => {});
      this.#goodbye = Promise.race([said, late]);
      this.engine.fail(reason);
      await this.#goodbye;
      clearTimeout(timer);
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { engine, transport } = this;
    /** When the answers began that are being read without a break. */
    let since: number | null = null;
    try {
      while (engine.failure === null) {
        const into = engine.input.region();
        const count = await transport.read(into);
        if (count === null) throw new OperationalError(this.#lossMessage());
        this.tap?.received(into.subarray(0, count));
        engine.input.filled(count);
        if (this.inspect !== null) this.#inspectFirst();
        engine.receive();
        this.#updateRef();
        if (this.#paused !== null) await this.#paused.promise;
        if (!engine.busy) since = null;
        else if (performance.now() - (since ??= performance.now()) > HOLD_MS) {
          await new Promise((resolve) => setImmediate(resolve));
          since = null;
        }
      }
    } catch (error) {
      engine.fail(
        error instanceof OperationalError
          ? error
          : new OperationalError(this.#lossMessage(), { cause: error }),
      );
    }
  }

  #lossMessage(): string {
    return this.engine.busy
      ? `Connection to "${this.transport.address}" lost: the server closed it before it had answered`
      : `Connection to "${this.transport.address}" lost: the server closed it`;
  }

  #inspectFirst(): void {
    const failure = this.inspect?.() ?? null;
    if (this.engine.input.unreadLength >= 5) this.inspect = null;
    if (failure !== null) this.engine.fail(failure);
  }

  #flush(): void {
    if (
      this.#writing || this.engine.output.length === 0 ||
      this.engine.failure !== null
    ) return;
    const full = this.engine.output;
    this.engine.output = this.#spare;
    this.#spare = full;
    this.#writing = true;
    this.tap?.sent(full.written());
    this.#sending = this.transport.write(full.written()).then(
      () => {
        full.clear();
        this.#writing = false;
        this.#flush();
      },
      (error) => this.#writeFailed(error),
    );
  }

  /** The reader will see the end too, and before it perhaps what the server has to say. */
  #writeFailed(cause: unknown): Promise<void> | undefined {
    if (this.engine.failure !== null) return;
    this.#grace = setTimeout(
      () =>
        this.engine.fail(new OperationalError(this.#lossMessage(), { cause })),
      GRACE_MS,
    );
    this.resume();
    return this.#lost.promise;
  }

  #end(): void {
    this.resume();
    this.#lost.resolve();
    if (this.#grace !== null) clearTimeout(this.#grace);
    this.#grace = null;
    if (this.#goodbye === null) this.transport.close();
    else this.#goodbye.then(() => this.transport.close());
  }

  #updateRef(): void {
    const wanted = this.#refs > 0 || this.#closing || this.engine.busy;
    if (wanted === this.#refed) return;
    this.#refed = wanted;
    if (wanted) this.transport.ref();
    else this.transport.unref();
  }
}

/** The error for what is done on a connection that was closed on purpose. */
export function closedError(): OperationalError {
  return new OperationalError("Cannot use the connection: it is closed");
}
