/**
 * What a connection remembers of the statements it ran: how often, under which
 * name they are prepared, and what their rows look like. Bounded, least recently
 * used first.
 *
 * @module
 */

import type { FieldDescription } from "../protocol/backend.ts";

/** A text with the types of its parameters. */
export interface Statement {
  /** The text, with `$n`. */
  readonly text: string;
  /** The OIDs of its parameters; 0 where the server decides. */
  readonly oids: readonly number[];
  /** How often it ran well. */
  count: number;
  /** How often it has been sent without being answered yet. */
  inFlight: number;
  /** The name it is prepared under, or `null`. */
  name: string | null;
  /** The columns of its rows, once known; empty where it has none. */
  fields: readonly FieldDescription[] | null;
  /** The columns as they were described last, with the formats they came in. */
  described: readonly FieldDescription[] | null;
  /** The formats to ask its rows in, once worked out: see `result_formats.ts`. */
  formats: unknown;
  /** Whether it is more than one statement, which cannot be prepared. */
  multiple: boolean;
  /** Whatever was worked out for decoding its rows. */
  plan: unknown;
}

const DEFAULT_BOUND = 100;
const CLOSES_AT_ONCE = 16;

/** The statements of one connection. */
export class StatementCache {
  /** Prepared when it has run this often before; `null`: never. */
  threshold: number | null;
  /** How many statements are remembered; `null`: all of them. */
  max: number | null;

  readonly #byText = new Map<string, Statement[]>();
  #latest: Statement[] | null = null;
  #size = 0;
  /** Behind a pooler, sessions of several clients may share one of the server's. */
  readonly #session = crypto.getRandomValues(new Uint32Array(1))[0]!.toString(
    36,
  );
  #names = 0;
  #toClose: string[] = [];

  /**
   * @param threshold See {@linkcode StatementCache.threshold}.
   * @param max See {@linkcode StatementCache.max}.
   */
  constructor(threshold: number | null, max: number | null = DEFAULT_BOUND) {
    this.threshold = threshold;
    this.max = max;
  }

  /** What is remembered of a text with parameters of these types; new if nothing. */
  get(text: string, oids: readonly number[]): Statement {
    let variants = this.#byText.get(text);
    if (variants === undefined) {
      this.#byText.set(text, variants = []);
    } else if (variants !== this.#latest) {
      this.#byText.delete(text);
      this.#byText.set(text, variants);
    }
    this.#latest = variants;
    for (let i = variants.length - 1; i >= 0; i--) {
      if (sameOids(variants[i]!.oids, oids)) return variants[i]!;
    }
    const statement = newStatement(text, oids);
    variants.push(statement);
    this.#size++;
    this.#evict();
    return statement;
  }

  /** Whether the next run should prepare a statement. */
  shouldPrepare(statement: Statement, prepare: boolean | undefined): boolean {
    if (statement.multiple || prepare === false || this.max === 0) return false;
    if (prepare === true) return true;
    return this.threshold !== null &&
      statement.count + statement.inFlight >= this.threshold;
  }

  /** A name that no statement of this or another connection has had. */
  newName(): string {
    return `_pgts_${this.#session}_${this.#names++}`;
  }

  /** Forgets a name that the server may not know any more. */
  forgetName(statement: Statement): void {
    if (statement.name !== null) this.#toClose.push(statement.name);
    statement.name = null;
    statement.fields = null;
  }

  /** Names that are to be closed on the server with the next statement. */
  get namesToClose(): readonly string[] {
    return this.#toClose.length <= CLOSES_AT_ONCE
      ? this.#toClose
      : this.#toClose.slice(0, CLOSES_AT_ONCE);
  }

  /** The first `count` of the names to close have been written. */
  noteClosed(count: number): void {
    if (count > 0) this.#toClose = this.#toClose.slice(count);
  }

  /**
   * Looks at the tag of a command that ran: those that may have changed what
   * statements mean empty the cache, those that may have changed how rows look
   * make it forget their columns (CREATE OR REPLACE VIEW adds some, and a new
   * table may hide one that was meant before).
   */
  noteTag(tag: string): void {
    if (/^(?:DROP|ALTER|ROLLBACK|DISCARD|PREPARE TRANSACTION)\b/.test(tag)) {
      this.clear();
    } else if (/^(?:SET|RESET|CREATE)\b/.test(tag)) {
      for (const statement of this.#all()) statement.fields = null;
    }
  }

  /** Forgets everything; the names are closed by and by. */
  clear(): void {
    for (const { name } of this.#all()) {
      if (name !== null) this.#toClose.push(name);
    }
    this.#byText.clear();
    this.#latest = null;
    this.#size = 0;
  }

  /** Forgets everything, and with it a session whose names are gone. */
  restart(): void {
    this.clear();
    this.#toClose = [];
  }

  /** The names of the statements that are prepared. */
  get preparedNames(): string[] {
    return [...this.#all()].flatMap(({ name }) => name ?? []);
  }

  *#all(): Iterable<Statement> {
    for (const variants of this.#byText.values()) yield* variants;
  }

  #evict(): void {
    const max = this.max ?? Infinity;
    while (this.#size > max) {
      const [text, variants] = this.#byText.entries().next().value!;
      const [oldest] = variants.splice(0, 1);
      if (variants.length === 0) this.#byText.delete(text);
      if (variants === this.#latest && variants.length === 0) {
        this.#latest = null;
      }
      this.#size--;
      if (oldest!.name !== null) this.#toClose.push(oldest!.name);
    }
  }
}

/**
 * A statement of which nothing is known.
 *
 * @param text Its text.
 * @param oids The OIDs of its parameters.
 * @returns The statement. No cache knows it.
 */
export function newStatement(text: string, oids: readonly number[]): Statement {
  return {
    text,
    oids,
    count: 0,
    inFlight: 0,
    name: null,
    fields: null,
    described: null,
    formats: null,
    multiple: false,
    plan: null,
  };
}

function sameOids(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
