/**
 * One direction of a connection that goes through a {@linkcode ChaosProxy}: how
 * bytes get from one socket to another, and what is done to them on the way.
 *
 * @module
 */

import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

/** A direction, named after who gets the bytes. */
export type Direction = "toClient" | "toServer";

/** Both directions. */
export const DIRECTIONS: readonly Direction[] = ["toClient", "toServer"];

/** What is done to the bytes of one direction. */
export interface FlowConditions {
  /** Whether bytes wait. What the sender has yet to send, TCP holds back. */
  frozen: boolean;
  /** Whether bytes are taken from the sender and dropped. */
  swallowed: boolean;
  /** For how many milliseconds every byte is on its way. */
  latency: number;
  /** How many bytes are written at a time, at most. */
  piece: number;
  /** For how many milliseconds nothing is written after a piece. */
  gap: number;
}

/**
 * Conditions under which nothing happens to the bytes.
 *
 * @returns New ones.
 */
export function fairConditions(): FlowConditions {
  return {
    frozen: false,
    swallowed: false,
    latency: 0,
    piece: Infinity,
    gap: 0,
  };
}

/** So much is taken from the sender before the receiver has it. */
const MOST_WAITING = 256 * 1024;

/** Bytes on their way; `null` is the end of them. */
interface Parcel {
  readonly bytes: Uint8Array | null;
  /** When they arrive, by `performance.now()`. */
  readonly due: number;
}

/** Something to be done when so many bytes have been delivered. */
interface Mark {
  readonly at: number;
  readonly act: () => void;
}

/** Carries bytes from one socket to another until one of them is closed. */
export class ChaosFlow {
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #conditions: FlowConditions;
  readonly #parcels: Parcel[] = [];
  readonly #marks: Mark[] = [];
  #waiting = 0;
  #delivered = 0;
  #ended = false;
  #wake: () => void = () => {};

  /**
   * @param source Where the bytes come from. It is paused until the flow begins.
   * @param target Where they go.
   * @param conditions What is done to them from the start.
   */
  constructor(source: Socket, target: Socket, conditions: FlowConditions) {
    this.#source = source;
    this.#target = target;
    this.#conditions = { ...conditions };
  }

  /** How many bytes have been delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** What is done to the bytes. A copy: {@linkcode change} changes it. */
  get conditions(): Readonly<FlowConditions> {
    return { ...this.#conditions };
  }

  /** Whether the receiver has been told that nothing more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Changes what is done to the bytes, those on their way included.
   *
   * @param conditions What changes.
   */
  change(conditions: Partial<FlowConditions>): void {
    Object.assign(this.#conditions, conditions);
    this.#throttle();
    this.#wake();
  }

  /**
   * Has something done once so many more bytes have been delivered: exactly so
   * many, however they come.
   *
   * @param bytes How many from now on; with 0 it is done at once.
   * @param act What is done.
   */
  after(bytes: number, act: () => void): void {
    if (bytes <= 0) return act();
    this.#marks.push({ at: this.#delivered + bytes, act });
    this.#marks.sort((a, b) => a.at - b.at);
  }

  /** Tells the receiver that nothing more comes, and drops what does. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#target.end();
    this.change({ swallowed: true });
  }

  /** Carries bytes until a socket is closed. */
  async run(): Promise<void> {
    const source = this.#source;
    source.on("data", (bytes: Uint8Array) => this.#take(bytes));
    source.on("end", () => this.#take(null));
    source.on("close", () => this.#wake());
    this.#target.on("close", () => this.#wake());
    this.#throttle();
    for (;;) {
      const parcel = this.#parcels[0];
      const early = (parcel?.due ?? 0) - performance.now();
      if (this.#target.destroyed) return;
      if (parcel === undefined) {
        if (source.destroyed) return;
        await this.#woken();
      } else if (early > 0) {
        await this.#woken(early);
      } else if (this.#conditions.frozen) {
        await this.#woken();
      } else {
        this.#parcels.shift();
        if (parcel.bytes === null) this.#forwardEnd();
        else await this.#deliver(parcel.bytes);
      }
    }
  }

  #take(bytes: Uint8Array | null): void {
    const due = performance.now() + this.#conditions.latency;
    this.#parcels.push({ bytes, due });
    this.#waiting += bytes?.length ?? 0;
    this.#throttle();
    this.#wake();
  }

  /** Has the sender wait while enough is on its way, or all is frozen. */
  #throttle(): void {
    const { frozen } = this.#conditions;
    if (frozen || this.#waiting > MOST_WAITING) this.#source.pause();
    else this.#source.resume();
  }

  /** The end of the sender is that of the receiver, unless nothing gets there. */
  #forwardEnd(): void {
    if (this.#conditions.swallowed || this.#ended) return;
    this.#ended = true;
    this.#target.end();
  }

  async #deliver(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && !this.#target.destroyed) {
      if (this.#conditions.frozen) {
        await this.#woken();
        continue;
      }
      const mark = this.#marks[0];
      const most = Math.min(
        this.#conditions.piece,
        mark === undefined ? Infinity : mark.at - this.#delivered,
      );
      const piece = rest.subarray(0, most);
      rest = rest.subarray(piece.length);
      if (!this.#conditions.swallowed) await this.#write(piece);
      this.#delivered += piece.length;
      this.#passMarks();
      if (this.#conditions.piece < Infinity) await this.#rest();
    }
    this.#waiting -= bytes.length;
    this.#throttle();
  }

  /** Lets the reader see the piece. With no gap, the kernel may still join some. */
  async #rest(): Promise<void> {
    const { gap } = this.#conditions;
    if (gap > 0) await this.#woken(gap);
    else await setImmediate();
  }

  #passMarks(): void {
    while ((this.#marks[0]?.at ?? Infinity) <= this.#delivered) {
      this.#marks.shift()!.act();
    }
  }

  /** Writes, and waits until the kernel has it. A dead receiver gets nothing. */
  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#target.write(bytes, () => resolve());
    });
  }

  /** Until something has changed, or the time is over. */
  async #woken(ms?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }
}
