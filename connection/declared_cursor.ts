/**
 * The server's side of a cursor: the commands that declare it, fetch from it and
 * move it, and what is known of its rows.
 *
 * @module
 */

import { ProgrammingError } from "../errors/base.ts";
import type { BoundQuery } from "../sql/bind.ts";
import { quoteIdentifier } from "../types/quote.ts";
import type { Transformer } from "../types/transformer.ts";
import type { Executor } from "./executor.ts";
import { closePortal, describePortal } from "./portal.ts";
import { Result } from "./result.ts";
import { rememberFields } from "./result_formats.ts";
import type { RowFactory } from "./rows.ts";
import { CursorPosition, type ScrollMode } from "./server_cursor_position.ts";
import { newStatement, type Statement } from "./statement_cache.ts";
import type { WarningHandler } from "./warnings.ts";

/** How rows are made. */
export interface Making {
  /** The loaders. */
  readonly transformer: Transformer;
  /** What becomes of rows. */
  readonly rowFactory: RowFactory<unknown>;
}

/** How a command is run. */
export interface Running extends Making {
  /** Whether rows are asked for in binary, where that is not left open. */
  readonly binary?: boolean | undefined;
  /** Aborts it. */
  readonly signal?: AbortSignal | undefined;
}

/** Cursors whose owner is gone may still be open. */
const abandoned = new FinalizationRegistry<() => void>((warn) => warn());

/** A cursor that the server has, or may have. */
export class DeclaredCursor {
  /** The name, quoted. */
  readonly quoted: string;
  /** Its columns, once known. */
  result: Result | null = null;
  /** The tag of the last command. */
  tag: string | null = null;
  /** Where it stands. */
  position: CursorPosition = new CursorPosition();

  readonly #executor: Executor;
  readonly #name: string;
  /** Whether it was declared or fetched from, so that it is there to be closed. */
  #open = false;
  /** How many transactions had ended when it was opened. */
  #opened = 0;
  #binary: boolean | undefined = undefined;
  #statement: Statement | null = null;

  /**
   * @param executor Runs statements.
   * @param name The name of the cursor.
   * @throws {DataError} If that cannot be quoted.
   */
  constructor(executor: Executor, name: string) {
    this.#executor = executor;
    this.#name = name;
    this.quoted = quoteIdentifier(name);
  }

  /**
   * Warns if its owner is collected as garbage while it is open on the server.
   *
   * @param owner Who closes it otherwise.
   * @param held Whether it outlives its transaction.
   * @param warn Gets the warning.
   */
  watch(owner: object, held: boolean, warn: WarningHandler): void {
    const { transactions, wire } = this.#executor;
    abandoned.register(owner, () => {
      const there = this.#open && wire.engine.failure === null &&
        (held || transactions.ends === this.#opened);
      if (!there) return;
      warn(
        `the cursor ${this.quoted} was never closed: call close() or open it with "await using"`,
      );
    });
  }

  #noteOpen(): void {
    if (!this.#open) this.#opened = this.#executor.transactions.ends;
    this.#open = true;
  }

  /**
   * Declares it, after closing it where it is open.
   *
   * @param bound The command.
   * @param running See {@linkcode Running}; its format counts for the rows too.
   */
  async declare(bound: BoundQuery, running: Running): Promise<void> {
    await this.close();
    this.#binary = running.binary;
    // By the simple protocol a second statement in the text would run too.
    await this.#run({ ...bound, values: bound.values ?? [] }, running);
    this.#noteOpen();
    this.position = new CursorPosition(0);
    await this.#describe(running.transformer);
  }

  /** @throws {ProgrammingError} If it was neither declared nor fetched from. */
  checkOpen(): void {
    if (!this.#open) {
      throw new ProgrammingError("Cannot scroll: no statement has been run");
    }
  }

  /**
   * Fetches the next rows. Of a cursor that was declared otherwise, the columns
   * are asked for first.
   *
   * @param count How many; `Infinity` for all.
   * @param running See {@linkcode Running}.
   * @returns The rows.
   */
  async fetch(count: number, running: Running): Promise<unknown[]> {
    if (!this.#open) this.#binary = running.binary;
    const known = this.#statement ?? await this.#describe(running.transformer);
    this.#noteOpen();
    const amount = count === Infinity ? "ALL" : count;
    const text = `FETCH FORWARD ${amount} FROM ${this.quoted}`;
    // What was worked out for the columns serves whatever number is fetched.
    const statement = known.text === text ? known : { ...known, text };
    this.#statement = statement;
    const bound = { text, values: [], formats: [], statement };
    try {
      const { rows } = await this.#run(bound, running);
      this.position.fetched(rows.length, rows.length < count);
      return rows;
    } catch (error) {
      this.position.lost();
      throw error;
    }
  }

  /**
   * Goes elsewhere.
   *
   * @param value How far, or where.
   * @param mode Which of the two.
   * @param running See {@linkcode Running}.
   * @throws {ProgrammingError} If it was neither declared nor fetched from.
   */
  async move(value: number, mode: ScrollMode, running: Running): Promise<void> {
    this.checkOpen();
    const { direction, done } = this.position.move(value, mode);
    const text = `MOVE ${direction} FROM ${this.quoted}`;
    await this.#run({ text, values: null, formats: [], simple: true }, running);
    done(Number(this.tag?.match(/\d+$/)?.[0] ?? 0));
  }

  /** Closes it, where it is open, and forgets what is known. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = false;
    this.#statement = this.result = this.tag = null;
    this.position = new CursorPosition();
    if (open) await closePortal(this.#executor, this.#name);
  }

  async #describe(transformer: Transformer): Promise<Statement> {
    const fields = await describePortal(this.#executor, this.#name);
    const statement = newStatement("", []);
    rememberFields(statement, fields);
    this.result = new Result(fields, transformer);
    return this.#statement = statement;
  }

  async #run(
    bound: BoundQuery & { readonly statement?: Statement },
    { transformer, rowFactory, signal }: Running,
  ): Promise<Result> {
    const results: Result[] = [];
    await this.#executor.run({
      statement: newStatement(bound.text, []),
      ...bound,
      transformer,
      rowFactory,
      results,
      prepare: false,
      binary: bound.simple ? undefined : this.#binary,
      signal,
    });
    this.tag = results[0]!.commandTag;
    return results[0]!;
  }
}
