/**
 * What the two row formats of COPY share: the contract that `copy_text.ts` and
 * `copy_binary.ts` keep, and the types of the fields.
 *
 * @module
 */

import { DataError, PgError, ProgrammingError } from "../errors/base.ts";
import type { ReadBuffer } from "../protocol/read_buffer.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Dumper, Format, Loader } from "./adapt.ts";
import type { Transformer } from "./transformer.ts";

/** Writes rows in one format of COPY. */
export interface CopyRowWriter {
  /** The dumpers of the fields; `null` has each value choose its own. */
  dumpers: readonly Dumper[] | null;
  /** Appends what goes before the first row. */
  begin(out: WriteBuffer): void;
  /** Appends a row. What it appended before it throws is to be dropped. */
  row(values: readonly unknown[], out: WriteBuffer): void;
  /** Appends what goes behind the last row. */
  end(out: WriteBuffer): void;
}

/** Reads rows in one format of COPY. */
export interface CopyRowReader {
  /** The loaders of the fields; `null` reads all alike. */
  loaders: readonly Loader[] | null;
  /**
   * Steps over what goes before the first row.
   *
   * @returns Where the first row starts, or -1 if not all of it is there.
   */
  begin(source: ReadBuffer, start: number, end: number): number;
  /**
   * Finds the end of a row.
   *
   * @returns Where the next row starts; -1 if not all of this one is there, -2 if
   * there are no more rows.
   */
  endOf(source: ReadBuffer, start: number, end: number): number;
  /** Reads a row that is there whole. */
  row(source: ReadBuffer, start: number, end: number): unknown[];
}

/** The OIDs of types that are given by their names or OIDs. */
export function oidsOf(
  types: readonly (string | number)[],
  transformer: Transformer,
): number[] {
  const registry = transformer.adapters.types;
  return types.map((type) =>
    typeof type === "number" ? type : registry.getOid(type)
  );
}

/** The loaders of fields of given types. */
export function loadersOf(
  oids: readonly number[],
  format: Format,
  transformer: Transformer,
): Loader[] {
  return oids.map((oid) => transformer.getLoader(oid, format));
}

/** The loader of a field. */
export function loaderAt(
  loaders: readonly Loader[] | null,
  index: number,
  untyped: Loader,
): Loader {
  if (loaders === null) return untyped;
  const loader = loaders[index];
  if (loader === undefined) throw wrongCount(loaders.length, "more");
  return loader;
}

/** Checks that a row had as many fields as there are types. */
export function checkFields(
  loaders: readonly Loader[] | null,
  count: number,
): void {
  if (loaders !== null && loaders.length !== count) {
    throw wrongCount(loaders.length, String(count));
  }
}

function wrongCount(types: number, fields: string): ProgrammingError {
  return new ProgrammingError(
    `Cannot read a row of COPY: it has ${fields} fields, and setTypes() was given ${types} types`,
  );
}

/** The error for a value that its dumper refuses: it names the field and keeps the class. */
export function fieldError(index: number, error: unknown): unknown {
  if (!(error instanceof PgError)) return error;
  return new (error.constructor as typeof PgError)(
    `Cannot write field ${index + 1} of the row: ${error.message}`,
    { cause: error },
  );
}

/** The error for a value that its loader refuses: it names the field and keeps the class. */
export function loadError(index: number, error: unknown): unknown {
  const known = error instanceof PgError;
  const ErrorClass = known ? error.constructor as typeof PgError : DataError;
  const reason = error instanceof Error ? error.message : String(error);
  return new ErrorClass(
    `Cannot read field ${index + 1} of the row: ${reason}`,
    { cause: error },
  );
}

/** The error for `undefined` in a row. */
export function undefinedField(): ProgrammingError {
  return new ProgrammingError("it is undefined, pass null for NULL");
}
