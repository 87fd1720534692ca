/**
 * Where loaders and dumpers are registered and found. What is found is made
 * ready for use, and kept, in `transformer.ts`.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import {
  type Adaptation,
  type DumperKey,
  type DumperLike,
  Format,
  type LoaderLike,
  NO_SESSION,
  PlaceholderFormat,
  type Registrar,
} from "./adapt.ts";
import {
  describeFormat,
  explainMissing,
  oidOf,
  placeOf,
} from "./dumper_key.ts";
import {
  makeDumper,
  type RegisteredDumper,
  type RegisteredLoader,
  toDumper,
  toLoader,
} from "./registered.ts";
import { TextLoader } from "./text.ts";
import type { TypeInfo } from "./type_info.ts";
import { builtinTypes, TypesRegistry } from "./types_registry.ts";

/** The dumpers of one key, by what a placeholder asks for. */
type DumperEntry = Readonly<Record<PlaceholderFormat, RegisteredDumper | null>>;

const NO_DUMPERS: DumperEntry = { s: null, t: null, b: null };

/** What a map holds; shared between copies until one of them is written to. */
interface Content {
  /** By OID, one map for each format. */
  loaders: readonly [
    Map<number, RegisteredLoader>,
    Map<number, RegisteredLoader>,
  ];
  /** By the name of a primitive or the prototype of a class. */
  dumpers: Map<string | object, DumperEntry>;
  /**
   * All dumpers in the order of their registration, with the OID of those that
   * were registered for one. The key is what a later one takes the place of.
   */
  order: Map<RegisteredDumper | string, readonly [RegisteredDumper, number]>;
}

let builtin: TypesRegistry | undefined;

/**
 * Says how JavaScript values become PostgreSQL values and back.
 *
 * The global map, `adapters`, is copied by each connection, and the
 * connection's map by each cursor. A change to a map concerns what is copied
 * from it later, never what has been copied before.
 *
 * @example Change what a type is read as, on one connection
 * ```ts ignore
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * conn.adapters.registerLoader("money", (text) => text.replace("$", ""));
 * ```
 */
export class AdaptersMap implements Registrar {
  /** The types that are known, by name and OID. */
  readonly types: TypesRegistry;
  #content: Content;
  #shared: boolean;
  #version = 0;
  #byOid: Map<number, DumperEntry> | null = null;

