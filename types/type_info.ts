/**
 * What is known of a PostgreSQL type: its names and OIDs, and what it is made
 * of. The registry that finds types is in `types_registry.ts`, the question to
 * the server's catalogue in `connection/`.
 *
 * @module
 */

import type {
  CompositeInfoOptions,
  EnumInfoOptions,
  MultirangeInfoOptions,
  RangeInfoOptions,
  TypeInfoOptions,
  TypeName,
  TypeSource,
} from "./type_facts.ts";

/** What types can be added to. */
export interface TypesHolder {
  /** The registry. */
  readonly types: {
    /** Adds a type. */
    add(info: TypeInfo): void;
  };
}

/** Where a type is to be known: `adapters`, a connection or a cursor. */
export type TypeContext = TypesHolder | {
  /** The map of adapters, with its registry of types. */
  readonly adapters: TypesHolder;
};

let globalTypes: TypesHolder | null = null;

/**
 * Says where types are added to by default.
 *
 * @internal
 */
export function setGlobalTypes(holder: TypesHolder): void {
  globalTypes = holder;
}

/**
 * A type of PostgreSQL.
 *
 * @example Ask the server for a type
 * ```ts
 * import { connect, TypeInfo } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * await conn.execute("create domain age as int4 check (value >= 0)");
 * const info = await TypeInfo.fetch(conn, "age");
 * info?.register(conn); // arrays of it are read as arrays from now on
 * assertEquals(info?.baseOid, 23);
 * ```
 *
 * @example Look a type up
 * ```ts
 * import { adapters } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * const info = adapters.types.get("int4");
 * assertEquals(String(info), "<TypeInfo: int4 (oid: 23, array oid: 1007)>");
 * ```
 */
export class TypeInfo {
  /** The name in the catalogue. */
  readonly name: string;
  /** The OID of the type. */
  readonly oid: number;
  /** The OID of the type of arrays of it; 0 where there is none. */
  readonly arrayOid: number;
  /** The name in SQL: `double precision` for `float8`. */
  readonly regtype: string;
  /** What stands between the elements of an array of this type. */
  readonly delimiter: string;
  /** Of a domain, the OID of the type that it is over; 0 of anything else. */
  readonly baseOid: number;

  static {
    const inspect = {
      configurable: true,
      value(this: TypeInfo): string {
        return this.toString();
      },
    };
    Object.defineProperties(this.prototype, {
      [Symbol.for("Deno.customInspect")]: inspect,
      [Symbol.for("nodejs.util.inspect.custom")]: inspect,
    });
  }

  /**
   * Describes a type.
   *
   * @param name The name in the catalogue.
   * @param oid The OID of the type.
   * @param arrayOid The OID of the type of arrays of it, or 0.
   * @param options The name in SQL and the delimiter.
   */
  constructor(
    name: string,
    oid: number,
    arrayOid: number,
    options: TypeInfoOptions = {},
  ) {
    this.name = name;
    this.oid = oid;
    this.arrayOid = arrayOid;
    this.regtype = options.regtype ?? name;
    this.delimiter = options.delimiter ?? ",";
    this.baseOid = options.baseOid ?? 0;
  }

  /**
   * Asks the server for a type. That opens no transaction and ends none, and
   * nothing is kept: a type that was dropped and created again is found under
   * its new OIDs.
   *
   * @param conn The connection to ask on.
   * @param name The name as it stands in SQL, with its schema and its quotes
   * where it needs them, or an `Identifier`.
   * @returns The type, or `null` if there is none of this name.
   * @throws {ProgrammingError} If the text is no name.
   * @throws {OperationalError} If the connection is closed.
   * @throws {InFailedSqlTransaction} If the transaction has failed.
   */
  static async fetch(
    conn: TypeSource,
    name: string | TypeName,
  ): Promise<TypeInfo | null> {
    const found = await conn.lookUpType(name);
    return found === null
      ? null
      : new TypeInfo(found.name, found.oid, found.arrayOid, found);
  }

