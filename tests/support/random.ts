/**
 * Random numbers that can be repeated.
 *
 * @module
 */

/** Random numbers that can be repeated: the same seed gives the same ones. */
export class Random {
  /** The seed, for messages. */
  readonly seed: number;
  #state: number;

  /** @param seed Where to begin; that of `PGTS_TEST_SEED`, or any, by default. */
  constructor(seed?: number) {
    const set = Deno.env.get("PGTS_TEST_SEED");
    this.seed = seed ??
      (set ? Number(set) : Math.floor(Math.random() * 2 ** 31));
    this.#state = this.seed | 0;
  }

  /** An integer from 0 to 2^32 - 1. */
  bits(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }

  /** An integer of 64 bits. */
  bits64(): bigint {
    return BigInt.asIntN(64, BigInt(this.bits()) << 32n | BigInt(this.bits()));
  }

  /** An integer between two, both included. */
  between(least: number, greatest: number): number {
    const fraction = (this.bits() + this.bits() / 2 ** 32) / 2 ** 32;
    return least + Math.floor(fraction * (greatest - least + 1));
  }

  /** A bigint between two, both included, small ones as likely as large ones. */
  bigBetween(least: bigint, greatest: bigint): bigint {
    const shifted = this.bits64() >> BigInt(this.between(0, 63));
    const span = greatest - least + 1n;
    return shifted >= least && shifted <= greatest
      ? shifted
      : least + ((shifted % span) + span) % span;
  }

  /** One of some items. */
  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  /** A list of 0 to `longest` items. */
  list<T>(longest: number, make: () => T): T[] {
    return Array.from({ length: this.between(0, longest) }, make);
  }
}