  /**
   * Makes a map.
   *
   * @param template The map to copy. Without it nothing but the built-in types
   * is there.
   */
  constructor(template?: AdaptersMap) {
    this.#shared = template !== undefined;
    if (template === undefined) {
      this.types = new TypesRegistry(builtin ??= builtinTypes());
      this.#content = {
        loaders: [new Map(), new Map()],
        dumpers: new Map(),
        order: new Map(),
      };
    } else {
      this.types = new TypesRegistry(template.types);
      template.#shared = true;
      this.#content = template.#content;
    }
  }

  /** Changes whenever the map or its types do, for caches of what was found. */
  get version(): number {
    return this.#version + this.types.version;
  }

  /**
   * Sets what values of a type are read by, in the format that the loader is
   * for.
   *
   * @param type The OID of the type, a name that the type registry knows, or what
   * `TypeInfo.fetch()` has found.
   * @param loader A class, an object, or a function of the value's text.
   * @throws {ProgrammingError} If the registry does not have the type, or if the
   * loader is none.
   *
   * @example Read numeric as a number
   * ```ts
   * import { adapters } from "@x/pgts";
   * import { AdaptersMap } from "@x/pgts/types";
   *
   * const map = new AdaptersMap(adapters);
   * map.registerLoader("numeric", Number);
   * ```
   */
  registerLoader(type: number | string | TypeInfo, loader: LoaderLike): void {
    const oid = oidOf(type) ?? this.types.getOid(type as string);
    const registered = toLoader(loader);
    this.#own();
    this.#content.loaders[registered.format ?? Format.TEXT]
      .set(oid, registered);
  }

  /**
   * Sets what values of a class are sent by. Of several dumpers for one class
   * `%t` takes the one of text, `%b` the binary one, and `%s` the one that was
   * registered last.
   *
   * A dumper that is registered for a type rather than for a class sends what is
   * to be of this type, whatever class it is of: the fields of a COPY whose types
   * are set, also inside arrays.
   *
   * @param key The class of the values, or what `typeof` says of them; or the OID
   * of a type, or what `TypeInfo.fetch()` has found.
   * @param dumper A class, an object, or a function that returns the text of a
   * value.
   * @throws {ProgrammingError} If the key or the dumper is none.
   *
   * @example Send a class of your own
   * ```ts
   * import { adapters } from "@x/pgts";
   * import { AdaptersMap } from "@x/pgts/types";
   *
   * class Pixel {
   *   x = 0;
   *   y = 0;
   * }
   * const map = new AdaptersMap(adapters);
   * map.registerDumper(Pixel, (pixel: Pixel) => `(${pixel.x},${pixel.y})`);
   * ```
   *
   * @example Send whatever is to be of a type
   * ```ts
   * import { adapters } from "@x/pgts";
   * import { AdaptersMap, OID } from "@x/pgts/types";
   *
   * const map = new AdaptersMap(adapters);
   * map.registerDumper(OID.MONEY, (amount: number) => amount.toFixed(2));
   * ```
   */
  registerDumper(
    key: DumperKey | number | TypeInfo,
    dumper: DumperLike<never>,
  ): void {
    const oid = oidOf(key);
    const place = oid === null ? placeOf(key as DumperKey) : "";
    const registered = toDumper(dumper as DumperLike, oid ?? 0);
    this.#own();
    const { dumpers, order } = this.#content;
    if (oid === null) {
      dumpers.set(place, withDumper(dumpers.get(place), registered));
    }
    const turn = oid === null ? registered : `${oid} ${registered.format}`;
    order.delete(turn);
    order.set(turn, [registered, oid ?? 0]);
  }

  /**
   * Finds what was registered for a type.
   *
   * @param oid The OID of the type.
   * @param format The format of the values.
   * @returns The loader, or `null`: arrays are then read by the loader of their
   * elements, other values as strings, in binary as bytes.
   */
  getLoader(oid: number, format: Format): RegisteredLoader | null {
    return this.#content.loaders[format].get(oid) ?? null;
  }

  /**
   * Finds what the values of a class are sent by: what was registered for it or
   * for the nearest class that it extends.
   *
   * @param key The class of the values, or what `typeof` says of them.
   * @param format What the placeholder asks for.
   * @returns The dumper.
   * @throws {ProgrammingError} If there is none.
   */
  getDumper(
    key: DumperKey,
    format: PlaceholderFormat = PlaceholderFormat.AUTO,
  ): RegisteredDumper {
    return this.findDumper(placeOf(key), format);
  }

  /**
   * Finds a dumper for values of a type, whatever class they are of.
   *
   * @param oid The OID of the type.
   * @param format What the placeholder asks for.
   * @returns The dumper of this type that was registered last.
   * @throws {ProgrammingError} If there is none.
   */
  getDumperByOid(
    oid: number,
    format: PlaceholderFormat = PlaceholderFormat.AUTO,
  ): RegisteredDumper {
    const found = this.#findByOid(oid, format);
    if (found === null) {
      const name = this.types.get(oid)?.regtype;
      throw new ProgrammingError(
        `Cannot find a dumper for the type ${
          name === undefined ? `with OID ${oid}` : `"${name}"`
        }: no ${
          describeFormat(format)
        }dumper of this type is registered, register one with adapters.registerDumper(${oid}, ...)`,
      );
    }
    return found;
  }

  /**
   * Whether a dumper for values of a type is registered.
   *
   * @internal
   */
  hasDumperByOid(oid: number, format: PlaceholderFormat): boolean {
    return this.#findByOid(oid, format) !== null;
  }

  #findByOid(oid: number, format: PlaceholderFormat): RegisteredDumper | null {
    this.#byOid ??= this.#indexByOid();
    return this.#byOid.get(oid)?.[format] ?? null;
  }

  /**
   * Finds a dumper by the prototype of a value, or the name of its primitive
   * type.
   *
   * @internal
   */
  findDumper(
    place: string | object,
    format: PlaceholderFormat,
  ): RegisteredDumper {
    const { dumpers } = this.#content;
    let at: string | object | null = place;
    let seen = false;
    while (at !== null) {
      // Every class extends Object, but only plain objects are meant by it.
      if (at === Object.prototype && place !== Object.prototype) break;
      const entry: DumperEntry | undefined = dumpers.get(at);
      if (entry !== undefined) {
        const found = entry[format];
        if (found !== null) return found;
        seen = true;
      }
      at = typeof at === "string" ? null : Object.getPrototypeOf(at);
    }
    throw new ProgrammingError(explainMissing(place, format, seen));
  }

  /** Makes the content this map's own before it is changed. */
  #own(): void {
    this.#version++;
    this.#byOid = null;
    if (!this.#shared) return;
    const { loaders, dumpers, order } = this.#content;
    this.#content = {
      loaders: [new Map(loaders[0]), new Map(loaders[1])],
      dumpers: new Map(dumpers),
      order: new Map(order),
    };
    this.#shared = false;
  }

  /** The OID is known only to instances. */
  #indexByOid(): Map<number, DumperEntry> {
    const index = new Map<number, DumperEntry>();
    const probe: Adaptation = {
      session: NO_SESSION,
      getLoader: (oid) => new TextLoader(oid, probe),
      getDumper: (value) => {
        const key = typeof value === "object"
          ? Object.getPrototypeOf(value)
          : typeof value;
        return makeDumper(this.findDumper(key, "s"), probe, "s");
      },
      arrayOidOf: (oid) => this.types.get(oid)?.arrayOid ?? 0,
      typeInfoOf: (type) => this.types.get(type),
    };
    for (const [registered, given] of this.#content.order.values()) {
      const oid = given || makeDumper(registered, probe, "s").oid;
      if (oid !== 0) index.set(oid, withDumper(index.get(oid), registered));
    }
    return index;
  }
}

function withDumper(
  entry: DumperEntry = NO_DUMPERS,
  dumper: RegisteredDumper,
): DumperEntry {
  return dumper.format === Format.BINARY
    ? { ...entry, s: dumper, b: dumper }
    : { ...entry, s: dumper, t: dumper };
}