  /**
   * Makes the type known, so that arrays of it are read and sent as arrays, and
   * a domain as the type that it is over.
   *
   * @param context A connection or a cursor, or the map of adapters of one. By
   * default the global one, for the connections that are opened later.
   */
  register(context?: TypeContext | null): void {
    const holder = context ?? globalTypes;
    if (holder === null) {
      throw new TypeError(
        "Cannot register the type: say where, with a connection or its adapters",
      );
    }
    ("types" in holder ? holder : holder.adapters).types.add(this);
  }

  /**
   * The type in short.
   *
   * @returns The class, the name and the OIDs, as
   * `<TypeInfo: int4 (oid: 23, array oid: 1007)>`.
   */
  toString(): string {
    return `<${this.constructor.name}: ${this.name} (oid: ${this.oid}, array oid: ${this.arrayOid})>`;
  }
}

/** A range type. */
export class RangeInfo extends TypeInfo {
  /** The OID of the type of the bounds. */
  readonly subtypeOid: number;

  /**
   * Describes a type.
   *
   * @param name The name in the catalogue.
   * @param oid The OID of the type.
   * @param arrayOid The OID of the type of arrays of it, or 0.
   * @param options The type of the bounds, the name in SQL and the delimiter.
   */
  constructor(
    name: string,
    oid: number,
    arrayOid: number,
    options: RangeInfoOptions,
  ) {
    super(name, oid, arrayOid, options);
    this.subtypeOid = options.subtypeOid;
  }

  /**
   * Asks the server for a range type: see {@linkcode TypeInfo.fetch}.
   *
   * @param conn The connection to ask on.
   * @param name The name as it stands in SQL, or an `Identifier`.
   * @returns The type, or `null` if there is none of this name and kind.
   * @throws {ProgrammingError} If the text is no name.
   * @throws {OperationalError} If the connection is closed.
   */
  static override async fetch(
    conn: TypeSource,
    name: string | TypeName,
  ): Promise<RangeInfo | null> {
    const found = await conn.lookUpType(name);
    if (found === null || found.range === null) return null;
    const { oid, arrayOid, range } = found;
    return new RangeInfo(found.name, oid, arrayOid, {
      ...found,
      subtypeOid: range,
    });
  }
}

/** A multirange type. */
export class MultirangeInfo extends TypeInfo {
  /** The OID of the range type. */
  readonly rangeOid: number;
  /** The OID of the type of the bounds. */
  readonly subtypeOid: number;

  /**
   * Describes a type.
   *
   * @param name The name in the catalogue.
   * @param oid The OID of the type.
   * @param arrayOid The OID of the type of arrays of it, or 0.
   * @param options The range type, the type of the bounds, the name in SQL and
   * the delimiter.
   */
  constructor(
    name: string,
    oid: number,
    arrayOid: number,
    options: MultirangeInfoOptions,
  ) {
    super(name, oid, arrayOid, options);
    this.rangeOid = options.rangeOid;
    this.subtypeOid = options.subtypeOid;
  }

  /**
   * Asks the server for a multirange type: see {@linkcode TypeInfo.fetch}.
   *
   * @param conn The connection to ask on.
   * @param name The name as it stands in SQL, or an `Identifier`.
   * @returns The type, or `null` if there is none of this name and kind.
   * @throws {ProgrammingError} If the text is no name.
   * @throws {OperationalError} If the connection is closed.
   */
  static override async fetch(
    conn: TypeSource,
    name: string | TypeName,
  ): Promise<MultirangeInfo | null> {
    const found = await conn.lookUpType(name);
    if (found === null || found.multirange === null) return null;
    const { oid, arrayOid, multirange } = found;
    return new MultirangeInfo(found.name, oid, arrayOid, {
      ...found,
      rangeOid: multirange[0],
      subtypeOid: multirange[1],
    });
  }
}

