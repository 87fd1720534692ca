/**
 * The extended query protocol: one statement parsed, bound, described and
 * executed, or some of these. See the chapter "Message Flow", section "Extended
 * Query".
 *
 * @module
 */

import { OperationalError } from "../errors/base.ts";
import { type FieldDescription, readCommandComplete } from "./backend.ts";
import { readParameterDescription } from "./backend.ts";
import { readCopyResponse } from "./backend.ts";
import {
  copyRefused,
  readUnwantedCopyOut,
  type UnwantedCopy,
} from "./copy_exchange.ts";
import { type Conversation, illegalMessage } from "./exchange.ts";
import { Exchange, QueryExchange, type ResultSink } from "./exchange.ts";
import { writeCopyFail, writeSync } from "./frontend.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { Backend } from "./tags.ts";

/** The answers that are expected, in the order of their bits. */
export const Step = {
  CLOSE: 1,
  PARSE: 2,
  BIND: 4,
  PARAMETERS: 8,
  DESCRIBE: 16,
  EXECUTE: 32,
} as const;

/** What a {@linkcode StatementExchange} is told at its start. */
export interface StatementExchangeOptions {
  /** The bits of {@linkcode Step} for the messages that were sent. */
  steps: number;
  /** How many messages of type Close were sent first, if any. */
  closes?: number;
  /** Whether a Sync of its own follows. */
  sync: boolean;
  /** Whether the columns are known from an earlier run, so that rows come undescribed. */
  described?: boolean;
  /** The text of the statement, to point into from error messages. */
  queryText?: string | null;
}

/** One statement by the extended protocol. */
export class StatementExchange extends QueryExchange {
  /** The OIDs of the parameters, where they were asked for. */
  parameterOids: readonly number[] | null = null;
  /** Whether the server has parsed the statement, so that its name is known there. */
  parsed = false;
  /** Whether the server has bound the parameters: what fails before that has not run. */
  bound = false;
  /** The columns, where they were asked for; empty where there are none. */
  fields: readonly FieldDescription[] | null = null;
  override readonly queryText: string | null;

  #pending: number;
  #closes: number;
  #hasColumns: boolean;
  #copy: UnwantedCopy = "none";

  /**
   * @param sink Who takes the rows; `null` drops them.
   * @param options What was sent.
   */
  constructor(sink: ResultSink | null, options: StatementExchangeOptions) {
    super(sink, options.sync);
    this.#closes = options.closes ?? 0;
    this.#pending = options.steps | (this.#closes > 0 ? Step.CLOSE : 0);
    this.#hasColumns = options.described ?? false;
    this.queryText = options.queryText ?? null;
  }

  override receive(source: ReadBuffer, conversation: Conversation): boolean {
    if (this.failed) {
      throw illegalMessage(source.tag, "after an error, before ReadyForQuery");
    }
    switch (source.tag) {
      case Backend.PARSE_COMPLETE:
        this.#take(Step.PARSE, source);
        this.parsed = true;
        break;
      case Backend.BIND_COMPLETE:
        this.#take(Step.BIND, source);
        this.bound = true;
        break;
      case Backend.CLOSE_COMPLETE:
        if (this.#closes-- > 1) this.#expect(Step.CLOSE, source);
        else this.#take(Step.CLOSE, source);
        break;
      case Backend.PARAMETER_DESCRIPTION:
        this.#take(Step.PARAMETERS, source);
        this.parameterOids = readParameterDescription(source);
        return false;
      case Backend.ROW_DESCRIPTION:
        this.#take(Step.DESCRIBE, source);
        this.#hasColumns = true;
        this.fields = this.describe(source);
        return this.#over();
      case Backend.NO_DATA:
        this.#take(Step.DESCRIBE, source);
        this.fields = [];
        break;
      case Backend.COMMAND_COMPLETE: {
        this.#take(Step.EXECUTE, source);
        const tag = readCommandComplete(source);
        if (this.error === null) this.notify((sink) => sink.complete(tag));
        return this.#over();
      }
      case Backend.EMPTY_QUERY_RESPONSE:
        this.#take(Step.EXECUTE, source);
        this.notify((sink) => sink.empty());
        break;
      case Backend.COPY_IN_RESPONSE:
        this.#expect(Step.EXECUTE, source);
        readCopyResponse(source);
        this.#copy = "in";
        this.#refuseCopyIn(conversation);
        return false;
      case Backend.COPY_OUT_RESPONSE:
        this.#expect(Step.EXECUTE, source);
        readCopyResponse(source);
        this.#copy = "out";
        this.reject(copyRefused());
        return false;
      case Backend.COPY_DATA:
      case Backend.COPY_DONE:
        this.#copy = readUnwantedCopyOut(source, this.#copy);
        return false;
      default:
        throw illegalMessage(source.tag, "in answer to a statement");
    }
    source.expectEnd();
    return this.#over();
  }

  override mayBeReady(): boolean {
    return this.#pending === 0;
  }

  override get begun(): boolean {
    return this.bound;
  }

  protected override mayHaveRow(): boolean {
    return this.#pending === Step.EXECUTE && this.#hasColumns &&
      this.#copy === "none";
  }

  /** Every answer but ReadyForQuery has come. */
  #over(): boolean {
    return this.#pending === 0 && !this.endsWithReady;
  }

  /** A step is legal if all the steps before it are taken: if its bit is the lowest. */
  #expect(step: number, source: ReadBuffer): void {
    const copyAllows = this.#copy === "none" ||
      this.#copy === "done" && source.tag === Backend.COMMAND_COMPLETE;
    if ((this.#pending & -this.#pending) !== step || !copyAllows) {
      throw illegalMessage(source.tag, "out of order in answer to a statement");
    }
  }

  #take(step: number, source: ReadBuffer): void {
    this.#expect(step, source);
    this.#pending &= ~step;
  }

  #refuseCopyIn(conversation: Conversation): void {
    if (!this.endsWithReady) {
      // Messages of other statements have followed, which the server may read as its COPY data.
      throw new OperationalError(
        "Cannot run COPY in a pipeline: the connection had to be closed",
      );
    }
    this.reject(copyRefused());
    writeCopyFail(
      conversation.output,
      "COPY FROM STDIN cannot be run with execute()",
    );
    // The Sync that was sent with the statement has been ignored by the server.
    writeSync(conversation.output);
    conversation.flush();
  }
}

/** A Sync by itself: the end of a pipeline. */
export class SyncExchange extends Exchange {
  /** Expects ReadyForQuery. */
  constructor() {
    super(true);
  }

  override row(source: ReadBuffer): void {
    throw illegalMessage(source.tag, "in answer to Sync");
  }

  override receive(source: ReadBuffer): boolean {
    throw illegalMessage(source.tag, "in answer to Sync");
  }

  override mayBeReady(): boolean {
    return true;
  }

  /** A Sync is not skipped: it ends the skipping. */
  override skip(): void {}
}
