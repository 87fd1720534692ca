/**
 * The registry that finds types by name and OID, and what it knows from the start.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import { BUILTIN_RANGES, BUILTIN_TYPES } from "./oids.ts";
import type { MultirangeInfoOptions } from "./type_facts.ts";
import { MultirangeInfo, RangeInfo, TypeInfo } from "./type_info.ts";

/** The classes of types that are made of another type. */
export type SubtypeClass<T extends RangeInfo | MultirangeInfo> = new (
  name: string,
  oid: number,
  arrayOid: number,
  options: MultirangeInfoOptions,
) => T;

/** What a registry holds; shared between copies until one of them is written to. */
interface Content {
  names: Map<string, TypeInfo>;
  oids: Map<number, TypeInfo>;
}

/**
 * Finds types by name, by the name they have in SQL, by OID, and by the OID of
 * their arrays.
 *
 * A copy shares what its template holds until either of them is added to, so
 * that a connection's registry costs nothing.
 *
 * @example Add a type
 * ```ts
 * import { adapters } from "@x/pgts";
 * import { TypeInfo, TypesRegistry } from "@x/pgts/types";
 * import { assertEquals } from "@std/assert";
 *
 * const types = new TypesRegistry(adapters.types);
 * types.add(new TypeInfo("mood", 16385, 16384));
 * assertEquals(types.getOid("mood[]"), 16384);
 * assertEquals(adapters.types.get("mood"), null);
 * ```
 */
export class TypesRegistry implements Iterable<TypeInfo> {
  #content: Content;
  #shared: boolean;
  #version = 0;

  /**
   * Makes a registry.
   *
   * @param template The registry to copy. Without it the new one is empty.
   */
  constructor(template?: TypesRegistry) {
    this.#shared = template !== undefined;
    if (template === undefined) {
      this.#content = { names: new Map(), oids: new Map() };
    } else {
      template.#shared = true;
      this.#content = template.#content;
    }
  }

  /** Counts the changes, for caches of what was found. */
  get version(): number {
    return this.#version;
  }

  /**
   * Adds a type. What has the same name or OID is replaced.
   *
   * @param info The type.
   */
  add(info: TypeInfo): void {
    if (this.#shared) {
      this.#content = {
        names: new Map(this.#content.names),
        oids: new Map(this.#content.oids),
      };
      this.#shared = false;
    }
    this.#version++;
    const { names, oids } = this.#content;
    const before = names.get(info.name);
    // Dropped and created again: whatever gets the old OIDs next is not this type.
    if (before?.regtype === info.regtype) {
      if (oids.get(before.oid) === before) oids.delete(before.oid);
      if (oids.get(before.arrayOid) === before) oids.delete(before.arrayOid);
    }
    if (info.oid !== 0) oids.set(info.oid, info);
    if (info.arrayOid !== 0) oids.set(info.arrayOid, info);
    names.set(info.name, info);
    // A name in the catalogue goes before the same name in SQL.
    if (names.get(info.regtype)?.name !== info.regtype) {
      names.set(info.regtype, info);
    }
  }

  /**
   * Finds a type.
   *
   * @param key A name such as `int4`, `integer` or `int4[]`, the OID of a type,
   * or the OID of the arrays of a type.
   * @returns The type, for an array that of its elements, or `null`.
   */
  get(key: string | number): TypeInfo | null {
    if (typeof key === "number") return this.#content.oids.get(key) ?? null;
    const name = key.endsWith("[]") ? key.slice(0, -2) : key;
    return this.#content.names.get(name) ?? null;
  }

  /**
   * Finds a type that must be there.
   *
   * @param key A name or OID, as {@linkcode TypesRegistry.get} takes it.
   * @returns The type, for an array that of its elements.
   * @throws {ProgrammingError} If the registry does not have it.
   */
  mustGet(key: string | number): TypeInfo {
    const info = this.get(key);
    if (info === null) {
      const shown = typeof key === "number" ? `OID ${key}` : `"${key}"`;
      throw new ProgrammingError(
        `Cannot find the type ${shown}: the type registry does not have it, add it with adapters.types.add(new TypeInfo(...))`,
      );
    }
    return info;
  }

  /**
   * Finds the OID of a type, or of an array type.
   *
   * @param name The name of a type, with `[]` for that of its arrays.
   * @returns The OID.
   * @throws {ProgrammingError} If the registry does not have it.
   */
  getOid(name: string): number {
    const info = this.mustGet(name);
    if (!name.endsWith("[]")) return info.oid;
    if (info.arrayOid === 0) {
      throw new ProgrammingError(
        `Cannot find the type "${name}": there are no arrays of this type`,
      );
    }
    return info.arrayOid;
  }

  /**
   * Finds the range or multirange over a type. Of several the one added last is
   * found.
   *
   * @param kind Either {@linkcode RangeInfo} or {@linkcode MultirangeInfo}.
   * @param subtype The name or OID of the type of the bounds.
   * @returns The range or multirange, or `null`.
   */
  getBySubtype<T extends RangeInfo | MultirangeInfo>(
    kind: SubtypeClass<T>,
    subtype: string | number,
  ): T | null {
    const oid = this.get(subtype)?.oid;
    let found: T | null = null;
    for (const info of this.#content.names.values()) {
      if (info instanceof kind && info.subtypeOid === oid) found = info;
    }
    return found;
  }

  /**
   * The types, each once.
   *
   * @returns An iterator over the types.
   */
  [Symbol.iterator](): IterableIterator<TypeInfo> {
    return new Set(this.#content.names.values()).values();
  }
}

/**
 * A registry of every built-in type.
 *
 * @returns A registry that is not shared with anybody.
 */
export function builtinTypes(): TypesRegistry {
  const registry = new TypesRegistry();
  const ranges = new Map(BUILTIN_RANGES.map((range) => [range[0], range]));
  const multiranges = new Map(BUILTIN_RANGES.map((range) => [range[2], range]));
  for (const [name, oid, arrayOid, regtype, delimiter] of BUILTIN_TYPES) {
    const options = { regtype, delimiter: delimiter ?? "," };
    const range = ranges.get(oid) ?? multiranges.get(oid);
    if (range === undefined) {
      registry.add(new TypeInfo(name, oid, arrayOid, options));
      continue;
    }
    const [rangeOid, subtypeOid] = range;
    registry.add(
      rangeOid === oid
        ? new RangeInfo(name, oid, arrayOid, { ...options, subtypeOid })
        : new MultirangeInfo(name, oid, arrayOid, {
          ...options,
          subtypeOid,
          rangeOid,
        }),
    );
  }
  return registry;
}
