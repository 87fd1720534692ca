/**
 * What waits of the data of a COPY TO between the server and whoever reads it.
 * The connection reads no further while too much waits.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";

/** From so many bytes on no more is read from the server. */
const HIGH_WATER = 256 * 1024;
/** Down to so many bytes. */
const LOW_WATER = 64 * 1024;
const BATCH = 64 * 1024;
/** Up to here bytes are copied one by one, which is cheaper than a call. */
const SHORT = 32;

/** Memory for many blocks: one allocation for all, a view for each that is asked for. */
class Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each block ends. */
  readonly ends: number[] = [];
  filled = 0;
  /** How far it has been read, in bytes and in blocks. */
  read = 0;
  next = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }
}

/** Stops the server, and lets it go on. */
export interface Valve {
  /** Reads no more. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/** A queue of blocks. */
export class BlockQueue {
  /** Stops the server while too much waits. */
  valve: Valve | null = null;

  #batches: Batch[] = [];
  #waiting = 0;
  #paused = false;
  #ended = false;
  #dropping = false;
  #wake: PromiseWithResolvers<void> | null = null;

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#waiting === 0;
  }

  /** Takes a block from the server. */
  take({ bytes, start, end }: ReadBuffer): void {
    if (this.#dropping) return;
    const size = end - start;
    if (size === 0) return; // An empty block says that there are no more.
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes.length - batch.filled < size) {
      batch = new Batch(Math.max(BATCH, size));
      this.#batches.push(batch);
    }
    const into = batch.bytes;
    let at = batch.filled;
    if (size <= SHORT) {
      for (let i = start; i < end; i++) into[at++] = bytes[i]!;
    } else into.set(bytes.subarray(start, end), at);
    batch.filled += size;
    batch.ends.push(batch.filled);
    this.#waiting += size;
    if (this.#waiting > HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.valve?.pause();
    }
    this.#wakeUp();
  }

  /** No more blocks will come. */
  end(): void {
    this.#ended = true;
    this.#wakeUp();
  }

  /** Drops what waits, and what comes. */
  drop(): void {
    this.#dropping = true;
    this.#batches = [];
    this.#waiting = 0;
    this.#letGoOn();
  }

  /** The next block, `null` if none waits. */
  takeBlock(): Uint8Array<ArrayBuffer> | null {
    const batch = this.#head;
    if (batch === null) return null;
    return this.#hand(batch, batch.ends[batch.next++]!);
  }

  /** As many blocks as lie side by side, in one; `null` if none waits. */
  takeChunk(): Uint8Array<ArrayBuffer> | null {
    const batch = this.#head;
    if (batch === null) return null;
    batch.next = batch.ends.length;
    return this.#hand(batch, batch.filled);
  }

  /** Waits until a block waits, or none will come. */
  async arrival(): Promise<void> {
    while (this.#head === null && !this.#ended) {
      this.#wake ??= Promise.withResolvers();
      await this.#wake.promise;
    }
  }

  /** The batch with the next block. */
  get #head(): Batch | null {
    for (;;) {
      const batch = this.#batches[0];
      if (batch === undefined) return null;
      if (batch.next < batch.ends.length) return batch;
      // The last one goes on being filled.
      if (this.#batches.length === 1) return null;
      this.#batches.shift();
    }
  }

  #hand(batch: Batch, to: number): Uint8Array<ArrayBuffer> {
    const block = batch.bytes.subarray(batch.read, to);
    this.#waiting -= to - batch.read;
    batch.read = to;
    if (this.#waiting <= LOW_WATER) this.#letGoOn();
    return block;
  }

  #letGoOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.valve?.resume();
  }

  #wakeUp(): void {
    this.#wake?.resolve();
    this.#wake = null;
  }
}
