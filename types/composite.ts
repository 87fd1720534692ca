/**
 * Composite types that are registered: as plain objects, or as instances of a
 * class of the user. Rows that nobody described are in `record.ts`.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import {
  type Adaptation,
  type DumperClass,
  Format,
  type Loader,
  type LoaderClass,
} from "./adapt.ts";
import { BinaryDumper, TextDumper } from "./dumper.ts";
import { readRecordBinary } from "./record.ts";
import { malformed, readRecordText } from "./record_text.ts";
import { mapOf, type RegisterContext, warnIn } from "./register_context.ts";
import { setOwn } from "./row_decoder.ts";
import { recordText, writeRecordBinary } from "./tuple.ts";
import type { CompositeInfo } from "./type_info.ts";

/** What makes a value of the values of the fields: a class, or a function. */
export type SequenceFactory<T> =
  | (new (...values: never[]) => T)
  | ((...values: never[]) => T);

/** How values of a composite type are made and taken apart. */
export interface CompositeOptions<T = unknown> {
  /**
   * A class, or a function, that gets the values of the fields as arguments.
   * Instances of a class can then be sent. By default values are plain objects
   * with a property for each field.
   */
  factory?: SequenceFactory<T> | undefined;
  /**
   * Makes a value, where `factory` does not do.
   *
   * @default {the call of `factory`}
   */
  makeObject?: ((values: unknown[], info: CompositeInfo) => T) | undefined;
  /**
   * Takes an instance of the class `factory` apart, into the values of the
   * fields in their order.
   *
   * @default {the instance itself, which must be iterable}
   */
  makeSequence?:
    | ((object: T, info: CompositeInfo) => Iterable<unknown>)
    | undefined;
}

type Make = (values: unknown[]) => unknown;

/** Whether a function can only be called with `new`. */
function isClass<T>(
  factory: SequenceFactory<T>,
): factory is new (...values: never[]) => T {
  return Object.getOwnPropertyDescriptor(factory, "prototype")?.writable ===
    false;
}

function makerOf<T>(
  info: CompositeInfo,
  { factory, makeObject }: CompositeOptions<T>,
): Make {
  if (makeObject !== undefined) return (values) => makeObject(values, info);
  if (factory === undefined) {
    const names = info.fieldNames;
    return (values) => {
      const object: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        setOwn(object, names[i]!, values[i]);
      }
      return object;
    };
  }
  return isClass(factory)
    ? (values) => new factory(...values as never[])
    : (values) => factory(...values as never[]);
}

/** The loaders of a type, made by `make` from the values of its fields. */
function makeLoaders(
  info: CompositeInfo,
  make: Make,
): [LoaderClass, LoaderClass] {
  const types = info.fieldTypes;

  /** The values of the fields, of which there must be as many as the type has. */
  function made(values: unknown[]): unknown {
    if (values.length === types.length) return make(values);
    throw malformed(
      `it has ${values.length} fields, not the ${types.length} that the type had when it was registered`,
    );
  }

  class CompositeLoader implements Loader {
    static readonly format: Format = Format.TEXT;
    readonly #adaptation: Adaptation;
    // At the first value: a field can lead back to this very type.
    #fields: Loader[] | null = null;

    constructor(_oid: number, adaptation: Adaptation) {
      this.#adaptation = adaptation;
    }

    load(source: ReadBuffer, start: number, end: number): unknown {
      const fields = this.#fields ??= types.map((oid) =>
        this.#adaptation.getLoader(oid, Format.TEXT)
      );
      const values = readRecordText(source, start, end, (index) => {
        const field = fields[index];
        if (field === undefined) throw malformed("it has too many fields");
        return field;
      });
      // The text of a single NULL is that of no field at all.
      return made(
        values.length === 0 && types.length === 1 ? [null] : values,
      );
    }
  }

  class CompositeBinaryLoader implements Loader {
    static readonly format: Format = Format.BINARY;
    static readonly twin: LoaderClass = CompositeLoader;
    readonly #adaptation: Adaptation;

    constructor(_oid: number, adaptation: Adaptation) {
      this.#adaptation = adaptation;
    }

    load(source: ReadBuffer, start: number, end: number): unknown {
      return made(
        readRecordBinary(
          source,
          start,
          end,
          (_, oid) => this.#adaptation.getLoader(oid, Format.BINARY),
        ),
      );
    }
  }

  return [CompositeLoader, CompositeBinaryLoader];
}

