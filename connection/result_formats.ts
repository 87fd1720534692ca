/**
 * In which formats the rows of a statement are asked for, and what is then known
 * of its columns without asking.
 *
 * Text on the first sight of a statement; once its columns are known, binary for
 * those whose loaders give the same values either way.
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import type { FieldDescription } from "../protocol/backend.ts";
import type { ResultFormats } from "../protocol/frontend.ts";
import type { Transformer } from "../types/transformer.ts";
import type { Statement } from "./statement_cache.ts";

/** Formats that were worked out once, and what they were worked out for. */
interface KnownFormats {
  readonly fields: readonly FieldDescription[];
  readonly transformer: Transformer;
  readonly version: number;
  readonly formats: ResultFormats;
}

/**
 * The formats to ask for.
 *
 * @param statement The statement, with its columns where they are known.
 * @param transformer The loaders that the rows will be read by.
 * @param binary What the caller insists on.
 * @returns The formats for a message of type Bind.
 */
export function resultFormats(
  statement: Statement,
  transformer: Transformer,
  binary: boolean | undefined,
): ResultFormats {
  if (binary !== undefined) return binary ? 1 : 0;
  const { fields } = statement;
  if (fields === null || fields.length === 0) return 0;
  const known = statement.formats as KnownFormats | null;
  const { version } = transformer.adapters;
  if (
    known !== null && known.fields === fields &&
    known.transformer === transformer &&
    known.version === version
  ) return known.formats;
  const each = fields.map((field) =>
    transformer.binaryEquals(field.typeOid) ? 1 : 0
  );
  const formats = each.every((format) => format === each[0]) ? each[0]! : each;
  statement.formats = {
    fields,
    transformer,
    version,
    formats,
  } satisfies KnownFormats;
  return formats;
}

/**
 * Remembers the columns that the server described. If they are the ones that
 * were known, those are kept, so that what was worked out for them stays valid.
 *
 * @param statement The statement.
 * @param fields Its columns; empty if it has no rows.
 * @returns The columns to go on with.
 */
export function rememberFields(
  statement: Statement,
  fields: readonly FieldDescription[],
): readonly FieldDescription[] {
  const known = statement.described;
  if (known !== null && sameFields(known, fields)) {
    statement.fields ??= known;
    return known;
  }
  if (statement.fields === null || !sameColumns(statement.fields, fields)) {
    statement.fields = fields;
  }
  return statement.described = fields;
}

/**
 * The columns of a statement whose rows come without a description.
 *
 * @param statement The statement; its columns are known.
 * @param formats The formats that were asked for.
 * @returns The columns, as the server would have described them.
 */
export function describedFields(
  statement: Statement,
  formats: ResultFormats,
): readonly FieldDescription[] {
  const known = statement.described ?? statement.fields!;
  const formatOf = (i: number) =>
    typeof formats === "number" ? formats : formats[i] ?? 0;
  if (known.every((field, i) => field.format === formatOf(i))) {
    return statement.described = known;
  }
  return statement.described = known.map((field, i) => ({
    ...field,
    format: formatOf(i),
  }));
}

/**
 * Checks that no column came in binary that would have given another value as
 * text: its type can have changed since the formats were worked out.
 *
 * @param fields The columns as the server described them just now.
 * @param transformer The loaders that the rows will be read by.
 * @throws {OperationalError} If one did.
 */
export function checkFormats(
  fields: readonly FieldDescription[],
  transformer: Transformer,
): void {
  for (const { name, format, typeOid } of fields) {
    if (format === 1 && !transformer.binaryEquals(typeOid)) {
      throw new OperationalError(
        `Cannot read the rows: the type of column ${
          JSON.stringify(name)
        } has changed since the statement ran before, run it again`,
      );
    }
  }
}

function sameFields(
  a: readonly FieldDescription[],
  b: readonly FieldDescription[],
): boolean {
  return a.length === b.length &&
    a.every((field, i) =>
      field.format === b[i]!.format && sameField(field, b[i]!)
    );
}

function sameColumns(
  a: readonly FieldDescription[],
  b: readonly FieldDescription[],
): boolean {
  return a.length === b.length &&
    a.every((field, i) => sameField(field, b[i]!));
}

function sameField(a: FieldDescription, b: FieldDescription): boolean {
  return a.typeOid === b.typeOid && a.name === b.name &&
    a.typeModifier === b.typeModifier &&
    a.tableOid === b.tableOid && a.columnNumber === b.columnNumber;
}
