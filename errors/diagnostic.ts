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
 */
export class Diagnostic {
  readonly #fields: DiagnosticFields;

  static {
    Object.defineProperty(this.prototype, Symbol.for("Deno.customInspect"), {
      value(this: Diagnostic, inspect: Inspect, options: unknown): string {
        return `Diagnostic ${inspect(this.toJSON(), options)}`;
      },
    });
  }

  /**
   * @param fields The fields by their letter, as the protocol numbers them.
   * @internal
   */
  constructor(fields: DiagnosticFields = {}) {
    this.#fields = fields;
  }

  /** Severity in the server's language, for example `ERREUR`. */
  get severity(): string | null {
    return this.#fields.S ?? null;
  }
  /** Severity in English: `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE` and so on. */
  get severityNonlocalized(): string | null {
    return this.#fields.V ?? null;
  }
  /** The five characters of the SQLSTATE. */
  get sqlstate(): string | null {
    return this.#fields.C ?? null;
  }
  /** The primary message, usually one line. */
  get messagePrimary(): string | null {
    return this.#fields.M ?? null;
  }
  /** Details. May contain values of rows, for example of a duplicate key. */
  get messageDetail(): string | null {
    return this.#fields.D ?? null;
  }
  /** A suggestion what to do. */
  get messageHint(): string | null {
    return this.#fields.H ?? null;
  }
  /** Position in the query in characters, starting at 1, as decimal text. */
  get statementPosition(): string | null {
    return this.#fields.P ?? null;
  }
  /** Position in {@linkcode Diagnostic.internalQuery}, as decimal text. */
  get internalPosition(): string | null {
    return this.#fields.p ?? null;
  }
  /** The text of a failed command that the server generated itself. */
  get internalQuery(): string | null {
    return this.#fields.q ?? null;
  }
  /** Where it happened: the call stack of procedural languages and the like. */
  get context(): string | null {
    return this.#fields.W ?? null;
  }
  /** Schema of the object concerned. */
  get schemaName(): string | null {
    return this.#fields.s ?? null;
  }
  /** Table concerned. */
  get tableName(): string | null {
    return this.#fields.t ?? null;
  }
  /** Column concerned. */
  get columnName(): string | null {
    return this.#fields.c ?? null;
  }
  /** Data type concerned. */
  get datatypeName(): string | null {
    return this.#fields.d ?? null;
  }
  /** Constraint concerned; an index counts as one. */
  get constraintName(): string | null {
    return this.#fields.n ?? null;
  }
  /** File of the server's source that reported it. */
  get sourceFile(): string | null {
    return this.#fields.F ?? null;
  }
  /** Line in {@linkcode Diagnostic.sourceFile}, as decimal text. */
  get sourceLine(): string | null {
    return this.#fields.L ?? null;
  }
  /** Function of the server's source that reported it. */
  get sourceFunction(): string | null {
    return this.#fields.R ?? null;
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