/**
 * An enum type.
 *
 * @example Its labels
 * ```ts
 * import { connect, EnumInfo } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * await conn.execute("create type size as enum ('small', 'large')");
 * const info = await EnumInfo.fetch(conn, "size");
 * assertEquals(info?.labels, ["small", "large"]);
 * ```
 */
export class EnumInfo extends TypeInfo {
  /** The labels in their order. */
  readonly labels: readonly string[];
  /** The members by their names, once `registerEnum()` has registered the type. */
  enum: Readonly<Record<string, unknown>> | null = null;

  /**
   * Describes a type.
   *
   * @param name The name in the catalogue.
   * @param oid The OID of the type.
   * @param arrayOid The OID of the type of arrays of it, or 0.
   * @param options The labels, the name in SQL and the delimiter.
   */
  constructor(
    name: string,
    oid: number,
    arrayOid: number,
    options: EnumInfoOptions,
  ) {
    super(name, oid, arrayOid, options);
    this.labels = [...options.labels];
  }

  /**
   * Asks the server for an enum: see {@linkcode TypeInfo.fetch}.
   *
   * @param conn The connection to ask on.
   * @param name The name as it stands in SQL, or an `Identifier`.
   * @returns The type, or `null` if there is none of this name and kind.
   * @throws {ProgrammingError} If the text is no name.
   * @throws {OperationalError} If the connection is closed.
   */
  static override async fetch(
    conn: TypeSource,
    name: string | TypeName,
  ): Promise<EnumInfo | null> {
    const found = await conn.lookUpType(name);
    if (found === null || found.labels === null) return null;
    const { oid, arrayOid, labels } = found;
    return new EnumInfo(found.name, oid, arrayOid, { ...found, labels });
  }
}

/**
 * A composite type: one made by CREATE TYPE, or that of the rows of a table.
 *
 * @example Its fields
 * ```ts
 * import { CompositeInfo, connect } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * await using conn = await connect();
 * await conn.execute("create type item as (name text, price numeric)");
 * const info = await CompositeInfo.fetch(conn, "item");
 * assertEquals(info?.fieldNames, ["name", "price"]);
 * assertEquals(info?.fieldTypes, [25, 1700]);
 * ```
 */
export class CompositeInfo extends TypeInfo {
  /** The names of the fields in their order. */
  readonly fieldNames: readonly string[];
  /** The OIDs of the types of the fields. */
  readonly fieldTypes: readonly number[];
  /**
   * The class or function that makes values, once `registerComposite()` has
   * registered the type with one; `null` where they are plain objects.
   */
  // deno-lint-ignore ban-types
  jsType: Function | null = null;

  /**
   * Describes a type.
   *
   * @param name The name in the catalogue.
   * @param oid The OID of the type.
   * @param arrayOid The OID of the type of arrays of it, or 0.
   * @param options The fields, the name in SQL and the delimiter.
   */
  constructor(
    name: string,
    oid: number,
    arrayOid: number,
    options: CompositeInfoOptions,
  ) {
    super(name, oid, arrayOid, options);
    this.fieldNames = [...options.fieldNames];
    this.fieldTypes = [...options.fieldTypes];
  }

  /**
   * Asks the server for a composite type: see {@linkcode TypeInfo.fetch}.
   *
   * @param conn The connection to ask on.
   * @param name The name as it stands in SQL, or an `Identifier`.
   * @returns The type, or `null` if there is none of this name and kind.
   * @throws {ProgrammingError} If the text is no name.
   * @throws {OperationalError} If the connection is closed.
   */
  static override async fetch(
    conn: TypeSource,
    name: string | TypeName,
  ): Promise<CompositeInfo | null> {
    const found = await conn.lookUpType(name);
    if (found === null || found.fields === null) return null;
    const { oid, arrayOid, fields } = found;
    return new CompositeInfo(found.name, oid, arrayOid, {
      ...found,
      fieldNames: fields.map(([field]) => field),
      fieldTypes: fields.map(([, type]) => type),
    });
  }
}
