/**
 * Sends statements and collects what comes of them: the BEGIN that may go
 * before, the messages, the errors. Whose turn it is, is decided in
 * `executor.ts`.
 *
 * @module
 */

import { addCircumstances, DataError, PgError } from "../errors/base.ts";
import type { Exchange } from "../protocol/exchange.ts";
import { SyncExchange } from "../protocol/extended_query.ts";
import { writeFlush, writeSync } from "../protocol/frontend.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import { cancelOnAbort } from "./cancel.ts";
import { CommandRunner } from "./command_runner.ts";
import { rememberFields } from "./result_formats.ts";
import { isStale, isUnknown } from "./staleness.ts";
import {
  newStatement,
  type Statement,
  type StatementCache,
} from "./statement_cache.ts";
import {
  goesSimple,
  type Parameters,
  refuseCopy,
  type Request,
  writeCommand,
  writeDescription,
  writeExtended,
  writeSimple,
  type Written,
} from "./statement_writer.ts";
import type { TransactionState } from "./transaction_state.ts";
import type { Wire } from "./wire.ts";

/** How statements are run. */
export interface RunnerOptions {
  /** Whether BEGIN goes out in the same write as the first statement. */
  readonly joinBegin: boolean;
  /** Whether text of date and time types can be read: DateStyle and IntervalStyle allow it. */
  readsDatesAsText(): boolean;
}

/** Sends the statements of one connection. */
export class Runner extends CommandRunner {
  readonly #options: RunnerOptions;
  #groupBuffer: WriteBuffer | null = null;
  #groupStart = 0;
  /** The names whose Parse is not answered, and the group of a pipeline that it is in. */
  readonly #parsing = new Map<string, number>();
  #group = 0;

  /**
   * @param wire The connection.
   * @param statements What is remembered of statements.
   * @param transactions Whether, and how, transactions are opened.
   * @param options How to behave.
   */
  constructor(
    wire: Wire,
    statements: StatementCache,
    transactions: TransactionState,
    options: RunnerOptions,
  ) {
    super(wire, statements, transactions);
    this.#options = options;
  }

  /** Runs what comes in another session, and forgets the one before it. */
  replaceSession(wire: Wire): void {
    this.wire = wire;
    this.lastError = "";
    this.#groupBuffer = null;
    this.#parsing.clear();
    this.statements.restart();
    this.transactions.restart(wire.engine.transactionStatus);
  }

  /** How many bytes wait that have been appended and not sent. */
  get groupSize(): number {
    const { output } = this.wire.engine;
    // While a write is under way, groups that are complete wait in the same buffer.
    const start = output === this.#groupBuffer ? this.#groupStart : 0;
    return output.length - Math.min(start, output.length);
  }

  /** What is remembered of a statement; nothing if it is not worth it. */
  statementOf(request: Request, oids: readonly number[]): Statement {
    if (request.statement !== undefined) return request.statement;
    return request.simple
      ? newStatement(request.text, oids)
      : this.statements.get(request.text, oids);
  }

  /** Writes a statement, with the BEGIN it may need, sends it, and waits for its end. */
  async send(
    request: Request,
    statement: Statement,
    parameters: Parameters,
  ): Promise<Written> {
    const simple = goesSimple(request, statement, this.statements);
    let begin = this.transactions.nextBegin;
    // By the simple protocol nothing would stop the statement if a BEGIN with options failed.
    if (
      begin !== null &&
      (!this.#options.joinBegin || (simple && begin !== "BEGIN"))
    ) {
      await this.command(begin);
      begin = null;
    }
    this.endGroup();
    const [written, beginning] = this.#write(
      begin,
      simple,
      () =>
        simple
          ? writeSimple(this.wire.engine.output, request)
          : this.#extended(request, statement, parameters, true),
    );
    this.wire.flush();
    try {
      await this.finished(written.exchange, request.signal);
    } catch (reason) {
      this.#note(written, statement); // What was aborted may have run all the same.
      throw reason;
    }
    if (beginning !== null && beginning.error !== null) {
      written.exchange.error = beginning.error;
    }
    return written;
  }

