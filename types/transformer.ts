/**
 * The loaders and dumpers of one context, made from what its `AdaptersMap`
 * says, each once.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import {
  type Adaptation,
  type Dumper,
  Format,
  type Loader,
  PlaceholderFormat,
  type SessionState,
} from "./adapt.ts";
import type { AdaptersMap } from "./adapters_map.ts";
import { ArrayBinaryLoader, ArrayLoader } from "./array.ts";
import { arrayOf } from "./array_dumper.ts";
import { makeDumper } from "./registered.ts";
import { domainOver } from "./domain.ts";
import { TextLoader } from "./text.ts";
import { tuplesOf } from "./tuple.ts";
import {
  CompositeInfo,
  MultirangeInfo,
  RangeInfo,
  type TypeInfo,
} from "./type_info.ts";

/** The dumpers that one kind of placeholder has used so far. */
class Slots {
  readonly format: PlaceholderFormat;
  number: Dumper | null = null;
  string: Dumper | null = null;
  boolean: Dumper | null = null;
  bigint: Dumper | null = null;
  readonly byPrototype: Map<object, Dumper> = new Map();

  constructor(format: PlaceholderFormat) {
    this.format = format;
  }

  clear(): void {
    this.number =
      this.string =
      this.boolean =
      this.bigint =
        null;
    this.byPrototype.clear();
  }
}

/** Binary values of a type that nobody knows: a copy of the bytes. */
class BytesLoader implements Loader<Uint8Array> {
  load(source: ReadBuffer, start: number, end: number): Uint8Array {
    return source.bytes.slice(start, end);
  }
}

/**
 * Finds the loader of a type and the dumper of a value, and keeps them. A
 * change to the map is noticed at the next look-up.
 */
export class Transformer implements Adaptation {
  /** Where loaders and dumpers are registered. */
  readonly adapters: AdaptersMap;
  /** The session the values belong to. */
  readonly session: SessionState;

  #version: number;
  readonly #auto = new Slots(PlaceholderFormat.AUTO);
  readonly #text = new Slots(PlaceholderFormat.TEXT);
  readonly #binary = new Slots(PlaceholderFormat.BINARY);
  readonly #textLoaders = new Map<number, Loader>();
  readonly #binaryLoaders = new Map<number, Loader>();
  readonly #byOid = new Map<string, Dumper>();
  /** What dumpers that tell values apart by keys have made, by these. */
  readonly #byKey = new Map<Dumper, Map<unknown, Dumper>>();

  /**
   * Makes one without loaders and dumpers.
   *
   * @param adapters Where loaders and dumpers are registered.
   * @param session The session the values belong to.
   */
  constructor(adapters: AdaptersMap, session: SessionState) {
    this.adapters = adapters;
    this.session = session;
    this.#version = adapters.version;
  }

  /** Forgets all loaders and dumpers, so that they are made anew. */
  reset(): void {
    this.#version = this.adapters.version;
    this.#auto.clear();
    this.#text.clear();
    this.#binary.clear();
    this.#textLoaders.clear();
    this.#binaryLoaders.clear();
    this.#byOid.clear();
    this.#byKey.clear();
  }

