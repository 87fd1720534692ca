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
/** Up to here bytes are copied in a loop, which is cheaper than a view for `set()`. */
const SHORT = 64;

/** Memory for many blocks: one allocation for all, a view for each that is asked for. */
class Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same memory, for numbers. */
  readonly view: DataView<ArrayBuffer>;
  /** How many blocks have been added and not read. */
  blocks = 0;
  filled = 0;
  read = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }
}

/**
 * The sizes of the blocks that wait, in the order of their coming. A ring outside
 * of V8's heap: whatever a collection of garbage finds alive adds up until V8
 * enlarges its young generation for good (`deno task soak -- copy-out`).
 */
class Sizes {
  #ring = new Int32Array(1024);
  #head = 0;
  #count = 0;

  push(size: number): void {
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#count++) & (this.#ring.length - 1)] = size;
  }

  shift(): number {
    const size = this.#ring[this.#head]!;
    this.drop(1);
    return size;
  }

  drop(count: number): void {
    this.#head = (this.#head + count) & (this.#ring.length - 1);
    this.#count -= count;
  }

  #grow(): void {
    const old = this.#ring;
    this.#ring = new Int32Array(2 * old.length);
    this.#ring.set(old.subarray(this.#head));
    this.#ring.set(old.subarray(0, this.#head), old.length - this.#head);
    this.#head = 0;
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
  readonly #sizes = new Sizes();
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
  take({ bytes, view, start, end }: ReadBuffer): void {
    if (this.#dropping) return;
    const size = end - start;
    if (size === 0) return; // An empty block says that there are no more.
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes.length - batch.filled < size) {
      batch = new Batch(Math.max(BATCH, size));
      this.#batches.push(batch);
    }
    let at = batch.filled;
    if (size <= SHORT) {
      let i = start;
      for (const last = end - 7; i < last; i += 8, at += 8) {
        batch.view.setBigUint64(at, view.getBigUint64(i));
      }
      while (i < end) batch.bytes[at++] = bytes[i++]!;
    } else batch.bytes.set(bytes.subarray(start, end), at);
    batch.filled += size;
    batch.blocks++;
    this.#sizes.push(size);
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
    for (const { blocks } of this.#batches) this.#sizes.drop(blocks);
    this.#batches = [];
    this.#waiting = 0;
    this.#letGoOn();
  }

  /** The next block, `null` if none waits. */
  takeBlock(): Uint8Array<ArrayBuffer> | null {
    const batch = this.#head;
    if (batch === null) return null;
    batch.blocks--;
    return this.#hand(batch, batch.read + this.#sizes.shift());
  }

  /** As many blocks as lie side by side, in one; `null` if none waits. */
  takeChunk(): Uint8Array<ArrayBuffer> | null {
    const batch = this.#head;
    if (batch === null) return null;
    this.#sizes.drop(batch.blocks);
    batch.blocks = 0;
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
      if (batch.blocks > 0) return batch;
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
