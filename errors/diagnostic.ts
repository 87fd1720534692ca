/**
 * The fields of an ErrorResponse or a NoticeResponse, as named values.
 *
 * Here lives what the server said; which class of error it becomes is decided
 * in `from_response.ts`.
 *
 * @module
 */

/** The value that stands behind each field letter of an error or notice. */
export type DiagnosticFields = { readonly [letter: string]: string };

/** The letters by which the protocol knows the fields of {@linkcode Diagnostic}. */
export type DiagnosticLetter =
  | "S"
  | "V"
  | "C"
  | "M"
  | "D"
  | "H"
  | "P"
  | "p"
  | "q"
  | "W"
  | "s"
  | "t"
  | "c"
  | "d"
  | "n"
  | "F"
  | "L"
  | "R";

type Inspect = (value: unknown, options?: unknown) => string;

/**
 * Everything the server told about an error or a notice, one property for each
 * field of the chapter "Error and Notice Message Fields". A field that was not
 * sent is `null`.
 *
 * `Deno.inspect` and `JSON.stringify` leave {@linkcode Diagnostic.messageDetail}
 * out, because the server puts row values into it.
 *
 * The fields are plain properties, so that a diagnostic can be sent to a worker
 * and passed through `structuredClone()`, which gives an object with all of
 * them, the detail too.
 *
 * @example Which constraint refused a row
 * ```ts
 * import { connect, PgError } from "@x/pgts";
 *
 * await using conn = await connect();
 * await conn.execute("create temp table item (n int constraint positive check (n > 0))");
 * try {
 *   await conn.execute("insert into item values (%s)", [-1]);
 * } catch (error) {
 *   if (!(error instanceof PgError)) throw error;
 *   console.log(error.diag.constraintName); // "positive"
 * }
 * ```
 *
 * @example Send it to another thread
 * ```ts
 * import { connect, PgError } from "@x/pgts";
 *
 * await using conn = await connect();
 * const error = await conn.execute("select nonsense").catch((error) => error);
 * if (error instanceof PgError) {
 *   const { diag } = structuredClone({ name: error.name, diag: error.diag });
 *   console.log(diag.sqlstate); // 42703
 * }
 * ```
 */
export class Diagnostic {
  /** Severity in the server's language, for example `ERREUR`. */
  readonly severity: string | null;
  /** Severity in English: `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE` and so on. */
  readonly severityNonlocalized: string | null;
  /** The five characters of the SQLSTATE. */
  readonly sqlstate: string | null;
  /** The primary message, usually one line. */
  readonly messagePrimary: string | null;
  /** Details. May contain values of rows, for example of a duplicate key. */
  readonly messageDetail: string | null;
  /** A suggestion what to do. */
  readonly messageHint: string | null;
  /** Position in the query in characters, starting at 1, as decimal text. */
  readonly statementPosition: string | null;
  /** Position in {@linkcode Diagnostic.internalQuery}, as decimal text. */
  readonly internalPosition: string | null;
  /** The text of a failed command that the server generated itself. */
  readonly internalQuery: string | null;
  /** Where it happened: the call stack of procedural languages and the like. */
  readonly context: string | null;
  /** Schema of the object concerned. */
  readonly schemaName: string | null;
  /** Table concerned. */
  readonly tableName: string | null;
  /** Column concerned. */
  readonly columnName: string | null;
  /** Data type concerned. */
  readonly datatypeName: string | null;
  /** Constraint concerned; an index counts as one. */
  readonly constraintName: string | null;
  /** File of the server's source that reported it. */
  readonly sourceFile: string | null;
  /** Line in {@linkcode Diagnostic.sourceFile}, as decimal text. */
  readonly sourceLine: string | null;
  /** Function of the server's source that reported it. */
  readonly sourceFunction: string | null;

  static {
    Object.defineProperty(this.prototype, Symbol.for("Deno.customInspect"), {
      value(this: Diagnostic, inspect: Inspect, options: unknown): string {
        return `Diagnostic ${inspect(this.toJSON(), options)}`;
      },
    });
    const node = Symbol.for("nodejs.util.inspect.custom");
    Object.defineProperty(this.prototype, node, {
      value(this: Diagnostic): Record<string, string> {
        return this.toJSON();
      },
    });
  }

  /**
   * @param fields The fields by their letter, as the protocol numbers them.
   * @internal
   */
  constructor(fields: DiagnosticFields = {}) {
    this.severity = fields.S ?? null;
    this.severityNonlocalized = fields.V ?? null;
    this.sqlstate = fields.C ?? null;
    this.messagePrimary = fields.M ?? null;
    this.messageDetail = fields.D ?? null;
    this.messageHint = fields.H ?? null;
    this.statementPosition = fields.P ?? null;
    this.internalPosition = fields.p ?? null;
    this.internalQuery = fields.q ?? null;
    this.context = fields.W ?? null;
    this.schemaName = fields.s ?? null;
    this.tableName = fields.t ?? null;
    this.columnName = fields.c ?? null;
    this.datatypeName = fields.d ?? null;
    this.constraintName = fields.n ?? null;
    this.sourceFile = fields.F ?? null;
    this.sourceLine = fields.L ?? null;
    this.sourceFunction = fields.R ?? null;
  }

  /**
   * The fields that were sent, without the detail.
   *
   * @returns A plain object, for `JSON.stringify`.
   */
  toJSON(): Record<string, string> {
    const out: Record<string, string> = {};
    for (const name of FIELD_NAMES) {
      const value = name === "messageDetail" ? null : this[name];
      if (value !== null) out[name] = value;
    }
    return out;
  }
}

/** The names of the properties of {@linkcode Diagnostic}, in the protocol's order. */
export const FIELD_NAMES = [
  "severity",
  "severityNonlocalized",
  "sqlstate",
  "messagePrimary",
  "messageDetail",
  "messageHint",
  "statementPosition",
  "internalPosition",
  "internalQuery",
  "context",
  "schemaName",
  "tableName",
  "columnName",
  "datatypeName",
  "constraintName",
  "sourceFile",
  "sourceLine",
  "sourceFunction",
] as const;
