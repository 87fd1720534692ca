/**
 * What a type is described by, and how a server is asked for that.
 *
 * @module
 */

/** What a `TypeInfo` can be given beside its names and OIDs. */
export interface TypeInfoOptions {
  /**
   * The name of the type in SQL, where it is not `name`.
   *
   * @default {name}
   */
  regtype?: string;
  /**
   * What stands between the elements of an array of this type.
   *
   * @default {","}
   */
  delimiter?: string;
  /**
   * Of a domain: the OID of the type that it is over, which is no domain itself.
   *
   * @default {0}
   */
  baseOid?: number;
}

/** What a `RangeInfo` needs. */
export interface RangeInfoOptions extends TypeInfoOptions {
  /** The OID of the type of the bounds. */
  subtypeOid: number;
}

/** What a `MultirangeInfo` needs. */
export interface MultirangeInfoOptions extends RangeInfoOptions {
  /** The OID of the range type. */
  rangeOid: number;
}

/** What an `EnumInfo` needs. */
export interface EnumInfoOptions extends TypeInfoOptions {
  /** The labels in their order. */
  labels: readonly string[];
}

/** What a `CompositeInfo` needs. */
export interface CompositeInfoOptions extends TypeInfoOptions {
  /** The names of the fields in their order. */
  fieldNames: readonly string[];
  /** The OIDs of the types of the fields. */
  fieldTypes: readonly number[];
}

/** A name in parts, not quoted, such as an `Identifier`. */
export interface TypeName {
  /** The name of the type, or that of the schema and that of the type. */
  readonly names: readonly string[];
}

/** What the catalogue of a server says of a type. */
export interface FoundType {
  /** The name in the catalogue. */
  readonly name: string;
  /** The OID of the type. */
  readonly oid: number;
  /** The OID of the type of arrays of it; 0 where there is none. */
  readonly arrayOid: number;
  /** The name in SQL. */
  readonly regtype: string;
  /** What stands between the elements of an array of this type. */
  readonly delimiter: string;
  /** Of a domain, the OID of the type it is over; 0 of anything else. */
  readonly baseOid: number;
  /** Of an enum, its labels. */
  readonly labels: readonly string[] | null;
  /** Of a composite type, its fields: name and type. */
  readonly fields: readonly (readonly [string, number])[] | null;
  /** Of a range, the type of its bounds. */
  readonly range: number | null;
  /** Of a multirange, its range type, and the type of the bounds of that. */
  readonly multirange: readonly [number, number] | null;
}

/** What can ask a server for a type: a connection. */
export interface TypeSource {
  /**
   * Asks the catalogue of the server.
   *
   * @param name A name as it stands in SQL, or an `Identifier`.
   * @returns What the catalogue says, or `null` if there is no such type.
   */
  lookUpType(name: string | TypeName): Promise<FoundType | null>;
}

/** The types whose names in SQL mean a length of 1 where they say none. */
const OF_LENGTH_ONE: ReadonlyMap<number, string> = new Map([
  [1042, "bpchar"], // character
  [1560, '"bit"'],
]);

/**
 * The name to cast to, so that nothing of a value is cut off.
 *
 * @param type The type.
 * @returns The name of the type in SQL, or another one of the same type.
 */
export function castName(
  type: { readonly oid: number; readonly regtype: string },
): string {
  return OF_LENGTH_ONE.get(type.oid) ?? type.regtype;
}
