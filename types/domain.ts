/**
 * Values of a domain on their way out, where the domain is asked for: as those
 * of the type that it is over, under its own OID.
 *
 * @module
 */

import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { type Dumper, Format } from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import type { TypeInfo } from "./type_info.ts";

class TextDomain extends TextDumper {
  override readonly oid: number;
  override readonly cast: string;
  readonly #base: Dumper;

  constructor(base: Dumper, info: TypeInfo) {
    super();
    this.oid = info.oid;
    this.cast = info.regtype;
    this.#base = base;
  }

  override text(value: unknown): string | null {
    return this.#base.text(value);
  }
}

class BinaryDomain extends BinaryDumper {
  override readonly oid: number;
  override readonly cast: string;
  readonly #base: Dumper;

  constructor(base: Dumper, info: TypeInfo) {
    super();
    this.oid = info.oid;
    this.cast = info.regtype;
    this.#base = base;
  }

  override dump(value: unknown, out: WriteBuffer): void | null {
    return this.#base.dump(value, out);
  }

  override text(value: unknown): string | null {
    return this.#base.text(value);
  }
}

/**
 * The dumper for values of a domain.
 *
 * @param base The dumper of the type that it is over.
 * @param info The domain.
 * @returns A dumper of the same format.
 */
export function domainOver(base: Dumper, info: TypeInfo): Dumper {
  return base.format === Format.BINARY
    ? new BinaryDomain(base, info)
    : new TextDomain(base, info);
}