  /**
   * Writes a statement without a Sync and without sending it.
   *
   * @param request The statement.
   * @param statement What is remembered of it.
   * @param parameters What writes its parameters.
   * @param resolve Called when it has ended well.
   * @param reject Called with the error when it has not, which may be at once: in
   * a pipeline that waits for a Sync because a statement failed.
   * @returns Its answers.
   */
  append(
    request: Request,
    statement: Statement,
    parameters: Parameters,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): Exchange {
    refuseCopy(request, statement);
    const [{ exchange }] = this.#write(
      this.transactions.nextBegin,
      false,
      () => {
        const written = request.simple || this.#mayBeUnknown(statement)
          ? this.#extended(
            { ...request, prepare: false },
            newStatement(statement.text, statement.oids),
            parameters,
            false,
          )
          : this.#extended(request, statement, parameters, false);
        const { newName } = written;
        if (newName !== null) this.#parsing.set(newName, this.#group);
        statement.inFlight++;
        written.exchange.onSettle = () => {
          statement.inFlight--;
          try {
            this.conclude(written, statement);
          } catch (error) {
            return reject(error);
          }
          resolve();
        };
        return written;
      },
    );
    return exchange;
  }

  /** Rolls back the statements since the last Sync, which are in no other transaction. */
  rollBackAppended(): void {
    this.#write(
      null,
      false,
      () => writeCommand(this.wire.engine.output, "ROLLBACK", false),
    );
    this.statements.noteTag("ROLLBACK");
  }

  /** Sends what was appended, and has the server answer it without ending its transaction. */
  flush(): void {
    writeFlush(this.wire.engine.output);
    this.#send();
  }

  /** Sends what was appended, with a Sync behind it. */
  sync(): SyncExchange {
    this.#group++;
    const sync = new SyncExchange();
    writeSync(this.wire.engine.output);
    this.enqueue(sync);
    this.#send();
    return sync;
  }

  #send(): void {
    const { output } = this.wire.engine;
    this.#groupBuffer = output;
    this.#groupStart = output.length;
    this.wire.flush();
  }

  /** Waits for an exchange. */
  async finished(
    exchange: Exchange,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (signal === undefined) return await exchange.done;
    if (await cancelOnAbort(this.wire, exchange, signal)) throw signal.reason;
  }

  /**
   * Asks for the columns of a statement in a round trip of its own, where dates
   * in its rows could not be read as text.
   *
   * @returns Whether it did.
   */
  async describeFirst(
    request: Request,
    statement: Statement,
  ): Promise<boolean> {
    if (
      statement.fields !== null || statement.multiple ||
      request.binary !== undefined || request.simple ||
      this.#options.readsDatesAsText() ||
      (request.values === null && /;\s*\S/.test(request.text))
    ) return false;
    let begin = this.transactions.nextBegin;
    if (begin !== null && !this.#options.joinBegin) {
      await this.command(begin);
      begin = null;
    }
    this.endGroup();
    const [exchange, beginning] = this.#write(
      begin,
      false,
      () => writeDescription(this.wire.engine.output, statement),
    );
    this.wire.flush();
    await this.finished(exchange, request.signal);
    const failed = beginning?.error ? beginning : exchange;
    if (failed.error !== null) throw this.told(failed);
    rememberFields(statement, exchange.fields ?? []);
    return true;
  }

  /** Forgets under which name a statement is prepared, after it turned out stale. */
  forgetName(written: Written, statement: Statement): void {
    if (isUnknown(written)) statement.name = null;
    else this.statements.forgetName(statement);
  }

  /** Draws the conclusions from a statement that is over, or throws its error. */
  conclude(written: Written, statement: Statement): void {
    const { exchange, collector: { results } } = written;
    if (exchange.error === null) {
      if (results.length > 1) statement.multiple = true;
      else {
        statement.count++;
        const fields = results[0]?.fields ?? [];
        if (statement.fields === null) rememberFields(statement, fields);
      }
    }
    this.#note(written, statement);
    if (exchange.error === null && written.collector.misread) {
      exchange.reject(
        new DataError(
          "Cannot read the rows: a statement before them in the same text changed client_encoding, DateStyle or IntervalStyle, which the server reports too late, so run that statement by itself",
        ),
      );
      written.collector.drop();
    }
    if (exchange.error !== null) throw this.told(exchange);
  }

  /** Takes note of what a statement did to the session, whether it ended well or not. */
  #note(written: Written, statement: Statement): void {
    const { exchange, collector: { results }, newName } = written;
    if (newName !== null) this.#parsing.delete(newName);
    if (isUnknown(written)) {
      if (statement.name === newName) statement.name = null;
    } else if (isStale(exchange)) this.statements.forgetName(statement);
    for (const { commandTag } of results) {
      if (commandTag === null) continue;
      this.transactions.noteTag(commandTag);
      this.statements.noteTag(commandTag);
    }
  }

  /** Whether a statement's name comes from another group, which can still fail before its Parse. */
  #mayBeUnknown({ name }: Statement): boolean {
    return name !== null &&
      (this.#parsing.get(name) ?? this.#group) !== this.#group;
  }

  /**
   * Writes a BEGIN, where one is due, and what comes behind it. If that throws,
   * nothing of it stays in the output.
   */
  #write<T extends Written | Exchange>(
    begin: string | null,
    syncBegin: boolean,
    write: () => T,
  ): [T, Exchange | null] {
    const { output } = this.wire.engine;
    const mark = output.length;
    let beginning: Exchange | null = null;
    let written: T;
    try {
      if (begin !== null) {
        beginning = writeCommand(output, begin, syncBegin);
        // Behind a Sync the statement would run outside of a transaction if this failed.
        beginning.shielded = syncBegin;
      }
      written = write();
    } catch (error) {
      output.rollback(mark);
      if (error instanceof PgError) {
        addCircumstances(error, {
          connectionUsable: true,
          reachedServer: false,
        });
      }
      throw error;
    }
    if (beginning !== null) {
      this.transactions.noteBegin();
      this.enqueue(beginning);
    }
    this.enqueue("exchange" in written ? written.exchange : written);
    return [written, beginning];
  }

  #extended(
    request: Request,
    statement: Statement,
    parameters: Parameters,
    sync: boolean,
  ): Written {
    const written = writeExtended(
      this.wire.engine.output,
      request,
      statement,
      parameters,
      this.statements,
      sync,
    );
    if (written.newName !== null) statement.name = written.newName;
    return written;
  }
}
