/**
 * A result as it came off the wire, after libpq's PGresult: what was described,
 * and the bytes of the values.
 *
 * @module
 */

import {
  type ErrorResult,
  type PgError,
  ProgrammingError,
} from "../errors/base.ts";
import { Diagnostic } from "../errors/diagnostic.ts";
import type { FieldDescription } from "../protocol/backend.ts";
import { type DiagnosticField, ExecStatus } from "./pg_constants.ts";
import { type ResultParts, sizeAt } from "./raw_collector.ts";

/** The property of {@linkcode Diagnostic} for each letter. */
const PROPERTIES = {
  S: "severity",
  V: "severityNonlocalized",
  C: "sqlstate",
  M: "messagePrimary",
  D: "messageDetail",
  H: "messageHint",
  P: "statementPosition",
  p: "internalPosition",
  q: "internalQuery",
  W: "context",
  s: "schemaName",
  t: "tableName",
  c: "columnName",
  d: "datatypeName",
  n: "constraintName",
  F: "sourceFile",
  L: "sourceLine",
  R: "sourceFunction",
} as const satisfies Record<DiagnosticField, keyof Diagnostic>;

/**
 * A result as it came off the wire. Nothing of it can be changed, and it stays
 * when the connection is closed.
 *
 * @example The bytes of a value
 * ```ts
 * import { connect } from "@x/pgts";
 *
 * await using conn = await connect();
 * const result = await conn.pgconn.execParams("select $1::int4 as n", ["42"], {
 *   resultFormat: 1,
 * });
 * console.log(result.fname(0), result.ftype(0)); // n 23
 * console.log(result.getValue(0, 0)); // Uint8Array(4) [ 0, 0, 0, 42 ]
 * ```
 */
export class PgResult implements ErrorResult {
  /** What kind of result it is. */
  readonly status: ExecStatus;
  /** The command tag, such as `INSERT 0 1`; `null` if the server gave none. */
  readonly commandStatus: string | null;

  readonly #fields: readonly FieldDescription[];
  readonly #rows: readonly Uint8Array<ArrayBuffer>[];
  readonly #parameterOids: readonly number[];
  readonly #diag: Diagnostic;
  /** Where the values of the row that was asked for last begin, and that row. */
  #starts: readonly number[] = [];
  #startsOf = -1;

  /** @internal */
  constructor(parts: ResultParts) {
    this.status = parts.status;
    this.commandStatus = parts.tag ?? null;
    this.#fields = parts.fields ?? [];
    this.#rows = parts.rows ?? [];
    this.#parameterOids = parts.parameterOids ?? [];
    this.#diag = parts.diag ?? new Diagnostic();
  }

  /**
   * The result that stands for an error, for {@linkcode PgResult.errorField}.
   *
   * @param error What the server rejected a statement with.
   * @returns A result without rows.
   *
   * @example
   * ```ts
   * import { connect, PgError } from "@x/pgts";
   *
   * await using conn = await connect();
   * const error = await conn.pgconn.exec("select nonsense").catch((error) => error);
   * console.log(error instanceof PgError && error.sqlstate); // 42703
   * ```
   */
  static fromError(error: PgError): PgResult {
    return new PgResult({ status: ExecStatus.FATAL_ERROR, diag: error.diag });
  }

  /** How many rows there are. */
  get ntuples(): number {
    return this.#rows.length;
  }

  /** How many columns there are. */
  get nfields(): number {
    return this.#fields.length;
  }

  /**
   * The name of a column; `null` if there is no such column.
   *
   * @param column Its index, from 0.
   */
  fname(column: number): string | null {
    return this.#fields[column]?.name ?? null;
  }

  /**
   * The OID of the table that a column comes from; 0 if it is computed, or if
   * there is no such column.
   *
   * @param column Its index, from 0.
   */
  ftable(column: number): number {
    return this.#fields[column]?.tableOid ?? 0;
  }

