/**
 * Where the data of a COPY FROM goes: to the server, through a queue, into a
 * file.
 *
 * @module
 */

import type { CopySession } from "./copy_session.ts";

/** The most that goes into one message. */
const CHUNK = 256 * 1024;
/** How many bytes may wait in a queue. */
const QUEUE_LIMIT = 1024 * 1024;

/** Takes the data of a COPY FROM, block by block. */
export interface CopyWriter {
  /**
   * Takes a block.
   *
   * @param block The bytes, which are the writer's only until the promise settles.
   * @returns A promise that settles when the next block may come.
   */
  write(block: Uint8Array): Promise<void>;
  /**
   * Is called once, when no more blocks will come.
   *
   * @param error Why the data is incomplete and must not be used; `undefined` if
   * it is complete.
   */
  finish(error?: unknown): Promise<void>;
}

/** Sends the data to the server; not faster than the server takes it. */
export class ConnectionWriter implements CopyWriter {
  readonly #session: CopySession;

  /** @internal */
  constructor(session: CopySession) {
    this.#session = session;
  }

  /** Sends a block, in messages of moderate size. */
  async write(block: Uint8Array): Promise<void> {
    for (let at = 0; at < block.length; at += CHUNK) {
      await this.#session.send(block.subarray(at, at + CHUNK));
    }
  }

  /** Tells the server that the data is complete, or that it is not. */
  async finish(error?: unknown): Promise<void> {
    if (error === undefined) await this.#session.finish();
    else await this.#session.giveUp(describe(error));
  }
}

/** The class of an error. Its message may hold what is not meant for a server's log. */
function describe(error: unknown): string {
  const name = error instanceof Error ? error.constructor.name : typeof error;
  return `the program gave up: ${name.replaceAll(/[^\w$.-]/g, "?")}`;
}

/**
 * Hands the data on from a task of its own, so that whoever produces it need not
 * wait for each block. The task starts with the first block and ends with the
 * COPY; about 1 MiB may wait.
 *
 * @example
 * ```ts
 * import { connect, QueuedWriter } from "@x/pgts";
 *
 * await using conn = await connect({ autocommit: true });
 * await conn.execute("create temp table t (n int)");
 * await conn.copy("copy t from stdin", async (copy) => {
 *   for (let n = 0; n < 10; n++) await copy.writeRow([n]);
 * }, { writer: (server) => new QueuedWriter(server) });
 * ```
 */
export class QueuedWriter implements CopyWriter {
  readonly #next: CopyWriter;
  #blocks: Uint8Array[] = [];
  #waiting = 0;
  #work: Promise<void> | null = null;
  #finishing = false;
  #arrival: PromiseWithResolvers<void> | null = null;
  #room: PromiseWithResolvers<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  /**
   * Makes a queue.
   *
   * @param next Who gets the data.
   */
  constructor(next: CopyWriter) {
    this.#next = next;
  }

  /** Whether the task is running. */
  get running(): boolean {
    return this.#work !== null;
  }

  /**
   * Puts a copy of a block into the queue; waits only while the queue is full.
   *
   * @throws What the next writer threw at an earlier block.
   */
  async write(block: Uint8Array): Promise<void> {
    this.#check();
    this.#blocks.push(block.slice());
    this.#waiting += block.length;
    this.#arrival?.resolve();
    this.#work ??= Promise.resolve().then(() => this.#run());
    if (this.#waiting <= QUEUE_LIMIT) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
    this.#check();
  }

  /**
   * Waits for the task to end, then ends the next writer.
   *
   * @throws What the next writer threw.
   */
  async finish(error?: unknown): Promise<void> {
    if (error !== undefined) this.#blocks = [];
    this.#finishing = true;
    this.#arrival?.resolve();
    await this.#work;
    this.#work = null;
    const failure = this.#failure;
    await this.#next.finish(error ?? failure?.error);
    if (error === undefined && failure !== null) throw failure.error;
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const block = this.#blocks.shift();
        if (block !== undefined) {
          await this.#next.write(block);
          this.#waiting -= block.length;
          if (this.#waiting <= QUEUE_LIMIT) this.#makeRoom();
        } else if (this.#finishing) return;
        else {
          this.#arrival = Promise.withResolvers();
          await this.#arrival.promise;
        }
      }
    } catch (error) {
      this.#failure = { error };
      this.#blocks = [];
      this.#makeRoom();
    }
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }
}

/**
 * Writes the data into a stream: with a {@linkcode CopyEncoder} into a file that
 * a server can read later.
 *
 * @example
 * ```ts
 * import { CopyEncoder, StreamWriter } from "@x/pgts";
 *
 * const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
 * const text = new Response(readable).text();
 * const encoder = new CopyEncoder(new StreamWriter(writable));
 * await encoder.writeRow([1, "a\tb", null]);
 * await encoder.end();
 * console.log(await text); // 1	a\tb	\N
 * ```
 */
export class StreamWriter implements CopyWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Makes a writer.
   *
   * @param stream Where to write to. It is locked, and closed at the end.
   */
  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  /** Writes a copy of a block, which the stream may keep. */
  async write(block: Uint8Array): Promise<void> {
    await this.#writer.ready;
    await this.#writer.write(block.slice());
  }

  /** Closes the stream, or aborts it. */
  async finish(error?: unknown): Promise<void> {
    if (error === undefined) await this.#writer.close();
    else await this.#writer.abort(error);
  }
}
