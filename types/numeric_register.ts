/**
 * numeric as a decimal class of the user: `registerNumeric()`.
 *
 * @module
 */

import { DataError, PgError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { Format, type Loader } from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import {
  NumericBinaryDumper,
  NumericBinaryLoader,
  NumericDumper,
  type NumericLike,
} from "./numeric.ts";
import { OID } from "./oids.ts";
import { mapOf, type RegisterContext } from "./register_context.ts";

/** A class of decimals that can be made of text. */
export type NumericClass<T extends object> = new (text: string) => T;

/** How a decimal class is used, where its constructor and `toString()` do not serve. */
export interface NumericOptions<T extends object> {
  /**
   * Makes a value of what the server writes: digits with their scale, `NaN`,
   * `Infinity` or `-Infinity`.
   *
   * @default {(text) => new Class(text)}
   */
  parse?: (text: string) => T;
  /**
   * Writes a value as a decimal, with an exponent or without, or as one of those
   * three words.
   *
   * @default {(value) => value.toString()}
   */
  format?: (value: T) => string;
}

const asText = new NumericDumper();
const asBytes = new NumericBinaryDumper();
const fromBytes = new NumericBinaryLoader();

/**
 * Has numeric be read as a decimal class and values of that class be sent as
 * numeric: alone, in arrays, ranges and composite types. The class must be made
 * from a string and give one by `toString()`, as those of decimal.js, big.js and
 * bignumber.js do; for others the options say how.
 *
 * Most classes do not keep the scale: `1.50` becomes 1.5. What the class refuses,
 * such as NaN where it has none, is a `DataError`.
 *
 * @param context Where to register: a connection, a cursor or a map of adapters;
 * `null` for the global one.
 * @param type The class.
 * @param options How to use it, where its constructor and `toString()` do not
 * serve.
 *
 * @example With a class of decimals, here a small one
 * ```ts
 * import { connect, registerNumeric } from "@x/pgts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * class Decimal {
 *   #text: string;
 *   constructor(text: string) {
 *     this.#text = text;
 *   }
 *   toString() {
 *     return this.#text;
 *   }
 * }
 *
 * await using conn = await connect();
 * registerNumeric(conn, Decimal);
 * const price = new Decimal("1.10");
 * const row = await conn.execute("select %s * 3 as total", [price]).fetchOne();
 * assert(row?.total instanceof Decimal);
 * assertEquals(String(row.total), "3.30");
 * ```
 */
export function registerNumeric<T extends object>(
  context: RegisterContext | null,
  type: NumericClass<T>,
  options: NumericOptions<T> = {},
): void {
  const make = options.parse ?? ((text) => new type(text));
  const write = options.format ?? String;
  const parse = (text: string): T => parseWith(make, text, type.name);
  // What is to become a numeric only because of its field may be of any class.
  const format = (value: NumericLike | T): NumericLike =>
    value instanceof type
      ? formatWith(write, value, type.name)
      : value as NumericLike;

  class DecimalLoader implements Loader<T> {
    static readonly format: Format = Format.TEXT;

    load(source: ReadBuffer, start: number, end: number): T {
      return parse(source.text(start, end));
    }
  }

  // As that of strings it has no twin: the text is cheaper to read.
  class DecimalBinaryLoader implements Loader<T> {
    static readonly format: Format = Format.BINARY;

    load(source: ReadBuffer, start: number, end: number): T {
      return parse(fromBytes.load(source, start, end));
    }
  }

  class DecimalDumper extends TextDumper<NumericLike | T> {
    override readonly oid: number = OID.NUMERIC;

    override text(value: NumericLike | T): string {
      return asText.text(format(value));
    }

    override quote(value: NumericLike | T): string {
      return asText.quote(format(value));
    }
  }

  class DecimalBinaryDumper extends BinaryDumper<NumericLike | T> {
    override readonly oid: number = OID.NUMERIC;

    override dump(value: NumericLike | T, out: WriteBuffer): void {
      asBytes.dump(format(value), out);
    }

    override text(value: NumericLike | T): string {
      return asBytes.text(format(value));
    }

    override quote(value: NumericLike | T): string {
      return asBytes.quote(format(value));
    }
  }

  const map = mapOf(context);
  map.registerLoader(OID.NUMERIC, DecimalLoader);
  map.registerLoader(OID.NUMERIC, DecimalBinaryLoader);
  map.registerDumper(type, DecimalBinaryDumper);
  // Last, so that `%s` takes it: digits cost less than groups of four of them.
  map.registerDumper(type, DecimalDumper);
}

function parseWith<T>(
  make: (text: string) => T,
  text: string,
  name: string,
): T {
  try {
    return make(text);
  } catch (cause) {
    if (cause instanceof PgError) throw cause;
    const what = /^-?[NI]/.test(text) ? `the numeric ${text}` : "a numeric";
    throw new DataError(
      `Cannot read ${what} as ${name}: the class refuses it, cast the column to text to read it`,
      { cause },
    );
  }
}

function formatWith<T>(
  write: (value: T) => string,
  value: T,
  name: string,
): string {
  const text: unknown = write(value);
  if (typeof text === "string") return text;
  throw new DataError(
    `Cannot send a ${name} as numeric: it was written as ${typeof text} instead of a string`,
  );
}
