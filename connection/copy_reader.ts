/**
 * How the data of a COPY TO is taken: by block, by row, or in pieces of many
 * rows. What has come already is handed out without waiting and without garbage
 * but the item and its promise (`deno task soak -- copy-out`).
 *
 * @module
 */

import type { BlockQueue } from "./copy_blocks.ts";
import type { CopyDecoder } from "./copy_decoder.ts";
import type { CopySession } from "./copy_session.ts";
import { Mutex } from "./mutex.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Takes something off a queue, `null` if nothing is there. */
type Take = (blocks: BlockQueue) => Bytes | null;

const EMPTY: Bytes = new Uint8Array();
const takeBlock: Take = (blocks) => blocks.takeBlock();
const takeChunk: Take = (blocks) => blocks.takeChunk();

/** Reads what one COPY TO gives. */
export class CopyReader {
  readonly #session: CopySession;
  readonly #decoder: CopyDecoder;
  readonly #turn = new Mutex();
  /** How many wait for what is to come: who asks after them must not go before. */
  #waiting = 0;

  /**
   * @param session The COPY.
   * @param decoder Makes rows of its data.
   */
  constructor(session: CopySession, decoder: CopyDecoder) {
    this.#session = session;
    this.#decoder = decoder;
  }

  /** Sets the types of the fields of rows. */
  setTypes(types: readonly (string | number)[]): void {
    this.#decoder.setTypes(types);
  }

  /** Whether there is nothing to cancel: the data has been read to its end, or has failed. */
  get over(): boolean {
    const { blocks, exchange } = this.#session;
    return exchange.failed || this.#decoder.ended ||
      (exchange.exhausted && blocks.empty);
  }

  /** The next block, an empty one when there are no more. */
  block(): Promise<Bytes> {
    return this.#bytes(takeBlock);
  }

  /** What waits and lies side by side, in one; empty when there is no more. */
  chunk(): Promise<Bytes> {
    return this.#bytes(takeChunk);
  }

  /** The next row, or `null` when there are no more. */
  row(): Promise<unknown[] | null> {
    const row = this.#rowAtHand();
    return row === null ? this.#awaitRow() : Promise.resolve(row);
  }

  /** The blocks that are left. */
  blocks(): AsyncIterableIterator<Bytes, undefined> {
    return new Items(
      () => this.#bytesAtHand(takeBlock),
      async () => {
        const block = await this.#awaitBytes(takeBlock);
        return block.length > 0 ? block : null;
      },
    );
  }

  /** The rows that are left. */
  rows(): AsyncIterableIterator<unknown[], undefined> {
    return new Items(() => this.#rowAtHand(), () => this.#awaitRow());
  }

  #bytes(take: Take): Promise<Bytes> {
    const bytes = this.#bytesAtHand(take);
    return bytes === null ? this.#awaitBytes(take) : Promise.resolve(bytes);
  }

  #bytesAtHand(take: Take): Bytes | null {
    if (this.#waiting > 0) return null;
    const bytes = this.#decoder.takeRest() ?? take(this.#session.blocks);
    if (bytes !== null) this.#decoder.skipBeginning();
    return bytes;
  }

  #rowAtHand(): unknown[] | null {
    return this.#waiting > 0 ? null : this.#decoder.next() ?? null;
  }

  async #awaitBytes(take: Take): Promise<Bytes> {
    return await this.#inTurn(async () => {
      const bytes = this.#decoder.takeRest() ?? await this.#more(take);
      if (bytes.length > 0) this.#decoder.skipBeginning();
      return bytes;
    });
  }

  async #awaitRow(): Promise<unknown[] | null> {
    const decoder = this.#decoder;
    return await this.#inTurn(async () => {
      for (;;) {
        const row = decoder.next();
        if (row !== undefined) return row;
        const chunk = await this.#more(takeChunk);
        if (chunk.length > 0) decoder.add(chunk);
        else {
          decoder.expectEnd();
          return null;
        }
      }
    });
  }

  /** What comes next, empty when nothing does. */
  async #more(take: Take): Promise<Bytes> {
    const { blocks } = this.#session;
    await blocks.arrival();
    const bytes = take(blocks);
    if (bytes !== null) return bytes;
    const { failure } = this.#session;
    if (failure !== null) throw failure;
    return EMPTY;
  }

  /** Who waits is served in the order of asking. */
  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting++;
    try {
      await this.#turn.acquire();
      try {
        return await act();
      } finally {
        this.#turn.release();
      }
    } finally {
      this.#waiting--;
    }
  }
}

/** What is iterated over where nothing can be read: the first step rejects. */
export function failing(
  error: unknown,
): AsyncIterableIterator<never, undefined> {
  return new Items<never>(() => null, () => Promise.reject(error));
}

/** Items one by one. An `async` generator costs a multiple for each. */
class Items<T> implements AsyncIterableIterator<T, undefined> {
  readonly #atHand: () => T | null;
  readonly #wait: () => Promise<T | null>;
  #over = false;

  constructor(atHand: () => T | null, wait: () => Promise<T | null>) {
    this.#atHand = atHand;
    this.#wait = wait;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    try {
      const value = this.#atHand();
      if (value !== null) return Promise.resolve({ done: false, value });
    } catch (error) {
      this.#over = true;
      return Promise.reject(error);
    }
    return this.#later();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#over = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #later(): Promise<IteratorResult<T, undefined>> {
    let value: T | null = null;
    try {
      value = await this.#wait();
    } finally {
      if (value === null) this.#over = true;
    }
    return value === null
      ? { done: true, value: undefined }
      : { done: false, value };
  }
}
