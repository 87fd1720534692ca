/**
 * The simple query protocol: one text, any number of statements. See the
 * chapter "Message Flow", section "Simple Query".
 *
 * @module
 */

import { readCommandComplete } from "./backend.ts";
import { readCopyResponse } from "./backend.ts";
import {
  copyRefused,
  readUnwantedCopyOut,
  type UnwantedCopy,
} from "./copy_exchange.ts";
import {
  type Conversation,
  illegalMessage,
  QueryExchange,
  type ResultSink,
} from "./exchange.ts";
import { writeCopyFail } from "./frontend.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { Backend } from "./tags.ts";

/** A text of statements by the simple protocol. */
export class SimpleQueryExchange extends QueryExchange {
  override readonly queryText: string;

  #inRows = false;
  #copy: UnwantedCopy = "none";
  #ended = false;

  /**
   * @param sink Who takes the results, one after the other; `null` drops them.
   * @param queryText The text that was sent.
   */
  constructor(sink: ResultSink | null, queryText: string) {
    super(sink, true);
    this.queryText = queryText;
  }

  override receive(source: ReadBuffer, conversation: Conversation): boolean {
    if (this.failed) {
      throw illegalMessage(source.tag, "after an error, before ReadyForQuery");
    }
    switch (source.tag) {
      case Backend.ROW_DESCRIPTION: {
        this.#betweenStatements(source);
        this.#inRows = true;
        this.#ended = false;
        this.describe(source);
        break;
      }
      case Backend.COMMAND_COMPLETE: {
        if (this.#copy === "in" || this.#copy === "out") {
          throw illegalMessage(source.tag, "in the middle of COPY");
        }
        const tag = readCommandComplete(source);
        this.#inRows = false;
        this.#copy = "none";
        this.#ended = true;
        this.notify((sink) => sink.complete(tag));
        break;
      }
      case Backend.EMPTY_QUERY_RESPONSE:
        this.#betweenStatements(source);
        source.expectEnd();
        this.#ended = true;
        this.notify((sink) => sink.empty());
        break;
      case Backend.COPY_IN_RESPONSE:
        this.#startCopy(source, "in");
        writeCopyFail(
          conversation.output,
          "COPY FROM STDIN cannot be run with execute()",
        );
        conversation.flush();
        break;
      case Backend.COPY_OUT_RESPONSE:
        this.#startCopy(source, "out");
        break;
      case Backend.COPY_DATA:
      case Backend.COPY_DONE:
        this.#copy = readUnwantedCopyOut(source, this.#copy);
        break;
      default:
        throw illegalMessage(source.tag, "in answer to a simple query");
    }
    return false;
  }

  override mayBeReady(): boolean {
    return this.#ended && !this.#inRows && this.#copy === "none";
  }

  override get begun(): boolean {
    return this.#inRows || this.#ended || this.#copy !== "none";
  }

  protected override mayHaveRow(): boolean {
    return this.#inRows;
  }

  #startCopy(source: ReadBuffer, direction: UnwantedCopy): void {
    this.#betweenStatements(source);
    readCopyResponse(source);
    this.#copy = direction;
    this.reject(copyRefused());
  }

  #betweenStatements(source: ReadBuffer): void {
    if (this.#inRows || this.#copy !== "none") {
      throw illegalMessage(
        source.tag,
        "before the statement ahead of it had ended",
      );
    }
  }
}