  /**
   * Finds the loader for values of a type. Arrays that nobody registered a
   * loader for are read by that of their elements; other types are read as
   * strings, in binary as bytes.
   *
   * @param oid The OID of the type.
   * @param format The format of the values.
   * @returns The loader, the same one until the map changes.
   */
  getLoader(oid: number, format: Format): Loader {
    if (this.#version !== this.adapters.version) this.reset();
    const loaders = format === Format.TEXT
      ? this.#textLoaders
      : this.#binaryLoaders;
    let loader = loaders.get(oid);
    if (loader === undefined) {
      loader = this.#makeLoader(oid, format);
      loaders.set(oid, loader);
    }
    return loader;
  }

  /**
   * Finds the dumper for a value, as its content needs it.
   *
   * @param value The value, not `null`.
   * @param format What the placeholder asks for.
   * @returns The dumper.
   * @throws {ProgrammingError} If the value cannot be adapted.
   * @throws {DataError} If what it contains does not go together.
   */
  getDumper(
    value: unknown,
    format: PlaceholderFormat = PlaceholderFormat.AUTO,
  ): Dumper {
    if (this.#version !== this.adapters.version) this.reset();
    const slots = format === PlaceholderFormat.AUTO
      ? this.#auto
      : format === PlaceholderFormat.TEXT
      ? this.#text
      : this.#binary;
    let dumper: Dumper;
    switch (typeof value) {
      case "number":
        dumper = slots.number ??= this.#makeDumper("number", format);
        break;
      case "string":
        dumper = slots.string ??= this.#makeDumper("string", format);
        break;
      case "boolean":
        dumper = slots.boolean ??= this.#makeDumper("boolean", format);
        break;
      case "bigint":
        dumper = slots.bigint ??= this.#makeDumper("bigint", format);
        break;
      case "object":
        dumper = this.#dumperOfObject(value as object, slots);
        break;
      default:
        throw unadaptable(value);
    }
    if (dumper.upgrade === undefined) return dumper;
    return dumper.getKey === undefined
      ? dumper.upgrade(value)
      : this.#dumperOfKey(dumper, value, dumper.getKey(value));
  }

  /**
   * Finds the dumper for values of a type, whatever class they are of. Arrays
   * are made of the dumper of their elements, a domain is sent as the type that
   * it is over, and values of a composite type are {@linkcode Tuple}s unless a
   * dumper of that type is registered.
   *
   * @param oid The OID of the type.
   * @param format What the placeholder asks for.
   * @returns The dumper, the same one until the map changes.
   * @throws {ProgrammingError} If none is registered for the type.
   */
  getDumperByOid(
    oid: number,
    format: PlaceholderFormat = PlaceholderFormat.AUTO,
  ): Dumper {
    if (this.#version !== this.adapters.version) this.reset();
    const key = format + oid;
    let dumper = this.#byOid.get(key);
    if (dumper === undefined) {
      dumper = this.#makeDumperByOid(oid, format);
      this.#byOid.set(key, dumper);
    }
    return dumper;
  }

  /**
   * Whether values of a type may be asked for in binary: whether that gives
   * what the text would have given.
   *
   * @param oid The OID of the type.
   * @returns Whether the loader of binary values has the one of text values as
   * its twin; for an array, a domain, a range, a multirange or a composite type,
   * whether that holds for what it is made of.
   */
  binaryEquals(oid: number): boolean {
    const text = this.adapters.getLoader(oid, Format.TEXT);
    const binary = this.adapters.getLoader(oid, Format.BINARY);
    const info = this.adapters.types.get(oid);
    if (text === null && binary === null) {
      if (info === null) return false;
      if (info.arrayOid === oid) return this.binaryEquals(info.oid);
      return info.baseOid !== 0 && this.binaryEquals(info.baseOid);
    }
    // A subclass may read something else, so what it inherits does not count.
    const twins = text !== null && typeof binary === "function" &&
      Object.hasOwn(binary, "twin") && binary.twin === text;
    if (!twins || info === null || info.oid !== oid) return twins;
    if (info instanceof RangeInfo || info instanceof MultirangeInfo) {
      return this.binaryEquals(info.subtypeOid);
    }
    return !(info instanceof CompositeInfo) ||
      info.fieldTypes.every((type) => this.binaryEquals(type));
  }

  /** The OID of the array type over a type, or 0 where there is none. */
  arrayOidOf(oid: number): number {
    const info = this.adapters.types.get(oid);
    return info !== null && info.oid === oid ? info.arrayOid : 0;
  }

  /** What is known of a type, for an array type that of its elements, or `null`. */
  typeInfoOf(type: number | string): TypeInfo | null {
    return this.adapters.types.get(type);
  }

  /** The range type over a type, or `null`. */
  rangeOver(oid: number): RangeInfo | null {
    return this.adapters.types.getBySubtype(RangeInfo, oid);
  }

  /** The multirange type over a type, or `null`. */
  multirangeOver(oid: number): MultirangeInfo | null {
    return this.adapters.types.getBySubtype(MultirangeInfo, oid);
  }

  #makeLoader(oid: number, format: Format): Loader {
    const registered = this.adapters.getLoader(oid, format);
    if (registered !== null) {
      return typeof registered === "function"
        ? new registered(oid, this)
        : registered;
    }
    const info = this.adapters.types.get(oid);
    if (info !== null && info.oid === oid && info.baseOid !== 0) {
      return this.getLoader(info.baseOid, format);
    }
    if (info !== null && info.arrayOid === oid) {
      return format === Format.TEXT
        ? new ArrayLoader(oid, this)
        : new ArrayBinaryLoader(oid, this);
    }
    return format === Format.TEXT
      ? new TextLoader(oid, this)
      : new BytesLoader();
  }

  #makeDumperByOid(oid: number, format: PlaceholderFormat): Dumper {
    const info = this.adapters.types.get(oid);
    if (info !== null && info.arrayOid === oid) {
      return arrayOf(this.getDumperByOid(info.oid, format), this);
    }
    if (info !== null && !this.adapters.hasDumperByOid(oid, format)) {
      if (info.baseOid !== 0) {
        return domainOver(this.getDumperByOid(info.baseOid, format), info);
      }
      if (info instanceof CompositeInfo) return tuplesOf(info, this, format);
    }
    return makeDumper(this.adapters.getDumperByOid(oid, format), this, format);
  }

  #makeDumper(place: string | object, format: PlaceholderFormat): Dumper {
    return makeDumper(this.adapters.findDumper(place, format), this, format);
  }

  #dumperOfKey(dumper: Dumper, value: unknown, key: unknown): Dumper {
    let known = this.#byKey.get(dumper);
    if (known === undefined) this.#byKey.set(dumper, known = new Map());
    let upgraded = known.get(key);
    if (upgraded === undefined) {
      upgraded = dumper.upgrade!(value);
      known.set(key, upgraded);
    }
    return upgraded;
  }

  #dumperOfObject(value: object, slots: Slots): Dumper {
    const prototype: object = Object.getPrototypeOf(value) ?? Object.prototype;
    let dumper = slots.byPrototype.get(prototype);
    if (dumper === undefined) {
      dumper = this.#makeDumper(prototype, slots.format);
      slots.byPrototype.set(prototype, dumper);
    }
    return dumper;
  }
}

function unadaptable(value: unknown): ProgrammingError {
  return new ProgrammingError(
    value === undefined
      ? "Cannot adapt undefined: it stands for nothing in SQL, pass null for NULL"
      : `Cannot adapt a ${typeof value}: there is nothing in SQL that it could become`,
  );
}
