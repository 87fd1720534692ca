/**
 * The part of a cursor that runs COPY, and the forms in which `copy()` is called.
 *
 * @module
 */

import type { Query } from "../sql/bind.ts";
import { interpolateQuery } from "../sql/interpolate.ts";
import type { QueryParameters } from "../sql/query.ts";
import type { Transformer } from "../types/transformer.ts";
import { Copy, type CopyOptions } from "./copy.ts";
import { BlockQueue } from "./copy_blocks.ts";
import { CopySession } from "./copy_session.ts";
import { CursorResults } from "./cursor_results.ts";
import type { Executor } from "./executor.ts";
import { CopyResult, type Result } from "./result.ts";
import { unsent } from "./staleness.ts";
import type { WarningHandler } from "./warnings.ts";

/** A function that gets a COPY, which ends when the function does. */
export type CopyBlock<T> = (copy: Copy) => T | Promise<T>;

/** What a COPY needs of its cursor. */
interface CopyPlan {
  /** Runs statements. */
  readonly executor: Executor;
  /** Gets warnings. */
  readonly warn: WarningHandler;
  /** The loaders and dumpers of the cursor. */
  readonly transformer: Transformer;
  /** Makes a result that of the cursor. */
  show(result: Result): void;
}

/** A cursor, as far as it runs COPY. */
export abstract class CopyingCursor<Row> extends CursorResults<Row> {
  /**
   * Forgets the last run.
   *
   * @throws {InterfaceError} If the cursor is closed.
   * @throws {ProgrammingError} If the block that it is confined to has ended.
   * @internal
   */
  protected startRun(): void {
    this.checkUsable();
    this.checkConfined();
    this.show([]);
    this.tally = null;
  }

  /**
   * Runs a COPY FROM STDIN or COPY TO STDOUT. The data of the block is stored
   * when the block has ended; if it throws, nothing is. A COPY TO that the block
   * leaves before its end is cancelled.
   *
   * @param statement Text, a template of the `sql` tag, or a composed statement.
   * @param block Gets the {@linkcode Copy}, and writes or reads its data.
   * @param options See {@linkcode CopyOptions}.
   * @returns What the block returned.
   * @throws Whatever the block throws.
   * @throws {ProgrammingError} If the statement is not a COPY, or several.
   * @throws {NotSupportedError} In a pipeline.
   * @throws {DatabaseError} What the server says of the statement or its data.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * const cursor = conn.cursor();
   * await cursor.execute("create temp table n (n int)");
   * await cursor.copy("copy n from stdin", (copy) => copy.write("1\n2\n"));
   * console.log(cursor.rowCount); // 2
   * ```
   */
  copy<T>(
    statement: Query,
    block: CopyBlock<T>,
    options?: CopyOptions,
  ): Promise<T>;
  /**
   * Runs a COPY whose statement has parameters, which are put into its text.
   *
   * @param statement Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param block Gets the {@linkcode Copy}, and writes or reads its data.
   * @param options See {@linkcode CopyOptions}.
   * @returns What the block returned.
   * @throws {ProgrammingError} If the placeholders and the parameters do not match.
   */
  copy<T>(
    statement: Query,
    params: QueryParameters | undefined,
    block: CopyBlock<T>,
    options?: CopyOptions,
  ): Promise<T>;
  /**
   * Starts a COPY without a block. Nothing is stored unless `end()` of the
   * {@linkcode Copy} is called: it is to be held by `await using`, which gives it
   * up otherwise.
   *
   * @param statement Text, a template of the `sql` tag, or a composed statement.
   * @param params The values for the placeholders.
   * @param options See {@linkcode CopyOptions}.
   * @returns The COPY.
   *
   * @example
   * ```ts
   * import { connect } from "@x/pgts";
   *
   * await using conn = await connect({ autocommit: true });
   * await conn.execute("create temp table n (n int)");
   * await using copy = await conn.cursor().copy("copy n from stdin");
   * await copy.writeRow([1]);
   * await copy.end();
   * ```
   */
  copy(
    statement: Query,
    params?: QueryParameters,
    options?: CopyOptions,
  ): Promise<Copy>;
  /** See the forms above. */
  copy<T>(
    statement: Query,
    first?: QueryParameters | CopyBlock<T>,
    second?: CopyBlock<T> | CopyOptions,
    third?: CopyOptions,
  ): Promise<T | Copy> {
    return this.runCopy(statement, first, second, third);
  }

  /**
   * Runs a COPY in whichever form.
   *
   * @internal
   */
  async runCopy<T>(
    statement: Query,
    first?: QueryParameters | CopyBlock<T>,
    second?: CopyBlock<T> | CopyOptions,
    third?: CopyOptions,
  ): Promise<T | Copy> {
    const params = typeof first === "function" ? undefined : first;
    const block = typeof first === "function"
      ? first
      : typeof second === "function"
      ? second
      : null;
    const options = typeof second === "object" ? second : third ?? {};
    this.startRun();
    this.forgetBound();
    const { executor, warn } = this.connection;
    executor.checkOpen();
    const plan: CopyPlan = {
      executor,
      warn,
      transformer: this.transformer,
      show: (result) => this.show([result]),
    };
    const copy = await start(plan, statement, params, options, block === null);
    if (block === null) return copy;
    executor.copyDepth++;
    try {
      return await run(copy, block);
    } finally {
      executor.copyDepth--;
    }
  }
}

async function start(
  { executor, warn, transformer, show }: CopyPlan,
  statement: Query,
  params: QueryParameters | undefined,
  options: CopyOptions,
  unattended: boolean,
): Promise<Copy> {
  const { text } = unsent(() =>
    interpolateQuery(statement, params, transformer)
  );
  const blocks = new BlockQueue();
  const session = await CopySession.start(
    executor,
    text,
    blocks,
    options.signal,
  );
  const { columns } = session.exchange.formats!;
  const result = new CopyResult(columns, transformer);
  show(result);
  let abandon: (() => Promise<void>) | null = null;
  const onEnd = () => {
    if (executor.abandon === abandon) executor.abandon = null;
  };
  let copy: Copy;
  try {
    copy = new Copy(session, transformer, result, options, onEnd);
  } catch (error) {
    await session.giveUp("the program gave up"); // The writer of the user failed.
    throw error;
  }
  if (unattended) {
    executor.abandon = abandon = async () => {
      executor.abandon = null;
      warn(
        "a COPY was given up because its transaction ends: call end() before, or give copy() a function",
      );
      await copy.abort();
    };
  }
  return copy;
}

async function run<T>(copy: Copy, block: CopyBlock<T>): Promise<T> {
  let value: T;
  try {
    value = await block(copy);
  } catch (error) {
    await copy.abort(error);
    throw error;
  }
  await copy.end();
  return value;
}
