/**
 * The description of a result column, as the DB-API and psycopg give it.
 *
 * @module
 */

import type { FieldDescription } from "../protocol/backend.ts";
import type { TypesRegistry } from "../types/types_registry.ts";

/** The OIDs of the types whose modifier says something. */
const BPCHAR = 1042,
  VARCHAR = 1043,
  NUMERIC = 1700,
  BIT = 1560,
  VARBIT = 1562,
  INTERVAL = 1186;
/** Date and time types whose modifier is a precision. */
const TIMES: ReadonlySet<number> = new Set([1083, 1266, 1114, 1184, INTERVAL]);

/**
 * A column of a result. It can be taken apart as the seven items that the DB-API
 * describes: name, type code, display size, internal size, precision, scale,
 * null ok.
 */
export class Column implements Iterable<string | number | null> {
  /** The name of the column. */
  readonly name: string;
  /** The OID of its type. */
  readonly typeCode: number;
  /** The OID of the table it comes from, or `null` where it is computed. */
  readonly tableOid: number | null;
  /** The number of the column in its table, or `null` where it is computed. */
  readonly tableColumn: number | null;

  readonly #field: FieldDescription;
  readonly #types: TypesRegistry;

  /** @internal */
  constructor(field: FieldDescription, types: TypesRegistry) {
    this.name = field.name;
    this.typeCode = field.typeOid;
    this.tableOid = field.tableOid || null;
    this.tableColumn = field.columnNumber || null;
    this.#field = field;
    this.#types = types;
  }

  /** The type as SQL writes it, for example `numeric(10,2)` or `varchar(42)[]`. */
  get typeDisplay(): string {
    const info = this.#types.get(this.typeCode);
    if (info === null) return String(this.typeCode);
    const modifier = this.#modifier();
    if (this.typeCode === info.arrayOid) return `${info.name}${modifier}[]`;
    return `${info.name}${modifier}`;
  }

  /** The length that was declared, of character and bit strings; else `null`. */
  get displaySize(): number | null {
    const oid = this.#elementOid();
    const modifier = this.#field.typeModifier;
    if (modifier < 0) return null;
    if (oid === VARCHAR || oid === BPCHAR) return modifier - 4;
    return oid === BIT || oid === VARBIT ? modifier : null;
  }

  /** The size of the type in bytes, or `null` where it varies. */
  get internalSize(): number | null {
    return this.#field.typeSize >= 0 ? this.#field.typeSize : null;
  }

  /** The digits of a numeric, or of the fraction of seconds; `null` where not declared. */
  get precision(): number | null {
    const oid = this.#elementOid();
    const modifier = this.#field.typeModifier;
    if (modifier < 0) return null;
    if (oid === NUMERIC) return ((modifier - 4) >> 16) & 0xffff;
    if (!TIMES.has(oid)) return null;
    // The modifier of interval holds the fields in its upper half.
    const digits = oid === INTERVAL ? modifier & 0xffff : modifier;
    return digits === 0xffff ? null : digits;
  }

  /** The digits of a numeric behind its point; negative ones before it. `null` where not declared. */
  get scale(): number | null {
    const modifier = this.#field.typeModifier;
    if (modifier < 0 || this.#elementOid() !== NUMERIC) return null;
    const bits = (modifier - 4) & 0x7ff;
    return bits >= 0x400 ? bits - 0x800 : bits;
  }

  /** Whether the column can be NULL: not known. */
  get nullOk(): null {
    return null;
  }

  /** The seven items of the DB-API. */
  *[Symbol.iterator](): IterableIterator<string | number | null> {
    yield this.name;
    yield this.typeCode;
    yield this.displaySize;
    yield this.internalSize;
    yield this.precision;
    yield this.scale;
    yield this.nullOk;
  }

  /** The class, the name and the type. */
  toString(): string {
    return `<Column ${
      JSON.stringify(this.name)
    }, type: ${this.typeDisplay} (oid: ${this.typeCode})>`;
  }

  #elementOid(): number {
    const info = this.#types.get(this.typeCode);
    return info !== null && info.arrayOid === this.typeCode
      ? info.oid
      : this.typeCode;
  }

  #modifier(): string {
    if (this.precision !== null && this.scale !== null) {
      return `(${this.precision},${this.scale})`;
    }
    const single = this.precision ?? this.displaySize;
    return single === null ? "" : `(${single})`;
  }
}