/** The dumpers of instances, taken apart by `values`. */
function makeDumpers<T>(
  info: CompositeInfo,
  values: (object: T) => readonly unknown[],
): [DumperClass<T>, DumperClass<T>] {
  class CompositeDumper extends TextDumper<T> {
    override readonly oid: number = info.oid;
    override readonly cast: string = info.regtype;
    readonly #adaptation: Adaptation;

    constructor(adaptation: Adaptation) {
      super();
      this.#adaptation = adaptation;
    }

    override text(object: T): string {
      return recordText(values(object), this.#adaptation);
    }
  }

  class CompositeBinaryDumper extends BinaryDumper<T> {
    override readonly oid: number = info.oid;
    override readonly cast: string = info.regtype;
    readonly #adaptation: Adaptation;

    constructor(adaptation: Adaptation) {
      super();
      this.#adaptation = adaptation;
    }

    override dump(object: T, out: WriteBuffer): void {
      writeRecordBinary(values(object), info, this.#adaptation, out);
    }

    override text(object: T): string {
      return recordText(values(object), this.#adaptation);
    }
  }

  return [CompositeDumper, CompositeBinaryDumper];
}

/** Takes an instance apart, and checks that as many values come out as there are fields. */
function takerOf<T>(
  info: CompositeInfo,
  name: string,
  makeSequence: CompositeOptions<T>["makeSequence"],
): (object: T) => readonly unknown[] {
  return (object) => {
    const sequence = makeSequence === undefined
      ? object
      : makeSequence(object, info);
    if (!isIterable(sequence)) {
      throw new TypeError(
        `Cannot send a value of the class ${name} as ${info.regtype}: it is not iterable, give registerComposite() a makeSequence()`,
      );
    }
    const values = [...sequence];
    const expected = info.fieldNames.length;
    if (values.length === expected) return values;
    throw new ProgrammingError(
      `Cannot send a value of the class ${name} as ${info.regtype}: the type has ${expected} fields, and ${values.length} values came out of it`,
    );
  };
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return value != null &&
    typeof (value as Iterable<unknown>)[Symbol.iterator] === "function";
}

/**
 * Has the values of a composite type loaded as objects: plain ones with a
 * property for each field, or what `factory` makes of them. Instances of a class
 * given as `factory` can be sent; anything else goes out as `new Tuple([...])`
 * or `Tuple.of(info, object)`, since a plain object is sent as JSON.
 *
 * @param info The type.
 * @param context A connection, a cursor, or a map of adapters; by default the
 * global one, for the connections that are opened later.
 * @param options How values are made and taken apart.
 * @throws {TypeError} If there is no type, as when `fetch()` has found none.
 * @throws {ProgrammingError} If there is a `makeSequence` and no class to use it for.
 *
 * @example
 * ```ts
 * import { CompositeInfo, connect, registerComposite } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * await conn.execute("create type item as (name text, price float8)");
 * registerComposite(await CompositeInfo.fetch(conn, "item"), conn);
 * const row = await conn.execute("select ('tea', 2.5)::item as what").fetchOne();
 * assertEquals(row?.what, { name: "tea", price: 2.5 });
 * ```
 *
 * @example A class
 * ```ts
 * import { CompositeInfo, connect, registerComposite } from "@x/pgts";
 *
 * class Item {
 *   readonly name: string;
 *   readonly price: number;
 *
 *   constructor(name: string, price: number) {
 *     this.name = name;
 *     this.price = price;
 *   }
 * }
 *
 * await using conn = await connect();
 * await conn.execute("create type item as (name text, price float8)");
 * registerComposite(await CompositeInfo.fetch(conn, "item"), conn, {
 *   factory: Item,
 *   makeSequence: (item) => [item.name, item.price],
 * });
 * await conn.execute("select %s", [new Item("tea", 2.5)]);
 * ```
 */
export function registerComposite<T = unknown>(
  info: CompositeInfo | null,
  context?: RegisterContext | null,
  options: CompositeOptions<T> = {},
): void {
  if (info == null) {
    throw new TypeError(
      "Cannot register the composite type: there is no such type, CompositeInfo.fetch() gave null",
    );
  }
  const { factory, makeSequence } = options;
  const sent = factory !== undefined && isClass(factory) ? factory : null;
  if (sent === null && makeSequence !== undefined) {
    throw new ProgrammingError(
      "Cannot register the composite type: makeSequence() is for instances of a class, give it as factory",
    );
  }
  const map = mapOf(context);
  info.register(map);
  info.jsType = factory ?? null;
  for (const loader of makeLoaders(info, makerOf(info, options))) {
    map.registerLoader(info.oid, loader);
  }
  if (sent === null) return;
  const [text, binary] = makeDumpers(
    info,
    takerOf(info, sent.name, makeSequence),
  );
  map.registerDumper(sent, binary);
  map.registerDumper(sent, text);
  if (makeSequence === undefined && !isIterable(sent.prototype)) {
    warnIn(
      context,
      `instances of ${sent.name} cannot be sent as ${info.regtype}: they are not iterable, give registerComposite() a makeSequence()`,
    );
  }
}