  /**
   * The number that a column has in its table, from 1; 0 if it is computed, or
   * if there is no such column.
   *
   * @param column Its index, from 0.
   */
  ftablecol(column: number): number {
    return this.#fields[column]?.columnNumber ?? 0;
  }

  /**
   * The format that the values of a column are in.
   *
   * @param column Its index, from 0.
   * @returns 0 for text, 1 for binary.
   */
  fformat(column: number): 0 | 1 {
    return this.#fields[column]?.format ?? 0;
  }

  /**
   * The OID of the type of a column; 0 if there is no such column.
   *
   * @param column Its index, from 0.
   */
  ftype(column: number): number {
    return this.#fields[column]?.typeOid ?? 0;
  }

  /**
   * The type modifier of a column; -1 if there is none. What it means depends on
   * the type.
   *
   * @param column Its index, from 0.
   */
  fmod(column: number): number {
    return this.#fields[column]?.typeModifier ?? -1;
  }

  /**
   * The bytes that the type of a column takes; negative if that varies, 0 if
   * there is no such column.
   *
   * @param column Its index, from 0.
   */
  fsize(column: number): number {
    return this.#fields[column]?.typeSize ?? 0;
  }

  /**
   * The bytes of a value, in the format of its column.
   *
   * @param row The index of its row, from 0.
   * @param column The index of its column, from 0.
   * @returns A copy of the bytes; `null` for NULL.
   * @throws {ProgrammingError} If there is no such row or column.
   */
  getValue(row: number, column: number): Uint8Array<ArrayBuffer> | null {
    const body = this.#rows[row];
    if (body === undefined || this.#fields[column] === undefined) {
      throw new ProgrammingError(
        `Cannot get the value in row ${row}, column ${column}: the result has ${this.ntuples} rows and ${this.nfields} columns, counted from 0`,
      );
    }
    if (this.#startsOf !== row) {
      this.#starts = valueStarts(body, this.nfields);
      this.#startsOf = row;
    }
    const start = this.#starts[column]!;
    const size = sizeAt(body, start - 4);
    return size < 0 ? null : body.slice(start, start + size);
  }

  /** How many parameters a described statement has. */
  get nparams(): number {
    return this.#parameterOids.length;
  }

  /**
   * The OID of the type of a parameter of a described statement; 0 if there is
   * no such parameter.
   *
   * @param index Its index, from 0.
   */
  paramType(index: number): number {
    return this.#parameterOids[index] ?? 0;
  }

  /** How many rows the command concerned; `null` if it is none that tells. */
  get commandTuples(): number | null {
    const digits = this.commandStatus?.match(/ (\d+)$/)?.[1];
    return digits === undefined ? null : Number(digits);
  }

  /** The OID of the row that an INSERT inserted; 0 if there is none. */
  get oidValue(): number {
    return Number(this.commandStatus?.match(/^INSERT (\d+) /)?.[1] ?? 0);
  }

  /**
   * A field of the error, where the result stands for one: see
   * {@linkcode PgResult.fromError}.
   *
   * @param field Its letter: see {@linkcode DiagnosticField}.
   * @returns What the server told, or `null`.
   */
  errorField(field: DiagnosticField): string | null {
    return this.#diag[PROPERTIES[field]];
  }

  /** The class, the kind, and how many rows and columns. */
  toString(): string {
    const [kind] =
      Object.entries(ExecStatus).find(([, number]) => number === this.status) ??
        ["?"];
    return `<PgResult ${kind}, ${this.ntuples} x ${this.nfields}>`;
  }
}

function valueStarts(body: Uint8Array<ArrayBuffer>, columns: number): number[] {
  const starts: number[] = [];
  let at = 2;
  for (let i = 0; i < columns; i++) {
    starts.push(at + 4);
    at += 4 + Math.max(0, sizeAt(body, at));
  }
  return starts;
}
